"""A witness co-signs what it has checked and stored, and nothing else; what it refuses it keeps."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from crypto.merkle import root_hash
from crypto.notes import (
    append_lines,
    cosign,
    read_checkpoint,
    sign_note,
    signature_lines,
    verify_cosignature,
    verify_note,
)
from crypto.signing import HybridKey, SigningKey
from federation.audit.events import Actor, Seen, read_event, sign_event
from federation.audit.journal import Draft, Journal
from federation.audit.log import checkpoint_text
from federation.audit.mirror import Mirror
from federation.audit.witness import Witness
from federation.errors import HomeError, RecordError, WitnessError
from tests.support.killing import Report, die_at, files_no_larger_than, reports_of_killed

ORIGIN = "keyong.test/log"
KEYS = {name: SigningKey.generate() for name in ("coordinator", "gaoping", "qinshui")}
PARTIES = {name: key.public for name, key in KEYS.items()}
LOG_KEY = KEYS["coordinator"].public
NAME = f"{ORIGIN}/gaoping"


@dataclass
class City:
    """Two departments' journals, a clock, the witness of the one called gaoping, and a coordinator free to cheat."""

    folder: Path
    now: datetime = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    log: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file = self.folder / "witness.db"
        self.journals = {name: self.journal(name) for name in ("gaoping", "qinshui")}
        self.witness = self.open(Witness.create)
        self.journals["gaoping"].seen = lambda: self.witness.head()

    def journal(self, name: str) -> Journal:
        file = self.folder / f"{name}.db"
        return Journal(file, origin=ORIGIN, node=name, key=KEYS[name], clock=lambda: self.now)

    def open(self, how: Callable[..., Witness] = Witness) -> Witness:
        journal = self.journals["gaoping"]
        return how(self.file, origin=ORIGIN, party="gaoping", clock=lambda: self.now, journal=journal, parties=PARTIES)

    def reopen(self) -> None:
        self.witness.close()
        self.witness = self.open()

    def write(self, name: str, count: int = 1, kind: str = "egress", job: str = "q-1") -> list[bytes]:
        draft = Draft(type=kind, actor=Actor(name=name, role="node"), job=job)  # type: ignore[arg-type]
        return self.journals[name].write([draft] * count)

    def cosign(self, log: Sequence[bytes] | None = None, note: str = "") -> tuple[str, ...]:
        """Bring the witness a log, from where its mirror ends."""
        log = self.log if log is None else log
        start = self.witness.head().size
        return self.witness.cosign(note or signed(log), LOG_KEY, start, log[start:])

    def refuses(self, code: str, log: Sequence[bytes] | None = None, note: str = "") -> WitnessError:
        """The witness refuses for this reason, keeps the note as evidence, and is otherwise as it was."""
        before = (self.witness.head(), list(self.witness.entries()), self.witness.acts("q-1"))
        with pytest.raises(WitnessError) as refusal:
            self.cosign(log, note)
        assert refusal.value.code == code
        assert (self.witness.head(), list(self.witness.entries()), self.witness.acts("q-1")) == before
        kept = self.witness.refused()[-1]
        assert (kept.code, kept.note) == (code, note or signed(self.log if log is None else log))
        assert kept.head == self.witness.head_note()
        return refusal.value

    def close(self) -> None:
        self.witness.close()
        for journal in self.journals.values():
            journal.close()


def signed(log: Sequence[bytes], key: SigningKey | None = None, origin: str = ORIGIN) -> str:
    return sign_note(key or KEYS["coordinator"], origin, checkpoint_text(origin, len(log), root_hash(log)))


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """Four events are in the log and co-signed: two of gaoping, two of qinshui, in turn."""
    city = City(tmp_path)
    for _ in range(2):
        city.log += city.write("gaoping") + city.write("qinshui")
    city.cosign()
    yield city
    city.close()


# --- co-signing ---


def test_lines_verify_under_both_keys_and_tell_the_time(city):
    city.log += city.write("qinshui")
    city.now += timedelta(seconds=5)
    note = append_lines(signed(city.log), city.cosign())
    assert verify_cosignature(note, NAME, city.witness.public) == int(city.now.timestamp())


def test_witness_without_history_has_seen_nothing(tmp_path):
    city = City(tmp_path)
    assert city.witness.head() == Seen(size=0, root="")
    assert (city.witness.head_note(), city.witness.refused(), list(city.witness.entries())) == ("", [], [])


