"""The planted answers are found again by pandas in the tables that the departments write."""

import pytest

from jincheng import DEPARTMENTS, planted, tables
from jincheng.answers import Found, Unemployment

CITIZENS = 60_000


@pytest.fixture(scope="module", params=[7, 8])
def city(request):
    return (
        planted(citizens=CITIZENS, seed=request.param),
        tables(citizens=CITIZENS, seed=request.param, departments=DEPARTMENTS),
    )


def ineligible(pooled):
    """Who stands in each register that excludes the allowance."""
    hukou, homes = pooled["hukou"], pooled["property"]
    return {
        "car": set(hukou.loc[hukou["car_count"] > 0, "id"]),
        "second_flat": set(homes.loc[homes["flats"] > 1, "id"]),
        "income": set(pooled["pit"]["id"]),
        "firm": set(pooled["entity"]["legal_person_id"]),
        "death": set(pooled["deceased"]["id"]),
    }


def test_ineligible_recipients_are_found(city):
    answer, pooled = city
    dibao = pooled["dibao"].set_index("id")["amount_fen"]
    found = {ground: dibao[dibao.index.isin(ids)] for ground, ids in ineligible(pooled).items()}
    assert {ground: Found(people=len(rows), fen=rows.sum()) for ground, rows in found.items()} == answer.ineligible
    assert sum(bool(rows.size) for rows in found.values()) >= 4


def test_ineligible_recipients_are_planted_one_ground_each(city):
    answer, pooled = city
    everybody = set.union(*ineligible(pooled).values())
    people = pooled["dibao"]["id"].isin(everybody).sum()
    assert people == sum(found.people for found in answer.ineligible.values())
    assert people == pytest.approx(0.012 * answer.recipients.people, abs=4)  # six chunks, each rounded


def test_recipients_are_the_rows_of_the_allowance(city):
    answer, pooled = city
    assert answer.recipients == Found(people=len(pooled["dibao"]), fen=pooled["dibao"]["amount_fen"].sum())


def test_unemployment_by_county_and_age_is_found(city):
    answer, pooled = city
    cell = ["county_code", "age_band"]
    unemployed = pooled["unemployment"].groupby(cell).size()
    labour = pooled["hukou"][pooled["hukou"]["age"].between(18, 59)].groupby(cell).size()
    assert len(labour) == 18
    assert {
        key: Unemployment(unemployed=unemployed.get(key, 0), labour_force=count) for key, count in labour.items()
    } == answer.unemployment


def test_people_insured_by_cancelled_firms_are_found(city):
    answer, pooled = city
    insured, entity = pooled["insured"], pooled["entity"]
    rows = insured[insured["employer_uscc"].isin(entity.loc[entity["status"] == "注销", "uscc"])]
    assert answer.insured_by_cancelled_firm == Found(people=len(rows), fen=rows["base_fen"].sum())
    assert len(rows) == pytest.approx(0.002 * len(insured), abs=3)


def test_what_recipients_pay_for_their_health_is_found(city):
    answer, pooled = city
    rows = pooled["settlement"][pooled["settlement"]["id"].isin(pooled["dibao"]["id"])]
    assert answer.recipients_with_claims == Found(people=len(rows), fen=rows["self_pay_fen"].sum())
