"""Unified social credit codes: the published one, broken ones, and those of the city."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jincheng.credit_codes import ORGANISATIONS, SYMBOLS, check_credit_code, credit_codes
from jincheng.errors import IdentifierError

PUBLISHED = "91350100M000100Y43"  # the example of GB 32100-2015


def test_published_code_is_valid():
    check_credit_code(PUBLISHED)


def test_first_codes_are_those_of_the_specification():
    assert credit_codes(140591, np.array([2]), np.array([0])) == "92140591M0000DMF9A"
    assert credit_codes(140593, np.array([2]), np.array([1])) == "92140593M0000NFE3J"


@given(serial=st.integers(0, ORGANISATIONS - 1), kind=st.integers(1, 3))
def test_every_written_code_is_valid(serial, kind):
    (code,) = credit_codes(140596, np.array([kind]), np.array([serial]))
    check_credit_code(code)


def test_no_two_serial_numbers_share_a_code():
    serial = np.r_[np.arange(50_000), np.arange(5 * 10**7, 5 * 10**7 + 50_000)]  # of the first county and the last
    assert len(set(credit_codes(140591, np.ones_like(serial), serial))) == 100_000


@given(place=st.integers(0, 17), symbol=st.sampled_from(SYMBOLS))
def test_changing_any_one_symbol_is_caught(place, symbol):
    changed = PUBLISHED[:place] + symbol + PUBLISHED[place + 1 :]
    if changed != PUBLISHED:
        with pytest.raises(IdentifierError):
            check_credit_code(changed)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("", "18 of the symbols"),
        ("91350100M000100Y4", "18 of the symbols"),
        ("91350100I000100Y43", "18 of the symbols"),  # I, O, S, V and Z are not used
        ("91350100m000100y43", "18 of the symbols"),
        ("91350100M000100Z43", "18 of the symbols"),
        ("91350100M000100Y33", "of the organisation"),
        ("91350100M000100Y44", "check symbol of this credit code"),
    ],
)
def test_broken_code_is_refused_by_the_part_that_is_wrong(broken, reason):
    with pytest.raises(IdentifierError, match=reason):
        check_credit_code(broken)
