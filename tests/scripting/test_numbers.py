"""Numbers of few digits, each written in one way only."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.scripting.numbers import rounded

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("12345.678", "12350"),
        ("0.000123456", "0.0001235"),
        ("-99999", "-100000"),
        ("1250.5", "1250"),  # halves to the even neighbour
        ("1251.5", "1252"),
        ("0.1", "0.1"),
        ("100", "100"),
        ("1e3", "1000"),
        ("1e-05", "0.00001"),
        ("-0.0", "0"),
        ("0e99", "0"),
        ("1.500", "1.5"),
        ("+7.", "7"),
        ("123456789012345678901234567890", "1.235e+29"),
        ("1e-30", "1e-30"),
    ],
)
def test_number_is_rounded_to_four_digits_and_written_in_one_way(text, shown):
    assert rounded(text, 4) == shown


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "nan", "inf", "-Infinity", "1_000", "1,000", "0x10", "١٢", "1e", "--1", "1.2.3", "a", "1e999"],
)  # fmt: skip
def test_what_is_no_finite_decimal_number_is_refused(text):
    with pytest.raises(ValueError):
        rounded(text, 4)


@pytest.mark.parametrize("text", ["1e100", "9.9999e99", "1e-100", "-1e-320"])
def test_powers_of_ten_beyond_those_that_are_counted_are_refused(text):
    with pytest.raises(ValueError):
        rounded(text, 4)


@given(number=st.floats(min_value=1e-90, max_value=1e90) | FLOATS.map(lambda x: x % 1e6), digits=st.integers(1, 6))
def test_never_more_digits_than_asked_for_and_never_further_away_than_half_of_the_last(number, digits):
    try:
        shown = Decimal(rounded(repr(number), digits))
    except ValueError:
        assert number < 1e-99
        return
    assert len(shown.normalize().as_tuple().digits) <= digits
    exact = Decimal(repr(number))
    if exact:
        assert abs(shown - exact) <= Decimal(5).scaleb(exact.adjusted() - digits)


@given(number=FLOATS, digits=st.integers(1, 6))
def test_what_was_rounded_once_stays_as_it_is(number, digits):
    try:
        once = rounded(repr(number), digits)
    except ValueError:
        return
    assert rounded(once, digits) == once


@given(left=st.integers(-9_999, 9_999), right=st.integers(-9_999, 9_999), power=st.integers(-8, 8))
def test_two_numbers_that_are_written_alike_are_alike(left, right, power):
    texts = [rounded(f"{number}e{power}", 4) for number in (left, right)]
    assert (texts[0] == texts[1]) == (left == right)
