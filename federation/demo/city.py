"""The built-in synthetic city as a federation: its files, its officers, its federation.toml."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crypto.keyfile import MIN_COST
from federation.errors import SettingsError
from federation.governance.identity import write_whole
from federation.governance.officers import create_officer
from federation.governance.roster import OfficerRole
from federation.runtime.home import Home

if TYPE_CHECKING:
    import jincheng

CITIZENS = 20_000
LEAST_CITIZENS, MOST_CITIZENS = 1_000, 1_000_000
SEED = 7

# Different departments, different stores: the same tables in all six counties, and one of the city's own.
FORMATS = {
    "tax": "parquet",
    "chengqu": "csv",
    "gaoping": "csv-gb18030",
    "zezhou": "sqlite",
    "yangcheng": "parquet",
    "lingchuan": "duckdb",
    "qinshui": "csv",
}
# One passphrase for all, known to everybody: nothing but synthetic data is behind it, and the program says so.
DEMO_PASSPHRASE = "keyong-demo-2026"  # noqa: S105 - no secret, as said


# Made-up persons in the three separate roles.
OFFICERS: tuple[tuple[str, OfficerRole, str], ...] = (
    ("operator@city", "operator", "甲（虚构）"),
    ("auditor@city", "auditor", "乙（虚构）"),
    ("officer@chengqu", "officer", "丙（虚构）"),
    ("officer@gaoping", "officer", "丁（虚构）"),
    ("officer@zezhou", "officer", "戊（虚构）"),
    ("officer@yangcheng", "officer", "己（虚构）"),
    ("officer@lingchuan", "officer", "庚（虚构）"),
    ("officer@qinshui", "officer", "辛（虚构）"),
    ("officer@tax", "officer", "壬（虚构）"),
)
# Who may ask: the city's data bureau, and one county by an account that the city allots to it.
ANALYSTS = ("analyst@city", "analyst@zezhou")
# A county's analyst asks for statistics in larger groups, and of no important data.
COUNTY = ("[county]", 'requests = ["sum"]', "min_group_size = 20")
# Tables as their owners class them, and those whose rows an approved script may be given, behind the owner's door.
IMPORTANT = frozenset({"admissions", "pit", "household_tax", "vat"})
SCRIPTED = frozenset({"insured", "pit"})
ADAPTERS = {"csv-gb18030": "csv"}  # where the format's name is not the adapter's


def is_demonstration(home: Home) -> bool:
    """Whether a home was made for the built-in demonstration, so that nobody's data is in it."""
    return (home.path / "city.json").exists()


def built_in_settings(home: Home, *, citizens: int = CITIZENS) -> Path:
    """Make the synthetic city in the home, unless it is there, and return its federation.toml.

    Raises:
        SettingsError: the size is out of range.
    """
    import jincheng

    home.prepare()
    file = home.path / "federation.toml"
    if not file.exists():
        if not LEAST_CITIZENS <= citizens <= MOST_CITIZENS:
            raise SettingsError("settings.citizens", citizens=citizens)
        city = jincheng.generate(
            home.path / "parties",
            citizens=citizens,
            seed=SEED,
            workers=2 if citizens > 200_000 else 1,
            departments=_nodes(),
            formats=FORMATS,
        )
        rows: dict[str, dict[str, int]] = {}
        for (department, table), count in city.rows.items():
            rows.setdefault(department, {})[table] = count
        made = {"citizens": citizens, "seed": SEED, "rows": rows}
        write_whole(home.path / "city.json", json.dumps(made).encode())
        lines = [f"# synthetic city of {citizens} citizens, seed {SEED}: nothing in it is a real person", *_toml(city)]
        write_whole(file, ("\n".join(lines) + "\n").encode())
    for name, role, person in OFFICERS:
        if not (home.officer(name) / "key").exists():
            create_officer(
                home.officer(name), name=name, role=role, person=person, passphrase=DEMO_PASSPHRASE, cost=MIN_COST
            )
    return file


def _counties() -> list[jincheng.Department]:
    """Each county as one node: its bureaus' three tables, and its hospital's cases."""
    import jincheng

    hospitals = {hospital.county: hospital.tables for hospital in jincheng.HOSPITALS}
    return [replace(bureau, tables=(*bureau.tables, *hospitals[bureau.county])) for bureau in jincheng.BUREAUS]


def _nodes() -> list[jincheng.Department]:
    """Every department of the demonstration: the counties, and one of the city's own."""
    import jincheng

    return [*_counties(), *(bureau for bureau in jincheng.DEPARTMENTS if bureau.key == "tax")]


def _toml(city: jincheng.CityFiles) -> list[str]:
    lines = ["version = 1", "", "[federation]", 'name = "示范市（合成数据）"', "min_group_size = 10", "threshold = 3"]
    lines += ["min_contributors = 3", "key_bits = 2048", 'approvals = "officers"', f"analysts = {_text(ANALYSTS)}"]
    lines += ["", *COUNTY]
    for name, role, person in OFFICERS:
        lines += ["", "[[officer]]", f"name = {_text(name)}", f"role = {_text(role)}", f"person = {_text(person)}"]
    for node in _nodes():
        name = node.county.key if node.county else node.key
        zh, en = (node.county.label_zh, node.county.label_en) if node.county else (node.label_zh, node.label_en)
        lines += [
            "",
            "[[department]]",
            f"name = {_text(name)}",
            f"label = {_text(zh + ('分局' if node.county else '局'))}",
        ]
        lines += [f"label_en = {_text(en + ' bureau')}", f'tier = "{"county" if node.county else "city"}"']
        for table in node.tables:
            lines += ["", *_table(name, table, city)]
    return lines


def _table(department: str, table: jincheng.TableCard, city: jincheng.CityFiles) -> list[str]:
    kind, path = FORMATS[department], city.path(department, table.name)
    head = f"department.tables.{table.name}"
    lines = [f"[{head}]", f"adapter = {_text(ADAPTERS.get(kind, kind))}"]
    lines += [f"path = {_text(str(path.relative_to(city.folder.parent)))}", f"id = {_text(table.id_column)}"]
    lines += [f"table = {_text(table.name)}"] if kind in ("sqlite", "duckdb") else []
    lines += ['encoding = "gb18030"'] if kind == "csv-gb18030" else []
    lines += [f"label = {_text(table.label_zh)}", f"label_en = {_text(table.label_en)}"]
    lines += [f"summary = {_text(table.about_zh)}", f"summary_en = {_text(table.about_en)}"]
    lines += ['data_class = "important"'] if table.name in IMPORTANT else []
    lines += ["scripts = true"] if table.name in SCRIPTED else []
    for column in table.columns:
        lines += [f"[{head}.columns.{column.name}]", f"type = {_text(column.type)}"]
        lines += [f"uses = {_text(column.uses)}", f"label = {_text(column.label_zh)}"]
        lines += [f"label_en = {_text(column.label_en)}", f"unit = {_text(column.unit)}"]
        lines += [f"bounds = {_text(column.bounds)}"] if column.bounds else []
        lines += [f"values = {_text(column.values)}"] if column.values else []
        lines += [f"cuts = {_text(column.cuts)}"] if column.cuts else []
    return lines


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
