"""How good a model is, told from totals: how scores spread over bins for either label, or sums of squared errors.

The area under the receiver operating characteristic is the Mann-Whitney statistic with ties counted half. Its variance
is that of E. DeLong, D. DeLong and D. Clarke-Pearson (Biometrics 44, 1988), which needs of each score only how many of
either label lie below it, so it can be computed from a histogram. The 95 % interval is a normal one of its logit (M.
Pepe, The Statistical Evaluation of Medical Tests, 2003, section 5.2.4), which with twenty rows of either label still
covers what it says; a normal one of the area itself does not.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
import numpy as np

from federation.learning.artifact import Floats
from federation.learning.work import SCORE_LIMIT

# 97.5 % of a standard normal lie below it.
QUANTILE = 1.959963984540054


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model on rows it has not seen. None where it has no meaning, or nothing to be told from.

    Under differential privacy there is only `auc` or `r2`: the mean of the departments' own, and noise.

    Attributes:
        rows: how many were held out, over all departments.
        loss: mean of them; of a regression half the squared error of the standardised label.
        accuracy: of the answer "yes" where the score is one half or more.
        rmse: in the label's base units.
        r2: share of the label's variance that is explained.
    """

    rows: int | None
    loss: float | None = None
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    accuracy: float | None = None
    rmse: float | None = None
    r2: float | None = None


class Area(NamedTuple):
    """An area under the curve with its 95 % interval."""

    value: float
    low: float
    high: float


def area(positives: Floats, negatives: Floats) -> Area | None:
    """Compute the area under the curve from counts by ascending score.

    Args:
        positives, negatives: shape (bins,), how many rows of either label have this score.

    Returns:
        None if all rows have one label.
    """
    yes, no = float(positives.sum()), float(negatives.sum())
    if yes <= 0 or no <= 0:
        return None
    # DeLong's placements: of a positive row, the share of negatives below it, and the other way round.
    below = (np.cumsum(negatives) - negatives / 2) / no
    above = 1 - (np.cumsum(positives) - positives / 2) / yes
    value = float(positives @ below / yes)
    variance = _spread(below, positives, value) / yes + _spread(above, negatives, value) / no
    return Area(value, *_interval(value, variance, yes, no))


def area_of_scores(scores: Floats, labels: Floats) -> Area | None:
    """Compute it from rows, exactly: each score is a bin of its own."""
    _, places = np.unique(scores, return_inverse=True)
    positives, negatives = (np.bincount(places, labels == side).astype(np.float64) for side in (1, 0))
    return area(positives, negatives)


def score_histogram(log_odds: Floats, labels: Floats, bins: int) -> Floats:
    """Count rows by label and score.

    Returns:
        Shape (2 * bins,): the positives of every bin, then the negatives; even bins, so that one of them begins at 0.
    """
    width = 2 * SCORE_LIMIT / bins
    places = np.clip(np.floor(log_odds / width).astype(np.int64) + bins // 2, 0, bins - 1)
    return np.concatenate([np.bincount(places, labels == side, bins) for side in (1, 0)])


def classification(histogram: Floats, *, rows: int, loss: float) -> Measures:
    """Tell from the total of `score_histogram`."""
    positives, negatives = np.split(histogram, 2)
    found, middle = area(positives, negatives), len(positives) // 2
    every = float(positives.sum() + negatives.sum())
    right = float(positives[middle:].sum() + negatives[:middle].sum())
    return Measures(
        rows=rows,
        loss=loss,
        auc=found.value if found else None,
        auc_low=found.low if found else None,
        auc_high=found.high if found else None,
        accuracy=right / every if every else None,
    )


def quality(outputs: Floats, targets: Floats, *, regression: bool) -> float:
    """One number from -1 to 1 for the rows of one department; 0 is a model that tells nothing, or nothing to tell from.

    Of a classifier it is twice the area less one (Gini's coefficient), of a regression R2, cut at -1.
    """
    if regression:
        variance = float(targets.var()) if len(targets) else 0.0
        return max(-1.0, 1 - float(np.mean((outputs - targets) ** 2)) / variance) if variance > 0 else 0.0
    found = area_of_scores(outputs, targets)
    return 2 * found.value - 1 if found else 0.0


def noisy_quality(mean: float, *, deviation: float, regression: bool) -> Measures:
    """Tell from the mean of the departments' `quality`.

    Args:
        deviation: of the noise in it; the interval is of the noise alone.
    """
    if regression:
        return Measures(rows=None, r2=min(1.0, mean))
    low, value, high = (min(1.0, max(0.0, (mean + away * QUANTILE * deviation + 1) / 2)) for away in (-1, 0, 1))
    return Measures(rows=None, auc=value, auc_low=low, auc_high=high)


def regression(*, rows: int, loss: float, mean: float, mean_square: float, deviation: float) -> Measures:
    """Tell from means over the rows.

    Args:
        loss: half the squared error, standardised.
        mean, mean_square: of the standardised label.
        deviation: of the label, base units, by which it was standardised.
    """
    variance = mean_square - mean**2
    return Measures(
        rows=rows,
        loss=loss,
        rmse=deviation * math.sqrt(max(0.0, 2 * loss)),
        r2=1 - 2 * loss / variance if variance > 0 else None,
    )


def _interval(value: float, variance: float, yes: float, no: float) -> tuple[float, float]:
    """Where the area lies with 95 %."""
    if min(yes, no) < 2 or variance <= 0:
        # The rows say nothing of how they spread: a label has one of them only, or all pairs are ranked alike.
        return _lowest(value, yes, no), 1 - _lowest(1 - value, no, yes)
    logit = math.log(value / (1 - value))
    reach = QUANTILE * math.sqrt(variance) / (value * (1 - value))
    low, high = ((1 + math.tanh((logit + away) / 2)) / 2 for away in (-reach, reach))
    return low, high


def _lowest(value: float, yes: float, no: float) -> float:
    """The smallest true area that is not off by more than chance, if scores spread as Hanley and McNeil suppose.

    Method 5 of R. Newcombe, Statistics in Medicine 25, 2006, pages 559-573; it needs no variance of the rows.
    """
    low, high, spare = 0.0, value, (yes + no) / 2 - 1
    for _ in range(60):
        true = (low + high) / 2
        variance = true * (1 - true) * (1 + spare * ((1 - true) / (2 - true) + true / (1 + true))) / (yes * no)
        low, high = (true, high) if value - true > QUANTILE * math.sqrt(variance) else (low, true)
    return low


def _spread(placements: Floats, counts: Floats, mean: float) -> float:
    """The sample variance of placements; 0 of a single one."""
    rows = float(counts.sum())
    return float(counts @ (placements - mean) ** 2) / (rows - 1) if rows > 1 else 0.0
