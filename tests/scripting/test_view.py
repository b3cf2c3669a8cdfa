"""The file of rows: true types from every adapter, the same for made-up rows, and counts of the very rows in it."""

from __future__ import annotations

import stat
from datetime import datetime
from decimal import Decimal

import pandas as pd
import pyarrow.parquet as pq
import pytest

from federation.adapters import load_adapter
from federation.adapters.specimens import SPECIMENS
from federation.errors import DataError, HomeError
from federation.plan import Column, GroupKey, LocalQuery, Measure
from federation.scripting.trial import write_mock
from federation.scripting.view import write_view
from tests.support.memory import NAMES, MemoryStore, catalogue

COLUMNS = tuple(
    Column(name=name, type=kind)
    for name, kind in {"n": "integer", "yuan": "decimal(2)", "区": "text", "day": "date", "on": "boolean"}.items()
)
ROWS = (
    (2**53 + 1, Decimal("0.10"), "城区", "2024-02-29", True),
    (None, None, None, None, None),
    (-7, Decimal("-99999999.99"), "a, \"b\"", "1949-10-01", False),
)  # fmt: skip
BY_AREA = LocalQuery(
    table="t",
    columns=(COLUMNS[2],),
    where=(),
    group_by=(GroupKey(column="区", values=("城区", "泽州")),),
    measures=(Measure(kind="rows"),),
)
ALL = LocalQuery(table="t", columns=(), where=(), group_by=(), measures=(Measure(kind="rows"),))


@pytest.mark.parametrize(
    ("adapter", "write"), [(name, write) for name, writers in SPECIMENS.items() for write in writers]
)
def test_script_reads_what_the_store_holds(adapter, write, tmp_path):
    store = load_adapter(adapter, COLUMNS, write(tmp_path, COLUMNS, ROWS))
    counts = write_view(store, COLUMNS, BY_AREA, tmp_path / "data" / "t.parquet")
    store.close()
    frame = pd.read_parquet(tmp_path / "data" / "t.parquet")
    assert list(frame["n"]) == [2**53 + 1, pd.NA, -7]
    assert frame["yuan"].tolist() == [Decimal("0.10"), None, Decimal("-99999999.99")]
    assert frame["区"].fillna("").tolist() == ["城区", "", 'a, "b"']
    assert frame["day"].dropna().tolist() == [datetime(2024, 2, 29), datetime(1949, 10, 1)]
    assert frame["on"].tolist() == [True, pd.NA, False]
    assert counts == {0: (1,)}


def test_types_are_those_of_the_declaration_whatever_the_rows_are(tmp_path):
    kinds = []
    for name, cells in (("some", (1, "0.5", "x", "2024-01-01", 1)), ("none", (None,) * 5)):
        rows = [dict(zip([c.name for c in COLUMNS], cells, strict=True))]
        store = MemoryStore([{**row, "yuan": 50 if name == "some" else None} for row in rows])
        write_view(store, COLUMNS, ALL, tmp_path / f"{name}.parquet")
        kinds.append(pd.read_parquet(tmp_path / f"{name}.parquet").dtypes.astype(str).to_dict())
    assert kinds[0] == kinds[1]
    assert kinds[0] == {"n": "Int64", "yuan": "object", "区": "str", "day": "datetime64[ms]", "on": "boolean"}


def test_made_up_rows_have_the_types_of_true_ones(tmp_path):
    card = catalogue(NAMES[:3]).tables[0]
    write_mock(card, tmp_path / "mock.parquet")
    columns = tuple(column.as_column for column in card.columns if column.name not in ("person_id", "name"))
    store = MemoryStore([dict.fromkeys([column.name for column in columns])])
    write_view(store, columns, ALL, tmp_path / "true.parquet")
    mock, true = (pq.read_schema(tmp_path / f"{name}.parquet") for name in ("mock", "true"))
    assert mock.equals(true)
    frames = [pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("mock", "true")]
    assert frames[0].dtypes.equals(frames[1].dtypes)


def test_counts_are_of_the_rows_in_the_file_even_if_the_store_changes_meanwhile(tmp_path):
    store = MemoryStore([{"区": "城区"}] * 3)
    store.aggregate = lambda _: {0: (999,)}
    assert write_view(store, (COLUMNS[2],), BY_AREA, tmp_path / "t.parquet") == {0: (3,)}
    assert write_view(store, (COLUMNS[2],), ALL, tmp_path / "all.parquet") == {0: (3,)}


def test_empty_table_is_an_empty_file(tmp_path):
    assert write_view(MemoryStore([]), COLUMNS, ALL, tmp_path / "t.parquet") == {}
    assert pd.read_parquet(tmp_path / "t.parquet").shape == (0, 5)


def test_only_the_department_can_read_the_file(tmp_path):
    file = tmp_path / "data" / "t.parquet"
    write_view(MemoryStore([{"区": "城区"}]), (COLUMNS[2],), ALL, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_file_of_another_run_is_never_written_over(tmp_path):
    (tmp_path / "t.parquet").write_text("somebody else's")
    with pytest.raises(HomeError):
        write_view(MemoryStore([]), COLUMNS, ALL, tmp_path / "t.parquet")


def test_day_that_is_none_is_named_by_its_column_and_not_quoted(tmp_path):
    store = MemoryStore([{"day": "2024-02-30"}])
    with pytest.raises(DataError) as error:
        write_view(store, (COLUMNS[3],), ALL, tmp_path / "t.parquet")
    assert error.value.details == {"column": "day"}
    assert "2024" not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__
