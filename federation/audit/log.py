"""The coordinator's log: an RFC 9162 Merkle tree over everybody's entries, in SQLite, with signed checkpoints.

Hashes of complete subtrees of 256 leaves are kept (the levels of C2SP tlog-tiles), so that a root costs a few hundred
hashes however long the log is. Checkpoints are C2SP signed notes: origin, size, base64 root.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from crypto.merkle import leaf_hash, node_hash, root_of_hashes
from crypto.signing import SigningKey, sign_note
from federation.audit.events import MAX_ENTRY_BYTES
from federation.audit.journal import storage_error, transaction

TILE_WIDTH = 256

SCHEMA = """
CREATE TABLE IF NOT EXISTS leaf(
  idx INTEGER PRIMARY KEY, hash BLOB NOT NULL, entry BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS tile(
  level INTEGER, idx INTEGER, hash BLOB NOT NULL, PRIMARY KEY(level, idx)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkpoint(size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS leaf_no_update BEFORE UPDATE ON leaf BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER IF NOT EXISTS leaf_no_delete BEFORE DELETE ON leaf BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """Write the body of a checkpoint."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def read_checkpoint(text: str) -> tuple[str, int, bytes]:
    """Read origin, size and root out of a checkpoint's body.

    Raises:
        ValueError: not a checkpoint.
    """
    origin, size, root = text.splitlines()[:3]
    return origin, int(size), base64.b64decode(root, validate=True)


class Log:
    """The append-only log."""

    def __init__(self, path: Path, *, origin: str, key: SigningKey) -> None:
        """Open or begin the log.

        Raises:
            HomeError: the file cannot be opened or is not a log.
        """
        self._origin, self._key = origin, key
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(SCHEMA)
            (last,) = self._db.execute("SELECT max(idx) FROM leaf").fetchone()
        except sqlite3.Error as exc:
            raise storage_error(exc, path) from exc
        self._path = path
        self._size: int = 0 if last is None else last + 1

    def __len__(self) -> int:
        return self._size

    def append(self, entries: Sequence[bytes]) -> str:
        """Append entries and sign the new root, in one transaction; return the checkpoint's note.

        Raises:
            HomeError: the disk is full or the file cannot be written; the log is as it was.
            ValueError: an entry is longer than a log takes.
        """
        if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
            raise ValueError("an entry must fit into 65535 bytes")
        first, size = self._size, self._size + len(entries)
        try:
            with transaction(self._db):
                rows = [(index, leaf_hash(entry), entry) for index, entry in enumerate(entries, first)]
                self._db.executemany("INSERT INTO leaf VALUES(?,?,?)", rows)
                for tile in range(first // TILE_WIDTH, size // TILE_WIDTH):
                    self._close_tile(0, tile)
                root = self._root(size)
                note = sign_note(self._key, self._origin, checkpoint_text(self._origin, size, root))
                self._db.execute("INSERT OR REPLACE INTO checkpoint VALUES(?,?)", (size, note))
        except sqlite3.Error as exc:
            raise storage_error(exc, self._path) from exc
        self._size = size
        return note

    def entries(self, start: int = 0) -> Iterator[bytes]:
        """Read the entries from index `start` on."""
        rows = self._db.execute("SELECT entry FROM leaf WHERE idx >= ? ORDER BY idx", (start,))
        return (row[0] for row in rows)

    def root(self) -> bytes:
        """The root hash of all entries, 32 bytes."""
        return self._root(self._size)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _close_tile(self, level: int, tile: int) -> None:
        hashes = self._hashes(level, tile * TILE_WIDTH, (tile + 1) * TILE_WIDTH)
        self._db.execute("INSERT INTO tile VALUES(?,?,?)", (level + 1, tile, root_of_hashes(hashes)))
        if (tile + 1) % TILE_WIDTH == 0:
            self._close_tile(level + 1, tile // TILE_WIDTH)

    def _hashes(self, level: int, start: int, stop: int) -> list[bytes]:
        table = "leaf WHERE" if level == 0 else f"tile WHERE level = {level:d} AND"
        query = f"SELECT hash FROM {table} idx >= ? AND idx < ? ORDER BY idx"  # noqa: S608 - no text from outside
        return [row[0] for row in self._db.execute(query, (start, stop))]

    def _root(self, size: int) -> bytes:
        """Fold the right edge: at every level, the hashes that complete tiles do not cover yet."""
        root: bytes | None = None
        level, count = 0, size
        while count or root is None:
            edge = self._hashes(level, count - count % TILE_WIDTH, count)
            # What is to the right is one subtree; it joins the level's edge as its last, partial child.
            if edge:
                root = _fold(edge, root)
            elif root is None and count == 0:
                return root_of_hashes([])
            level, count = level + 1, count // TILE_WIDTH
        return root


def _fold(edge: Sequence[bytes], right: bytes | None) -> bytes:
    """Root over complete subtrees `edge` of one size, with a smaller subtree `right` after them (RFC 9162, 2.1.1)."""
    root, start = right, len(edge)
    # Split the edge into the perfect trees of its binary form, smallest last, and hang them on from the right.
    while start:
        width = start & -start
        tree = root_of_hashes(edge[start - width : start])
        root = tree if root is None else node_hash(tree, root)
        start -= width
    if root is None:
        raise ValueError("nothing to fold")
    return root
