"""人社: insured employees, the unemployed, pensions and subsidies; and the firms that insure people."""

import numpy as np

from jincheng.cards import Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.columns import (
    AGE_BAND,
    COUNTY,
    FEN_A_MONTH,
    HEAD_ID,
    ID,
    SEX,
    SEXES,
    USCC,
    key,
    number,
    permille,
    text,
)
from jincheng.draws import Booleans
from jincheng.tables import age_bands, pick

SCHEMES = ("五险", "养老和工伤")
BASE_CUTS = (370_000, 500_000, 700_000, 1_000_000, 1_500_000)
PENSION_CUTS = (100_000, 200_000, 300_000, 400_000, 500_000)


def _who(chunk: Chunk, listed: Booleans) -> Rows:
    people = chunk.residents.people
    count = int(listed.sum())
    return {
        "id": chunk.residents.ids[listed],
        "sex": pick(SEXES, ~people.male[listed]),
        "age_band": age_bands(people.age[listed]),
        "county_code": np.full(count, str(chunk.county.real_code)),
    }


def _insured(chunk: Chunk) -> Rows:
    work, employer = chunk.residents.work, chunk.links.employer[chunk.residents.work.insured]
    small = chunk.firms.staff.headcount[employer] < 3
    return {
        **_who(chunk, work.insured),
        "employer_uscc": chunk.firms.code[employer],
        "insurance_type": pick(SCHEMES, small),
        "base_fen": work.base_fen[work.insured],
        "months_12": work.months_12[work.insured],
    }


def _unemployment(chunk: Chunk) -> Rows:
    unemployed = chunk.residents.work.unemployed
    return {**_who(chunk, unemployed), "ui_months": chunk.registers.unemployment_months[unemployed]}


def _pension(chunk: Chunk) -> Rows:
    pension_fen = chunk.residents.work.pension_fen
    return {**_who(chunk, pension_fen > 0), "pension_fen": pension_fen[pension_fen > 0]}


def _subsidies(chunk: Chunk) -> Rows:
    training_yuan = chunk.registers.training_yuan
    return {**_who(chunk, training_yuan > 0), "training_fen": 100 * training_yuan[training_yuan > 0]}


def _household_work(chunk: Chunk) -> Rows:
    here = chunk.residents
    people, work = here.people, here.work
    insured = people.per_household(work.insured)
    return {
        "id": here.ids[people.is_head],
        "insured_members": insured,
        "base_sum_fen": people.per_household(work.base_fen),
        "mean_months": 10 * people.per_household(work.months_12) / insured.clip(1, None),
        "unemployed_members": people.per_household(work.unemployed),
        "pension_sum_fen": people.per_household(work.pension_fen),
    }


def _employer(chunk: Chunk) -> Rows:
    active, staff = ~chunk.firms.registration.cancelled, chunk.firms.staff
    return {
        "uscc": chunk.firms.code[active],
        "headcount": staff.headcount[active],
        "headcount_trend": 1000 * staff.trend[active],
        "insurance_arrears": staff.arrears[active],
        "staff_turnover": 1000 * staff.turnover[active],
    }


INSURED = TableCard(
    name="insured",
    label_zh="职工参保",
    label_en="insured employees",
    about_zh="18–59 岁参保职工各一行；个别人的单位已注销（见“埋设答案”）。",
    about_en="Insured employees of 18 to 59; the firms of a few have been cancelled (see the planted answers).",
    id_column="id",
    rows=_insured,
    columns=(
        ID,
        SEX,
        AGE_BAND,
        COUNTY,
        key("employer_uscc", "单位信用代码", "unified social credit code of the employer"),
        text("insurance_type", "险种", "kinds of insurance", values=SCHEMES),
        number("base_fen", "缴费基数", "contribution base", unit=FEN_A_MONTH, bounds=(0, 2_500_000), cuts=BASE_CUTS),
        number(
            "months_12",
            "近12月缴费月数",
            "months paid of the last 12",
            unit="month",
            bounds=(0, 12),
            cuts=tuple(range(1, 13)),
        ),
    ),
)

