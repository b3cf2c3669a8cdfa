"""What the city's departments write: within their cards, tied to each other, and nothing latent.

The shares are those of seed 7, which is fixed, so there are no false alarms.
"""

import numpy as np
import pytest

from jincheng import DEPARTMENTS, HOSPITALS, tables
from jincheng.chunks import divide_city
from jincheng.credit_codes import check_credit_code
from jincheng.identifiers import check_resident_id
from jincheng.readme import BEGIN, README, write_cards
from jincheng.tables import draw_rows

CITIZENS = 100_000
WHOLE = (*DEPARTMENTS, *HOSPITALS)
TABLES = {table.name: table for department in WHOLE for table in department.tables}
BY_HOUSEHOLD = [
    "household_work",
    "household_health",
    "household_disability",
    "household_tax",
    "property",
    "residential",
]
BY_FIRM = ["vat", "employer", "industrial", "firm_property", "enforcement", "loan"]


@pytest.fixture(scope="module")
def pooled():
    return tables(citizens=CITIZENS, departments=WHOLE)


@pytest.fixture(scope="module")
def chunk():
    return next(divide_city(citizens=20_000, seed=7))


@pytest.mark.parametrize("table", TABLES)
def test_every_value_lies_within_its_card(pooled, table):
    written = pooled[table].drop(columns="county", errors="ignore")  # put in where counties are pooled
    assert list(written) == [column.name for column in TABLES[table].columns]
    for column in TABLES[table].columns:
        values = written[column.name]
        assert values.notna().all(), column.name
        if column.bounds is not None:
            assert values.between(*column.bounds).all(), column.name
        if column.values is not None:
            assert set(values) <= set(column.values), column.name


@pytest.mark.parametrize("table", TABLES)
def test_cards_are_complete(table):
    for column in TABLES[table].columns:
        assert column.uses and column.label_zh and column.label_en
        assert column.uses == ("never",) or "never" not in column.uses
        if column.type == "integer":
            assert column.bounds is not None and column.unit
        if column.type in ("text", "integer") and {"filter", "group_by"} & set(column.uses):
            assert column.values or column.cuts
        if column.cuts is not None:
            low, high = column.bounds
            assert list(column.cuts) == sorted(set(column.cuts))
            assert low < column.cuts[0] and column.cuts[-1] <= high


def test_no_two_departments_of_the_city_give_a_table_the_same_name():
    names = [table.name for department in DEPARTMENTS for table in department.tables]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("table", sorted(set(TABLES) - {"inpatient"}))
def test_nobody_stands_twice_in_a_table(pooled, table):
    assert pooled[table][TABLES[table].id_column].is_unique


def test_everybody_in_any_register_is_a_citizen(pooled):
    citizens = set(pooled["hukou"]["id"])
    for table, frame in pooled.items():
        if TABLES[table].id_column == "id":
            assert set(frame["id"]) <= citizens
    assert set(pooled["entity"]["legal_person_id"]) <= citizens


@pytest.mark.parametrize("table", BY_HOUSEHOLD)
def test_tables_by_household_have_a_row_for_every_head(pooled, table):
    hukou = pooled["hukou"]
    heads = hukou.loc[hukou["relation"] == "户主", "id"]
    assert list(pooled[table]["id"]) == list(heads) == list(pooled["family"]["id"])


@pytest.mark.parametrize("table", BY_FIRM)
def test_tables_by_firm_have_a_row_for_every_firm_that_exists(pooled, table):
    entity = pooled["entity"]
    assert list(pooled[table]["uscc"]) == list(entity.loc[entity["status"] == "存续", "uscc"])


def test_firms_are_as_many_as_in_the_statistics_and_have_valid_codes(pooled):
    codes = pooled["entity"]["uscc"]
    assert len(codes) == pytest.approx(0.076 * CITIZENS, abs=6)
    for code in codes[::20]:
        check_credit_code(code)


def test_every_legal_person_is_an_adult_with_one_firm(pooled):
    owners = pooled["entity"]["legal_person_id"]
    assert owners.is_unique
    assert pooled["hukou"].set_index("id").loc[owners, "age"].between(22, 70).all()


def test_every_insured_employee_works_for_a_registered_firm_of_the_same_county(pooled):
    county = pooled["entity"].set_index("uscc")["county_code"]
    insured = pooled["insured"]
    assert (county.loc[insured["employer_uscc"]].to_numpy() == insured["county_code"]).all()


def test_spouses_are_of_like_age_and_children_a_generation_younger(pooled):
    hukou = pooled["hukou"]
    heads = hukou[hukou["relation"] == "户主"].set_index("household_id")
    gap = hukou["age"] - hukou["household_id"].map(heads["age"])
    spouse = hukou["relation"] == "配偶"
    assert gap[spouse].abs().max() <= 10
    assert hukou.loc[spouse, "age"].min() >= 20
    assert (hukou["sex"] != hukou["household_id"].map(heads["sex"]))[spouse].all()
    assert hukou.loc[spouse, "household_id"].is_unique
    assert gap[hukou["relation"] == "子女"].max() <= -18
    assert gap[hukou["relation"] == "父母"].min() >= 18
    married = pooled["marriage"]["marital_status"] == "已婚"
    assert married[spouse].all()


