"""A department's table in a DuckDB database file, opened read-only.

The file is opened anew for every call, so that a replaced file is seen and nothing is held in between. DuckDB lets
nobody read while another process has the file open for writing: the owner's program must close it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import duckdb

from federation.adapters import sql
from federation.adapters.contract import VERSION, Cells
from federation.adapters.duck import TypedDuckTable, limited, quoted
from federation.errors import DataError
from federation.plan import Column, Condition, LocalQuery

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger(__name__)


class DuckdbAdapter:
    """Reads one table or view."""

    version: ClassVar[int] = VERSION
    settings: ClassVar[Sequence[str]] = ("path", "table")

    def __init__(self, columns: tuple[Column, ...], path: str, table: str) -> None:
        """Name the table.

        Args:
            columns: what is declared; every query brings those that it needs.
            path: the database file.
            table: the table's or view's name in it.
        """
        self._path = Path(path)
        self._table = table

    def schema(self) -> tuple[str, ...]:
        """Name the columns of the table."""
        with self._open() as table:
            return tuple(table.types)

    def aggregate(self, query: LocalQuery) -> Cells:
        """Count and sum inside DuckDB; see `federation.adapters.Adapter`."""
        with self._open() as table:
            return sql.aggregate(query, table)

    def batches(self, columns: Sequence[Column], where: Sequence[Condition] = ()) -> Iterator[pa.RecordBatch]:
        """Stream rows; see `federation.adapters.Adapter`."""
        with self._open() as table:
            yield from sql.batches(columns, where, table)

    def close(self) -> None:
        """Do nothing: no file stays open between calls."""

    @contextmanager
    def _open(self) -> Iterator[_DuckdbTable]:
        try:
            yield _DuckdbTable(self._path, self._table)
        except duckdb.Error as exc:
            # Its message may name or quote what the catalogue does not; its kind is enough for the owner.
            logger.warning("duckdb cannot read the table: %s", type(exc).__name__)
            raise DataError("data.unreadable") from None


class _DuckdbTable(TypedDuckTable):
    """The table in DuckDB's SQL."""

    def __init__(self, path: Path, table: str) -> None:
        self._path = str(path)
        super().__init__(f"store.{quoted(table)}")

    @contextmanager
    def connected(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, object]]]:
        with limited(store=self._path) as connection:
            yield connection, {}
