"""Adapters whose store counts and sums by itself, in SQL: all they add is how a table is opened for one call.

Whatever is open is closed when the call ends, so that a table that has been renamed, or a file whose content has been
replaced, is seen by the next one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from federation.adapters import sql
from federation.adapters.contract import VERSION, Cells
from federation.plan import Column, Condition, LocalQuery

if TYPE_CHECKING:
    import pyarrow as pa


class PushDownAdapter(ABC):
    """An adapter of one method, `_open`; and of a constructor, which takes the settings."""

    version: ClassVar[int] = VERSION

    @abstractmethod
    def _open(self) -> AbstractContextManager[sql.Table]:
        """Open the table for one call; let nothing out but errors of ours."""

    def schema(self) -> tuple[str, ...]:
        """Name the columns of the table."""
        with self._open() as table:
            return table.columns

    def aggregate(self, query: LocalQuery) -> Cells:
        """Count and sum inside the store; see `federation.adapters.Adapter`."""
        with self._open() as table:
            return sql.aggregate(query, table)

    def batches(self, columns: Sequence[Column], where: Sequence[Condition] = ()) -> Iterator[pa.RecordBatch]:
        """Stream rows; see `federation.adapters.Adapter`."""
        with self._open() as table:
            yield from sql.batches(columns, where, table)

    def close(self) -> None:  # noqa: B027 - there is nothing to do, and nothing to override
        """Do nothing: nothing stays open between calls."""


class DatabaseFileAdapter(PushDownAdapter):
    """One table or view of a database that is one file."""

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
