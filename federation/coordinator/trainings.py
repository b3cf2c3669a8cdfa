"""A training as the coordinator runs it: the protocol, and what its analyst is told on the way and at the end."""

from __future__ import annotations

import secrets

import msgspec

from federation.aggregation.office import Seal
from federation.coordinator.jobs import Job
from federation.coordinator.server_app import Trainer
from federation.learning.joint import Desk, Record, run_training
from federation.learning.report import Report, seal_report
from federation.learning.steps import Step
from federation.messages import Header, Learned
from federation.plan import TrainPlan
from federation.queries.sums import SealedTotals
from federation.wire import Wire

ROUND = "round "


def train_job(
    job: Job,
    plan: TrainPlan,
    wire: Wire,
    agreements: dict[str, bytes],
    trainer: Trainer,
    seal: Seal,
    record: Record,
) -> SealedTotals:
    """Run a training; what it came to goes to the analyst sealed, and is kept for it after every round.

    Raises:
        KeyongError: it did not come to its end.
    """

    def say(said: Learned) -> bytes:
        return trainer.identity.sign(_header(job, trainer), said)

    def keep(report: Report) -> None:
        trainer.keep(job.name, say(seal_report(report, trainer.roster, plan.requester, job.name, done=False)))

    def told(step: Step) -> None:
        job.step(ROUND + msgspec.json.encode(step).decode())

    desk = Desk(
        identity=trainer.identity,
        roster=trainer.roster,
        public_key=trainer.public_key,
        seal=seal,
        record=record,
        keep=keep,
        progress=job.step,
        told=told,
    )
    report = run_training(wire, plan, job.name, agreements, desk)
    final = say(seal_report(report, trainer.roster, plan.requester, job.name, done=True))
    trainer.keep(job.name, final)
    return SealedTotals(decision=b"", shares=(final,))


def _header(job: Job, trainer: Trainer) -> Header:
    return Header(
        origin=trainer.roster.origin,
        job=job.name,
        attempt=1,
        plan=job.plan.hash,
        roster=trainer.roster.hash,
        epoch=trainer.roster.epoch,
        sender=trainer.identity.name,
        recipient=job.plan.requester,
        number=secrets.token_hex(16),
        reply_to="",
    )