def test_settlements_are_the_sums_of_visits_and_stays(pooled):
    paid = pooled["outpatient"].set_index("id")["self_pay_fen"]
    stays = pooled["inpatient"].groupby("id")["self_pay_fen"].sum()
    settlement = pooled["settlement"].set_index("id")["self_pay_fen"]
    assert (paid.add(stays, fill_value=0).loc[settlement.index] == settlement).all()


def test_households_add_up_to_their_members(pooled):
    home = pooled["hukou"].set_index("id")["household_id"]
    heads = home.loc[pooled["household_work"]["id"]].to_numpy()
    bases = pooled["insured"].groupby(pooled["insured"]["id"].map(home))["base_fen"].sum()
    assert (bases.reindex(heads, fill_value=0).to_numpy() == pooled["household_work"]["base_sum_fen"]).all()


def test_meters_and_case_numbers_are_unique(pooled):
    meters = [*pooled["residential"]["meter_id"], *pooled["industrial"]["meter_id"]]
    assert len(meters) == len(set(meters))
    assert {len(meter) for meter in meters} == {10}
    assert pooled["admissions"]["case_id"].is_unique


@pytest.mark.parametrize(
    ("table", "column", "low", "high"),
    [
        ("family", "needs_relief", 0.060, 0.072),
        ("loan", "default_12m", 0.050, 0.063),
        ("admissions", "readmitted_30d", 0.090, 0.108),
        ("entity", "abnormal", 0.060, 0.075),
        ("firm_property", "owned", 0.35, 0.40),
    ],
)
def test_rates_are_those_of_the_specification(pooled, table, column, low, high):
    assert low <= pooled[table][column].mean() <= high


def test_registers_are_of_plausible_size(pooled):
    people = {table: len(pooled[table]) / CITIZENS for table in ("insured", "disability", "inpatient", "student")}
    assert people == pytest.approx(
        {"insured": 0.27, "disability": 0.024, "inpatient": 0.102, "student": 0.16}, abs=0.01
    )
    assert 0.018 <= pooled["dibao"]["id"].isin(pooled["family"]["id"]).sum() / len(pooled["family"]) <= 0.03


def test_allowance_is_never_a_feature():
    assert not any("feature" in column.uses for column in TABLES["dibao"].columns)


def test_only_three_columns_are_what_models_predict():
    targets = {f"{table}.{column.name}" for table, card in TABLES.items() for column in card.columns if column.target}
    assert targets == {"family.needs_relief", "loan.default_12m", "admissions.readmitted_30d"}


def test_no_column_follows_a_latent_value(chunk):
    here, firms, cases = chunk.residents, chunk.firms, chunk.cases
    home = here.people.household
    people = [
        here.households.affluence[home],
        here.people.frailty,
        here.people.schooling,
        here.work.informal_yuan,
        here.relief.probability[home],
    ]
    latent = firms.latent
    enterprises = [latent.governance, latent.liquidity, latent.scale, latent.demand, latent.growth]
    subjects = {
        "id": (here.ids, people),
        "uscc": (firms.code, [*enterprises, chunk.loans.probability]),
        "case_id": (None, [cases.probability]),
    }
    for department in WHOLE:
        for table in department.tables if department.county in (None, chunk.county) else ():
            ids, latents = subjects[table.id_column]
            rows = draw_rows(department, table, chunk)
            place = {text: index for index, text in enumerate(ids if ids is not None else rows["case_id"])}
            listed = [place[text] for text in rows[table.id_column]]
            for values in rows.values():
                assert values.dtype.kind in "UMib"  # no floats at all
                if values.dtype.kind in "ib":
                    assert not any(follows(values, latent[listed]) for latent in latents)


def follows(values, latent):
    if np.ptp(values.astype(float)) == 0 or np.ptp(latent) == 0:
        return False
    return abs(np.corrcoef(values, latent)[0, 1]) > 0.95


def test_ids_of_the_departments_are_those_of_the_bureaus(pooled):
    bureaus = tables(citizens=CITIZENS)
    assert list(bureaus["hukou"]["id"]) == list(pooled["hukou"]["id"])
    assert set(pooled["dibao"]["id"]) < set(bureaus["dibao"]["id"])
    for text in pooled["hukou"]["id"][::500]:
        check_resident_id(text)


def test_data_cards_in_the_readme_are_up_to_date():
    _, _, cards = README.read_text(encoding="utf-8").partition(BEGIN)
    assert cards == write_cards(), "run python -m jincheng.readme in datasets/"


def test_every_table_is_called_synthetic_in_both_languages():
    cards = write_cards()
    tables_shown = cards.count("\n#### ")
    assert tables_shown == cards.count("合成数据。") == cards.count("Synthetic data.") == len(TABLES) + 3
