"""What a round of training asks of every department, and how long and how large the answers may be.

A work holds nothing secret: it is made of sums over all departments, and travels to each of them alike. The answer is
a vector of integers from 0 to public bounds, which depend on the plan and the work only, so that neither the length of
an answer nor the width of its places says anything about a department. Vectors are added under masks or encryption;
`federation.learning.owner` makes them, `federation.learning.training` reads the totals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from crypto.encoding import FixedPoint
from federation.learning import histograms
from federation.learning.artifact import Standard, Tensor
from federation.learning.histograms import FineHistogram, NodeHistograms
from federation.learning.privacy import FRACTION_BITS, Noise
from federation.plan import MAX_ROWS, Label, Linear, TrainPlan

# A department's share of a mean of standardised numbers. Rounding to 2**-40 moves a coefficient by less than 1e-9 in
# thousands of rounds; a share beyond 2**22 means that the training has exploded. One share fits into 64 bits.
SHARES = FixedPoint(fraction_bits=40, bound=2.0**22)

# Scores are log-odds. Between -8 and 8 there are bins of 1/32 each, beyond them nothing is left to tell apart: the
# area under the curve that comes of it is within 1e-3 of the exact one.
SCORE_LIMIT = 8.0
SCORE_BINS = 512


class Moments(msgspec.Struct, frozen=True, kw_only=True, tag_field="work", forbid_unknown_fields=True):
    """Count the rows, and add up numbers and their squares, exactly."""


class Update(msgspec.Struct, frozen=True, kw_only=True, tag_field="work", forbid_unknown_fields=True):
    """Improve this model on one's own training rows, in the way the plan's descent says.

    Attributes:
        rows: training rows of all departments together: the answer is a share of their mean.
    """

    standard: Standard
    rows: int
    arrays: tuple[Tensor, ...]


class Measure(msgspec.Struct, frozen=True, kw_only=True, tag_field="work", forbid_unknown_fields=True):
    """Score one's own held-out rows with this model.

    Attributes:
        rows: held-out rows of all departments together.
    """

    standard: Standard
    rows: int
    arrays: tuple[Tensor, ...]


Work = Moments | Update | Measure | FineHistogram | NodeHistograms

_decoder = msgspec.msgpack.Decoder(Work)


class Vector(NamedTuple):
    """One department's answer.

    Attributes:
        values: from 0 to their bounds; secret until they have been summed.
        bounds: as `bounds` gives them.
    """

    values: list[int]
    bounds: tuple[int, ...]

    def __repr__(self) -> str:
        return f"Vector({len(self.values)} values)"


class Summed(NamedTuple):
    """The sum of the answers of everybody who stayed to the end of a round.

    Attributes:
        values: totals, one for each bound.
        survivors: whose answers they are the sum of, sorted.
    """

    values: list[int]
    survivors: tuple[str, ...]


Total = Callable[[str, Work], Summed]
"""Ask all departments for a work under the name of a round, and add up their answers; raises what they refuse with."""


def encode_work(work: Work) -> bytes:
    """Canonical bytes: what travels, and what masks are bound to."""
    return msgspec.msgpack.encode(work)


def decode_work(data: bytes) -> Work:
    """Read a work back.

    Raises:
        ValueError: not a work, or not its canonical bytes.
    """
    work: Work = _decoder.decode(data)
    if encode_work(work) != data:
        raise ValueError("not the canonical bytes of a work")
    return work


def bounds(plan: TrainPlan, work: Work, noise: Noise | None) -> tuple[int, ...]:
    """The largest value that one department may put into each place of its answer.

    Args:
        noise: of a plan with privacy, else None.
    """
    match work:
        case FineHistogram() | NodeHistograms():
            return histograms.bounds(plan.features, work)
        case _ if noise is not None:
            return (noise.bound,) * private_length(work)
        case Moments():
            squares = (_range_bounds(feature.low, feature.high) for feature in plan.features if not feature.values)
            return (*_label_bounds(plan.label), *(bound for three in squares for bound in three))
        case Update():
            return (MAX_ROWS, *(2 * SHARES.largest,) * (1 + _size(work.arrays)))
        case Measure():
            if isinstance(plan.model, Linear):
                return (MAX_ROWS, *(2 * SHARES.largest,) * 3)
            return (MAX_ROWS, 2 * SHARES.largest, *(MAX_ROWS,) * (2 * SCORE_BINS))


def private_length(work: Work) -> int:
    """How many numbers one department answers under differential privacy: an update, or how good the model is."""
    return _size(work.arrays) if isinstance(work, Update) else 1


def private_reach(noise: Noise) -> float:
    """The largest number that a private answer of one number may be: all that clipping leaves whole."""
    return noise.sensitivity / 2.0**FRACTION_BITS


def _size(arrays: tuple[Tensor, ...]) -> int:
    return sum(math.prod(tensor.shape) for tensor in arrays)


def _range_bounds(low: int, high: int) -> tuple[int, int, int]:
    """Of values in a range: how many, their sum and the sum of their squares, all less the lower bound."""
    return MAX_ROWS, (high - low) * MAX_ROWS, (high - low) ** 2 * MAX_ROWS


def _label_bounds(label: Label) -> tuple[int, int, int, int]:
    """Training rows, sum and squares of their label; held-out rows. What `Moments` begins with."""
    return (*_range_bounds(label.low, label.high), MAX_ROWS)
