"""A department's table in PostgreSQL (12 or newer, and what speaks its protocol), counted and summed by the server.

A connection lasts for one call, in one read-only transaction that sees one state of the table. The account should be
able to SELECT this table and nothing else; one that may change the table is refused.
"""

# ruff: noqa: S608 - SQL is put together from our own names and quoted identifiers.

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import psycopg
from psycopg import errors

from federation.adapters import sql
from federation.adapters.password import read_password
from federation.adapters.pushdown import PushDownAdapter
from federation.adapters.values import BATCH_ROWS, DIGITS, EXACT_DOUBLE, TEXT_TYPES, number_pattern
from federation.errors import DataError
from federation.plan import Column

logger = logging.getLogger(__name__)

Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_TIMEOUT_S = 10

# Longer than any deadline of a federation: what is still running then has nobody waiting for it.
STATEMENT_TIMEOUT_S = 3600

# Whatever the account's or the server's defaults are, texts come out in one form.
SESSION = {
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "repeatable\\ read",
    "statement_timeout": f"{STATEMENT_TIMEOUT_S}s",
    "client_encoding": "UTF8",
    "datestyle": "ISO",
    "extra_float_digits": "1",
    "search_path": "pg_catalog",
}

INTEGERS = frozenset({"int2", "int4", "int8"})
REALS = frozenset({"float4", "float8"})
MOMENTS = frozenset({"timestamp", "timestamptz"})

# The type a column has underneath its domain, if it has one.
COLUMNS = """
SELECT attribute.attname, coalesce(base.typname, type.typname)
FROM pg_attribute AS attribute
JOIN pg_type AS type ON type.oid = attribute.atttypid
LEFT JOIN pg_type AS base ON base.oid = nullif(type.typbasetype, 0)
WHERE attribute.attrelid = $1::regclass AND attribute.attnum > 0 AND NOT attribute.attisdropped
ORDER BY attribute.attnum
"""
WRITES = "SELECT has_table_privilege($1::regclass, 'INSERT, UPDATE, DELETE, TRUNCATE')"


class PostgresAdapter(PushDownAdapter):
    """Reads one table or view."""

    settings: ClassVar[Sequence[str]] = ("url", "table", "schema", "password_env", "password_file")

    def __init__(
        self,
        columns: tuple[Column, ...],
        url: str,
        table: str,
        schema: str = "public",
        password_env: str = "",
        password_file: str = "",
    ) -> None:
        """Name the table.

        Args:
            columns: what is declared; every query brings those that it needs.
            url: postgresql://account@/database?host=/folder/of/the/socket, without a password.
            table: the table's or view's name.
            schema: the one it is in.
            password_env: the environment variable that holds the password.
            password_file: the file in the department's home that does.

        Raises:
            SettingsError: the password is not where the settings say.
        """
        self._url = url
        self._table = f"{_quoted(schema)}.{_quoted(table)}"
        self._password = read_password(password_env, password_file)

    @contextmanager
    def _open(self) -> Iterator[_PostgresTable]:
        try:
            with self._connect() as connection:
                table = _PostgresTable(connection, self._table)
                yield table
        except errors.UndefinedTable:
            raise DataError("data.table_missing") from None
        except errors.InsufficientPrivilege:
            raise DataError("data.privilege") from None
        except psycopg.Error as exc:
            # The server's words quote the data; its five letters say enough for the owner.
            logger.warning("postgresql: %s %s", type(exc).__name__, exc.sqlstate or "")
            gone = isinstance(exc, psycopg.OperationalError) and not isinstance(exc, errors.QueryCanceled)
            raise DataError("data.unreachable" if gone else "data.unreadable") from None

    def _connect(self) -> Connection:
        options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
        try:
            return psycopg.connect(
                self._url,
                password=self._password,
                options=options,
                application_name="keyong",
                connect_timeout=CONNECT_TIMEOUT_S,
                prepare_threshold=None,
            )
        except psycopg.OperationalError as exc:
            asked = exc.pgconn is not None and (exc.pgconn.used_password or exc.pgconn.needs_password)
            raise DataError("data.login" if asked or "FATAL" in str(exc) else "data.unreachable") from None


