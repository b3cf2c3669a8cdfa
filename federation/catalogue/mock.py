"""Mock rows: made up from a dataset's public card, of its true shape, and with no true value.

That there is none in them needs no trust in a generator that learnt from rows: nothing here is given any. The same
card gives the same bytes, whatever the rows are (non-interference: Goguen and Meseguer, IEEE S&P 1982). What it leaves
out for that is all that only rows could tell: how values are spread, what goes with what, how often a cell is missing.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from federation.catalogue.schema import arrow_schema
from federation.settings import ColumnCard, TableCard

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ROWS = 200
# A script must be tried on missing cells: whether the true rows have any is not public.
MISSING = 0.03
# For what has neither bounds nor cuts.
NUMBERS = (0, 100)
DAYS = ("2000-01-01", "2025-01-01")

Cell = int | Decimal | str | datetime | bool | None


def mock_rows(card: TableCard, rows: int = ROWS) -> pd.DataFrame:
    """Make up rows of a table.

    Args:
        rows: how many.

    Returns:
        Every column that may be used in some way, as pandas reads it from the file that a script is given. Keys are
        MOCK000001 and so on, negative numbers where they are numbers: never anybody's.
    """
    frame: pd.DataFrame = _table(card, rows).to_pandas()
    return frame


def mock_file(card: TableCard, rows: int = ROWS) -> bytes:
    """Make up rows of a table, as a Parquet file."""
    from pyarrow.parquet import write_table

    file = BytesIO()
    # Not compressed: what looks for raw cells in all that leaves a department reads it as it is.
    write_table(_table(card, rows), file, compression="none")
    return file.getvalue()


def shown_columns(card: TableCard) -> tuple[ColumnCard, ...]:
    """The columns that an analyst may use in some way."""
    return tuple(column for column in card.columns if "never" not in column.uses)


def _table(card: TableCard, rows: int) -> pa.Table:
    # Only here: pyarrow starts threads as it is loaded, and whoever imports this module may yet fork.
    import pyarrow as pa

    draw = np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(msgspec.json.encode(card)).digest())))
    columns = shown_columns(card)
    made = [_column(column, rows, draw, is_id=column.name == card.id) for column in columns]
    schema = arrow_schema([column.as_column for column in columns])
    return pa.table([pa.array(cells, field.type) for cells, field in zip(made, schema, strict=True)], schema=schema)


def _column(column: ColumnCard, rows: int, draw: np.random.Generator, *, is_id: bool) -> list[Cell]:
    if is_id:
        return _keys(column, np.arange(1, rows + 1))
    cells = _cells(column, rows, draw)
    return [cell if there else None for cell, there in zip(cells, draw.random(rows) >= MISSING, strict=True)]


def _cells(column: ColumnCard, rows: int, draw: np.random.Generator) -> list[Cell]:
    if "join_key" in column.uses:
        return _keys(column, draw.integers(1, rows, rows, endpoint=True))
    if column.type == "boolean":
        return [bool(cell) for cell in draw.integers(2, size=rows)]
    if column.type == "date":
        return [datetime.fromordinal(day) for day in _between(_days(column), rows, draw)]
    if column.is_number:
        numbers, scale = _between(_numbers(column), rows, draw), column.as_column.scale
        return [Decimal(number).scaleb(-scale) if scale else number for number in numbers]
    if column.values:
        return [column.values[index] for index in draw.integers(len(column.values), size=rows)]
    return [f"mock text {number:03}" for number in draw.integers(1_000, size=rows)]


def _keys(column: ColumnCard, numbers: np.ndarray) -> list[Cell]:
    return [-int(number) if column.is_number else f"MOCK{number:06}" for number in numbers]


def _between(edges: list[int], rows: int, draw: np.random.Generator) -> list[int]:
    """Draw a band first, so that each is there, and then a value of it: [edge, next edge)."""
    bands, bounds = draw.integers(len(edges) - 1, size=rows), np.asarray(edges)
    return [int(number) for number in draw.integers(bounds[bands], bounds[bands + 1])]


def _numbers(column: ColumnCard) -> list[int]:
    """The edges of the bands, in base units; the last one is beyond the highest value."""
    cuts = [int(cut) for cut in column.cuts]
    if column.low is None or column.high is None:
        return [cuts[0] - 10, *cuts, cuts[-1] + 10] if cuts else list(NUMBERS)
    inner = [cut for cut in cuts if column.low < cut <= column.high]
    return [column.low, *inner, column.high + 1]


def _days(column: ColumnCard) -> list[int]:
    cuts = [date.fromisoformat(str(cut)) for cut in column.cuts]
    year = timedelta(days=365)
    edges = [cuts[0] - year, *cuts, cuts[-1] + year] if cuts else [date.fromisoformat(day) for day in DAYS]
    return [edge.toordinal() for edge in edges]
