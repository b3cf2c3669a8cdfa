"""A department's mirror of the log: one database with the entries, the head, the acts, the refusals, and a key.

It is c2sp.org/tlog-mirror's idea of a cosigner that keeps a copy. The key lies in the database, so that losing the one
is losing the other: a witness that went on from an empty or an old mirror could be led into co-signing a fork. The
rules of what is taken in are not here (see `witness`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from crypto.signing import HybridKey
from federation.audit.events import Event
from federation.audit.journal import transaction
from federation.audit.storage import open_database, storage
from federation.audit.tree import Tree
from federation.errors import RecordError, WitnessError

# What key holders look up again before they open anything.
ACTS = frozenset({"approval.grant", "approval.deny", "approval.revoke", "member.suspend", "member.resume", "job.end"})

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS identity(
      one INTEGER PRIMARY KEY CHECK(one = 1),
      origin TEXT NOT NULL, party TEXT NOT NULL, secret BLOB NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS head(
      one INTEGER PRIMARY KEY CHECK(one = 1),
      size INTEGER NOT NULL, root TEXT NOT NULL, own INTEGER NOT NULL, note TEXT NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS refused(
      number INTEGER PRIMARY KEY, time TEXT NOT NULL, code TEXT NOT NULL, note TEXT NOT NULL, head TEXT NOT NULL,
      UNIQUE(code, note, head)) STRICT""",
    """CREATE TABLE IF NOT EXISTS act(
      idx INTEGER PRIMARY KEY, type TEXT NOT NULL, job TEXT NOT NULL, node TEXT NOT NULL) STRICT""",
    "CREATE INDEX IF NOT EXISTS act_by_job ON act(job)",
)


class Head(NamedTuple):
    """The checkpoint co-signed last.

    Attributes:
        root: hex; "" before the first.
        own: how many of the department's own events are in it.
        note: the checkpoint with the coordinator's line and our two; "" before the first.
    """

    size: int = 0
    root: str = ""
    own: int = 0
    note: str = ""


class Act(NamedTuple):
    """An approval or an act on the roster.

    Attributes:
        entry: its index in the log.
    """

    entry: int
    type: str
    node: str


class Refusal(NamedTuple):
    """Evidence: what was not co-signed, why, and the head of that moment.

    Attributes:
        time: of the department's clock, written as in events.
        head: the note co-signed last; with `note` of the same size and another root, a proof that stands by itself.
    """

    time: str
    code: str
    note: str
    head: str


class Mirror:
    """The database. Nothing is kept in memory but the key; one thread uses it at a time."""

    def __init__(self, path: Path, *, origin: str, party: str) -> None:
        """Open the mirror that `create` made.

        Raises:
            WitnessError: `witness.lost`: there is no such database, or no key in it.
            HomeError: another process uses it, or SQLite cannot read it.
            RecordError: `record.damaged`: it is of another log or party, or its entries are not those of the head.
        """
        self._path = path
        if not path.exists():
            raise WitnessError("witness.lost", party=party)
        with ExitStack() as opened:
            self._db = open_database(path, opened)
            with storage(path):
                for statement in SCHEMA:
                    self._db.execute(statement)
                identity = self._db.execute("SELECT origin, party, secret FROM identity").fetchone()
            if identity is None:
                raise WitnessError("witness.lost", party=party)
            self._tree = Tree(self._db, path)
            head = self.head()
            whole = head.size == self._tree.size and head.root in ("", self.root())
            if identity[:2] != (origin, party) or not whole:
                raise RecordError("record.damaged", file=path.name)
            self.key = HybridKey.from_bytes(identity[2])
            self._opened = opened.pop_all()

    @staticmethod
    def create(path: Path, *, origin: str, party: str) -> None:
        """Draw a key and begin an empty mirror.

        Raises:
            HomeError: the disk is full or the file cannot be written.
            ValueError: there is a mirror here.
        """
        # Before SQLite makes it with everybody's rights: the key will be in it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with ExitStack() as opened:
            db = open_database(path, opened)
            with storage(path), transaction(db):
                for statement in SCHEMA:
                    db.execute(statement)
                if db.execute("SELECT 1 FROM identity").fetchone():
                    raise ValueError("there is a mirror here already")
                db.execute("INSERT INTO identity VALUES(1,?,?,?)", (origin, party, HybridKey.generate().to_bytes()))

    # --- what it knows ---

    def head(self) -> Head:
        """The checkpoint co-signed last."""
        with storage(self._path):
            row = self._db.execute("SELECT size, root, own, note FROM head").fetchone()
        return Head(*row) if row else Head()

    def root(self, size: int | None = None) -> str:
        """The root hash of the first `size` entries, of all by default; hex."""
        return self._tree.root(size).hex()

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Read entries `start` to `end`, the latter not included; to the last one by default."""
        return self._tree.entries(start, end)

    def acts(self, job: str) -> list[Act]:
        """The acts of a job, oldest first."""
        with storage(self._path):
            rows = self._db.execute("SELECT idx, type, node FROM act WHERE job = ? ORDER BY idx", (job,))
            return [Act(*row) for row in rows]

    def refused(self) -> list[Refusal]:
        """What was not co-signed, oldest first."""
        with storage(self._path):
            rows = self._db.execute("SELECT time, code, note, head FROM refused ORDER BY number")
            return [Refusal(*row) for row in rows]

    # --- what changes it ---

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Let everything within last once it ends, on disk; or nothing of it, if it ends with an error.

        Raises:
            HomeError: the disk is full or the file cannot be written.
        """
        with storage(self._path), transaction(self._db):
            yield

    def extend(self, entries: Sequence[bytes]) -> tuple[int, str]:
        """Append entries, while `changing`; return the size and the root that they give."""
        self._tree.append(entries)
        return self._tree.size, self.root()

    def index(self, start: int, events: Sequence[Event]) -> None:
        """Make the acts among the events from `start` on findable, while `changing`."""
        acts = [(at, e.type, e.job, e.node) for at, e in enumerate(events, start) if e.type in ACTS]
        self._db.executemany("INSERT INTO act VALUES(?,?,?,?)", acts)

    def move(self, head: Head) -> None:
        """Set the head, while `changing`."""
        self._db.execute("INSERT OR REPLACE INTO head VALUES(1,?,?,?,?)", head)

    def keep(self, refusal: Refusal) -> None:
        """Keep evidence; the same once only."""
        with self.changing():
            self._db.execute("INSERT OR IGNORE INTO refused(time, code, note, head) VALUES(?,?,?,?)", refusal)

    def close(self) -> None:
        """Close the file."""
        self._opened.close()
