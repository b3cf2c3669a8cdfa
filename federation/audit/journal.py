"""A party's own journal: its events, signed and chained, on disk before anything follows from them.

SQLite in WAL mode with synchronous=FULL: when `write` returns, the events survive a power cut. Salts of commitments
stay here, beside the event, and are opened to an auditor only.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from crypto.signing import SigningKey
from federation.audit.events import FIRST_PREV, Actor, Event, EventType, Seen, sign_event, timestamp
from federation.errors import HomeError

Clock = Callable[[], datetime]

# Less free space than this and a failed write is taken for a full disk.
ROOM = 1 << 20

SCHEMA = """
CREATE TABLE IF NOT EXISTS event(
  seq INTEGER PRIMARY KEY, type TEXT NOT NULL, job TEXT NOT NULL, entry BLOB NOT NULL, salt BLOB) STRICT;
CREATE INDEX IF NOT EXISTS event_by_type ON event(type, job);
CREATE TRIGGER IF NOT EXISTS event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER IF NOT EXISTS event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An event not yet in the chain.

    Attributes:
        body: what `data["commitment"]` shall commit to, under a salt that stays in the journal; None for no such.
    """

    type: EventType
    actor: Actor
    job: str = ""
    attempt: int = 0
    data: dict[str, int | str] = {}
    body: bytes | None = None


def commitment(salt: bytes, body: bytes) -> str:
    """HMAC-SHA-256 under a random salt, hex: binds to a body that has few possible values without telling which."""
    return hmac.new(salt, body, hashlib.sha256).hexdigest()


class Batch:
    """Events signed and chained, not yet on disk."""

    def __init__(self, *, seq: int, prev: str, sign: Callable[[Draft, int, str], tuple[bytes, bytes | None]]) -> None:
        self.seq, self.prev, self._sign = seq, prev, sign
        self.rows: list[tuple[int, str, str, bytes, bytes | None]] = []

    def add(self, drafts: Sequence[Draft]) -> list[bytes]:
        """Sign and chain events; return their entries."""
        entries = []
        for draft in drafts:
            entry, salt = self._sign(draft, self.seq, self.prev)
            self.rows.append((self.seq, draft.type, draft.job, entry, salt))
            self.seq, self.prev = self.seq + 1, hashlib.sha256(entry).hexdigest()
            entries.append(entry)
        return entries


class Journal:
    """One party's chain of events."""

    def __init__(self, path: Path, *, origin: str, node: str, key: SigningKey, clock: Clock) -> None:
        """Open or begin the journal; `seen` tells, once there is a witness, what it co-signed last.

        Raises:
            HomeError: the file cannot be opened or is not a journal.
        """
        self._origin, self._node, self._key, self._clock = origin, node, key, clock
        self.seen: Callable[[], Seen] = Seen
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(SCHEMA)
            last = self._db.execute("SELECT seq, entry FROM event ORDER BY seq DESC LIMIT 1").fetchone()
        except sqlite3.Error as exc:
            raise storage_error(exc, path) from exc
        self._path = path
        self._size = 0 if last is None else last[0] + 1
        self._prev = FIRST_PREV if last is None else hashlib.sha256(last[1]).hexdigest()

    def __len__(self) -> int:
        return self._size

    def write(self, drafts: Sequence[Draft]) -> list[bytes]:
        """Sign, chain and store events, all or none; returns their entries once they are on disk.

        Raises:
            HomeError: the disk is full or the file cannot be written. Nothing may follow then.
        """
        batch = self.begin()
        entries = batch.add(drafts)
        self.commit(batch)
        return entries

    def begin(self) -> Batch:
        """Begin signing events that go on disk together; nothing is kept before `commit`."""
        return Batch(seq=self._size, prev=self._prev, sign=self._sign)

    def commit(self, batch: Batch) -> None:
        """Put a batch on disk.

        Raises:
            HomeError: the disk is full or the file cannot be written. Nothing may follow then.
            ValueError: another batch came first.
        """
        if batch.rows and batch.rows[0][0] != self._size:
            raise ValueError("another batch was committed since this one began")
        try:
            with transaction(self._db):
                self._db.executemany("INSERT INTO event VALUES(?,?,?,?,?)", batch.rows)
        except sqlite3.Error as exc:
            raise storage_error(exc, self._path) from exc
        self._size, self._prev = batch.seq, batch.prev

    def _sign(self, draft: Draft, seq: int, prev: str) -> tuple[bytes, bytes | None]:
        salt, data = None, draft.data
        if draft.body is not None:
            salt = secrets.token_bytes(16)
            data = {**data, "commitment": commitment(salt, draft.body)}
        event = Event(
            log=self._origin,
            node=self._node,
            seq=seq,
            prev=prev,
            time=timestamp(self._clock()),
            type=draft.type,
            job=draft.job,
            attempt=draft.attempt,
            actor=draft.actor,
            seen=self.seen(),
            data=data,
        )
        return sign_event(event, self._key), salt

    def entries(self, start: int = 0) -> list[bytes]:
        """Return the entries from number `start` on."""
        rows = self._db.execute("SELECT entry FROM event WHERE seq >= ? ORDER BY seq", (start,))
        return [row[0] for row in rows]

    def of_types(self, *kinds: str) -> list[bytes]:
        """Return the entries of some types, oldest first."""
        marks = ",".join("?" * len(kinds))
        query = f"SELECT entry FROM event WHERE type IN ({marks}) ORDER BY seq"  # noqa: S608 - question marks only
        return [row[0] for row in self._db.execute(query, kinds)]

    def holds(self, kind: EventType, job: str) -> bool:
        """Say whether this job has an event of this type."""
        found = self._db.execute("SELECT 1 FROM event WHERE type = ? AND job = ? LIMIT 1", (kind, job))
        return found.fetchone() is not None

    def close(self) -> None:
        """Close the file."""
        self._db.close()


class transaction:
    """BEGIN IMMEDIATE ... COMMIT, or ROLLBACK on any error."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


def storage_error(error: sqlite3.Error, file: Path) -> HomeError:
    """Translate SQLite's words; on a full disk it does not always say so."""
    full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    with contextlib.suppress(OSError):
        full = full or shutil.disk_usage(file.parent).free < ROOM
    return HomeError("home.disk_full" if full else "home.storage", file=file.name)
