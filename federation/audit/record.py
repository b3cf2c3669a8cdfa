"""The whole record of one home, read without changing anything: for the check, the tail, and the dashboard."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from crypto.errors import SignatureError
from crypto.notes import append_lines
from federation.errors import RecordError

COORDINATOR = "coordinator"


class Session(NamedTuple):
    """Bytes that the launcher's copy proxy counted in one life of one department's process."""

    party: str
    number: int
    sent: int
    received: int
    ended: bool


class Logged(NamedTuple):
    """The log at one moment.

    Attributes:
        entries: all of them, in order.
        notes: every checkpoint that there is, ascending, with all the cosignatures that there are.
    """

    entries: list[bytes]
    notes: list[str]


class Record(Protocol):
    """What is verified: a home's files or a bundle's, or anything that can say the same."""

    def rosters(self) -> Mapping[str, bytes]:
        """The roster, canonical bytes, by who holds it."""
        ...

    def log(self) -> Logged:
        """Entries and checkpoints of one moment."""
        ...

    def heads(self) -> Mapping[str, str]:
        """By department, the checkpoint it co-signed last, with its lines."""
        ...

    def sessions(self) -> Sequence[Session]:
        """What the copy proxy counted."""
        ...

    def journal(self, party: str) -> Sequence[bytes] | None:
        """A party's own journal; None if journals are not part of this record."""
        ...


class Public(msgspec.Struct, frozen=True, kw_only=True):
    """What a screen needs to know of a federation besides its record.

    Attributes:
        labels: departments' Chinese names; labels_en their English ones.
        stores: per department, its tables and the adapter each is read by.
        unconfined: why parties are plain processes; "" if they are confined.
        networked: departments that keep the network although parties are confined.
        runtime: what carries messages: "local" socket pairs, or "flower" SuperLink and SuperNodes.
    """

    name: str
    departments: tuple[str, ...]
    labels: dict[str, str]
    labels_en: dict[str, str]
    unconfined: str
    stores: dict[str, dict[str, str]] = {}
    networked: tuple[str, ...] = ()
    runtime: str = "local"


class RecordReader:
    """Reads the files of a home; every call sees what is on disk then."""

    def __init__(self, home: Path) -> None:
        """Name the home.

        Raises:
            RecordError: there is no record here.
        """
        self._home = home
        if not self._log_file.exists():
            raise RecordError("record.empty")

    @property
    def _log_file(self) -> Path:
        return self._home / "parties" / COORDINATOR / "log.db"

    def entries(self, start: int = 0) -> list[bytes]:
        """The log's entries from index `start` on."""
        return [
            row[0] for row in self._read(self._log_file, "SELECT entry FROM leaf WHERE idx >= ? ORDER BY idx", start)
        ]

    def log(self) -> Logged:
        """Entries and checkpoints as they were at one moment, whoever writes meanwhile.

        Raises:
            RecordError: the file cannot be read, or a line beside a checkpoint is no signature line.
        """
        lines: dict[int, list[str]] = {}
        with self._reading(self._log_file) as db:
            db.execute("BEGIN")
            entries = [row[0] for row in db.execute("SELECT entry FROM leaf ORDER BY idx")]
            checkpoints = db.execute("SELECT size, note FROM checkpoint ORDER BY size").fetchall()
            for size, line in db.execute("SELECT size, line FROM cosignature ORDER BY size, name, length(line)"):
                lines.setdefault(size, []).append(line)
        notes = []
        for size, note in checkpoints:
            try:
                notes.append(append_lines(note, lines[size]) if size in lines else note)
            except SignatureError as exc:
                reason = "it is not signed by the coordinator, or what stands beside it is no signature"
                raise RecordError("record.invalid", where=f"checkpoint {size}", reason=reason) from exc
        return Logged(entries, notes)

    def size(self) -> int:
        """How many entries the log has."""
        (row,) = self._read(self._log_file, "SELECT coalesce(max(idx) + 1, 0) FROM leaf")
        return int(row[0])

    def checkpoints(self) -> list[str]:
        """Every signed checkpoint, oldest first."""
        return [row[0] for row in self._read(self._log_file, "SELECT note FROM checkpoint ORDER BY size")]

    def cosigned(self) -> list[tuple[int, str]]:
        """Every checkpoint that any witness co-signed, with all lines: size and note, oldest first."""
        lines: dict[int, list[str]] = {}
        for size, line in self._read(self._log_file, "SELECT size, line FROM cosignature ORDER BY size, name, key"):
            lines.setdefault(size, []).append(line)
        query = "SELECT size, note FROM checkpoint WHERE size IN (SELECT size FROM cosignature) ORDER BY size"
        return [(size, append_lines(note, lines[size])) for size, note in self._read(self._log_file, query)]

    def heads(self) -> dict[str, str]:
        """By department, the checkpoint it co-signed last, out of its own witness database."""
        heads = {}
        for file in sorted(self._home.glob("parties/*/witness.db")):
            for (note,) in self._read(file, "SELECT note FROM head"):
                heads[file.parent.name] = str(note)
        return heads

    def attestations(self) -> dict[str, bytes]:
        """By job, the in-toto statement of what became of it."""
        files = sorted((self._home / "parties" / COORDINATOR / "jobs").glob("*.intoto.json"))
        return {file.name.removesuffix(".intoto.json"): file.read_bytes() for file in files}

    def catalogue(self) -> bytes:
        """The public catalogue of the last start, canonical bytes."""
        try:
            return (self._home / "launcher" / "catalogue.json").read_bytes()
        except OSError as exc:
            raise RecordError("record.empty") from exc

    def wire(self) -> bytes:
        """What the copy proxy counted, as it wrote it down."""
        file = self._home / "launcher" / "wire.json"
        return file.read_bytes() if file.exists() else b"[]"

    def journal(self, party: str) -> list[bytes]:
        """A party's own journal."""
        file = self._home / "parties" / party / "journal.db"
        if not file.exists():
            raise RecordError("record.invalid", where=f"parties/{party}/journal.db", reason="the journal is missing")
        return [row[0] for row in self._read(file, "SELECT entry FROM event ORDER BY seq")]

    def rosters(self) -> dict[str, bytes]:
        """Every party's pinned roster."""
        files = sorted(self._home.glob("parties/*/roster.json")) + sorted(self._home.glob("analysts/*/roster.json"))
        return {file.parent.name: file.read_bytes() for file in files}

    def sessions(self) -> list[Session]:
        """What the copy proxy counted."""
        file = self._home / "launcher" / "wire.json"
        if not file.exists():
            return []
        return [
            Session(row["party"], row["session"], row["sent"], row["received"], row["ended"])
            for row in json.loads(file.read_text())
        ]

    def public(self) -> Public:
        """Names and labels, and how the parties were kept apart at the last start."""
        file = self._home / "launcher" / "public.json"
        try:
            return msgspec.json.decode(file.read_bytes(), type=Public)
        except (OSError, msgspec.MsgspecError) as exc:
            raise RecordError("record.empty") from exc

    def _read(self, file: Path, query: str, *parameters: int) -> Iterator[tuple[Any, ...]]:
        with self._reading(file) as db:
            yield from db.execute(query, parameters)

    @contextmanager
    def _reading(self, file: Path) -> Iterator[sqlite3.Connection]:
        # A plain read-only connection: in WAL mode it sees committed entries while the writer goes on.
        try:
            with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)) as db:
                yield db
        except sqlite3.Error as exc:
            where = file.relative_to(self._home)
            raise RecordError("record.invalid", where=where, reason="the file cannot be read as SQLite") from exc
