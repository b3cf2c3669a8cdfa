"""What of a script's output may leave: good tables, every refusal, and what no output whatever gets past."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.errors import RefusedError
from federation.plan import GroupKey, ScriptPlan
from federation.queries.suppression import Count, suppressed_groups
from federation.scripting.release import MAX_RESULT_BYTES, release
from tests.support.scripts import AGE, SEX
from tests.support.scripts import PLAN as POLICY

PLAN = msgspec.structs.replace(POLICY, minimum_group=5)
BY_TWO = msgspec.structs.replace(PLAN, group_by=(SEX, AGE), numbers=("x",))
ACTIVE = msgspec.structs.replace(
    PLAN, group_by=(GroupKey(column="active", values=("false", "true")),), numbers=("x",), minimum_group=1
)
ALONE = msgspec.structs.replace(PLAN, group_by=(), numbers=("gini",))
MANY = {0: (50,), 1: (60,), 2: (70,)}


def table(*lines: str, header: str = "age,people,median") -> bytes:
    return ("\n".join((header, *lines)) + "\n").encode()


def refusal(output: bytes, plan: ScriptPlan = PLAN, counts=MANY) -> str:
    with pytest.raises(RefusedError) as refused:
        release(output, plan, counts)
    return refused.value.code


# --- good ---


def test_table_is_released_in_the_order_of_the_public_values_and_rounded():
    released = release(table("old,70,123456.7", "young,50,0.00123456"), PLAN, MANY)
    assert released.columns == ("age", "people", "median")
    assert released.lines == (("young", "50", "0.001235"), ("old", "70", "123500"))
    assert released.withheld == ()
    assert released.keys == 1


def test_result_without_keys_is_one_line_about_everybody():
    assert release(b"gini\r\n0.34567\r\n", ALONE, {0: (99,)}).lines == (("0.3457",),)


def test_python_truth_is_the_public_value():
    released = release(table("True,1", "False,2", header="active,x"), ACTIVE, {0: (9,), 1: (9,)})
    assert released.lines == (("false", "2"), ("true", "1"))


def test_quoted_keys_are_read_as_csv_has_them():
    cuts = GroupKey(column="income", cuts=(5, 10))
    plan = msgspec.structs.replace(PLAN, group_by=(cuts,), numbers=("x",))
    assert release(b'income,x\n"[5, 10)",7\n', plan, MANY).lines == (("[5, 10)", "7"),)


# --- groups ---


def test_small_group_is_withheld_and_with_it_the_one_that_would_give_it_away():
    released = release(table("young,4,1", "middle,60,2", "old,70,3"), PLAN, {0: (4,), 1: (60,), 2: (70,)})
    assert released.lines == (("old", "70", "3"),)
    assert released.withheld == (("young",), ("middle",))


def test_group_of_one_does_not_leave_whatever_number_stands_beside_it():
    counts = {0: (1,), 1: (60,), 2: (70,)}
    assert ("young",) in release(table("young,999999,1", "middle,60,2", "old,70,3"), PLAN, counts).withheld


def test_group_that_nobody_is_in_is_left_out_and_not_named():
    released = release(table("young,0,7", "middle,60,2", "old,70,3"), PLAN, {1: (60,), 2: (70,)})
    assert [line[0] for line in released.lines] == ["middle", "old"]
    assert released.withheld == ()


def test_small_group_is_named_even_if_the_script_keeps_silent_about_it():
    counts = {0: (4,), 1: (4,), 2: (70,)}
    assert release(table("old,70,3"), PLAN, counts).withheld == (("young",), ("middle",))


def test_gap_in_a_group_that_is_withheld_anyway_is_no_reason_to_refuse():
    counts = {0: (4,), 1: (4,), 2: (70,)}
    assert release(table("young,4,", "middle,4,nan", "old,70,3"), PLAN, counts).lines == (("old", "70", "3"),)


# --- refused ---


@pytest.mark.parametrize(
    ("output", "code"),
    [
        (b"", "refused.result_columns"),
        (table("young,1,2", header="age,people,mean"), "refused.result_columns"),
        (table("young,1,2", header="age,median,people"), "refused.result_columns"),
        (table("young,1,2,3", header="age,people,median,more"), "refused.result_columns"),
        (table("1,young,1,2", header=",age,people,median"), "refused.result_columns"),
        (table("young,1"), "refused.result_format"),
        (table("young,1,2", ""), "refused.result_format"),
        (b"age,people,median\nyoung,1,\xff\n", "refused.result_format"),
        (b'age,people,median\nyoung,1,"2\n', "refused.result_format"),
        (table("young,1,2", "young,1,2"), "refused.result_keys"),
        (table("ancient,1,2"), "refused.result_keys"),
        (table(",1,2"), "refused.result_keys"),
        (table("Young,1,2"), "refused.result_keys"),
        (table("young,1,", "old,1,2"), "refused.result_numbers"),
        (table("young,1,nan", "old,1,2"), "refused.result_numbers"),
        (table("young,1,inf"), "refused.result_numbers"),
        (table("young,1,张三"), "refused.result_numbers"),
        (table("young,1,1e300"), "refused.result_numbers"),
        (table(*["young,1,2"] * 4), "refused.result_size"),
        (b"a" * (MAX_RESULT_BYTES + 1), "refused.result_size"),
        (table(), "refused.result_empty"),
    ],
)
def test_output_that_breaks_a_rule_stays_as_a_whole(output, code):
    assert refusal(output) == code


def test_identifiers_are_no_public_values():
    people = table("140500198001011234,1,2", "140500198001015678,1,2")
    assert refusal(people) == "refused.result_keys"
    assert refusal(table("1,2", header="person_id,x")) == "refused.result_columns"


def test_everybody_too_small_is_refused_and_says_so():
    assert refusal(table("young,4,1"), counts={0: (4,), 1: (3,)}) == "refused.result_small"
    assert refusal(b"gini\n0.5\n", ALONE, {0: (4,)}) == "refused.result_small"


def test_nothing_about_anybody_is_refused():
    assert refusal(table("young,4,1"), counts={1: (50,), 2: (50,)}) == "refused.result_empty"
    assert refusal(b"gini\n0.5\n", ALONE, {}) == "refused.result_empty"


# --- whatever a script writes ---

CELLS = st.one_of(
    st.floats().map(repr), st.integers(-(10**30), 10**30).map(str), st.decimals().map(str), st.text(max_size=12)
)
COUNTS = st.dictionaries(st.integers(0, 5), st.tuples(st.integers(1, 12)), max_size=6)


@given(
    lines=st.lists(st.tuples(st.sampled_from(["f", "m", "x"]), st.sampled_from(AGE.values), CELLS), max_size=6),
    counts=COUNTS,
    digits=st.integers(1, 6),
)
@settings(max_examples=300, deadline=None)
def test_never_a_group_below_the_minimum_and_never_more_digits_than_approved(lines, counts, digits):
    written = io.StringIO()
    csv.writer(written).writerows([("sex", "age", "x"), *lines])
    plan = msgspec.structs.replace(BY_TWO, digits=digits)
    try:
        released = release(written.getvalue().encode(), plan, counts)
    except RefusedError as error:
        assert error.code.startswith("refused.result_")
        return
    places = {labels: index for index, labels in enumerate(plan.groups)}
    for sex, age, number in released.lines:
        assert counts[places[sex, age]][0] >= plan.minimum_group
        assert len(Decimal(number).normalize().as_tuple().digits) <= digits


@given(counts=COUNTS)
def test_withheld_groups_cannot_be_told_by_subtracting_from_any_margin(counts):
    """In every line and plane, and the whole: what is withheld is none, or several and of the minimum together."""
    output = "sex,age,x\n" + "".join(f"{sex},{age},1\n" for sex, age in BY_TWO.groups)
    try:
        shown = {line[:2] for line in release(output.encode(), BY_TWO, counts).lines}
    except RefusedError:
        return
    rows = {labels: counts.get(index, (0,))[0] for index, labels in enumerate(BY_TWO.groups)}
    margins = [*({(s, a) for a in AGE.values} for s in SEX.values), *({(s, a) for s in SEX.values} for a in AGE.values)]
    for margin in (*margins, set(rows)):
        hidden = [rows[group] for group in margin if rows[group] and group not in shown]
        if hidden and margin & shown:
            assert len(hidden) > 1
            assert sum(hidden) >= BY_TWO.minimum_group


def test_groups_are_withheld_by_the_rule_of_the_release_gate_of_sums():
    counts = {0: (4,), 1: (60,), 2: (70,), 3: (5,), 4: (80,), 5: (90,)}
    released = release(b"sex,age,x\nm,old,1\nm,middle,2\nf,old,3\nf,middle,4\n", BY_TWO, counts)
    expected = suppressed_groups(
        [(Count(counts[i][0], 1),) for i in range(6)], shape=(2, 3), minimum_group=5, minimum_contributors=1
    )
    assert released.withheld == tuple(BY_TWO.groups[group] for group in sorted(expected))
