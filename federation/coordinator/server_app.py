"""The Flower ServerApp: one long run that serves the job queue."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from crypto.paillier import PublicKey
from federation.audit.events import Actor
from federation.audit.journal import Draft
from federation.coordinator.grid_wire import GridWire, Nodes
from federation.coordinator.jobs import Job, JobQueue
from federation.coordinator.sequencer import Sequencer
from federation.errors import HomeError, KeyongError, NodeError
from federation.governance.identity import Identity
from federation.governance.roster import Roster
from federation.messages import Sync
from federation.queries.sums import SealedTotals, run_sum

logger = logging.getLogger(__name__)


class Gatherer:
    """Runs jobs, and gathers what departments' journals hold and the log does not."""

    def __init__(
        self,
        *,
        nodes: Nodes,
        identity: Identity,
        roster: Roster,
        public_key: PublicKey,
        sequencer: Sequencer,
        deadline_s: float,
    ) -> None:
        self._nodes, self._identity, self._roster = nodes, identity, roster
        self._public_key, self._sequencer, self._deadline_s = public_key, sequencer, deadline_s

    def sync(self, grid: Grid) -> None:
        """Ask every department that is there for the rest of its journal."""
        wire = self._wire(grid, None)
        there = [name for name in self._roster.names("department") if self._nodes.node_of(name) is not None]
        for name in there:
            try:
                wire.ask({name: Sync()})
            except NodeError as error:
                logger.warning("could not gather the journal of %s: %s", name, error.code)

    def run(self, grid: Grid, job: Job) -> None:
        """Run one job to its end and record how it ended."""
        result: SealedTotals | None = None
        failure: KeyongError | None = None
        try:
            started: dict[str, int | str] = {
                "plan": job.plan.hash,
                "requester": job.plan.requester,
                "contributors": len(job.plan.contributors),
            }
            self._sequencer.record(self._draft("job.start", job, started))
            result = run_sum(self._wire(grid, job), job.plan, job.request, self._public_key, job.step)
        except KeyongError as error:
            failure = error
        except Exception as error:
            logger.exception("internal error in job %s", job.name)
            failure = NodeError("node.failed", party=self._identity.name)
            failure.__cause__ = error
        try:
            self.sync(grid)
            self._sequencer.record(self._draft("job.end", job, {"outcome": failure.code if failure else "released"}))
        except HomeError as error:
            # A result whose record cannot be written is not handed over.
            result, failure = None, error
        job.finish(result, failure)

    def _wire(self, grid: Grid, job: Job | None) -> GridWire:
        return GridWire(
            grid=grid,
            nodes=self._nodes,
            identity=self._identity,
            roster=self._roster,
            sequencer=self._sequencer,
            job=job.name if job else "",
            plan=job.plan.hash if job else "",
            deadline_s=self._deadline_s,
        )

    def _draft(self, kind: str, job: Job, data: dict[str, int | str]) -> Draft:
        actor = Actor(name=self._identity.name, role="coordinator")
        return Draft(type=kind, actor=actor, job=job.name, attempt=1, data=data)  # type: ignore[arg-type]  # a literal


def server_app(jobs: JobQueue, gatherer: Gatherer, ready: Callable[[Grid], None]) -> ServerApp:
    """Make the app whose one run serves all jobs.

    Args:
        ready: waits until the departments are there.
    """
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        ready(grid)
        gatherer.sync(grid)
        while (job := jobs.next()) is not None:
            gatherer.run(grid, job)

    return app
