"""Rows as typed batches: exact both ways, and strict."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.adapters.rows import arrow_schema, base_units, from_base_units, record_batches
from federation.errors import DataError
from federation.plan import Column

LARGEST = 10**18 - 1


def one(kind: str, *cells: object) -> list[object]:
    (batch,) = record_batches([Column(name="c", type=kind)], [[cell] for cell in cells])
    return batch.column(0).to_pylist()


def test_values_keep_their_meaning():
    assert one("integer", 5, "5", 5.0, Decimal("5.00"), " 5 ", None, "") == [5, 5, 5, 5, 5, None, None]
    assert one("decimal(2)", 19.99, "19.99", Decimal("19.99"), 3) == [Decimal("19.99")] * 3 + [Decimal("3.00")]
    assert one("boolean", True, 0, "TRUE", "0.0", None) == [True, False, True, False, None]
    assert one("text", "a", 110101, None, " ") == ["a", "110101", None, " "]
    assert one("date", date(2024, 2, 29), datetime(2024, 2, 29), "2024-02-29") == ["2024-02-29"] * 3


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("integer", 1.5), ("integer", True), ("integer", "1e2"), ("integer", float("nan")), ("integer", LARGEST + 1),
        ("integer", 2.0**53), ("integer", Decimal("NaN")), ("integer", b"5"), ("integer", Decimal("1e30")),
        ("decimal(2)", 0.1 + 0.2), ("decimal(2)", Decimal("0.001")), ("boolean", 2), ("boolean", b"1"),
        ("boolean", "yes"), ("text", b"x"), ("text", ["x"]), ("date", datetime(2024, 2, 29, 8)), ("date", 20240229),
    ],
)  # fmt: skip
def test_what_is_not_of_the_type_is_an_error_that_says_where_and_not_what(kind, cell, caplog):
    with pytest.raises(DataError, match=r"data\.type") as caught:
        one(kind, None, cell)
    assert caught.value.details == {"column": "c"}
    assert "column 'c', row 2" in caplog.text
    assert caught.value.__cause__ is None


@given(st.lists(st.none() | st.integers(-LARGEST, LARGEST)), st.integers(0, 6), st.integers(0, 3))
def test_base_units_come_back_as_they_went(numbers, scale, start):
    column = Column(name="c", type=f"decimal({scale})" if scale else "integer")
    batch = from_base_units([column], [numbers])
    assert batch.schema == arrow_schema([column])
    assert base_units(batch.column(0).slice(start), column).to_pylist() == numbers[start:]


def test_batches_are_drawn_as_they_are_asked_for():
    drawn = []
    rows = ([drawn.append(index) or index] for index in range(10))
    stream = record_batches([Column(name="c", type="integer")], rows, size=4)
    assert next(stream).num_rows == 4
    assert len(drawn) == 4
    assert [batch.num_rows for batch in stream] == [4, 2]


def test_arrow_columns_are_taken_as_they_are():
    column = Column(name="c", type="decimal(2)")
    batch = from_base_units([column], [pa.array([1999, None], pa.int64())])
    assert batch.column(0).to_pylist() == [Decimal("19.99"), None]
