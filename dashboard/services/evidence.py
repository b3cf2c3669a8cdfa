"""The log's tree, read for one entry at a time: the entry, its way to a checkpoint, and what joins two checkpoints.

RFC 9162, section 2.1, out of the coordinator's own database, read only. A proof that does not lead to the signed root
is not handed out; what a browser is given to fold has been folded here before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from crypto.errors import SignatureError
from crypto.notes import append_lines, read_checkpoint
from federation.audit.events import Event, peek_event
from federation.audit.record import COORDINATOR
from federation.audit.tree import HASH_BYTES, TILE_WIDTH, Tree
from federation.errors import KeyongError, RecordError

LEAST_PREFIX = 4  # hexadecimal digits: fewer would find anything


class Line(NamedTuple):
    """One entry, as a list names it; `kind` is "" if it is no event."""

    number: int
    time: str
    party: str
    kind: str
    job: str
    actor: str


class Step(NamedTuple):
    """One level of an inclusion proof: the hash beside the way, and whether it stands at the left."""

    sibling: str
    left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How an entry leads to a checkpoint.

    Attributes:
        size: of the checkpoint.
        root: hex, as signed.
        steps: from the bottom up.
    """

    number: int
    entry: bytes
    size: int
    root: str
    steps: tuple[Step, ...]


class Evidence:
    """One log, open for reading."""

    def __init__(self, db: sqlite3.Connection, tree: Tree) -> None:
        self._db, self._tree = db, tree

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self._tree.size

    def entry(self, number: int) -> bytes | None:
        """One entry; None if there is none of this number."""
        row = self._db.execute("SELECT entry FROM leaf WHERE idx = ?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def lines(self, wanted: Callable[[Line], bool], *, before: int, most: int) -> list[Line]:
        """Entries below a number, newest first; reads no more of the log than it has to."""
        found = []
        for number, entry in self._db.execute("SELECT idx, entry FROM leaf WHERE idx < ? ORDER BY idx DESC", (before,)):
            line = _line(number, entry)
            if wanted(line):
                found.append(line)
                if len(found) == most:
                    break
        return found

    def find(self, text: str) -> int | None:
        """Find an entry by its number or by the first hexadecimal digits of its leaf hash; None if there is none."""
        text = text.strip().lower().removeprefix("#")
        if text.isdecimal() and int(text) < self.size:
            return int(text)
        if len(text) < LEAST_PREFIX or not set(text) <= set("0123456789abcdef"):
            return None
        whole = bytes.fromhex(text[: len(text) // 2 * 2])  # an odd digit at the end is compared below
        for tile, hashes in self._db.execute("SELECT idx, hashes FROM tile WHERE level = 0 ORDER BY idx DESC"):
            place = hashes.find(whole)
            while place >= 0:
                if place % HASH_BYTES == 0 and hashes[place : place + HASH_BYTES].hex().startswith(text):
                    return int(tile * TILE_WIDTH + place // HASH_BYTES)
                place = hashes.find(whole, place + 1)
        return None

    def sealed_sizes(self, *, most: int = 200) -> list[int]:
        """Sizes of the checkpoints that have cosignatures, newest first."""
        rows = self._db.execute("SELECT DISTINCT size FROM cosignature ORDER BY size DESC LIMIT ?", (most,))
        return [int(size) for (size,) in rows]

    def last_size(self) -> int:
        """The size of the newest checkpoint; 0 before the first."""
        return int(self._db.execute("SELECT coalesce(max(size), 0) FROM checkpoint").fetchone()[0])

    def note(self, size: int) -> str:
        """A checkpoint with whatever cosignatures are known for it.

        Raises:
            RecordError: there is none of this size, or it is malformed.
        """
        row = self._db.execute("SELECT note FROM checkpoint WHERE size = ?", (size,)).fetchone()
        lines = self._db.execute("SELECT line FROM cosignature WHERE size = ? ORDER BY name, length(line)", (size,))
        try:
            return append_lines(str(row[0]), [line for (line,) in lines])
        except (TypeError, SignatureError) as exc:
            raise RecordError("record.damaged", file="log.db") from exc

    def way(self, number: int, size: int) -> Way:
        """How entry `number` leads to the checkpoint of this size.

        Raises:
            RecordError: what is stored does not lead to the signed root.
            ValueError: no such entry under this checkpoint.
        """
        root = self._root(size)
        entry = self.entry(number)
        proof = self._tree.inclusion_proof(number, size=size, root=root)
        assert entry is not None  # noqa: S101 - the proof would have been refused
        steps = tuple(Step(sibling.hex(), left) for sibling, left in zip(proof, sides(number, size), strict=True))
        return Way(number=number, entry=entry, size=size, root=root.hex(), steps=steps)

    def growth(self, old: int, new: int) -> list[str]:
        """The hashes that show that the later checkpoint has everything the earlier one has.

        Raises:
            RecordError: what is stored does not lead from one signed root to the other.
        """
        proof = self._tree.consistency_proof(old, new, old_root=self._root(old), new_root=self._root(new))
        return [one.hex() for one in proof]

    def root_at(self, size: int) -> str:
        """The root of the first entries, recomputed from the stored hashes, hex."""
        return self._tree.root(size).hex()

    def _root(self, size: int) -> bytes:
        text, _, _ = self.note(size).partition("\n\n")
        try:
            return read_checkpoint(f"{text}\n")[2]
        except SignatureError as exc:
            raise RecordError("record.damaged", file="log.db") from exc


@contextmanager
def evidence(home: Path) -> Iterator[Evidence]:
    """Open a home's log for reading.

    Raises:
        RecordError: there is none, it is no database, or it is damaged.
    """
    file = home / "parties" / COORDINATOR / "log.db"
    if not file.exists():
        raise RecordError("record.empty")
    try:
        db = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            yield Evidence(db, Tree(db, file))
        finally:
            db.close()
    except RecordError:
        raise
    except (sqlite3.Error, KeyongError) as exc:
        raise RecordError("record.damaged", file=file.name) from exc


def sides(number: int, size: int) -> Iterator[bool]:
    """Whether each hash of an entry's inclusion proof stands at the left, from the bottom up."""
    last = size - 1
    while last:
        if number % 2:
            yield True
        elif number < last:
            yield False
        number, last = number // 2, last // 2


def event_of(entry: bytes) -> Event | None:
    """Read an entry's event without checking it; None if it is none."""
    try:
        return peek_event(entry)
    except ValueError:
        return None


class _Envelope(msgspec.Struct):
    payload: bytes


class _Actor(msgspec.Struct):
    name: str


class _Header(msgspec.Struct):
    """As much of an event as a list shows: reading the rest would take most of the time."""

    time: str
    node: str
    type: str
    job: str
    actor: _Actor


_envelopes, _headers = msgspec.json.Decoder(_Envelope), msgspec.json.Decoder(_Header)


def _line(number: int, entry: bytes) -> Line:
    try:
        header = _headers.decode(_envelopes.decode(entry).payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Line(number, "", "", "", "", "")
    return Line(number, header.time, header.node, header.type, header.job, header.actor.name)
