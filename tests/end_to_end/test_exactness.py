"""Over forty queries through real, separate departments, each equal to pandas on the pooled clear data."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from federation import operate
from federation.analyst import Analyst
from federation.errors import KeyongError
from federation.runtime.home import Home
from federation.settings import read_settings
from tests.support.city import federation_toml

pytestmark = pytest.mark.xdist_group("federation")

HOLDERS = {"three": 3, "four": 4, "five": 5, "six": 6}
DEPARTMENTS = ("a", "b", "c", "d", "e", "f")
KINDS = ("x", "y", "z")
MANY = tuple(f"v{number:03d}" for number in range(300))
RANGE = 2**46

COLUMNS = {
    "kind": {"type": "text", "uses": ["group_by", "filter"], "values": list(KINDS)},
    "half": {"type": "boolean", "uses": ["group_by", "filter", "aggregate"]},
    "many": {"type": "text", "uses": ["group_by", "filter"], "values": list(MANY)},
    "signed": {
        "type": "integer",
        "uses": ["aggregate", "filter", "group_by"],
        "bounds": [-500, 500],
        "cuts": [-100, 0, 100],
    },
    "negative": {"type": "integer", "uses": ["aggregate"], "bounds": [-900, -1]},
    "zero": {"type": "integer", "uses": ["aggregate"], "bounds": [-5, 5]},
    "nothing": {"type": "integer", "uses": ["aggregate"], "bounds": [0, 9]},
    "holes": {"type": "integer", "uses": ["aggregate", "filter"], "bounds": [0, 1000], "cuts": [500]},
    "maximal": {"type": "integer", "uses": ["aggregate"], "bounds": [0, RANGE]},
    "money": {"type": "decimal(2)", "uses": ["aggregate", "filter"], "bounds": [-1000, 1000], "cuts": [-10.5, 0]},
    "narrow": {"type": "integer", "uses": ["aggregate"], "bounds": [-20, 20]},
}


def table(seed: int, rows: int) -> pd.DataFrame:
    """One department's rows; the same shape everywhere, other numbers."""
    random = np.random.default_rng(seed)
    holes = pd.array(random.integers(0, 1001, rows), dtype="Int64")
    holes[random.random(rows) < 0.3] = pd.NA
    return pd.DataFrame(
        {
            "kind": random.choice(KINDS, rows),
            "half": random.random(rows) < 0.5,
            "many": random.choice(MANY, rows),
            "signed": random.integers(-500, 501, rows),
            "negative": random.integers(-900, 0, rows),
            "zero": np.zeros(rows, dtype="int64"),
            "nothing": pd.array([pd.NA] * rows, dtype="Int64"),
            "holes": holes,
            "maximal": np.where(random.random(rows) < 0.9, RANGE, random.integers(0, RANGE, rows)),
            "money": random.integers(-100_000, 100_001, rows),  # in hundredths
            "narrow": random.integers(-60, 61, rows),
        }
    )


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory) -> Iterator[tuple[Analyst, dict[str, pd.DataFrame]]]:
    """Six departments, tables held by three to six of them in different stores, and the pooled clear data."""
    folder = tmp_path_factory.mktemp("laboratory")
    departments: dict[str, dict[str, dict[str, object]]] = {name: {} for name in DEPARTMENTS}
    pooled: dict[str, list[pd.DataFrame]] = {}
    for size, (name, holders) in enumerate(HOLDERS.items()):
        for index, department in enumerate(DEPARTMENTS[:holders]):
            frame = table(100 * size + index, 3_000 if name == "six" else 400)
            pooled.setdefault(name, []).append(frame)
            written = frame.assign(
                half=frame.half.map({True: "true", False: "0"}) if index % 2 else frame.half.astype(int),
                money=[f"{cents / 100:.2f}" for cents in frame.money],
            )
            departments[department][name] = store(folder / f"{department}-{name}", written, sqlite=index % 2 == 0)
    # One more table in which every department but one has no row at all.
    for index, department in enumerate(DEPARTMENTS):
        frame = table(7, 50 if index == 0 else 0)
        pooled.setdefault("empty", []).append(frame)
        departments[department]["empty"] = store(
            folder / f"{department}-empty", frame.assign(half=frame.half.astype(int)), sqlite=False
        )
    rules = {"name": "laboratory", "key_bits": 512, "threshold": 4}
    tables = {name: COLUMNS for name in (*HOLDERS, "empty")}
    file = folder / "federation.toml"
    file.write_text(federation_toml(departments=departments, tables=tables, rules=rules), "utf-8")
    settings, home = read_settings(file, minimum_key_bits=512), Home(folder / "home")
    operate.up(settings, home, minimum_key_bits=512)
    try:
        analyst = operate.open_analyst(settings, home, minimum_key_bits=512)
        yield analyst, {name: pd.concat(frames, ignore_index=True) for name, frames in pooled.items()}
    finally:
        operate.down(home)