def test_head_is_what_was_cosigned_last(city):
    assert city.witness.head() == Seen(size=4, root=root_hash(city.log).hex())
    verify_cosignature(city.witness.head_note(), NAME, city.witness.public)
    assert read_checkpoint(verify_note(city.witness.head_note(), ORIGIN, LOG_KEY)) == (ORIGIN, 4, root_hash(city.log))


def test_mirror_holds_the_log(city):
    city.log += city.write("qinshui", 300)
    city.cosign()
    assert list(city.witness.entries()) == city.log
    assert list(city.witness.entries(2, 5)) == city.log[2:5]


def test_next_event_tells_what_was_cosigned(city):
    (entry,) = city.write("gaoping")
    assert read_event(entry, PARTIES).seen == city.witness.head()


def test_same_checkpoint_is_cosigned_again_at_a_later_time(city):
    city.now += timedelta(seconds=30)
    note = append_lines(signed(city.log), city.cosign())
    assert verify_cosignature(note, NAME, city.witness.public) == int(city.now.timestamp())


def test_empty_log_is_cosigned(tmp_path):
    city = City(tmp_path)
    verify_cosignature(append_lines(signed([]), city.cosign()), NAME, city.witness.public)
    city.log += city.write("gaoping")
    city.cosign()


def test_note_with_other_lines_is_kept_without_them(city):
    other = cosign(HybridKey.generate(), f"{ORIGIN}/qinshui", checkpoint_text(ORIGIN, 4, root_hash(city.log)), time_s=1)
    own = city.cosign()
    city.cosign(note=append_lines(signed(city.log), [*other, *own, f"\u2014 {ORIGIN} AAAAAAAA\n"]))
    assert [line.split(" ")[1] for line in signature_lines(city.witness.head_note())] == [ORIGIN, NAME, NAME]
    city.cosign(note=append_lines(signed(city.log), [f"\u2014 x{number} AAAAAAAA\n" for number in range(99)]))


def test_wrong_start_is_told_the_right_one_and_is_no_evidence(city):
    city.log += city.write("qinshui")
    for start in (0, 3, 5):
        with pytest.raises(WitnessError) as behind:
            city.witness.cosign(signed(city.log), LOG_KEY, start, city.log[start:])
        assert (behind.value.code, behind.value.details["size"]) == ("witness.behind", 4)
    assert city.witness.refused() == []
    city.cosign()


@given(st.lists(st.sampled_from(["gaoping", "qinshui", "cosign", "reopen", "wait"]), max_size=40))
@settings(max_examples=25, deadline=None)
def test_honest_log_is_always_cosigned(tmp_path_factory, steps):
    city = City(tmp_path_factory.mktemp("city"))
    for step in [*steps, "cosign"]:
        if step == "cosign":
            city.cosign()
            assert city.witness.head() == Seen(size=len(city.log), root=root_hash(city.log).hex())
        elif step == "reopen":
            city.reopen()
        elif step == "wait":
            city.now += timedelta(seconds=60)
        else:
            city.log += city.write(step)
    assert list(city.witness.entries()) == city.log
    city.close()


# --- what is refused ---


def test_checkpoint_of_another_signer_is_refused(city):
    city.log += city.write("qinshui")
    city.refuses("witness.log_signature", note=signed(city.log, SigningKey.generate()))
    city.refuses("witness.log_signature", note=signed(city.log, origin="keyong.test/other"))
    city.refuses("witness.log_signature", note=sign_note(KEYS["coordinator"], ORIGIN, "no checkpoint\n"))
    city.refuses("witness.log_signature", note="no note")
    city.cosign()


def test_note_with_half_a_character_is_refused_and_kept_without_it(city):
    with pytest.raises(WitnessError) as refusal:
        city.cosign(note=f"\ud800{signed(city.log)}")
    assert refusal.value.code == "witness.log_signature"
    assert city.witness.refused()[-1].note == f"?{signed(city.log)}"


def test_checkpoint_of_another_log_under_our_logs_name_is_refused(city):
    text = checkpoint_text("keyong.test/other", 4, root_hash(city.log))
    city.refuses("witness.log_signature", note=sign_note(KEYS["coordinator"], ORIGIN, text))


def test_fork_is_refused_and_both_notes_are_kept(city):
    fork = [*city.log[:3], *city.write("qinshui")]
    city.refuses("witness.forked", fork)
    (kept,) = city.witness.refused()
    one, other = (read_checkpoint(verify_note(note, ORIGIN, LOG_KEY)) for note in (kept.note, kept.head))
    assert one[:2] == other[:2] and one[2] != other[2]


