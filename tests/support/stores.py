"""Tables written into stores of every kind."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import duckdb

from federation.adapters import duck

Row = Sequence[object]


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


def typed(rows: Sequence[Row]) -> tuple[list[str], list[list[object]]]:
    """Each column's kind, and the rows as a store with types takes them: what differs in type goes in as text."""
    kinds, columns = [], []
    for cells in zip(*rows, strict=True):
        found = {type(cell) for cell in cells if cell is not None}
        if found <= {int, bool} and found:
            kinds.append("BIGINT")
            columns.append([None if cell is None else int(cell) for cell in cells])
        elif found == {float}:
            kinds.append("DOUBLE PRECISION")
            columns.append(list(cells))
        else:
            kinds.append("TEXT")
            columns.append([None if cell is None else str(cell) for cell in cells])
    return kinds, [list(row) for row in zip(*columns, strict=True)]


def write_duckdb(path: Path, header: Sequence[str], rows: Sequence[Row], *, parquet: bool = False) -> None:
    kinds, rows = typed(rows) if rows else (["TEXT"] * len(header), [])
    fields = ", ".join(f"{duck.quoted(name)} {kind}" for name, kind in zip(header, kinds, strict=True))
    with duckdb.connect(":memory:" if parquet else str(path)) as connection:
        connection.execute(f"CREATE TABLE people ({fields})")
        if rows:
            # Long columns at once: one INSERT a row would take longer than the test.
            values = ", ".join(f"unnest($c{index}::{kind}[])" for index, kind in enumerate(kinds))
            cells = {f"c{index}": list(column) for index, column in enumerate(zip(*rows, strict=True))}
            connection.execute(f"INSERT INTO people SELECT {values}", cells)
        if parquet:
            connection.execute(f"COPY people TO {duck.literal(str(path))} (FORMAT parquet)")
