"""An audit of differential privacy: how well can it be told whether a whole hospital took part.

The strongest attacker that the promise is about: it knows all but one contribution, chose that one, the longest that
the clipping lets through and always the same, and sees every noisy sum with the shares of all colluders taken off. From
how often it is right follows a lower bound of epsilon, whatever the accountants say (M. Jagielski et al., NeurIPS 2020;
M. Nasr et al., USENIX Security 2023). A bound above the claim would refute it; one below does not prove it.
"""

from __future__ import annotations

import math

import numpy as np

from federation.learning.artifact import Floats
from federation.learning.privacy import FRACTION_BITS, Meter, Noise

TRIALS = 1000
CONFIDENCE = 0.999


def audit(noise: Noise, *, trials: int = TRIALS) -> float:
    """Play the game with the noise on; give the lower bound of epsilon."""
    # Colluders subtract what they know: of all shares the honest ones are left, of which one is the victim's.
    others = _noise_only(noise, (noise.honest - 1) * trials * noise.sums).reshape(trials, -1).sum(axis=1)
    absent = _noise_only(noise, noise.honest * trials * noise.sums).reshape(trials, -1).sum(axis=1)
    present = others + np.array([_victim(noise) for _ in range(trials)])
    return lower_bound(present, absent, delta=noise.delta)


def audit_unprotected(noise: Noise, *, trials: int = 20 * TRIALS) -> float:
    """Play it with the same contributions and no noise: then only the number of trials bounds what is seen."""
    present = np.full(trials, float(noise.sums * noise.sensitivity))
    return lower_bound(present, np.zeros(trials), delta=noise.delta)


def lower_bound(present: Floats, absent: Floats, *, delta: float) -> float:
    """Bound epsilon from below by what was seen with and without the hospital.

    The first half of the trials chooses the threshold, the second counts what is above it. True positives and false
    ones are bounded by Clopper and Pearson (Biometrika 26, 1934), both at once with the confidence `CONFIDENCE`.
    """
    half, alpha = len(present) // 2, (1 - CONFIDENCE) / 2
    cuts = np.unique(np.concatenate([present[:half], absent[:half]]))

    def bound(side: slice, cut: float) -> float:
        size = len(present[side])
        true = lower_proportion(int((present[side] >= cut).sum()), size, alpha)
        false = 1 - lower_proportion(int((absent[side] < cut).sum()), size, alpha)
        return math.log((true - delta) / false) if true > delta else 0.0

    # Every tenth is enough to choose from: next to one another they hardly differ.
    best = max([*cuts[::10].tolist(), float(cuts[-1])], key=lambda cut: bound(slice(half), cut))
    return max(0.0, bound(slice(half, None), best))


def lower_proportion(hits: int, trials: int, alpha: float) -> float:
    """The lower Clopper-Pearson bound: the chance of a hit at which as many or more come with probability alpha."""
    if hits == 0:
        return 0.0
    counts = np.arange(hits, trials + 1)
    ways = math.lgamma(trials + 1) - np.array([math.lgamma(k + 1) + math.lgamma(trials - k + 1) for k in counts])
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        with np.errstate(divide="ignore"):
            tail = np.exp(ways + counts * np.log(middle) + (trials - counts) * np.log1p(-middle)).sum()
        low, high = (middle, high) if tail < alpha else (low, middle)
    return low


def _victim(noise: Noise) -> float:
    """What one hospital adds over a whole job, in units: the longest contribution to every sum."""
    meter, longest = Meter(noise), np.array([noise.sensitivity / 2**FRACTION_BITS])
    return float(sum(meter.protect(longest)[0] - noise.bound // 2 for _ in range(noise.sums)))


def _noise_only(noise: Noise, count: int) -> Floats:
    return np.array(noise.protect(np.zeros(count)), dtype=np.float64) - noise.bound // 2 if count else np.zeros(0)
