"""The jobs that the model's drills attack, each run once and only when it is needed."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from federation.drills.model.hospitals import Coordinator, Hospitals, make_hospitals
from federation.learning.artifact import Artifact
from federation.learning.privacy import Noise, noise_for
from federation.plan import Descent, Logistic, Model, Perceptron, Privacy

# The membership job: a network with twice as many weights as cases, trained until it knows them by heart.
OVERFITTED = Perceptron(hidden=(12,))
BY_HEART = Descent(rounds=60, rate=4.0)
CASES, HELD_OUT = 20, 20

# What a model is learnt with that is to be of use under privacy: every round costs.
FEW_ROUNDS = Descent(strategy="fedavg", rounds=3, epochs=20, rate=0.5)

BUDGET = Privacy(epsilon=8.0, delta=1e-5, clip=1.0)

# The audited job is short, so that it can be played a thousand times.
AUDITED = Privacy(epsilon=4.0, delta=1e-5, clip=1.0)


class Sent(NamedTuple):
    """A job of one round, and what its coordinator saw with the protection off and on."""

    hospitals: Hospitals
    off: Coordinator
    on: Coordinator


class Learnt(NamedTuple):
    """A job, and the model that came of it."""

    hospitals: Hospitals
    artifact: Artifact


class ModelStage:
    """Jobs by what is attacked in them."""

    @cached_property
    def single(self) -> Sent:
        """Logistic regression, one case in each hospital."""
        return _send(Logistic(), cases=1)

    @cached_property
    def batch(self) -> Sent:
        """A network, four cases in each hospital."""
        return _send(Perceptron(hidden=(16,)), cases=4)

    @cached_property
    def open(self) -> Learnt:
        """The overfitted model, learnt without protection."""
        return _learn(self._overfitted)

    @cached_property
    def masked(self) -> Learnt:
        """The same, from masked sums."""
        return _learn(self._overfitted.under("masks"))

    @cached_property
    def private(self) -> Learnt:
        """The same, with differential privacy of whole hospitals."""
        return _learn(self._overfitted.under("masks", BUDGET))

    @cached_property
    def useful(self) -> Learnt:
        """A model that was not made to be attacked, without protection."""
        return _learn(self._sensible)

    @cached_property
    def useful_private(self) -> Learnt:
        """The same with differential privacy, to see what that costs."""
        return _learn(self._sensible.under("masks", BUDGET))

    @cached_property
    def audited(self) -> Noise:
        """The noise of a job of four rounds."""
        job = make_hospitals(Logistic(), Descent(rounds=4), cases=CASES)
        return noise_for(job.under("masks", AUDITED).plan)

    @cached_property
    def _sensible(self) -> Hospitals:
        return make_hospitals(Logistic(), FEW_ROUNDS, cases=100, held_out=100)

    @cached_property
    def _overfitted(self) -> Hospitals:
        return make_hospitals(OVERFITTED, BY_HEART, cases=CASES, held_out=HELD_OUT)


def _send(model: Model, *, cases: int) -> Sent:
    hospitals = make_hospitals(model, Descent(rounds=1), cases=cases)
    (_, off), (_, on) = hospitals.run(), hospitals.under("masks").run()
    return Sent(hospitals, off, on)


def _learn(hospitals: Hospitals) -> Learnt:
    trained, _ = hospitals.run()
    return Learnt(hospitals, trained.artifact)
