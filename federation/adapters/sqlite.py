"""A department's table in an SQLite file, opened read-only.

The file is opened anew for every call, so that a replaced file is seen and nothing is held in between. One read
transaction covers a call. A database in WAL mode needs its -shm file, so its folder must be writable or another
process must have it open; SQLite refuses otherwise, and so do we.
"""

# ruff: noqa: S608 - SQL is put together from our own names and quoted identifiers.

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from federation.adapters import sql
from federation.adapters.pushdown import DatabaseFileAdapter
from federation.adapters.values import BATCH_ROWS, DIGITS, EXACT_DOUBLE, TEXT_TYPES, text_to_base_units
from federation.errors import DataError
from federation.plan import Column

logger = logging.getLogger(__name__)

# How long to wait for a writer of the owner's own.
LOCK_TIMEOUT_S = 5.0


class SqliteAdapter(DatabaseFileAdapter):
    """Reads one table or view. What the owner stored as INTEGER, REAL or TEXT is taken by its value, row by row."""

    @contextmanager
    def _open(self) -> Iterator[_SqliteTable]:
        try:
            uri = f"{self._path.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_S, isolation_level=None)) as connection:
                # Temporary tables of ours stay in memory: SQLite would put them into files in a folder of its choice.
                connection.execute("PRAGMA temp_store = MEMORY")
                connection.execute("BEGIN")
                connection.create_function("base_units", 2, text_to_base_units, deterministic=True)
                yield _SqliteTable(connection, self._table)
        except sqlite3.Error as exc:
            # SQLite's message may name what the catalogue does not; its short code is enough for the owner.
            logger.warning("sqlite cannot read the table: %s", getattr(exc, "sqlite_errorname", type(exc).__name__))
            raise DataError("data.unreadable") from None


class _SqliteTable:
    """The table in SQLite's SQL."""

    # SQLite flattens a subquery into its user and then computes an expression at every use, unless it has a LIMIT.
    fence = "LIMIT -1"

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._connection = connection
        # Named "main", lest a temporary table of ours be meant.
        self.source = f"main.{_quoted(table)} AS source"
        named = connection.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1", (table,))
        self.columns: tuple[str, ...] = tuple(name for (name,) in named)
        if not self.columns:
            logger.warning("sqlite cannot read the table: there is none of that name")
            raise DataError("data.unreadable")

    def field(self, column: Column) -> str:
        if column.name not in self.columns:
            raise DataError("data.column_missing", column=column.name)
        # The table's name before the column's: SQLite takes an unknown bare "name" for a text constant.
        stored = f"source.{_quoted(column.name)}"
        if column.type in TEXT_TYPES:
            return f"nullif({stored}, '')"
        return f"CASE typeof({stored}) WHEN 'text' THEN nullif(trim({stored}), '') ELSE {stored} END"

    def value(self, field: str, column: Column) -> str:
        if column.type in TEXT_TYPES:
            # CASE has no collation, so that comparisons are those of the bytes, whatever the table declares.
            return f"CASE WHEN typeof({field}) <> 'blob' THEN CAST({field} AS TEXT) END"
        if column.type == "boolean":
            return f"CASE WHEN typeof({field}) <> 'blob' THEN {sql.boolean(field)} END"
        unit = 10**column.scale
        largest = (10**DIGITS - 1) // unit
        rounded = f"round({field} * {unit})"
        # A REAL stands for the decimal number whose nearest double it is: the quotient of two exact integers is that.
        return (
            f"CASE typeof({field}) "
            f"WHEN 'integer' THEN CASE WHEN {field} BETWEEN -{largest} AND {largest} THEN {field} * {unit} END "
            f"WHEN 'real' THEN CASE WHEN abs({rounded}) < {EXACT_DOUBLE} AND {rounded} / {unit} = {field} "
            f"THEN CAST({rounded} AS INTEGER) END "
            f"WHEN 'text' THEN base_units({field}, {column.scale}) END"
        )

    def parameter(self, number: int, constant: int | str) -> str:
        return f"$p{number}"

    def totals(self, scan: sql.Scan) -> list[tuple[int, ...]]:
        execute = self._connection.execute
        for index, labels in enumerate(scan.domains):
            execute(f"CREATE TEMP TABLE key{index} (label PRIMARY KEY, place) WITHOUT ROWID")
            places = zip(labels, range(len(labels)), strict=True)
            self._connection.executemany(f"INSERT INTO temp.key{index} VALUES (?, ?)", places)
        # GROUP BY would sort the whole table first, in memory or in temporary files. A table of the groups, updated
        # row by row, needs room for the groups only.
        names = [f"a{index}" for index in range(scan.width)]
        execute(f"CREATE TEMP TABLE cells (cell INTEGER PRIMARY KEY, {', '.join(names)})")
        execute(
            f"INSERT INTO temp.cells SELECT * FROM ({scan.addends}) WHERE true "
            f"ON CONFLICT (cell) DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in names)}",
            scan.parameters,
        )
        return execute("SELECT * FROM temp.cells").fetchall()

    def row(self, select: str) -> tuple[object, ...]:
        found: tuple[object, ...] = self._connection.execute(select).fetchone()
        return found

    def blocks(self, scan: sql.Scan) -> sql.Blocks:
        cursor = self._connection.execute(scan.rows, scan.parameters)
        while rows := cursor.fetchmany(BATCH_ROWS):
            yield list(zip(*rows, strict=True))


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
