"""A model file is enough to score rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from federation.errors import RequestError
from federation.learning.artifact import Artifact, Standard, encode_arrays
from federation.learning.ensemble import Ensemble, Tree
from federation.learning.scoring import score
from federation.plan import Column, Label, Linear, Logistic, Perceptron, Trees
from tests.support.learning import AGE, ILL

FRAME = pd.DataFrame({"age": pd.array([30, 50, None, 900], dtype="Int64")})


def artifact(model, arrays, *, label=ILL, standard=None) -> Artifact:
    return Artifact(
        source="people",
        split="00",
        model=model,
        features=(AGE,),
        label=label,
        standard=standard or Standard(means=(40.0,), deviations=(10.0,)),
        rounds=1,
        arrays=encode_arrays(arrays),
    )


def test_classifier_gives_probabilities():
    weights = (np.array([[2.0]]), np.array([-1.0]))
    # Log-odds: 2 * -1 - 1, 2 * 1 - 1, 2 * 0 - 1 for the null, and 2 * 6 - 1 for what is cut to 100.
    want = [1 / (1 + np.exp(-z)) for z in (-3.0, 1.0, -1.0, 11.0)]
    assert score(artifact(Logistic(), weights), FRAME).tolist() == pytest.approx(want)


def test_regression_gives_the_labels_base_units():
    pay = Label(column=Column(name="pay", type="decimal(2)"), high=10**6)
    standard = Standard(means=(40.0,), deviations=(10.0,), label_mean=5000.0, label_deviation=200.0)
    told = score(artifact(Linear(), (np.array([[0.5]]), np.array([1.0])), label=pay, standard=standard), FRAME)
    assert told.tolist() == [5100.0, 5300.0, 5200.0, 5800.0]


def test_perceptron_goes_through_its_layers():
    layers = (np.array([[1.0, -1.0]]), np.array([0.0, 0.5]), np.array([[2.0], [3.0]]), np.array([0.1]))
    log_odds = [2 * np.tanh(x) + 3 * np.tanh(0.5 - x) + 0.1 for x in (-1.0, 1.0, 0.0, 6.0)]
    told = score(artifact(Perceptron(hidden=(2,)), layers), FRAME)
    assert told.tolist() == pytest.approx([1 / (1 + np.exp(-z)) for z in log_odds])


def test_trees_ask_their_own_questions():
    tree = Tree(feature=(0, -1, -1), bin=(1, 0, 0), value=(0.0, -1.0, 2.0))
    arrays = Ensemble(cuts=((40,),), base=0.5, trees=(tree,)).to_arrays()
    # A null lies below every number, so it goes left with what is under 40.
    want = [1 / (1 + np.exp(-z)) for z in (-0.5, 2.5, -0.5, 2.5)]
    assert score(artifact(Trees(depth=1), arrays), FRAME).tolist() == pytest.approx(want)


@pytest.mark.parametrize(
    "wrong",
    [
        artifact(Logistic(), (np.zeros((2, 1)), np.zeros(1))),
        artifact(Logistic(), (np.zeros((1, 1)),)),
        artifact(Perceptron(hidden=(2,)), (np.zeros((1, 1)), np.zeros(1))),
        artifact(Trees(), (np.zeros((1, 1)), np.zeros(1))),
        artifact(Logistic(), (np.zeros((1, 1)), np.zeros(1)), standard=Standard()),
        artifact(Logistic(), (np.zeros((1, 1)), np.zeros(1)), standard=Standard(means=(0.0,), deviations=(0.0,))),
    ],
    ids=["a weight too many", "no bias", "layers missing", "no trees", "no standard", "deviation 0"],
)
def test_model_whose_numbers_are_not_of_its_kind_is_refused(wrong):
    with pytest.raises(RequestError) as caught:
        score(wrong, FRAME)
    assert caught.value.code == "request.model_differs"
