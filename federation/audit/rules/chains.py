"""(5) Every entry is signed by the party that it names, chained without gap, in this log; journals agree with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from crypto.errors import SignatureError
from federation.audit.events import FIRST_PREV, Event, read_event
from federation.audit.rules.findings import Written, wrong
from federation.errors import RecordError
from federation.governance.roster import Role, Roster

# Whose chain may hold what; events of any other type may stand in anybody's.
WRITERS: dict[str, frozenset[Role]] = {
    "enrol": frozenset({"coordinator", "department"}),
    "start": frozenset({"coordinator", "department"}),
    "incident": frozenset({"coordinator", "department", "analyst"}),
    "drill": frozenset({"coordinator", "department", "analyst"}),
    **dict.fromkeys(("request.submit", "result.read"), frozenset[Role]({"analyst"})),
    **dict.fromkeys(("job.start", "job.end", "receipt", "round", "model"), frozenset[Role]({"coordinator"})),
}
DEPARTMENTS = frozenset[Role]({"department"})


class Link(NamedTuple):
    """Where a party's chain goes on: the next number, the last entry's hash, and what was seen last."""

    seq: int = 0
    prev: str = FIRST_PREV
    seen: int = 0


FIRST = Link()


def _wrong(number: int, of: str, reason: str) -> RecordError:
    return wrong(f"journal of {of}, event {number}" if of else f"entry {number}", reason)


def _enrols(event: Event) -> bool:
    """Whether a process has just begun: it opens its mirror once it has enrolled, and has seen nothing before."""
    return event.type in ("start", "enrol") or (event.type == "egress" and event.data.get("class") == "enrolment")


class Chains:
    """The parties' chains, followed entry by entry."""

    def __init__(self, roster: Roster) -> None:
        self._roster, self._keys = roster, roster.signers
        self._roles = {party.name: party.role for party in roster.parties}
        self._hash = roster.hash
        self.links: dict[str, Link] = {}

    def follow(self, entry: bytes, number: int, *, of: str = "") -> Event:
        """Verify the next entry and take it into its chain.

        Args:
            number: in the log, or in the journal of the party `of`, whose event it then has to be.

        Raises:
            RecordError: it is not that, or not signed by its party, of another log, or does not follow.
        """
        try:
            event = read_event(entry, self._keys)
        except (SignatureError, ValueError) as exc:
            raise _wrong(number, of, "it is not signed by its party, or was altered") from exc
        node, link = event.node, self.links.get(event.node, FIRST)
        if event.log != self._roster.origin:
            raise _wrong(number, of, "it is of another log")
        if of and node != of:
            raise _wrong(number, of, f"it is an event of {node}")
        if event.seq != link.seq or event.prev != link.prev:
            raise _wrong(number, of, f"it does not follow the event before it in the chain of {node}")
        if event.seen.size < link.seen and not (event.seen.size == 0 and _enrols(event)):
            raise _wrong(number, of, f"{node} has seen less of the log than before")
        if self._roles[node] not in WRITERS.get(event.type, DEPARTMENTS):
            raise _wrong(number, of, f"{node} may not do this")
        if event.type == "enrol" and event.data.get("roster") != self._hash:
            raise _wrong(number, of, f"{node} enrolled under another roster")
        self.links[node] = Link(event.seq + 1, hashlib.sha256(entry).hexdigest(), max(link.seen, event.seen.size))
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
            events.append(chains.follow(entry, len(events)))
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
        Written(None, chains.follow(entry, number, of=party))
        for number, entry in enumerate(journal[len(logged) :], len(logged))
    ]


def check_seen(events: Sequence[Event], roots: Mapping[int, bytes]) -> None:
    """What every event has seen is a beginning of this log that was there before it.

    Raises:
        RecordError: it is not.
    """
    known = {size: root.hex() for size, root in roots.items()} | {0: ""}
    for index, event in enumerate(events):
        seen = event.seen
        if seen.size > index or seen.root != known[seen.size]:
            raise wrong(f"entry {index}", "it has seen a checkpoint that this log never had")
