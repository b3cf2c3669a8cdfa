"""One pass of SQL that answers a query; what differs between SQL stores is a `Table`.

The pass gives every row of the table a group and, per measure, small integers that the store adds up by group:

    fields   every mentioned column, blank as NULL
    typed    the same as integers in base units or as text; NULL where the field is not of its type
    placed   the row's group, NULL if a condition fails or a key lies outside its domain; the clipped values
    addends  the group and the integers to add; the group is NOWHERE for rows that are in none

Rows in no group are read to the end as well: a value of the wrong type in any mentioned column is an error, whatever
the conditions say, so that an answer never depends on which rows were looked at. Constants out of the query are bound
parameters, never SQL.

`batches` streams the typed step as it is.
"""

# ruff: noqa: S608 - building SQL is the purpose; what comes from outside is a bound parameter.

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Protocol, TypeAlias

from federation import plan
from federation.adapters.contract import Cells
from federation.adapters.values import DIGITS
from federation.errors import DataError
from federation.plan import Column, Condition, GroupKey, LocalQuery, Measure

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger(__name__)

NOWHERE = -1

Blocks: TypeAlias = "Generator[Sequence[Sequence[object] | pa.Array], None, None]"
"""Rows as they are streamed: each block is a list of columns, the last of them plain integers."""

TRUTH = {"false": 0, "true": 1}

# Two limbs hold any value of a column's widest range, and the product of two limbs fits 64 bits.
LIMB_BITS = 24


class Table(Protocol):
    """A table opened for one query, and the SQL of its store."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names as the store has them."""
        ...

    @property
    def source(self) -> str:
        """What stands behind FROM."""
        ...

    @property
    def fence(self) -> str:
        """A clause that keeps the store from computing a subquery's expression once per use; may be empty."""
        ...

    def field(self, column: Column) -> str:
        """Return the expression for a column as stored, blank as NULL.

        Raises:
            DataError: the table has no such column.
        """
        ...

    def value(self, field: str, column: Column) -> str:
        """Return the expression for a field as integer in base units or as text, NULL if it is not of its type."""
        ...

    def parameter(self, number: int, constant: int | str) -> str:
        """Return the placeholder of the parameter called p0, p1, ..."""
        ...

    def totals(self, scan: Scan) -> Iterable[tuple[int, ...]]:
        """Make the tables of `scan.domains`, run `scan.addends` and add up its columns a0, a1, ... by cell."""
        ...

    def row(self, select: str) -> tuple[object, ...]:
        """Run a SELECT of one row."""
        ...

    def blocks(self, scan: Scan) -> Blocks:
        """Run `scan.rows` and stream its rows."""
        ...


def aggregate(query: LocalQuery, table: Table) -> Cells:
    """Answer `query` from an open table: the body of `Adapter.aggregate`.

    Raises:
        DataError: a value of the wrong type, a missing column, or more rows than the protocol's bound.
    """
    scan = Scan(query, table)
    totals = {cell: sums for cell, *sums in table.totals(scan)}
    if any(wrong for _, wrong, *_ in totals.values()):
        raise _wrong_type(query.columns, scan, table)
    totals.pop(NOWHERE, None)
    if any(rows > plan.MAX_ROWS for rows, *_ in totals.values()):
        raise DataError("data.too_large")
    return {cell: scan.recombine(limbs) for cell, (_, _, *limbs) in totals.items()}


def batches(columns: Sequence[Column], where: Sequence[Condition], table: Table) -> Iterator[pa.RecordBatch]:
    """Stream the rows that match: the body of `Adapter.batches`.

    Raises:
        DataError: a value of the wrong type, in a row that matches or not, or a missing column.
    """
    # Only here: pyarrow starts a thread as it is loaded, and the launcher must have none when it forks.
    from federation.adapters.rows import from_base_units

    query = LocalQuery(table="", columns=tuple(columns), where=tuple(where), group_by=(), measures=())
    scan = Scan(query, table)
    with closing(table.blocks(scan)) as blocks:
        for *values, wrong in blocks:
            if any(wrong):
                break
            yield from_base_units(columns, values)
        else:
            return
    raise _wrong_type(query.columns, scan, table)


