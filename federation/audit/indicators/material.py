"""What indicators are worked out from: a record's values, handed in, and what several of them need of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import msgspec

from federation.audit.events import Event, EventType
from federation.audit.seal import quorum, read_cosigned
from federation.audit.verify import Verdict
from federation.errors import RefusedError
from federation.governance.members import suspended
from federation.governance.roster import Roster
from federation.governance.statements import AnyStatement, moment, read_statement
from federation.plan import Plan
from federation.settings import Catalogue


class Drills(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of attacks on purpose, told by whoever ran them.

    Attributes:
        tampered: alterations of a record that have to be noticed; caught: those that were.
        beyond: alterations that nobody can notice, tried as well.
        planted: leaks of the kinds that the search claims to find; found: those it found.
        false_alarms: findings where nothing was planted.
    """

    tampered: int = 0
    caught: int = 0
    beyond: int = 0
    planted: int = 0
    found: int = 0
    false_alarms: int = 0


@dataclass(frozen=True, slots=True)
class Placed:
    """An event and its index in the log."""

    index: int
    event: Event


@dataclass(frozen=True, slots=True)
class Said:
    """An officer's act in the log.

    Attributes:
        statement: None if there is none, or its signatures do not hold.
    """

    index: int
    event: Event
    statement: AnyStatement | None


class Sealed(NamedTuple):
    """A checkpoint that a quorum co-signed.

    Attributes:
        time_s: when the quorum was reached, POSIX seconds.
    """

    size: int
    time_s: int
    witnesses: tuple[str, ...]
    quorum: int


@dataclass(frozen=True, kw_only=True)
class Material:
    """All there is to compute from.

    Attributes:
        events: the log's, in its order.
        verdict: what verifying the record gave; None if it was not verified.
        notes: checkpoints with their cosignatures, by size, ascending.
        plans: of the jobs, as far as somebody who holds them handed them over, by hash.
    """

    events: Sequence[Event]
    roster: Roster
    catalogue: Catalogue
    verdict: Verdict | None
    notes: Sequence[tuple[int, str]]
    now: datetime
    drills: Drills | None
    plans: Mapping[str, Plan]

    def of_type(self, *types: EventType) -> Iterator[Placed]:
        """The events of some types, with their indexes."""
        return (Placed(at, event) for at, event in enumerate(self.events) if event.type in types)

    def said(self, kind: EventType) -> list[Said]:
        """Officers' acts of one type, their statements verified under the roster."""
        return [Said(p.index, p.event, self._statement(p.event)) for p in self.of_type(kind)]

    def _statement(self, event: Event) -> AnyStatement | None:
        try:
            return read_statement(str(event.data.get("statement", "")), self.roster, department=event.node)[0]
        except RefusedError:
            return None

    @cached_property
    def grants(self) -> list[Said]:
        """Every approval, by an officer or by a rule."""
        return self.said("approval.grant")

    @cached_property
    def departments(self) -> tuple[str, ...]:
        """The data owners."""
        return self.roster.names("department")

    @cached_property
    def outcomes(self) -> dict[str, Placed]:
        """How each job ended, by its last `job.end`."""
        return {placed.event.job: placed for placed in self.of_type("job.end")}

    @cached_property
    def last_starts(self) -> dict[str, Placed]:
        """How each department's process started last."""
        return {p.event.node: p for p in self.of_type("start") if p.event.node in self.departments}

    @cached_property
    def seals(self) -> list[Sealed]:
        """The checkpoints that a quorum of those departments co-signed that counted then.

        Raises:
            RefusedError: a note is no checkpoint of this log.
        """
        acts = list(self.of_type("member.suspend", "member.resume"))
        found = []
        for size, note in self.notes:
            out = suspended((act.event for act in acts if act.index < size), self.departments)
            counted = [name for name in self.departments if name not in out]
            times = read_cosigned(note, self.roster).times
            there, needed = sorted(times[name] for name in counted if name in times), quorum(len(counted))
            if len(there) >= needed:
                found.append(Sealed(size, there[needed - 1], tuple(sorted(times)), needed))
        return found


def milliseconds(event: Event) -> int:
    """An event's time as its party wrote it, POSIX milliseconds.

    Raises:
        ValueError: it is written in another form.
    """
    return round(moment(event.time).timestamp() * 1000)
