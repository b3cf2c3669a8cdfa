"""The datasets on offer, department by department, out of the public catalogue alone: what anybody may know of them.

Mock rows are made from the cards here; nothing of this takes a right, and nothing of it needs a department to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import msgspec

from federation.audit.record import RecordReader
from federation.catalogue.mock import mock_rows
from federation.errors import RecordError
from federation.settings import ALL_KINDS, CITY, Catalogue, JobKind, TableCard, Tier

SHOWN_ROWS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One table of one department.

    Attributes:
        kinds: the jobs that may be asked about it at all.
    """

    department: str
    card: TableCard
    kinds: tuple[JobKind, ...]

    @property
    def name(self) -> str:
        """What it is called in a request: tax.pit."""
        return f"{self.department}.{self.card.name}"


class Entitled(NamedTuple):
    """What analysts of one level may ask about one dataset.

    Attributes:
        minimum_group: groups of fewer rows are never told them.
    """

    tier: Tier
    kinds: tuple[JobKind, ...]
    minimum_group: int


class MockTable(NamedTuple):
    """Made-up rows; an empty text is a missing cell."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def public_rules(record: RecordReader) -> Catalogue:
    """Read the catalogue of the last start.

    Raises:
        RecordError: there is none that can be read.
    """
    try:
        return msgspec.json.decode(record.catalogue(), type=Catalogue)
    except (OSError, msgspec.MsgspecError) as exc:
        raise RecordError("record.empty") from exc


def datasets(rules: Catalogue) -> tuple[Dataset, ...]:
    """List every dataset, department by department."""
    return tuple(
        Dataset(department=department, card=card, kinds=_kinds(card, rules))
        for department in rules.departments
        for card in rules.tables
        if department in card.departments
    )


def entitled(dataset: Dataset, rules: Catalogue) -> tuple[Entitled, ...]:
    """What analysts of each level may ask; of one level only where there are no counties."""
    accounts = [f"analyst@{place}" for place in (CITY, *rules.counties[:1])]
    return tuple(_entitled(dataset, rules, account) for account in accounts)


@lru_cache(maxsize=64)
def mock_table(card: TableCard) -> MockTable:
    """Make up some rows of a table, as texts."""
    frame = mock_rows(card, SHOWN_ROWS)
    cells = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return MockTable(tuple(map(str, frame.columns)), tuple(tuple(map(_text, row)) for row in cells))


def choose(found: Sequence[Dataset], name: str) -> Dataset | None:
    """The one of this name, else the first."""
    return next((one for one in found if one.name == name), next(iter(found), None))


def _entitled(dataset: Dataset, rules: Catalogue, account: str) -> Entitled:
    level = rules.rules(account)
    kinds = [kind for kind in dataset.kinds if kind in level.requests and rules.lets(account, dataset.card)]
    return Entitled(rules.tier(account), tuple(kinds), level.minimum_group)


def _kinds(card: TableCard, rules: Catalogue) -> tuple[JobKind, ...]:
    """Which kinds of jobs a table is open to; of core data nothing leaves."""
    uses = {use for column in card.columns for use in column.uses}
    enough = len(card.departments) >= rules.minimum_contributors
    is_open = {
        "sum": enough,
        "train": enough and "feature" in uses,
        "predict": enough and "feature" in uses,
        "script": card.scripts,
    }
    return tuple(kind for kind in ALL_KINDS if is_open[kind] and card.data_class != "core")


def _text(cell: object) -> str:
    return "" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell)
