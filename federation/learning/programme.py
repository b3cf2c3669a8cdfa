"""A training at a department: which rounds the plan has, and what it answers in each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from federation.aggregation.office import Job, Office
from federation.errors import RefusedError
from federation.governance.roster import COORDINATOR
from federation.learning import work
from federation.learning.artifact import start_of
from federation.learning.histograms import FineHistogram, NodeHistograms
from federation.learning.owner import Owner
from federation.learning.privacy import noise_for
from federation.learning.rows import read_rows
from federation.learning.trees import PASSES
from federation.learning.work import Measure, Moments, Update, Work
from federation.plan import TrainPlan, Trees

ROUND = re.compile(r"(moments)|(update|measure|bins)\.([0-9]{1,5})|(tree)\.([0-9]{1,5})\.level\.([0-9]{1,2})")
WORKS: dict[str, tuple[type, ...]] = {
    "moments": (Moments,),
    "update": (Update,),
    "measure": (Measure,),
    "bins": (FineHistogram,),
    "tree": (NodeHistograms,),
}


class TrainProgramme:
    """Implements `federation.aggregation.office.Programme` for a training.

    The rows are read once and kept for the job, so that all rounds are of the same.
    """

    def __init__(self, plan: TrainPlan) -> None:
        self.plan = plan
        self._noise = noise_for(plan) if plan.privacy else None
        self._owner: Owner | None = None
        self._last: tuple[bytes | None, Work | None] = (None, None)

    def check(self, office: Office, job: Job, name: str, given: bytes | None) -> None:
        """The rounds of the plan, each on a work of its kind; no more of them than it says."""
        named = ROUND.fullmatch(name)
        if named is None:
            raise RefusedError("refused.order")
        kind = named[1] or named[2] or named[4]
        number, level = int(named[3] or named[5] or 0), int(named[6] or 0)
        if not isinstance(self._work(given), WORKS[kind]) or number > self._most(kind):
            raise RefusedError("refused.order")
        if isinstance(self.plan.model, Trees) and level >= self.plan.model.depth:
            raise RefusedError("refused.order")

    def bounds(self, name: str, given: bytes | None) -> tuple[int, ...]:
        """Told by plan and work."""
        return work.bounds(self.plan, self._work(given), self._noise)

    def reader(self, name: str) -> str:
        """The coordinator moves the model by what all departments together say."""
        return COORDINATOR

    def values(self, office: Office, job: Job, name: str, given: bytes | None) -> Sequence[int]:
        """Read the rows at the first round; then answer."""
        if self._owner is None:
            card = office.catalogue.table(self.plan.table)
            if card is None:
                raise RefusedError("refused.other_catalogue")
            frame = read_rows(office.stores[self.plan.table], card, self.plan)
            self._owner = Owner(self.plan, frame, name=office.name)
        values = self._owner.answer(name, self._work(given)).values
        # A raw number of a row that stands among sums, before a mask makes it unrecognisable.
        office.check_cells(job.job, job.attempt, {0: tuple(values)})
        return values

    def _most(self, kind: str) -> int:
        """The highest number that a round of a kind may bear."""
        if isinstance(self.plan.model, Trees):
            return PASSES - 1 if kind == "bins" else self.plan.model.trees
        start = start_of(self.plan)  # rounds are numbered through a model's whole life
        return self.plan.descent.rounds + (start.rounds if start else 0)

    def _work(self, given: bytes | None) -> Work:
        known, asked = self._last
        if asked is not None and known == given:
            return asked
        try:
            asked = work.decode_work(given or b"")
        except ValueError as exc:
            raise RefusedError("refused.order") from exc
        self._last = given, asked
        return asked
