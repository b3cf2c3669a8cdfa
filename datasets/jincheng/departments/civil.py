"""民政: marriages, the minimum living allowance, old people, and which families will need relief."""

from jincheng.cards import Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.columns import (
    AGE,
    AGE_BAND,
    FEN_A_MONTH,
    HEAD_ID,
    HOUSEHOLD_SIZE,
    ID,
    SEX,
    SEXES,
    as_feature,
    flag,
    number,
    text,
)
from jincheng.draws import Booleans
from jincheng.families import MARITAL_STATUSES
from jincheng.relief import is_lone_elder
from jincheng.tables import age_bands, pick

OLD = 60


def _marriage(chunk: Chunk) -> Rows:
    people, families = chunk.residents.people, chunk.families
    return {
        "id": chunk.residents.ids,
        "sex": pick(SEXES, ~people.male),
        "age_band": age_bands(people.age),
        "marital_status": pick(MARITAL_STATUSES, families.marital_status),
        "orphan": families.orphan,
    }


def write_allowance(chunk: Chunk, listed: Booleans) -> Rows:
    """Write down the allowance of these people."""
    here = chunk.residents
    people, relief, households = here.people, here.relief, here.households
    home = people.household[listed]
    return {
        "id": here.ids[listed],
        "sex": pick(SEXES, ~people.male[listed]),
        "age": people.age[listed],
        "age_band": age_bands(people.age[listed]),
        "dibao_type": pick(("农村", "城市"), households.urban[home]),
        "amount_fen": relief.amount_fen[home],
        "lives_alone": households.size[home] == 1,
        "household_size": households.size[home],
        "tekun": relief.tekun[home],
        "balance_fen": relief.balance_fen[listed],
    }


def _dibao(chunk: Chunk) -> Rows:
    household = chunk.residents.people.household
    listed = chunk.eligibility.listed[household]
    return {
        **write_allowance(chunk, listed),
        "temp_relief": chunk.registers.relief_payments[household[listed]],
    }


def _elderly(chunk: Chunk) -> Rows:
    here = chunk.residents
    old = here.people.age >= OLD
    size = here.households.size[here.people.household[old]]
    return {
        "id": here.ids[old],
        "sex": pick(SEXES, ~here.people.male[old]),
        "age_band": age_bands(here.people.age[old]),
        "lives_alone": size == 1,
        "household_size": size,
    }


def _family(chunk: Chunk) -> Rows:
    here = chunk.residents
    people = here.people
    return {
        "id": here.ids[people.is_head],
        "household_size": here.households.size,
        "dependants": people.per_household(people.is_dependant),
        "students": people.per_household(people.is_student),
        "lone_elder": is_lone_elder(here.households, people),
        "needs_relief": here.relief.needy,
    }


MARRIAGE = TableCard(
    name="marriage",
    label_zh="婚姻与孤儿",
    label_en="marriages and orphans",
    about_zh="每位居民一行。",
    about_en="Everybody who lives in the city.",
    id_column="id",
    rows=_marriage,
    columns=(
        ID,
        SEX,
        AGE_BAND,
        text("marital_status", "婚姻状况", "marital status", values=MARITAL_STATUSES),
        flag("orphan", "孤儿", "orphan under 18"),
    ),
)

DIBAO = TableCard(
    name="dibao",
    label_zh="低保",
    label_en="minimum living allowance",
    about_zh="低保家庭的每位成员一行；已清退不符合条件者，只留下已知数目的疑似违规（见“埋设答案”）。",
    about_en="Every member of a household on the list, weeded but for a known number (see the planted answers).",
    id_column="id",
    rows=_dibao,
    columns=(
        ID,
        SEX,
        AGE,
        AGE_BAND,
        text("dibao_type", "低保类别", "scheme", values=("城市", "农村")),
        number(
            "amount_fen",
            "月救助金额",
            "allowance of this person",
            unit=FEN_A_MONTH,
            bounds=(0, 200_000),
            cuts=(20_000, 40_000, 60_000, 80_000),
        ),
        flag("lives_alone", "独居", "lives alone"),
        HOUSEHOLD_SIZE,
        flag("tekun", "特困供养", "support of the destitute"),
        number(
            "balance_fen",
            "上年核减补差",
            "correction of last year's payments, negative if taken back",
            unit="fen",
            bounds=(-50_000, 50_000),
        ),
        number(
            "temp_relief",
            "临时救助次数",
            "temporary relief within the year",
            unit="payment",
            bounds=(0, 12),
            cuts=(1, 2),
        ),
    ),
)

ELDERLY = TableCard(
    name="elderly",
    label_zh="老年人",
    label_en="old people",
    about_zh="60 岁及以上者各一行。",
    about_en="Everybody of 60 and older.",
    id_column="id",
    rows=_elderly,
    columns=(
        ID,
        SEX,
        AGE_BAND,
        flag("lives_alone", "独居老人", "lives alone"),
        HOUSEHOLD_SIZE,
    ),
)

FAMILY = TableCard(
    name="family",
    label_zh="家庭",
    label_en="families",
    about_zh="每户一行，以户主身份证号为键；“十二个月内需要救助”是模型的标签。",
    about_en="Every household, by its head; whether it needs relief within twelve months is what models predict.",
    id_column="id",
    rows=_family,
    columns=(
        HEAD_ID,
        as_feature(HOUSEHOLD_SIZE),
        number(
            "dependants",
            "被抚养人数",
            "members under 16 or from 65",
            unit="person",
            bounds=(0, 6),
            cuts=(1, 2, 3),
            feature=True,
        ),
        number(
            "students",
            "在校学生数",
            "students of 16 to 21",
            unit="person",
            bounds=(0, 6),
            cuts=(1, 2),
            feature=True,
        ),
        flag("lone_elder", "独居老人", "one person of 60 or older", feature=True),
        flag("needs_relief", "十二个月内需要救助", "needs relief within twelve months", target=True),
    ),
)

CIVIL = Department(key="civil", label_zh="民政", label_en="Civil affairs", tables=(MARRIAGE, DIBAO, ELDERLY, FAMILY))