class _PostgresTable:
    """The table in PostgreSQL's SQL."""

    # Keeps the planner from putting a subquery's expressions into every place that uses them.
    fence = "OFFSET 0"

    def __init__(self, connection: Connection, table: str) -> None:
        self._connection = connection
        self.source = f"{table} AS source"
        if self._run(WRITES, [table])[0][0]:
            raise DataError("data.account_writes")
        self.types: dict[str, str] = dict(self._run(COLUMNS, [table]))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.types)

    def field(self, column: Column) -> str:
        if column.name not in self.types:
            raise DataError("data.column_missing", column=column.name)
        stored, kind = f"source.{_quoted(column.name)}", self.types[column.name]
        is_number = kind in INTEGERS | REALS | {"numeric"} and column.type not in (*TEXT_TYPES, "boolean")
        if is_number or kind == "bytea" or (column.type == "date" and kind in MOMENTS):
            return stored
        text = f"{stored}::text"
        return f"nullif({text}, '')" if column.type in TEXT_TYPES else f"nullif(btrim({text}), '')"

    def value(self, field: str, column: Column) -> str:
        kind, unit = self.types[column.name], 10**column.scale
        if kind == "bytea":
            return "CASE WHEN false THEN '' END" if column.type in TEXT_TYPES else "CASE WHEN false THEN 0::bigint END"
        if column.type == "date" and kind in MOMENTS:
            midnight = f"{field} = date_trunc('day', {field})"
            return f'CASE WHEN {midnight} THEN {field}::date::text END COLLATE "C"'
        if column.type in TEXT_TYPES:
            # By code point, whatever the database's own order is.
            return f'{field} COLLATE "C"'
        if column.type == "boolean":
            return sql.boolean(field)
        largest = (10**DIGITS - 1) // unit
        if kind in INTEGERS:
            return f"CASE WHEN {field} BETWEEN -{largest} AND {largest} THEN {field}::bigint * {unit} END"
        if kind == "numeric":
            within = f"abs({field}) < {10 ** (DIGITS - column.scale)} AND {field} = round({field}, {column.scale})"
            return f"CASE WHEN {within} THEN ({field} * {unit})::bigint END"
        if kind in REALS:
            # It stands for the decimal number that it is shown as; beyond 2**53 there is more than one.
            finite = f"{field} > '-Infinity' AND {field} < 'Infinity' AND abs({field} * {unit}) < {EXACT_DOUBLE}"
            number = f"{field}::text::numeric"
            exact = f"CASE WHEN {finite} THEN {number} = round({number}, {column.scale}) END"
            return f"CASE WHEN {exact} THEN ({number} * {unit})::bigint END"
        pattern = number_pattern(column.scale)
        return f"CASE WHEN {field} ~ '^({pattern})$' THEN ({field}::numeric * {unit})::bigint END"

    def parameter(self, number: int, constant: int | str) -> str:
        return f"${number + 1}::{'text' if isinstance(constant, str) else 'bigint'}"

    def totals(self, scan: sql.Scan) -> list[tuple[int, ...]]:
        parameters: list[object] = [*scan.parameters.values()]
        keys = []
        for index, labels in enumerate(scan.domains):
            parameters.append(labels)
            kind = "text" if labels and isinstance(labels[0], str) else "bigint"
            # A read-only transaction makes no table.
            unnested = f"unnest(${len(parameters)}::{kind}[]) WITH ORDINALITY AS listed (label, place)"
            keys.append(f"key{index} AS (SELECT label, place - 1 AS place FROM {unnested})")
        sums = ", ".join(f"sum(a{index})" for index in range(scan.width))
        given = f"WITH {', '.join(keys)} " if keys else ""
        found = self._run(f"{given}SELECT cell, {sums} FROM ({scan.addends}) AS rows GROUP BY cell", parameters)
        return [tuple(int(number) for number in row) for row in found]

    def row(self, select: str) -> tuple[object, ...]:
        return self._run(select, [])[0]

    def blocks(self, scan: sql.Scan) -> sql.Blocks:
        with psycopg.RawServerCursor(self._connection, "keyong") as cursor:
            cursor.execute(scan.rows.encode(), list(scan.parameters.values()))
            while rows := cursor.fetchmany(BATCH_ROWS):
                yield list(zip(*rows, strict=True))

    def _run(self, query: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        with psycopg.RawCursor(self._connection) as cursor:
            return cursor.execute(query.encode(), parameters).fetchall()


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
