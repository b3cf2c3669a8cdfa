"""The second account of a privacy budget: epsilon worked out from the papers, without the library that made the noise.

Two formulas. zCDP to (epsilon, delta): C. Canonne, G. Kamath, T. Steinke, NeurIPS 2020, Proposition 12. The sum of
discrete Gaussians, which is not quite one: P. Kairouz, Z. Liu, T. Steinke, ICML 2021, Theorem 1. Composition is the
addition of rho (M. Bun, T. Steinke, TCC 2016, Lemma 7), which holds for rounds that depend on earlier rounds. Left out:
amplification by sampling, because every department answers every round.
"""

from __future__ import annotations

import math

# The order of the Renyi divergence is sought between 1 + e**-12 and 1 + e**24: for any budget that is not absurd the
# best lies far inside, and a worse one only overstates epsilon.
_LOWEST, _HIGHEST = -12.0, 24.0
_STEPS = 720
_GOLDEN = (math.sqrt(5) - 1) / 2


def epsilon_of(rho: float, delta: float) -> float:
    """Convert rho-zCDP to the least epsilon that the formula gives for a delta.

    Any order gives a valid epsilon, so stopping early can only overstate what was spent.
    """

    def at(log_order: float) -> float:
        above = math.exp(log_order)
        order = 1 + above
        return order * rho + (math.log(1 / delta) - math.log(order)) / above + math.log(above / order)

    width = (_HIGHEST - _LOWEST) / _STEPS
    best = min((_LOWEST + step * width for step in range(_STEPS + 1)), key=at)
    low, high = best - width, best + width
    while high - low > 1e-9:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, right) if at(left) < at(right) else (left, high)
    return max(0.0, at((low + high) / 2))


def tau(deviation: float, shares: int) -> float:
    """Bound how far the sum of `shares` discrete Gaussians of this deviation, in units, is from being one itself.

    The bound of the log-ratio of their probabilities, anywhere. It falls like exp(-pi^2 deviation^2): from a deviation
    of 9 units it is zero in floating point.

    Raises:
        ValueError: the theorem does not speak of a deviation below one half.
    """
    if deviation < 0.5:
        raise ValueError("the theorem needs a deviation of one half of a unit or more")
    return 10 * sum(math.exp(-2 * (math.pi * deviation) ** 2 * k / (k + 1)) for k in range(1, shares))


def rho_of_sum(*, sensitivity: float, deviation: float, shares: int, slots: int) -> float:
    """Give the zCDP of one sum to which `shares` discrete Gaussians were added in every slot.

    Args:
        sensitivity: Euclidean norm of what one department can put in, in units.
        deviation: of one share, in units.
        slots: of the vector; the tau term is paid in each.
    """
    concentrated = sensitivity / (deviation * math.sqrt(shares)) + tau(deviation, shares) * math.sqrt(slots)
    return concentrated**2 / 2
