"""What a plan may ask: every part of it must be allowed by the catalogue, or it is refused.

The same rules run at the analyst's (for a good sentence), and at every department that is asked (for the decision);
no department takes another's word for it. Anything that cannot be shown allowed is refused, naming the nearest thing
that can be done.
"""

from __future__ import annotations

from collections.abc import Sequence

from federation.errors import RefusedError, RequestError
from federation.governance.roster import Roster
from federation.plan import (
    LEAST_SCRIPT_MB,
    MAX_DIGITS,
    MAX_FILES,
    MAX_GROUPS,
    MAX_NUMBERS,
    MAX_RELEASED,
    MAX_SCRIPT_BYTES,
    MAX_SCRIPT_MB,
    MAX_SCRIPT_S,
    AnyPlan,
    Column,
    Condition,
    Feature,
    GroupKey,
    LocalQuery,
    Measure,
    Plan,
    PredictPlan,
    ScriptPlan,
    SumPlan,
    TrainPlan,
    in_unit,
    release_gate,
)
from federation.settings import Catalogue, ColumnCard, TableCard, Use

MAX_PURPOSE = 500
MAX_BANDS = 20
# Whatever somebody may look at in some way, a script may be given; keys and what is never shown, it may not.
OPEN_USES: frozenset[Use] = frozenset({"filter", "group_by", "aggregate", "feature"})
HIDDEN_USES: frozenset[Use] = frozenset({"never", "join_key"})


def check_plan(plan: AnyPlan, catalogue: Catalogue, roster: Roster) -> None:
    """Check a plan against the public rules.

    Raises:
        RequestError: the analyst must ask for something else; names the nearest thing.
        RefusedError: the plan was made against another catalogue or roster, or loosens a rule.
    """
    _check_parties(plan, catalogue, roster)
    table = catalogue.table(plan.table)
    if table is None:
        raise RequestError("request.table_unknown", table=plan.table, known=_names(catalogue))
    _check_account(plan, table, catalogue)
    # The declared exception: nothing is added up, its owner lets its own people's groups out, and its officers know.
    if not isinstance(plan, ScriptPlan):
        _check_contributors(plan, table, catalogue)
    if plan.gate != release_gate(plan.contributors, plan.requester):
        raise RefusedError("refused.loosened")
    match plan:
        case SumPlan():
            _check_query(plan, table)
        case TrainPlan():
            _check_training(plan, table)
        case PredictPlan():
            _check_prediction(plan, table)
        case ScriptPlan():
            _check_script(plan, table)


def readable_columns(table: TableCard) -> tuple[Column, ...]:
    """The columns that a script may be given, in the table's order: never an identifier."""
    return tuple(c.as_column for c in table.columns if OPEN_USES & set(c.uses) and not HIDDEN_USES & set(c.uses))


def _check_contributors(plan: Plan, table: TableCard, catalogue: Catalogue) -> None:
    """A sum over six and one over five of them would give away the sixth: the whole table or nothing."""
    if plan.contributors != table.departments:
        raise RequestError("request.one_department", table=table.name, minimum=catalogue.minimum_contributors)
    if len(plan.contributors) < catalogue.minimum_contributors:
        raise RequestError(
            "request.few_departments",
            table=table.name,
            count=len(plan.contributors),
            minimum=catalogue.minimum_contributors,
        )


def _check_account(plan: Plan, table: TableCard, catalogue: Catalogue) -> None:
    """What the tier of the account that asks may ask for, and about which class of data."""
    rules = catalogue.rules(plan.requester)
    if plan.kind not in rules.requests:
        allowed = ", ".join(rules.requests) or "-"
        raise RequestError("request.tier", account=plan.requester, kind=plan.kind, allowed=allowed)
    if plan.minimum_group < rules.minimum_group:
        raise RequestError("request.tier_group", account=plan.requester, minimum=rules.minimum_group)
    if not catalogue.lets(plan.requester, table):
        nearest = ", ".join(card.name for card in catalogue.tables if catalogue.lets(plan.requester, card)) or "-"
        code = "request.core" if table.data_class == "core" else "request.important"
        raise RequestError(code, table=table.name, account=plan.requester, nearest=nearest)


def _check_query(plan: SumPlan, table: TableCard) -> None:
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


def _check_training(plan: TrainPlan, table: TableCard) -> None:
    """Every column may be learnt from, in its public bounds; each once, and the label is none of the features."""
    _check_features(plan.features, table)
    card = _card(table, plan.label.column.name)
    _allow(card, "feature", table)
    declared = (card.low, card.high) if card.type != "boolean" else (0, 1)
    if card.as_column != plan.label.column or (plan.label.low, plan.label.high) != declared or not card.is_number:
        raise RefusedError("refused.loosened")
    if card.name in {feature.column.name for feature in plan.features}:
        raise RefusedError("refused.loosened")
    _check_people(plan, table)


