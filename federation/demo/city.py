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

# Different bureaus, different stores: the same three tables in all of them.
FORMATS = {
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
)
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
            departments=_counties(),
            formats=FORMATS,
        )
        write_whole(home.path / "city.json", json.dumps({"citizens": citizens, "seed": SEED}).encode())
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


def _toml(city: jincheng.CityFiles) -> list[str]:

    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    lines = ["version = 1", "", "[federation]", 'name = "示范市（合成数据）"', "min_group_size = 10", "threshold = 3"]
    lines += ["min_contributors = 3", "key_bits = 2048", 'approvals = "officers"']
    for name, role, person in OFFICERS:
        lines += ["", "[[officer]]", f"name = {text(name)}", f"role = {text(role)}", f"person = {text(person)}"]
    for node in _counties():
        county = node.county
        if county is None:
            continue
        lines += ["", "[[department]]", f"name = {text(county.key)}", f"label = {text(county.label_zh + '分局')}"]
        lines += [f"label_en = {text(county.label_en + ' bureau')}"]
        for table in node.tables:
            kind, path = FORMATS[county.key], city.path(county.key, table.name)
            head = f"department.tables.{table.name}"
            lines += ["", f"[{head}]", f"adapter = {text(ADAPTERS.get(kind, kind))}"]
            lines += [f"path = {text(str(path.relative_to(city.folder.parent)))}", f"id = {text(table.id_column)}"]
            lines += [f"table = {text(table.name)}"] if kind in ("sqlite", "duckdb") else []
            lines += ['encoding = "gb18030"'] if kind == "csv-gb18030" else []
            lines += [f"label = {text(table.label_zh)}", f"label_en = {text(table.label_en)}"]
            for column in table.columns:
                lines += [f"[{head}.columns.{column.name}]", f"type = {text(column.type)}"]
                lines += [f"uses = {text(list(column.uses))}", f"label = {text(column.label_zh)}"]
                lines += [f"label_en = {text(column.label_en)}", f"unit = {text(column.unit)}"]
                lines += [f"bounds = {text(list(column.bounds))}"] if column.bounds else []
                lines += [f"values = {text(list(column.values))}"] if column.values else []
                lines += [f"cuts = {text(list(column.cuts))}"] if column.cuts else []
    return lines
