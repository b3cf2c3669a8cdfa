"""A table's columns as inputs of a model: clipped, standardised with global numbers, texts as indicators.

The mean and the deviation are those of all departments' training rows together. With each department's own, rows that
differ would look alike: on the heart disease records of four hospitals that costs 0.08 of the area under the curve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd

from federation.errors import DataError
from federation.learning.artifact import Floats, Standard
from federation.plan import Feature, Label, TrainPlan


class Moment(NamedTuple):
    """Exact sums over one column.

    Attributes:
        known: how many values are not null.
        total, squares: of what each of them is above the column's lower bound.
    """

    known: int
    total: int
    squares: int

    def mean(self, low: int) -> float:
        """The mean, base units; the lower bound if there is no value."""
        return float(low + Fraction(self.total, self.known)) if self.known else float(low)

    @property
    def deviation(self) -> float:
        """The population's standard deviation; 1 where all values are equal, so that they become 0 and not NaN."""
        spread = self.known * self.squares - self.total**2
        return math.sqrt(Fraction(spread, self.known**2)) if spread > 0 else 1.0


def read_numbers(column: pd.Series, low: int, high: int) -> Floats:
    """Read a number column, clipped to its public bounds; NaN where it is null.

    Raises:
        DataError: a value is no integer of base units.
    """
    try:
        values = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as exc:
        raise DataError("data.type") from exc
    known = values[~np.isnan(values)]
    if not np.array_equal(known, np.floor(known)) or np.isinf(known).any():
        raise DataError("data.type")
    clipped: Floats = np.clip(values, low, high)
    return clipped


def moment_of(values: Floats, low: int) -> Moment:
    """Add up a column that `read_numbers` gave, exactly."""
    shifted = values[~np.isnan(values)].astype(np.int64) - low
    # Squares of 47 bits overflow every machine integer; Python's own do not, but are slow, and seldom needed.
    if int(shifted.max(initial=0)) ** 2 * max(1, len(shifted)) >= 2**63:
        shifted = shifted.astype(object)
    return Moment(len(shifted), int(shifted.sum()), int((shifted * shifted).sum()))


def standard_of(plan: TrainPlan, numbers: Sequence[Moment], label: Moment | None) -> Standard:
    """Turn the sums of all departments into means and deviations.

    Args:
        numbers: one for each feature that is a number, in the plan's order.
        label: of a regression; None for a classifier, whose label stays 0 or 1.
    """
    lows = [feature.low for feature in plan.features if not feature.values]
    return Standard(
        means=tuple(moment.mean(low) for moment, low in zip(numbers, lows, strict=True)),
        deviations=tuple(moment.deviation for moment in numbers),
        label_mean=label.mean(plan.label.low) if label else 0.0,
        label_deviation=label.deviation if label else 1.0,
    )


def fits(features: Sequence[Feature], standard: Standard) -> bool:
    """A standard has finite numbers for each feature that is one, and nothing to divide by zero with."""
    means = (standard.label_mean, *standard.means)
    deviations = (standard.label_deviation, *standard.deviations)
    numbers = sum(not feature.values for feature in features)
    finite = all(math.isfinite(number) for number in (*means, *deviations))
    return len(means) == len(deviations) == 1 + numbers and finite and min(deviations) > 0


def make_inputs(features: Sequence[Feature], standard: Standard, frame: pd.DataFrame) -> Floats:
    """Make the inputs of a model, shape (rows, sum of the features' widths).

    A number that is null becomes the global mean, which is 0. A text that is null or outside its domain has no
    indicator set, which is how the domain's first value looks too: the model cannot tell them apart.

    Raises:
        DataError: a number column holds something else.
    """
    blocks, number = [np.empty((len(frame), 0))], 0
    for feature in features:
        column = frame[feature.column.name]
        if feature.values:
            shown = feature.values[1:] or feature.values
            blocks.append(np.stack([column.isin([value]).to_numpy(dtype=np.float64) for value in shown], axis=1))
        else:
            values = read_numbers(column, feature.low, feature.high)
            scaled = (values - standard.means[number]) / standard.deviations[number]
            blocks.append(np.where(np.isnan(values), 0.0, scaled)[:, None])
            number += 1
    return np.concatenate(blocks, axis=1)


def read_label(label: Label, column: pd.Series) -> Floats:
    """Read the label, clipped to its public bounds; NaN where it is null.

    Raises:
        DataError: a value is no integer of base units.
    """
    return read_numbers(column, label.low, label.high)
