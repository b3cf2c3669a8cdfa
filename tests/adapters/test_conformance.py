"""The kit passes what is right and names what is wrong: every check here is seen to fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from federation.adapters import conformance
from federation.adapters.checks import CHECKS
from federation.adapters.specimens import SPECIMENS
from federation.errors import SettingsError
from tests.support.city import federation_toml

KEYONG = str(Path(sys.executable).with_name("keyong"))

# A right adapter over one CSV file; each fault changes one method.
GOOD = """
import csv
import time
from federation.adapters import DataError
from federation.adapters.rows import record_batches
from federation.adapters.scan import ScanAdapter
from federation.adapters.specimens import csv as specimen


class Right(ScanAdapter):
    settings = ("path", "encoding")
    specimen = staticmethod(specimen)

    def __init__(self, columns, path, encoding="utf-8"):
        self._path = path

    def schema(self):
        with open(self._path, encoding="utf-8", newline="") as file:
            return tuple(next(csv.reader(file)))

    def batches(self, columns, where=()):
        names = self.schema()
        with open(self._path, encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            next(rows)
            yield from record_batches(columns, ([row[names.index(c.name)] for c in columns] for row in rows))
"""
FAULTS = {
    "raises": ("def aggregate(self, query): raise ValueError('CANARY')", "answers", "ValueError in mine.py"),
    "nan": ("def aggregate(self, query): return {0: (float('nan'),) * len(query.measures)}", "answers", "NaN"),
    "negative": ("def aggregate(self, query): return {0: (-1,) * len(query.measures)}", "answers", "negative"),
    "schema": (
        "def schema(self): return (*super().schema(), 'more')",
        "schema",
        "not those of",
    ),
    "missing": ("def schema(self): return ('编号', 'n')", "schema", "not those of"),
    "leak": (
        "def batches(self, columns, where=()):\n"
        "        try: yield from super().batches(columns)\n"
        "        except DataError: raise ValueError(open(self._path).read()) from None",
        "leaks",
        "holds the value of a cell",
    ),
    "leak in the log": (
        "def batches(self, columns, where=()):\n"
        "        print(open(self._path).read(), flush=True)\n"
        "        yield from super().batches(columns)",
        "leaks",
        "holds the value of a cell",
    ),
    "forgives": (
        "def batches(self, columns, where=()):\n"
        "        try: yield from super().batches(columns)\n"
        "        except DataError: pass",
        "leaks",
        "goes unnoticed",
    ),
    "off by one": (
        "def aggregate(self, query): return {c: (s[0] + 1, *s[1:]) for c, s in super().aggregate(query).items()}",
        "push-down",
        "not what a scan",
    ),
    "drops a row": (
        "def batches(self, columns, where=()):\n        for batch in super().batches(columns): yield batch.slice(1)",
        "types",
        "not what was written",
    ),
    "wrong type": (
        "def batches(self, columns, where=()):\n        for batch in super().batches(columns): yield batch.select([0])",
        "types",
        "not of the declared columns",
    ),
    "unstable": (
        "count = 0\n"
        "    def batches(self, columns, where=()):\n"
        "        Mine.count += 1\n"
        "        for batch in super().batches(columns): yield batch.slice(0, 1 + Mine.count % 3)",
        "fingerprint",
        "different rows",
    ),
    "holds on": (
        "held = []\n"
        "    def batches(self, columns, where=()):\n"
        "        Mine.held.append(open(self._path))\n"
        "        yield from super().batches(columns)",
        "close",
        "stay open",
    ),
    "dies": ("def batches(self, columns, where=()): import os; os._exit(3)", "types", "exit status 3"),
    "crashes": ("def batches(self, columns, where=()): import ctypes; ctypes.string_at(0)", "types", "SIGSEGV"),
    "leaves": ("def batches(self, columns, where=()): raise SystemExit(0)", "types", "ended unexpectedly"),
    "hangs": ("def batches(self, columns, where=()): time.sleep(60)", "types", "hangs: no end within 1 s"),
    "hangs in C": (
        "def batches(self, columns, where=()):\n        import ctypes\n        ctypes.PyDLL(None).sleep(60)",
        "types",
        "hangs: no end within 1 s",
    ),
}
LOADING = {
    "hangs": ("while True: pass", "hangs: no end within 1 s"),
    "exits": ("import os; os._exit(0)", "exit status 0"),
    "crashes": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
}


def check(folder: Path, more: str = "", **options) -> conformance.Report:
    file = folder / "mine.py"
    file.write_text(f"{GOOD}\n\nclass Mine(Right):\n    {more or 'pass'}\n", "utf-8")
    return conformance.run("./mine.py:Mine", file, **options)


def test_a_right_adapter_of_one_file_passes_every_check(tmp_path):
    report = check(tmp_path)
    assert [o.check for o in report.outcomes] == list(CHECKS)
    assert [o for o in report.outcomes if not o.passed] == []
    assert report.passed and report.seconds < 30


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught_and_named(tmp_path, fault):
    change, name, words = FAULTS[fault]
    check_s = 1.0 if fault.startswith("hangs") else conformance.CHECK_S
    report = check(tmp_path, change, checks=["schema", name], check_s=check_s)
    failed = {outcome.check: outcome for outcome in report.outcomes if outcome.passed is False}
    assert not report.passed
    assert words in failed[name].en, failed
    assert failed[name].zh and failed[name].zh != failed[name].en
    assert "CANARY" not in str(report)


@pytest.mark.parametrize("fault", LOADING)
def test_code_that_does_not_survive_its_loading_has_failed_a_check(tmp_path, fault):
    code, words = LOADING[fault]
    (tmp_path / "mine.py").write_text(code, "utf-8")
    report = conformance.run("./mine.py:Mine", tmp_path / "mine.py", check_s=1.0)
    loads, *others = report.outcomes
    assert (loads.check, loads.passed, report.passed, report.sha256) == ("loads", False, False, "")
    assert words in loads.en
    assert {outcome.passed for outcome in others} == {None}


def test_code_with_an_error_in_it_is_one_sentence(tmp_path):
    (tmp_path / "mine.py").write_text("raise ValueError('CANARY')", "utf-8")
    with pytest.raises(SettingsError, match=r"settings\.adapter_broken") as caught:
        conformance.run("./mine.py:Mine", tmp_path / "mine.py")
    assert "ValueError in mine.py, line 1" in str(caught.value) and "CANARY" not in str(caught.value)


def test_an_adapter_that_always_hangs_takes_no_more_than_the_time_for_all_checks(tmp_path):
    change = "def schema(self):\n        while True: pass\n    batches = aggregate = lambda *_: time.sleep(60)"
    report = check(tmp_path, change, check_s=1.0, budget_s=3.0)
    found = [outcome.passed for outcome in report.outcomes]
    assert found[0] is True and found[1] is False and True not in found[1:] and found[-1] is None
    assert not report.passed and report.seconds < 10


@pytest.mark.parametrize("name", sorted(SPECIMENS))
def test_our_own_adapters_pass(name):
    report = conformance.run(name)
    assert [(o.check, o.en) for o in report.outcomes if not o.passed] == []
    assert report.seconds < 30


def test_an_adapter_whose_stores_cannot_be_made_up_asks_for_a_table():
    with pytest.raises(SettingsError, match=r"settings\.adapter_specimen"):
        conformance.run("postgres")


PEOPLE = {
    "g": {"type": "text", "uses": ["group_by"], "values": ["甲", "乙"]},
    "n": {"type": "integer", "uses": ["aggregate"], "bounds": [0, 100]},
}


def keyong(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [KEYONG, "--config", "federation.toml", "--home", "home", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )


def write_settings(folder: Path, store: dict[str, str]) -> None:
    departments = {name: {"people": store} for name in ("east", "west", "north")}
    rules = {"name": "x", "approvals": "automatic"}
    toml = federation_toml(departments=departments, tables={"people": PEOPLE}, rules=rules)
    (folder / "federation.toml").write_text(toml, "utf-8")


@pytest.mark.postgres
def test_the_command_checks_a_department_s_own_table_by_reading_only(tmp_path, postgres, reader_password):
    postgres.create("checked", ("g", "n"), [("甲", 1), ("乙", 2), (None, None)] * 50, ("text", "integer"))
    store = {"adapter": "postgres", "url": postgres.url, "table": "checked", "password_env": reader_password}
    write_settings(tmp_path, store)
    told = keyong(tmp_path, "adapter", "check", "postgres", "--department", "east", "--table", "people", "--json")
    report = json.loads(told.stdout)
    assert (told.returncode, report["passed"], report["subject"]) == (0, True, "east/people"), report
    not_run = {outcome["check"] for outcome in report["outcomes"] if outcome["passed"] is None}
    assert not_run == {"nulls", "encodings", "dates", "big-numbers", "empty", "wide", "leaks"}
    assert json.loads((tmp_path / "home" / "adapters" / "postgres.json").read_text("utf-8")) == report


def test_the_command_outlives_an_adapter_that_hangs_while_it_is_loaded(tmp_path):
    (tmp_path / "mine.py").write_text("while True: pass", "utf-8")
    told = keyong(tmp_path, "adapter", "check", "./mine.py:Mine", "--json")
    report = json.loads(told.stdout)
    assert (told.returncode, report["passed"], report["outcomes"][0]["check"]) == (1, False, "loads")
    assert report["outcomes"][0]["en"].startswith("hangs") and "循环" in report["outcomes"][0]["zh"]


def test_the_command_prints_what_failed_and_exits_1(tmp_path):
    (tmp_path / "mine.py").write_text(f"{GOOD}\n\nclass Mine(Right):\n    {FAULTS['nan'][0]}\n", "utf-8")
    told = keyong(tmp_path, "adapter", "check", "./mine.py:Mine", "--lang", "en")
    assert told.returncode == 1
    assert "✔" in told.stdout and "✖" in told.stdout and "does not conform" in told.stdout
    assert (tmp_path / "home" / "adapters" / "mine.py-Mine.json").exists()


def test_a_table_that_is_not_there_is_named(tmp_path):
    (tmp_path / "p.csv").write_text("g,n\n")
    write_settings(tmp_path, {"adapter": "csv", "path": "p.csv"})
    told = keyong(tmp_path, "adapter", "check", "csv", "--department", "south", "--table", "people", "--json")
    assert (told.returncode, json.loads(told.stdout)["code"]) == (1, "settings.adapter_table")
