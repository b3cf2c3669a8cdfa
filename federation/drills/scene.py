"""A finished record in memory, to be shown altered: as it lies in a home, or as it stands in an evaluator's bundle.

`unfold` and `fold` let parties forge their own past: the events in their order, with the checkpoints between them, are
changed at will and then signed, chained, sealed and counted anew by whoever takes part in the forgery.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from crypto.merkle import root_hash
from crypto.notes import append_lines, cosign, read_checkpoint, sign_note
from crypto.signing import HybridKey, SigningKey
from federation.audit.events import FIRST_PREV, Event, Seen, peek_event, sign_event
from federation.audit.log import checkpoint_text
from federation.audit.mirror import Mirror
from federation.audit.record import COORDINATOR, Logged, RecordReader, Session
from federation.audit.rules.checkpoints import Keys, Leaves, read_checkpoints
from federation.audit.rules.keys import Trust
from federation.audit.seal import quorum
from federation.governance.roster import Roster


class Mark(NamedTuple):
    """Where a checkpoint stands among the events.

    Attributes:
        size: that it had.
        times: who co-signed it, and when.
    """

    size: int
    times: dict[str, int]


Item = Event | Mark
Change = Callable[[list[Item]], list[Item]]


@dataclass(slots=True, kw_only=True)
class Scene:
    """A record as whoever shows it would have it seen; it meets `federation.audit.record.Record`.

    Attributes:
        pinned: the roster by who holds it.
        keys: everybody's event keys; `witnesses` everybody's cosigning keys.
        with_journals: whether journals are shown.
    """

    roster: Roster
    pinned: dict[str, bytes]
    entries: list[bytes]
    notes: list[str]
    shown_heads: dict[str, str]
    counted: list[Session]
    journals: dict[str, list[bytes]]
    keys: Mapping[str, SigningKey] = field(repr=False)
    witnesses: Mapping[str, HybridKey] = field(repr=False)
    with_journals: bool = True

    @classmethod
    def of_home(cls, home: Path) -> Scene:
        """Read a home that nobody runs in, with all the keys that lie in it."""
        reader = RecordReader(home)
        pinned = reader.rosters()
        roster = Roster.from_bytes(pinned[COORDINATOR])
        log = reader.log()
        files = [*home.glob("parties/*/identity.key"), *home.glob("analysts/*/identity.key")]
        return cls(
            roster=roster,
            pinned=dict(pinned),
            entries=log.entries,
            notes=log.notes,
            shown_heads=reader.heads(),
            counted=reader.sessions(),
            journals={name: reader.journal(name) for name in (COORDINATOR, *roster.names("department"))},
            keys={file.parent.name: SigningKey.from_bytes(file.read_bytes()[:32]) for file in files},
            witnesses={name: _witness_key(home, roster, name) for name in roster.names("department")},
        )

    def copy(self) -> Scene:
        """Another one, to be altered."""
        return dataclasses.replace(
            self,
            pinned=dict(self.pinned),
            entries=list(self.entries),
            notes=list(self.notes),
            shown_heads=dict(self.shown_heads),
            counted=list(self.counted),
            journals={name: list(journal) for name, journal in self.journals.items()},
        )

    # -- the record ---------------------------------------------------------------------------------------------------

    def rosters(self) -> Mapping[str, bytes]:
        """See `Record`."""
        return self.pinned

    def log(self) -> Logged:
        """See `Record`."""
        return Logged(self.entries, self.notes)

    def heads(self) -> Mapping[str, str]:
        """See `Record`."""
        return self.shown_heads

    def sessions(self) -> Sequence[Session]:
        """See `Record`."""
        return self.counted

    def journal(self, party: str) -> Sequence[bytes] | None:
        """See `Record`."""
        return self.journals[party] if self.with_journals else None

    # -- as a bundle --------------------------------------------------------------------------------------------------

    def sealed_sizes(self) -> list[int]:
        """The sizes of the checkpoints that a quorum co-signed."""
        enough = quorum(len(self.roster.names("department")))
        return [mark.size for mark in self.unfold() if isinstance(mark, Mark) and len(mark.times) >= enough]

    def bundle(self, sizes: Sequence[int] = ()) -> Scene:
        """What an evaluator takes away: some of the checkpoints, and the entries up to the last of them.

        Args:
            sizes: the checkpoints that go into it; the sealed ones by default.
        """
        sizes = sizes or self.sealed_sizes()
        return dataclasses.replace(
            self.copy(),
            pinned={"bundle": self.roster.to_bytes()},
            entries=self.entries[: max(sizes)],
            notes=[note for note in self.notes if size_of(note) in sizes],
            shown_heads={},
            with_journals=False,
        )

    def trust(self, *, heads: Collection[str] = ()) -> Trust:
        """What an evaluator has from the departments.

        Args:
            heads: which of the departments gave their head away.
        """
        roster = self.roster
        departments = [party for party in roster.parties if party.role == "department"]
        return Trust(
            origin=roster.origin,
            log_key=roster.signers[COORDINATOR],
            witnesses={party.name: party.witness for party in departments},
            quorum=quorum(len(departments)),
            signers={name: key for name, key in roster.signers.items() if name != COORDINATOR},
            officers={officer.name: officer.public for officer in roster.officers},
            heads={name: self.shown_heads[name] for name in heads},
        )

    # -- what can be looked up ----------------------------------------------------------------------------------------

    def events(self) -> list[Event]:
        """The log's events, unverified."""
        return [peek_event(entry) for entry in self.entries]

    def unfold(self) -> list[Item]:
        """The log's events, and behind them the checkpoints that end there."""
        checkpoints = {cp.size: Mark(cp.size, cp.times) for cp in read_checkpoints(self.notes, Keys(self.roster))}
        items: list[Item] = []
        for size, event in enumerate(self.events(), 1):
            items.append(event)
            if size in checkpoints:
                items.append(checkpoints[size])
        return items

    # -- what can be forged -------------------------------------------------------------------------------------------

    def note(self, entries: Sequence[bytes], times: Mapping[str, int], *, key: SigningKey | None = None) -> str:
        """A checkpoint over entries, signed by the coordinator and co-signed by departments at these times."""
        return self._note(len(entries), root_hash(entries), times, key or self.keys[COORDINATOR])

    def _note(self, size: int, root: bytes, times: Mapping[str, int], key: SigningKey) -> str:
        origin = self.roster.origin
        text = checkpoint_text(origin, size, root)
        lines = [
            line
            for name, at in times.items()
            for line in cosign(self.witnesses[name], self.roster.cosigner_name(name), text, time_s=at)
        ]
        return append_lines(sign_note(key, origin, text), lines)

    def fold(self, items: Sequence[Item], *, forgers: Collection[str] | None = None) -> Scene:
        """Sign another past.

        Args:
            forgers: the departments whose witnesses co-sign it; all by default.
        """
        who = set(self.roster.names("department") if forgers is None else forgers)
        chains: dict[str, tuple[int, str]] = {}
        moved: dict[int, Seen] = {0: Seen()}
        notes: dict[int, str] = {}
        entries, leaves = list[bytes](), Leaves()
        journals: dict[str, list[bytes]] = {name: [] for name in self.journals}
        for item in items:
            if isinstance(item, Mark):
                times = {name: at for name, at in item.times.items() if name in who}
                size, root = len(entries), leaves.root()
                notes[size] = self._note(size, root, times, self.keys[COORDINATOR])
                moved[item.size] = Seen(size=size, root=root.hex())
            else:
                entry = self._sign(item, chains, moved)
                entries.append(entry)
                leaves.append(entry)
                if item.node in journals:
                    journals[item.node].append(entry)
        for name, tail in self._tails().items():
            journals[name] += [self._sign(event, chains, moved) for event in tail]
        heads = {name: notes[moved[size_of(note)].size] for name, note in self.shown_heads.items()}
        return dataclasses.replace(
            self.copy(),
            entries=entries,
            notes=[notes[size] for size in sorted(notes)],
            shown_heads=heads,
            journals=journals,
            counted=_count(self.counted, journals),
        )

    def _sign(self, event: Event, chains: dict[str, tuple[int, str]], moved: Mapping[int, Seen]) -> bytes:
        """Sign an event as the next one of its chain, having seen what its checkpoint has become."""
        seq, prev = chains.get(event.node, (0, FIRST_PREV))
        seen = moved.get(event.seen.size, event.seen)
        entry = sign_event(msgspec.structs.replace(event, seq=seq, prev=prev, seen=seen), self.keys[event.node])
        chains[event.node] = (seq + 1, hashlib.sha256(entry).hexdigest())
        return entry

    def _tails(self) -> dict[str, list[Event]]:
        """What the journals hold and the log does not."""
        logged = [event.node for event in self.events()]
        return {name: list(map(peek_event, journal[logged.count(name) :])) for name, journal in self.journals.items()}

    def forged(self, change: Change, *, forgers: Collection[str] | None = None) -> Scene:
        """The record after a change of its past; see `fold`."""
        return self.fold(change(self.unfold()), forgers=forgers)


