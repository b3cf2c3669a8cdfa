"""A department's database behind one small contract. This module is the stable API for writers of adapters.

An adapter is a class registered under the entry-point group ``keyong.adapters``; ours come in by the same door. It
runs inside its department's confined process. Rows stay inside: what is asked of it is answered by counts and sums per
public group, computed in the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Protocol, runtime_checkable

from federation.errors import DataError, SettingsError
from federation.plan import Column, LocalQuery

Cells = dict[int, tuple[int, ...]]
"""Per non-empty group (index into `LocalQuery.group_labels()`), the measures in their order; never negative."""


@runtime_checkable
class Adapter(Protocol):
    """One department's store, opened read-only by calling the class with the table's settings as keywords.

    Every method raises `federation.errors.DataError` with a code of the family ``data.`` when the store cannot be
    read or holds what the declared type forbids; never with a value out of a row, nor a name that is not declared.
    """

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

    def close(self) -> None:
        """Release the store."""
        ...


def load_adapter(name: str, columns: tuple[Column, ...], settings: Mapping[str, object]) -> Adapter:
    """Open the store that an installed package registered as `name`.

    Args:
        columns: every column that federation.toml declares for the table, with its type.
        settings: the adapter's own keys of the table (path, encoding, ...).

    Raises:
        SettingsError: no such adapter, a setting it does not know, or the object does not meet the contract.
        DataError: the store cannot be opened, or a declared column is not in it.
    """
    found = entry_points(group="keyong.adapters", name=name)
    if not found:
        known = ", ".join(sorted(e.name for e in entry_points(group="keyong.adapters")))
        raise SettingsError("settings.adapter_unknown", adapter=name, known=known)
    try:
        adapter = next(iter(found)).load()(columns=columns, **settings)
    except TypeError as exc:
        raise SettingsError("settings.adapter_settings", adapter=name) from exc
    if not isinstance(adapter, Adapter):
        raise SettingsError("settings.adapter_contract", adapter=name)
    present = set(adapter.schema())
    for column in columns:
        if column.name not in present:
            adapter.close()
            raise DataError("data.column_missing", column=column.name)
    return adapter
