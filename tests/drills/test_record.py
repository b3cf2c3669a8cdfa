"""Every drill ends as its table says, by the control it is meant for; and nothing is caught that is left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from federation.audit.record import RecordReader
from federation.audit.verify import verify_record
from federation.drills import log, record, witnesses
from federation.drills.record import DRILLS, drill_record, run_drills
from federation.drills.stage import Drill, Stage
from federation.drills.town import COORDINATOR, make_plan
from federation.governance.statements import Grant
from federation.messages import Agreement, Synced

# Who has to catch what, and with which words.
REASONS = {
    "flip-bit": "verifier: it is not signed by its party",
    "remove-entry": "verifier: the entries do not give the signed root",
    "remove-last": "verifier: the last checkpoint covers",
    "swap-entries": "verifier: the entries do not give the signed root",
    "insert-stranger": "verifier: it is not signed by its party",
    "replay-entry": "verifier: it does not follow the event before it in the chain of hukou",
    "double-last": "verifier: it does not follow the event before it",
    "other-log": "verifier: it is of another log",
    "rewrite": "evaluator: 0 cosignatures hold, 3 are needed",
    "strip": "evaluator: 0 cosignatures hold, 3 are needed",
    "strip-mldsa": "evaluator: the ML-DSA-44 cosignature of .* is missing",
    "unknown-witness": "evaluator: 0 cosignatures hold, 3 are needed",
    "carried-line": "evaluator: the cosignature of tax does not hold",
    "split-halves": "evaluator: 2 cosignatures hold, 3 are needed",
    "split-heads": "evaluator: its root is not the log's root .* two histories were shown",
    "cut-with-head": "evaluator: it covers .* its end was cut off",
    "foreign-key": "verifier: it is not signed by its party",
    "other-name": "verifier: it is not signed by its party",
    "clock-ahead": "verifier: its time is not within 120 s",
    "clock-back": "verifier: its time is not within 120 s",
    "never-seen": "verifier: hukou has seen less|verifier: it has seen a checkpoint that this log never had",
    "roll-back": "witness of tax: .*smaller",
    "fork": "witness of tax: .*two roots for one size",
    "rewritten": "witness of tax: .*do not make the checkpoint's root",
    "forged-entry": "witness of tax: .*no signed event",
    "stolen-key": "witness of tax: .*not the next event of its journal",
    "drop-middle": "witness of tax: .*not the next event of its journal",
    "double": "witness of tax: .*not the next event of its journal",
    "drop-last": "witness of tax: .*not in the log after 10 s",
    "not-the-log": "witness of tax: .*not signed by the coordinator",
    "restored": "witness of tax: .*restored from a backup",
    "lost": "witness of tax: .*is gone",
    "lost-record": "verifier: its witness database is lost",
    "restored-record": "verifier: it covers .* but tax had co-signed",
    "two-rosters": "verifier: the parties have pinned different rosters",
    "second-roster": "tax: .*not those of the pinned roster",
    "other-keys": "evaluator: its key for tax is not the evaluator's",
    "grant-replayed": "verifier: its statement says something else than the event: request",
    "grant-expired": "verifier: the approval by tax .* had expired",
    "grant-other-plan": "verifier: tax approved another plan",
    "grant-other-officer": "verifier: its statement is by no officer of tax in the right role",
    "grant-auditor": "verifier: its statement is by no officer of tax in the right role",
    "grant-otherwise": "verifier: its statement says something else than the event: plan",
    "grant-forged": "verifier: its statement is by no officer of tax, or was altered",
    "unapproved": "verifier: no approval by tax",
    "unsealed": "verifier: housing went on without a sealed record",
    "revoked": "verifier: revoked by tax",
    "revoked-other": "verifier: tax had taken back its word",
    "opened-twice": "verifier: housing did the same step of a job twice",
    "ran-twice": "verifier: tax ran job drill-2 twice",
    "late-commit": "verifier: .*revealed its ciphertexts before everybody had committed",
    "egress-recorded": "verifier: something of job drill-3 before it had begun",
    "survivors-split": "verifier: tax signed other survivors of round update.1 than the others",
    "absence-feigned": "verifier: round update.1 had 2 survivors, 3 are needed",
    "presence-feigned": "verifier: a survivor of round update.2 had masked nothing before housing signed",
    "model-for-one": "verifier: tax was given something else in round update.1",
    "keys-for-one": "verifier: tax saw other keys for masks than the others",
    "unmask-unsigned": "verifier: tax helped to take masks off without having signed who survived",
    "unmask-alone": "verifier: 1 had signed who survived round update.1, 3 are needed",
    "unmask-twice": "verifier: tax helped to take masks off without having signed who survived",
    "mask-twice": "verifier: tax did the same step of a job twice",
    "mask-unrecorded": "verifier: tax sent masked numbers that are not on record",
    "mask-unjoined": "verifier: tax worked on job drill-training without having joined it",
    "training-revoked": "verifier: revoked by tax",
    "training-revoked-other": "verifier: social had taken back its word in entry",
    "round-survivors": "verifier: round update.2 had other survivors than the departments signed",
    "round-given": "verifier: round update.2 worked on something else than the departments were given",
    "model-rounds": "verifier: a model of 1000 rounds, where 3 are on record",
    "model-early": "verifier: round update.2 ended twice, or after the model was made",
    "desk-replayed": "desk: ",
    "desk-auditor": "desk: auditor@tax may not say this",
    "gateway": "gateway: tax has not approved",
    "script-unapproved": "verifier: no approval by tax on job drill-script",
    "script-twice": "verifier: tax did the same step of a job twice",
    "output-unreleased": "verifier: tax sent an output of job drill-script that no script had released",
    "output-unrun": "verifier: tax sent an output of job drill-script that no script had released",
    "script-other-step": "verifier: job drill-script is of a kind that has no such step",
    "script-revoked": "verifier: revoked by tax",
    "shelf-denied": "verifier: the shelf of tax shows job drill-script as approved, which was not so",
    "shelf-exchanged": "verifier: the files of job drill-script on the shelf of tax were exchanged",
    "shelf-never-asked": "verifier: tax shows a request on its shelf that it never received: job drill-script",
    "shelf-unshown": "verifier: tax joined job drill-script, which its shelf did not show as approved",
    "grant-alone": "verifier: 1 of 2 approvals by tax on job drill-script",
    "grant-twice": "verifier: tax has said its word on job drill-script before",
    "grant-denied": "verifier: denied by tax on job drill-script",
    "desk-twice": "desk: officer@tax",
    "understated": "verifier: the receipt in entry",
    "renamed": "verifier: the receipt in .* other messages",
    "receipt-short": "verifier: the receipt in entry",
    "receipt-frames": "verifier: the receipt in entry",
    "beside-ledger": "verifier: .* bytes are recorded and .* were counted leaving",
    "never-sent": "verifier: .* bytes are recorded and .* were counted leaving",
    "uncounted": "verifier: the copy proxy has no count for it",
    "raw-cell": "fingerprints: ",
    "raw-error": "fingerprints: ",
    "leaky-adapter": "fingerprints: ",
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    yield Stage(tmp_path_factory.mktemp("drill"))


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_drill_ends_as_its_table_says(stage: Stage, drill: Drill):
    caught = drill.perform(stage)
    if drill.miss:
        assert caught is None
        return
    assert caught is not None
    assert re.match(REASONS[drill.name], f"{caught.by}: {caught.reason}"), caught
    assert caught.where
    assert caught.code


def test_every_drill_has_a_name_of_its_own_and_both_languages():
    names = [drill.name for drill in DRILLS]
    assert len(set(names)) == len(names) >= 25
    assert set(REASONS) == {drill.name for drill in DRILLS if not drill.miss}
    assert all(drill.zh and drill.en and drill.can and drill.can_en for drill in DRILLS)
    assert all(bool(drill.miss) == bool(drill.miss_en) for drill in DRILLS)


# --- what is left alone is not caught ---


def test_record_of_the_stage_verifies(stage: Stage):
    verdict = stage.verify()
    assert (verdict.outcomes, verdict.granted, verdict.unsealed_acts) == ({"released": 4}, 26, 0)
    assert verify_record(RecordReader(stage.home)).root == verify_record(stage.scene()).root == verdict.root


def test_record_that_all_sign_again_unaltered_verifies(stage: Stage):
    scene = stage.scene()
    forged = scene.forged(lambda items: items)
    assert verify_record(forged).root == verify_record(scene).root
    verify_record(forged.bundle(), scene.trust(heads=sorted(scene.shown_heads)))


def test_witness_cosigns_what_the_log_really_holds(stage: Stage):
    assert witnesses.honest(stage) is None


def test_witness_opens_again_over_its_own_database(stage: Stage):
    with stage.department("tax") as department:
        assert department.witness.head().size == stage.verify().sealed_size


def test_desk_hears_the_officer_and_the_gateway_lets_go_what_is_approved(stage: Stage):
    plan, job = make_plan(stage.town.roster), "drill-3"
    with stage.department("tax") as department:
        department.journal.write(department.approvals.lodge(job, plan, b"", None))
        for officer in ("officer@tax", "deputy@tax"):
            department.approvals.hear(stage.town.state(Grant, "tax", plan, job=job, officer=officer), {})
        header = stage.town.header("tax", COORDINATOR, plan=plan.hash, job=job)
        department.gateway.admit(header, Agreement(statements=department.approvals.statements(job)))
        department.gateway.admit(stage.town.header("tax", COORDINATOR), Synced())


def test_drills_leave_the_stage_as_it_was(stage: Stage):
    before = stage.verify().root
    run_drills(stage, (*log.DRILLS[:5], *witnesses.DRILLS[:12]))
    assert stage.verify().root == before


# --- the run ---


def test_run_tells_what_was_caught_what_was_missed_and_what_went_wrong():
    table = {drill.name: drill for drill in DRILLS}
    caught, missed = table["strip"], table["cut-without-head"]
    wrongly = replace(missed, name="unexpected", miss="", miss_en="")
    outdated = replace(caught, name="outdated", miss="旧", miss_en="old")
    seen: list[str] = []
    report = drill_record((caught, missed, wrongly, outdated), progress=lambda outcome: seen.append(outcome.name))
    assert (report.caught, report.missed, report.failed) == (1, 1, ("unexpected", "outdated"))
    assert seen == [outcome.name for outcome in report.outcomes]
    assert report.size > 200
    assert report.outcomes[0].caught is not None
    assert report.outcomes[1].miss_en == missed.miss_en


def test_run_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(record.tempfile, "tempdir", str(tmp_path))
    drill_record(())
    assert list(tmp_path.iterdir()) == []
