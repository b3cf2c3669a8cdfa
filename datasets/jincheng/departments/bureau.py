"""The county bureaus: the same three tables in all six counties, each about its own county only."""

from dataclasses import replace

import numpy as np

from jincheng.cards import ColumnCard, Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.columns import AGE, AGE_BAND, FEN_A_MONTH, ID, SEX, SEXES, as_feature, flag, number, text
from jincheng.counties import COUNTIES
from jincheng.departments import civil, police
from jincheng.tables import age_bands, pick


def _hukou(chunk: Chunk) -> Rows:
    return {
        **police.write_hukou(chunk),
        "relation": pick(("其他", "户主"), chunk.residents.people.is_head),
    }


def _insured(chunk: Chunk) -> Rows:
    people, work = chunk.residents.people, chunk.residents.work
    listed = work.insured | work.unemployed | (work.pension_fen > 0)
    insured, unemployed = work.insured[listed], work.unemployed[listed]
    return {
        "id": chunk.residents.ids[listed],
        "sex": pick(SEXES, ~people.male[listed]),
        "age": people.age[listed],
        "age_band": age_bands(people.age[listed]),
        "employment": np.select([insured, unemployed], ["职工", "失业登记"], "养老金"),
        "base_fen": np.ma.masked_array(work.base_fen[listed], mask=~insured),
        "months_12": work.months_12[listed],
        "pension_fen": np.ma.masked_array(work.pension_fen[listed], mask=insured | unemployed),
        "unemployed": unemployed,
    }


def _dibao(chunk: Chunk) -> Rows:
    here = chunk.residents
    return civil.write_allowance(chunk, here.relief.received[here.people.household])


_FEATURES = {"sex", "age", "lives_alone", "household_size"}
_RELATION = text("relation", "与户主关系", "relation to the head of the household", values=("户主", "其他"))


def _columns_like(table: TableCard, *, without: str) -> tuple[ColumnCard, ...]:
    """Take a city department's columns; models of a county also see sex, age and household."""
    own = (_RELATION if column.name == "relation" else column for column in table.columns if column.name != without)
    return tuple(as_feature(column) if column.name in _FEATURES else column for column in own)


HUKOU = replace(
    police.HUKOU,
    about_zh="县内每位居民一行；机动车数记在户主行。",
    about_en="Everybody who lives in the county; cars stand in the row of the head of the household.",
    rows=_hukou,
    columns=_columns_like(police.HUKOU, without="county_code"),
)

INSURED = TableCard(
    name="insured",
    label_zh="职工社保",
    label_en="employees' social insurance",
    about_zh="18–59 岁参保职工、登记失业人员，以及 60 岁及以上领取养老金者各一行；"
    "缴费基数只有职工有，养老金只有领取者有。",
    about_en="Insured employees and registered unemployed of 18 to 59, and pensioners from 60; "
    "only employees have a base, and only pensioners a pension.",
    id_column="id",
    rows=_insured,
    columns=(
        ID,
        as_feature(SEX),
        as_feature(AGE),
        AGE_BAND,
        text("employment", "险种", "why the person is on the rolls", values=("职工", "失业登记", "养老金")),
        number(
            "base_fen",
            "缴费基数",
            "contribution base",
            unit=FEN_A_MONTH,
            bounds=(0, 2_500_000),
            cuts=(370_000, 500_000, 700_000, 1_000_000, 1_500_000),
            feature=True,
            nullable=True,
        ),
        number(
            "months_12",
            "近12月缴费月数",
            "months paid of the last 12",
            unit="month",
            bounds=(0, 12),
            cuts=tuple(range(1, 13)),
            bands=False,
            feature=True,
        ),
        number(
            "pension_fen",
            "养老金",
            "pension",
            unit=FEN_A_MONTH,
            bounds=(0, 1_000_000),
            cuts=(100_000, 200_000, 300_000, 400_000, 500_000),
            feature=True,
            nullable=True,
        ),
        flag("unemployed", "失业登记", "registered as unemployed", feature=True),
    ),
)

DIBAO = replace(
    civil.DIBAO,
    about_zh="领取低保家庭的每位成员一行。“上年核减补差”可为负数。",
    about_en="Every member of a household that receives the allowance. Corrections of last year may be negative.",
    rows=_dibao,
    columns=_columns_like(civil.DIBAO, without="temp_relief"),
)

BUREAUS = tuple(
    Department(
        key=county.key,
        label_zh=f"{county.label_zh}分局",
        label_en=f"{county.label_en} bureau",
        tables=(HUKOU, INSURED, DIBAO),
        county=county,
    )
    for county in COUNTIES
)
