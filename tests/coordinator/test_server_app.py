"""A job waits on desks for days, runs once everybody agreed, and ends for everybody who watches it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from federation.audit.events import read_event
from federation.coordinator.jobs import Job
from federation.coordinator.sequencer import Sequencer
from federation.coordinator.server_app import JobRunner, Trainer
from federation.governance.statements import Deny, Revoke
from tests.coordinator.test_grid_wire import wire
from tests.coordinator.test_seals import NAMES, Sealing
from tests.support.memory import COORDINATOR, MemoryFederation, MemoryStore

SQL = "SELECT COUNT(*), SUM(income) FROM insured"


class Running(Sealing):
    """A runner over three departments whose officers have to approve."""

    def __init__(self, home: Path) -> None:
        super().__init__(home / "unused")
        stores = {name: MemoryStore([{"income": 100}] * 3) for name in NAMES}
        self.federation = MemoryFederation(home / "home", stores, approvals="officers")
        self.grid._federation = self.federation
        self.sealer = self.make()
        self.ended: list[tuple[str, str]] = []
        self.runner = JobRunner(
            trainer=Trainer(
                self.federation.identities[COORDINATOR],
                self.federation.roster,
                self.federation.public_key,
                lambda job, envelope: None,
            ),
            sequencer=self.federation.sequencer,
            sealer=self.sealer,
            wire=lambda job: wire(self.federation, self.grid, job=job.name, plan=job.plan.hash, before=lambda: None),
            attest=lambda job, outcome: self.ended.append((job.name, outcome)),
        )
        self.plan = self.federation.plan(SQL)

    def job(self, plan=None) -> Job:
        plan = plan or self.plan
        return Job("q-1", plan, self.federation.request(plan, job="q-1"))

    def grant(self, *names: str) -> None:
        for name in names or NAMES:
            self.federation.approvals[name].hear(self.federation.grant(name, self.plan), {})

    def steps(self, job: Job) -> list[str]:
        return [name for name, _ in job.steps]

    def outcomes(self) -> list[str]:
        events = [read_event(entry, self.federation.roster.signers) for entry in self.federation.log.entries()]
        return [str(event.data["outcome"]) for event in events if event.type == "job.end"]

    def restart(self) -> None:
        """The coordinator reads its log anew."""
        self.runner._sequencer = Sequencer(self.federation.log, self.federation._journal, self.federation.roster)

    def started(self) -> list[str]:
        events = [read_event(entry, self.federation.roster.signers) for entry in self.federation.log.entries()]
        return [str(event.data["plan"]) for event in events if event.type == "job.start"]


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path)


def test_job_waits_on_the_desks_and_runs_when_the_last_officer_has_spoken(running):
    job = running.job()
    running.runner.take(job)
    assert running.steps(job)[-1] == "wait gaoping lingchuan qinshui"
    running.grant("gaoping", "qinshui")
    running.runner.look_after(nudged=True)
    assert running.steps(job)[-1] == "wait lingchuan"
    running.grant("lingchuan")
    running.runner.look_after(nudged=True)
    assert job.error is None and job.result is not None
    assert running.federation.read(running.plan, job.result).rows == ((9, 9.0),)
    assert running.outcomes() == ["released"]
    assert running.ended == [("q-1", "released")]


def test_desks_are_looked_after_without_a_nudge_too(running):
    job = running.job()
    running.runner.take(job)
    running.grant()
    running.runner.look_after(nudged=False)
    assert job.result is not None


def test_job_does_not_begin_if_somebody_revoked_while_another_was_awaited(running):
    job = running.job()
    running.runner.take(job)
    running.grant("gaoping")
    running.runner.look_after(nudged=True)
    running.federation.approvals["gaoping"].hear(running.federation.say_no(Revoke, "gaoping", running.plan), {})
    running.grant("lingchuan", "qinshui")
    running.runner.look_after(nudged=True)
    assert (job.error.code, job.result) == ("refused.revoked", None)
    assert running.started() == []


def test_plan_that_nobody_takes_part_in_never_begins(running):
    job = running.job(msgspec.structs.replace(running.plan, contributors=(), holders=()))
    running.runner.take(job)
    assert (job.error.code, job.result) == ("refused.loosened", None)
    assert running.started() == []


def test_name_of_a_job_that_has_begun_is_no_other_jobs_even_after_a_restart(running):
    """A job of other departments could take it: none of them would know, and the record would not hold any more."""
    running.runner.take(running.job())
    running.grant()
    running.runner.look_after(nudged=True)
    for _ in range(2):
        other = running.job(msgspec.structs.replace(running.plan, nonce="f" * 32))
        running.runner.take(other)
        assert (other.error.code, other.result) == ("refused.replayed", None)
        running.restart()
    assert running.started() == [running.plan.hash]


def test_denial_ends_the_waiting_job(running):
    job = running.job()
    running.runner.take(job)
    running.federation.approvals["qinshui"].hear(running.federation.say_no(Deny, "qinshui", running.plan), {})
    running.runner.look_after(nudged=True)
    assert (job.error.code, job.result) == ("refused.denied", None)


def test_revocation_halfway_ends_the_job_and_the_record_says_so(running):
    job = running.job()
    running.runner.take(job)
    running.grant()
    step = job.step

    def revoked_at(name: str) -> None:
        if name == "sums.collect":
            no = running.federation.say_no(Revoke, "lingchuan", running.plan)
            running.federation.approvals["lingchuan"].hear(no, {})
        step(name)

    job.step = revoked_at
    running.runner.look_after(nudged=True)
    assert (job.error.code, job.result) == ("refused.revoked", None)
    assert running.outcomes() == ["refused.revoked"]


def test_department_restarted_while_another_officer_thinks_it_over_does_not_spoil_the_job(running):
    job = running.job()
    running.runner.take(job)
    running.grant("gaoping", "lingchuan")
    running.runner.look_after(nudged=True)
    running.federation.start("gaoping")
    running.grant("qinshui")
    running.runner.look_after(nudged=True)
    assert job.error is None and job.result is not None


def test_job_cancelled_before_its_turn_ends_and_the_coordinator_goes_on(running):
    job = running.job()
    job.cancel()
    running.runner.take(job)
    assert job.error.code == "refused.cancelled"
    again = running.job()
    running.runner.take(again)
    assert running.steps(again)[-1].startswith("wait")


def test_job_whose_analyst_went_away_does_not_run(running):
    job = running.job()
    running.runner.take(job)
    job.cancel()
    running.grant()
    running.runner.look_after(nudged=True)
    assert (job.error.code, running.outcomes()) == ("refused.cancelled", [])


def test_job_asked_for_again_ends_for_who_asked_first_and_runs_for_who_asked_last(running):
    first, second = running.job(), running.job()
    running.runner.take(first)
    running.runner.take(second)
    assert first.error.code == "refused.cancelled"
    assert list(first.watch(1))[-1][0] == "end"
    running.grant()
    running.runner.look_after(nudged=True)
    assert second.result is not None
    assert running.outcomes() == ["released"]


def test_another_request_under_the_name_of_a_waiting_one_is_refused_and_the_first_waits_on(running):
    first, other = running.job(), running.job(running.federation.plan("SELECT COUNT(*) FROM insured"))
    running.runner.take(first)
    running.runner.take(other)
    assert other.error.code == "refused.replayed"
    running.grant()
    running.runner.look_after(nudged=True)
    assert first.result is not None


def test_department_that_is_killed_while_the_request_lies_there_ends_the_job_and_not_the_request(running):
    job = running.job()
    running.runner.take(job)
    running.grant("gaoping", "lingchuan")
    running.grid.gone = {"qinshui"}
    running.runner.look_after(nudged=True)
    assert job.error.code == "node.killed"
    running.grid.gone = set()
    running.grant("qinshui")
    again = running.job()
    running.runner.take(again)
    assert again.result is not None
