"""Resident identity numbers: the published one, broken ones, and those of the city."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jincheng.errors import CitySizeError, IdentifierError
from jincheng.identifiers import check_resident_id, resident_ids, running_number

PUBLISHED = "11010519491231002X"  # the example of GB 11643-1999, annex


def test_published_number_is_valid():
    check_resident_id(PUBLISHED)


@given(place=st.integers(0, 16), digit=st.sampled_from("0123456789"))
def test_changing_any_one_digit_is_caught(place, digit):
    changed = PUBLISHED[:place] + digit + PUBLISHED[place + 1 :]
    if changed != PUBLISHED:
        with pytest.raises(IdentifierError):
            check_resident_id(changed)


@given(place=st.integers(0, 16))
def test_swapping_two_neighbours_is_caught(place):
    first, second = PUBLISHED[place : place + 2]
    swapped = PUBLISHED[:place] + second + first + PUBLISHED[place + 2 :]
    if swapped != PUBLISHED:
        with pytest.raises(IdentifierError):
            check_resident_id(swapped)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("", "17 digits"),
        ("11010519491231002", "17 digits"),
        ("11010519491231002XX", "17 digits"),
        ("1101051949123100２X", "17 digits"),  # a full-width digit
        ("110105 9491231002X", "17 digits"),
        ("11010519491331002X", "birth date"),
        ("110105194912310021", "check symbol"),
        ("11010519491231002x", "check symbol"),
    ],
)
def test_broken_number_is_refused_by_the_part_that_is_wrong(broken, reason):
    with pytest.raises(IdentifierError, match=reason):
        check_resident_id(broken)


def test_refusal_does_not_repeat_the_number():
    with pytest.raises(IdentifierError) as refused:
        check_resident_id("110105194912310021")
    assert "1949" not in str(refused.value)


def test_written_number_holds_area_birth_date_and_sex():
    birth_date = np.array(["1949-12-31", "2000-02-29"], dtype="datetime64[D]")
    woman, man = resident_ids(140591, birth_date, np.array([False, True]), chunk=0)
    assert woman[:17] == "14059119491231000"
    assert man[:17] == "14059120000229001"
    check_resident_id(woman)
    check_resident_id(man)


def test_chunks_of_a_county_never_share_a_number():
    birth_date = np.full(50, "1949-12-31", dtype="datetime64[D]")
    male = np.ones(50, dtype=bool)
    numbers = np.concatenate([resident_ids(140591, birth_date, male, chunk=chunk) for chunk in range(10)])
    assert len(set(numbers)) == 500


@pytest.mark.parametrize(("people", "chunk"), [(51, 0), (1, 10)])
def test_numbers_that_run_out_are_an_error_and_never_wrap(people, chunk):
    birth_date = np.full(people, "1949-12-31", dtype="datetime64[D]")
    with pytest.raises(CitySizeError, match="run out"):
        resident_ids(140591, birth_date, np.ones(people, dtype=bool), chunk=chunk)


def test_running_number_counts_within_each_group():
    assert running_number(np.array([5, 3, 5, 5, 3])).tolist() == [0, 0, 1, 2, 1]
