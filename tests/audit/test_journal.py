"""A journal keeps every event or none, in a chain that survives, and lets nothing be changed."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from pathlib import Path

import pytest

from crypto.signing import SigningKey
from federation.audit.events import FIRST_PREV, Actor, read_event
from federation.audit.journal import Draft, Journal, commitment, transaction
from federation.errors import HomeError
from tests.support.memory import clock

KEY = SigningKey.generate()
ACTOR = Actor(name="gaoping", role="node")


def open_journal(path: Path) -> Journal:
    return Journal(path, origin="keyong.test/journal", node="gaoping", key=KEY, clock=clock)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(file: Path) -> Journal:
    return open_journal(file)


def draft(number: int, **more) -> Draft:
    return Draft(type="incident", actor=ACTOR, job=f"q-{number}", data={"number": number}, **more)


def read(journal: Journal):
    return [read_event(entry, {"gaoping": KEY.public}) for entry in journal.entries()]


def test_events_are_numbered_and_chained_from_zero(journal):
    journal.write([draft(1), draft(2)])
    journal.write([draft(3)])
    entries = journal.entries()
    assert [event.seq for event in read(journal)] == [0, 1, 2]
    assert [event.prev for event in read(journal)] == [
        FIRST_PREV,
        *(hashlib.sha256(entry).hexdigest() for entry in entries[:2]),
    ]


def test_chain_goes_on_after_reopening(journal, file):
    (first,) = journal.write([draft(1)])
    journal.close()
    again = open_journal(file)
    again.write([draft(2)])
    assert len(again) == 2
    assert read(again)[1].prev == hashlib.sha256(first).hexdigest()


def test_entries_begin_where_asked(journal):
    entries = journal.write([draft(1), draft(2), draft(3)])
    assert (journal.entries(1), journal.entries(3), journal.entries(99)) == (entries[1:], [], [])


@pytest.mark.parametrize(
    "statement", ["DELETE FROM event", "UPDATE event SET entry = x'00'", "UPDATE event SET salt = x'00'"]
)
def test_journal_is_append_only(journal, file, statement):
    journal.write([draft(1)])
    with sqlite3.connect(file) as other, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(statement)


def test_event_cannot_be_replaced_under_its_number(journal, file):
    journal.write([draft(1)])
    with sqlite3.connect(file) as other, pytest.raises(sqlite3.IntegrityError):
        other.execute("INSERT INTO event VALUES(0, 'incident', '', x'00', NULL)")


def test_batch_with_one_impossible_event_stores_nothing(journal):
    with pytest.raises(ValueError, match="65535"):
        journal.write([draft(1), Draft(type="incident", actor=ACTOR, data={"x": "a" * 65_535})])
    assert journal.entries() == []
    journal.write([draft(2)])
    assert [event.seq for event in read(journal)] == [0]


def test_batch_is_not_on_disk_before_its_commit(journal, file):
    batch = journal.begin()
    batch.add([draft(1)])
    assert len(journal) == 0
    journal.commit(batch)
    assert len(open_journal(file)) == 1


def test_batch_that_another_one_overtook_is_refused(journal):
    batch = journal.begin()
    batch.add([draft(1)])
    journal.write([draft(2)])
    with pytest.raises(ValueError, match="another batch"):
        journal.commit(batch)
    assert [event.job for event in read(journal)] == ["q-2"]


def fill(journal: Journal) -> None:
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages}")


def test_full_disk_keeps_all_of_a_batch_or_none(journal):
    journal.write([draft(1)])
    fill(journal)
    with pytest.raises(HomeError) as full:
        journal.write([draft(number) for number in range(2, 100)])
    assert full.value.code == "home.disk_full"
    assert [event.job for event in read(journal)] == ["q-1"]


def test_journal_goes_on_in_its_chain_once_there_is_room(journal):
    journal.write([draft(1)])
    fill(journal)
    with pytest.raises(HomeError):
        journal.write([draft(number) for number in range(2, 100)])
    journal._db.execute("PRAGMA max_page_count = 1000000")
    journal.write([draft(2)])
    assert [event.seq for event in read(journal)] == [0, 1]


def test_commit_that_fails_leaves_no_transaction_open():
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("CREATE TABLE a(x PRIMARY KEY)")
    db.execute("CREATE TABLE b(x REFERENCES a DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), transaction(db):
        db.execute("INSERT INTO b VALUES(1)")  # noticed at COMMIT only, as a full disk can be
    assert not db.in_transaction
    assert db.execute("SELECT * FROM b").fetchall() == []


def test_file_that_is_no_journal_is_an_error(file):
    file.write_bytes(b"garbage" * 1000)
    with pytest.raises(HomeError) as broken:
        open_journal(file)
    assert broken.value.code == "home.storage"


def test_journal_in_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(HomeError) as broken:
        open_journal(tmp_path / "nowhere" / "journal.db")
    assert broken.value.code == "home.storage"


def test_events_survive_without_closing(journal, file):
    journal.write([draft(1)])
    with sqlite3.connect(file) as other:
        assert other.execute("SELECT count(*) FROM event").fetchone() == (1,)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_events_are_synced_to_disk(journal):
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_job_holds_what_was_written_for_it_and_no_other(journal):
    journal.write([draft(1)])
    assert journal.holds("incident", "q-1")
    assert not journal.holds("incident", "q-2")
    assert not journal.holds("open", "q-1")


def test_another_thread_may_read(journal):
    journal.write([draft(1)])
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(len(journal.entries())))
    thread.start()
    thread.join()
    assert found == [1]


# --- commitments ---


def test_body_is_committed_to_under_a_salt_that_stays(journal, file):
    journal.write([draft(1, body=b"[0, 3]")])
    (event,) = read(journal)
    with sqlite3.connect(file) as other:
        ((salt, entry),) = other.execute("SELECT salt, entry FROM event").fetchall()
    assert event.data["commitment"] == commitment(salt, b"[0, 3]")
    assert len(salt) == 16
    assert salt.hex().encode() not in entry


def test_equal_bodies_have_different_commitments(journal):
    journal.write([draft(1, body=b"x"), draft(2, body=b"x")])
    first, second = read(journal)
    assert first.data["commitment"] != second.data["commitment"]


def test_event_without_a_body_has_neither_salt_nor_commitment(journal, file):
    journal.write([draft(1)])
    assert "commitment" not in read(journal)[0].data
    with sqlite3.connect(file) as other:
        assert other.execute("SELECT salt FROM event").fetchall() == [(None,)]
