"""What owners allow, held against what a request asks: the catalogue of the very hash that the plan names."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import msgspec

from federation.errors import KeyongError
from federation.governance.policy import check_plan, readable_columns
from federation.governance.roster import Roster
from federation.plan import (
    AnyPlan,
    Condition,
    Feature,
    GroupKey,
    LocalQuery,
    Plan,
    PredictPlan,
    ScriptPlan,
    SumPlan,
    TrainPlan,
    in_unit,
)
from federation.settings import Catalogue

CATALOGUE = Path("launcher") / "catalogue.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One column of a request.

    Attributes:
        uses: what the request does with it: filter, group_by, aggregate, feature; none for an id, of which only a hash
            is used, and none for what a script is given the rows of.
        how: the constants, groups or bounds, in a few words that need no translation.
        allowed: what its owner allows; None if the rules are not at hand.
        hidden: whether no script may be given it, and this one would be.
    """

    column: str
    label: str
    label_en: str
    uses: tuple[str, ...]
    how: str
    allowed: tuple[str, ...] | None
    hidden: bool = False

    @property
    def fits(self) -> bool:
        """Whether the owner allows all of it."""
        return self.allowed is not None and not self.hidden and {*self.uses} <= {*self.allowed}


def catalogue(home: Path, wanted: str) -> Catalogue | None:
    """Find the public rules of this hash in the home; None if they are not there."""
    try:
        content = (home / CATALOGUE).read_bytes()
        if hashlib.sha256(content).hexdigest() != wanted:
            return None  # another federation's, or of another start: to compare with it would say nothing
        return msgspec.json.decode(content, type=Catalogue)
    except (OSError, msgspec.MsgspecError):
        return None


def asked(plan: Plan, rules: Catalogue | None) -> tuple[Asked, ...]:
    """Lay what is asked of every column beside what is allowed."""
    table = rules.table(plan.table) if rules else None
    given = isinstance(plan, ScriptPlan)
    readable = {column.name for column in readable_columns(table)} if table else set()
    found = []
    for column in plan.columns:
        card = table.column(column) if table else None
        uses = _uses(plan, column)
        found.append(
            Asked(
                column=column,
                label=card.label if card else column,
                label_en=card.label_en if card else column,
                uses=tuple(uses),
                how="; ".join(uses.values()),
                allowed=card.uses if card else None,
                hidden=given and column not in readable,
            )
        )
    return tuple(found)


def refusal(plan: AnyPlan, rules: Catalogue, roster: Roster) -> KeyongError | None:
    """Say why every department would refuse this, by the rules that they go by themselves; None if none would."""
    try:
        check_plan(plan, rules, roster)
    except KeyongError as error:
        return error
    return None


def unseen(plan: ScriptPlan) -> tuple[str, ...]:
    """Name the files that read otherwise than they run.

    Boucher and Anderson, "Trojan Source", USENIX Security 2023 (CVE-2021-42574): characters that reorder or hide text.
    Letters that look alike are not looked for.
    """
    return tuple(file.name for file in plan.files if any(map(_is_unseen, file.text)))


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") and character not in "\n\t"


def _uses(plan: Plan, column: str) -> dict[str, str]:
    """How a plan uses a column, each use with its constants."""
    match plan:
        case SumPlan():
            return _filtered(plan.local.where, column) | _added_up(plan.local, column)
        case TrainPlan():
            label = plan.label
            shown = _bounds(label.low, label.high, label.column.scale)
            learnt = {"feature": f"y = {shown}"} if label.column.name == column else {}
            return _filtered(plan.where, column) | learnt | _taken_in(plan.features, column)
        case PredictPlan():
            return _filtered(plan.where, column) | _taken_in(plan.features, column)
        case ScriptPlan():
            return _grouped(plan.group_by, column)
        case _:
            return {}


def _filtered(where: tuple[Condition, ...], column: str) -> dict[str, str]:
    conditions = [one for one in where if one.column == column]
    said = (f"{one.operator} {', '.join(map(str, one.values))}".strip() for one in conditions)
    return {"filter": "; ".join(said)} if conditions else {}


def _grouped(keys: tuple[GroupKey, ...], column: str) -> dict[str, str]:
    key = next((key for key in keys if key.column == column), None)
    return {"group_by": " | ".join(key.labels)} if key else {}


def _added_up(query: LocalQuery, column: str) -> dict[str, str]:
    uses = _grouped(query.group_by, column)
    measures = [measure for measure in query.measures if measure.column == column]
    if measures:
        bounds = next((f" [{one.low}, {one.high}]" for one in measures if one.kind != "count"), "")
        uses["aggregate"] = ", ".join(one.kind for one in measures) + bounds
    return uses


def _taken_in(features: tuple[Feature, ...], column: str) -> dict[str, str]:
    feature = next((one for one in features if one.column.name == column), None)
    if feature is None:
        return {}
    return {"feature": " | ".join(feature.values) or _bounds(feature.low, feature.high, feature.column.scale)}


def _bounds(low: int, high: int, scale: int) -> str:
    return f"[{in_unit(low, scale)}, {in_unit(high, scale)}]"
