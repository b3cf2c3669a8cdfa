import sqlite3

import pytest

from dashboard.services.health import self_checks
from dashboard.services.log import EVERYTHING, LogReader
from dashboard.services.operation import Process, processes
from federation.audit.record import RecordReader
from tests.dashboard.records import JOB


def checks(home, running=None):
    record = RecordReader(home.path)
    made = self_checks(home.path, LogReader(record).look(EVERYTHING), record.rosters(), running or {})
    return {check.name: check for check in made}


def failed(home, running=None):
    return {name: check.wrong for name, check in checks(home, running).items() if not check.holds}


def test_a_sound_home_passes_every_check(recorded):
    assert failed(recorded) == {}
    assert len(checks(recorded)) == 9


def test_a_party_with_another_roster_is_named(recorded):
    (recorded.path / "parties/gaoping/roster.json").write_bytes(b"{}")
    assert failed(recorded) == {"rosters": ("gaoping",)}


def test_a_party_without_a_roster_is_named(recorded):
    (recorded.path / "parties/zezhou/roster.json").unlink()
    assert failed(recorded) == {"rosters": ("zezhou",)}


def test_a_log_longer_than_its_last_checkpoint_is_noticed(recorded):
    with sqlite3.connect(recorded.path / "parties/coordinator/log.db") as db:
        db.execute("DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)")
    assert failed(recorded) == {"checkpoint": ()}


def test_a_journal_that_lost_its_newest_event_is_named(recorded):
    with sqlite3.connect(recorded.path / "parties/chengqu/journal.db") as db:
        db.execute("DROP TRIGGER event_no_delete")
        db.execute("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)")
    assert failed(recorded) == {"journals": ("chengqu",)}


def test_a_journal_with_another_event_in_its_place_is_named(recorded):
    with sqlite3.connect(recorded.path / "parties/chengqu/journal.db") as db:
        db.execute("DROP TRIGGER event_no_update")
        db.execute("UPDATE event SET entry = x'00' WHERE seq = (SELECT max(seq) FROM event)")
    assert failed(recorded) == {"journals": ("chengqu",)}


def test_a_journal_that_is_gone_is_named(recorded):
    for file in (recorded.path / "parties/chengqu").glob("journal.db*"):
        file.unlink()
    assert failed(recorded) == {"journals": ("chengqu",)}


def test_events_that_have_not_reached_the_log_are_no_fault(recorded):
    recorded.write_unsent("chengqu")
    figures = checks(recorded)["journals"].figures
    assert failed(recorded) == {}
    assert figures["written"] == figures["logged"] + 1


def test_bytes_without_an_account_name_their_department(recorded):
    recorded.count(gaoping=50_000)
    assert failed(recorded) == {"ledger": ("gaoping",)}


def test_a_department_with_another_catalogue_is_named(recorded):
    recorded.write("gaoping", "start", session=1, isolation="confined", catalogue="beef")
    assert failed(recorded)["catalogue"] == ("gaoping",)


def test_parties_that_are_not_isolated_fail(recorded):
    recorded.tell(unconfined="not Linux")
    assert failed(recorded) == {"isolation": ()}


def test_a_department_that_says_it_is_not_isolated_is_named(recorded):
    recorded.write("gaoping", "start", session=1, isolation="not Linux", catalogue="4d1d")
    assert failed(recorded) == {"isolation": ("gaoping",)}


def test_one_restart_is_forgiven_and_two_are_not(recorded):
    again = {"session": 1, "isolation": "confined", "catalogue": "4d1d"}
    recorded.write("gaoping", "start", **again)
    assert failed(recorded) == {}
    recorded.write("gaoping", "start", **again)
    assert failed(recorded) == {"restarts": ("gaoping",)}
    recorded.write("coordinator", "start")  # everybody begins anew
    assert failed(recorded) == {}


def test_restarts_that_only_the_launcher_knows_count_too(recorded):
    down = Process(name="gaoping", state="down", code="node.killed", restarts=6, session=7, rss_mb=0)
    assert failed(recorded, {"gaoping": down}) == {"restarts": ("gaoping",)}


def test_a_home_that_others_may_enter_fails(recorded):
    recorded.path.chmod(0o755)
    assert failed(recorded) == {"permissions": ()}
    assert checks(recorded)["permissions"].figures == {"mode": "0755"}


def test_a_full_disk_fails(recorded, monkeypatch):
    monkeypatch.setattr("dashboard.services.health.LEAST_FREE_BYTES", 10**18)
    assert failed(recorded) == {"disk": ()}


def test_a_home_in_which_nothing_has_started_has_nothing_isolated(tmp_path):
    from tests.dashboard.records import RecordedHome

    assert set(failed(RecordedHome(tmp_path / "home"))) == {"catalogue", "isolation"}


def test_nothing_runs_in_a_home_without_a_launcher(recorded):
    assert processes(recorded.path) == {}


@pytest.mark.parametrize("said", [None, {}, {"parties": [{"name": "chengqu"}]}, {"parties": "garbage"}])
def test_a_launcher_that_says_nothing_we_know_is_no_launcher(recorded, monkeypatch, said):
    monkeypatch.setattr("federation.operate.status", lambda _: said)
    assert processes(recorded.path) == {}


def test_what_each_party_did_is_counted(recorded):
    recorded.run("q-0000000000bb")
    parties = LogReader(RecordReader(recorded.path)).look(JOB).parties
    assert dict(parties["chengqu"].parts) == {"contributor": 2, "holder": 2}
    assert dict(parties["zezhou"].parts) == {"contributor": 2, "gate": 2}
    assert (parties["zezhou"].grants, parties["zezhou"].automatic) == (2, 2)
    assert (parties["gaoping"].share, parties["gaoping"].key) == (2, "6d7a05b19f18675f")
