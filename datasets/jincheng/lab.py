"""The lab: what models learn from, pooled in the clear, with the labels and the true probabilities.

No department could make these frames. They show what a federated model must come up to: the same rows
that the departments write, joined, beside the probability that the generator drew each label from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from jincheng.cards import Department, TableCard
from jincheng.chunks import Chunk, divide_city
from jincheng.departments import DEPARTMENTS, HOSPITALS
from jincheng.draws import Floats
from jincheng.tables import draw_rows

Part = tuple[Department, TableCard]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """The cases of one model.

    Attributes:
        features: department -> its columns. Vertical studies have all cases at every department, in the same
            order; horizontal ones have other cases, but the same columns, at each.
        label: 0 or 1 for each case, with the same index.
        probability: that the label was drawn from; the oracle, which no model can beat.
    """

    features: Mapping[str, pd.DataFrame]
    label: pd.Series[int]
    probability: pd.Series[float]


def credit(*, citizens: int, seed: int = 7) -> Study:
    """Loans of firms that default within twelve months: seven departments, the bank has the label."""
    tables = ("entity", "vat", "employer", "industrial", "firm_property", "enforcement", "loan")
    return _vertical(tables, _default_probability, citizens=citizens, seed=seed)


def relief(*, citizens: int, seed: int = 7) -> Study:
    """Households that need relief within twelve months: eight departments, civil affairs have the label."""
    tables = (
        "family",
        "hukou",
        "household_work",
        "household_health",
        "household_disability",
        "property",
        "residential",
        "household_tax",
    )
    return _vertical(tables, _need_probability, citizens=citizens, seed=seed)


def readmission(*, citizens: int, seed: int = 7) -> Study:
    """Admissions to six hospitals that are followed by another: every hospital has features and labels."""
    features: dict[str, list[pd.DataFrame]] = defaultdict(list)
    labels, probabilities = [], []
    for chunk in divide_city(citizens=citizens, seed=seed):
        (hospital,) = (department for department in HOSPITALS if department.county == chunk.county)
        (table,) = hospital.tables
        frame = _frame(hospital, table, chunk)
        features[hospital.key].append(frame[_names(table, target=False)])
        labels.append(frame[_names(table, target=True)[0]])
        probabilities.append(pd.Series(chunk.cases.probability, index=frame.index))
    return Study(
        features={key: pd.concat(frames) for key, frames in features.items()},
        label=pd.concat(labels).astype(int),
        probability=pd.concat(probabilities),
    )


def _default_probability(chunk: Chunk) -> Floats:
    return chunk.loans.probability[~chunk.firms.registration.cancelled]


def _need_probability(chunk: Chunk) -> Floats:
    return chunk.residents.relief.probability


def _vertical(names: Sequence[str], probability: Callable[[Chunk], Floats], *, citizens: int, seed: int) -> Study:
    """Join these tables by their id; the one with a target has the cases, in the order of `probability`."""
    parts = [(d, table) for d in DEPARTMENTS for table in d.tables if table.name in names]
    (owner,) = (part for part in parts if _names(part[1], target=True))
    features: dict[str, list[pd.DataFrame]] = defaultdict(list)
    labels, probabilities = [], []
    for chunk in divide_city(citizens=citizens, seed=seed):
        label = _frame(*owner, chunk)[_names(owner[1], target=True)[0]]
        labels.append(label)
        probabilities.append(pd.Series(probability(chunk), index=label.index))
        for department, table in parts:
            frame = _frame(department, table, chunk)[_names(table, target=False)]
            if frame.columns.any():
                features[department.key].append(frame.loc[label.index])
    return Study(
        features={key: pd.concat(frames) for key, frames in features.items()},
        label=pd.concat(labels).astype(int),
        probability=pd.concat(probabilities),
    )


def _frame(department: Department, table: TableCard, chunk: Chunk) -> pd.DataFrame:
    rows = draw_rows(department, table, chunk)
    names = [table.id_column, *_names(table, target=False), *_names(table, target=True)]
    return pd.DataFrame({name: rows[name] for name in names}).set_index(table.id_column)


def _names(table: TableCard, *, target: bool) -> list[str]:
    """The columns that a model may take in, or the one that it is to predict."""
    return [column.name for column in table.columns if "feature" in column.uses and column.target == target]
