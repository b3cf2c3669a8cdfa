"""Scores, losses and gradients of the models that learn by steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.learning.models import (
    first_arrays,
    flatten,
    local_steps,
    loss_and_gradient,
    network_of,
    penalty,
    probabilities,
    scores,
    shapes_of,
    unflatten,
)
from federation.plan import Descent, Linear, Logistic, Perceptron, Trees

EVERY = (Linear(l2=0.3), Logistic(l2=0.3), Perceptron(hidden=(3,), l2=0.3), Perceptron(hidden=(4, 2), l2=0.3))


def rows(seed, count=7, width=3):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(count, width)), (draw.random(count) < 0.5).astype(float), draw


@pytest.mark.parametrize("model", EVERY, ids=repr)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_gradient_is_the_slope_of_loss_and_penalty(model, seed):
    inputs, targets, draw = rows(seed)
    arrays = tuple(draw.normal(size=shape) for shape in shapes_of(model, 3))
    (_, gradient), (_, pulls) = loss_and_gradient(model, arrays, inputs, targets), penalty(model, arrays)
    flat, step = flatten(arrays), 1e-6

    def objective(point):
        here = unflatten(point, arrays)
        return loss_and_gradient(model, here, inputs, targets)[0] + penalty(model, here)[0]

    for index, slope in enumerate(flatten(gradient) + flatten(pulls)):
        nudge = np.zeros_like(flat)
        nudge[index] = step
        assert slope == pytest.approx(
            (objective(flat + nudge) - objective(flat - nudge)) / (2 * step), abs=1e-6, rel=1e-6
        )


@pytest.mark.parametrize("model", EVERY, ids=repr)
def test_losses_and_gradients_of_parts_add_up_to_the_whole(model):
    inputs, targets, draw = rows(5, count=40)
    arrays = tuple(draw.normal(size=shape) for shape in shapes_of(model, 3))
    loss, gradient = loss_and_gradient(model, arrays, inputs, targets)
    parts = [loss_and_gradient(model, arrays, inputs[cut], targets[cut]) for cut in (slice(0, 9), slice(9, 40))]
    assert loss == pytest.approx(sum(part[0] for part in parts), rel=1e-12)
    assert flatten(gradient) == pytest.approx(sum(flatten(part[1]) for part in parts), abs=1e-12)


def test_logistic_regression_by_hand():
    arrays = (np.array([[2.0], [-1.0]]), np.array([0.5]))
    inputs, targets = np.array([[1.0, 2.5], [0.0, 0.0]]), np.array([1.0, 0.0])
    assert scores(arrays, inputs).tolist() == [0.0, 0.5]
    loss, (slope, bias) = loss_and_gradient(Logistic(), arrays, inputs, targets)
    sure = 1 / (1 + np.exp(-0.5))
    assert loss == pytest.approx(np.log(2) - np.log(1 - sure))
    assert slope.ravel().tolist() == pytest.approx([-0.5, -1.25])
    assert bias.tolist() == pytest.approx([sure - 0.5])


def test_penalty_leaves_biases_alone():
    value, pulls = penalty(Logistic(l2=0.5), (np.array([[2.0], [4.0]]), np.array([100.0])))
    assert value == 5.0
    assert flatten(pulls).tolist() == [1.0, 2.0, 0.0]


def test_extreme_log_odds_do_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        assert probabilities(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
        loss, _ = loss_and_gradient(Logistic(), (np.array([[1e4]]), np.zeros(1)), np.array([[1.0]]), np.array([0.0]))
    assert loss == 1e4


def test_training_begins_at_zero_but_for_the_weights_of_a_perceptron():
    for model in (Linear(), Logistic()):
        assert not flatten(first_arrays(model, 5, 1)).any()
    arrays = first_arrays(Perceptron(hidden=(8, 4)), 5, 1)
    assert [array.shape for array in arrays] == [(5, 8), (8,), (8, 4), (4,), (4, 1), (1,)]
    assert all(array.any() == (array.ndim == 2) for array in arrays)
    assert np.abs(arrays[0]).max() <= np.sqrt(6 / 13)


def test_first_weights_follow_from_the_seed():
    once, again, other = (flatten(first_arrays(Perceptron(), 5, seed)) for seed in (1, 1, 2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_local_steps_see_every_row_once_an_epoch():
    # Batches of 3, 3 and 2 rows; each row has a weight of its own, which moves only when its row is seen.
    seen = []

    class Counting(np.random.Generator):
        def permutation(self, x, axis=0):
            order = super().permutation(x, axis)
            seen.append(sorted(order.tolist()))
            return order

    descent = Descent(strategy="fedavg", rate=0.5, epochs=3, batch=3)
    arrays = (np.ones((8, 1)), np.zeros(1))
    moved = local_steps(Linear(), descent, arrays, np.eye(8), np.zeros(8), Counting(np.random.PCG64(1)))
    assert seen == [list(range(8))] * 3
    assert (moved[0] < 0).all()


def test_steps_of_one_row_by_hand():
    # Weight 1, bias 0, label 0: the error of 1 takes half of itself from both, and then there is none.
    arrays = (np.ones((1, 1)), np.zeros(1))
    weights, bias = local_steps(
        Linear(), Descent(rate=0.5, epochs=2, batch=1), arrays, np.ones((1, 1)), np.zeros(1), np.random.default_rng(1)
    )
    assert (weights.item(), bias.item()) == (-0.5, -0.5)


def test_local_steps_of_no_rows_stay_where_they_are():
    arrays = (np.ones((2, 1)), np.ones(1))
    moved = local_steps(
        Logistic(l2=1.0), Descent(batch=4), arrays, np.empty((0, 2)), np.empty(0), np.random.default_rng(1)
    )
    assert not flatten(moved).any()


def test_mu_pulls_towards_where_the_steps_began():
    inputs, targets, _ = rows(3, count=50)
    arrays = (np.zeros((3, 1)), np.zeros(1))
    lengths = [
        np.linalg.norm(
            flatten(
                local_steps(
                    Logistic(),
                    Descent(strategy="fedprox", rate=0.1, epochs=100, mu=mu),
                    arrays,
                    inputs,
                    targets,
                    np.random.default_rng(1),
                )
            )
        )
        for mu in (0.0, 0.5, 5.0)
    ]
    assert lengths[0] > 1.5 * lengths[1] > 2 * lengths[2] > 0


def test_trees_do_not_descend():
    with pytest.raises(ValueError):
        network_of(Trees())
