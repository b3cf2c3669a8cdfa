from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from federation.adapters import Adapter
from federation.adapters.csv import CsvAdapter
from federation.adapters.sqlite import SqliteAdapter
from federation.plan import Column, Condition, GroupKey, LocalQuery, Measure

Row = Sequence[object]
Make = Callable[[Sequence[str], Sequence[Row]], Adapter]


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Row], encoding: str = "utf-8") -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def write_sqlite(path: Path, header: Sequence[str], rows: Sequence[Row]) -> None:
    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE people ({', '.join(map(quoted, header))})")
        connection.executemany(f"INSERT INTO people VALUES ({', '.join('?' * len(header))})", rows)


@pytest.fixture(params=["csv-utf8", "csv-gb18030", "sqlite", "sqlite-text"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Write a table (None is null) in one kind of store and open it; sqlite-text stores numbers as text."""
    kind = request.param
    numbers = count()

    def write_and_open(header: Sequence[str], rows: Sequence[Row]) -> Adapter:
        path = tmp_path / f"table {next(numbers)}%20#?.data"
        if kind.startswith("csv"):
            encoding = {"csv-utf8": "utf-8", "csv-gb18030": "gb18030"}[kind]
            write_csv(path, header, rows, encoding)
            return CsvAdapter(columns=(), path=str(path), encoding=encoding)
        if kind == "sqlite-text":
            rows = [[None if cell is None else str(cell) for cell in row] for row in rows]
        write_sqlite(path, header, rows)
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
