from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

import pytest

from federation.adapters import Adapter
from federation.adapters.csv import CsvAdapter
from federation.adapters.duckdb import DuckdbAdapter
from federation.adapters.parquet import ParquetAdapter
from federation.adapters.postgres import PostgresAdapter
from federation.adapters.scan import ScanAdapter
from federation.adapters.sqlalchemy import SqlalchemyAdapter
from federation.adapters.sqlite import SqliteAdapter
from federation.plan import Column, Condition, GroupKey, LocalQuery, Measure
from tests.support.postgres import PASSWORD, Server, programs, running_server
from tests.support.stores import Row, typed, write_csv, write_duckdb, write_sqlite

Make = Callable[[Sequence[str], Sequence[Row]], Adapter]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, or a skip where a person runs the tests without one."""
    if programs() is None and os.environ.get("CI") != "true":
        pytest.skip("PostgreSQL's server programs are not installed: that adapter cannot be tested")
    assert programs(), "CI needs Debian's postgresql"
    with running_server() as server:
        yield server


@pytest.fixture
def reader_password(monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment variable with the reader's password."""
    monkeypatch.setenv("READER_PASSWORD", PASSWORD)
    return "READER_PASSWORD"


class Scanned(ScanAdapter):
    """Another adapter's rows, counted and summed by our own code: every store's batches against the same tests."""

    settings = ()

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def schema(self) -> tuple[str, ...]:
        return self._adapter.schema()

    def batches(self, columns, where=()):
        return self._adapter.batches(columns, where)


KINDS = [
    "csv-utf8", "csv-gb18030", "csv-scanned", "sqlite", "sqlite-text", "duckdb", "parquet", "sqlalchemy-sqlite",
    *(pytest.param(k, marks=pytest.mark.postgres) for k in ("postgres", "postgres-text", "sqlalchemy-postgres")),
]  # fmt: skip


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Write a table (None is null) in one kind of store and open it; -text stores numbers as text."""
    store, _, variant = request.param.partition("-")
    numbers = count()
    if "postgres" in request.param:
        server, variable = request.getfixturevalue("postgres"), request.getfixturevalue("reader_password")

    def write_and_open(header: Sequence[str], rows: Sequence[Row]) -> Adapter:
        if variant == "text":
            rows = [[None if cell is None else str(cell) for cell in row] for row in rows]
        path = tmp_path / f"table {next(numbers)}%20#?.data"
        adapter = write(path, header, rows)
        return Scanned(adapter) if variant == "scanned" else adapter

    def write(path: Path, header: Sequence[str], rows: Sequence[Row]) -> Adapter:
        if store == "csv":
            encoding = "gb18030" if variant == "gb18030" else "utf-8"
            write_csv(path, header, rows, encoding)
            return CsvAdapter(columns=(), path=str(path), encoding=encoding)
        if store == "parquet":
            write_duckdb(path, header, rows, parquet=True)
            return ParquetAdapter(columns=(), path=str(path))
        if store == "duckdb":
            write_duckdb(path, header, rows)
            return DuckdbAdapter(columns=(), path=str(path), table="people")
        if "postgres" in request.param:
            kinds, rows = typed(rows) if rows else (["TEXT"] * len(header), [])
            table = f"people {uuid.uuid4()}"
            server.create(table, header, rows, kinds)
            if store == "postgres":
                return PostgresAdapter(columns=(), url=server.url, table=table, password_env=variable)
            url = server.url.replace("postgresql:", "postgresql+psycopg:")
            return SqlalchemyAdapter(columns=(), url=url, table=table, password_env=variable)
        write_sqlite(path, header, rows)
        if store == "sqlalchemy":
            return SqlalchemyAdapter(columns=(), url="sqlite://", path=str(path), table="people")
        return SqliteAdapter(columns=(), path=str(path), table="people")

    return write_and_open


@pytest.fixture
def ask() -> Callable[..., dict[int, tuple[int, ...]]]:
    """Ask an adapter for measures over columns given as {name: type}."""

    def aggregate(
        adapter: Adapter,
        columns: Mapping[str, str],
        *measures: Measure,
        where: Sequence[Condition] = (),
        group_by: Sequence[GroupKey] = (),
    ) -> dict[int, tuple[int, ...]]:
        query = LocalQuery(
            table="people",
            columns=tuple(Column(name=name, type=kind) for name, kind in columns.items()),
            where=tuple(where),
            group_by=tuple(group_by),
            measures=measures or (Measure(kind="rows"),),
        )
        return adapter.aggregate(query)

    return aggregate
