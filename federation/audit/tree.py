"""An RFC 9162 Merkle tree on SQLite: the entries, and their hashes in the tiles of c2sp.org/tlog-tiles.

A tile holds up to 256 hashes of one level: leaf hashes at level 0, and at every level above the roots of the full tiles
below. A root or a proof therefore reads a few tiles, however long the log is. The coordinator's log and every
department's mirror are such trees. What is signed, and by whom, is not here (see `log` and `witness`).

Nothing is kept in memory: whatever the connection sees, inside a transaction or after its rollback, is the tree.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from crypto.errors import ProofError
from crypto.merkle import EMPTY_ROOT, leaf_hash, node_hash, root_of_hashes, verify_consistency, verify_inclusion
from federation.audit.events import MAX_ENTRY_BYTES
from federation.audit.storage import storage
from federation.errors import RecordError

TILE_WIDTH = 256
HASH_BYTES = 32

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS leaf(idx INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT",
    """CREATE TABLE IF NOT EXISTS tile(
      level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY(level, idx)) STRICT""",
    """CREATE TRIGGER IF NOT EXISTS leaf_no_update BEFORE UPDATE ON leaf
      BEGIN SELECT RAISE(ABORT, 'append-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS leaf_no_delete BEFORE DELETE ON leaf
      BEGIN SELECT RAISE(ABORT, 'append-only'); END""",
)


class Tree:
    """The tree in one database; its tables stand beside the owner's, so that both change in one transaction."""

    def __init__(self, db: sqlite3.Connection, file: Path) -> None:
        """Open or begin a tree, and check its right edge: older tiles are checked whenever a proof reads them.

        Args:
            db: an autocommitting connection, not in a transaction.
            file: the database's name in errors.

        Raises:
            HomeError: SQLite cannot read or write the file.
            RecordError: `record.damaged`: the last tiles are not those of the last entries.
        """
        self._db, self._file = db, file
        with storage(file):
            for statement in SCHEMA:
                db.execute(statement)
        self._check_edge()

    @property
    def size(self) -> int:
        """How many entries there are."""
        with storage(self._file):
            (last,) = self._db.execute("SELECT max(idx) FROM leaf").fetchone()
        return 0 if last is None else int(last) + 1

    def append(self, entries: Sequence[bytes]) -> None:
        """Append entries; the caller's transaction makes them last, or takes them back.

        Raises:
            ValueError: an entry is longer than an entry bundle can state, or there is no transaction.
            HomeError: the disk is full or the file cannot be written.
        """
        if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
            raise ValueError("an entry must fit into 65535 bytes")
        if not self._db.in_transaction:
            raise ValueError("a tree grows within a transaction only")
        level, start = 0, self.size
        hashes = [leaf_hash(entry) for entry in entries]
        with storage(self._file):
            self._db.executemany("INSERT INTO leaf VALUES(?,?)", enumerate(entries, start))
            while hashes:
                hashes = self._extend(level, start, hashes)
                level, start = level + 1, start // TILE_WIDTH

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Read entries `start` to `end`, the latter not included.

        Raises:
            HomeError: SQLite cannot read the file.
            RecordError: `record.damaged`: one is missing.
        """
        end = self.size if end is None else min(end, self.size)
        expected = start
        with storage(self._file):
            rows = self._db.execute("SELECT idx, entry FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx", (start, end))
            for index, entry in rows:
                if index != expected:
                    break
                yield entry
                expected += 1
        if expected < end:
            raise self._damaged()

    def index_of(self, leaf: bytes) -> int | None:
        """Find the entry with this leaf hash, the newest if there are several; None if there is none.

        A search through the tiles, newest first: an index by hash would cost each append more than the entry itself.
        """
        with storage(self._file):
            for tile, hashes in self._db.execute("SELECT idx, hashes FROM tile WHERE level = 0 ORDER BY idx DESC"):
                place = hashes.rfind(leaf)
                # A match across the border of two hashes is none.
                while place > 0 and place % HASH_BYTES:
                    place = hashes.rfind(leaf, 0, place + HASH_BYTES - 1)
                if place >= 0:
                    return int(tile * TILE_WIDTH + place // HASH_BYTES)
        return None

    def root(self, size: int | None = None) -> bytes:
        """The root hash of the first `size` entries, of all by default; 32 bytes.

        Raises:
            ValueError: there are not so many entries.
            HomeError: SQLite cannot read the file.
            RecordError: `record.damaged`: a tile is missing.
        """
        known = self.size
        size = known if size is None else size
        if not 0 <= size <= known:
            raise ValueError(f"no root of {size} entries in a log of {known}")
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, *, size: int, root: bytes) -> list[bytes]:
        """Prove that entry `index` is in the log of the first `size` entries (section 2.1.3.1).

        Args:
            root: the root hash signed for that size; a proof that does not lead there is not handed out.

        Raises:
            ValueError: no such entry, or not so many entries.
            HomeError: SQLite cannot read the file.
            RecordError: `record.damaged`: the entry or the tiles are not those of the signed root.
        """
        if not 0 <= index < size <= self.size:
            raise ValueError(f"no entry {index} in a log of {size}")
        (entry,) = self.entries(index, index + 1)
        proof = [self._range(start, end) for start, end in _path(index, size)]
        try:
            verify_inclusion(leaf_hash(entry), index=index, size=size, proof=proof, root=root)
        except ProofError as exc:
            raise self._damaged() from exc
        return proof

    def consistency_proof(self, old_size: int, new_size: int, *, old_root: bytes, new_root: bytes) -> list[bytes]:
        """Prove that the log of `old_size` entries is the beginning of the one of `new_size` (section 2.1.4.1).

        Args:
            old_root: the root hash signed for the old size.
            new_root: the root hash signed for the new size; a proof that does not join the two is not handed out.

        Raises:
            ValueError: not so many entries.
            HomeError: SQLite cannot read the file.
            RecordError: `record.damaged`: the tiles are not those of the signed roots.
        """
        if not 0 <= old_size <= new_size <= self.size:
            raise ValueError(f"no log of {old_size} entries begins a log of {new_size}")
        proof = [self._range(start, end) for start, end in _growth(old_size, new_size)]
        try:
            verify_consistency(old_size=old_size, new_size=new_size, old_root=old_root, new_root=new_root, proof=proof)
        except ProofError as exc:
            raise self._damaged() from exc
        return proof

    def _extend(self, level: int, start: int, hashes: list[bytes]) -> list[bytes]:
        """Put hashes behind the first `start` of a level; return the roots of the tiles that became full."""
        tile, filled = divmod(start, TILE_WIDTH)
        if filled:
            hashes = self._hashes(level, start - filled, start) + hashes
        pieces = [hashes[at : at + TILE_WIDTH] for at in range(0, len(hashes), TILE_WIDTH)]
        self._db.executemany(
            "INSERT INTO tile VALUES(?,?,?) ON CONFLICT DO UPDATE SET hashes = excluded.hashes",
            [(level, index, b"".join(piece)) for index, piece in enumerate(pieces, tile)],
        )
        return [root_of_hashes(piece) for piece in pieces if len(piece) == TILE_WIDTH]

    def _hashes(self, level: int, start: int, end: int) -> list[bytes]:
        """Hashes `start` to `end` of a level, all of one tile."""
        tile, first = divmod(start, TILE_WIDTH)
        with storage(self._file):
            row = self._db.execute("SELECT hashes FROM tile WHERE level = ? AND idx = ?", (level, tile)).fetchone()
        last = first + end - start
        if row is None or len(row[0]) < last * HASH_BYTES or len(row[0]) % HASH_BYTES:
            raise self._damaged()
        return [row[0][at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(first, last)]

    def _range(self, start: int, end: int) -> bytes:
        """Root over entries `start` to `end`, a subtree of some log; one tile is read per level.

        In such a subtree `start` is a multiple of a power of two not less than its width: it either lies in one tile,
        or begins where a tile begins.
        """
        root: bytes | None = None
        level = 0
        while start < end:
            edge = start if start % TILE_WIDTH else end - end % TILE_WIDTH
            if edge < end:
                root = _fold(self._hashes(level, edge, end), root)
            if edge == start:
                break
            level, start, end = level + 1, start // TILE_WIDTH, edge // TILE_WIDTH
        if root is None:
            raise ValueError("a subtree has at least one entry")
        return root

    def _check_edge(self) -> None:
        """The last tile's hashes are those of the last entries, and every level's last tile is as long as it must be.

        No scan: a log of a million entries opens as fast as a short one.
        """
        level, count = 0, self.size
        first = max(count - 1, 0) // TILE_WIDTH * TILE_WIDTH
        if count and self._hashes(0, first, count) != [leaf_hash(entry) for entry in self.entries(first, count)]:
            raise self._damaged()
        while count:
            with storage(self._file):
                last = self._db.execute(
                    "SELECT idx, length(hashes) FROM tile WHERE level = ? ORDER BY idx DESC LIMIT 1", (level,)
                ).fetchone()
            tile, width = divmod(count - 1, TILE_WIDTH)
            if last != (tile, (width + 1) * HASH_BYTES):
                raise self._damaged()
            level, count = level + 1, count // TILE_WIDTH

    def _damaged(self) -> RecordError:
        return RecordError("record.damaged", file=self._file.name)


def _fold(edge: Sequence[bytes], right: bytes | None) -> bytes:
    """Root over complete subtrees `edge` of one size, with a smaller subtree `right` after them (section 2.1.1)."""
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


def _split(start: int, end: int) -> int:
    """Where the left half of a subtree ends: after the largest power of two smaller than its width."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _path(index: int, size: int) -> list[tuple[int, int]]:
    """The subtrees beside the way from an entry to the root, from the bottom up."""
    start, end, beside = 0, size, []
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            beside.append((middle, end))
            end = middle
        else:
            beside.append((start, middle))
            start = middle
    return beside[::-1]


def _growth(old: int, new: int) -> list[tuple[int, int]]:
    """The subtrees that join an old root to a new one, from the bottom up."""
    if old in (0, new):
        return []
    start, end, beside = 0, new, []
    while end != old:
        middle = _split(start, end)
        if old <= middle:
            beside.append((middle, end))
            end = middle
        else:
            beside.append((start, middle))
            start = middle
    # The old log's last complete subtree; if that is the whole old log, the verifier has its hash as the old root.
    return ([(start, end)] if start else []) + beside[::-1]
