"""Round after round of a model that learns by steps: the departments' mean update, and when to stop."""

from __future__ import annotations

import math

import numpy as np

from federation.errors import KeyongError
from federation.learning import models
from federation.learning.artifact import Arrays, Artifact, decode_arrays, encode_arrays, start_of
from federation.learning.errors import DivergedError
from federation.learning.measuring import mean_of
from federation.learning.privacy import Noise
from federation.learning.steps import Begun, Progress, Step, Trained, make_artifact
from federation.learning.strategies import SecureSum, strategy_of
from federation.learning.work import Summed, Total, Update
from federation.plan import TrainPlan

# No sensible model of standardised inputs has such a coefficient, and no sensible training's loss ever grows to so many
# times what it began with.
LARGEST_COEFFICIENT = 1e4
LARGEST_GROWTH = 10.0


class Descending:
    """Models that learn by steps: the plan's strategy takes them, this gives it the departments' mean update."""

    def __init__(
        self,
        plan: TrainPlan,
        total: Total,
        progress: Progress,
        begun: Begun,
        start: Artifact | None,
        noise: Noise | None,
    ) -> None:
        self._plan, self._total, self._progress, self._begun, self._noise = plan, total, progress, begun, noise
        self._model = models.network_of(plan.model)
        self._first = decode_arrays(start.arrays) if start else models.first_arrays(self._model, plan.width, plan.seed)
        before = start_of(plan)
        # Rounds are numbered through a model's whole life, in all the jobs that had a part in it.
        self._before = before.rounds if before else 0
        self._rounds = range((start.rounds if start else 0) + 1, self._before + plan.descent.rounds + 1)
        self._best, self._least, self._limit = (self._first, self._rounds.start - 1), math.inf, math.inf
        self.history: list[Step] = []

    def run(self) -> tuple[Arrays, int]:
        """Take all steps; the arrays, and how many rounds they have behind them."""
        arrays = SecureSum(strategy_of(self._plan), self._mean_update).start(self._first, self._rounds)
        self._check(self._rounds.stop - 1, arrays, None)
        return arrays, self._rounds.stop - 1

    def _mean_update(self, number: int, arrays: Arrays) -> Arrays:
        """One round: what all training rows together say to this model."""
        self._check(number, arrays, None)
        begun = self._begun
        try:
            work = Update(standard=begun.standard, rows=begun.rows, arrays=encode_arrays(arrays))
            summed = self._total(f"update.{number}", work)
        except KeyongError as exc:
            # Every department's columns are clipped and its rows finite: only the model can have got out of hand.
            if exc.code == "learning.not_finite":
                raise self._diverged(number) from exc
            raise
        loss, update = self._decode(summed, arrays)
        self._check(number, arrays, loss)
        spent = self._noise.spent(number - self._before) if self._noise else None
        self.history.append(Step(round=number, loss=loss, survivors=summed.survivors, epsilon=spent))
        self._progress(self.history[-1])
        return update

    def _decode(self, summed: Summed, arrays: Arrays) -> tuple[float | None, Arrays]:
        """The mean loss, and the mean update in the form that the strategy knows."""
        if self._noise:
            cohort = len(summed.survivors)
            loss, flat = None, self._noise.total(summed.values, survivors=cohort) / cohort
        else:
            mean = mean_of(summed, self._begun.rows)
            loss, flat = float(mean[0]) + models.penalty(self._model, arrays)[0], mean[1:]
        update = models.unflatten(flat, arrays)
        if self._plan.descent.strategy == "fedsgd":
            return loss, update
        return loss, tuple(array + moved for array, moved in zip(arrays, update, strict=True))

    def _check(self, number: int, arrays: Arrays, loss: float | None) -> None:
        """Stop when the model has got out of hand, and remember the best there was."""
        if not all(np.abs(array).max(initial=0.0) <= LARGEST_COEFFICIENT for array in arrays):
            raise self._diverged(number)
        if loss is None:
            return
        if math.isinf(self._limit):
            self._limit = LARGEST_GROWTH * max(1.0, loss)
        if not loss <= self._limit:
            raise self._diverged(number)
        if loss < self._least:
            self._least, self._best = loss, (arrays, number - 1)

    def _diverged(self, number: int) -> DivergedError:
        artifact = make_artifact(self._plan, self._begun.standard, *self._best)
        kept = Trained(artifact=artifact, history=tuple(self.history), measures=None, epsilon=None)
        return DivergedError(round=number, kept=kept)