def _wrong_type(columns: Sequence[Column], scan: Scan, table: Table) -> DataError:
    # Where to look, for the owner's own log. The value stays out of it: logs are copied more freely than data.
    for column, row in zip(columns, table.row(scan.first_wrong_rows), strict=True):
        if row is not None:
            logger.warning("column %r, row %s: not of the declared type %s", column.name, row, column.type)
    return DataError("data.type")


def boolean(field: str) -> str:
    """Return the expression for a field as 0 or 1; the spellings 0.0 and 1.0 are what a REAL column shows."""
    return (
        f"CASE WHEN lower({field}) IN ('0', '0.0', 'false') THEN 0 "
        f"WHEN lower({field}) IN ('1', '1.0', 'true') THEN 1 END"
    )


class Scan:
    """The SQL of one pass, and how to read its totals.

    Attributes:
        domains: the labels, by place, of the tables key0, key1, ... (label, place) that the pass joins.
        addends: the SELECT. Its columns are cell; a0, always 1; a1, 1 if a value is wrong; the limbs of the measures.
        width: how many columns there are to add up.
        rows: the SELECT of the rows that match or hold a wrong value: v0, v1, ..., and 1 if one is wrong.
        parameters: by name, without the dollar sign.
        first_wrong_rows: the SELECT of the first row, from 1, in which each column is not of its type, NULL if none.
    """

    def __init__(self, query: LocalQuery, table: Table) -> None:
        self.domains: list[list[int | str]] = []
        self.parameters: dict[str, int | str] = {}
        self._table = table
        self._joins: list[str] = []
        self._columns = {column.name: (f"v{index}", column.type) for index, column in enumerate(query.columns)}
        self._measures = [_limbs(measure, f"x{index}") for index, measure in enumerate(query.measures)]

        typed = _typed(query.columns, table)
        wrong = [f"f{index} IS NOT NULL AND v{index} IS NULL" for index in range(len(query.columns))]
        any_wrong = " OR ".join(f"({condition})" for condition in wrong) or "false"
        clipped = [f"{self._addend(measure)} AS x{index}" for index, measure in enumerate(query.measures)]
        conditions = " AND ".join(self._condition(condition) for condition in query.where)
        cell = self._cell(query.group_by, conditions)
        columns = ["1", "CASE WHEN wrong THEN 1 ELSE 0 END", *(limb for limbs in self._measures for _, limb in limbs)]

        self.width = len(columns)
        self.addends = (
            f"WITH {typed}, placed AS (SELECT {', '.join([f'{cell} AS cell', f'{any_wrong} AS wrong', *clipped])} "
            f"FROM typed {' '.join(self._joins)} {table.fence}) "
            f"SELECT coalesce(cell, {NOWHERE}) AS cell, "
            f"{', '.join(f'{column} AS a{index}' for index, column in enumerate(columns))} FROM placed"
        )
        values = [f"v{index}" for index in range(len(query.columns))]
        self.rows = (
            f"WITH {typed} SELECT {', '.join([*values, f'CASE WHEN {any_wrong} THEN 1 ELSE 0 END AS wrong'])} "
            f"FROM typed{f' WHERE ({conditions}) OR {any_wrong}' if conditions else ''}"
        )
        self.first_wrong_rows = (
            f"WITH {typed}, numbered AS (SELECT row_number() OVER () AS position, * FROM typed) "
            f"SELECT {', '.join(f'min(CASE WHEN {condition} THEN position END)' for condition in wrong)} FROM numbered"
        )

    def recombine(self, limbs: list[int]) -> tuple[int, ...]:
        """Put the measures of one group together from the sums of their limbs."""
        rest = iter(limbs)
        return tuple(sum(weight * next(rest) for weight, _ in parts) for parts in self._measures)

    def _bind(self, constant: int | str) -> str:
        number = len(self.parameters)
        self.parameters[f"p{number}"] = constant
        return self._table.parameter(number, constant)

    def _cell(self, group_by: Sequence[GroupKey], conditions: str) -> str:
        cell = "0"
        for key in group_by:
            cell = f"({cell}) * {len(key.labels)} + {self._place(key)}"
        return f"CASE WHEN {conditions} THEN {cell} END" if conditions else cell

    def _place(self, key: GroupKey) -> str:
        value, kind = self._columns[key.column]
        if key.cuts:
            cuts = [self._bind(_within_reach(cut)) for cut in key.cuts]
            bands = " ".join(f"WHEN {value} < {cut} THEN {band}" for band, cut in enumerate(cuts))
            return f"CASE WHEN {value} IS NULL THEN NULL {bands} ELSE {len(cuts)} END"
        table = f"key{len(self.domains)}"
        self.domains.append([TRUTH[label] if kind == "boolean" else label for label in key.values])
        self._joins.append(f"LEFT JOIN {table} ON {value} = {table}.label")
        return f"{table}.place"

    def _condition(self, condition: Condition) -> str:
        value, _ = self._columns[condition.column]
        if condition.operator in ("is null", "is not null"):
            return f"{value} {condition.operator.upper()}"
        if condition.operator in ("in", "not in"):
            constants = [self._bind(_within_reach(constant)) for constant in condition.values]
            return f"{value} {condition.operator.upper()} ({', '.join(constants)})"
        return f"{value} {condition.operator} {self._bind(_within_reach(condition.values[0]))}"

    def _addend(self, measure: Measure) -> str:
        if measure.kind == "rows":
            return "1"
        value, _ = self._columns[measure.column]
        if measure.kind == "count":
            return f"CASE WHEN {value} IS NULL THEN 0 ELSE 1 END"
        low, high, span = (self._bind(number) for number in (measure.low, measure.high, measure.high - measure.low))
        return (
            f"CASE WHEN {value} IS NULL OR {value} <= {low} THEN 0 WHEN {value} >= {high} THEN {span} "
            f"ELSE {value} - {low} END"
        )


