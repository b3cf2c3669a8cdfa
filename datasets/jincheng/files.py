"""A department's files: CSV in UTF-8 or GB 18030, Parquet, or one SQLite or DuckDB database."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from jincheng.cards import Department, Rows, TableCard

DATABASES = {"sqlite": "tables.sqlite", "duckdb": "tables.duckdb"}
ARROW_TYPES = {"integer": pa.int64(), "boolean": pa.bool_(), "text": pa.string(), "date": pa.date32()}
SQLITE_TYPES = {"integer": "INTEGER", "boolean": "INTEGER", "text": "TEXT", "date": "TEXT"}

Append = Callable[[str, pa.Table], None]  # table name, its next rows
Store = AbstractContextManager[Append]


def file_of(folder: Path, table: str, file_format: str) -> Path:
    """Name the file that holds this table in a department's folder."""
    suffix = "parquet" if file_format == "parquet" else "csv"
    return folder / DATABASES.get(file_format, f"{table}.{suffix}")


def open_files(folder: Path, department: Department, file_format: str) -> Store:
    """Begin a department's files anew; what comes back appends rows to one of its tables."""
    folder.mkdir(parents=True, exist_ok=True)
    return FORMATS[file_format](folder, department.tables)


def to_arrow(card: TableCard, rows: Rows) -> pa.Table:
    """Put rows into Arrow's columns, which travel between processes and which every format is written from."""
    arrays = []
    for column in card.columns:
        values = rows[column.name]
        mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
        arrays.append(pa.array(np.ma.getdata(values), type=ARROW_TYPES[column.type], mask=mask))
    return pa.Table.from_arrays(arrays, schema=_schema(card))


def _schema(card: TableCard) -> pa.Schema:
    return pa.schema([(column.name, ARROW_TYPES[column.type]) for column in card.columns])


@contextmanager
def _open_csv(folder: Path, tables: tuple[TableCard, ...], *, encoding: str) -> Iterator[Append]:
    # Nothing here needs quotes; should anything ever, Arrow refuses to write it.
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    with ExitStack() as stack:
        files = {}
        for card in tables:
            files[card.name] = stack.enter_context(file_of(folder, card.name, "csv").open("wb"))
            header = ",".join(column.name for column in card.columns)
            files[card.name].write(f"{header}\n".encode(encoding))

        def append(table: str, rows: pa.Table) -> None:
            buffer = pa.BufferOutputStream()
            pyarrow.csv.write_csv(_plain(rows), buffer, options)
            written = buffer.getvalue().to_pybytes()
            files[table].write(written if encoding == "utf-8" else written.decode().encode(encoding))

        yield append


@contextmanager
def _open_parquet(folder: Path, tables: tuple[TableCard, ...]) -> Iterator[Append]:
    with ExitStack() as stack:
        writers = {}
        for card in tables:
            writer = pyarrow.parquet.ParquetWriter(file_of(folder, card.name, "parquet"), _schema(card))
            writers[card.name] = stack.enter_context(writer)
        yield lambda table, rows: writers[table].write_table(rows)


@contextmanager
def _open_sqlite(folder: Path, tables: tuple[TableCard, ...]) -> Iterator[Append]:
    path = folder / DATABASES["sqlite"]
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        for card in tables:
            columns = ", ".join(f"{column.name} {SQLITE_TYPES[column.type]}" for column in card.columns)
            database.execute(f"CREATE TABLE {card.name} ({columns})")

        def append(table: str, rows: pa.Table) -> None:
            places = ", ".join("?" * rows.num_columns)
            insert = f"INSERT INTO {table} VALUES ({places})"  # noqa: S608  # the name is our own
            columns = [column.to_pylist() for column in _plain(rows).columns]
            database.executemany(insert, zip(*columns, strict=True))

        yield append


@contextmanager
def _open_duckdb(folder: Path, tables: tuple[TableCard, ...]) -> Iterator[Append]:
    path = folder / DATABASES["duckdb"]
    path.unlink(missing_ok=True)
    # One thread, so that rows stand in the order in which they came.
    with closing(duckdb.connect(path, config={"threads": 1})) as database:
        for card in tables:
            database.register("rows", _schema(card).empty_table())
            database.execute(f"CREATE TABLE {card.name} AS FROM rows")

        def append(table: str, rows: pa.Table) -> None:
            database.register("rows", rows)
            database.execute(f"INSERT INTO {table} FROM rows")

        yield append
        database.unregister("rows")


FORMATS: dict[str, Callable[[Path, tuple[TableCard, ...]], Store]] = {
    "csv": partial(_open_csv, encoding="utf-8"),
    "csv-gb18030": partial(_open_csv, encoding="gb18030"),
    "sqlite": _open_sqlite,
    "parquet": _open_parquet,
    "duckdb": _open_duckdb,
}


def _plain(rows: pa.Table) -> pa.Table:
    """Write booleans as 0 and 1, and dates as ISO 8601, where the format has neither."""
    plain = {pa.bool_(): pa.int8(), pa.date32(): pa.string()}
    return rows.cast(pa.schema([(field.name, plain.get(field.type, field.type)) for field in rows.schema]))