def test_smaller_log_is_refused(city):
    city.refuses("witness.shrunk", city.log[:3])
    city.refuses("witness.shrunk", [])


def test_same_refusal_is_kept_once(city):
    for _ in range(3):
        city.refuses("witness.shrunk", city.log[:3])
    assert len(city.witness.refused()) == 1


def test_root_that_does_not_follow_is_refused(city):
    (entry,) = city.write("qinshui")
    rewritten = [city.log[1], city.log[0], *city.log[2:], entry]
    city.refuses("witness.root", note=signed(rewritten))
    more = signed([*city.log, entry])
    city.refuses("witness.root", [*city.log], note=more)
    city.refuses("witness.root", [*city.log, entry, entry], note=more)
    city.cosign([*city.log, entry])


def forged(entry: bytes, key: str, **changes: object) -> bytes:
    return sign_event(replace(read_event(entry, PARTIES), **changes), KEYS[key])


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(lambda entry: b"garbage", id="no envelope"),
        pytest.param(lambda entry: entry.replace(b'"sig":"', b'"sig":"AA'), id="signature altered"),
        pytest.param(lambda entry: entry + b" ", id="another form"),
        pytest.param(lambda entry: forged(entry, "coordinator"), id="signed by somebody else"),
        pytest.param(lambda entry: forged(entry, "qinshui", node="stranger"), id="party unknown"),
        pytest.param(lambda entry: forged(entry, "qinshui", log="keyong.test/other"), id="another log's"),
        pytest.param(lambda entry: bytes(65_536), id="too long"),
    ],
)
def test_entry_that_is_no_signed_event_spoils_the_whole_checkpoint(city, bad):
    (good,) = city.write("qinshui")
    refusal = city.refuses("witness.entry", [*city.log, good, bad(good)])
    assert refusal.details["index"] == 5
    city.cosign([*city.log, good])


def test_own_event_left_out_is_refused(city):
    _, second = city.write("gaoping", 2)
    assert city.refuses("witness.dropped", [*city.log, second]).details["index"] == 4


def test_own_event_twice_is_refused(city):
    (mine,) = city.write("gaoping")
    assert city.refuses("witness.dropped", [*city.log, mine, mine]).details["index"] == 5


def test_own_event_replayed_later_is_refused(city):
    city.refuses("witness.dropped", [*city.log, city.log[0]])


def test_own_events_out_of_order_are_refused(city):
    first, second = city.write("gaoping", 2)
    city.refuses("witness.dropped", [*city.log, second, first])
    city.cosign([*city.log, first, second])


def test_event_in_our_name_that_is_not_in_our_journal_is_refused(city):
    """Even under our own key: it was stolen, or the journal is not what it was."""
    entry = forged(city.log[0], "gaoping", seq=2)
    city.refuses("witness.dropped", [*city.log, entry])
    city.write("gaoping")
    city.refuses("witness.dropped", [*city.log, entry])


def test_dropped_last_event_is_noticed_after_the_merge_delay(city):
    city.write("gaoping")
    city.log += city.write("qinshui")
    city.now += timedelta(seconds=10)
    city.cosign()
    city.now += timedelta(milliseconds=1)
    city.refuses("witness.late")


def test_late_event_is_no_longer_late_once_it_is_in_the_log(city):
    mine = city.write("gaoping")
    city.now += timedelta(minutes=1)
    city.refuses("witness.late")
    city.log += mine
    city.cosign()


def test_every_missing_event_is_looked_at_not_only_the_oldest(city):
    """The clock was set back between the two: the older one lies in the future."""
    city.now += timedelta(hours=1)
    city.write("gaoping")
    city.now -= timedelta(hours=1)
    city.write("gaoping")
    city.cosign()
    city.now += timedelta(seconds=11)
    city.refuses("witness.late")


def test_clock_that_jumps_back_stops_nothing_that_is_in_the_log(city):
    city.log += city.write("gaoping")
    city.now -= timedelta(days=1)
    note = append_lines(signed(city.log), city.cosign())
    assert verify_cosignature(note, NAME, city.witness.public) == int(city.now.timestamp())


def test_refusal_names_the_first_rule_that_is_broken(city):
    """A fork that also lacks our event and is not signed: the signature comes first, then the size."""
    first, second = city.write("gaoping", 2)
    fork = [second, first, city.log[0]]
    city.refuses("witness.log_signature", fork, note=signed(fork, SigningKey.generate()))
    city.refuses("witness.shrunk", fork)
    city.refuses("witness.forked", [*fork, first])


