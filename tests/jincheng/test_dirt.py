"""Dirty numbers and real coverage: off by default, and of the announced size. Seed 7, so no false alarms."""

import pytest

from jincheng import DEPARTMENTS, Dirt, IdentifierError, tables
from jincheng.identifiers import check_resident_id

CITIZENS = 40_000
POLICE, POWER = (department for department in DEPARTMENTS if department.key in ("police", "power"))


def is_valid(text):
    try:
        check_resident_id(text)
    except IdentifierError:
        return False
    return True


@pytest.fixture(scope="module")
def clean():
    return tables(citizens=CITIZENS, departments=[POLICE])["hukou"]


@pytest.fixture(scope="module")
def dirty():
    return tables(citizens=CITIZENS, departments=[POLICE], dirt=Dirt())["hukou"]


def test_half_a_percent_of_the_rows_stand_there_twice(clean, dirty):
    assert (len(dirty) / len(clean) - 1) == pytest.approx(0.005, abs=0.001)


def test_two_percent_of_the_numbers_are_missing(dirty):
    assert dirty["id"].isna().mean() == pytest.approx(0.02, abs=0.002)


def test_one_percent_is_untidy_and_found_again_when_tidied(clean, dirty):
    ids = dirty["id"].dropna()
    tidied = ids.str.strip().str.upper()
    changed = tidied[tidied != ids]
    assert len(changed) / len(dirty) == pytest.approx(0.01, abs=0.002)
    assert changed.isin(clean["id"]).all()
    assert ids.str.endswith("x").any() and ids.str.startswith(" ").any()


def test_three_in_a_thousand_are_mistyped_which_their_check_symbol_tells(clean, dirty):
    tidied = dirty["id"].dropna().str.strip().str.upper()
    strange = tidied[~tidied.isin(clean["id"])]
    assert len(strange) / len(dirty) == pytest.approx(0.003, abs=0.001)
    assert not any(is_valid(text) for text in strange)


def test_dirt_touches_nothing_but_the_number(clean, dirty):
    kept = dirty.drop_duplicates(subset=["household_id", "name", "birth_date", "sex", "age"]).drop(columns="id")
    same = clean.drop_duplicates(subset=["household_id", "name", "birth_date", "sex", "age"]).drop(columns="id")
    assert kept.reset_index(drop=True).equals(same.reset_index(drop=True))


def test_credit_codes_get_dirty_too():
    codes = tables(citizens=CITIZENS, departments=[POWER], dirt=Dirt(untidy=0.5))["industrial"]["uscc"]
    assert codes.dropna().str.islower().mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("department", DEPARTMENTS, ids=lambda department: department.key)
def test_real_coverage_leaves_out_the_announced_part(department):
    full = tables(citizens=CITIZENS, departments=[department])
    real = tables(citizens=CITIZENS, departments=[department], coverage="real")
    for table in department.tables:
        ids, known = full[table.name][table.id_column], real[table.name][table.id_column]
        assert set(known) <= set(ids)
        expected, count = table.coverage, ids.nunique()
        four_deviations = 4 * (expected * (1 - expected) / count) ** 0.5
        assert known.nunique() / count == pytest.approx(expected, abs=four_deviations)


def test_a_department_that_does_not_know_somebody_knows_nothing_of_them():
    (health,) = (department for department in DEPARTMENTS if department.key == "health")
    full = tables(citizens=CITIZENS, departments=[health])
    real = tables(citizens=CITIZENS, departments=[health], coverage="real")
    unknown = set(full["settlement"]["id"]) - set(real["settlement"]["id"])
    assert unknown
    assert all(unknown.isdisjoint(frame["id"]) for frame in real.values())
