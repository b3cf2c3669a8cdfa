"""DuckDB as the engine of several adapters: its limits, and the SQL that all of them have in common."""

# ruff: noqa: S608 - SQL is put together from our own names and quoted identifiers.

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress

import duckdb

from federation.adapters import sql
from federation.adapters.values import BATCH_ROWS, DIGITS, EXACT_DOUBLE, TEXT_TYPES, number_pattern
from federation.errors import DataError
from federation.plan import Column

# A stream is parsed by one thread, whatever is set. Groups and buffers fit the memory many times over; should they
# not, the query fails rather than spill rows into temporary files. DuckDB takes a stream to be short, and would turn
# a join with more groups than that around, so that the stream became the side that it keeps in memory.
LIMITS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "disabled_optimizers": "build_side_probe_side",
    "memory_limit": "512MB",
    "temp_directory": "",
    "threads": 1,
}


INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)
REALS = frozenset({"FLOAT", "DOUBLE"})


@contextmanager
def limited(paths: Sequence[str] = (), *, store: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB in memory that can reach no file but `paths` and no extension.

    Args:
        store: a database file to attach read-only, under that name.
    """
    with duckdb.connect(config=LIMITS) as connection:
        # It would go to standard output, which is the log. In a notebook without ipywidgets there is none to turn off,
        # and the wish alone is an error.
        with suppress(duckdb.InvalidInputException):
            connection.execute("SET enable_progress_bar = false")
        if store:
            connection.execute(f"ATTACH {literal(store)} AS store (TYPE duckdb, READ_ONLY)")
        connection.execute(f"SET allowed_paths = [{', '.join(map(literal, paths))}]")
        connection.execute("SET enable_external_access = false")
        yield connection


def quoted(identifier: str) -> str:
    """Write a name as SQL does."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Write a text constant where no parameter may stand."""
    return "'" + text.replace("'", "''") + "'"


class DuckTable(ABC):
    """What tables that DuckDB reads have in common."""

    # DuckDB computes an expression of a subquery once, however often it is used.
    fence = ""
    source: str

    @abstractmethod
    def connected(self) -> AbstractContextManager[tuple[duckdb.DuckDBPyConnection, dict[str, object]]]:
        """Open a connection; yield it and the parameters that `source` mentions."""

    def value_of_text(self, field: str, column: Column) -> str:
        """Return the expression of a number or boolean that stands there as text."""
        if column.type == "boolean":
            return sql.boolean(field)
        # Behind an exponent the text is the integer itself, and exact: nothing is multiplied.
        pattern = number_pattern(column.scale)
        return (
            f"CASE WHEN regexp_full_match({field}, '{pattern}') THEN CAST({field} || 'e{column.scale}' AS BIGINT) END"
        )

    def parameter(self, number: int, constant: int | str) -> str:
        """Return the placeholder; see `federation.adapters.sql.Table`."""
        return f"$p{number}"

    def totals(self, scan: sql.Scan) -> list[tuple[int, ...]]:
        """Add up; see `federation.adapters.sql.Table`."""
        with self.connected() as (connection, parameters):
            for index, labels in enumerate(scan.domains):
                connection.execute(
                    f"CREATE TEMP TABLE key{index} AS SELECT unnest($labels) AS label, unnest(range($count)) AS place",
                    {"labels": labels, "count": len(labels)},
                )
            sums = ", ".join(f"sum(a{index})" for index in range(scan.width))
            select = f"SELECT cell, {sums} FROM ({scan.addends}) GROUP BY cell"
            return connection.execute(select, {**scan.parameters, **parameters}).fetchall()

    def row(self, select: str) -> tuple[object, ...]:
        """Run a SELECT of one row."""
        with self.connected() as (connection, parameters):
            return connection.execute(select, parameters).fetchall()[0]

    def blocks(self, scan: sql.Scan) -> sql.Blocks:
        """Stream rows; see `federation.adapters.sql.Table`."""
        with self.connected() as (connection, parameters):
            relation = connection.sql(scan.rows, params={**scan.parameters, **parameters})
            for batch in relation.to_arrow_reader(BATCH_ROWS):
                *values, wrong = batch.columns
                yield [*values, wrong.to_pylist()]


class TypedDuckTable(DuckTable):
    """A table whose columns have types of DuckDB's own. Numbers are taken by their value, texts as CSV files are."""

    def __init__(self, source: str) -> None:
        """Read the columns' types.

        Args:
            source: what stands behind FROM.
        """
        self.source = source
        with self.connected() as (connection, parameters):
            found = connection.execute(f"DESCRIBE SELECT * FROM {source}", parameters).fetchall()
        self.types: dict[str, str] = {name: kind.partition("(")[0] for name, kind, *_ in found}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(self.types)

    def field(self, column: Column) -> str:
        """Return the expression for a column as stored; see `federation.adapters.sql.Table`."""
        # DuckDB's names know no case; ours do.
        if column.name not in self.types:
            raise DataError("data.column_missing", column=column.name)
        stored, kind = quoted(column.name), self.types[column.name]
        if kind == "BLOB" or (kind in INTEGERS | REALS and column.type not in (*TEXT_TYPES, "boolean")):
            return stored
        if column.type == "date" and kind.startswith("TIMESTAMP"):
            return stored
        text = f"CAST({stored} AS VARCHAR)"
        return f"nullif({text}, '')" if column.type in TEXT_TYPES else f"nullif(trim({text}), '')"

    def value(self, field: str, column: Column) -> str:
        """Return the expression for a typed field; see `federation.adapters.sql.Table`."""
        kind, unit = self.types[column.name], 10**column.scale
        if kind == "BLOB":
            return "NULL"
        if column.type == "date" and kind.startswith("TIMESTAMP"):
            return f"CASE WHEN {field} = date_trunc('day', {field}) THEN CAST(CAST({field} AS DATE) AS VARCHAR) END"
        if column.type in TEXT_TYPES:
            return field
        if column.type == "boolean":
            return sql.boolean(field)
        if kind in INTEGERS:
            largest = (10**DIGITS - 1) // unit
            return f"CASE WHEN {field} BETWEEN -{largest} AND {largest} THEN CAST({field} AS BIGINT) * {unit} END"
        if kind in REALS:
            # It stands for the decimal number whose nearest double it is: the quotient of two exact integers is that.
            real = f"CAST(CAST({field} AS VARCHAR) AS DOUBLE)" if kind == "FLOAT" else field
            rounded = f"round({real} * {unit})"
            return (
                f"CASE WHEN abs({rounded}) < {EXACT_DOUBLE} AND {rounded} / {unit} = {real} "
                f"THEN CAST({rounded} AS BIGINT) END"
            )
        return self.value_of_text(field, column)
