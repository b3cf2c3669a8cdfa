"""What stands between us and an adapter, ours or a stranger's: answers are checked, errors carry nothing out.

An adapter may be wrong in any way short of lying consistently: what it raises, the shape of what it answers and the
type of every number are looked at here, so that the rest may rely on the contract.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from federation.adapters.contract import VERSION, Adapter, Cells
from federation.errors import DataError, KeyongError, SettingsError
from federation.plan import Column, Condition, LocalQuery

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger(__name__)


@contextmanager
def guarded(name: str, columns: Sequence[Column]) -> Iterator[None]:
    """Let nothing out of an adapter's code but errors of ours, without details that could come from a row.

    Raises:
        DataError: the adapter raised one of ours; or anything else, which becomes data.adapter_failed.
        SettingsError: the adapter raised one.
    """
    try:
        yield
    except SettingsError:
        raise
    except KeyongError as error:
        declared = {column.name for column in columns}
        kept = {key: value for key, value in error.details.items() if key == "column" and value in declared}
        # A foreign code has no words of ours, and a party's fault is not an adapter's to declare.
        if isinstance(error, DataError) and error.code.startswith("data."):
            raise DataError(error.code, **kept) from None
        raise DataError("data.adapter_failed") from None
    except Exception as error:
        # Its words may quote a row; its kind and place do not, and are what the owner needs.
        logger.error("adapter %s: %s", name, place(error))
        raise DataError("data.adapter_failed") from None


def place(error: BaseException) -> str:
    """Say what kind of error was raised and where, without its words."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


class GuardedAdapter:
    """An adapter of which every answer is checked."""

    version: ClassVar[int] = VERSION
    settings: ClassVar[Sequence[str]] = ()

    def __init__(self, adapter: Adapter, name: str, columns: tuple[Column, ...]) -> None:
        self._adapter, self._name, self._columns = adapter, name, columns
        self._closed = False

    def schema(self) -> tuple[str, ...]:
        """Name the columns; see `federation.adapters.Adapter`."""
        with self._guarded():
            names = tuple(self._adapter.schema())
        if not names or not all(isinstance(name, str) for name in names):
            raise DataError("data.adapter_answer")
        return names

    def aggregate(self, query: LocalQuery) -> Cells:
        """Count and sum; see `federation.adapters.Adapter`."""
        with self._guarded():
            cells = self._adapter.aggregate(query)
        if not are_cells(cells, query):
            logger.error("adapter %s: what it answered is not counts and sums of the groups asked for", self._name)
            raise DataError("data.adapter_answer")
        return cells

    def batches(self, columns: Sequence[Column], where: Sequence[Condition] = ()) -> Iterator[pa.RecordBatch]:
        """Stream rows; see `federation.adapters.Adapter`. Rows that do not match are left out here."""
        # Only here: pyarrow starts a thread as it is loaded, and the launcher must have none when it forks.
        from federation.adapters.rows import arrow_schema
        from federation.adapters.scan import matching

        expected = arrow_schema(columns)
        with self._guarded():
            yield from matching(self._of_schema(columns, where, expected), columns, where)

    def _of_schema(
        self, columns: Sequence[Column], where: Sequence[Condition], expected: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        for batch in self._adapter.batches(columns, where):
            if getattr(batch, "schema", None) != expected:
                logger.error("adapter %s: a batch is not of the columns and types asked for", self._name)
                raise DataError("data.adapter_answer")
            yield batch

    def close(self) -> None:
        """Release the store; every later call is an error."""
        if not self._closed:
            with self._guarded():
                self._adapter.close()
        self._closed = True

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        if self._closed:
            raise DataError("data.closed")
        with guarded(self._name, self._columns):
            yield


def are_cells(cells: object, query: LocalQuery) -> bool:
    """Say whether an answer has the shape of one: existing groups, whole numbers from 0 to each measure's bound."""
    return isinstance(cells, dict) and all(
        type(cell) is int
        and 0 <= cell < query.group_count
        and isinstance(sums, tuple)
        and len(sums) == len(query.measures)
        and all(type(s) is int and 0 <= s <= m.bound for s, m in zip(sums, query.measures, strict=True))
        for cell, sums in cells.items()
    )
