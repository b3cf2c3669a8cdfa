"""From a name in federation.toml to an open adapter: an installed package's, or one file of the operator's own."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from federation.adapters.contract import VERSION, Adapter
from federation.adapters.guard import GuardedAdapter, guarded, place
from federation.errors import DataError, SettingsError
from federation.plan import Column

GROUP = "keyong.adapters"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterCode:
    """An adapter's class, and which code it is.

    Attributes:
        name: as federation.toml writes it.
        sha256: of the file that holds the class, hex: what reads the data is on record by it.
    """

    name: str
    adapter: type[Adapter]
    sha256: str

    def open(self, columns: tuple[Column, ...], settings: Mapping[str, str]) -> Adapter:
        """Open a store, and check that it has the declared columns.

        Raises:
            SettingsError: a setting is not known, wrong or missing.
            DataError: the store cannot be opened, or a declared column is not in it.
        """
        self._check_settings(settings)
        with guarded(self.name, columns):
            bare = self.adapter(columns=columns, **settings)  # type: ignore[call-arg]  # a Protocol has no constructor
        if not isinstance(bare, Adapter):
            raise SettingsError("settings.adapter_contract", adapter=self.name)
        adapter = GuardedAdapter(bare, self.name, columns)
        try:
            present = set(adapter.schema())
            for column in columns:
                if column.name not in present:
                    raise DataError("data.column_missing", column=column.name)
        except DataError:
            adapter.close()
            raise
        return adapter

    def _check_settings(self, settings: Mapping[str, str]) -> None:
        known = tuple(self.adapter.settings)
        for key in settings:
            if key not in known:
                raise SettingsError(
                    "settings.adapter_key_unknown", adapter=self.name, key=key, known=", ".join(known) or "-"
                )
        parameters = inspect.signature(self.adapter).parameters
        for key in known:
            if key not in settings and key in parameters and parameters[key].default is inspect.Parameter.empty:
                raise SettingsError("settings.adapter_key_missing", adapter=self.name, key=key)


def find_adapter(name: str, file: Path | None = None) -> AdapterCode:
    """Load an adapter's class: this runs its module.

    Args:
        name: an entry point's name in the group keyong.adapters; or anything:Class with a file.
        file: the Python file that holds the class, if it is one of the operator's own.

    Raises:
        SettingsError: no such adapter, its code does not load, or it does not meet version 1 of the contract.
    """
    found, sha256 = _in_file(name, file) if file else _installed(name)
    methods = ("schema", "aggregate", "batches", "close")
    if not isinstance(found, type) or not all(callable(getattr(found, method, None)) for method in methods):
        raise SettingsError("settings.adapter_contract", adapter=name)
    version = getattr(found, "version", None)
    if version != VERSION:
        raise SettingsError("settings.adapter_version", adapter=name, found=version, known=VERSION)
    keys = getattr(found, "settings", None)
    if isinstance(keys, str | None) or not all(isinstance(key, str) for key in keys):
        raise SettingsError("settings.adapter_contract", adapter=name)
    return AdapterCode(name=name, adapter=found, sha256=sha256)


def load_adapter(
    name: str, columns: tuple[Column, ...], settings: Mapping[str, str], file: Path | None = None
) -> Adapter:
    """Find an adapter and open a table's store with it; see `find_adapter` and `AdapterCode.open`."""
    return find_adapter(name, file).open(columns, settings)


def installed_adapters() -> list[str]:
    """The names that packages have registered, sorted."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def _installed(name: str) -> tuple[object, str]:
    found = entry_points(group=GROUP, name=name)
    if not found:
        raise SettingsError("settings.adapter_unknown", adapter=name, known=", ".join(installed_adapters()))
    try:
        loaded = next(iter(found)).load()
    except Exception as exc:
        raise SettingsError("settings.adapter_broken", adapter=name, reason=place(exc)) from exc
    file = getattr(sys.modules.get(getattr(loaded, "__module__", "")), "__file__", None)
    return loaded, hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""


def _in_file(name: str, file: Path) -> tuple[object, str]:
    try:
        source = file.read_bytes()
    except OSError as exc:
        raise SettingsError("settings.adapter_broken", adapter=name, reason=type(exc).__name__) from exc
    sha256 = hashlib.sha256(source).hexdigest()
    # The very bytes that were hashed are what runs. Its folder is no place to import from: one file is all we bind.
    module = ModuleType(f"keyong_adapter_{sha256[:16]}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, str(file), "exec"), module.__dict__)  # noqa: S102 - it is the operator's own code
    except Exception as exc:
        raise SettingsError("settings.adapter_broken", adapter=name, reason=place(exc)) from exc
    return getattr(module, name.rpartition(":")[2], None), sha256
