"""Every root and proof of the stored tree is that of RFC 9162, and a damaged tree gives none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pymerkle
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crypto.merkle import consistency_proof, inclusion_proof, leaf_hash, root_hash, root_of_hashes
from federation.audit.journal import transaction
from federation.audit.tree import Tree
from federation.errors import HomeError, RecordError

SIZE = 66_000  # beyond a tile of tiles
ENTRIES = [b"entry %d" % number for number in range(SIZE)]
HASHES = [leaf_hash(entry) for entry in ENTRIES]

# Wherever a tile, a tile of tiles, or a subtree ends.
BORDERS = sorted({at + near for at in (1, 2, 4, 8, 128, 256, 512, 1024, 65_536) for near in (-1, 0, 1)} | {SIZE})
sizes = st.sampled_from(BORDERS) | st.integers(0, 2000)


def open_tree(file: Path) -> Tree:
    return Tree(sqlite3.connect(file, isolation_level=None), file)


def grow(tree: Tree, entries: Sequence[bytes]) -> None:
    with transaction(tree._db):
        tree.append(entries)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    tree = open_tree(tmp_path_factory.mktemp("tree") / "tree.db")
    for start, end in pairwise([0, 1, 3, 255, 256, 300, 511, 40_000, SIZE]):
        grow(tree, ENTRIES[start:end])
    return tree


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tree.db"


@pytest.fixture
def tree(file: Path) -> Iterator[Tree]:
    """600 entries: two full tiles and a third one."""
    tree = open_tree(file)
    grow(tree, ENTRIES[:600])
    yield tree
    tree._db.close()


def damage(file: Path, statement: str) -> None:
    with sqlite3.connect(file) as db:
        for trigger in ("leaf_no_update", "leaf_no_delete"):
            db.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        db.execute(statement)
    db.close()


# --- the standard's tree ---


@given(sizes)
@example(0)
@settings(max_examples=60, deadline=None)
def test_root_of_every_size_is_that_of_the_standard(large, size):
    assert large.root(size) == root_of_hashes(HASHES[:size])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_inclusion_proof_is_that_of_the_standard(large, data):
    size = data.draw(sizes.filter(bool))
    index = data.draw(st.sampled_from([at for at in BORDERS if at < size] or [0]) | st.integers(0, size - 1))
    proof = inclusion_proof(index, HASHES[:size])
    assert large.inclusion_proof(index, size=size, root=root_of_hashes(HASHES[:size])) == proof


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_consistency_proof_is_that_of_the_standard(large, data):
    old, new = sorted([data.draw(sizes), data.draw(sizes)])
    roots = {"old_root": root_of_hashes(HASHES[:old]), "new_root": root_of_hashes(HASHES[:new])}
    assert large.consistency_proof(old, new, **roots) == consistency_proof(old, HASHES[:new])


def test_every_small_tree_has_the_proofs_of_the_standard(large):
    for size in range(1, 34):
        root = root_of_hashes(HASHES[:size])
        for index in range(size):
            proof = inclusion_proof(index, HASHES[:size])
            assert large.inclusion_proof(index, size=size, root=root) == proof
            joined = large.consistency_proof(index, size, old_root=root_of_hashes(HASHES[:index]), new_root=root)
            assert joined == consistency_proof(index, HASHES[:size])


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, SIZE])
def test_tree_of_three_levels_has_the_proofs_of_the_standard(large, size):
    root = large.root(size)
    assert root == root_of_hashes(HASHES[:size])
    for at in (0, 255, 256, 40_000, 65_279, 65_280, size - 1):
        assert large.inclusion_proof(at, size=size, root=root) == inclusion_proof(at, HASHES[:size])
        joined = large.consistency_proof(at, size, old_root=root_of_hashes(HASHES[:at]), new_root=root)
        assert joined == consistency_proof(at, HASHES[:size])


@given(st.lists(st.integers(0, 300), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_tiles_do_not_depend_on_the_batches(tmp_path_factory, batches):
    folder = tmp_path_factory.mktemp("trees")
    one, other, total = open_tree(folder / "one.db"), open_tree(folder / "other.db"), sum(batches)
    grow(one, ENTRIES[:total])
    for start, end in pairwise([sum(batches[:number]) for number in range(len(batches) + 1)]):
        grow(other, ENTRIES[start:end])
    query = "SELECT level, idx, hashes FROM tile ORDER BY level, idx"
    assert list(one._db.execute(query)) == list(other._db.execute(query))
    assert other.root() == root_of_hashes(HASHES[:total])


def test_tile_holds_the_hashes_of_the_tile_format(tree):
    (hashes,) = tree._db.execute("SELECT hashes FROM tile WHERE level = 0 AND idx = 1").fetchone()
    assert hashes == b"".join(HASHES[256:512])
    (roots,) = tree._db.execute("SELECT hashes FROM tile WHERE level = 1 AND idx = 0").fetchone()
    assert roots == root_of_hashes(HASHES[:256]) + root_of_hashes(HASHES[256:512])


def test_pymerkle_gives_the_same_proof(tree):
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in ENTRIES[:600]:
        other.append_entry(entry)
    proof = other.prove_inclusion(301)  # counts from 1, and its path begins with the leaf
    assert tree.inclusion_proof(300, size=600, root=other.get_root()) == proof.path[1:]


# --- reading ---


def test_entries_are_read_from_one_index_to_another(tree):
    assert list(tree.entries()) == ENTRIES[:600]
    assert list(tree.entries(254, 258)) == ENTRIES[254:258]
    assert list(tree.entries(598, 900)) == ENTRIES[598:600]
    assert list(tree.entries(600)) == []


@pytest.mark.parametrize("index", [0, 255, 256, 511, 512, 599])
def test_entry_is_found_by_its_leaf_hash(tree, index):
    assert tree.index_of(HASHES[index]) == index


def test_entry_that_is_not_there_is_not_found(tree):
    assert tree.index_of(HASHES[600]) is None


def test_hash_that_only_spans_two_others_is_not_found(tree):
    assert tree.index_of(HASHES[0][16:] + HASHES[1][:16]) is None
    assert tree.index_of(HASHES[598][1:] + HASHES[599][:1]) is None


@pytest.mark.parametrize(("index", "size"), [(5, 5), (-1, 5), (0, 601), (600, 600)])
def test_entry_outside_the_log_has_no_proof(tree, index, size):
    with pytest.raises(ValueError):
        tree.inclusion_proof(index, size=size, root=bytes(32))


@pytest.mark.parametrize(("old", "new"), [(5, 4), (-1, 5), (0, 601)])
def test_sizes_outside_the_log_have_no_proof(tree, old, new):
    with pytest.raises(ValueError):
        tree.consistency_proof(old, new, old_root=bytes(32), new_root=bytes(32))


@pytest.mark.parametrize("size", [-1, 601])
def test_size_outside_the_log_has_no_root(tree, size):
    with pytest.raises(ValueError):
        tree.root(size)


def test_tree_grows_within_a_transaction_only(tree):
    with pytest.raises(ValueError, match="transaction"):
        tree.append([b"entry"])


def test_rolled_back_entries_leave_no_trace(tree):
    with pytest.raises(RuntimeError), transaction(tree._db):
        tree.append(ENTRIES[600:1200])
        assert tree.root() == root_of_hashes(HASHES[:1200])
        raise RuntimeError
    assert (tree.size, tree.root()) == (600, root_of_hashes(HASHES[:600]))
    grow(tree, [b"another"])
    assert tree.root() == root_hash([*ENTRIES[:600], b"another"])


# --- attacks and damage ---


def test_proof_that_does_not_lead_to_the_signed_root_is_not_handed_out(tree):
    with pytest.raises(RecordError) as damaged:
        tree.inclusion_proof(3, size=600, root=root_of_hashes(HASHES[:599]))
    assert damaged.value.code == "record.damaged"
    with pytest.raises(RecordError):
        tree.consistency_proof(500, 600, old_root=bytes(32), new_root=tree.root())


def test_altered_entry_is_not_proven_to_be_in_the_log(tree, file):
    damage(file, "UPDATE leaf SET entry = x'00' WHERE idx = 300")
    with pytest.raises(RecordError):
        tree.inclusion_proof(300, size=600, root=root_of_hashes(HASHES[:600]))


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("DELETE FROM tile WHERE level = 0 AND idx = 0", id="tile missing"),
        pytest.param("DELETE FROM tile WHERE level = 1", id="level missing"),
        pytest.param("UPDATE tile SET hashes = substr(hashes, 1, 64) WHERE idx = 0 AND level = 0", id="tile cut"),
        pytest.param("UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND idx = 0", id="tile of zeros"),
        pytest.param("UPDATE tile SET hashes = zeroblob(64) WHERE level = 1", id="upper tile of zeros"),
        pytest.param("DELETE FROM leaf WHERE idx = 100", id="entry missing"),
    ],
)
def test_damaged_tree_gives_no_proof(tree, file, statement):
    root = root_of_hashes(HASHES[:600])
    damage(file, statement)
    for index in (100, 300):
        try:
            proof = tree.inclusion_proof(index, size=600, root=root)
        except RecordError as error:
            assert error.code == "record.damaged"
        else:  # what is damaged was not needed
            assert index == 300
            assert proof == inclusion_proof(index, HASHES[:600])
    with pytest.raises(RecordError):
        tree.inclusion_proof(100, size=600, root=root)


@pytest.mark.parametrize("kept", [0, 64, 100 * 32 - 1, 100 * 32 + 1])
def test_root_is_not_made_of_a_tile_that_was_cut(tree, file, kept):
    damage(file, f"UPDATE tile SET hashes = substr(hashes, 1, {kept}) WHERE level = 0 AND idx = 0")
    with pytest.raises(RecordError) as damaged:
        tree.root(100)
    assert damaged.value.code == "record.damaged"


def test_missing_entry_is_an_error_when_it_is_read(tree, file):
    damage(file, "DELETE FROM leaf WHERE idx = 100")
    read = []
    with pytest.raises(RecordError) as damaged:
        for entry in tree.entries():
            read.append(entry)
    assert (damaged.value.code, read) == ("record.damaged", ENTRIES[:100])


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("DELETE FROM leaf WHERE idx = 599", id="last entry cut off"),
        pytest.param("DELETE FROM leaf WHERE idx = 550", id="gap in the last tile"),
        pytest.param("UPDATE leaf SET entry = x'00' WHERE idx = 599", id="last entry altered"),
        pytest.param("INSERT INTO leaf VALUES(600, x'00')", id="entry without its hash"),
        pytest.param("INSERT INTO leaf VALUES(700, x'00')", id="entry after a gap"),
        pytest.param("DELETE FROM tile WHERE level = 0 AND idx = 2", id="last tile missing"),
        pytest.param("DELETE FROM tile WHERE level = 1", id="upper tile missing"),
        pytest.param("UPDATE tile SET hashes = substr(hashes, 1, 32) WHERE level = 1", id="upper tile cut"),
        pytest.param("INSERT INTO tile VALUES(0, 9, zeroblob(32))", id="tile after the last"),
    ],
)
def test_damaged_right_edge_is_noticed_at_opening(tree, file, statement):
    damage(file, statement)
    with pytest.raises(RecordError) as damaged:
        open_tree(file)
    assert damaged.value.code == "record.damaged"


def test_bytes_overwritten_in_the_file_never_give_a_wrong_proof(file):
    tree = open_tree(file)
    grow(tree, ENTRIES[:5000])
    root, good = tree.root(), inclusion_proof(2500, HASHES[:5000])
    tree._db.close()
    intact = file.read_bytes()
    refused = 0
    for page in range(1, len(intact) // 4096):
        file.write_bytes(intact[: page * 4096] + b"\xff" * 4096 + intact[(page + 1) * 4096 :])
        try:
            damaged = open_tree(file)
            assert damaged.inclusion_proof(2500, size=5000, root=root) == good
        except (HomeError, RecordError) as error:
            assert error.code in ("home.storage", "record.damaged")
            refused += 1
    assert refused > 5
