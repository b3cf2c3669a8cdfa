"""Flower's strategies on top of sums that nobody can take apart, and FedSGD, which Flower does not have.

A strategy of `flwr.serverapp.strategy` decides what the departments are sent and what is made of their replies. All
that FedAvg and its kin make of replies is their weighted mean, and the mean of all is one sum: so `SecureSum` shows
the strategy a single node, whose reply is the mean of everybody. Any strategy that is a function of the mean works
unchanged, such as FedAdam; those that compare replies with each other, such as Krum or the median, cannot.

The one place in `federation.learning` that imports flwr.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from logging import WARNING, getLogger
from typing import NoReturn

from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg, FedProx, Strategy
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

from federation.learning import models
from federation.learning.artifact import Arrays
from federation.plan import TrainPlan

Mean = Callable[[int, Arrays], Arrays]
"""Of a round and the model that is sent: the departments' mean update, weighted by rows."""

# The whole cohort is one node to the strategy.
_COHORT = 2


class FedSGD(FedAvg):
    """One step against the mean gradient of all rows: gradient descent on the pooled data (McMahan et al., 2017)."""

    def __init__(self, model: models.Network, *, rate: float) -> None:
        """Set the step.

        Args:
            model: whose penalty is added to the gradient.
            rate: learning rate.
        """
        super().__init__(min_train_nodes=1, min_available_nodes=1)
        self._model, self._rate = model, rate
        self._here: Arrays = ()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send the model, and remember it."""
        self._here = _from_record(arrays)
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Step against the mean of the gradients that were replied."""
        mean, metrics = super().aggregate_train(server_round, replies)
        if mean is None:
            return None, metrics
        _, pulls = models.penalty(self._model, self._here)
        stepped = (
            now - self._rate * (slope + pull)
            for now, slope, pull in zip(self._here, _from_record(mean), pulls, strict=True)
        )
        return _to_record(tuple(stepped)), metrics


class SecureSum:
    """Runs a strategy over a cohort that answers with one voice."""

    def __init__(self, strategy: Strategy, mean: Mean) -> None:
        """Wrap a strategy.

        Args:
            mean: asks the departments and adds up; gives arrays in the form the strategy expects as a reply.
        """
        self._strategy, self._mean = strategy, mean
        _identify()

    def start(self, arrays: Arrays, rounds: range) -> Arrays:
        """Run rounds of training, as `Strategy.start` does with a grid of many nodes.

        Args:
            rounds: their numbers; more than one job may have had a part in a model.

        Returns:
            The model after the last round.
        """
        cohort, config = _Cohort(), ConfigRecord()
        for number in rounds:
            with _quiet():
                (instruction,) = self._strategy.configure_train(number, _to_record(arrays), config, cohort)
            (sent,) = instruction.content.array_records.values()
            mean = self._mean(number, _from_record(sent))
            content = RecordDict({"arrays": _to_record(mean), "metrics": MetricRecord({"num-examples": 1})})
            with _quiet():
                made, _ = self._strategy.aggregate_train(number, [Message(content, reply_to=instruction)])
            if made is None:
                raise ValueError("the strategy made nothing of the mean")
            arrays = _from_record(made)
        return arrays


def strategy_of(plan: TrainPlan) -> Strategy:
    """The strategy that a plan names."""
    descent = plan.descent
    match descent.strategy:
        case "fedsgd":
            return FedSGD(models.network_of(plan.model), rate=descent.rate)
        case "fedavg":
            return FedAvg(min_train_nodes=1, min_available_nodes=1)
        case "fedprox":
            return FedProx(min_train_nodes=1, min_available_nodes=1, proximal_mu=descent.mu)


class _Cohort(Grid):
    """The grid that a strategy samples from: one node, to which nothing is ever sent this way."""

    def get_node_ids(self) -> Iterable[int]:
        return [_COHORT]

    def set_run(self, run: Run) -> NoReturn:
        raise NotImplementedError

    @property
    def run(self) -> NoReturn:
        raise NotImplementedError

    def create_message(self, *args: object, **kwargs: object) -> NoReturn:
        raise NotImplementedError

    def push_messages(self, messages: Iterable[Message]) -> NoReturn:
        raise NotImplementedError

    def pull_messages(self, message_ids: Iterable[str]) -> NoReturn:
        raise NotImplementedError

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> NoReturn:
        raise NotImplementedError


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep a strategy from logging, twice a round, that it has sampled one node of one."""
    logger = getLogger("flwr")
    level = logger.level
    logger.setLevel(WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _identify() -> None:
    """Flower's messages name the run they are of. A coordinator serves one; a lab does not, and makes one up."""
    try:
        TaskIdentity.run_id  # noqa: B018  (reading it is the question)
    except RuntimeError:
        TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = 1, 1, 1


def _to_record(arrays: Arrays) -> ArrayRecord:
    return ArrayRecord({str(index): Array(array) for index, array in enumerate(arrays)})


def _from_record(record: ArrayRecord) -> Arrays:
    return tuple(record[str(index)].numpy() for index in range(len(record)))
