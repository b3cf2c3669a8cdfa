"""The lab: what joint training gains, and what it costs against having all rows in one place.

The same model is learnt three times: by each department alone, by all of them together, and from all rows in the
clear. All are measured row by row on the same rows, those that everybody held out. Frames come from the generator or
from files for tests, never through a department: no federation could do this with rows that are anybody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

import jincheng
from federation.adapters import load_adapter
from federation.errors import KeyongError
from federation.learning import metrics
from federation.learning.artifact import Artifact, Floats
from federation.learning.card import LabNumbers
from federation.learning.errors import DivergedError
from federation.learning.features import read_label
from federation.learning.metrics import Measures
from federation.learning.owner import Owner
from federation.learning.rows import read_rows
from federation.learning.scoring import score
from federation.learning.split import Mask, held_out, identifiers, split_nonce
from federation.learning.training import Trained, train
from federation.learning.work import Summed, Work
from federation.plan import Linear, TrainPlan
from federation.settings import TableCard

Frames = Mapping[str, pd.DataFrame]
"""Department -> rows: numbers in base units, texts, nulls."""

# Why a department may not be able to learn anything by itself.
NOT_ALONE = ("learning.one_class", "learning.too_few_rows")


def compare(
    plan: TrainPlan,
    frames: Frames,
    *,
    federated: Artifact | None = None,
    held_out_rows: Mapping[str, Mask] | None = None,
) -> LabNumbers:
    """Learn the plan's model alone, together and pooled, and measure all of them on everybody's held-out rows.

    A department alone and the pool need no differential privacy, and begin anew if the plan goes on from a model.

    Args:
        federated: the model that a federation has trained; if None, it is trained here, over sums in the clear.
        held_out_rows: which rows are held out, in the order of each frame; drawn as the plan draws if None.

    Returns:
        The measures; those of a department that cannot learn alone have no figures.

    Raises:
        KeyongError: the plan cannot be trained at all.
    """
    aside = held_out_rows or {name: draw_held_out(plan, frame) for name, frame in frames.items()}
    test = pd.concat([frame[aside[name]] for name, frame in frames.items()], ignore_index=True)
    pool = pd.concat(frames.values(), ignore_index=True)
    pool_aside = np.concatenate([aside[name] for name in frames])
    return LabNumbers(
        alone={name: _alone(plan, name, frame, aside[name], test) for name, frame in frames.items()},
        federated=measure(federated or train_in_clear(plan, frames, aside).artifact, test),
        pooled=measure(_by_itself(plan, "pooled", pool, pool_aside).artifact, test),
    )


def train_in_clear(plan: TrainPlan, frames: Frames, held_out_rows: Mapping[str, Mask]) -> Trained:
    """Train as a federation does, but for the protection: in one process, over sums in the clear."""
    owners = {name: Owner(plan, frame, name=name, held_out_rows=held_out_rows[name]) for name, frame in frames.items()}

    def total(round_name: str, work: Work) -> Summed:
        answers = [owner.answer(round_name, work).values for owner in owners.values()]
        return Summed([sum(values) for values in zip(*answers, strict=True)], tuple(sorted(owners)))

    return train(plan, total, lambda step: None)


def measure(artifact: Artifact, frame: pd.DataFrame) -> Measures:
    """Measure a model on labelled rows, row by row: the interval of an area is DeLong's, without bins."""
    frame = frame[frame[artifact.label.column.name].notna()]
    labels = read_label(artifact.label, frame[artifact.label.column.name])
    if not len(labels):
        return Measures(rows=0)
    predicted = score(artifact, frame)
    if isinstance(artifact.model, Linear):
        return _regression(artifact, predicted, labels)
    likely = np.clip(np.where(labels == 1, predicted, 1 - predicted), np.finfo(float).tiny, 1)
    found = metrics.area_of_scores(predicted, labels)
    return Measures(
        rows=len(labels),
        loss=float(-np.log(likely).mean()),
        auc=found.value if found else None,
        auc_low=found.low if found else None,
        auc_high=found.high if found else None,
        accuracy=float(((predicted >= 0.5) == (labels == 1)).mean()),
    )


def draw_held_out(plan: TrainPlan, frame: pd.DataFrame) -> Mask:
    """Draw which of a frame's rows are held out, as every department does; none without an id."""
    ids = frame[plan.id.name]
    drawn = held_out(identifiers(ids), nonce=split_nonce(plan), percent=plan.holdout)
    return drawn & ids.notna().to_numpy()


def read_frames(plan: TrainPlan, card: TableCard, files: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    """Read CSV files, one for each department.

    Args:
        card: the table's, which says what types the columns have.

    Raises:
        DataError: a file cannot be read, or does not hold what the card says.
    """
    columns = tuple(column.as_column for column in card.columns if column.name in plan.columns)
    stores = {name: load_adapter("csv", columns, {"path": str(path)}) for name, path in files.items()}
    return {name: read_rows(store, card, plan) for name, store in stores.items()}


def write_city(plan: TrainPlan, folder: Path, *, citizens: int, seed: int = 7) -> dict[str, Path]:
    """Have the generator write the built-in city's files of the plan's table once more, for `read_frames`.

    A county's node holds what its bureaus and its hospital have.
    """
    holders: dict[str, jincheng.Department] = {}
    for department in (*jincheng.BUREAUS, *jincheng.HOSPITALS, *jincheng.DEPARTMENTS):
        names = {department.key, department.county.key if department.county else ""}
        if plan.source in {table.name for table in department.tables} and names & {*plan.contributors}:
            holders.setdefault((names & {*plan.contributors}).pop(), department)
    written = jincheng.generate(folder, citizens=citizens, seed=seed, departments=tuple(holders.values()))
    return {name: written.path(department.key, plan.source) for name, department in holders.items()}


def _by_itself(plan: TrainPlan, name: str, frame: pd.DataFrame, aside: Mask) -> Trained:
    only = msgspec.structs.replace(plan, contributors=(name,), privacy=None, start=b"")
    return train_in_clear(only, {name: frame}, {name: aside})


def _alone(plan: TrainPlan, name: str, frame: pd.DataFrame, aside: Mask, test: pd.DataFrame) -> Measures:
    try:
        return measure(_by_itself(plan, name, frame, aside).artifact, test)
    except DivergedError:
        return Measures(rows=None)
    except KeyongError as exc:
        if exc.code not in NOT_ALONE:
            raise
        return Measures(rows=None)


def _regression(artifact: Artifact, predicted: Floats, labels: Floats) -> Measures:
    deviation = artifact.standard.label_deviation
    standardised = (labels - artifact.standard.label_mean) / deviation
    return metrics.regression(
        rows=len(labels),
        loss=float((((predicted - labels) / deviation) ** 2).mean() / 2),
        mean=float(standardised.mean()),
        mean_square=float((standardised**2).mean()),
        deviation=deviation,
    )
