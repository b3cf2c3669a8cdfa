"""A department's rows as a frame: read from its store for training, and never leaving it."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from federation.adapters import Adapter
from federation.adapters.rows import base_units
from federation.adapters.scan import matching
from federation.errors import DataError
from federation.plan import Column, PredictPlan, TrainPlan
from federation.settings import TableCard

# What a department holds in memory at once; more rows are an error rather than a machine at its limits.
MAX_TRAINING_ROWS = 5_000_000


def read_rows(store: Adapter, card: TableCard, plan: TrainPlan | PredictPlan) -> pd.DataFrame:
    """Read the plan's columns of the rows that match its conditions.

    Returns:
        Numbers and booleans in base units, texts, nulls; columns by name.

    Raises:
        DataError: the store cannot be read, or a value is not of its declared type; or there are too many rows.
    """
    columns = tuple(_column(card, name) for name in plan.columns)
    kept: dict[str, list[pa.Array]] = {column.name: [] for column in columns}
    rows = 0
    for batch in matching(store.batches(columns, plan.where), columns, plan.where):
        rows += batch.num_rows
        if rows > MAX_TRAINING_ROWS:
            raise DataError("data.too_large")
        for index, column in enumerate(columns):
            kept[column.name].append(base_units(batch.column(index), column))
    return pd.DataFrame({name: _series(arrays) for name, arrays in kept.items()})


def _series(arrays: list[pa.Array]) -> pd.Series:
    # Integers stay integers beside a null: as floats, long ids would lose their last digits.
    whole = {pa.int64(): pd.Int64Dtype()}.get
    return pa.chunked_array(arrays).to_pandas(types_mapper=whole) if arrays else pd.Series(dtype=object)


def _column(card: TableCard, name: str) -> Column:
    column = card.column(name)
    if column is None:
        raise DataError("data.column_missing", column=name)
    return column.as_column