# --- acts ---


def test_acts_of_a_job_are_found_with_their_index(city):
    city.log += city.write("qinshui", kind="approval.grant")
    city.log += city.write("gaoping", kind="approval.grant", job="q-2")
    city.log += city.write("qinshui", kind="commit")
    city.log += city.write("qinshui", kind="approval.revoke")
    city.log += city.write("gaoping", kind="member.suspend", job="")
    city.cosign()
    assert city.witness.acts("q-1") == [(4, "approval.grant", "qinshui"), (7, "approval.revoke", "qinshui")]
    assert city.witness.acts("q-2") == [(5, "approval.grant", "gaoping")]
    assert city.witness.acts("") == [(8, "member.suspend", "gaoping")]


def test_acts_of_a_refused_checkpoint_are_not_believed(city):
    grant = city.write("qinshui", kind="approval.grant")
    city.refuses("witness.entry", [*city.log, *grant, b"garbage"])
    assert city.witness.acts("q-1") == []


# --- restarts, backups, losses ---


def test_restarted_witness_goes_on_with_key_mirror_head_and_evidence(city):
    city.refuses("witness.shrunk", [])
    before = (city.witness.public, city.witness.head(), city.witness.head_note(), city.witness.refused())
    city.reopen()
    assert (city.witness.public, city.witness.head(), city.witness.head_note(), city.witness.refused()) == before
    city.log += city.write("gaoping")
    city.cosign()
    city.refuses("witness.shrunk", city.log[:4])


def test_second_process_of_one_department_is_refused(city):
    with pytest.raises(HomeError) as second:
        city.open()
    assert second.value.code == "home.second_writer"


@pytest.fixture
def backup(city: City) -> Path:
    """The witness database as it was after four entries."""
    city.witness.close()
    backup = Path(shutil.copy(city.file, city.folder / "backup.db"))
    city.witness = city.open()
    return backup


def test_witness_restored_from_a_backup_is_refused(city, backup):
    city.log += city.write("qinshui")
    city.cosign()
    city.write("gaoping")
    city.witness.close()
    shutil.copy(backup, city.file)
    for _ in range(2):  # and the refusal leaves no lock behind
        with pytest.raises(WitnessError) as refused:
            city.open()
        assert refused.value.code == "witness.rolled_back"


def test_mirror_of_another_past_is_refused(city, backup):
    """As long as what the journal has seen, but not the same: restored, and led into a fork before its journal was."""
    city.log += city.write("qinshui", kind="commit")
    city.cosign()
    city.write("gaoping")
    city.witness.close()
    shutil.copy(backup, city.file)
    journal, city.journals["gaoping"] = city.journals["gaoping"], Seenless(city.journals["gaoping"])
    city.witness = city.open()
    city.cosign([*city.log[:4], *city.write("qinshui")])
    city.witness.close()
    city.journals["gaoping"] = journal
    with pytest.raises(WitnessError) as refused:
        city.open()
    assert refused.value.code == "witness.rolled_back"


def test_journal_of_another_department_is_refused(city):
    city.witness.close()
    city.journals["gaoping"] = city.journals["qinshui"]
    with pytest.raises(RecordError) as refused:
        city.open()
    assert refused.value.code == "record.invalid"


class Seenless:
    """The journal without its last event: a copy from before the checkpoint was seen."""

    def __init__(self, journal: Journal) -> None:
        self._entries = journal.entries()[:-1]

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self, start: int = 0) -> list[bytes]:
        return self._entries[start:]

    def close(self) -> None:
        pass


def test_journal_restored_from_a_backup_is_refused(city):
    city.log += city.write("gaoping")
    city.cosign()
    city.witness.close()
    city.journals["gaoping"] = Seenless(city.journals["gaoping"])
    with pytest.raises(WitnessError) as refused:
        city.open()
    assert refused.value.code == "witness.rolled_back"


@pytest.mark.parametrize("how", [Witness, Witness.create])
def test_lost_database_is_not_replaced_by_a_new_one(city, how):
    city.write("gaoping")
    city.witness.close()
    city.file.unlink()
    with pytest.raises(WitnessError) as lost:
        city.open(how)
    assert lost.value.code == "witness.lost"
    assert not city.file.exists()


def test_witness_is_not_created_twice(tmp_path):
    city = City(tmp_path)
    city.witness.close()
    with pytest.raises(ValueError, match="already"):
        city.open(Witness.create)


