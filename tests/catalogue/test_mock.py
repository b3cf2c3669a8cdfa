"""Mock rows have the true shape, and nothing that any row could have told."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO

import msgspec
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.catalogue.mock import mock_file, mock_rows
from federation.catalogue.schema import arrow_schema
from federation.plan import Column
from federation.settings import ColumnCard, TableCard, Use


def column(name: str, kind: str, *uses: Use, low=None, high=None, values=(), cuts=()) -> ColumnCard:
    return ColumnCard(
        name=name,
        type=kind,
        unit="",
        label=name,
        label_en=name,
        low=low,
        high=high,
        uses=uses,
        values=values,
        cuts=cuts,
    )


COLUMNS = (
    column("id", "text", "join_key"),
    column("household", "text", "join_key"),
    column("number", "integer", "join_key"),
    column("name", "text", "never"),
    column("sex", "text", "group_by", values=("男", "女")),
    column("income", "decimal(2)", "aggregate", low=-150, high=1_000_050, cuts=(0, 500_000)),
    column("age", "integer", "filter", cuts=(18, 60)),
    column("children", "integer", "feature"),
    column("born", "date", "filter", cuts=("1960-01-01", "2000-02-29")),
    column("since", "date", "plain"),
    column("married", "boolean", "group_by", low=0, high=1, values=("false", "true")),
    column("remark", "text", "plain"),
)
CARD = TableCard(name="pit", label="个人所得税", label_en="income tax", id="id", columns=COLUMNS, departments=("tax",))


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return mock_rows(CARD)


def test_every_column_that_may_be_used_is_there_and_no_other(rows):
    assert list(rows.columns) == [column.name for column in COLUMNS if column.name != "name"]
    assert len(rows) == 200


def test_the_types_are_those_that_a_script_reads(rows):
    read = pd.read_parquet(BytesIO(mock_file(CARD)))
    assert read.equals(rows) and (read.dtypes == rows.dtypes).all()
    kinds = {name: str(rows[name].dtype) for name in ("id", "age", "born", "married", "income")}
    assert kinds == {"id": "str", "age": "Int64", "born": "datetime64[ms]", "married": "boolean", "income": "object"}
    assert {type(cell) for cell in rows["income"].dropna()} == {Decimal}


def test_the_identifiers_are_nobodys_and_each_stands_once(rows):
    assert list(rows["id"]) == [f"MOCK{number:06}" for number in range(1, 201)]
    assert set(rows["household"].dropna()) < set(rows["id"])
    assert rows["number"].dropna().between(-200, -1).all()


def test_every_public_value_and_every_band_is_there_and_nothing_beyond(rows):
    assert set(rows["sex"].dropna()) == {"男", "女"} and set(rows["married"].dropna()) == {True, False}
    income = rows["income"].dropna()
    assert income.between(Decimal("-1.5"), Decimal("10000.5")).all()
    assert {(cell >= 0) + (cell >= 5000) for cell in income} == {0, 1, 2}
    assert {int(age >= 18) + int(age >= 60) for age in rows["age"].dropna()} == {0, 1, 2}
    assert {str(day)[:4] for day in rows["born"].dropna()} > {"1959"}
    assert rows["remark"].dropna().str.fullmatch(r"mock text \d{3}").all()


def test_cells_are_missing_but_no_identifier_is(rows):
    missing = rows.isna().sum()
    assert missing["id"] == 0 and (missing.drop("id") < 40).all() and missing.sum() > 20


def test_the_same_card_gives_the_same_bytes_and_another_card_other_rows():
    assert mock_file(CARD) == mock_file(msgspec.json.decode(msgspec.json.encode(CARD), type=TableCard))
    assert not mock_rows(CARD).equals(mock_rows(msgspec.structs.replace(CARD, departments=("other",))))


@given(
    low=st.integers(-(10**17), 10**17 - 1),
    width=st.integers(1, 2**40),
    cuts=st.lists(st.integers(-(10**17), 10**17), unique=True, max_size=4),
    kind=st.sampled_from(["integer", "decimal(1)", "decimal(6)"]),
)
def test_numbers_stay_within_bounds_wherever_the_cuts_are(low, width, cuts, kind):
    card = column("n", kind, "aggregate", low=low, high=low + width, cuts=tuple(sorted(cuts)))
    made = mock_rows(msgspec.structs.replace(CARD, id="", columns=(card,)), 20)["n"].dropna()
    scale = card.as_column.scale
    assert all(low <= Decimal(int(cell) if not scale else cell).scaleb(scale) <= low + width for cell in made)


def test_the_schema_tells_pandas_what_pandas_itself_would_have_written():
    """Ours is written by hand, so that a department need not load pandas."""
    kinds = {"i": "integer", "d": "decimal(3)", "文": "text", "t": "date", "b": "boolean"}
    schema = arrow_schema([Column(name=name, type=kind) for name, kind in kinds.items()])
    gap = pa.table([pa.array([None, None], field.type) for field in schema], schema=schema).to_pandas()
    assert [str(kind) for kind in gap.dtypes] == ["Int64", "object", "str", "datetime64[ms]", "boolean"]
    theirs = pa.Schema.from_pandas(gap, preserve_index=False).pandas_metadata["columns"]
    ours = schema.pandas_metadata["columns"]
    assert [{**said, "pandas_type": "", "metadata": None} for said in theirs] == [
        {**said, "pandas_type": ""} for said in ours
    ]
