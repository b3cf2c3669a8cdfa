"""Counting and summing in our own code over streamed batches: for stores that cannot do it themselves.

Exact: sums run through 64-bit integers a block at a time, and through Python's integers from block to block. It shares
no code with the SQL of `federation.adapters.sql`, so that each can be held against the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from federation import plan
from federation.adapters.contract import VERSION, Cells
from federation.adapters.rows import base_units
from federation.adapters.values import DIGITS, TRUTH
from federation.errors import DataError
from federation.plan import Column, Condition, GroupKey, LocalQuery, Measure

# A shifted value has up to 47 bits and half a square 48: as many of them add up within 63.
BLOCK_ROWS = 1 << 14
LIMB_BITS = 24

NOWHERE = -1

Integers = npt.NDArray[np.int64]

COMPARISONS = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


class ScanAdapter(ABC):
    """An adapter of three methods: write `schema`, `batches` and, if there is something to release, `close`."""

    version: ClassVar[int] = VERSION

    @abstractmethod
    def schema(self) -> tuple[str, ...]:
        """Name the columns as the store has them."""

    @abstractmethod
    def batches(self, columns: Sequence[Column], where: Sequence[Condition] = ()) -> Iterator[pa.RecordBatch]:
        """Stream rows; see `federation.adapters.Adapter`. `where` may be ignored."""

    def aggregate(self, query: LocalQuery) -> Cells:
        """Count and sum over `batches`."""
        # COUNT(*) alone mentions no column, and a batch of none has no rows; text takes whatever the first one holds.
        columns = query.columns or (Column(name=self.schema()[0], type="text"),)
        return aggregate(query, self.batches(columns))

    def close(self) -> None:  # noqa: B027 - to be overridden where there is something to do
        """Do nothing: nothing is held between calls."""


def aggregate(query: LocalQuery, batches: Iterable[pa.RecordBatch]) -> Cells:
    """Answer `query` from batches of its columns.

    Raises:
        DataError: more rows in a group than the protocol's bound.
    """
    totals: dict[int, list[int]] = {}
    rows: dict[int, int] = {}
    for block in _blocks(batches):
        values = _base_units(block, query.columns)
        cells = _cells(query, values, block.num_rows)
        found, places, counts = np.unique(cells, return_inverse=True, return_counts=True)
        sums = [_sums(measure, values, places, len(found)) for measure in query.measures]
        for index, cell in enumerate(found.tolist()):
            if cell == NOWHERE:
                continue
            rows[cell] = rows.get(cell, 0) + int(counts[index])
            so_far = totals.setdefault(cell, [0] * len(sums))
            for number, column in enumerate(sums):
                so_far[number] += column[index]
    if any(count > plan.MAX_ROWS for count in rows.values()):
        raise DataError("data.too_large")
    return {cell: tuple(sums) for cell, sums in totals.items()}


def matching(
    batches: Iterable[pa.RecordBatch], columns: Sequence[Column], where: Sequence[Condition]
) -> Iterator[pa.RecordBatch]:
    """Keep the rows for which every condition over `columns` holds."""
    for batch in batches:
        yield batch.filter(pa.array(_holding(where, _base_units(batch, columns), batch.num_rows))) if where else batch


def _blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, BLOCK_ROWS):
            yield batch.slice(start, BLOCK_ROWS)


def _base_units(batch: pa.RecordBatch, columns: Sequence[Column]) -> dict[str, pa.Array]:
    return {column.name: base_units(batch.column(index), column) for index, column in enumerate(columns)}


def _holding(where: Sequence[Condition], values: dict[str, pa.Array], count: int) -> npt.NDArray[np.bool_]:
    holds = np.ones(count, dtype=bool)
    for condition in where:
        holds &= np.asarray(_condition(condition, values[condition.column]).fill_null(False))
    return holds


def _condition(condition: Condition, array: pa.Array) -> pa.Array:
    match condition.operator:
        case "is null":
            return array.is_null()
        case "is not null":
            return array.is_valid()
        case "in" | "not in":
            among = pc.is_in(array, value_set=_constants(condition.values, array.type))
            return among if condition.operator == "in" else pc.and_(array.is_valid(), pc.invert(among))
        case operator:
            return COMPARISONS[operator](array, _constants(condition.values, array.type)[0])


def _constants(values: Sequence[int | str], kind: pa.DataType) -> pa.Array:
    # No number in a table has more digits: bringing a constant within 64 bits changes no comparison.
    reach = 10**DIGITS
    return pa.array([v if isinstance(v, str) else max(-reach, min(v, reach)) for v in values], kind)


def _cells(query: LocalQuery, values: dict[str, pa.Array], count: int) -> Integers:
    """Each row's group, NOWHERE for a row in none."""
    cells, inside = np.zeros(count, dtype=np.int64), _holding(query.where, values, count)
    for key in query.group_by:
        places = _places(key, values[key.column])
        inside &= np.asarray(places.is_valid())
        cells = cells * len(key.labels) + _numbers(places)
    return np.where(inside, cells, NOWHERE)


def _places(key: GroupKey, array: pa.Array) -> pa.Array:
    if key.cuts:
        cuts = np.asarray(_constants(key.cuts, pa.int64()))
        return pa.array(np.searchsorted(cuts, _numbers(array), side="right"), mask=np.asarray(array.is_null()))
    labels = key.values if pa.types.is_string(array.type) else [TRUTH[label] for label in key.values]
    return pc.index_in(array, value_set=_constants(labels, array.type))


def _numbers(array: pa.Array) -> Integers:
    return np.asarray(array.fill_null(0)).astype(np.int64)


def _sums(measure: Measure, values: dict[str, pa.Array], places: Integers, groups: int) -> list[int]:
    """One measure by group, as Python's integers."""

    def added(addends: Integers) -> list[int]:
        sums = np.zeros(groups, dtype=np.int64)
        np.add.at(sums, places, addends)
        return [int(total) for total in sums]

    if measure.kind == "rows":
        return added(np.ones(len(places), dtype=np.int64))
    array = values[measure.column]
    valid = np.asarray(array.is_valid())
    if measure.kind == "count":
        return added(valid.astype(np.int64))
    shifted = np.where(valid, np.clip(_numbers(array), measure.low, measure.high) - measure.low, 0)
    if measure.kind == "sum":
        return added(shifted)
    high, low = shifted >> LIMB_BITS, shifted & ((1 << LIMB_BITS) - 1)
    parts = (added(high * high), added(high * low), added(low * low))
    return [
        (squares << 2 * LIMB_BITS) + (mixed << (LIMB_BITS + 1)) + rest
        for squares, mixed, rest in zip(*parts, strict=True)
    ]