def store(path: Path, frame: pd.DataFrame, *, sqlite: bool) -> dict[str, object]:
    if sqlite:
        with sqlite3.connect(path.with_suffix(".db")) as db:
            frame.astype(object).where(frame.notna(), None).to_sql("rows", db, index=False)
        return {"adapter": "sqlite", "path": str(path.with_suffix(".db")), "table": "rows"}
    frame.to_csv(path.with_suffix(".csv"), index=False)
    return {"adapter": "csv", "path": str(path.with_suffix(".csv"))}


def grouped(keys: list[str], **columns: tuple[str, str]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.groupby(keys).agg(**columns).reset_index()


def whole(**columns: tuple[str, str]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: pd.DataFrame({name: [frame[column].agg(how)] for name, (column, how) in columns.items()})


def among(condition: Callable[[pd.DataFrame], pd.Series], then: Callable[[pd.DataFrame], pd.DataFrame]):
    return lambda frame: then(frame[condition(frame).fillna(False)])


def bands(frame: pd.DataFrame) -> pd.DataFrame:
    labels = ["< -100", "[-100, 0)", "[0, 100)", ">= 100"]
    cut = pd.cut(frame.signed, [-math.inf, -100, 0, 100, math.inf], right=False, labels=labels)
    return frame.groupby(cut, observed=True).signed.agg(["size", "sum"]).reset_index()


N = ("kind", "size")
# table, SELECT list, WHERE and GROUP BY, number of keys, the clear answer, units to divide the clear numbers by
QUERIES = [
    ("six", "COUNT(*)", "", 0, whole(n=N), [1]),
    ("six", "COUNT(*), SUM(signed)", "", 0, whole(n=N, s=("signed", "sum")), [1, 1]),
    ("three", "COUNT(*), SUM(signed)", "", 0, whole(n=N, s=("signed", "sum")), [1, 1]),
    ("four", "COUNT(*), SUM(signed)", "", 0, whole(n=N, s=("signed", "sum")), [1, 1]),
    ("five", "COUNT(*), SUM(signed)", "", 0, whole(n=N, s=("signed", "sum")), [1, 1]),
    ("six", "SUM(negative), AVG(negative)", "", 0, whole(s=("negative", "sum"), m=("negative", "mean")), [1, 1]),
    ("three", "SUM(negative)", "", 0, whole(s=("negative", "sum")), [1]),
    ("six", "SUM(zero), AVG(zero), VAR(zero)", "", 0, whole(s=("zero", "sum"), m=("zero", "mean"), v=("zero", "var")), [1] * 3),
    ("six", "COUNT(*), COUNT(nothing)", "", 0, whole(n=N, c=("nothing", "count")), [1, 1]),
    ("six", "COUNT(holes), SUM(holes), AVG(holes)", "", 0, whole(c=("holes", "count"), s=("holes", "sum"), m=("holes", "mean")), [1] * 3),
    ("six", "VAR(holes), STDDEV(holes)", "", 0, whole(v=("holes", "var"), d=("holes", "std")), [1, 1]),
    ("six", "SUM(maximal)", "", 0, whole(s=("maximal", "sum")), [1]),
    ("three", "SUM(maximal), AVG(maximal)", "", 0, whole(s=("maximal", "sum"), m=("maximal", "mean")), [1, 1]),
    ("six", "VAR(maximal), STDDEV(maximal)", "", 0, None, []),
    ("six", "SUM(money), AVG(money)", "", 0, whole(s=("money", "sum"), m=("money", "mean")), [100, 100]),
    ("six", "VAR(money), STDDEV(money)", "", 0, whole(v=("money", "var"), d=("money", "std")), [10_000, 100]),
    ("six", "VAR_POP(signed), STDDEV_POP(signed)", "", 0, None, []),
    ("six", "SUM(half), AVG(half)", "", 0, whole(s=("half", "sum"), m=("half", "mean")), [1, 1]),
    ("six", "SUM(narrow)", "", 0, None, []),
    ("six", "kind, COUNT(*)", "GROUP BY kind", 1, grouped(["kind"], n=N), [1]),
    ("three", "kind, COUNT(*), SUM(signed)", "GROUP BY kind", 1, grouped(["kind"], n=N, s=("signed", "sum")), [1, 1]),
    ("four", "kind, AVG(signed)", "GROUP BY kind", 1, grouped(["kind"], m=("signed", "mean")), [1]),
    ("five", "kind, VAR(signed)", "GROUP BY kind", 1, grouped(["kind"], v=("signed", "var")), [1]),
    ("six", "kind, STDDEV(negative)", "GROUP BY kind", 1, grouped(["kind"], d=("negative", "std")), [1]),
    ("six", "kind, SUM(money)", "GROUP BY kind", 1, grouped(["kind"], s=("money", "sum")), [100]),
    ("six", "half, COUNT(*)", "GROUP BY half", 1, grouped(["half"], n=N), [1]),
    ("six", "kind, half, COUNT(*), SUM(holes)", "GROUP BY kind, half", 2, grouped(["kind", "half"], n=N, s=("holes", "sum")), [1, 1]),
    ("six", "half, kind, AVG(money)", "GROUP BY half, kind", 2, grouped(["half", "kind"], m=("money", "mean")), [100]),
    ("six", "many, COUNT(*)", "GROUP BY many", 1, grouped(["many"], n=N), [1]),
    ("six", "many, SUM(maximal)", "GROUP BY many", 1, grouped(["many"], s=("maximal", "sum")), [1]),
    ("six", "many, AVG(signed), VAR(signed)", "GROUP BY many", 1, grouped(["many"], m=("signed", "mean"), v=("signed", "var")), [1, 1]),
    ("six", "BAND(signed), COUNT(*), SUM(signed)", "GROUP BY BAND(signed)", 1, bands, [1, 1]),
    ("six", "COUNT(*)", "WHERE kind = 'x'", 0, among(lambda f: f.kind == "x", whole(n=N)), [1]),
    ("six", "COUNT(*)", "WHERE kind IN ('x', 'z')", 0, among(lambda f: f.kind != "y", whole(n=N)), [1]),
    ("six", "COUNT(*)", "WHERE kind != 'y'", 0, among(lambda f: f.kind != "y", whole(n=N)), [1]),
    ("six", "SUM(signed)", "WHERE signed >= 0", 0, among(lambda f: f.signed >= 0, whole(s=("signed", "sum"))), [1]),
    ("six", "SUM(signed)", "WHERE signed < -100", 0, among(lambda f: f.signed < -100, whole(s=("signed", "sum"))), [1]),
    ("six", "COUNT(*)", "WHERE signed BETWEEN -100 AND 99", 0, among(lambda f: f.signed.between(-100, 99), whole(n=N)), [1]),
    ("six", "COUNT(*)", "WHERE half", 0, among(lambda f: f.half, whole(n=N)), [1]),
    ("six", "COUNT(*)", "WHERE NOT half AND kind = 'z'", 0, among(lambda f: ~f.half & (f.kind == "z"), whole(n=N)), [1]),
    ("six", "COUNT(*)", "WHERE holes IS NULL", 0, among(lambda f: f.holes.isna(), whole(n=N)), [1]),
    ("six", "SUM(holes)", "WHERE holes >= 500", 0, among(lambda f: f.holes >= 500, whole(s=("holes", "sum"))), [1]),
    ("six", "COUNT(*)", "WHERE NOT holes >= 500", 0, among(lambda f: f.holes < 500, whole(n=N)), [1]),
    ("six", "COUNT(*)", "WHERE money >= -10.5", 0, among(lambda f: f.money >= -1050, whole(n=N)), [1]),
    ("six", "kind, COUNT(*)", "WHERE kind IN ('x', 'y') AND signed >= 100 GROUP BY kind", 1, among(lambda f: (f.kind != "z") & (f.signed >= 100), grouped(["kind"], n=N)), [1]),
]  # fmt: skip


def equal(ours: object, clear: object, unit: int) -> bool:
    if isinstance(ours, int):
        return ours == int(clear) and unit == 1
    return isinstance(ours, float) and math.isclose(ours, float(clear) / unit, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("name", "select", "rest", "keys", "clear", "units"),
    QUERIES,
    ids=[" ".join(map(str, query[:3])).strip() for query in QUERIES],
)
def test_equals_pandas_on_the_pooled_clear_data(laboratory, name, select, rest, keys, clear, units):
    analyst, pooled = laboratory
    answer = analyst.ask(analyst.plan(f"SELECT {select} FROM {name} {rest}", "test")).answer
    if clear is None:
        pytest.fail("needs a reference") if select not in EXACT else None
        assert [cell for row in answer.rows for cell in row] == pytest.approx(EXACT[select](pooled[name]), rel=1e-12)
        return
    expected = {
        tuple(str(cell).lower() if isinstance(cell, bool) else str(cell) for cell in row[:keys]): row[keys:]
        for row in clear(pooled[name]).itertuples(index=False)
    }
    suppressed = {tuple(group) for group in answer.suppressed}
    for row in answer.rows:
        want = expected.pop(tuple(row[:keys]))
        for ours, number, unit in zip(row[keys:], want, units, strict=True):
            assert equal(ours, number, unit), (row, want)
    # What is not shown is suppressed by name, and nothing else is missing.
    assert set(expected) <= suppressed
    assert len(suppressed) < 20


def exact_variance(values: pd.Series, *, freedom: int) -> float:
    """The variance of integers without rounding: pandas' floats lose digits beyond 2**53."""
    from fractions import Fraction

    numbers = [int(v) for v in values]
    n, total, squares = len(numbers), sum(numbers), sum(v * v for v in numbers)
    return float(Fraction(squares * n - total * total, n * (n - freedom)))


EXACT = {
    "VAR(maximal), STDDEV(maximal)": lambda f: [
        exact_variance(f.maximal, freedom=1),
        math.sqrt(exact_variance(f.maximal, freedom=1)),
    ],
    "VAR_POP(signed), STDDEV_POP(signed)": lambda f: [f.signed.var(ddof=0), f.signed.std(ddof=0)],
    # Values beyond the public bounds are clipped to them, as EXPLAIN says.
    "SUM(narrow)": lambda f: [int(f.narrow.clip(-20, 20).sum())],
}


def test_there_are_at_least_forty_queries():
    assert len(QUERIES) >= 40


def test_a_sum_over_nothing_but_nulls_is_null_as_in_sql(laboratory):
    analyst, _ = laboratory
    answer = analyst.ask(
        analyst.plan("SELECT COUNT(*), SUM(nothing), AVG(nothing), VAR(nothing) FROM six", "test")
    ).answer
    assert answer.rows == ((18_000, None, None, None),)


def test_a_table_that_only_one_department_has_rows_of_is_not_answered(laboratory):
    analyst, _ = laboratory
    with pytest.raises(KeyongError) as caught:
        analyst.ask(analyst.plan("SELECT COUNT(*), SUM(signed) FROM empty", "test"))
    assert caught.value.code == "refused.by_holder"


def test_a_filter_that_leaves_nobody_gives_no_row(laboratory):
    analyst, _ = laboratory
    answer = analyst.ask(analyst.plan("SELECT COUNT(*) FROM three WHERE kind = 'x' AND kind = 'y'", "test")).answer
    assert answer.rows == ()


def test_results_are_kept_for_the_analyst_alone(laboratory):
    analyst, _ = laboratory
    result = analyst.ask(analyst.plan("SELECT COUNT(*) FROM six", "test"))
    file = analyst._home / "results" / f"{result.job}.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["answer"]["rows"] == [[18_000]]
