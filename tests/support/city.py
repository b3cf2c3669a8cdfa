"""A federation.toml over the synthetic city, or over any tables a test makes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from federation import demo
from federation.runtime.home import Home

TAX_OFFICER = '[[officer]]\nname = "officer@tax"\nrole = "officer"\nperson = "壬（虚构）"\n'


def write_federation(folder: Path, *, citizens: int, key_bits: int, approvals: str = "automatic") -> Path:
    """Make the built-in demo's settings in a folder of their own: its six counties, with another key size."""
    home = Home(folder / "city")
    file = demo.built_in_settings(home, citizens=citizens)
    text = file.read_text("utf-8").replace("key_bits = 2048", f"key_bits = {key_bits}")
    text = text.replace('approvals = "officers"', f'approvals = "{approvals}"')
    text = text[: text.index('[[department]]\nname = "tax"')].replace(TAX_OFFICER, "")
    if approvals == "automatic":
        officers = text.index("[[officer]]")
        text = text[:officers] + text[text.index("[[department]]") :]
    file.write_text(text, "utf-8")
    return file


def federation_toml(
    *,
    departments: Mapping[str, Mapping[str, Mapping[str, object]]],
    tables: Mapping[str, Mapping[str, Mapping[str, object]]],
    rules: Mapping[str, object],
    further: Mapping[str, Mapping[str, object]] | None = None,
) -> str:
    """Write a federation.toml.

    Args:
        departments: name -> table -> the adapter's settings ("adapter" among them).
        tables: table -> column -> its keys.
        rules: keys of [federation]; approvals are automatic unless it says otherwise.
        further: other keys of a department, by its name.
    """
    rules = {"approvals": "automatic", **rules}
    lines = ["version = 1", "[federation]", *(f"{key} = {toml(value)}" for key, value in rules.items())]
    for name, stores in departments.items():
        lines += ["[[department]]", f"name = {toml(name)}"]
        lines += [f"{key} = {toml(value)}" for key, value in (further or {}).get(name, {}).items()]
        for table, store in stores.items():
            lines += [f"[department.tables.{toml(table)}]", *(f"{key} = {toml(value)}" for key, value in store.items())]
            for column, keys in tables[table].items():
                lines += [f"[department.tables.{toml(table)}.columns.{toml(column)}]"]
                lines += [f"{key} = {toml(value)}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def toml(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
