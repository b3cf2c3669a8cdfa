"""Differential privacy of whole departments: a clipped contribution, and noise of which everybody adds a share.

The distributed discrete Gaussian of P. Kairouz, Z. Liu, T. Steinke, ICML 2021. Every vector that a department answers
is cut to a Euclidean norm and rounded to fixed-point integers, and the department itself adds discrete Gaussian noise
before masks or encryption. Nobody is trusted with the noise: colluders can subtract their own shares and drop-outs take
theirs along, so a share has variance sigma^2 / (survivors needed - colluders tolerated), and whatever else is added is
to spare.

The privacy unit is a department: neighbouring runs differ in one department's data being there or counting as zero;
who takes part is public. Everything data-dependent that leaves is charged: each update and the final measure. The
standardisation of the features is made of the plan's public domains (`public_standard`), every department has the same
weight, and neither losses nor row counts are sent. zCDP of all sums is added up by OpenDP, whose sampler also draws
the noise; `accounting` works epsilon out once more, tau term included, and where the two disagree nothing is promised.

Left out: trees, whose histograms are too wide for this noise; amplification by sampling; proof that a department did
add its share: one that did not takes a colluder's place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from federation.errors import NodeError, RefusedError, RequestError
from federation.learning.accounting import epsilon_of, rho_of_sum
from federation.plan.learning import TrainPlan, Trees

if TYPE_CHECKING:
    from opendp.mod import Measurement

Floats = npt.NDArray[np.float64]

# Finer than any noise worth the name, and coarse enough for short slots and OpenDP's 64-bit integers.
FRACTION_BITS = 24

# Beyond these, (epsilon, delta) promises nothing, or less than is left to the cut tails below.
LARGEST_EPSILON = 100.0
SMALLEST_DELTA, LARGEST_DELTA = 1e-20, 1e-2

# A share of noise is cut at so many standard deviations, so that slots have public bounds. That is one chance in 10**86
# a slot (sub-Gaussian tail, Canonne et al. 2020), so less than 10**-26 of delta for all numbers of the longest job with
# the largest epsilon; this part of delta is set aside for it.
_CUT = 20
_SET_ASIDE = 1e-6

# Aimed below epsilon by this much, so that no rounding of the second account ends above it.
_ROOM = 1e-9

# No vector is longer; the tau term is paid for so many.
_SLOTS = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How much noise one job takes, worked out of the plan alone, so the same at every department.

    Attributes:
        sums: how many vectors of each department the budget pays for.
        sensitivity: norm to which each is cut, in units of 2**-24.
        share: standard deviation of what each department adds to every slot, in units.
        honest: how many shares are counted on.
        needed: fewest survivors of a sum; among them are the honest.
    """

    epsilon: float
    delta: float
    sums: int
    sensitivity: int
    share: float
    honest: int
    needed: int

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise that is counted on in every slot of a sum, in units."""
        return self.share * math.sqrt(self.honest)

    @property
    def _shift(self) -> int:
        return self.sensitivity + math.ceil(_CUT * self.share)

    @property
    def bound(self) -> int:
        """The largest integer that a department can answer in a slot; public."""
        return 2 * self._shift

    def protect(self, values: Floats) -> list[int]:
        """Cut a department's whole contribution to a sum, add its share of the noise, and encode it.

        Args:
            values: shape (k,), everything that leaves for this sum, in units in which the plan's clip is a norm.

        Returns:
            k integers in 0..bound.
        """
        noisy = _gaussian(self.share)(cut(values, self.sensitivity))
        # Beyond the bound there is noise only, whatever the data: cutting it there is post-processing.
        return [min(max(value + self._shift, 0), self.bound) for value in noisy]

    def total(self, totals: Sequence[int], *, survivors: int) -> Floats:
        """Decode the noisy sum over the survivors, in the units that went into `protect`.

        Raises:
            NodeError: too few survived: the noise is less than was promised, so nobody may look.
        """
        if survivors < self.needed:
            raise NodeError("learning.too_few_survivors", survivors=survivors, needed=self.needed)
        return np.array([(total - survivors * self._shift) / 2**FRACTION_BITS for total in totals], dtype=np.float64)

    def spent(self, sums: int) -> float:
        """Give the epsilon, at the job's delta, after so many sums."""
        return _library_epsilon(self.sensitivity, self.sigma, sums, self.delta) if sums else 0.0

    def recomputed(self) -> float:
        """Give the epsilon of all sums by the second account, in which the library has no part."""
        rho = rho_of_sum(sensitivity=self.sensitivity, deviation=self.share, shares=self.honest, slots=_SLOTS)
        return epsilon_of(self.sums * rho, self.delta * (1 - _SET_ASIDE))


@dataclass(slots=True)
class Meter:
    """A department's own count of what it has answered; it stops at what the budget pays for, whoever asks."""

    noise: Noise
    answered: int = field(default=0, init=False)

    def protect(self, values: Floats) -> list[int]:
        """Answer one sum, as `Noise.protect` does, and count it.

        Raises:
            RefusedError: the budget is spent.
        """
        if self.answered == self.noise.sums:
            raise RefusedError("refused.privacy_spent", sums=self.noise.sums)
        self.answered += 1
        return self.noise.protect(values)


