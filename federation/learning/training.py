"""A joint training as the coordinator tells it: every number it works with is a sum over all departments.

`train` is the story. What a department answers is in `federation.learning.owner`; how answers are added up so that
none of them can be seen is the caller's, who passes a `Total`. Optimisers are Flower's (`federation.learning.
strategies`); trees grow in `federation.learning.trees`.

What the sums themselves tell is not hidden: gradients of a model with many more weights than there are rows, or the
histogram of the scores of few rows, can say much about single rows. Only a plan with privacy bounds that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from federation.errors import RequestError
from federation.learning.artifact import Arrays, Artifact, Standard, check_start, start_of
from federation.learning.descent import Descending
from federation.learning.ensemble import Ensemble
from federation.learning.features import Moment, standard_of
from federation.learning.histograms import TreeWork
from federation.learning.measuring import measure
from federation.learning.privacy import Noise, noise_for, public_standard
from federation.learning.steps import Begun, Progress, Step, Trained, make_artifact
from federation.learning.trees import boost
from federation.learning.work import Moments, Total
from federation.plan import Linear, TrainPlan, Trees

__all__ = ["Progress", "Step", "Trained", "train"]


def train(plan: TrainPlan, total: Total, progress: Progress, resume_from: Artifact | None = None) -> Trained:
    """Train a model that nobody could have trained alone.

    Args:
        total: asks all departments for a work, and adds up.
        progress: called after every round.
        resume_from: what an earlier run of this same plan had come to when it was interrupted; trees begin again.

    Raises:
        DivergedError: the loss exploded; it holds the best model before that.
        RequestError: the rows of all departments together cannot be learnt from, or there is nothing to go on from in
            the model that the plan or `resume_from` names.
        KeyongError: whatever `total` raises.
    """
    noise = noise_for(plan) if plan.privacy else None
    start = start_of(plan)
    if resume_from:
        check_start(plan, resume_from)
        start = resume_from

    # Every department: counts its rows and adds up its numbers, so that all inputs are standardised alike.
    begun = _begin(plan, total, start, noise)

    # Every department, round after round: improves the model on its own rows, or counts what the next split needs.
    course: Growing | Descending
    if isinstance(plan.model, Trees):
        course = Growing(plan, total, progress, begun)
    else:
        course = Descending(plan, total, progress, begun, start, noise)
    arrays, rounds = course.run()

    # Every department: scores the rows that it held out.
    measures = measure(plan, total, begun, arrays, f"measure.{rounds}", noise)
    return Trained(
        artifact=make_artifact(plan, begun.standard, arrays, rounds),
        history=tuple(course.history),
        measures=measures,
        epsilon=noise.spent(noise.sums) if noise else None,
    )


# -- before the first round -------------------------------------------------------------------------------------------


def _begin(plan: TrainPlan, total: Total, start: Artifact | None, noise: Noise | None) -> Begun:
    """Ask for the moments; with differential privacy there are none, and public domains stand in for them."""
    if noise:
        return Begun(start.standard if start else _public(plan))
    values = total("moments", Moments()).values
    label, held_out = Moment(*values[:3]), values[3]
    numbers = [Moment(*values[at : at + 3]) for at in range(4, len(values), 3)]
    if label.known < plan.minimum_group:
        raise RequestError("learning.too_few_rows", minimum=plan.minimum_group)
    regression = isinstance(plan.model, Linear)
    if not regression and not 0 < label.total < label.known:
        raise RequestError("learning.one_class")
    standard = start.standard if start else standard_of(plan, numbers, label if regression else None)
    return Begun(standard, label.known, label.total, held_out)


def _public(plan: TrainPlan) -> Standard:
    means, deviations = public_standard(plan)
    regression, width = isinstance(plan.model, Linear), plan.label.high - plan.label.low
    return Standard(
        means=tuple(means.tolist()),
        deviations=tuple(deviations.tolist()),
        label_mean=(plan.label.low + plan.label.high) / 2 if regression else 0.0,
        label_deviation=width / math.sqrt(12) if regression else 1.0,
    )


class Growing:
    """Tree after tree, level after level."""

    def __init__(self, plan: TrainPlan, total: Total, progress: Progress, begun: Begun) -> None:
        self._plan, self._total, self._progress, self._begun = plan, total, progress, begun
        self._survivors: tuple[str, ...] = ()
        self.history: list[Step] = []

    def run(self) -> tuple[Arrays, int]:
        """Grow them all; the arrays, and how many trees there are."""
        rows, positives = self._begun.rows, self._begun.positives
        ensemble = boost(self._plan, self._add_up, rows=rows, positives=positives, progress=self._grown)
        return ensemble.to_arrays(), len(ensemble.trees)

    def _add_up(self, name: str, work: TreeWork) -> Sequence[int]:
        values, self._survivors = self._total(name, work)
        return values

    def _grown(self, ensemble: Ensemble) -> None:
        self.history.append(Step(round=len(ensemble.trees), loss=None, survivors=self._survivors))
        self._progress(self.history[-1])
