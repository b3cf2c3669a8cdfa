"""From what an analyst wrote to a plan: a job file to a `TrainPlan`, a model and its bands to a `PredictPlan`.

The plan is made for exactly one catalogue and roster. Columns are looked up here, for a good sentence; what is allowed
is decided again by `governance.policy`, at every department.
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import pairwise
from math import isfinite

import msgspec

from federation.errors import RequestError
from federation.governance.policy import MAX_BANDS
from federation.governance.roster import Roster
from federation.learning.artifact import Artifact, start_of
from federation.learning.job import JobFile
from federation.plan import (
    Column,
    Feature,
    Label,
    Linear,
    Model,
    PredictPlan,
    TrainPlan,
    Trees,
    release_gate,
)
from federation.queries.sql import read_conditions
from federation.settings import Catalogue, ColumnCard, TableCard


def plan_training(
    job: JobFile, *, requester: str, catalogue: Catalogue, roster: Roster, nonce: str, start: bytes = b""
) -> TrainPlan:
    """Make the plan of a training for exactly this catalogue and roster.

    Args:
        nonce: 32 random hex digits.
        start: a model to go on from, in the bytes of its file.

    Raises:
        RequestError: the job names what the catalogue does not have or allow, or the model is of another job.
    """
    table = _table(job.data.table, catalogue)
    cards = tuple(_card(table, name, key="data.features") for name in job.data.features)
    features = tuple(_feature(card, table) for card in cards)
    label = _label(_card(table, job.data.label, key="data.label"), table, job.model)
    names = [*job.data.features, job.data.label]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RequestError("request.job_key", key="data.features", reason=f"{twice} stands twice, or is the label too")
    plan = TrainPlan(
        nonce=nonce,
        requester=requester,
        purpose=job.purpose,
        contributors=table.departments,
        gate=release_gate(table.departments, requester),
        holders=roster.holders,
        threshold=roster.threshold,
        minimum_group=catalogue.rules(requester).minimum_group,
        minimum_contributors=catalogue.minimum_contributors,
        catalogue=catalogue.hash,
        roster=roster.hash,
        epoch=roster.epoch,
        protection=job.protection,
        title=job.title,
        job_file=job.text,
        source=table.name,
        id=_id(table),
        features=features,
        label=label,
        where=read_conditions(job.data.where, table),
        holdout=job.data.holdout,
        model=_with_minimum(job.model, catalogue.rules(requester).minimum_group),
        descent=job.descent,
        privacy=job.privacy,
        seed=job.seed,
        start=start,
    )
    start_of(plan)  # raises unless the model goes on as what it was
    return plan


def plan_prediction(
    artifact: bytes,
    *,
    bands: tuple[float, ...],
    purpose: str,
    where: str,
    requester: str,
    catalogue: Catalogue,
    roster: Roster,
    nonce: str,
) -> PredictPlan:
    """Make the plan of a prediction by every department about its own people.

    Args:
        artifact: the model, in the bytes of its file.
        bands: cut points of the score, strictly ascending.
        where: which people, as behind WHERE in a query; empty for all.
        nonce: 32 random hex digits.

    Raises:
        RequestError: no model, wrong bands, or the catalogue has changed under the model.
    """
    try:
        model = Artifact.from_bytes(artifact)
    except ValueError as exc:
        raise RequestError("request.no_model") from exc
    ascending = all(low < high for low, high in pairwise(bands)) and all(map(isfinite, bands))
    if not ascending or not 1 <= len(bands) <= MAX_BANDS:
        raise RequestError("request.bands", maximum=MAX_BANDS)
    table = _table(model.source, catalogue)
    for feature in model.features:
        if _feature(_card(table, feature.column.name, key="features"), table) != feature:
            raise RequestError("request.model_differs", what=feature.column.name)
    return PredictPlan(
        nonce=nonce,
        requester=requester,
        purpose=purpose,
        contributors=table.departments,
        gate=release_gate(table.departments, requester),
        holders=roster.holders,
        threshold=roster.threshold,
        minimum_group=catalogue.rules(requester).minimum_group,
        minimum_contributors=catalogue.minimum_contributors,
        catalogue=catalogue.hash,
        roster=roster.hash,
        epoch=roster.epoch,
        source=table.name,
        id=_id(table),
        artifact=artifact,
        features=model.features,
        where=read_conditions(where, table),
        bands=tuple(map(float, bands)),
    )


# -- what the catalogue has -------------------------------------------------------------------------------------------


def _table(name: str, catalogue: Catalogue) -> TableCard:
    table = catalogue.table(name)
    if table is None:
        known = ", ".join(table.name for table in catalogue.tables) or "-"
        raise RequestError("request.table_unknown", table=name, known=known)
    return table


def _id(table: TableCard) -> Column:
    """The id decides by its hash which rows are held out, whose budget a score counts against, and nothing else."""
    card = table.column(table.id)
    if card is None:
        raise RequestError("request.table_without_id", table=table.name)
    return card.as_column


def _card(table: TableCard, name: str, *, key: str) -> ColumnCard:
    card = table.column(name)
    if card is None:
        known = [column.name for column in table.columns if "feature" in column.uses]
        nearest = ", ".join(get_close_matches(name, known, n=1) or known) or "-"
        raise RequestError("request.job_column", key=key, column=name, table=table.name, nearest=nearest)
    if "feature" not in card.uses:
        nearest = ", ".join(c.name for c in table.columns if "feature" in c.uses) or "-"
        raise RequestError("request.use", column=name, use="feature", allowed=", ".join(card.uses), nearest=nearest)
    return card


def _has_domain(card: ColumnCard) -> bool:
    """Whether everybody can make the same inputs of it without looking at rows."""
    bounded = card.is_number and card.low is not None and card.high is not None
    return bounded or (card.type == "text" and bool(card.values))


def _feature(card: ColumnCard, table: TableCard) -> Feature:
    if not _has_domain(card):
        able = [c.name for c in table.columns if "feature" in c.uses and _has_domain(c)]
        raise RequestError("request.no_domain", column=card.name, nearest=", ".join(able) or "-")
    if card.is_number:
        return Feature(column=card.as_column, low=card.low or 0, high=card.high or 0)
    return Feature(column=card.as_column, values=card.values)


def _label(card: ColumnCard, table: TableCard, model: Model) -> Label:
    def fits(one: ColumnCard) -> bool:
        if not one.is_number or one.low is None or one.high is None:
            return False
        return isinstance(model, Linear) or (one.low, one.high, one.as_column.scale) == (0, 1, 0)

    if not fits(card):
        nearest = ", ".join(c.name for c in table.columns if "feature" in c.uses and fits(c)) or "-"
        code = "request.label_number" if isinstance(model, Linear) else "request.label_class"
        raise RequestError(code, column=card.name, nearest=nearest)
    return Label(column=card.as_column, low=card.low or 0, high=card.high or 0)


def _with_minimum(model: Model, minimum_group: int) -> Model:
    """No leaf describes fewer people than a published group may."""
    if isinstance(model, Trees):
        return msgspec.structs.replace(model, minimum_rows=max(model.minimum_rows, minimum_group))
    return model
