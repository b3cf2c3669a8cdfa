"""Columns become inputs: clipped, standardised alike everywhere, nulls at the mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.learning.artifact import Standard
from federation.learning.features import Moment, make_inputs, moment_of, read_numbers, standard_of
from federation.plan import Column, Feature, Label, Linear
from tests.support.learning import AGE, TRADE, train_plan

STANDARD = Standard(means=(40.0,), deviations=(20.0,))


def test_numbers_are_clipped_and_standardised_with_the_standard_given():
    inputs = make_inputs((AGE,), STANDARD, pd.DataFrame({"age": [40, 60, -5, 1000]}))
    assert inputs.tolist() == [[0.0], [1.0], [-2.0], [3.0]]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([60, None], dtype="Int64"),
        pd.Series([60.0, float("nan")]),
        pd.Series([60, None], dtype=object),
        pd.Series([60, None], dtype="int64[pyarrow]"),
    ],
    ids=["pandas integers", "floats", "objects", "arrow"],
)
def test_nulls_take_the_global_mean(column):
    assert make_inputs((AGE,), STANDARD, pd.DataFrame({"age": column})).tolist() == [[1.0], [0.0]]


@pytest.mark.parametrize("dtype", [object, "str", "string[pyarrow]"])
def test_texts_become_indicators_and_what_is_not_in_the_domain_none_of_them(dtype):
    column = pd.Series(["farm", "shop", "mine", "sea", None], dtype=dtype)
    inputs = make_inputs((TRADE,), Standard(), pd.DataFrame({"trade": column}))
    assert inputs.tolist() == [[0, 0], [1, 0], [0, 1], [0, 0], [0, 0]]


def test_text_with_a_single_value_tells_it_from_all_else():
    only = Feature(column=Column(name="trade", type="text"), values=("farm",))
    inputs = make_inputs((only,), Standard(), pd.DataFrame({"trade": ["farm", "sea", None]}))
    assert inputs.tolist() == [[1], [0], [0]]
    assert only.width == 1


def test_inputs_are_as_wide_as_the_plan_says_even_of_no_rows():
    plan = train_plan()
    frame = pd.DataFrame({"age": [], "income": [], "trade": []})
    standard = Standard(means=(0.0, 0.0), deviations=(1.0, 1.0))
    assert make_inputs(plan.features, standard, frame).shape == (0, plan.width)


@given(parts=st.lists(st.lists(st.one_of(st.none(), st.integers(-7, 10**6)), max_size=30), min_size=1, max_size=4))
def test_mean_and_deviation_of_summed_moments_are_those_of_all_rows(parts):
    low = -7
    moments = [moment_of(read_numbers(pd.Series(part, dtype="Int64"), low, 10**6), low) for part in parts]
    total = Moment(*(sum(column) for column in zip(*moments, strict=True)))
    known = [value for part in parts for value in part if value is not None]
    assert total.known == len(known)
    assert total.mean(low) == pytest.approx(np.mean(known) if known else low, rel=1e-12)
    spread = float(np.std(known)) if known else 0.0
    assert total.deviation == pytest.approx(spread or 1.0, rel=1e-9)


def test_deviation_of_large_numbers_close_together_is_exact():
    # Naive floating point loses all digits here: 10**13 squared has 26 of them.
    moment = moment_of(np.array([1e13, 1e13 + 1, 1e13 + 2]), 0)
    assert moment.deviation == pytest.approx(np.sqrt(2 / 3), rel=1e-12)


def test_constant_column_becomes_zero_and_not_nan():
    moment = moment_of(np.array([5.0, 5.0]), 0)
    standard = Standard(means=(moment.mean(0),), deviations=(moment.deviation,))
    assert make_inputs((AGE,), standard, pd.DataFrame({"age": [5, 5]})).tolist() == [[0.0], [0.0]]


def test_only_the_label_of_a_regression_is_standardised():
    moments, label = [Moment(4, 40, 500), Moment(0, 0, 0)], Moment(2, 20, 208)
    classifier = standard_of(train_plan(), moments, None)
    assert (classifier.label_mean, classifier.label_deviation) == (0.0, 1.0)
    assert classifier.means == (10.0, -100_000.0)
    assert classifier.deviations == (5.0, 1.0)
    pay = Label(column=Column(name="income", type="integer"), low=-100, high=100)
    regression = standard_of(train_plan(model=Linear(), label=pay), moments, label)
    assert (regression.label_mean, regression.label_deviation) == (-90.0, 2.0)
