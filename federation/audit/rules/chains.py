"""(5) Every entry is signed by the party that it names, chained without gap, in this log; journals agree with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from crypto.errors import SignatureError
from federation.audit.events import FIRST_PREV, Event, read_event
from federation.audit.rules.findings import Written, in_log, wrong
from federation.errors import RecordError
from federation.governance.roster import Role, Roster

# Whose chain may hold what; events of any other type may stand in anybody's.
WRITERS: dict[str, frozenset[Role]] = {
    "enrol": frozenset({"coordinator", "department"}),
    "start": frozenset({"coordinator", "department"}),
    "incident": frozenset({"coordinator", "department", "analyst"}),
    "drill": frozenset({"coordinator", "department", "analyst"}),
    **dict.fromkeys(("request.submit", "result.read"), frozenset[Role]({"analyst"})),
    **dict.fromkeys(("job.start", "job.end", "receipt"), frozenset[Role]({"coordinator"})),
}
DEPARTMENTS = frozenset[Role]({"department"})


class Link(NamedTuple):
    """Where a party's chain goes on: the next number, the last entry's hash, and what was seen last."""

    seq: int = 0
    prev: str = FIRST_PREV
    seen: int = 0


class Chains:
    """The parties' chains, followed entry by entry."""

    def __init__(self, roster: Roster) -> None:
        self._roster, self._keys = roster, roster.signers
        self._roles = {party.name: party.role for party in roster.parties}
        self._hash = roster.hash
        self.links: dict[str, Link] = {}

    def follow(self, entry: bytes, where: str, *, of: str = "") -> Event:
        """Verify the next entry and take it into its chain.

        Args:
            of: the only party whose event it may be.

        Raises:
            RecordError: it is not that, or not signed by its party, of another log, or does not follow.
        """
        try:
            event = read_event(entry, self._keys)
        except (SignatureError, ValueError) as exc:
            raise wrong(where, "it is not signed by its party, or was altered") from exc
        link = self.links.get(event.node) or Link()
        if event.log != self._roster.origin:
            raise wrong(where, "it is of another log")
        if of not in ("", event.node):
            raise wrong(where, f"it is an event of {event.node}")
        if (event.seq, event.prev) != link[:2]:
            raise wrong(where, f"it does not follow the event before it in the chain of {event.node}")
        if event.seen.size < link.seen:
            raise wrong(where, f"{event.node} has seen less of the log than before")
        if self._roles[event.node] not in WRITERS.get(event.type, DEPARTMENTS):
            raise wrong(where, f"{event.node} may not do this")
        if event.type == "enrol" and event.data.get("roster") != self._hash:
            raise wrong(where, f"{event.node} enrolled under another roster")
        self.links[event.node] = Link(event.seq + 1, hashlib.sha256(entry).hexdigest(), event.seen.size)
        return event


class Read(NamedTuple):
    """The log's events, up to the first one that is wrong.

    Attributes:
        fault: what is wrong with the entry after the last of `events`; None if there is none.
    """

    events: list[Event]
    fault: RecordError | None

    def blame(self, size: int) -> None:
        """Raise the fault if it is among the first `size` entries."""
        if self.fault is not None and len(self.events) < size:
            raise self.fault


def read_entries(entries: Sequence[bytes], chains: Chains) -> Read:
    """Read the log's entries; each signature is checked here, and nowhere again."""
    events: list[Event] = []
    for entry in entries:
        try:
            events.append(chains.follow(entry, f"entry {len(events)}"))
        except RecordError as fault:
            return Read(events, fault)
    return Read(events, None)


def read_journal(party: str, journal: Sequence[bytes], logged: Sequence[bytes], chains: Chains) -> list[Written]:
    """The log is a prefix of the journal; returns what is not there yet, signed and chained like the rest.

    Raises:
        RecordError: it is not.
    """
    if list(journal[: len(logged)]) != list(logged):
        at = next((i for i, (a, b) in enumerate(zip(journal, logged, strict=False)) if a != b), len(journal))
        raise wrong(f"journal of {party}, event {at}", "the log has another one in its place")
    return [
        Written(None, chains.follow(entry, f"journal of {party}, event {number}", of=party))
        for number, entry in enumerate(journal[len(logged) :], len(logged))
    ]


def check_seen(events: Sequence[Event], roots: Mapping[int, bytes]) -> None:
    """What every event has seen is a beginning of this log that was there before it.

    Raises:
        RecordError: it is not.
    """
    for written in in_log(events):
        size, root = written.event.seen.size, written.event.seen.root
        if size > (written.place or 0) or (root != roots[size].hex() if size else root):
            raise wrong(written.where, "it has seen a checkpoint that this log never had")
