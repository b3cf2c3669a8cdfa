"""A department's table in a DuckDB database file, opened read-only.

The file is opened anew for every call, so that a replaced file is seen and nothing is held in between. DuckDB lets
nobody read while another process has the file open for writing: the owner's program must close it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from federation.adapters.duck import TypedDuckTable, limited, quoted
from federation.adapters.pushdown import DatabaseFileAdapter
from federation.errors import DataError

logger = logging.getLogger(__name__)


class DuckdbAdapter(DatabaseFileAdapter):
    """Reads one table or view."""

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
