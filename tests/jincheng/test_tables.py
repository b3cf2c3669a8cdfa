"""What the county bureaus write: like the public statistics, and within the cards.

The shares are those of seed 7, which is fixed, so there are no false alarms.
"""

from datetime import date

import pytest

from jincheng import COUNTIES, TABLES, tables
from jincheng.counties import divide_citizens
from jincheng.identifiers import check_resident_id

CITIZENS = 100_000
COLUMNS = [
    pytest.param(table, column, id=f"{table}.{column.name}")
    for table, card in TABLES.items()
    for column in card.columns
]
USES = {"never", "join_key", "filter", "group_by", "aggregate", "feature", "plain"}


@pytest.fixture(scope="module")
def pooled():
    return tables(citizens=CITIZENS)


def test_ids_are_unique_valid_and_of_area_codes_nobody_can_have(pooled):
    ids = pooled["hukou"]["id"]
    assert ids.is_unique
    for text in ids[:: CITIZENS // 2_000]:
        check_resident_id(text)
    assert set(ids.str[:6]) == {"140591", "140592", "140593", "140594", "140595", "140596"}


def test_id_tells_county_birth_date_and_sex(pooled):
    hukou = pooled["hukou"]
    area = {county.key: str(county.area_code) for county in COUNTIES}
    assert (hukou["id"].str[:6] == hukou["county"].map(area)).all()
    assert (hukou["id"].str[6:14] == hukou["birth_date"].dt.strftime("%Y%m%d")).all()
    assert ((hukou["id"].str[16].astype(int) % 2 == 1) == (hukou["sex"] == "男")).all()


def test_age_follows_from_birth_date(pooled):
    hukou = pooled["hukou"]
    assert (hukou["age"] == 2024 - hukou["birth_date"].dt.year).all()
    assert hukou["birth_date"].max().date() <= date(2024, 12, 31)


def test_no_name_is_more_than_a_surname(pooled):
    assert pooled["hukou"]["name"].str.fullmatch("[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗]某某").all()


def test_every_household_has_one_head_of_20_or_older_and_at_most_six_members(pooled):
    hukou = pooled["hukou"]
    heads = hukou[hukou["relation"] == "户主"]
    assert heads["household_id"].is_unique
    assert set(heads["household_id"]) == set(hukou["household_id"])
    assert heads["age"].min() >= 20
    assert hukou.groupby("household_id").size().max() == 6
    assert hukou.loc[hukou["relation"] == "其他", "car_count"].sum() == 0


def test_county_shares_are_met(pooled):
    shares = pooled["hukou"].groupby("county").size() / CITIZENS
    for county in COUNTIES:
        assert shares[county.key] == pytest.approx(county.share, abs=0.005)


def test_county_sizes_add_up_to_any_number_of_citizens():
    assert all(sum(divide_citizens(citizens).values()) == citizens for citizens in range(1_000, 1_200))


def test_old_people_are_as_many_as_in_the_census(pooled):
    assert 0.19 <= (pooled["hukou"]["age"] >= 60).mean() <= 0.22


def test_men_are_as_many_as_in_the_census(pooled):
    assert (pooled["hukou"]["sex"] == "男").mean() == pytest.approx(0.5062, abs=0.005)


def test_unemployment_is_plausible(pooled):
    count = pooled["insured"]["employment"].value_counts()
    assert 0.03 <= count["失业登记"] / (count["失业登记"] + count["职工"]) <= 0.07


def test_two_to_three_percent_of_households_receive_the_allowance(pooled):
    hukou, dibao = pooled["hukou"], pooled["dibao"]
    households = hukou["household_id"][hukou["id"].isin(dibao["id"])].nunique()
    assert 0.02 <= households / hukou["household_id"].nunique() <= 0.03


@pytest.mark.parametrize("table", ["insured", "dibao"])
def test_everybody_in_a_table_is_registered_once_and_in_the_same_county(pooled, table):
    registered = pooled["hukou"].set_index("id")
    rows = pooled[table].set_index("id")
    assert rows.index.is_unique
    same = ["county", "sex", "age", "age_band"]
    assert rows[same].equals(registered.loc[rows.index, same])


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_every_value_lies_within_its_card(pooled, table, column):
    values = pooled[table][column.name]
    if column.bounds is not None:
        assert values.dropna().between(*column.bounds).all()
    if column.values is not None:
        assert set(values) <= set(column.values)


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_nulls_occur_exactly_where_the_card_declares_them(pooled, table, column):
    assert pooled[table][column.name].isna().any() == column.nullable


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_card_is_complete(table, column):
    assert column.uses and set(column.uses) <= USES
    assert column.label_zh and column.label_en
    if column.type == "integer":
        assert column.bounds is not None and column.unit
    if column.type in ("text", "integer") and {"filter", "group_by"} & set(column.uses):
        assert column.values or column.cuts
    if column.cuts is not None:
        assert list(column.cuts) == sorted(set(column.cuts))


def test_base_and_pension_are_null_for_those_who_have_none(pooled):
    insured = pooled["insured"].set_index("employment")
    assert insured.loc["职工", "base_fen"].notna().all()
    assert insured.loc["职工", "pension_fen"].isna().all()
    assert insured.loc["失业登记", ["base_fen", "pension_fen"]].isna().all(axis=None)
    assert insured.loc["养老金", "base_fen"].isna().all()
    assert insured.loc["养老金", "pension_fen"].notna().all()
    assert (insured["unemployed"] == (insured.index == "失业登记")).all()


def test_sums_of_corrections_are_negative_in_some_groups(pooled):
    sums = pooled["dibao"].groupby("county")["balance_fen"].sum()
    assert (sums < 0).any()
