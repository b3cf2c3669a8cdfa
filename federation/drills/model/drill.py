"""What an attack on joint training is, and what came of one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from federation.drills.model.stage import ModelStage
from federation.drills.wording import Wording


class Measured(NamedTuple):
    """How well an attack did.

    Attributes:
        off, on: its metric with the protection off and on.
        cost: what the protection costs, if that was measured.
    """

    off: float
    on: float
    cost: Wording | None = None


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """One attack, in words.

    Attributes:
        can: what its attacker can do.
        metric: what is measured; larger is better for the attacker.
        guess: what the metric is without any attack.
        protection: what is switched on.
        stops: why that stops it; or, where it is not expected to, why it does not.
        limit: what is not shown by it.
        expected: whether it must be stopped.
    """

    name: str
    title: Wording
    can: Wording
    metric: Wording
    guess: float
    protection: Wording
    stops: Wording
    limit: Wording
    expected: bool = True


class ModelDrill(Attack, frozen=True, kw_only=True):
    """One attack, and how to perform it.

    Attributes:
        works: the least metric at which it has succeeded.
        harmless: the largest at which it was stopped.
        perform: attacks one job with the protection off and on.
    """

    works: float
    harmless: float
    perform: Callable[[ModelStage], Measured]


class ModelOutcome(Attack, frozen=True, kw_only=True):
    """What came of one attack.

    Attributes:
        off, on: its metric with the protection off and on.
        succeeded: with the protection off.
        stopped: with it on.
        cost: what the protection costs, if that was measured.
    """

    off: float
    on: float
    succeeded: bool
    stopped: bool
    cost: Wording | None
    seconds: float

    @property
    def good(self) -> bool:
        """Whether it went as the table says: it works while nothing stops it, and is stopped if it must be."""
        return self.succeeded and self.stopped == self.expected


def perform(drill: ModelDrill, stage: ModelStage) -> ModelOutcome:
    """Perform one attack."""
    began = time.perf_counter()
    off, on, cost = drill.perform(stage)
    return ModelOutcome(
        **{name: getattr(drill, name) for name in Attack.__struct_fields__},
        off=round(off, 4),
        on=round(on, 4),
        succeeded=off >= drill.works,
        stopped=on <= drill.harmless,
        cost=cost,
        seconds=round(time.perf_counter() - began, 3),
    )