def _check_prediction(plan: PredictPlan, table: TableCard) -> None:
    """The same for what a model takes in; bands must be ordered."""
    _check_features(plan.features, table)
    if not plan.bands or list(plan.bands) != sorted(set(plan.bands)) or len(plan.bands) > MAX_BANDS:
        raise RequestError("request.bands", maximum=MAX_BANDS)
    _check_people(plan, table)


def _check_script(plan: ScriptPlan, table: TableCard) -> None:
    """One holder of the table, whose rule lets scripts run; columns that may be seen, public groups, few numbers."""
    if len(plan.contributors) != 1 or plan.owner not in table.departments:
        raise RefusedError("refused.loosened")
    if not table.scripts:
        raise RequestError("request.no_scripts", table=table.name)
    if not plan.view or plan.view != tuple(column for column in readable_columns(table) if column in plan.view):
        raise RefusedError("refused.loosened")
    _check_mentions(plan.local)
    for key in plan.group_by:
        _check_key(key, _card(table, key.column), table)
    names = [*(key.column for key in plan.group_by), *plan.numbers]
    if not 1 <= len(plan.numbers) <= MAX_NUMBERS or len(set(names)) < len(names):
        raise RequestError("request.script_numbers", maximum=MAX_NUMBERS)
    if plan.group_count > MAX_GROUPS:
        raise RequestError("request.too_many_groups", count=plan.group_count, maximum=MAX_GROUPS)
    if plan.released_numbers > MAX_RELEASED:
        raise RequestError("request.script_released", count=plan.released_numbers, maximum=MAX_RELEASED)
    _check_code(plan)
    limits = (
        (plan.digits, 1, MAX_DIGITS),
        (plan.seconds, 1, MAX_SCRIPT_S),
        (plan.memory_mb, LEAST_SCRIPT_MB, MAX_SCRIPT_MB),
    )
    if any(not low <= asked <= high for asked, low, high in limits) or len(plan.basis) > MAX_PURPOSE:
        raise RequestError(
            "request.script_limits", digits=MAX_DIGITS, seconds=MAX_SCRIPT_S, least=LEAST_SCRIPT_MB, most=MAX_SCRIPT_MB
        )


def _check_code(plan: ScriptPlan) -> None:
    """As much as a reviewer can read; no two files of a name, whatever the disk makes of its case."""
    names = [file.name.lower() for file in plan.files]
    size = sum(len(file.text.encode()) for file in plan.files)
    if not 1 <= len(names) <= MAX_FILES or len(set(names)) < len(names) or size > MAX_SCRIPT_BYTES:
        raise RequestError("request.script_files", files=MAX_FILES, kilobytes=MAX_SCRIPT_BYTES // 1024)


def _check_features(features: Sequence[Feature], table: TableCard) -> None:
    names = [feature.column.name for feature in features]
    if not names or len(set(names)) < len(names):
        raise RefusedError("refused.loosened")
    for feature in features:
        card = _card(table, feature.column.name)
        _allow(card, "feature", table)
        known = Feature(column=card.as_column, values=card.values)
        if card.is_number:
            known = Feature(
                column=card.as_column,
                low=0 if card.low is None else card.low,
                high=1 if card.high is None else card.high,
            )
        if feature != known:
            raise RefusedError("refused.loosened")


def _check_people(plan: TrainPlan | PredictPlan, table: TableCard) -> None:
    if plan.id.name != table.id or _card(table, table.id).as_column != plan.id:
        raise RefusedError("refused.loosened")
    for condition in plan.where:
        _check_condition(condition, _card(table, condition.column), table)


def _check_parties(plan: Plan, catalogue: Catalogue, roster: Roster) -> None:
    if (plan.catalogue, plan.roster, plan.epoch) != (catalogue.hash, roster.hash, roster.epoch):
        raise RefusedError("refused.other_catalogue")
    if plan.minimum_group < catalogue.minimum_group or plan.minimum_contributors < catalogue.minimum_contributors:
        raise RefusedError("refused.loosened")
    if (plan.holders, plan.threshold) != (roster.holders, roster.threshold):
        raise RefusedError("refused.loosened")
    if plan.protection == "none" and not catalogue.lab and not isinstance(plan, ScriptPlan):
        raise RequestError("request.protection_lab")
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


def _check_measures(plan: SumPlan, table: TableCard) -> None:
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
