"""What a training tells while it runs, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from federation.learning.artifact import Arrays, Artifact, Standard, encode_arrays
from federation.learning.metrics import Measures
from federation.learning.split import split_nonce
from federation.plan import TrainPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One round, as it is shown while training goes on.

    Attributes:
        round: from 1; of trees, which tree.
        loss: mean over all training rows, of the model that the round began with, penalty included; None if the plan
            keeps it private, and for trees.
        survivors: who stayed to the end of the round.
        epsilon: spent so far; None without privacy.
    """

    round: int
    loss: float | None
    survivors: tuple[str, ...]
    epsilon: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What came of a training.

    Attributes:
        history: a step for each round of this job.
        measures: on all rows held out; None if there were too few of them, or training did not come to its end.
    """

    artifact: Artifact
    history: tuple[Step, ...]
    measures: Measures | None
    epsilon: float | None


Progress = Callable[[Step], None]


class Begun(NamedTuple):
    """What is known before the first round, of all departments together.

    Attributes:
        rows, positives: for training, and the sum of their labels; 0 if the plan keeps them private.
        held_out: rows to measure on; 0 if private.
    """

    standard: Standard
    rows: int = 0
    positives: int = 0
    held_out: int = 0


def make_artifact(plan: TrainPlan, standard: Standard, arrays: Arrays, rounds: int) -> Artifact:
    """Put together what a plan has come to after so many rounds."""
    return Artifact(
        source=plan.source,
        split=split_nonce(plan),
        model=plan.model,
        features=plan.features,
        label=plan.label,
        standard=standard,
        rounds=rounds,
        arrays=encode_arrays(arrays),
    )
