"""A department's table in Parquet files, read by DuckDB.

A folder is one table: all its files `*.parquet`, in it or below. They must have the same columns. The files are opened
anew for every call.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import duckdb

from federation.adapters.duck import TypedDuckTable, limited, literal
from federation.adapters.pushdown import PushDownAdapter
from federation.errors import DataError, SettingsError
from federation.plan import Column

logger = logging.getLogger(__name__)


class ParquetAdapter(PushDownAdapter):
    """Reads one Parquet file, or a folder of them as one table."""

    settings: ClassVar[Sequence[str]] = ("path", "folder")

    def __init__(self, columns: tuple[Column, ...], path: str = "", folder: str = "") -> None:
        """Name the file or the folder.

        Args:
            columns: what is declared; every query brings those that it needs.
            path: a file.
            folder: a folder whose files are one table.

        Raises:
            SettingsError: neither or both.
        """
        if bool(path) == bool(folder):
            raise SettingsError("settings.one_path", adapter="parquet")
        self._file, self._folder = Path(path), Path(folder) if folder else None

    @contextmanager
    def _open(self) -> Iterator[_ParquetTable]:
        try:
            yield _ParquetTable(self._files())
        except duckdb.Error as exc:
            # Its message may name or quote what the catalogue does not; its kind is enough for the owner.
            logger.warning("duckdb cannot read the files: %s", type(exc).__name__)
            raise DataError("data.unreadable") from None

    def _files(self) -> list[str]:
        files = sorted(self._folder.rglob("*.parquet")) if self._folder else [self._file]
        if not files or not all(file.is_file() for file in files):
            logger.warning("cannot read the files: there are none")
            raise DataError("data.unreadable")
        return [str(file) for file in files]


class _ParquetTable(TypedDuckTable):
    """The files in DuckDB's SQL."""

    def __init__(self, files: list[str]) -> None:
        self._files = files
        # Named one by one: DuckDB takes * and ? in a name for patterns, but not those of a literal it may open.
        super().__init__(f"read_parquet([{', '.join(map(literal, files))}], hive_partitioning = false)")

    @contextmanager
    def connected(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, object]]]:
        with limited(self._files) as connection:
            yield connection, {}