UNEMPLOYMENT = TableCard(
    name="unemployment",
    label_zh="失业登记",
    label_en="registered unemployed",
    about_zh="18–59 岁登记失业者各一行。",
    about_en="The registered unemployed of 18 to 59.",
    id_column="id",
    rows=_unemployment,
    columns=(
        ID,
        SEX,
        AGE_BAND,
        COUNTY,
        number(
            "ui_months",
            "近12月领取失业金月数",
            "months of benefit drawn in the last 12",
            unit="month",
            bounds=(0, 12),
            cuts=(1, 3, 6, 9, 12),
        ),
    ),
)

PENSION = TableCard(
    name="pension",
    label_zh="养老金",
    label_en="pensions",
    about_zh="60 岁及以上者各一行。",
    about_en="Everybody of 60 and older.",
    id_column="id",
    rows=_pension,
    columns=(
        ID,
        SEX,
        AGE_BAND,
        COUNTY,
        number("pension_fen", "养老金", "pension", unit=FEN_A_MONTH, bounds=(0, 1_000_000), cuts=PENSION_CUTS),
    ),
)

SUBSIDIES = TableCard(
    name="subsidies",
    label_zh="职业培训补贴",
    label_en="training subsidies",
    about_zh="本年领取职业培训补贴者各一行。",
    about_en="Those who were paid for vocational training within the year.",
    id_column="id",
    rows=_subsidies,
    columns=(
        ID,
        SEX,
        AGE_BAND,
        COUNTY,
        number(
            "training_fen",
            "职业培训补贴",
            "subsidy for vocational training",
            unit="fen",
            bounds=(0, 500_000),
            cuts=(100_000, 150_000),
        ),
    ),
)

HOUSEHOLD_WORK = TableCard(
    name="household_work",
    label_zh="家庭就业",
    label_en="work by household",
    about_zh="每户一行，以户主身份证号为键。",
    about_en="Every household, by its head.",
    id_column="id",
    rows=_household_work,
    columns=(
        HEAD_ID,
        number(
            "insured_members",
            "参保人数",
            "insured employees in the household",
            unit="person",
            bounds=(0, 6),
            cuts=(1, 2, 3),
            feature=True,
        ),
        number(
            "base_sum_fen",
            "缴费基数合计",
            "contribution bases of the household",
            unit=FEN_A_MONTH,
            bounds=(0, 15_000_000),
            cuts=BASE_CUTS,
            feature=True,
        ),
        number(
            "mean_months",
            "平均缴费月数",
            "mean months paid of the last 12",
            unit="0.1 month",
            bounds=(0, 120),
            cuts=(30, 60, 90, 120),
            feature=True,
        ),
        number(
            "unemployed_members",
            "登记失业人数",
            "registered unemployed in the household",
            unit="person",
            bounds=(0, 6),
            cuts=(1, 2),
            feature=True,
        ),
        number(
            "pension_sum_fen",
            "养老金合计",
            "pensions of the household",
            unit=FEN_A_MONTH,
            bounds=(0, 6_000_000),
            cuts=PENSION_CUTS,
            feature=True,
        ),
    ),
)

EMPLOYER = TableCard(
    name="employer",
    label_zh="参保单位",
    label_en="employers",
    about_zh="存续市场主体各一行。",
    about_en="All firms that exist.",
    id_column="uscc",
    rows=_employer,
    columns=(
        USCC,
        number(
            "headcount",
            "职工人数",
            "staff",
            unit="person",
            bounds=(1, 5_000),
            cuts=(2, 5, 10, 50, 100),
            feature=True,
        ),
        permille("headcount_trend", "职工人数同比", "staff on last year", bounds=(-2_000, 2_000)),
        number(
            "insurance_arrears",
            "社保欠缴次数",
            "contributions overdue, times",
            unit="time",
            bounds=(0, 12),
            cuts=(1, 2, 3),
            feature=True,
        ),
        permille("staff_turnover", "人员流动率", "staff who left within the year", bounds=(0, 1_000)),
    ),
)

SOCIAL = Department(
    key="social",
    label_zh="人社",
    label_en="Human resources and social security",
    tables=(INSURED, UNEMPLOYMENT, PENSION, SUBSIDIES, HOUSEHOLD_WORK, EMPLOYER),
)
