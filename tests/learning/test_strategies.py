"""Flower's strategies see one node that speaks for all, and make of it what they would have made of the replies."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import FedAdam, FedAvg, FedAvgM, FedProx, FedYogi

from federation.learning.strategies import FedSGD, SecureSum, strategy_of
from federation.plan import Descent, Logistic, Perceptron
from tests.support.learning import train_plan

START = (np.array([[1.0], [2.0]]), np.array([0.5]))
# Of two departments: what each replies to a model, and its rows.
SHIFTS, ROWS = (0.25, -1.5), (30, 10)
ONE_NODE = {"min_train_nodes": 1, "min_available_nodes": 1}


def reply(arrays, shift):
    return tuple(array * 0.9 + shift for array in arrays)


def mean_reply(number, arrays):
    replies = [reply(arrays, shift) for shift in SHIFTS]
    return tuple(np.average(parts, axis=0, weights=ROWS) for parts in zip(*replies, strict=True))


class TwoNodes:
    """The grid of a plain strategy, which is shown both replies in clear."""

    def get_node_ids(self):
        return [2, 3]


def record(arrays):
    return ArrayRecord({str(index): Array(array) for index, array in enumerate(arrays)})


def arrays_of(made):
    return tuple(made[str(index)].numpy() for index in range(len(made)))


def in_clear(strategy, rounds):
    arrays, config = START, ConfigRecord()
    for number in rounds:
        sent = list(strategy.configure_train(number, record(arrays), config, TwoNodes()))
        replies = [
            Message(
                RecordDict({"arrays": record(reply(arrays, shift)), "metrics": MetricRecord({"num-examples": rows})}),
                reply_to=message,
            )
            for message, shift, rows in zip(sent, SHIFTS, ROWS, strict=True)
        ]
        made, _ = strategy.aggregate_train(number, replies)
        arrays = arrays_of(made)
    return arrays


@pytest.mark.parametrize("kind", [FedAvg, FedAvgM, FedAdam, FedYogi])
def test_strategy_makes_the_same_of_the_sum_as_of_the_replies_in_clear(kind):
    secure = SecureSum(kind(**ONE_NODE), mean_reply).start(START, range(1, 6))
    clear = in_clear(kind(), range(1, 6))
    for ours, theirs in zip(secure, clear, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-12)
        assert ours.shape == theirs.shape


def test_fedsgd_steps_against_the_gradient_and_the_penalty():
    strategy = FedSGD(Logistic(l2=0.5), rate=0.1)
    gradient = (np.array([[10.0], [0.0]]), np.array([-4.0]))
    weights, bias = SecureSum(strategy, lambda number, arrays: gradient).start(START, range(1, 2))
    # 1 - 0.1 * (10 + 0.5 * 1), 2 - 0.1 * (0 + 0.5 * 2); the bias has no penalty.
    assert weights.ravel().tolist() == pytest.approx([-0.05, 1.9])
    assert bias.tolist() == pytest.approx([0.9])


def test_departments_are_asked_once_a_round_with_the_model_of_that_round():
    asked = []

    def mean(number, arrays):
        asked.append((number, arrays[0].ravel().tolist()))
        return tuple(array + 1 for array in arrays)

    SecureSum(FedAvg(**ONE_NODE), mean).start(START, range(4, 7))
    assert asked == [(4, [1.0, 2.0]), (5, [2.0, 3.0]), (6, [3.0, 4.0])]


def test_no_round_leaves_the_model_as_it_was():
    made = SecureSum(FedAvg(**ONE_NODE), mean_reply).start(START, range(3, 3))
    assert made is START


def test_each_strategy_of_a_plan_is_flowers_own_or_fedsgd():
    named = {
        name: type(strategy_of(train_plan(descent=Descent(strategy=name)))) for name in ("fedsgd", "fedavg", "fedprox")
    }
    assert named == {"fedsgd": FedSGD, "fedavg": FedAvg, "fedprox": FedProx}
    assert strategy_of(train_plan(descent=Descent(strategy="fedprox", mu=0.7))).proximal_mu == 0.7


def test_strategy_does_not_log_that_one_node_was_sampled(caplog):
    logger = logging.getLogger("flwr")
    with caplog.at_level(logging.INFO, logger="flwr"):
        logger.addHandler(caplog.handler)
        try:
            SecureSum(FedAvg(**ONE_NODE), mean_reply).start(START, range(1, 3))
            assert caplog.messages == []
            assert logger.level == logging.INFO
        finally:
            logger.removeHandler(caplog.handler)


def test_arrays_of_any_shape_go_through_a_strategy_unchanged():
    plan = train_plan(model=Perceptron(hidden=(3, 2)))
    shapes = [(4, 3), (3,), (3, 2), (2,), (2, 1), (1,)]
    arrays = tuple(np.arange(float(np.prod(shape))).reshape(shape) for shape in shapes)
    made = SecureSum(strategy_of(plan), lambda number, here: tuple(np.zeros_like(a) for a in here)).start(
        arrays, range(1, 2)
    )
    for ours, theirs in zip(made, arrays, strict=True):
        assert np.array_equal(ours, theirs)