def test_witness_of_another_department_or_log_is_not_opened(city):
    city.witness.close()
    others = {"origin": ORIGIN, "party": "qinshui"}, {"origin": "keyong.test/other", "party": "gaoping"}
    for other in others:
        empty = Journal(city.folder / "none.db", node="", origin="", key=KEYS["gaoping"], clock=lambda: city.now)
        with pytest.raises(RecordError) as damaged:
            Witness(city.file, **other, clock=lambda: city.now, journal=empty, parties=PARTIES)
        assert damaged.value.code == "record.damaged"
        empty.close()


def test_database_is_nobody_elses_to_read(city):
    for file in city.folder.glob("witness.db*"):
        assert file.stat().st_mode & 0o077 == 0, file.name


def test_key_shows_in_no_repr(city):
    with sqlite3.connect(city.file) as db:
        (secret,) = db.execute("SELECT secret FROM identity").fetchone()
    shown = f"{vars(city.witness)} {vars(city.witness._mirror)}"
    assert secret.hex() not in shown and repr(secret) not in shown


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE head SET size = 3", id="head smaller than the mirror"),
        pytest.param("UPDATE head SET root = printf('%064d', 0)", id="another root"),
        pytest.param("DELETE FROM head", id="head missing"),
        pytest.param("UPDATE tile SET hashes = zeroblob(128)", id="tile overwritten"),
    ],
)
def test_mirror_that_is_not_that_of_the_head_is_not_opened(city, statement):
    city.witness.close()
    with sqlite3.connect(city.file) as db:
        db.execute(statement)
    db.close()
    with pytest.raises(RecordError) as damaged:
        city.open()
    assert damaged.value.code == "record.damaged"


# --- kills and full disks ---


@pytest.mark.parametrize(
    ("statement", "occurrence"),
    [("INSERT INTO leaf", 3), ("INSERT INTO tile", 1), ("INSERT INTO act", 1), ("INSERT OR REPLACE", 1), ("COMMIT", 1)],
)
def test_witness_killed_before_it_has_stored_everything_has_cosigned_nothing(city, statement, occurrence):
    city.log += city.write("gaoping") + city.write("qinshui", 3, kind="approval.grant")
    city.witness.close()

    def work(report: Report) -> None:
        city.witness = city.open()
        die_at(city.witness._mirror._db, statement, occurrence)
        report(city.cosign()[0])

    assert reports_of_killed(work) == []
    city.witness = city.open()
    assert city.witness.head() == Seen(size=4, root=root_hash(city.log[:4]).hex())
    assert (city.witness.acts("q-1"), list(city.witness.entries())) == ([], city.log[:4])
    city.cosign()


def test_line_that_was_given_away_is_in_the_database_of_a_killed_witness(city):
    batches = [city.write("qinshui", 3) for _ in range(60)]
    city.witness.close()

    def work(report: Report) -> None:
        city.witness = city.open()
        for batch in batches:
            city.log += batch
            report(city.cosign()[0])

    lines = reports_of_killed(work, after=20)
    city.witness = city.open()
    size = city.witness.head().size
    assert size >= 4 + 3 * 20
    assert size == 4 + 3 * len(lines) or lines[-1] not in city.witness.head_note()
    whole = [*city.log, *(entry for batch in batches for entry in batch)]
    assert list(city.witness.entries()) == whole[:size]
    city.cosign(whole)


def test_witness_killed_while_it_is_created_is_created_again(tmp_path, monkeypatch):
    def work(report: Report) -> None:
        connect = sqlite3.connect

        def killing(*args: object, **kwargs: object) -> sqlite3.Connection:
            db = connect(*args, **kwargs)  # type: ignore[call-overload]
            die_at(db, "INSERT INTO identity")
            return db

        monkeypatch.setattr(sqlite3, "connect", killing)
        City(tmp_path)

    assert reports_of_killed(work) == []
    with pytest.raises(WitnessError) as lost:
        Mirror(tmp_path / "witness.db", origin=ORIGIN, party="gaoping")
    assert lost.value.code == "witness.lost"
    City(tmp_path).close()


def test_full_disk_gives_no_cosignature_and_it_goes_on_later(city):
    city.log += city.write("qinshui", 100)
    limit = city.file.with_name("witness.db-wal").stat().st_size + 5000
    with files_no_larger_than(limit), pytest.raises(HomeError):
        city.cosign()
    assert city.witness.head().size == 4
    assert list(city.witness.entries()) == city.log[:4]
    city.cosign()
    city.reopen()
    assert city.witness.head() == Seen(size=104, root=root_hash(city.log).hex())
