"""The coordinator's log: a tree of everybody's entries, with signed checkpoints and the cosignatures of witnesses.

Every batch of entries is stored together with the signed root of the log it makes (c2sp.org/tlog-checkpoint), in one
transaction. A log has one writer, which holds a lock for as long as it lives; readers read meanwhile.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from crypto.errors import SignatureError
from crypto.notes import append_lines, read_checkpoint, sign_note
from crypto.signing import SigningKey
from federation.audit.journal import transaction
from federation.audit.storage import open_database, storage
from federation.audit.tree import Tree
from federation.errors import RecordError

__all__ = ["Log", "checkpoint_text", "read_checkpoint", "signer_of"]

# A witness that co-signs the same checkpoint again tells a later time: its newer line takes the place of the older.
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS checkpoint(size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT",
    """CREATE TABLE IF NOT EXISTS cosignature(
      size INTEGER NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, line TEXT NOT NULL,
      PRIMARY KEY(size, name, key)) STRICT""",
)


P = ParamSpec("P")
R = TypeVar("R")

# Entries read at a time, so that a reader of the whole log keeps nobody out for long.
PORTION = 1000


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """Write the body of a checkpoint."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


Method = Callable[Concatenate["Log", P], R]


def _alone(method: Method[P, R]) -> Method[P, R]:
    """Keep other threads out while a method works: two must not meet in one SQLite connection's transaction."""

    @wraps(method)
    def guarded(self: Log, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._guard:
            return method(self, *args, **kwargs)

    return guarded


class Log:
    """The append-only log. Thread-safe: analysts' events come in by one thread while another seals."""

    def __init__(self, path: Path, *, origin: str, key: SigningKey) -> None:
        """Open or begin the log, and keep every other writer out until `close` or the end of the process.

        Raises:
            HomeError: another process writes this log; or the file cannot be opened or is not a log.
            RecordError: `record.damaged`: the last entries do not give the root that was signed.
        """
        self._origin, self._key, self._path = origin, key, path
        self._guard = threading.RLock()
        with ExitStack() as opened:
            self._db = open_database(path, opened)
            with storage(path):
                for statement in SCHEMA:
                    self._db.execute(statement)
            self._tree = Tree(self._db, path)
            self._size = self._tree.size
            self._check_signed_root()
            self._opened = opened.pop_all()

    def __len__(self) -> int:
        return self._size

    @_alone
    def append(self, entries: Sequence[bytes]) -> str:
        """Append entries and sign the new root, in one transaction; return the checkpoint's note.

        Raises:
            HomeError: the disk is full or the file cannot be written; the log is as it was.
            RecordError: `record.damaged`: the hashes to go on from are missing; the log is as it was.
            ValueError: an entry is longer than a log takes.
        """
        size = self._size + len(entries)
        with storage(self._path), transaction(self._db):
            self._tree.append(entries)
            note = sign_note(self._key, self._origin, checkpoint_text(self._origin, size, self._tree.root()))
            self._db.execute("INSERT OR REPLACE INTO checkpoint VALUES(?,?)", (size, note))
        self._size = size
        return note

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Read entries `start` to `end`, the latter not included; to the last one by default."""
        end = self._size if end is None else end
        for first in range(start, end, PORTION):
            with self._guard:
                portion = list(self._tree.entries(first, min(first + PORTION, end)))
            yield from portion

    @_alone
    def index_of(self, leaf: bytes) -> int | None:
        """Find the entry with this leaf hash, the newest if there are several; None if there is none."""
        return self._tree.index_of(leaf)

    @_alone
    def root(self) -> bytes:
        """The root hash of all entries, 32 bytes."""
        return self._tree.root(self._size)

    def checkpoint(self) -> str:
        """The latest checkpoint, as the coordinator signed it.

        Raises:
            ValueError: nothing was appended yet.
        """
        return self.checkpoint_at(self._size)

    @_alone
    def checkpoint_at(self, size: int) -> str:
        """The checkpoint of an earlier size, as the coordinator signed it.

        Raises:
            ValueError: no batch ended at this size.
        """
        with storage(self._path):
            row = self._db.execute("SELECT note FROM checkpoint WHERE size = ?", (size,)).fetchone()
        if row is None:
            raise ValueError(f"no checkpoint of size {size}")
        return str(row[0])

    @_alone
    def batch_end(self, limit: int) -> int:
        """The size of the last checkpoint that is not larger than `limit`; 0 if there is none."""
        with storage(self._path):
            query = "SELECT coalesce(max(size), 0) FROM checkpoint WHERE size <= ?"
            (size,) = self._db.execute(query, (limit,)).fetchone()
        return int(size)

    @_alone
    def cosign(self, size: int, lines: Sequence[str]) -> None:
        r"""Keep signature lines of witnesses beside a checkpoint. The caller has verified them.

        Args:
            lines: each ended by "\n"; a line of a key that signed this checkpoint before replaces the older one.

        Raises:
            crypto.errors.SignatureError: a line is malformed, or is of the coordinator's own key.
            ValueError: no batch ended at this size.
            HomeError: the disk is full or the file cannot be written.
        """
        append_lines(self.checkpoint_at(size), lines)
        rows = [(size, *signer_of(line), line) for line in lines]
        with storage(self._path), transaction(self._db):
            self._db.executemany("INSERT OR REPLACE INTO cosignature VALUES(?,?,?,?)", rows)

    @_alone
    def cosigned(self, size: int) -> str:
        """A checkpoint with all cosignatures known for it.

        Raises:
            ValueError: no batch ended at this size.
        """
        query = "SELECT line FROM cosignature WHERE size = ? ORDER BY name, length(line)"
        with storage(self._path):
            lines = [line for (line,) in self._db.execute(query, (size,))]
        return append_lines(self.checkpoint_at(size), lines)

    @_alone
    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Prove that entry `index` is under the checkpoint of this size.

        Raises:
            ValueError: no such entry, or no batch ended at this size.
            RecordError: `record.damaged`: what is stored does not lead to the signed root.
        """
        return self._tree.inclusion_proof(index, size=size, root=self._signed_root(size))

    @_alone
    def consistency_proof(self, old_size: int, new_size: int) -> list[bytes]:
        """Prove that the later one of two checkpoints has everything that the earlier one has.

        Raises:
            ValueError: no batch ended at one of the sizes.
            RecordError: `record.damaged`: what is stored does not lead to the signed roots.
        """
        old_root, new_root = self._signed_root(old_size), self._signed_root(new_size)
        return self._tree.consistency_proof(old_size, new_size, old_root=old_root, new_root=new_root)

    def close(self) -> None:
        """Close the file and let the next writer in."""
        self._opened.close()

    def _signed_root(self, size: int) -> bytes:
        text, _, _ = self.checkpoint_at(size).partition("\n\n")
        try:
            _, _, root = read_checkpoint(f"{text}\n")
        except SignatureError as exc:
            raise RecordError("record.damaged", file=self._path.name) from exc
        return root

    def _check_signed_root(self) -> None:
        """The entries are those of the last checkpoint: no fewer, no more, with its root."""
        with storage(self._path):
            (signed,) = self._db.execute("SELECT coalesce(max(size), 0) FROM checkpoint").fetchone()
        if signed != self._size or (signed and self._signed_root(signed) != self._tree.root()):
            raise RecordError("record.damaged", file=self._path.name)


def signer_of(line: str) -> tuple[str, str]:
    """Whose signature line of a note this is: name, and key hash in hex."""
    _, name, encoded = line.split(" ")
    return name, base64.b64decode(encoded)[:4].hex()
