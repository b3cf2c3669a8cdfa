"""Stores of made-up rows for the conformance kit: one writer per adapter of ours that reads files.

A stranger's class brings its own as a static method `specimen(folder, columns, rows)`, which writes the rows (text,
int, bool, Decimal, None) into the folder and returns the settings that open them. Nothing else ever calls it.
"""

# ruff: noqa: S608 - SQL is put together from our own names and quoted identifiers.

from __future__ import annotations

import csv as csv_module
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from federation.adapters.duck import quoted
from federation.plan import Column

if TYPE_CHECKING:
    import pyarrow as pa

Rows = Sequence[Sequence[object]]
Specimen = Callable[[Path, Sequence[Column], Rows], Mapping[str, str]]


def csv(folder: Path, columns: Sequence[Column], rows: Rows, *, encoding: str = "utf-8") -> dict[str, str]:
    """Write a CSV file."""
    file = folder / "specimen.csv"
    with file.open("w", encoding=encoding, newline="") as text:
        writer = csv_module.writer(text)
        writer.writerow([column.name for column in columns])
        writer.writerows(rows)
    return {"path": str(file), "encoding": encoding}


def csv_gb18030(folder: Path, columns: Sequence[Column], rows: Rows) -> dict[str, str]:
    """Write a CSV file in the national encoding."""
    return csv(folder, columns, rows, encoding="gb18030")


def sqlite(folder: Path, columns: Sequence[Column], rows: Rows) -> dict[str, str]:
    """Write an SQLite file."""
    file = folder / "specimen.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"CREATE TABLE specimen ({', '.join(quoted(column.name) for column in columns)})")
        shown = [[str(cell) if isinstance(cell, Decimal) else cell for cell in row] for row in rows]
        connection.executemany(f"INSERT INTO specimen VALUES ({', '.join('?' * len(columns))})", shown)
    return {"path": str(file), "table": "specimen"}


def sqlalchemy(folder: Path, columns: Sequence[Column], rows: Rows) -> dict[str, str]:
    """Write an SQLite file for that dialect."""
    return {**sqlite(folder, columns, rows), "url": "sqlite://"}


def duckdb_file(folder: Path, columns: Sequence[Column], rows: Rows) -> dict[str, str]:
    """Write a DuckDB file."""
    file = folder / "specimen.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.from_arrow(_table(columns, rows)).create("specimen")
    return {"path": str(file), "table": "specimen"}


def parquet(folder: Path, columns: Sequence[Column], rows: Rows) -> dict[str, str]:
    """Write a Parquet file."""
    from pyarrow.parquet import write_table

    file = folder / "specimen.parquet"
    write_table(_table(columns, rows), file)
    return {"path": str(file)}


def _table(columns: Sequence[Column], rows: Rows) -> pa.Table:
    # Only here: pyarrow starts a thread as it is loaded, and whoever imports this module may yet fork.
    import pyarrow as pa

    from federation.adapters.rows import arrow_schema

    arrays = []
    for index, field in enumerate(arrow_schema(columns)):
        cells = [row[index] for row in rows]
        # A value of the wrong type is what some specimens are about: then the column is text.
        if field.type != pa.string() and any(isinstance(cell, str) for cell in cells):
            arrays.append(pa.array([None if cell is None else str(cell) for cell in cells], pa.string()))
        else:
            arrays.append(pa.array(cells, field.type))
    return pa.table(arrays, names=[column.name for column in columns])


# The first is what most checks use; the others are further encodings of the same store.
SPECIMENS: dict[str, tuple[Specimen, ...]] = {
    "csv": (csv, csv_gb18030),
    "duckdb": (duckdb_file,),
    "parquet": (parquet,),
    "sqlalchemy": (sqlalchemy,),
    "sqlite": (sqlite,),
}
