"""A county bureau's files: CSV in UTF-8 or GB 18030, or one SQLite database."""

import csv
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jincheng.cards import TABLES
from jincheng.tables import Rows

CSV_ENCODINGS = {"csv": "utf-8", "csv-gb18030": "gb18030"}
FORMATS = (*CSV_ENCODINGS, "sqlite")
SQLITE_FILE = "county.sqlite"
SQLITE_TYPES = {"integer": "INTEGER", "boolean": "INTEGER", "text": "TEXT", "date": "TEXT"}

AppendRows = Callable[[str, Rows], None]  # table name, its next rows


def file_of(county_folder: Path, table: str, file_format: str) -> Path:
    """Name the file that holds this table of a county."""
    return county_folder / (SQLITE_FILE if file_format == "sqlite" else f"{table}.csv")


def open_county(county_folder: Path, file_format: str) -> AbstractContextManager[AppendRows]:
    """Begin a county's files anew; what comes back appends rows to one of its tables."""
    county_folder.mkdir(parents=True, exist_ok=True)
    if file_format == "sqlite":
        return _open_sqlite(county_folder / SQLITE_FILE)
    return _open_csv(county_folder, CSV_ENCODINGS[file_format])


@contextmanager
def _open_csv(county_folder: Path, encoding: str) -> Iterator[AppendRows]:
    with ExitStack() as stack:
        writers = {}
        for table, card in TABLES.items():
            path = county_folder / f"{table}.csv"
            file = stack.enter_context(path.open("w", encoding=encoding, newline=""))
            writers[table] = csv.writer(file, lineterminator="\n")
            writers[table].writerow(column.name for column in card.columns)

        def append(table: str, rows: Rows) -> None:
            writers[table].writerows(_records(rows))

        yield append


@contextmanager
def _open_sqlite(path: Path) -> Iterator[AppendRows]:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        for table, card in TABLES.items():
            columns = ", ".join(f"{column.name} {SQLITE_TYPES[column.type]}" for column in card.columns)
            database.execute(f"CREATE TABLE {table} ({columns})")

        def append(table: str, rows: Rows) -> None:
            places = ", ".join("?" * len(rows))
            insert = f"INSERT INTO {table} VALUES ({places})"  # noqa: S608  # the name is our own
            database.executemany(insert, _records(rows))

        yield append


def _records(rows: Rows) -> Iterable[tuple[object, ...]]:
    return zip(*(_cells(values) for values in rows.values()), strict=True)


def _cells(values: NDArray[Any]) -> list[object]:
    """Turn a column into what csv and sqlite3 write: int, str, or None for null."""
    if values.dtype == np.bool_:
        values = values.astype(np.int8)  # 0 and 1
    elif values.dtype.kind == "M":
        values = values.astype(np.str_)  # ISO 8601
    cells: list[object] = values.tolist()
    return cells
