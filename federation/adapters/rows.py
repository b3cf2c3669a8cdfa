"""Rows as Arrow record batches, typed as declared: how they travel inside a department.

| declared | Arrow | from |
|---|---|---|
| integer | int64 | int, Decimal, float or text that is exactly that integer |
| decimal(N) | decimal128(18, N) | the same, with up to N digits behind the point |
| text | string | text; a number as its digits |
| date | string, ISO 8601 | text; a date, a moment at midnight |
| boolean | bool | true, false, 0, 1, and these as text |

None and blank text are null. All other values are errors: nothing is rounded, guessed or cut off.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from itertools import islice

import numpy as np
import pyarrow as pa

from federation.adapters.values import BATCH_ROWS, DIGITS, EXACT_DOUBLE, TEXT_TYPES, TRUTH, text_to_base_units
from federation.errors import DataError
from federation.plan import Column

logger = logging.getLogger(__name__)


class _WrongTypeError(ValueError):
    """A cell is not of its declared type. Says no more: a cell must not get into a message."""


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the schema of batches of these columns."""
    return pa.schema([pa.field(column.name, _arrow_type(column)) for column in columns])


def record_batches(
    columns: Sequence[Column], rows: Iterable[Sequence[object]], *, size: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Put rows of Python values into typed batches.

    Args:
        rows: each with the columns' values in their order; drawn as batches are.
        size: rows of a batch.

    Raises:
        DataError: a value is not of its declared type; names the column.
    """
    readers = [partial(_reader(column.type), column) for column in columns]
    rows, before = iter(rows), 0
    while block := list(islice(rows, size)):
        values: list[list[int | str | None]] = []
        for column, reader, cells in zip(columns, readers, zip(*block, strict=True), strict=True):
            values.append([])
            try:
                for cell in cells:
                    values[-1].append(None if cell is None or cell == "" else reader(cell))
            except _WrongTypeError:
                # Where to look, for the owner's own log. The value stays out of it.
                row = before + len(values[-1]) + 1
                logger.warning("column %r, row %s: not of the declared type %s", column.name, row, column.type)
                raise DataError("data.type", column=column.name) from None
        before += len(block)
        yield from_base_units(columns, values)


def from_base_units(columns: Sequence[Column], values: Sequence[Sequence[object] | pa.Array]) -> pa.RecordBatch:
    """Make a typed batch of columns in which numbers and booleans are integers in base units."""
    arrays = []
    for column, cells in zip(columns, values, strict=True):
        raw = pa.string() if column.type in TEXT_TYPES else pa.int64()
        array = cells.cast(raw) if isinstance(cells, pa.Array) else pa.array(cells, raw)
        if column.scale:
            # The decimal number 12.34 of scale 2 is stored as the integer 1234: only the type changes.
            wide = array.cast(pa.decimal128(19, 0))
            array = pa.Array.from_buffers(_arrow_type(column), len(wide), wide.buffers(), offset=wide.offset)
        arrays.append(array.cast(_arrow_type(column)))
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(columns))


def base_units(array: pa.Array, column: Column) -> pa.Array:
    """Turn a typed column back: numbers and booleans as int64 in base units, text as it is."""
    if column.type in TEXT_TYPES:
        return array
    if not column.scale:
        return array.cast(pa.int64())
    # 18 digits fit the low half of the 128 bits, in two's complement.
    halves = np.frombuffer(array.buffers()[1], dtype="<i8")[2 * array.offset : 2 * (array.offset + len(array)) : 2]
    return pa.array(halves, pa.int64(), mask=np.asarray(array.is_null()))


def _arrow_type(column: Column) -> pa.DataType:
    if column.scale:
        return pa.decimal128(DIGITS, column.scale)
    return {"integer": pa.int64(), "boolean": pa.bool_()}.get(column.type, pa.string())


def _reader(kind: str) -> Callable[[Column, object], int | str | None]:
    return {"text": _text, "date": _date, "boolean": _boolean}.get(kind, _number)


def _text(_: Column, cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        return str(cell)
    raise _WrongTypeError


def _date(_: Column, cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, datetime):
        if cell.time() != time.min:
            raise _WrongTypeError
        cell = cell.date()
    if isinstance(cell, date):
        return cell.isoformat()
    raise _WrongTypeError


def _boolean(_: Column, cell: object) -> int | None:
    text = str(cell).strip(" ").lower()
    if isinstance(cell, bytes) or (text and text not in TRUTH):
        raise _WrongTypeError
    return TRUTH[text] if text else None


def _number(column: Column, cell: object) -> int | None:
    unit = 10**column.scale
    found: int | None = None
    match cell:
        case str():
            text = cell.strip(" ")
            if not text:
                return None
            found = text_to_base_units(text, column.scale)
        case bool():
            pass
        case int():
            found = cell * unit
        case float():
            # It stands for the decimal number whose nearest double it is.
            scaled = cell * unit
            rounded = round(scaled) if abs(scaled) < EXACT_DOUBLE else None
            found = rounded if rounded is not None and rounded / unit == cell else None
        case Decimal() if cell.is_finite() and cell.adjusted() < DIGITS:
            exact = cell.scaleb(column.scale)
            found = int(exact) if exact == exact.to_integral_value() else None
    if found is None or abs(found) >= 10**DIGITS:
        raise _WrongTypeError
    return found
