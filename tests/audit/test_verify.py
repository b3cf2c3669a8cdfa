"""The record of a small federation verifies; with one thing altered in its files it does not, and the place is named.

What parties can forge who sign again what they altered is in the files beside this one, a rule each.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from crypto.merkle import root_hash
from crypto.notes import sign_note
from crypto.signing import SigningKey
from federation.audit.events import Event, read_event, sign_event
from federation.audit.log import Log, checkpoint_text
from federation.audit.record import RecordReader
from federation.audit.verify import verify_record
from federation.drills.scene import Scene
from federation.errors import RecordError
from federation.governance.roster import Roster
from tests.support import records
from tests.support.memory import COORDINATOR, ORIGIN, MemoryFederation

replace = msgspec.structs.replace
JOB = "q-1"


def wrong(home: Path) -> str:
    return records.wrong(RecordReader(home))


# --- tools of whoever can write files ---


def log_file(home: Path) -> Path:
    return home / "parties" / COORDINATOR / "log.db"


def write(file: Path, *statements: str, **parameters: object) -> None:
    """Change a file that forbids it: whoever owns the file can drop the triggers."""
    with closing(sqlite3.connect(file)) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement, parameters if ":" in statement else {})
        db.commit()


def entries(home: Path) -> list[bytes]:
    return RecordReader(home).entries()


def keys(home: Path) -> dict[str, SigningKey]:
    files = [*home.glob("parties/*/identity.key"), *home.glob("analysts/*/identity.key")]
    return {file.parent.name: SigningKey.from_bytes(file.read_bytes()[:32]) for file in files}


def events(home: Path) -> list[Event]:
    return [read_event(entry, _roster(home).signers) for entry in entries(home)]


def _roster(home: Path) -> Roster:
    return Roster.from_bytes((home / "parties" / COORDINATOR / "roster.json").read_bytes())


def sign_log(home: Path, signed: Sequence[bytes], key: SigningKey | None = None) -> None:
    """Write the whole log anew, with one checkpoint."""
    for file in log_file(home).parent.glob("log.db*"):
        file.unlink()
    log = Log(log_file(home), origin=ORIGIN, key=key or keys(home)[COORDINATOR])
    log.append(signed)
    log.close()


def find(found: Sequence[Event], kind: str, node: str, *, job: str = JOB, **data: object) -> int:
    return next(
        index
        for index, event in enumerate(found)
        if (event.type, event.node, event.job) == (kind, node, job) and data.items() <= event.data.items()
    )


# --- as it is ---


def test_record_of_two_jobs_verifies(home):
    verdict = verify_record(RecordReader(home))
    assert (verdict.jobs, verdict.departments, verdict.unsent) == (2, 3, 0)
    assert verdict.size == len(entries(home))
    assert verdict.root == root_hash(entries(home)).hex()
    assert verdict.ledger_bytes == verdict.counted_bytes > 0


def test_verifying_changes_nothing(home):
    before = {file: file.read_bytes() for file in home.rglob("*") if file.is_file() and not file.name.endswith("-shm")}
    verify_record(RecordReader(home))
    assert {file: file.read_bytes() for file in before} == before


def test_another_past_that_all_agree_on_verifies(home):
    """What this check cannot see, by design: heads held outside are for that."""
    ended = records.change(records.at("job.end", COORDINATOR), data={"outcome": "refused.too_small"})
    assert verify_record(Scene.of_home(home).forged(ended)).outcomes == {"refused.too_small": 1, "released": 1}


def test_folder_without_a_log_has_no_record(tmp_path):
    with pytest.raises(RecordError) as caught:
        RecordReader(tmp_path)
    assert caught.value.code == "record.empty"


# --- (1) rosters ---


def test_another_roster_at_one_party_is_found(home):
    roster = _roster(home)
    (home / "parties" / "gaoping" / "roster.json").write_bytes(replace(roster, epoch=2).to_bytes())
    assert wrong(home) == "roster: the parties have pinned different rosters"


def test_roster_missing_at_one_party_is_found(home):
    (home / "parties" / "gaoping" / "roster.json").unlink()
    assert wrong(home) == "roster: gaoping has not pinned it"


def test_roster_missing_everywhere_is_found(home):
    for file in home.glob("*/*/roster.json"):
        file.unlink()
    assert wrong(home) == "roster: no party has pinned one"


def test_roster_that_is_not_canonical_is_found(home):
    for file in home.glob("*/*/roster.json"):
        file.write_bytes(file.read_bytes() + b" ")
    assert wrong(home) == "roster: it is not in its canonical form"


# --- (2) entries and checkpoints ---


@pytest.mark.parametrize("place", [0, 40, -2])
def test_flipped_bit_in_an_entry_is_found_there(home, place):
    index = range(len(entries(home)))[20]
    altered = bytearray(entries(home)[index])
    altered[place] ^= 1
    write(log_file(home), "UPDATE leaf SET entry = :entry WHERE idx = :idx", entry=bytes(altered), idx=index)
    assert wrong(home) == "entry 20: it is not signed by its party, or was altered"


def test_entry_whose_stored_hash_alone_is_altered_does_not_matter(home):
    """Nothing that is stored beside the entries is believed."""
    write(log_file(home), "UPDATE tile SET hashes = x'00'")
    verify_record(RecordReader(home))


def test_removed_entry_is_found_by_the_checkpoint_after_it(home):
    found = events(home)
    at = find(found, "commit", "gaoping")
    write(
        log_file(home),
        f"DELETE FROM leaf WHERE idx = {at}",
        f"UPDATE leaf SET idx = -idx WHERE idx > {at}",
        "UPDATE leaf SET idx = -idx - 1 WHERE idx < 0",
    )
    assert wrong(home).startswith("checkpoint ")
    assert wrong(home).endswith(": the entries do not give the signed root")


def test_removed_last_entry_is_found_by_the_checkpoint(home):
    size = len(entries(home))
    write(log_file(home), f"DELETE FROM leaf WHERE idx = {size - 1}")
    assert wrong(home) == f"checkpoint {size}: the last checkpoint covers {size} entries, the log holds {size - 1}"


def swapped(found: list[bytes], first: int, second: int) -> list[bytes]:
    found = list(found)
    found[first], found[second] = found[second], found[first]
    return found


def test_two_swapped_entries_of_one_party_are_found_by_its_chain(home):
    found = events(home)
    first = find(found, "commit", "gaoping")
    second = next(i for i in range(first + 1, len(found)) if found[i].node == "gaoping")
    sign_log(home, swapped(entries(home), first, second))
    assert wrong(home).startswith(f"entry {first}: it does not follow the event before it in the chain of gaoping")


def test_two_swapped_entries_of_two_parties_are_found_by_the_root(home):
    found = events(home)
    first = next(i for i in range(10, len(found)) if found[i].node != found[i + 1].node)
    one, other = entries(home)[first : first + 2]
    write(
        log_file(home),
        f"UPDATE leaf SET entry = :one WHERE idx = {first + 1}",
        f"UPDATE leaf SET entry = :other WHERE idx = {first}",
        one=one,
        other=other,
    )
    assert wrong(home).endswith("the entries do not give the signed root")


def test_inserted_entry_of_a_stranger_is_found_there(home):
    event = events(home)[3]
    forged = sign_event(replace(event, type="approval.grant"), SigningKey.generate())
    sign_log(home, [*entries(home)[:3], forged, *entries(home)[3:]])
    assert wrong(home) == "entry 3: it is not signed by its party, or was altered"


def test_repeated_entry_is_found_there(home):
    sign_log(home, [*entries(home)[:9], entries(home)[8], *entries(home)[9:]])
    assert wrong(home).startswith("entry 9: it does not follow the event before it")


def test_event_signed_by_another_partys_key_is_found_there(home):
    found = events(home)
    at = find(found, "commit", "gaoping")
    forged = sign_event(found[at], keys(home)["lingchuan"])
    sign_log(home, [*entries(home)[:at], forged, *entries(home)[at + 1 :]])
    assert wrong(home) == f"entry {at}: it is not signed by its party, or was altered"


def test_event_of_another_log_is_found_there(home):
    other = sign_event(replace(events(home)[4], log="keyong.test/other"), keys(home)[events(home)[4].node])
    sign_log(home, [*entries(home)[:4], other, *entries(home)[5:]])
    assert wrong(home) == "entry 4: it is of another log"


def test_checkpoint_signed_by_another_key_is_found(home):
    stranger = SigningKey.generate()
    size = len(entries(home))
    note = sign_note(stranger, ORIGIN, checkpoint_text(ORIGIN, size, root_hash(entries(home))))
    write(log_file(home), f"UPDATE checkpoint SET note = :note WHERE size = {size}", note=note)
    assert wrong(home) == f"checkpoint {size}: it is not signed by the coordinator"


def test_removed_last_checkpoint_is_found(home):
    size = len(entries(home))
    write(log_file(home), f"DELETE FROM checkpoint WHERE size = {size}")
    assert wrong(home).endswith(f"entries, the log holds {size}")


def test_no_checkpoint_at_all_is_found(home):
    write(log_file(home), "DELETE FROM checkpoint")
    assert wrong(home) == "checkpoint 0: there is no checkpoint at all"


def test_signed_checkpoint_of_another_root_is_found(home):
    note = sign_note(keys(home)[COORDINATOR], ORIGIN, checkpoint_text(ORIGIN, 3, bytes(32)))
    write(log_file(home), "INSERT OR REPLACE INTO checkpoint VALUES(3, :note)", note=note)
    assert wrong(home) == "checkpoint 3: the entries do not give the signed root"


def test_two_signed_checkpoints_of_one_size_are_found(home):
    note = RecordReader(home).checkpoints()[0]
    write(log_file(home), "INSERT INTO checkpoint VALUES(-1, :note)", note=note)
    assert "there are two of one size" in wrong(home)


def test_checkpoint_of_another_log_is_found(home):
    key = keys(home)[COORDINATOR]
    note = sign_note(key, ORIGIN, checkpoint_text("keyong.test/other", 1, root_hash(entries(home)[:1])))
    write(log_file(home), "INSERT OR REPLACE INTO checkpoint VALUES(1, :note)", note=note)
    assert "it is of another log" in wrong(home)


def test_log_that_is_no_database_is_found(home):
    for file in log_file(home).parent.glob("log.db*"):
        file.unlink()
    log_file(home).write_bytes(b"garbage" * 1000)
    assert wrong(home).endswith("the file cannot be read as SQLite")


# --- (4) journals ---


def journal_file(home: Path, party: str = "gaoping") -> Path:
    return home / "parties" / party / "journal.db"


def test_altered_journal_is_found_at_its_event(home):
    write(journal_file(home), "UPDATE event SET entry = x'00' WHERE seq = 3")
    assert wrong(home) == "journal of gaoping, event 3: the log has another one in its place"


def test_truncated_journal_is_found_at_its_end(home):
    write(journal_file(home), "DELETE FROM event WHERE seq >= 5")
    assert wrong(home) == "journal of gaoping, event 5: the log has another one in its place"


def test_missing_journal_is_found(home):
    for file in journal_file(home).parent.glob("journal.db*"):
        file.unlink()
    assert wrong(home) == "parties/gaoping/journal.db: the journal is missing"


def test_event_in_the_middle_that_the_log_lacks_is_found(home):
    """The coordinator drops an event, and signs a new tree over the rest."""
    at = find(events(home), "open", "gaoping")
    sign_log(home, [*entries(home)[:at], *entries(home)[at + 1 :]])
    assert "it does not follow the event before it in the chain of gaoping" in wrong(home)


def test_journal_that_its_party_forked_is_found(home):
    """Another event under the same number than the one it gave to the log, well signed."""
    party, seq = "gaoping", 6
    mine = [read_event(entry, _roster(home).signers) for entry in RecordReader(home).journal(party)]
    forked = sign_event(replace(mine[seq], time="2026-03-02T08:00:00.000Z"), keys(home)[party])
    write(journal_file(home), f"UPDATE event SET entry = :entry WHERE seq = {seq}", entry=forked)
    assert wrong(home) == "journal of gaoping, event 6: the log has another one in its place"


def test_altered_event_that_the_log_does_not_have_yet_is_found(home):
    last = len(RecordReader(home).journal("gaoping")) - 1
    logged = sum(event.node == "gaoping" for event in events(home))
    assert logged == last  # the ledger entry of the last answer could not travel with that answer
    write(journal_file(home), f"UPDATE event SET entry = x'00' WHERE seq = {last}")
    assert "it is not signed by its party, or was altered" in wrong(home)


# --- (6) ledger and count ---


def recount(home: Path, **change: object) -> None:
    """Change what the copy proxy counted of gaoping."""
    file = home / "launcher" / "wire.json"
    sessions = json.loads(file.read_text())
    for session in sessions:
        if session["party"] == "gaoping":
            session.update({key: value(session) if callable(value) else value for key, value in change.items()})
    file.write_text(json.dumps(sessions))


def test_byte_that_left_beside_the_ledger_is_found(home):
    recount(home, sent=lambda session: session["sent"] + 1)
    assert wrong(home).startswith("ledger of gaoping, session 1: ")


def test_byte_of_the_ledger_that_never_left_a_running_department_is_found(home):
    recount(home, sent=lambda session: session["sent"] - 1)
    assert wrong(home).startswith("ledger of gaoping, session 1: ")


def last_frame(home: Path) -> int:
    mine = [read_event(entry, _roster(home).signers) for entry in RecordReader(home).journal("gaoping")]
    return int([event for event in mine if event.type == "egress"][-1].data["bytes"])


@pytest.mark.parametrize("missing", ["one byte", "the whole frame"])
def test_last_frame_of_a_killed_department_may_be_missing_and_is_counted(home, missing):
    less = 1 if missing == "one byte" else last_frame(home)
    recount(home, sent=lambda session: session["sent"] - less, ended=True)
    verdict = verify_record(RecordReader(home))
    assert verdict.unsent == 1
    assert verdict.ledger_bytes - verdict.counted_bytes == less


def test_more_than_the_last_frame_missing_is_found_even_of_a_killed_department(home):
    less = last_frame(home) + 1
    recount(home, sent=lambda session: session["sent"] - less, ended=True)
    assert wrong(home).startswith("ledger of gaoping, session 1: ")


def test_session_that_the_proxy_did_not_count_is_found(home):
    recount(home, session=7)
    assert wrong(home) == "ledger of gaoping, session 1: the copy proxy has no count for it"


def test_session_that_the_ledger_does_not_know_is_found(home):
    file = home / "launcher" / "wire.json"
    more = {"party": "gaoping", "session": 2, "sent": 5, "received": 0, "ended": True}
    file.write_text(json.dumps([*json.loads(file.read_text()), more]))
    assert wrong(home) == "ledger of gaoping, session 2: 5 bytes left that no entry records"


def test_bytes_moved_between_two_sessions_are_found(home):
    file = home / "launcher" / "wire.json"
    sessions = json.loads(file.read_text())
    first, second = [session for session in sessions if session["party"] == "lingchuan"]
    first["sent"], second["sent"] = first["sent"] - 10, second["sent"] + 10
    file.write_text(json.dumps(sessions))
    assert wrong(home).startswith("ledger of lingchuan, session 2: ")


def test_missing_count_is_found(home):
    (home / "launcher" / "wire.json").unlink()
    assert wrong(home).endswith("the copy proxy has no count for it")


def test_reader_names_every_party_and_label(home, finished: MemoryFederation):
    record = RecordReader(home)
    assert sorted(record.rosters()) == sorted([COORDINATOR, *finished.departments, "analyst@city", "analyst@tax"])
    assert record.public().departments == ("gaoping", "lingchuan", "qinshui")
    assert record.size() == len(record.entries())
    assert record.entries(record.size() - 1) == record.entries()[-1:]
