"""What a department computes of its own rows, and what it does not answer."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import numpy as np
import pandas as pd
import pytest

from federation.errors import DataError, RefusedError
from federation.learning.artifact import Standard, Tensor, encode_arrays
from federation.learning.ensemble import Ensemble
from federation.learning.histograms import FineHistogram
from federation.learning.owner import Owner
from federation.learning.split import held_out
from federation.learning.work import SHARES, Measure, Moments, Update, Vector
from federation.plan import Column, Descent, Label, Linear, Logistic, Trees
from tests.support.learning import AGE, INCOME, TRADE, check, people, train_plan

STANDARD = Standard(means=(50.0, 300_000.0), deviations=(29.0, 150_000.0))
ZEROS = (np.zeros((4, 1)), np.zeros(1))


def update(arrays=ZEROS, *, standard=STANDARD, rows=1000) -> Update:
    return Update(standard=standard, rows=rows, arrays=encode_arrays(arrays))


def training(plan, frame):
    return frame[~held_out(frame["id"], nonce=plan.nonce, percent=plan.holdout)]


def test_moments_equal_pandas_exactly():
    plan, frame = train_plan(), people(500, 2)
    values = check(Owner(plan, frame, name="zezhou").answer("moments", Moments())).values
    rows = training(plan, frame)
    age, income = (
        rows["age"].dropna().astype(int),
        rows["income"].dropna().astype(int).clip(-100_000, 1_000_000) + 100_000,
    )
    assert values == [
        *(len(rows), int(rows["ill"].sum()), int((rows["ill"] ** 2).sum()), len(frame) - len(rows)),
        *(len(age), int(age.sum()), int((age**2).sum())),
        *(len(income), int(income.sum()), int((income**2).sum())),
    ]


def test_moments_are_exact_where_squares_overflow_64_bits():
    wide = msgspec.structs.replace(INCOME, low=0, high=2**47)
    plan = train_plan(features=(wide,), holdout=0)
    amounts = [2**47 - 1, 2**47 - 3, 5]
    frame = pd.DataFrame({"id": ["a", "b", "c"], "income": amounts, "ill": [0, 1, 0]})
    values = Owner(plan, frame, name="zezhou").answer("moments", Moments()).values
    assert values[-3:] == [3, sum(amounts), sum(amount**2 for amount in amounts)]


def test_update_is_the_departments_share_of_the_mean_of_all_rows():
    plan = train_plan(features=(AGE,), holdout=0)
    frame = pd.DataFrame({"id": ["a", "b"], "age": [50, 79], "ill": [1, 0]})
    standard = Standard(means=(50.0,), deviations=(29.0,))
    rows, *shares = (
        Owner(plan, frame, name="zezhou")
        .answer("update.1", update((np.zeros((1, 1)), np.zeros(1)), standard=standard, rows=8))
        .values
    )
    assert rows == 2
    # At zero every row is a coin: loss log 2, error 1/2 - label. The inputs are 0 and 1.
    assert SHARES.decode_total(shares, 1).tolist() == pytest.approx([2 * np.log(2) / 8, 0.5 / 8, 0.0], abs=1e-12)


def test_rows_with_no_label_or_no_id_take_no_part():
    plan, frame = train_plan(), people(100, 3)
    frame.loc[:9, "ill"] = pd.NA
    frame.loc[10:19, "id"] = None
    owner = Owner(plan, frame, name="zezhou")
    values = owner.answer("moments", Moments()).values
    assert values[0] + values[3] == 80


def test_held_out_rows_may_be_chosen_and_stay_with_their_rows():
    plan, frame = train_plan(), people(100, 3).sample(frac=1, random_state=1)
    frame.iloc[5, frame.columns.get_loc("ill")] = pd.NA
    aside = (frame["age"].fillna(0) > 60).to_numpy(dtype=bool)
    values = Owner(plan, frame, name="zezhou", held_out_rows=aside).answer("moments", Moments()).values
    used = frame["ill"].notna().to_numpy()
    assert values[3] == int((aside & used).sum())
    assert values[5] == int(frame["age"][~aside & used].sum())


def test_batches_differ_from_round_to_round_and_from_department_to_department_but_not_from_run_to_run():
    plan, frame = train_plan(descent=Descent(strategy="fedavg", batch=8, rate=0.5)), people(100, 3)

    def answers(name, round_name):
        return Owner(plan, frame, name=name).answer(round_name, update()).values

    once = answers("zezhou", "update.1")
    assert answers("zezhou", "update.1") == once
    assert answers("zezhou", "update.2") != once
    assert answers("gaoping", "update.1") != once


@pytest.mark.parametrize(
    "asked",
    [
        update((np.zeros((5, 1)), np.zeros(1))),
        update((np.zeros((4, 1)),)),
        update((np.zeros((2, 2)), np.zeros(1))),
        update((np.full((4, 1), np.nan), np.zeros(1))),
        update((np.full((4, 1), np.inf), np.zeros(1))),
        Update(standard=STANDARD, rows=1000, arrays=(Tensor(shape=(4, 1), data=bytes(31)), *encode_arrays(ZEROS[1:]))),
        update(standard=Standard(means=(50.0,), deviations=(29.0,))),
        update(standard=msgspec.structs.replace(STANDARD, deviations=(29.0, 0.0))),
        update(standard=msgspec.structs.replace(STANDARD, deviations=(29.0, -1.0))),
        update(standard=msgspec.structs.replace(STANDARD, means=(float("nan"), 0.0))),
        update(standard=msgspec.structs.replace(STANDARD, label_deviation=0.0)),
        update(rows=3),
        update(rows=0),
        FineHistogram(edges=((50,), (), ())),
    ],
    ids=[
        "a weight too many",
        "no bias",
        "another shape",
        "NaN",
        "infinity",
        "bytes missing",
        "a mean missing",
        "deviation 0",
        "negative deviation",
        "mean NaN",
        "label deviation 0",
        "fewer rows than one's own",
        "no rows",
        "trees' work",
    ],
)
def test_work_that_does_not_fit_the_plan_is_refused(asked):
    owner = Owner(train_plan(), people(100, 3), name="zezhou")
    check(owner.answer("update.1", update()))
    with pytest.raises(RefusedError) as caught:
        owner.answer("update.1", asked)
    assert caught.value.code == "refused.work"


@pytest.mark.parametrize("rounds", ["update.1", "measure.1"])
def test_trees_are_no_arrays_to_descend_in(rounds):
    owner = Owner(train_plan(model=Trees()), people(100, 3), name="zezhou")
    work = update() if rounds == "update.1" else Measure(standard=STANDARD, rows=100, arrays=encode_arrays(ZEROS))
    with pytest.raises(RefusedError) as caught:
        owner.answer(rounds, work)
    assert caught.value.code == "refused.work"


def test_department_without_rows_refuses_a_mean_over_none():
    owner = Owner(train_plan(), people(0, 3), name="zezhou")
    check(owner.answer("update.1", update(rows=1)))
    with pytest.raises(RefusedError) as caught:
        owner.answer("update.1", update(rows=0))
    assert caught.value.code == "refused.work"


@pytest.mark.parametrize("model", [Logistic(), Trees()], ids=["arrays", "trees"])
def test_measure_of_fewer_rows_than_are_held_out_is_refused(model):
    owner = Owner(train_plan(model=model), people(100, 3), name="zezhou")
    ensemble = Ensemble(cuts=((), (), ()), base=0.5).to_arrays()
    arrays = encode_arrays(ensemble if isinstance(model, Trees) else ZEROS)
    check(owner.answer("measure.1", Measure(standard=STANDARD, rows=60, arrays=arrays)))
    for rows in (0, 3):
        with pytest.raises(RefusedError):
            owner.answer("measure.1", Measure(standard=STANDARD, rows=rows, arrays=arrays))


@pytest.mark.parametrize("coefficient", [1e200, 1e9], ids=["overflows to infinity", "is beyond the bound"])
def test_update_that_is_no_number_is_refused_by_its_owner(coefficient):
    income = Label(column=Column(name="income", type="integer"), low=-100_000, high=1_000_000)
    plan = train_plan(features=(AGE,), label=income, model=Linear())
    owner = Owner(plan, people(100, 3), name="zezhou")
    standard = Standard(means=(50.0,), deviations=(29.0,), label_mean=3e5, label_deviation=1.5e5)
    with pytest.raises(DataError) as caught:
        owner.answer("update.1", update((np.array([[coefficient]]), np.zeros(1)), standard=standard))
    assert caught.value.code == "learning.not_finite"


@pytest.mark.parametrize("broken", [float("inf"), 3.5, "old"], ids=["infinity", "no integer", "a text"])
def test_column_that_is_not_what_was_declared_is_refused(broken):
    frame = people(100, 3)
    frame["age"] = frame["age"].astype(object)
    frame.loc[7, "age"] = broken
    owner = Owner(train_plan(), frame, name="zezhou")
    with pytest.raises(DataError) as caught:
        owner.answer("moments", Moments())
    assert caught.value.code == "data.type"


def test_values_beyond_public_bounds_count_as_the_bounds():
    plan, frame = train_plan(holdout=0), people(100, 3)
    frame.loc[:9, "income"] = 10**12
    cut = frame.assign(income=frame["income"].clip(-100_000, 1_000_000))
    for work in (Moments(), update()):
        ours, theirs = (Owner(plan, rows, name="zezhou").answer("update.1", work) for rows in (frame, cut))
        assert check(ours) == theirs


def test_answer_does_not_show_its_values():
    vector = Owner(train_plan(), people(100, 3), name="zezhou").answer("moments", Moments())
    assert repr(vector) == "Vector(10 values)"
    assert str(vector) == repr(vector)
    assert repr(SimpleNamespace(inside=Vector([42], (99,)))).count("42") == 0


def test_answers_have_the_same_bounds_whatever_the_rows():
    plan = train_plan(model=Logistic())
    for work in (Moments(), update(), Measure(standard=STANDARD, rows=1000, arrays=encode_arrays(ZEROS))):
        many, none = (Owner(plan, people(rows, 3), name="zezhou").answer("x", work) for rows in (200, 0))
        assert check(many).bounds == check(none).bounds


def test_features_of_the_test_plan_are_four_inputs():
    assert train_plan(features=(AGE, INCOME, TRADE)).width == len(ZEROS[0])