def find(items: Sequence[Item], kind: str, node: str, *, job: str, **data: object) -> int:
    """Where the first such event stands among others."""
    return next(
        at
        for at, item in enumerate(items)
        if isinstance(item, Event)
        and (item.type, item.node, item.job) == (kind, node, job)
        and data.items() <= item.data.items()
    )


def size_of(note: str) -> int:
    """The size that a checkpoint states."""
    return read_checkpoint(note.partition("\n\n")[0] + "\n")[1]


def index_in(items: Sequence[Item], at: int) -> int:
    """The index in the log of the item that stands at `at` between the marks."""
    return sum(isinstance(item, Event) for item in items[:at])


def _witness_key(home: Path, roster: Roster, name: str) -> HybridKey:
    mirror = Mirror(home / "parties" / name / "witness.db", origin=roster.origin, party=name)
    try:
        return mirror.key
    finally:
        mirror.close()


def _count(counted: Sequence[Session], journals: Mapping[str, Sequence[bytes]]) -> list[Session]:
    """Let the proxy's counts be those of forged ledgers."""
    sums: dict[tuple[str, int], int] = {}
    for name, journal in journals.items():
        number = 0
        for event in map(peek_event, journal):
            session, size = event.data.get("session"), event.data.get("bytes")
            if event.type == "start" and isinstance(session, int):
                number = session
            elif event.type == "egress" and isinstance(size, int):
                sums[name, number] = sums.get((name, number), 0) + size
    return [session._replace(sent=sums.get((session.party, session.number), 0)) for session in counted]


def posix(text: str) -> int:
    """A time of an event in whole seconds."""
    return int(datetime.fromisoformat(text).timestamp())
