"""The log's root is that of RFC 9162 at every size, its checkpoints are signed notes, and nothing kills it."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import SignatureError
from crypto.merkle import consistency_proof, leaf_hash, root_hash, verify_consistency, verify_inclusion
from crypto.notes import cosign, verify_cosignature, verify_note
from crypto.signing import HybridKey, SigningKey
from federation.audit.log import Log, checkpoint_text, read_checkpoint
from federation.errors import HomeError, RecordError
from tests.support.killing import Report, die_at, files_no_larger_than, reports_of_killed

ORIGIN = "keyong.test/log"
KEY = SigningKey.generate()
WITNESSES = {f"{ORIGIN}/{name}": HybridKey.generate() for name in ("gaoping", "qinshui")}


def open_log(path: Path) -> Log:
    return Log(path, origin=ORIGIN, key=KEY)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(file: Path) -> Iterator[Log]:
    log = open_log(file)
    yield log
    log.close()


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


# --- checkpoints, cosignatures, proofs ---


@pytest.fixture
def grown(log: Log) -> Log:
    """600 entries in five batches."""
    for start, stop in pairwise([0, 1, 255, 256, 300, 600]):
        log.append(entries(start, stop))
    return log


def test_every_checkpoint_is_kept(grown):
    assert grown.checkpoint() == grown.checkpoint_at(600)
    for size in (1, 255, 256, 300, 600):
        assert root_of(grown.checkpoint_at(size)) == root_hash(entries(0, size))


def test_size_that_no_batch_ended_at_has_no_checkpoint(log, grown):
    with pytest.raises(ValueError, match="no checkpoint of size 2"):
        grown.checkpoint_at(2)
    with pytest.raises(ValueError):
        grown.inclusion_proof(0, 2)


def test_log_without_entries_has_no_checkpoint(log):
    with pytest.raises(ValueError):
        log.checkpoint()


def test_every_checkpoint_is_consistent_with_the_last(grown):
    for size in (1, 255, 256, 300, 600):
        proof = grown.consistency_proof(size, 600)
        assert proof == consistency_proof(size, [leaf_hash(entry) for entry in entries(0, 600)])
        roots = {"old_root": root_of(grown.checkpoint_at(size)), "new_root": root_of(grown.checkpoint())}
        verify_consistency(old_size=size, new_size=600, proof=proof, **roots)


def test_entry_is_proven_under_an_earlier_checkpoint(grown):
    index = grown.index_of(leaf_hash(b"entry 200"))
    proof = grown.inclusion_proof(index, 300)
    root = root_of(grown.checkpoint_at(300))
    verify_inclusion(leaf_hash(b"entry 200"), index=200, size=300, proof=proof, root=root)


def test_checkpoint_that_was_exchanged_yields_no_proof(grown, file):
    other = checkpoint_text(ORIGIN, 300, bytes(32))
    with sqlite3.connect(file) as db:
        db.execute("UPDATE checkpoint SET note = ? WHERE size = 300", (f"{other}\n\u2014 x AAAAAAAA\n",))
    with pytest.raises(RecordError) as damaged:
        grown.inclusion_proof(200, 300)
    assert damaged.value.code == "record.damaged"
    with sqlite3.connect(file) as db:
        db.execute("UPDATE checkpoint SET note = 'nothing' WHERE size = 300")
    with pytest.raises(RecordError):
        grown.inclusion_proof(200, 300)


def lines_of(log: Log, name: str, size: int, time_s: int = 1_800_000_000) -> tuple[str, str]:
    return cosign(WITNESSES[name], name, verify_note(log.checkpoint_at(size), ORIGIN, KEY.public), time_s=time_s)


def test_cosigned_checkpoint_has_the_lines_of_all_witnesses(grown):
    for name in WITNESSES:
        grown.cosign(300, lines_of(grown, name, 300))
    note = grown.cosigned(300)
    assert note.count("\n\u2014 ") == 5
    assert verify_note(note, ORIGIN, KEY.public) == checkpoint_text(ORIGIN, 300, root_hash(entries(0, 300)))
    for name, key in WITNESSES.items():
        assert verify_cosignature(note, name, key.public) == 1_800_000_000
    assert grown.cosigned(600) == grown.checkpoint()


def test_later_cosignature_takes_the_place_of_the_earlier(grown):
    (name, key), *_ = WITNESSES.items()
    grown.cosign(300, lines_of(grown, name, 300))
    grown.cosign(300, lines_of(grown, name, 300, time_s=1_800_000_030))
    assert verify_cosignature(grown.cosigned(300), name, key.public) == 1_800_000_030


def test_cosignatures_are_there_after_reopening(grown, file):
    (name, key), *_ = WITNESSES.items()
    grown.cosign(300, lines_of(grown, name, 300))
    grown.close()
    again = open_log(file)
    verify_cosignature(again.cosigned(300), name, key.public)
    again.close()


@pytest.mark.parametrize("line", ["", "no line\n", "\u2014 a AAAAAAAA", "\u2014 a AAAAAAAA\n\u2014 b AAAAAAAA\n"])
def test_line_that_would_spoil_the_note_is_refused(grown, line):
    with pytest.raises(SignatureError):
        grown.cosign(300, [line])
    assert grown.cosigned(300) == grown.checkpoint_at(300)


def test_second_line_of_the_coordinator_itself_is_refused(grown):
    with pytest.raises(SignatureError):
        grown.cosign(300, [grown.checkpoint_at(300).rpartition("\n\n")[2]])


def test_unknown_size_is_not_cosigned(grown):
    (name, *_) = WITNESSES
    with pytest.raises(ValueError):
        grown.cosign(2, lines_of(grown, name, 300))


# --- writers, damage, full disks, kills ---


def test_second_writer_is_refused_and_readers_are_not(log, file):
    log.append(entries(0, 3))
    with pytest.raises(HomeError) as second:
        open_log(file)
    assert second.value.code == "home.second_writer"
    with sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True) as reader:
        assert reader.execute("SELECT count(*) FROM leaf").fetchone() == (3,)
    log.close()
    open_log(file).close()


def test_second_process_is_refused_until_the_first_is_killed(file):
    def hold(report: Report) -> None:
        log = open_log(file)
        log.append(entries(0, 3))
        try:
            open_log(file)
        except HomeError as error:
            report(error.code)
        die_at(log._db, "COMMIT")
        log.append(entries(3, 6))

    assert reports_of_killed(hold) == ["home.second_writer"]
    log = open_log(file)
    assert list(log.entries()) == entries(0, 3)
    log.close()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM leaf", "UPDATE leaf SET entry = x'00'", "UPDATE leaf SET idx = idx + 9"]
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


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("DELETE FROM checkpoint WHERE size = 600", id="entries that were never signed"),
        pytest.param("INSERT INTO checkpoint SELECT 601, note FROM checkpoint WHERE size = 600", id="entries cut off"),
        pytest.param("UPDATE tile SET hashes = zeroblob(64) WHERE level = 1", id="another root than the signed one"),
        pytest.param("UPDATE checkpoint SET note = 'nothing' WHERE size = 600", id="checkpoint overwritten"),
    ],
)
def test_log_that_does_not_give_its_signed_root_is_not_opened(grown, file, statement):
    grown.close()
    with sqlite3.connect(file) as db:
        db.execute(statement)
    db.close()
    for _ in range(2):  # and a refused opening leaves no lock behind
        with pytest.raises(RecordError) as damaged:
            open_log(file)
        assert damaged.value.code == "record.damaged"


def check_whole(file: Path, reported: list[str]) -> int:
    """All that was acknowledged is there, nothing twice, and the stored root is that of the entries."""
    log = open_log(file)
    held = list(log.entries())
    assert held == entries(0, len(held))
    assert len(held) >= max(map(int, reported), default=0)
    if held:
        assert root_of(log.checkpoint()) == log.root() == root_hash(held)
    assert root_of(log.append(entries(len(held), len(held) + 300))) == root_hash(entries(0, len(held) + 300))
    log.close()
    return len(held)


@pytest.mark.parametrize(
    ("statement", "occurrence"),
    [
        ("INSERT INTO leaf", 150),
        ("INSERT INTO tile", 1),
        ("INSERT INTO tile", 2),
        ("INSERT OR REPLACE", 1),
        ("COMMIT", 1),
    ],
)
def test_killed_append_leaves_the_log_as_it_was(file, statement, occurrence):
    def append(report: Report) -> None:
        log = open_log(file)
        log.append(entries(0, 200))
        report("200")
        die_at(log._db, statement, occurrence)
        log.append(entries(200, 600))
        report("600")

    assert reports_of_killed(append) == ["200"]
    assert check_whole(file, ["200"]) == 200


def test_log_killed_at_any_moment_loses_and_doubles_nothing(file):
    def append(report: Report) -> None:
        log = open_log(file)
        for start in range(len(log), 1_000_000, 37):
            log.append(entries(start, start + 37))
            report(str(start + 37))

    for after in (1, 20, random.randint(2, 40)):
        reported = reports_of_killed(append, after=after)
        assert check_whole(file, reported) >= 37 * after


def test_write_that_fails_leaves_the_log_as_it_was_and_it_goes_on_later(log, file):
    log.append(entries(0, 200))
    limit = file.with_name("log.db-wal").stat().st_size + 10_000
    with files_no_larger_than(limit), pytest.raises(HomeError) as failed:
        log.append([bytes(50_000)] * 10)
    assert failed.value.code == "home.storage"
    assert (len(log), log.root()) == (200, root_hash(entries(0, 200)))
    log.append(entries(200, 300))
    log.close()
    assert check_whole(file, ["300"]) == 300


def test_process_killed_on_a_full_disk_loses_nothing(file):
    def append(report: Report) -> None:
        log = open_log(file)
        with files_no_larger_than(400_000):
            try:
                for start in range(0, 1_000_000, 100):
                    log.append(entries(start, start + 100))
                    report(str(start + 100))
            except HomeError:
                die_at(log._db, "BEGIN")
                log.append(entries(0, 1))

    reported = reports_of_killed(append)
    assert check_whole(file, reported) == int(reported[-1])


def test_two_threads_that_append_and_cosign_at_once_do_not_meet(log):
    """An analyst's event comes in by one thread while another seals: SQLite knows one transaction per connection."""
    log.append([b"first"])
    failures: list[Exception] = []

    def work(action) -> None:
        try:
            for number in range(150):
                action(number)
        except Exception as error:
            failures.append(error)

    witness = HybridKey.generate()

    def seal(number: int) -> None:
        size = len(log)
        text = log.checkpoint_at(size).partition("\n\n")[0] + "\n"
        log.cosign(size, cosign(witness, "keyong.test/witness", text, time_s=1_700_000_000 + number))
        assert len(list(log.entries(0, size))) == size

    threads = [
        threading.Thread(target=work, args=(action,))
        for action in (lambda number: log.append([b"%d" % number, b"x"]), seal)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(log) == 301
