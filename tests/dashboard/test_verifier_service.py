import os
import sys
import time
from pathlib import Path

import pytest

from dashboard.services import commands, verifier
from dashboard.services.verifier import Check, Verifier
from federation.audit.record import RecordReader
from tests.dashboard.records import tampered


def awaited(service: Verifier) -> Check:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        check = service.look()
        if check.running_s is None and check.outcome is not None:
            return check
        time.sleep(0.05)
    raise AssertionError("the verifier has not answered")


def test_a_first_look_begins_a_run_and_does_not_wait_for_it(recorded):
    begun = time.perf_counter()
    check = Verifier(recorded.path).look()
    assert time.perf_counter() - begun < 0.5
    assert check.outcome is None
    assert check.running_s is not None


def test_a_record_that_holds_is_told_with_what_was_recomputed(recorded):
    check = awaited(Verifier(recorded.path))
    verdict = check.outcome.verdict
    assert check.current
    assert (verdict.departments, verdict.jobs) == (3, 1)
    assert verdict.ledger_bytes == verdict.counted_bytes == 43_600
    assert verdict.size == RecordReader(recorded.path).size()


def test_one_altered_byte_is_refuted_and_the_place_is_named(recorded, tmp_path):
    check = awaited(Verifier(tampered(recorded.path, tmp_path / "copy")))
    assert check.outcome.refuted
    assert check.outcome.error.details["where"] == "entry 20"
    assert "was altered" in check.outcome.error.details["reason"]


def test_a_byte_nobody_recorded_is_refuted(recorded):
    recorded.count(gaoping=1)
    error = awaited(Verifier(recorded.path)).outcome.error
    assert error.details["where"] == "ledger of gaoping, session 1"


def test_nothing_is_recomputed_while_nothing_changes(recorded, monkeypatch):
    service = Verifier(recorded.path)
    first = awaited(service).outcome
    monkeypatch.setattr(service, "_rest_until", 0.0)
    monkeypatch.setattr(verifier, "MAX_AGE_S", 1e9)
    assert service.look().running_s is None
    assert service.look().outcome is first


def test_a_longer_log_makes_the_outcome_old_and_is_recomputed(recorded, monkeypatch):
    service = Verifier(recorded.path)
    size = awaited(service).outcome.verdict.size
    recorded.run("q-0000000000bb")
    assert not service.look().current
    monkeypatch.setattr(service, "_rest_until", 0.0)
    assert service.look().running_s is not None
    assert awaited(service).outcome.verdict.size > size


def test_a_log_that_keeps_changing_is_left_alone_for_a_while(recorded):
    service = Verifier(recorded.path)
    awaited(service)
    recorded.run("q-0000000000bb")
    check = service.look()
    assert (check.current, check.running_s) == (False, None)
    assert service.look(again=True).running_s is not None  # unless somebody asks


def test_nothing_is_believed_for_longer_than_ten_minutes(recorded, monkeypatch):
    service = Verifier(recorded.path)
    awaited(service)
    monkeypatch.setattr(service, "_rest_until", time.monotonic() - verifier.MAX_AGE_S)
    assert service.look().running_s is not None


@pytest.mark.parametrize("words", ["", "Killed", "[]", '{"valid": true}', '{"code": "record.invalid"}'])
def test_a_verifier_that_says_nothing_we_know_is_no_verdict(recorded, monkeypatch, words):
    monkeypatch.setattr(verifier, "_verify", lambda _: words)
    outcome = awaited(Verifier(recorded.path)).outcome
    assert outcome.verdict is None
    assert not outcome.refuted


def test_the_place_is_found_in_the_command_s_words_whatever_they_are():
    error = verifier._error(
        "record.invalid", "审计记录校验不通过：log, up to entry 3，the entries do not give it，really"
    )
    assert error.details == {"where": "log, up to entry 3", "reason": "the entries do not give it，really"}


def test_a_sceptic_types_the_very_command_that_was_run(recorded, monkeypatch):
    command = commands.verify(recorded.path)
    assert command[:3] == (sys.executable, "-m", "federation")
    monkeypatch.chdir(recorded.path.parent)
    assert " --home home audit verify --json" in commands.typed(command)
    monkeypatch.chdir(os.sep)
    assert "--home " + str(recorded.path).lstrip(os.sep) in commands.typed(command)


def test_what_is_typed_is_quoted_for_the_shell():
    typed = commands.typed(commands.keyong(Path("/a home"), "query", "SELECT COUNT(*) FROM hukou"))
    assert typed.endswith("keyong --home '/a home' query 'SELECT COUNT(*) FROM hukou'")
