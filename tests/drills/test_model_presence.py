"""The audit of epsilon: right about proportions, below the claim, and above it when somebody adds too little noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from federation.drills.model.presence import audit, audit_unprotected, lower_bound, lower_proportion
from federation.drills.model.stage import AUDITED, ModelStage
from federation.learning.privacy import Noise


@pytest.fixture(scope="module")
def noise() -> Noise:
    return ModelStage().audited


@pytest.mark.parametrize(
    # C. Clopper, E. Pearson, Biometrika 26, 1934: the exact 95 % limits of hits out of ten, to four places.
    ("hits", "lower"),
    [(0, 0.0), (1, 0.0025), (5, 0.1871), (9, 0.5550), (10, 0.6915)],
)
def test_lower_limit_of_a_proportion_is_the_exact_one(hits: int, lower: float):
    assert lower_proportion(hits, 10, 0.025) == pytest.approx(lower, abs=5e-5)


def test_measured_epsilon_is_at_most_the_claimed_one(noise: Noise):
    assert audit(noise) <= AUDITED.epsilon


def test_without_noise_more_than_the_claim_is_measured(noise: Noise):
    assert audit_unprotected(noise) > AUDITED.epsilon


def test_audit_refutes_the_claim_when_shares_of_noise_are_too_small(noise: Noise):
    assert audit(replace(noise, share=noise.share / 20), trials=2000) > AUDITED.epsilon


def test_audit_sees_more_with_less_noise(noise: Noise):
    assert audit(replace(noise, share=noise.share / 4)) > audit(noise)


def test_two_worlds_that_look_alike_give_no_bound():
    same = np.random.default_rng(1).normal(size=(2, 2000))
    assert lower_bound(same[0], same[1], delta=1e-5) < 0.2


def test_bound_of_worlds_that_never_overlap_is_what_the_trials_allow():
    # 1000 of 1000 and 0 of 1000: each limit is 0.0005**(1/1000) = 0.99243; ln(0.99243 / 0.00757) = 4.876.
    bound = lower_bound(np.ones(2000), np.zeros(2000), delta=0.0)
    assert bound == pytest.approx(4.876, abs=2e-3)
