"""The model card: what a trained model is, of what it was made, how good it is, and what it lets be learnt.

After M. Mitchell et al., "Model cards for model reporting", FAT* 2019, as far as a program can fill one in: intended
use is the job's title and purpose; ethical considerations are the leakage card. Figures by group of people are left
out: they would be releases of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from federation.learning.leakage import Leak, leakage
from federation.learning.metrics import Measures
from federation.plan import Descent, Model, Privacy, Protection, TrainPlan, Trees


class DropOut(msgspec.Struct, frozen=True, kw_only=True):
    """Who of the contributors is missing from one round's sum."""

    round: int
    departments: tuple[str, ...]


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the work, all its rounds together.

    Attributes:
        bytes: sent between all parties; None where nobody counted.
    """

    name: str
    seconds: float
    bytes: int | None = None


class LabNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """The same model learnt otherwise, from rows in the clear that no department was asked for.

    Attributes:
        alone: department -> learnt from its own rows only, measured on everybody's held-out rows.
        pooled: learnt from all rows in one place.
        federated: the model of the card, measured on the same held-out rows, row by row.
    """

    alone: dict[str, Measures]
    federated: Measures
    pooled: Measures


class ModelCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One trained model.

    Attributes:
        descent: None for trees.
        privacy: epsilon and delta as claimed; None for none.
        epsilon_recomputed: by the second account; None without privacy.
        took_part: who is in at least one round's sum.
        rows_train: over all departments; None under differential privacy, which keeps it.
        measures: on the rows held out; None if there are none.
        history: mean training loss of every round; None where it was not sent.
        lab: None unless the job file has a [lab].
        factor: seconds of the federated training over those of the same one in the clear; None where that was not run.
        plan_hash, model_hash: SHA-256, hex: what was approved, and the model file.
        made_at: RFC 3339, UTC.
        simulated: all parties ran on one host, under one team.
    """

    version: int = 1
    job: str
    title: str
    purpose: str
    table: str
    features: tuple[str, ...]
    label: str
    model: Model
    descent: Descent | None
    protection: Protection
    privacy: Privacy | None
    epsilon_recomputed: float | None
    contributors: tuple[str, ...]
    took_part: tuple[str, ...]
    drop_outs: tuple[DropOut, ...]
    rounds: int
    rows_train: int | None
    measures: Measures | None
    history: tuple[float | None, ...]
    lab: LabNumbers | None
    leakage: tuple[Leak, ...]
    phases: tuple[Phase, ...]
    factor: float | None
    plan_hash: str
    model_hash: str
    made_at: str
    simulated: bool


def make_card(
    plan: TrainPlan,
    *,
    job: str,
    artifact: bytes,
    losses: Sequence[float | None],
    survivors: Mapping[int, Sequence[str]],
    rows_train: int | None,
    measures: Measures | None,
    epsilon_recomputed: float | None,
    phases: Sequence[Phase],
    factor: float | None = None,
    lab: LabNumbers | None = None,
    made_at: datetime,
    simulated: bool = True,
) -> ModelCard:
    """Fill in the card of a model.

    Args:
        artifact: the model file.
        losses: of every round, in order.
        survivors: round -> whose answers its sum holds.
        made_at: with a time zone.
    """
    missing = {number: sorted({*plan.contributors} - {*there}) for number, there in survivors.items()}
    return ModelCard(
        job=job,
        title=plan.title,
        purpose=plan.purpose,
        table=plan.source,
        features=tuple(feature.column.name for feature in plan.features),
        label=plan.label.column.name,
        model=plan.model,
        descent=None if isinstance(plan.model, Trees) else plan.descent,
        protection=plan.protection,
        privacy=plan.privacy,
        epsilon_recomputed=epsilon_recomputed,
        contributors=plan.contributors,
        took_part=tuple(sorted(set().union(*survivors.values()))),
        drop_outs=tuple(
            DropOut(round=number, departments=tuple(names)) for number, names in sorted(missing.items()) if names
        ),
        rounds=len(losses),
        rows_train=rows_train,
        measures=measures,
        history=tuple(losses),
        lab=lab,
        leakage=leakage(plan),
        phases=tuple(phases),
        factor=factor,
        plan_hash=plan.hash,
        model_hash=hashlib.sha256(artifact).hexdigest(),
        made_at=made_at.isoformat(timespec="seconds"),
        simulated=simulated,
    )


class TrainResult(msgspec.Struct, frozen=True, kw_only=True):
    """A finished training with what it cost.

    Attributes:
        artifact: path of the model file.
        seconds: from submission to the model.
        bytes: of what the analyst received.
        steps: seconds that each step of the protocol took, in order.
    """

    job: str
    card: ModelCard
    artifact: str
    seconds: float
    bytes: int
    steps: tuple[tuple[str, float], ...]


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """People of all departments whose score lies in one band.

    Attributes:
        people: None if the gate suppressed it.
    """

    label: str
    people: int | None


class PredictResult(msgspec.Struct, frozen=True, kw_only=True):
    """The released counts of a prediction; everybody's own band stays with the department that holds the person.

    Attributes:
        seconds: from submission to the counts.
        bytes: of the signed and sealed result that the analyst received.
        steps: seconds that each step of the protocol took, in order.
    """

    job: str
    purpose: str
    bands: tuple[Band, ...]
    seconds: float
    bytes: int
    steps: tuple[tuple[str, float], ...]
