"""The second account, against published figures, exact convolutions and the exact profile of Gaussian noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.learning.accounting import epsilon_of, rho_of_sum, tau


@pytest.mark.parametrize(
    # The 2020 United States census: rho, rounded as published, and epsilon at delta 1e-10 (redistricting data).
    ("low", "high", "epsilon"),
    [(2.545, 2.565, 17.14), (0.065, 0.075, 2.47)],
)
def test_published_budgets_of_the_census_come_out(low: float, high: float, epsilon: float):
    assert epsilon_of(low, 1e-10) < epsilon < epsilon_of(high, 1e-10)


@given(rho=st.floats(1e-6, 50), exponent=st.floats(2, 20))
def test_conversion_is_below_the_simple_bound_and_no_less_than_rho_allows(rho: float, exponent: float):
    delta = 10**-exponent
    simple = rho + 2 * math.sqrt(rho * math.log(1 / delta))
    assert epsilon_of(rho, delta) <= simple * (1 + 1e-9)


@given(rho=st.floats(1e-4, 20), exponent=st.floats(2, 12))
def test_conversion_never_undercuts_what_gaussian_noise_really_costs(rho: float, exponent: float):
    # Gaussian noise with sensitivity / sigma = sqrt(2 rho) is rho-zCDP; its exact delta (Balle and Wang, ICML 2018,
    # Theorem 8) at the converted epsilon must be within the promised one.
    delta, mu = 10**-exponent, math.sqrt(2 * rho)
    epsilon = epsilon_of(rho, delta)
    exact = 0.5 * math.erfc((epsilon / mu - mu / 2) / math.sqrt(2))
    exact -= math.exp(epsilon) * 0.5 * math.erfc((epsilon / mu + mu / 2) / math.sqrt(2))
    assert exact <= delta * (1 + 1e-9)


@given(rho=st.floats(1e-4, 20), exponent=st.floats(2, 12))
def test_more_rho_and_less_delta_cost_more(rho: float, exponent: float):
    delta = 10**-exponent
    assert epsilon_of(rho * 1.1, delta) >= epsilon_of(rho, delta)
    assert epsilon_of(rho, delta / 10) >= epsilon_of(rho, delta)


def test_tau_of_two_shares_is_the_formula_by_hand():
    # 10 exp(-2 pi^2 / 4 / 2) = 10 exp(-2.4674011)
    assert tau(0.5, 2) == pytest.approx(0.848050, abs=1e-6)
    assert tau(0.5, 1) == 0.0
    assert tau(9.0, 1000) == 0.0


def test_tau_is_refused_where_the_theorem_is_silent():
    with pytest.raises(ValueError, match="one half"):
        tau(0.49, 3)


def discrete_gaussian(variance: float, reach: int) -> np.ndarray:
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * variance))
    return weights / weights.sum()


@pytest.mark.parametrize("deviation", [0.5, 0.6, 0.8, 1.0])
@pytest.mark.parametrize("shares", [2, 3, 5])
def test_tau_bounds_how_far_an_exact_sum_is_from_one_discrete_gaussian(deviation: float, shares: int):
    reach = 40
    one = discrete_gaussian(deviation**2, reach)
    total = one
    for _ in range(shares - 1):
        total = np.convolve(total, one)
    whole = discrete_gaussian(shares * deviation**2, shares * reach)
    middle = slice(shares * reach - 8, shares * reach + 9)
    apart = np.abs(np.log(total[middle] / whole[middle])).max()
    assert apart > 1e-12
    assert apart <= tau(deviation, shares)


def test_rho_of_a_sum_by_hand():
    # 4 shares of deviation 50 make 100; sensitivity 10: rho = (10 / 100)^2 / 2.
    assert rho_of_sum(sensitivity=10, deviation=50, shares=4, slots=2**32) == pytest.approx(0.005, rel=1e-12)


def test_tau_term_is_paid_in_every_slot():
    # deviation 1, two shares: tau = 10 exp(-pi^2) = 5.172e-4; 100 slots pay ten times that beside 1 / sqrt(2).
    rho = rho_of_sum(sensitivity=1, deviation=1, shares=2, slots=100)
    assert rho == pytest.approx((1 / math.sqrt(2) + 10 * 10 * math.exp(-(math.pi**2))) ** 2 / 2, rel=1e-12)
