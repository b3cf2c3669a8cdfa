"""How good a model is on the rows held out: what is asked of the departments, and read out of the sum."""

from __future__ import annotations

import math

import numpy as np

from federation.errors import NodeError
from federation.learning import metrics
from federation.learning.artifact import Arrays, Floats, encode_arrays
from federation.learning.metrics import Measures
from federation.learning.privacy import Noise
from federation.learning.steps import Begun
from federation.learning.work import SHARES, Measure, Summed, Total, private_reach
from federation.plan import Linear, TrainPlan


def measure(
    plan: TrainPlan, total: Total, begun: Begun, arrays: Arrays, name: str, noise: Noise | None
) -> Measures | None:
    """Ask how good the model is. Not on fewer held-out rows than the plan's smallest group: nobody is asked then."""
    regression = isinstance(plan.model, Linear)
    work = Measure(standard=begun.standard, rows=begun.held_out, arrays=encode_arrays(arrays))
    if noise:
        return _read_private(total(name, work), noise, regression=regression) if plan.holdout else None
    if begun.held_out < max(1, plan.minimum_group):
        return None
    summed = total(name, work)
    rows = summed.values[0]
    if regression:
        loss, mean, square = mean_of(summed, begun.held_out).tolist()
        scale = begun.standard.label_deviation
        return metrics.regression(rows=rows, loss=loss, mean=mean, mean_square=square, deviation=scale)
    (loss,) = mean_of(Summed(summed.values[:2], summed.survivors), begun.held_out)
    return metrics.classification(np.array(summed.values[2:], dtype=np.float64), rows=rows, loss=float(loss))


def _read_private(summed: Summed, noise: Noise, *, regression: bool) -> Measures:
    cohort = len(summed.survivors)
    (mean,) = noise.total(summed.values, survivors=cohort) / cohort / private_reach(noise)
    # Every survivor added its share of the noise.
    deviation = noise.share / math.sqrt(cohort) / noise.sensitivity
    return metrics.noisy_quality(float(mean), deviation=deviation, regression=regression)


def mean_of(summed: Summed, rows: int) -> Floats:
    """Turn shares of all rows' mean into the mean of the survivors' rows, whose count comes first.

    Raises:
        NodeError: the survivors have no rows.
    """
    count, *shares = summed.values
    if not 0 < count <= rows:
        raise NodeError("learning.too_few_rows", minimum=1)
    return SHARES.decode_total(shares, len(summed.survivors)) * (rows / count)
