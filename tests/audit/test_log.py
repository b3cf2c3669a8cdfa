"""The log's root is that of RFC 9162 at every size, and its checkpoints are signed notes."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from pathlib import Path

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import SignatureError
from crypto.merkle import consistency_proof, leaf_hash, root_hash, root_of_hashes, verify_consistency
from crypto.signing import SigningKey, verify_note
from federation.audit.log import Log, checkpoint_text, read_checkpoint
from federation.errors import HomeError

ORIGIN = "keyong.test/log"
KEY = SigningKey.generate()


def open_log(path: Path) -> Log:
    return Log(path, origin=ORIGIN, key=KEY)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(file: Path) -> Log:
    return open_log(file)


def entries(start: int, stop: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(start, stop)]


def root_of(note: str) -> bytes:
    _, _, root = read_checkpoint(verify_note(note, ORIGIN, KEY.public))
    return root


def test_empty_log_has_the_empty_root(log):
    assert log.root() == root_hash([])


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([1, 2, 3, 4, 5, 6, 7, 8], id="one by one"),
        pytest.param([255, 256, 257], id="around a tile"),
        pytest.param([257, 511, 512, 513], id="around two tiles"),
        pytest.param([513, 1024], id="over two tiles at once"),
        pytest.param([65_535, 65_536, 65_537], id="around a tile of tiles"),
        pytest.param([65_300, 66_000], id="over a tile of tiles at once"),
    ],
)
def test_root_is_that_of_the_standard_at_every_size(log, sizes):
    for start, stop in pairwise([0, *sizes]):
        note = log.append(entries(start, stop))
        assert len(log) == stop
        assert root_of(note) == log.root() == root_hash(entries(0, stop))


@given(st.lists(st.integers(0, 300), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_root_does_not_depend_on_the_batches(tmp_path_factory, batches):
    log, size = open_log(tmp_path_factory.mktemp("log") / "log.db"), 0
    for batch in batches:
        log.append(entries(size, size + batch))
        size += batch
    assert log.root() == root_hash(entries(0, size))


def test_pymerkle_computes_the_same_root(log):
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries(0, 300):
        tree.append_entry(entry)
    log.append(entries(0, 300))
    assert log.root() == tree.get_root()


def test_log_goes_on_after_reopening(log, file):
    log.append(entries(0, 300))
    log.close()
    again = open_log(file)
    assert len(again) == 300
    assert root_of(again.append(entries(300, 600))) == root_hash(entries(0, 600))


def test_entries_are_those_that_were_appended(log):
    log.append(entries(0, 5))
    log.append(entries(5, 9))
    assert list(log.entries()) == entries(0, 9)
    assert list(log.entries(7)) == entries(7, 9)


def test_checkpoint_is_a_signed_note_of_origin_size_and_root(log):
    note = log.append(entries(0, 3))
    text = verify_note(note, ORIGIN, KEY.public)
    assert text == checkpoint_text(ORIGIN, 3, root_hash(entries(0, 3)))
    assert read_checkpoint(text) == (ORIGIN, 3, root_hash(entries(0, 3)))


def test_checkpoint_does_not_verify_under_another_key(log):
    note = log.append(entries(0, 3))
    with pytest.raises(SignatureError):
        verify_note(note, ORIGIN, SigningKey.generate().public)


@pytest.mark.parametrize("text", ["", "a\n1\n", "a\nb\nAAAA\n", "a\n1\n###\n"])
def test_text_that_is_no_checkpoint_is_refused(text):
    with pytest.raises(ValueError):
        read_checkpoint(text)


def test_every_checkpoint_is_consistent_with_the_last(log):
    hashes = [leaf_hash(entry) for entry in entries(0, 600)]
    notes = [log.append(entries(start, stop)) for start, stop in pairwise([0, 1, 255, 256, 300, 600])]
    for note in notes:
        _, size, root = read_checkpoint(verify_note(note, ORIGIN, KEY.public))
        verify_consistency(
            old_size=size,
            new_size=600,
            old_root=root,
            new_root=root_of_hashes(hashes),
            proof=consistency_proof(size, hashes),
        )


@pytest.mark.parametrize(
    "statement", ["DELETE FROM leaf", "UPDATE leaf SET entry = x'00'", "UPDATE leaf SET hash = x'00'"]
)
def test_log_is_append_only(log, file, statement):
    log.append(entries(0, 3))
    with sqlite3.connect(file) as other, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(statement)


def test_entry_longer_than_a_tile_states_is_refused_with_its_whole_batch(log):
    log.append([b"a" * 65_535])
    with pytest.raises(ValueError, match="65535"):
        log.append([b"fine", b"a" * 65_536])
    assert len(log) == 1


def test_full_disk_leaves_the_log_as_it_was(log):
    log.append(entries(0, 300))
    (pages,) = log._db.execute("PRAGMA page_count").fetchone()
    log._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(HomeError) as full:
        log.append(entries(300, 3000))
    assert full.value.code == "home.disk_full"
    assert len(log) == 300
    assert log.root() == root_hash(entries(0, 300))
    log._db.execute("PRAGMA max_page_count = 1000000")
    assert root_of(log.append(entries(300, 600))) == root_hash(entries(0, 600))


def test_file_that_is_no_log_is_an_error(file):
    file.write_bytes(b"garbage" * 1000)
    with pytest.raises(HomeError) as broken:
        open_log(file)
    assert broken.value.code == "home.storage"
