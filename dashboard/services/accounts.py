"""The account of bytes: what departments' ledgers say in the log, against what the copy proxy counted leaving them.

A ledger entry travels with the message after the one it is about, so the log is always a message behind. At rest the
outstanding message is the one that brought a department's last entries, and its size follows from theirs; that is
what lets a surplus be told from an entry that is merely on its way. While a job runs, any message may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from federation.audit.events import Event
from federation.audit.record import Session
from federation.messages import MAX_MESSAGE_BYTES

# A message is its entries plus header, signature and Flower's wrapping, about 440 bytes; a co-signature, the largest of
# what carries no ciphertext, adds about 3,500 in two lines. A process that has enrolled and said nothing else yet has
# sent about 1,900 for its keys.
FRAME_ROOM = 4_608

Finding = Literal["shortened", "unreadable", "unlisted", "surplus", "shortfall"]


@dataclass(slots=True)
class DepartmentLedger:
    """One department's egress entries in the log, per life of its process.

    Attributes:
        sums: bytes per session number.
        last: bytes of the last entry of each session.
        carried: bytes of the entries that its outstanding message brought.
    """

    sums: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    carried: int = 0
    session: int = 0

    def take(self, event: Event, length: int) -> None:
        """Add one event of this department, whose entry has `length` bytes."""
        if event.type == "start":
            self.session = int(event.data.get("session", 0))
        elif event.type == "egress":
            size = int(event.data.get("bytes", 0))
            self.sums[self.session] = self.sums.get(self.session, 0) + size
            self.last[self.session] = size
            if event.data.get("class") != "enrolment":  # those go to the launcher and bring no entries
                self.carried = 0
        self.carried += length


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One department's bytes.

    Attributes:
        recorded: in the log.
        counted: by the copy proxy.
        pending: counted, their ledger entry still on its way.
        unexplained: counted beyond what can be on its way; negative if recorded and never counted.
    """

    party: str
    recorded: int
    counted: int
    pending: int
    unexplained: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All departments' bytes, and what speaks against them.

    Attributes:
        resting: no job runs and all journals have been gathered, so that what is pending has a known bound.
        findings: what does not hold, gravest first; empty is good.
    """

    balances: tuple[Balance, ...]
    resting: bool
    findings: tuple[Finding, ...]

    @property
    def recorded(self) -> int:
        """Bytes in the log."""
        return sum(balance.recorded for balance in self.balances)

    @property
    def counted(self) -> int:
        """Bytes the copy proxy counted."""
        return sum(balance.counted for balance in self.balances)

    @property
    def pending(self) -> int:
        """Bytes whose ledger entries are on their way."""
        return sum(balance.pending for balance in self.balances)


def settle(
    ledgers: Mapping[str, DepartmentLedger],
    sessions: Iterable[Session],
    *,
    resting: bool,
    shortened: bool = False,
    unreadable: int = 0,
    unlisted: int = 0,
) -> Account:
    """Hold ledgers against counts, department by department and session by session.

    Args:
        resting: see Account.
        shortened: the log has lost entries that it had.
        unreadable: entries that are no events.
        unlisted: messages of a class that no gateway of ours lets out.
    """
    counted: dict[str, dict[int, Session]] = {party: {} for party in ledgers}
    for session in sessions:
        if session.party in counted:  # the dealer is counted, too, but is no department and has no ledger
            counted[session.party][session.number] = session
    balances = tuple(_balance(party, ledger, counted[party], resting) for party, ledger in ledgers.items())
    found: dict[Finding, bool] = {
        "shortened": shortened,
        "unreadable": unreadable > 0,
        "unlisted": unlisted > 0,
        "surplus": any(balance.unexplained > 0 for balance in balances),
        "shortfall": any(balance.unexplained < 0 for balance in balances),
    }
    return Account(
        balances=balances, resting=resting, findings=tuple(finding for finding, holds in found.items() if holds)
    )


def _balance(party: str, ledger: DepartmentLedger, sessions: Mapping[int, Session], resting: bool) -> Balance:
    newest = max(ledger.sums, default=0)
    pending = unexplained = 0
    for number in sorted({*ledger.sums, *sessions}):
        session = sessions.get(number, Session(party, number, 0, 0, False))
        gap = session.sent - ledger.sums.get(number, 0)
        if gap < 0 and session.ended and -gap <= ledger.last.get(number, 0):
            continue  # a killed process may have recorded one message that it never sent
        if number < newest or gap < 0:
            unexplained += gap  # a later life's entries are in the log, so all of this one's are
            continue
        room = FRAME_ROOM + (ledger.carried if number == newest else 0)
        room = room if resting else 2 * MAX_MESSAGE_BYTES
        pending += min(gap, room)
        unexplained += max(gap - room, 0)
    return Balance(
        party=party,
        recorded=sum(ledger.sums.values()),
        counted=sum(session.sent for session in sessions.values()),
        pending=pending,
        unexplained=unexplained,
    )
