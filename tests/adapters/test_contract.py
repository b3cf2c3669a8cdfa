"""What every adapter of ours must do alike; each test runs on all stores."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation import plan
from federation.adapters import Adapter
from federation.errors import DataError
from federation.plan import Condition, GroupKey, Measure

ROWS = Measure(kind="rows")
LARGEST = 2**47 - 1


def count(column: str) -> Measure:
    return Measure(kind="count", column=column)


def total(column: str, low: int = 0, high: int = 1000) -> Measure:
    return Measure(kind="sum", column=column, low=low, high=high)


def squares(column: str, low: int = 0, high: int = 1000) -> Measure:
    return Measure(kind="sum_squares", column=column, low=low, high=high)


def test_stores_meet_the_contract_and_name_their_columns(make):
    adapter = make(["age", "年龄 x"], [])
    assert isinstance(adapter, Adapter)
    assert adapter.schema() == ("age", "年龄 x")
    adapter.close()


def test_null_does_not_count_and_zero_does(make, ask):
    adapter = make(["n"], [[5], [None], [0]])
    assert ask(adapter, {"n": "integer"}, ROWS, count("n"), total("n"), squares("n")) == {0: (3, 2, 5, 25)}


def test_values_are_shifted_so_that_negative_ones_add_up(make, ask):
    adapter = make(["n"], [[-3], [-10], [4]])
    # -3 + 10, -10 + 10, 4 + 10
    assert ask(adapter, {"n": "integer"}, total("n", low=-10), squares("n", low=-10)) == {0: (21, 49 + 0 + 196)}


def test_values_are_clipped_on_both_sides(make, ask):
    adapter = make(["n"], [[-50], [0], [3], [10], [11], [10**17]])
    assert ask(adapter, {"n": "integer"}, total("n", low=0, high=10)) == {0: (0 + 0 + 3 + 10 + 10 + 10,)}


def test_an_empty_table_has_no_groups(make, ask):
    adapter = make(["n", "g"], [])
    assert ask(adapter, {"n": "integer"}, ROWS, total("n")) == {}
    assert ask(adapter, {"g": "text"}, ROWS, group_by=[GroupKey(column="g", values=("a",))]) == {}


def test_one_row_is_a_table(make, ask):
    assert ask(make(["n"], [[7]]), {"n": "integer"}, ROWS, total("n"), squares("n")) == {0: (1, 7, 49)}


def test_rows_are_counted_without_any_column(make, ask):
    assert ask(make(["n", "m"], [[7, 1], [None, None]]), {}, ROWS) == {0: (2,)}


def test_a_query_without_matching_rows_has_no_groups(make, ask):
    adapter = make(["n"], [[7]])
    assert ask(adapter, {"n": "integer"}, where=[Condition(column="n", operator=">", values=(7,))]) == {}


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("=", (2,), 1),
        ("!=", (2,), 2),
        ("<", (2,), 1),
        ("<=", (2,), 2),
        (">", (1,), 2),
        (">=", (1,), 3),
        ("in", (1, 3, 99), 2),
        ("not in", (1, 99), 2),
        ("is null", (), 1),
        ("is not null", (), 3),
        ("<", (10**40,), 3),
        (">", (-(10**40),), 3),
    ],
)
def test_numbers_are_compared_as_numbers_and_null_never_matches(make, ask, operator, values, expected):
    adapter = make(["n"], [[1], [2], [3], [None]])
    condition = Condition(column="n", operator=operator, values=values)
    assert ask(adapter, {"n": "integer"}, where=[condition]) == {0: (expected,)}


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("=", ("乙",), 1),
        ("!=", ("乙",), 3),
        ("<", ("b",), 2),  # "B", "a"; Chinese text comes after Latin letters
        (">=", ("a",), 3),
        ("in", ("乙", "B"), 2),
        ("not in", ("乙", "B"), 2),
        ("is null", (), 1),
        ("is not null", (), 4),
    ],
)
def test_text_is_compared_by_code_point_and_null_never_matches(make, ask, operator, values, expected):
    adapter = make(["t", "n"], [["乙", 1], ["甲", 1], ["a", 1], ["B", 1], [None, 1]])
    condition = Condition(column="t", operator=operator, values=values)
    assert ask(adapter, {"t": "text"}, where=[condition]) == {0: (expected,)}


def test_dates_are_compared_in_time(make, ask):
    adapter = make(["d", "n"], [["1999-12-31", 1], ["2024-02-29", 1], ["2024-10-01", 1], [None, 1]])
    condition = Condition(column="d", operator=">=", values=("2024-02-29",))
    assert ask(adapter, {"d": "date"}, where=[condition]) == {0: (2,)}


def test_all_conditions_must_hold(make, ask):
    adapter = make(["n", "t"], [[1, "a"], [2, "a"], [2, "b"]])
    where = [
        Condition(column="n", operator="=", values=(2,)),
        Condition(column="t", operator="=", values=("a",)),
        Condition(column="n", operator="<", values=(5,)),
    ]
    assert ask(adapter, {"n": "integer", "t": "text"}, where=where) == {0: (1,)}


@pytest.mark.parametrize("text", ["233", " 233 ", "233.0", "+233", "0233", "233.", "233.000000000000000000000000"])
def test_integers_may_be_written_in_several_ways(make, ask, text):
    assert ask(make(["n"], [[text]]), {"n": "integer"}, total("n")) == {0: (233,)}


@pytest.mark.parametrize(
    "text",
    ["233.5", "abc", "1e400", "1e2", "NaN", "inf", "-", "--1", "1,234", "0x10", "1 2", "２３３", "1" * 19, ".", "1_0"],
)
def test_what_is_no_exact_integer_is_an_error(make, ask, text):
    adapter = make(["n"], [[1], [text]])
    with pytest.raises(DataError, match=r"data\.type"):
        ask(adapter, {"n": "integer"}, total("n"))


def test_blank_numbers_are_null(make, ask):
    adapter = make(["n", "m"], [["", 1], ["  ", 1], [0, 1]])
    assert ask(adapter, {"n": "integer"}, ROWS, count("n")) == {0: (3, 1)}


def test_decimals_are_exact_in_base_units(make, ask):
    adapter = make(["yuan"], [["0.10"], ["0.20"], ["-0.07"], ["1234567890123.45"], [19.99], [3], ["2.5000"]])
    columns = {"yuan": "decimal(2)"}
    high = 2 * 10**14
    assert ask(adapter, columns, total("yuan", low=-10, high=high)) == {
        0: (10 + 20 - 7 + 123456789012345 + 1999 + 300 + 250 + 7 * 10,)
    }
    condition = Condition(column="yuan", operator="=", values=(1999,))
    assert ask(adapter, columns, where=[condition]) == {0: (1,)}


@pytest.mark.parametrize("cell", ["0.123", "1.005", 0.001, 0.1 + 0.2])
def test_more_decimal_digits_than_declared_are_an_error(make, ask, cell):
    with pytest.raises(DataError, match=r"data\.type"):
        ask(make(["yuan"], [[cell]]), {"yuan": "decimal(2)"}, total("yuan"))


def test_booleans_may_be_spelled_in_several_ways(make, ask):
    true, false = ["1", 1, "true", "TRUE", " True ", "1.0"], ["0", 0, "false", "FALSE", "False"]
    adapter = make(["b", "n"], [[cell, 1] for cell in [*true, *false, None, ""]])
    columns = {"b": "boolean"}
    key = GroupKey(column="b", values=("false", "true"))
    assert ask(adapter, columns, ROWS, total("b", high=1), group_by=[key]) == {0: (5, 0), 1: (6, 6)}
    assert ask(adapter, columns, where=[Condition(column="b", operator="=", values=(1,))]) == {0: (6,)}
    only_true = GroupKey(column="b", values=("true",))
    assert ask(adapter, columns, group_by=[only_true]) == {0: (6,)}


@pytest.mark.parametrize("text", ["2", "yes", "-1", "0.5", "真"])
def test_what_is_no_boolean_is_an_error(make, ask, text):
    with pytest.raises(DataError, match=r"data\.type"):
        ask(make(["b"], [[text]]), {"b": "boolean"}, count("b"))


def test_text_keeps_its_blanks_commas_quotes_and_newlines(make, ask):
    texts = [" a", 'say "hi", twice', "two\nlines", "it's", "100%", "$p0", "?", "\\N", "NULL", "甲，乙"]
    adapter = make(["t", "n"], [[text, index] for index, text in enumerate(texts)])
    key = GroupKey(column="t", values=tuple(reversed(texts)))
    sums = ask(adapter, {"t": "text", "n": "integer"}, ROWS, total("n"), group_by=[key])
    assert sums == {len(texts) - 1 - index: (1, index) for index in range(len(texts))}


def test_rows_outside_the_domain_are_in_no_group(make, ask):
    adapter = make(["g", "n"], [["东", 1], ["西", 2], ["南", 4], [None, 8], ["西", 16]])
    key = GroupKey(column="g", values=("北", "西", "东"))
    assert ask(adapter, {"g": "text", "n": "integer"}, ROWS, total("n"), group_by=[key]) == {1: (2, 18), 2: (1, 1)}


def test_bands_hold_their_lower_edge(make, ask):
    adapter = make(["n"], [[-1], [0], [17], [18], [59], [60], [61], [None]])
    key = GroupKey(column="n", cuts=(0, 18, 60))
    assert ask(adapter, {"n": "integer"}, group_by=[key]) == {0: (1,), 1: (2,), 2: (2,), 3: (2,)}


def test_bands_of_decimals_are_in_base_units(make, ask):
    adapter = make(["n"], [["0.9"], ["1.0"], ["1.1"]])
    key = GroupKey(column="n", cuts=(10,), unit_scale=1)
    assert ask(adapter, {"n": "decimal(1)"}, group_by=[key]) == {0: (1,), 1: (2,)}


def test_the_last_of_several_keys_runs_fastest(make, ask):
    adapter = make(["g", "b", "n"], [["y", 1, 70], ["x", 0, 5], ["x", 1, 5], ["y", 1, 7], ["y", None, 7], ["z", 1, 7]])
    keys = [
        GroupKey(column="g", values=("x", "y")),
        GroupKey(column="n", cuts=(10, 50)),
        GroupKey(column="b", values=("false", "true")),
    ]
    # x, < 10, false = 0; x, < 10, true = 1; y, < 10, true = 1*6 + 0*2 + 1; y, >= 50, true = 1*6 + 2*2 + 1
    expected = {0: (1,), 1: (1,), 7: (1,), 11: (1,)}
    assert ask(adapter, {"g": "text", "b": "boolean", "n": "integer"}, group_by=keys) == expected


def test_hundreds_of_groups_are_kept_apart(make, ask):
    adapter = make(["g", "n"], [[f"组{index % 300}", index] for index in range(3000)])
    key = GroupKey(column="g", values=tuple(f"组{index}" for index in range(300)))
    sums = ask(adapter, {"g": "text", "n": "integer"}, ROWS, total("n", high=10_000), group_by=[key])
    assert sums == {index: (10, 10 * index + 300 * 45) for index in range(300)}


def test_sums_and_squares_of_the_widest_columns_are_exact(make, ask):
    generator = random.Random(4)
    values = [LARGEST, LARGEST, LARGEST - 1, 0, 1, 2**24 - 1, 2**24] + [generator.randrange(2**47) for _ in range(300)]
    adapter = make(["n"], [[value] for value in values])
    measures = [total("n", high=LARGEST), squares("n", high=LARGEST)]
    assert ask(adapter, {"n": "integer"}, *measures) == {0: (sum(values), sum(value**2 for value in values))}


def test_every_column_may_be_measured_at_once(make, ask):
    adapter = make(["a", "b", "t"], [[1, 2.5, "x"], [10, None, "x"], [100, 0, None]])
    columns = {"a": "integer", "b": "decimal(1)", "t": "text"}
    measures = [squares("b"), total("a"), count("t"), ROWS, total("b"), count("b"), total("a", high=50)]
    assert ask(adapter, columns, *measures) == {0: (625, 111, 2, 3, 25, 2, 61)}


@pytest.mark.parametrize(
    "name", ['"; DROP TABLE people; --', "it's", "two words", "年龄", "c0", "f0", "select", 'a"b', "$p0", "x}:{", "*"]
)
def test_any_column_name_is_only_a_name(make, ask, name):
    adapter = make(["n", name], [[1, 10], [2, 20]])
    condition = Condition(column=name, operator=">", values=(10,))
    assert ask(adapter, {name: "integer"}, total(name), where=[condition]) == {0: (20,)}
    assert ask(adapter, {"n": "integer"}, total("n")) == {0: (3,)}


@pytest.mark.parametrize("text", ["x' OR '1'='1", '"; DROP TABLE people; --', "'); SELECT 1; --", "$p0", "{", "\\"])
def test_any_constant_is_only_a_constant(make, ask, text):
    adapter = make(["t", "n"], [[text, 1], ["other", 2]])
    columns = {"t": "text", "n": "integer"}
    where = [Condition(column="t", operator="=", values=(text,))]
    assert ask(adapter, columns, total("n"), where=where) == {0: (1,)}
    assert ask(adapter, columns, total("n"), group_by=[GroupKey(column="t", values=("none", text))]) == {1: (1,)}
    assert ask(adapter, {}) == {0: (2,)}


def test_a_wrong_value_matters_only_in_a_column_that_is_used(make, ask):
    adapter = make(["good", "bad"], [[1, "unknown"], [2, 3]])
    assert ask(adapter, {"good": "integer"}, total("good")) == {0: (3,)}
    with pytest.raises(DataError, match=r"data\.type"):
        ask(adapter, {"good": "integer", "bad": "integer"}, total("good"), total("bad"))


def test_a_wrong_value_is_an_error_even_where_no_condition_matches(make, ask):
    adapter = make(["good", "bad"], [[1, "unknown"], [2, 3]])
    columns = {"good": "integer", "bad": "integer"}
    with pytest.raises(DataError, match=r"data\.type"):
        ask(adapter, columns, total("bad"), where=[Condition(column="good", operator="=", values=(2,))])


def test_the_owner_is_told_where_and_nobody_is_told_what(make, ask, caplog):
    adapter = make(["n", "m"], [[1, "x"], [2, 5], ["secret4711", "y"], ["secret4712", 5]])
    with pytest.raises(DataError) as caught:
        ask(adapter, {"n": "integer", "m": "text"}, total("n"))
    error = caught.value
    assert "column 'n', row 3: not of the declared type integer" in caplog.text
    said = f"{error} {error!r} {error.details} {error.message('zh')} {error.next_step('zh')} {caplog.text}"
    assert "4711" not in said
    assert "4712" not in said
    assert error.__cause__ is None


def test_a_missing_column_is_named(make, ask):
    with pytest.raises(DataError, match=r"data\.column_missing: .*income"):
        ask(make(["n"], [[1]]), {"income": "integer"}, total("income"))


def test_column_names_are_told_apart_by_case(make, ask):
    with pytest.raises(DataError, match=r"data\.column_missing"):
        ask(make(["Income"], [[1]]), {"income": "integer"}, total("income"))


def test_more_rows_in_a_group_than_the_public_bound_are_an_error(make, ask, monkeypatch):
    adapter = make(["g", "n"], [["a", 1], ["a", 2], ["b", 3], ["c", 3], [None, 3], [None, 3], [None, 3]])
    key = GroupKey(column="g", values=("a", "b"))
    monkeypatch.setattr(plan, "MAX_ROWS", 2)
    assert ask(adapter, {"g": "text"}, group_by=[key]) == {0: (2,), 1: (1,)}
    monkeypatch.setattr(plan, "MAX_ROWS", 1)
    with pytest.raises(DataError, match=r"data\.too_large"):
        ask(adapter, {"g": "text"}, group_by=[key])


def test_the_same_question_may_be_asked_again(make, ask):
    adapter = make(["n"], [[1], [2]])
    assert [ask(adapter, {"n": "integer"}, total("n")) for _ in range(3)] == [{0: (3,)}] * 3


TEXTS = ["a", "b", "乙", ""]
tables = st.lists(
    st.tuples(
        st.sampled_from([*TEXTS, None]),
        st.none() | st.integers(-20, 20) | st.integers(-(2**46), 2**46),
        st.sampled_from([None, 0, 1]),
    ),
    max_size=12,
)
text_conditions = st.builds(
    lambda operator, values: Condition(column="t", operator=operator, values=values),
    st.sampled_from(["=", "!=", "<", ">=", "in", "not in", "is null"]),
    st.lists(st.sampled_from(["a", "b", "乙", "丙"]), min_size=1, max_size=3).map(tuple),
)
number_conditions = st.builds(
    lambda operator, values: Condition(column="n", operator=operator, values=values),
    st.sampled_from(["=", "!=", "<=", ">", "in", "not in", "is not null"]),
    st.lists(st.integers(-20, 20), min_size=1, max_size=3).map(tuple),
)
keys = st.lists(
    st.sampled_from(
        [
            GroupKey(column="t", values=("乙", "a")),
            GroupKey(column="b", values=("false", "true")),
            GroupKey(column="n", cuts=(-5, 0, 7)),
        ]
    ),
    max_size=3,
    unique_by=lambda key: key.column,
)
bounds = st.tuples(st.integers(-(2**46), 20), st.integers(21, 2**46))


@given(rows=tables, where=st.lists(text_conditions | number_conditions, max_size=2), group_by=keys, low_and_high=bounds)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_stores_agree_with_plain_python(make, ask, rows, where, group_by, low_and_high):
    low, high = low_and_high
    columns = {"t": "text", "n": "integer", "b": "boolean"}
    # A first column that is never empty: a line with nothing on it is no row of a CSV file.
    adapter = make(["id", *columns], [[index, *row] for index, row in enumerate(rows)])
    measures = [ROWS, count("n"), total("n", low, high), squares("n", low, high)]
    assert ask(adapter, columns, *measures, where=where, group_by=group_by) == reference(
        rows, where, group_by, low, high
    )


def reference(rows, where, group_by, low, high):
    sums = defaultdict(lambda: [0, 0, 0, 0])
    for text, number, truth in rows:
        row = {"t": text or None, "n": number, "b": truth}
        places = [place(row[key.column], key) for key in group_by]
        if None in places or not all(holds(row[condition.column], condition) for condition in where):
            continue
        cell = 0
        for key, index in zip(group_by, places, strict=True):
            cell = cell * len(key.labels) + index
        shifted = 0 if number is None else min(max(number, low), high) - low
        for index, addend in enumerate((1, number is not None, shifted, shifted**2)):
            sums[cell][index] += addend
    return {cell: tuple(totals) for cell, totals in sums.items()}


def place(value, key):
    if value is None:
        return None
    if key.cuts:
        return sum(value >= cut for cut in key.cuts)
    label = ["false", "true"][value] if key.column == "b" else value
    return key.values.index(label) if label in key.values else None


def holds(value, condition):
    if condition.operator in ("is null", "is not null"):
        return (value is None) == (condition.operator == "is null")
    if value is None:
        return False
    first = condition.values[0]
    return {
        "=": value == first,
        "!=": value != first,
        "<": value < first,
        "<=": value <= first,
        ">": value > first,
        ">=": value >= first,
        "in": value in condition.values,
        "not in": value not in condition.values,
    }[condition.operator]
