"""The whole record of one home, read without changing anything: for the check, the tail, and the dashboard."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from federation.errors import RecordError

COORDINATOR = "coordinator"


class Session(NamedTuple):
    """Bytes that the launcher's copy proxy counted in one life of one department's process."""

    party: str
    number: int
    sent: int
    received: int
    ended: bool


class Public(msgspec.Struct, frozen=True, kw_only=True):
    """What a screen needs to know of a federation besides its record.

    Attributes:
        labels: departments' Chinese names; labels_en their English ones.
        stores: per department, its tables and the adapter each is read by.
        unconfined: why parties are plain processes; "" if they are confined.
        networked: departments that keep the network although parties are confined.
    """

    name: str
    departments: tuple[str, ...]
    labels: dict[str, str]
    labels_en: dict[str, str]
    unconfined: str
    stores: dict[str, dict[str, str]] = {}
    networked: tuple[str, ...] = ()


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

    def size(self) -> int:
        """How many entries the log has."""
        (row,) = self._read(self._log_file, "SELECT coalesce(max(idx) + 1, 0) FROM leaf")
        return int(row[0])

    def checkpoints(self) -> list[str]:
        """Every signed checkpoint, oldest first."""
        return [row[0] for row in self._read(self._log_file, "SELECT note FROM checkpoint ORDER BY size")]

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
        # A plain read-only connection: in WAL mode it sees committed entries while the writer goes on.
        try:
            db = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
            try:
                yield from db.execute(query, parameters)
            finally:
                db.close()
        except sqlite3.Error as exc:
            where = file.relative_to(self._home)
            raise RecordError("record.invalid", where=where, reason="the file cannot be read as SQLite") from exc