def cut(values: Floats, sensitivity: int) -> list[int]:
    """Encode a vector in units of 2**-24, shortened to a norm of at most `sensitivity` units, exactly.

    One that holds no finite numbers counts as nothing: to refuse would tell, at no charge, whose data makes it explode.
    """
    if not np.isfinite(values).all():
        return [0] * len(values)
    # First in floating point, so that the integers are small; then in integers, because rounding may have lengthened
    # the vector, and the sensitivity must hold to the last bit (cf. I. Mironov, CCS 2012).
    clip = sensitivity / 2**FRACTION_BITS
    largest = float(np.abs(values).max(initial=0.0))
    # The largest value is divided out: squares of what a diverging model gives would overflow.
    norm = largest * float(np.linalg.norm(values / largest)) if largest else 0.0
    shortened = values / largest * (clip / norm * largest) if norm > clip else values
    units = [int(unit) for unit in np.rint(shortened * 2.0**FRACTION_BITS)]
    square = sum(unit * unit for unit in units)
    if square <= sensitivity**2:
        return units
    length = math.isqrt(square - 1) + 1
    return [(abs(unit) * sensitivity // length) * (1 if unit > 0 else -1) for unit in units]


def sums_of(plan: TrainPlan) -> int:
    """Count the sums that are charged: an update a round, and one measure at the end where rows are held out."""
    return plan.rounds + (1 if plan.holdout else 0)


def honest_shares(plan: TrainPlan) -> int:
    """Count the shares of noise that are there in any sum that opens and that nobody can subtract.

    Masks: of n departments at least t survive, and at most 2t - n - 1 may collude (Bonawitz et al., CCS 2017, section
    6). Paillier: all n answer, and t - 1 key holders may collude. Either way n - t + 1 are left, and never less than
    one, because each department counts on itself.
    """
    cohort = len(plan.contributors)
    threshold = plan.needed if plan.protection == "masks" else plan.threshold
    return max(1, cohort - threshold + 1)


def public_standard(plan: TrainPlan) -> tuple[Floats, Floats]:
    """Give a mean and a deviation of every number feature out of its public domain, as if it were uniform there.

    Returns:
        Two arrays, shape (numbers,), in plan order and base units.
    """
    domains = np.array([(f.low, f.high) for f in plan.features if not f.values], dtype=np.float64).reshape(-1, 2)
    low, high = domains[:, 0], domains[:, 1]
    return (low + high) / 2, (high - low) / math.sqrt(12)


def noise_for(plan: TrainPlan) -> Noise:
    """Work out the noise with which all sums of a plan together meet its epsilon and delta.

    Raises:
        RequestError: no such budget can be promised for this plan.
        RefusedError: the two accounts do not agree.
    """
    privacy = plan.privacy
    if privacy is None or isinstance(plan.model, Trees):
        raise RequestError("request.privacy_model")
    if plan.protection == "none":
        raise RequestError("request.privacy_protection")
    if privacy.epsilon > LARGEST_EPSILON or not SMALLEST_DELTA <= privacy.delta <= LARGEST_DELTA:
        raise RequestError("request.privacy_budget")
    if not 1 <= privacy.clip * 2**FRACTION_BITS < 2**48:
        raise RequestError("request.privacy_clip")
    sums, honest = sums_of(plan), honest_shares(plan)
    sensitivity = math.floor(privacy.clip * 2**FRACTION_BITS)
    sigma = _calibrate(sensitivity, sums, epsilon=privacy.epsilon * (1 - _ROOM), delta=privacy.delta * (1 - _SET_ASIDE))
    noise = Noise(
        epsilon=privacy.epsilon,
        delta=privacy.delta,
        sums=sums,
        sensitivity=sensitivity,
        share=math.nextafter(sigma / math.sqrt(honest), math.inf),
        honest=honest,
        needed=plan.needed,
    )
    if noise.bound >= 2**62:
        raise RequestError("request.privacy_budget")
    check_accounts(noise)
    return noise


def check_accounts(noise: Noise) -> None:
    """Check that the second account claims no more than was promised, and agrees with it to one percent.

    Raises:
        RefusedError: it does not; one of the two is wrong, so neither is used.
    """
    again = noise.recomputed()
    if not 0.99 * noise.epsilon <= again <= noise.epsilon:
        raise RefusedError("refused.privacy_accounts")


# -- the only place that knows OpenDP ---------------------------------------------------------------------------------


def _gaussian(deviation: float) -> Measurement:
    import opendp.prelude as dp

    dp.enable_features("contrib")
    return dp.m.make_gaussian(dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64"), scale=deviation)


def _library_epsilon(sensitivity: int, sigma: float, sums: int, delta: float) -> float:
    import opendp.prelude as dp

    every = dp.c.make_composition([_gaussian(sigma)] * sums)
    curve = dp.c.make_zCDP_to_approxDP(every).map(float(sensitivity))  # type: ignore[no-untyped-call]  # opendp's
    return float(curve.epsilon(delta))


@cache  # a quarter of a second, and in a lab all departments of a job share a process
def _calibrate(sensitivity: int, sums: int, *, epsilon: float, delta: float) -> float:
    """Find the least sigma with which so many sums meet (epsilon, delta) by OpenDP's maps."""
    import opendp.prelude as dp

    # rho + 2 sqrt(rho log(1/delta)) bounds epsilon from above (Bun and Steinke 2016), so the least rho it allows is
    # safe; and a rho beyond epsilon + 1 is not, for deltas as small as these.
    square = math.log(1 / delta)
    safe = (math.sqrt(square + epsilon) - math.sqrt(square)) ** 2
    low, high = (sensitivity * math.sqrt(sums / (2 * rho)) for rho in (epsilon + 1, safe * (1 - 1e-9)))
    return float(
        dp.binary_search(lambda sigma: _library_epsilon(sensitivity, sigma, sums, delta) <= epsilon, bounds=(low, high))
    )
