"""Noise of whole departments: enough of it, from whoever is honest, and charged for everything that leaves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.errors import KeyongError, NodeError, RefusedError, RequestError
from federation.learning import privacy
from federation.learning.privacy import (
    FRACTION_BITS,
    Meter,
    Noise,
    check_accounts,
    cut,
    honest_shares,
    noise_for,
    public_standard,
    sums_of,
)
from federation.plan.learning import Descent, Feature, Label, Logistic, Privacy, TrainPlan, Trees
from federation.plan.query import Column

UNIT = 2**FRACTION_BITS


def make_plan(departments: int = 7, *, rounds: int = 20, **changes: object) -> TrainPlan:
    names = tuple(f"hospital-{number:02}" for number in range(departments))
    plan = TrainPlan(
        nonce="00" * 16,
        requester="analyst@health",
        purpose="readmission",
        contributors=names,
        gate=names[-1],
        holders=names,
        threshold=departments // 2 + 1,
        minimum_group=10,
        minimum_contributors=3,
        catalogue="00" * 32,
        roster="00" * 32,
        epoch=0,
        protection="masks",
        title="readmission",
        job_file="",
        source="admission",
        id=Column(name="id", type="text"),
        features=(
            Feature(column=Column(name="age", type="integer"), low=0, high=120),
            Feature(column=Column(name="ward", type="text"), values=("a", "b", "c")),
            Feature(column=Column(name="stay", type="decimal(1)"), low=0, high=600),
        ),
        label=Label(column=Column(name="readmitted", type="integer")),
        model=Logistic(),
        descent=Descent(rounds=rounds),
        privacy=Privacy(epsilon=4.0, delta=1e-5, clip=1.0),
    )
    return msgspec.structs.replace(plan, **changes)


@pytest.fixture(scope="module")
def noise() -> Noise:
    return noise_for(make_plan())


@contextmanager
def raising(error: type[KeyongError], code: str) -> Iterator[None]:
    with pytest.raises(error) as caught:
        yield
    assert caught.value.code == code


def analytic_delta(epsilon: float, mu: float) -> float:
    """B. Balle, Y.-X. Wang, ICML 2018, Theorem 8, for sensitivity / sigma = mu."""

    def below(x: float) -> float:
        return 0.5 * math.erfc(-x / math.sqrt(2))

    return below(mu / 2 - epsilon / mu) - math.exp(epsilon) * below(-mu / 2 - epsilon / mu)


# --- the two accounts ---


@pytest.mark.parametrize("rounds", [1, 20, 500, 5000])
@pytest.mark.parametrize(("epsilon", "delta"), [(0.1, 1e-9), (1.0, 1e-5), (8.0, 1e-6), (60.0, 1e-3)])
def test_second_account_agrees_to_one_percent_and_never_claims_more(rounds: int, epsilon: float, delta: float):
    noise = noise_for(make_plan(rounds=rounds, privacy=Privacy(epsilon=epsilon, delta=delta)))
    assert 0.99 * epsilon <= noise.recomputed() <= epsilon
    assert noise.spent(noise.sums) <= epsilon


def test_exact_profile_of_the_continuous_gaussian_lies_just_below_the_claim():
    # zCDP is an upper bound of what Gaussian noise really costs: never below the exact delta, and not far above it.
    noise = noise_for(make_plan(privacy=Privacy(epsilon=1.0, delta=1e-5)))
    mu = noise.sensitivity * math.sqrt(noise.sums) / noise.sigma
    assert analytic_delta(1.0, mu) <= 1e-5
    assert analytic_delta(0.8, mu) > 1e-5


def test_account_with_too_little_noise_is_refused(noise: Noise):
    check_accounts(noise)
    with raising(RefusedError, "refused.privacy_accounts"):
        check_accounts(replace(noise, share=noise.share * 0.999))


def test_plan_whose_first_account_errs_gets_no_noise(monkeypatch: pytest.MonkeyPatch):
    right = privacy._calibrate
    monkeypatch.setattr(privacy, "_calibrate", lambda *given, **budget: 0.99 * right(*given, **budget))
    with raising(RefusedError, "refused.privacy_accounts"):
        noise_for(make_plan())


def test_account_that_disagrees_the_other_way_is_refused(noise: Noise):
    with raising(RefusedError, "refused.privacy_accounts"):
        check_accounts(replace(noise, share=noise.share * 1.05))


def test_sums_that_were_not_charged_show_in_the_second_account(noise: Noise):
    with raising(RefusedError, "refused.privacy_accounts"):
        check_accounts(replace(noise, sums=noise.sums + 1))


# --- how much noise ---


def test_sigma_falls_with_epsilon_and_grows_with_rounds_and_clip():
    def sigma(epsilon: float, rounds: int, clip: float) -> float:
        plan = make_plan(rounds=rounds, privacy=Privacy(epsilon=epsilon, clip=clip))
        return noise_for(plan).sigma

    assert sigma(0.5, 20, 1.0) > sigma(1.0, 20, 1.0) > sigma(2.0, 20, 1.0) > sigma(20.0, 20, 1.0)
    assert sigma(1.0, 1, 1.0) < sigma(1.0, 20, 1.0) < sigma(1.0, 400, 1.0)
    assert sigma(1.0, 20, 2.0) == pytest.approx(2 * sigma(1.0, 20, 1.0), rel=1e-9)


def test_sigma_grows_with_the_root_of_the_sums():
    one, many = noise_for(make_plan(rounds=99)), noise_for(make_plan(rounds=399))
    assert many.sigma == pytest.approx(2 * one.sigma, rel=1e-6)


def test_every_update_and_the_measure_are_charged():
    assert sums_of(make_plan(rounds=20)) == 21
    assert sums_of(make_plan(rounds=20, holdout=0)) == 20


def test_spent_epsilon_grows_to_the_claim(noise: Noise):
    spent = [noise.spent(sums) for sums in range(noise.sums + 1)]
    assert spent[0] == 0.0
    assert spent == sorted(spent)
    assert spent[-1] == pytest.approx(noise.epsilon, rel=1e-4)


@pytest.mark.parametrize(("departments", "honest"), [(3, 1), (4, 2), (6, 2), (7, 3), (10, 4), (31, 11)])
def test_masks_count_on_survivors_less_colluders(departments: int, honest: int):
    plan = make_plan(departments)
    assert honest_shares(plan) == plan.needed - (2 * plan.needed - departments - 1) == honest


@pytest.mark.parametrize(("threshold", "honest"), [(2, 6), (4, 4), (7, 1), (9, 1)])
def test_paillier_counts_on_who_is_below_the_threshold(threshold: int, honest: int):
    assert honest_shares(make_plan(7, protection="paillier", threshold=threshold)) == honest


# --- the mechanism ---


def test_noise_of_a_sum_is_what_the_least_survivors_were_to_give(noise: Noise):
    slots = 3000
    totals = np.sum([noise.protect(np.zeros(slots)) for _ in range(noise.needed)], axis=0, dtype=object)
    measured = noise.total([int(total) for total in totals], survivors=noise.needed) * UNIT
    # 5 shares were added, of which 3 are counted on. The variance of 3000 draws strays by 2.6 percent: six of these.
    assert measured.var() == pytest.approx(noise.needed * noise.share**2, rel=0.16)
    assert abs(measured.mean()) < 7 * noise.share * math.sqrt(noise.needed / slots)


def test_noise_that_colluders_leave_is_what_is_charged(noise: Noise):
    slots = 3000
    left = np.sum([noise.protect(np.zeros(slots)) for _ in range(noise.honest)], axis=0, dtype=object)
    measured = noise.total([int(v) for v in left], survivors=noise.needed)
    assert measured.var() * UNIT**2 == pytest.approx(noise.sigma**2, rel=0.16)


def test_sum_decodes_to_what_went_in_but_for_the_noise():
    noise = noise_for(make_plan(privacy=Privacy(epsilon=100.0, delta=1e-2, clip=10.0)))
    values = [np.array([0.5, -2.0, 3.0]), np.array([0.25, 1.0, -1.0])] * 3
    totals = [sum(column) for column in zip(*(noise.protect(v) for v in values), strict=True)]
    decoded = noise.total(totals, survivors=6)
    assert np.abs(decoded - np.sum(values, axis=0)).max() < 9 * noise.share * math.sqrt(6) / UNIT


def test_answers_stay_within_the_public_bound_however_large_the_update(noise: Noise):
    answer = noise.protect(np.array([1e300, -1e300, 0.0]))
    assert all(0 <= value <= noise.bound for value in answer)


def test_same_update_is_never_answered_alike(noise: Noise):
    assert noise.protect(np.ones(8)) != noise.protect(np.ones(8))


@given(
    values=st.lists(st.floats(-1e308, 1e308), min_size=1, max_size=40),
    sensitivity=st.integers(1, 2**40),
)
def test_no_vector_is_longer_than_the_sensitivity(values: list[float], sensitivity: int):
    units = cut(np.array(values), sensitivity)
    assert sum(unit * unit for unit in units) <= sensitivity**2


def test_rounding_does_not_lengthen_a_vector_beyond_the_sensitivity():
    # Norm 1 in floating point, but each of the 10000 values rounds up by half a unit.
    values = np.full(10_000, (100.5) / UNIT)
    sensitivity = math.floor(100.5 * 100)
    rounded = np.rint(values * UNIT + 1e-9)
    assert (rounded**2).sum() > sensitivity**2
    units = cut(np.nextafter(values, 1), sensitivity)
    assert sum(unit * unit for unit in units) <= sensitivity**2


def test_short_vector_is_kept_as_it_is():
    assert cut(np.array([0.5, -0.25]), UNIT) == [UNIT // 2, -UNIT // 4]


def test_long_vector_keeps_its_direction():
    assert cut(np.array([30.0, -40.0]), UNIT) == pytest.approx([0.6 * UNIT, -0.8 * UNIT], abs=1)


# --- what is refused ---


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_counts_as_nothing_and_stops_nobody(noise: Noise, bad: float):
    # A refusal would be an answer that nobody has charged.
    assert cut(np.array([0.5, bad]), noise.sensitivity) == [0, 0]
    assert len(noise.protect(np.array([0.5, bad]))) == 2


def test_sum_over_fewer_survivors_than_needed_is_not_read(noise: Noise):
    assert noise.needed == 5
    with raising(NodeError, "learning.too_few_survivors"):
        noise.total([0], survivors=4)


def test_asking_again_to_average_the_noise_away_is_refused(noise: Noise):
    meter = Meter(noise)
    for _ in range(noise.sums):
        meter.protect(np.zeros(2))
    with raising(RefusedError, "refused.privacy_spent"):
        meter.protect(np.zeros(2))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"privacy": None}, "request.privacy_model"),
        ({"model": Trees()}, "request.privacy_model"),
        ({"protection": "none"}, "request.privacy_protection"),
        ({"privacy": Privacy(epsilon=101.0)}, "request.privacy_budget"),
        ({"privacy": Privacy(epsilon=1.0, delta=0.02)}, "request.privacy_budget"),
        ({"privacy": Privacy(epsilon=1.0, delta=1e-21)}, "request.privacy_budget"),
        ({"privacy": Privacy(epsilon=1e-7, clip=2.0**23)}, "request.privacy_budget"),
        ({"privacy": Privacy(epsilon=1.0, clip=1e-9)}, "request.privacy_clip"),
        ({"privacy": Privacy(epsilon=1.0, clip=2.0**24)}, "request.privacy_clip"),
    ],
)
def test_promise_that_cannot_be_kept_is_refused(changes: dict[str, object], code: str):
    with raising(RequestError, code):
        noise_for(make_plan(**changes))


def test_standardisation_is_made_of_public_domains():
    mean, deviation = public_standard(make_plan())
    assert mean.tolist() == [60.0, 300.0]
    assert deviation == pytest.approx([34.6410, 173.2051], abs=1e-4)
