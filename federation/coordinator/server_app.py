"""The Flower ServerApp: one long run that serves the job queue, the desks and the seals."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from crypto.paillier import PublicKey
from federation.aggregation.agreement import propose
from federation.audit.events import Actor
from federation.audit.journal import Draft
from federation.coordinator.jobs import Closed, Job, JobQueue, Tick
from federation.coordinator.seals import Sealer
from federation.coordinator.sequencer import Sequencer
from federation.errors import HomeError, KeyongError, NodeError, RefusedError
from federation.governance.identity import Identity
from federation.governance.roster import Roster
from federation.plan import PredictPlan, ScriptPlan, SumPlan, TrainPlan
from federation.queries.sums import SealedTotals, run_sum
from federation.scripting.job import run_script_job
from federation.wire import Wire

logger = logging.getLogger(__name__)

# How often desks are looked after and the record is sealed when nobody nudges.
HEARTBEAT_S = 60.0


class Trainer(NamedTuple):
    """What the coordinator itself works with in a job.

    Attributes:
        keep: puts the last envelope of a training where its analyst can fetch it, by job.
    """

    identity: Identity
    roster: Roster
    public_key: PublicKey
    keep: Callable[[str, bytes], None]


class JobRunner:
    """Takes each job to its end: laid before its participants, perhaps for days on their desks; run; recorded."""

    def __init__(
        self,
        *,
        trainer: Trainer,
        sequencer: Sequencer,
        sealer: Sealer,
        wire: Callable[[Job], Wire],
        attest: Callable[[Job, str], None],
    ) -> None:
        """Prepare.

        Args:
            trainer: what the coordinator itself works with.
            wire: makes a job's wire.
            attest: signs what became of a job, and keeps it.
        """
        self._attest = attest
        self._trainer, self._name, self._public_key = trainer, trainer.identity.name, trainer.public_key
        self._sequencer, self._sealer, self._wire = sequencer, sealer, wire
        self._on_desks: dict[str, tuple[Job, dict[str, bytes]]] = {}

    def take(self, job: Job) -> None:
        """Lay a job before its participants; run it if all agree at once."""
        waiting, _ = self._on_desks.get(job.name, (None, None))
        # The record knows one job of a name; a single department that never heard of it could not tell.
        known = waiting.plan.hash if waiting is not None else self._sequencer.begun(job.name)
        if known not in ("", job.plan.hash):
            job.finish(None, RefusedError("refused.replayed", party=self._name))
            return
        if waiting is not None:
            # Asked again before we noticed that whoever asked first has gone, or beside them: the later one goes on.
            del self._on_desks[job.name]
            waiting.finish(None, RefusedError("refused.cancelled"))
        self._try(job, {})

    def look_after(self, *, nudged: bool) -> None:
        """Hear what officers have said, ask again about what lay on their desks, and seal what is new."""
        if nudged or self._on_desks:
            self._sealer.gather(everybody=nudged)
        for job, agreements in list(self._on_desks.values()):
            self._try(job, agreements)
        self._sealer.seal_acts()

    def _try(self, job: Job, agreements: dict[str, bytes]) -> None:
        self._on_desks.pop(job.name, None)
        try:
            if job.is_cancelled:
                raise RefusedError("refused.cancelled")
            if not job.steps:
                job.step("agree")
            kept, agreements = agreements, propose(self._wire(job), job.plan, job.request, agreements)
            desks = tuple(name for name in job.plan.participants if name not in agreements)
            if kept and not desks:
                # Somebody may have taken back since what it said then: a job that was denied never starts.
                agreements = propose(self._wire(job), job.plan, job.request, {})
                desks = tuple(name for name in job.plan.participants if name not in agreements)
            if desks:
                job.wait_for(desks)
                self._on_desks[job.name] = job, agreements
                return
        except KeyongError as error:
            job.finish(None, error)
            self._sealer.seal_acts()
            return
        except Exception as error:
            logger.exception("internal error in job %s", job.name)
            job.finish(None, _internal(self._name, error))
            return
        self._run(job, agreements)

    def _run(self, job: Job, agreements: dict[str, bytes]) -> None:
        """Run one job to its end and record how it ended."""
        result: SealedTotals | None = None
        failure: KeyongError | None = None

        try:
            started: dict[str, int | str] = {
                "kind": job.plan.kind,
                "plan": job.plan.hash,
                "requester": job.plan.requester,
                "contributors": len(job.plan.contributors),
                "participants": " ".join(job.plan.participants),
            }
            self._sequencer.record(self._draft("job.start", job, started))
            result = self._add_up(job, agreements)
        except KeyongError as error:
            failure = error
        except Exception as error:
            logger.exception("internal error in job %s", job.name)
            failure = _internal(self._name, error)
        outcome = failure.code if failure else "released"
        try:
            self._sealer.gather()
            self._sequencer.record(self._draft("job.end", job, {"outcome": outcome}))
            self._attest(job, outcome)
        except HomeError as error:
            # A result whose record cannot be written is not handed over.
            result, failure = None, error
        job.finish(result, failure)
        self._sealer.seal_acts()

    def _add_up(self, job: Job, agreements: dict[str, bytes]) -> SealedTotals:
        """What the job is about, once everybody has agreed."""

        def seal(members: Sequence[str]) -> str:
            return self._sealer.seal(members=tuple(members))

        wire = self._wire(job)
        match job.plan:
            case TrainPlan():
                from federation.coordinator.trainings import train_job  # numpy, pandas and Flower's strategies

                def record(kind: str, data: dict[str, int | str]) -> None:
                    self._sequencer.record(self._draft(kind, job, data))

                return train_job(job, job.plan, wire, agreements, self._trainer, seal, record)
            case SumPlan() | PredictPlan():
                return run_sum(wire, job.plan, agreements, self._public_key, seal, job.step)
            case ScriptPlan():
                return run_script_job(wire, job.plan, agreements, seal, job.step)

    def _draft(self, kind: str, job: Job, data: dict[str, int | str]) -> Draft:
        actor = Actor(name=self._name, role="coordinator")
        return Draft(type=kind, actor=actor, job=job.name, attempt=1, data=data)  # type: ignore[arg-type]  # a literal


def _internal(name: str, error: Exception) -> KeyongError:
    failure = NodeError("node.failed", party=name)
    failure.__cause__ = error
    return failure


def server_app(
    jobs: JobQueue,
    runner: JobRunner,
    ready: Callable[[Grid], None],
    describe: Callable[[], None] = lambda: None,
) -> ServerApp:
    """Make the app whose one run serves all jobs.

    Args:
        ready: waits until the departments are there.
        describe: asks them what they offer.
    """
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        ready(grid)
        runner.look_after(nudged=True)
        while True:
            match jobs.next(HEARTBEAT_S):
                case Job() as job:
                    runner.take(job)
                case Tick(describe=True, done=done):
                    describe()
                    done.set()
                case Tick(nudged=nudged, done=done):
                    runner.look_after(nudged=nudged)
                    done.set()
                case Closed():
                    return

    return app
