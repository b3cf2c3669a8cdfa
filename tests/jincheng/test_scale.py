"""The largest city: numbers suffice by construction, and its chunks come out in little room and time."""

import itertools
import math
import resource
import time

import pytest

from jincheng import DEPARTMENTS, HOSPITALS, generate
from jincheng.chunks import CHUNK, divide_city
from jincheng.city import MOST_CITIZENS
from jincheng.firms import FIRMS_PER_COUNTY
from jincheng.identifiers import CHUNKS_PER_COUNTY, NUMBERS_PER_CHUNK
from jincheng.people import AGE_WEIGHTS, MALE_SHARE
from jincheng.tables import draw_rows

WHOLE = (*DEPARTMENTS, *HOSPITALS)


@pytest.fixture(scope="module")
def largest():
    return list(divide_city(citizens=MOST_CITIZENS, seed=7))


@pytest.mark.parametrize("citizens", [1_000, 777_777, 1_000_000, 2_194_545, MOST_CITIZENS])
def test_chunks_cover_the_city_without_gaps(citizens):
    chunks = list(divide_city(citizens=citizens, seed=7))
    assert sum(len(chunk.citizens) for chunk in chunks) == citizens
    assert sum(len(chunk.enterprises) for chunk in chunks) == pytest.approx(0.076 * citizens, abs=6)
    assert sum(len(chunk.admissions) for chunk in chunks) == max(20_000, round(0.1 * citizens))
    for before, after in itertools.pairwise(chunks):
        follows = before.county == after.county
        for mine, next_ones in [
            (before.citizens, after.citizens),
            (before.enterprises, after.enterprises),
            (before.admissions, after.admissions),
        ]:
            assert next_ones.start == (mine.stop if follows else 0)


def test_chunks_of_a_city_of_a_million_are_as_small_as_ever():
    assert max(len(chunk.citizens) for chunk in divide_city(citizens=1_000_000, seed=7)) == CHUNK


def test_largest_city_stays_within_its_numbers(largest):
    assert max(chunk.number for chunk in largest) < CHUNKS_PER_COUNTY
    assert max(chunk.citizens.stop for chunk in largest) <= 10**7  # of household numbers
    assert max(chunk.enterprises.stop for chunk in largest) <= FIRMS_PER_COUNTY
    assert max(chunk.admissions.stop for chunk in largest) <= 10**7  # of case numbers


def test_identity_numbers_of_the_largest_city_do_not_run_out(largest):
    citizens = max(len(chunk.citizens) for chunk in largest)
    # People of the most frequent age and sex who were born on one day, and how likely 50 of them are (Chernoff).
    mean = citizens * AGE_WEIGHTS.max() / 5 * MALE_SHARE / 365
    log_odds = -mean + NUMBERS_PER_CHUNK * (1 + math.log(mean / NUMBERS_PER_CHUNK))
    days_and_sexes = len(largest) * 90 * 365 * 2
    assert (citizens, round(mean, 1)) == (262_000, 7.2)
    assert days_and_sexes * math.exp(log_odds) < 1e-12


@pytest.mark.slow
def test_largest_chunks_of_the_largest_city_can_be_drawn(largest):
    first, last = largest[0], largest[9]
    assert first.county == last.county
    for department in DEPARTMENTS:
        for table in department.tables:
            rows = draw_rows(department, table, last)
            assert len({len(values) for values in rows.values()}) == 1
    assert len(set(last.residents.ids)) == len(last.citizens) == 262_000
    assert set(last.residents.ids).isdisjoint(first.residents.ids)
    assert set(last.residents.household_numbers).isdisjoint(first.residents.household_numbers)
    assert set(last.firms.code).isdisjoint(first.firms.code)


@pytest.mark.slow
def test_a_million_citizens_take_less_than_a_minute_and_three_gigabytes(tmp_path):
    begun = time.monotonic()
    city = generate(tmp_path, citizens=1_000_000, workers=2, departments=WHOLE)
    assert time.monotonic() - begun < 60
    assert sum(city.rows.values()) > 8_000_000
    kilobytes = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    assert kilobytes < 3 * 2**20
