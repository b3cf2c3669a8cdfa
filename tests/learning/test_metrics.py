"""The area under the curve and its interval, out of rows and out of histograms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from federation.learning.metrics import (
    QUANTILE,
    area,
    area_of_scores,
    classification,
    noisy_quality,
    quality,
    regression,
    score_histogram,
)
from federation.learning.work import SCORE_BINS

ROWS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40)


def pairs(scores, labels):
    """Mann-Whitney as it is defined: shape (positives, negatives), 1 if ranked right, a half if tied."""
    yes, no = scores[labels == 1], scores[labels == 0]
    return (yes[:, None] > no[None, :]) + 0.5 * (yes[:, None] == no[None, :])


@given(rows=ROWS)
def test_area_and_interval_are_delongs_as_defined_over_pairs(rows):
    scores, labels = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    assume(0 < labels.sum() < len(labels))
    table = pairs(scores, labels)
    found = area_of_scores(scores, labels)
    assert found.value == pytest.approx(table.mean(), abs=1e-12)
    # DeLong et al. 1988, equations 5 and 6: the variances of the structural components of either label.
    variance = sum(
        parts.var(ddof=1) / len(parts) for parts in (table.mean(axis=1), table.mean(axis=0)) if len(parts) > 1
    )
    assume(variance > 0 and 0 < labels.sum() - 1 and labels.sum() + 1 < len(labels))
    value = table.mean()
    reach = QUANTILE * math.sqrt(variance) / (value * (1 - value))
    logits = [math.log(value / (1 - value)) + away for away in (-reach, reach)]
    assert (found.low, found.high) == pytest.approx([1 / (1 + math.exp(-logit)) for logit in logits], abs=1e-12)


@pytest.mark.parametrize("rows", [3, 10, 1000])
def test_interval_where_every_pair_is_ranked_right_is_not_a_point(rows):
    labels = np.repeat([0.0, 1.0], rows)
    right, wrong = (area_of_scores(sign * np.arange(2.0 * rows), labels) for sign in (1, -1))
    assert (right.value, right.high, wrong.value, wrong.low) == (1.0, 1.0, 0.0, 0.0)
    assert right.low == pytest.approx(1 - wrong.high)
    # At the end of Newcombe's interval the area that was seen is 1.96 standard errors off; N* is rows - 1.
    spread = (1 - right.low) / (2 - right.low) + right.low / (1 + right.low)
    variance = right.low * (1 - right.low) * (1 + (rows - 1) * spread) / rows**2
    assert 1 - right.low == pytest.approx(QUANTILE * math.sqrt(variance))
    assert 1 / rows < 1 - right.low < 2.5 / rows


def test_interval_of_a_single_positive_row_does_not_take_its_luck_for_certainty():
    # Above nine of ten negatives. The spread of the negatives alone would put the lower end at 0.50.
    found = area_of_scores(np.array([*range(10), 8.5]), np.repeat([0.0, 1.0], [10, 1]))
    assert found.value == 0.9
    assert found.low < 0.4
    assert found.high > 0.95


def test_area_by_hand():
    # Of four pairs (0.8 and 0.4 against 0.6 and 0.2), one is ranked wrong.
    assert area_of_scores(np.array([0.8, 0.4, 0.6, 0.2]), np.array([1, 1, 0, 0])).value == 0.75


def test_one_label_has_no_area():
    assert area_of_scores(np.array([0.1, 0.2]), np.array([1, 1])) is None
    assert area(np.zeros(4), np.zeros(4)) is None
    assert area_of_scores(np.array([]), np.array([])) is None


@pytest.mark.parametrize(("shift", "base"), [(1.0, 0.0), (2.0, -4.0), (0.3, 3.0), (4.0, 0.0)])
def test_area_of_the_histogram_is_the_exact_one_within_a_thousandth(shift, base):
    draw = np.random.default_rng(11)
    labels = (draw.random(2000) < 0.3).astype(float)
    log_odds = draw.normal(base, 1.5, 2000) + shift * labels
    exact = area_of_scores(log_odds, labels)
    told = classification(score_histogram(log_odds, labels, SCORE_BINS), rows=2000, loss=0.0)
    assert told.auc == pytest.approx(exact.value, abs=1e-3)
    assert told.auc_low == pytest.approx(exact.low, abs=1e-3)
    assert told.auc_high == pytest.approx(exact.high, abs=1e-3)


@pytest.mark.parametrize("apart", [1.0, 2.0])
def test_interval_covers_the_true_area_as_often_as_it_says(apart):
    # Two normals: the area is Phi(apart / sqrt 2). If 95 % of 2000 intervals cover it, fewer than 1870 or more than
    # 1930 do once in about 500 runs; the seed is fixed.
    truth, draw = 0.5 * (1 + math.erf(apart / 2)), np.random.default_rng(1988)
    labels = np.repeat([1.0, 0.0], [30, 40])
    found = [area_of_scores(draw.normal(labels * apart, 1.0), labels) for _ in range(2000)]
    assert 1870 <= sum(each.low <= truth <= each.high for each in found) <= 1930


def test_interval_is_wider_for_fewer_rows():
    draw = np.random.default_rng(3)
    labels = np.repeat([1.0, 0.0], [200, 200])
    scores = draw.normal(labels, 1.0)
    many, few = area_of_scores(scores, labels), area_of_scores(scores[180:220], labels[180:220])
    assert many.high - many.low < 0.5 * (few.high - few.low)


@given(rows=st.lists(st.tuples(st.floats(-50, 50), st.booleans()), max_size=50))
def test_histograms_of_departments_add_up_to_that_of_all_rows(rows):
    scores, labels = np.array([r[0] for r in rows]), np.array([float(r[1]) for r in rows])
    half = len(rows) // 2
    parts = score_histogram(scores[:half], labels[:half], 64) + score_histogram(scores[half:], labels[half:], 64)
    assert np.array_equal(parts, score_histogram(scores, labels, 64))
    assert parts.sum() == len(rows)


def test_histogram_keeps_the_extremes_and_divides_at_even_odds():
    histogram = score_histogram(np.array([-1e9, -1e-9, 0.0, 1e9]), np.array([0.0, 1.0, 0.0, 1.0]), 4)
    assert histogram.tolist() == [0, 1, 0, 1, 1, 0, 1, 0]


def test_accuracy_is_that_of_the_answer_at_even_odds():
    log_odds, labels = np.array([-3.0, -0.01, 0.01, 2.0, 5.0]), np.array([0.0, 1.0, 0.0, 1.0, 1.0])
    assert classification(score_histogram(log_odds, labels, SCORE_BINS), rows=5, loss=0.0).accuracy == 0.6


def test_regression_is_told_in_the_labels_unit():
    true, told = np.array([1.0, 2.0, 3.0, 6.0]), np.array([2.0, 2.0, 2.0, 5.0])
    standard = (true - 10) / 4
    loss = np.mean((told - true) ** 2) / 16 / 2
    measures = regression(
        rows=4, loss=loss, mean=float(standard.mean()), mean_square=float(np.mean(standard**2)), deviation=4.0
    )
    assert measures.rmse == pytest.approx(math.sqrt(3 / 4))
    # Squares of error 3, of the label about its mean 14.
    assert measures.r2 == pytest.approx(1 - 3 / 14)


def test_quality_of_a_department_is_one_number_within_one():
    labels = np.array([0.0, 0.0, 1.0, 1.0])
    assert quality(np.array([1.0, 2.0, 3.0, 4.0]), labels, regression=False) == 1.0
    assert quality(np.array([4.0, 3.0, 2.0, 1.0]), labels, regression=False) == -1.0
    assert quality(np.zeros(4), np.ones(4), regression=False) == 0.0
    assert quality(np.array([]), np.array([]), regression=False) == 0.0
    assert quality(labels, labels, regression=True) == 1.0
    assert quality(labels * 1e9, labels, regression=True) == -1.0
    assert quality(labels, np.ones(4), regression=True) == 0.0
    assert quality(np.array([]), np.array([]), regression=True) == 0.0


def test_noisy_quality_is_told_with_the_interval_of_the_noise():
    told = noisy_quality(0.6, deviation=0.1, regression=False)
    assert (told.auc, told.auc_low, told.auc_high) == pytest.approx((0.8, 0.8 - 0.098, 0.8 + 0.098), abs=1e-4)
    assert noisy_quality(7.0, deviation=9.0, regression=False).auc_high == 1.0
    assert noisy_quality(0.3, deviation=0.1, regression=True).r2 == 0.3
