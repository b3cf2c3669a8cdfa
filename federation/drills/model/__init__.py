"""The model's drills: attacks on joint training, each performed twice on the same job, protection off and on.

An attack that does not even succeed with the protection off proves nothing, and makes the run fail. What a protection
cannot stop is performed as well, and shown as not stopped, with the reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from federation.drills.model.attacks import DRILLS
from federation.drills.model.drill import ModelDrill, ModelOutcome, perform
from federation.drills.model.stage import ModelStage
from federation.drills.wording import Wording

__all__ = ["DRILLS", "ModelDrill", "ModelDrillReport", "ModelOutcome", "ModelStage", "Wording", "run_model_drills"]


class ModelDrillReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run.

    Attributes:
        stopped: attacks that were stopped; `missed` those that the protection cannot stop; `failed` the names of those
            that went otherwise.
    """

    outcomes: tuple[ModelOutcome, ...]
    stopped: int
    missed: int
    failed: tuple[str, ...]
    seconds: float


def run_model_drills(
    drills: Sequence[ModelDrill] = DRILLS,
    *,
    stage: ModelStage | None = None,
    progress: Callable[[ModelOutcome], None] = lambda _: None,
) -> ModelDrillReport:
    """Perform attacks on joint training, protection off and on.

    Args:
        stage: the jobs to attack; new ones if None.
        progress: told of every outcome as it comes.
    """
    began, stage = time.perf_counter(), stage or ModelStage()
    outcomes = []
    for drill in drills:
        outcomes.append(perform(drill, stage))
        progress(outcomes[-1])
    return ModelDrillReport(
        outcomes=tuple(outcomes),
        stopped=sum(one.good and one.expected for one in outcomes),
        missed=sum(one.good and not one.expected for one in outcomes),
        failed=tuple(one.name for one in outcomes if not one.good),
        seconds=round(time.perf_counter() - began, 2),
    )
