"""The contract of an adapter, version 1: what a department's store must be able to do, and what it must never do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from federation.plan import Column, Condition, LocalQuery

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 1

Cells = dict[int, tuple[int, ...]]
"""Per non-empty group (index into `LocalQuery.group_labels()`), the measures in their order; never negative."""


@runtime_checkable
class Adapter(Protocol):
    """One department's store, opened read-only by calling the class: `cls(columns=..., **settings)`.

    `columns` is a tuple of every declared `Column` of the table; the settings are the table's own keys of
    federation.toml, all text. It runs in its department's confined process, whose working directory is the
    department's home. Four settings mean the same to every adapter:

        path    a file, made absolute and bound read-only for this department alone
        folder  the same with a folder
        url     a database server; a folder in its query (host=/run/postgresql) is bound for this department alone
        *_env   the name of an environment variable that this department alone is given

    Every method raises `federation.errors.DataError` with a code of the family ``data.`` when the store cannot be
    read or holds what the declared type forbids; never with a value out of a row, nor a name that is not declared.

    Attributes:
        version: of this contract: 1.
        settings: the keys it knows; any other key is an error that names it.
    """

    version: ClassVar[int]
    settings: ClassVar[Sequence[str]]

    def schema(self) -> tuple[str, ...]:
        """Name the columns as the store has them; used inside the department only, and never sent."""
        ...

    def aggregate(self, query: LocalQuery) -> Cells:
        """Count and sum inside the store.

        Args:
            query: conditions, groups and measures over declared columns.

        Returns:
            Only groups with at least one matching row. Rows whose grouping value is null or not in the public domain
            belong to no group and are left out. Values are clipped to [low, high] and shifted by -low.

        Raises:
            DataError: the store cannot be read, or a value is not of the declared type.
        """
        ...

    def batches(self, columns: Sequence[Column], where: Sequence[Condition] = ()) -> Iterator[pa.RecordBatch]:
        """Stream rows, for use inside the department only; a few batches are all the memory it takes.

        Args:
            columns: which, in this order; at least one.
            where: rows for which one of these does not hold may be left out; the caller leaves them out again.

        Returns:
            Batches of the schema `federation.adapters.rows.arrow_schema(columns)`; `record_batches` there makes
            them from rows of Python values.

        Raises:
            DataError: the store cannot be read, or a value is not of the declared type.
        """
        ...

    def close(self) -> None:
        """Release the store."""
        ...
