"""What owners allow, held against what a request asks: the catalogue of the very hash that the plan names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from federation.plan import LocalQuery, Plan
from federation.settings import Catalogue

CATALOGUE = Path("launcher") / "catalogue.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One column of a request.

    Attributes:
        uses: what the request does with it: filter, group_by, aggregate.
        how: the constants, groups or bounds, in a few words that need no translation.
        allowed: what its owner allows; None if the rules are not at hand.
    """

    column: str
    label: str
    label_en: str
    uses: tuple[str, ...]
    how: str
    allowed: tuple[str, ...] | None

    @property
    def fits(self) -> bool:
        """Whether the owner allows all of it."""
        return self.allowed is not None and {*self.uses} <= {*self.allowed}


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
    table = rules.table(plan.local.table) if rules else None
    found = []
    for column in plan.local.columns:
        card = table.column(column.name) if table else None
        uses, how = _uses(plan.local, column.name)
        found.append(
            Asked(
                column=column.name,
                label=card.label if card else column.name,
                label_en=card.label_en if card else column.name,
                uses=uses,
                how=how,
                allowed=card.uses if card else None,
            )
        )
    return tuple(found)


def _uses(query: LocalQuery, column: str) -> tuple[tuple[str, ...], str]:
    uses: dict[str, str] = {}
    for condition in query.where:
        if condition.column == column:
            values = ", ".join(map(str, condition.values))
            uses["filter"] = "; ".join(filter(None, (uses.get("filter"), f"{condition.operator} {values}".strip())))
    for key in query.group_by:
        if key.column == column:
            uses["group_by"] = " | ".join(key.labels)
    measures = [measure for measure in query.measures if measure.column == column]
    if measures:
        bounds = next((f" [{one.low}, {one.high}]" for one in measures if one.kind != "count"), "")
        uses["aggregate"] = ", ".join(one.kind for one in measures) + bounds
    return tuple(uses), "; ".join(uses.values())
