"""What a plan may ask: every part of it must be allowed by the catalogue, or it is refused.

The same rules run at the analyst's (for a good sentence), and at every department that is asked (for the decision);
no department takes another's word for it. Anything that cannot be shown allowed is refused, naming the nearest thing
that can be done.
"""

from __future__ import annotations

from federation.errors import RefusedError, RequestError
from federation.governance.roster import Roster
from federation.plan import MAX_GROUPS, Condition, GroupKey, LocalQuery, Measure, Plan, in_unit, release_gate
from federation.settings import Catalogue, ColumnCard, TableCard, Use

MAX_PURPOSE = 500


def check_plan(plan: Plan, catalogue: Catalogue, roster: Roster) -> None:
    """Check a plan against the public rules.

    Raises:
        RequestError: the analyst must ask for something else; names the nearest thing.
        RefusedError: the plan was made against another catalogue or roster, or loosens a rule.
    """
    _check_parties(plan, catalogue, roster)
    table = catalogue.table(plan.local.table)
    if table is None:
        raise RequestError("request.table_unknown", table=plan.local.table, known=_names(catalogue))
    # A sum over six and one over five of them would give away the sixth: the whole table or nothing.
    if plan.contributors != table.departments:
        raise RequestError("request.one_department", table=table.name, minimum=catalogue.minimum_contributors)
    if len(plan.contributors) < catalogue.minimum_contributors:
        raise RequestError(
            "request.few_departments",
            table=table.name,
            count=len(plan.contributors),
            minimum=catalogue.minimum_contributors,
        )
    if plan.gate != release_gate(plan.contributors, plan.requester):
        raise RefusedError("refused.loosened")
    for column in plan.local.columns:
        card = _card(table, column.name)
        if card.as_column != column:
            raise RefusedError("refused.other_catalogue")
    _check_mentions(plan.local)
    for condition in plan.local.where:
        _check_condition(condition, _card(table, condition.column), table)
    for key in plan.local.group_by:
        _check_key(key, _card(table, key.column), table)
    _check_measures(plan, table)
    if plan.local.group_count > MAX_GROUPS:
        raise RequestError("request.too_many_groups", count=plan.local.group_count, maximum=MAX_GROUPS)


def _check_parties(plan: Plan, catalogue: Catalogue, roster: Roster) -> None:
    if (plan.catalogue, plan.roster, plan.epoch) != (catalogue.hash, roster.hash, roster.epoch):
        raise RefusedError("refused.other_catalogue")
    if plan.minimum_group < catalogue.minimum_group or plan.minimum_contributors < catalogue.minimum_contributors:
        raise RefusedError("refused.loosened")
    if (plan.holders, plan.threshold) != (roster.holders, roster.threshold):
        raise RefusedError("refused.loosened")
    requester = roster.party(plan.requester)
    if requester is None or requester.role != "analyst":
        raise RefusedError("refused.requester")
    if not plan.purpose.strip() or len(plan.purpose) > MAX_PURPOSE:
        raise RequestError("request.purpose", maximum=MAX_PURPOSE)


def _check_mentions(local: LocalQuery) -> None:
    """A store reads exactly the columns that are asked about, and no two keys are of one column.

    An unused column would be read all the same and its errors told; two keys of one column spread the groups over a
    diagonal, where no line has a second group to hide a small one behind.
    """
    keys = [key.column for key in local.group_by]
    used = {*keys, *(c.column for c in local.where), *(m.column for m in local.measures if m.kind != "rows")}
    declared = [column.name for column in local.columns]
    if set(declared) != used or len(set(declared)) < len(declared) or len(set(keys)) < len(keys):
        raise RefusedError("refused.loosened")


def _card(table: TableCard, name: str) -> ColumnCard:
    card = table.column(name)
    if card is None:
        raise RequestError(
            "request.column_unknown",
            column=name,
            table=table.name,
            known=", ".join(c.name for c in table.columns if "never" not in c.uses),
        )
    return card


def _allow(card: ColumnCard, use: Use, table: TableCard) -> None:
    if use not in card.uses:
        nearest = ", ".join(c.name for c in table.columns if use in c.uses) or "-"
        raise RequestError("request.use", column=card.name, use=use, allowed=", ".join(card.uses), nearest=nearest)


def _check_condition(condition: Condition, card: ColumnCard, table: TableCard) -> None:
    if "join_key" in card.uses:
        raise RequestError("request.join_key", column=card.name)
    _allow(card, "filter", table)
    if condition.operator in ("is null", "is not null"):
        if condition.values:
            raise RefusedError("refused.loosened")
        return
    if not condition.values or (condition.operator not in ("in", "not in") and len(condition.values) != 1):
        raise RefusedError("refused.loosened")
    if card.type == "boolean":
        allowed: set[int | str] = {0, 1}
    elif card.values:
        allowed = set(card.values)
    else:
        # Bands between public cut points only: a free limit would let an analyst walk up to one person's value.
        if condition.operator not in (">=", "<"):
            raise RequestError("request.cut", column=card.name, cuts=_shown_cuts(card))
        allowed = {*card.cuts, *((card.low, card.high + 1) if card.low is not None and card.high is not None else ())}
        if condition.values[0] not in allowed:
            raise RequestError("request.cut", column=card.name, cuts=_shown_cuts(card))
        return
    if condition.operator not in ("=", "!=", "in", "not in"):
        raise RequestError("request.value", column=card.name, values=", ".join(card.values))
    if not set(condition.values) <= allowed:
        raise RequestError("request.value", column=card.name, values=", ".join(card.values))


def _shown_cuts(card: ColumnCard) -> str:
    scale = card.as_column.scale
    return ", ".join(c if isinstance(c, str) else in_unit(c, scale) for c in card.cuts) or "-"


def _check_key(key: GroupKey, card: ColumnCard, table: TableCard) -> None:
    _allow(card, "group_by", table)
    if key.cuts:
        if not card.is_number or key.cuts != card.cuts or key.values or key.unit_scale != card.as_column.scale:
            raise RefusedError("refused.loosened")
    elif not key.values or not set(key.values) <= set(card.values) or len(set(key.values)) < len(key.values):
        raise RequestError("request.group_values", column=card.name, nearest=f"BAND({card.name})")


def _check_measures(plan: Plan, table: TableCard) -> None:
    measures = plan.local.measures
    if not measures or measures[0] != Measure(kind="rows") or len(set(measures)) < len(measures):
        raise RefusedError("refused.loosened")
    counted = {measure.column for measure in measures if measure.kind == "count"}
    for measure in measures[1:]:
        card = _card(table, measure.column)
        _allow(card, "aggregate", table)
        if measure.kind == "count":
            continue
        # Every sum comes with its own count, so that the gate sees how many values are behind it.
        if not card.is_number or (measure.low, measure.high) != (card.low, card.high) or card.name not in counted:
            raise RefusedError("refused.loosened")


def _names(catalogue: Catalogue) -> str:
    return ", ".join(table.name for table in catalogue.tables) or "-"