def _typed(columns: tuple[Column, ...], table: Table) -> str:
    """Return the two inner steps, for WITH."""
    if not columns:  # COUNT(*) alone
        return f"typed AS (SELECT 1 FROM {table.source})"
    fields = [f"{table.field(column)} AS f{index}" for index, column in enumerate(columns)]
    values = [f"f{index}, {table.value(f'f{index}', column)} AS v{index}" for index, column in enumerate(columns)]
    return (
        f"fields AS (SELECT {', '.join(fields)} FROM {table.source}), "
        f"typed AS (SELECT {', '.join(values)} FROM fields {table.fence})"
    )


def _limbs(measure: Measure, addend: str) -> list[tuple[int, str]]:
    """Split what a row adds to a measure into (weight, expression) with expressions that add up within 64 bits.

    A value has up to 47 bits and its square 94, and there may be 2**32 of them. With value = high * 2**24 + low, every
    expression below stays under 2**26.
    """
    square = measure.kind == "sum_squares"
    if measure.bound < 2**63:
        return [(1, f"{addend} * {addend}" if square else addend)]
    low_bits = (1 << LIMB_BITS) - 1
    high, low = f"({addend} >> {LIMB_BITS})", f"({addend} & {low_bits})"
    if not square:
        return [(1 << LIMB_BITS, high), (1, low)]

    def upper(product: str) -> str:
        return f"(({product}) >> {LIMB_BITS})"

    def lower(product: str) -> str:
        return f"(({product}) & {low_bits})"

    squared_high, mixed, squared_low = f"{high} * {high}", f"{high} * {low}", f"{low} * {low}"
    return [
        (1 << 3 * LIMB_BITS, upper(squared_high)),
        (1 << 2 * LIMB_BITS, f"{lower(squared_high)} + 2 * {upper(mixed)}"),
        (1 << LIMB_BITS, f"2 * {lower(mixed)} + {upper(squared_low)}"),
        (1, lower(squared_low)),
    ]


def _within_reach(constant: int | str) -> int | str:
    """Bring an integer within 64 bits without changing any comparison: no number in a table has more digits."""
    return constant if isinstance(constant, str) else max(-(10**DIGITS), min(constant, 10**DIGITS))
