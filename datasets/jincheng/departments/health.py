"""卫健/医保: visits, stays in hospital, chronic diseases, and what they cost."""

import numpy as np

from jincheng.cards import Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.claims import ICD10
from jincheng.columns import FEN_A_YEAR, HEAD_ID, ID, flag, number, text, unused
from jincheng.counties import COUNTIES
from jincheng.draws import Floats, Integers
from jincheng.tables import pick

COVERAGE = 0.97
HOSPITAL_CODES = tuple(f"H{county.area_code}01" for county in COUNTIES)
COST_CUTS = (100_000, 500_000, 1_000_000, 2_000_000, 5_000_000)
SELF_PAY_CUTS = (50_000, 200_000, 500_000, 1_000_000, 2_000_000)


def _outpatient(chunk: Chunk) -> Rows:
    claims = chunk.claims
    seen = claims.visits > 0
    return {
        "id": chunk.residents.ids[seen],
        "visits": claims.visits[seen],
        "total_cost_fen": claims.visits_fen[seen],
        "self_pay_fen": claims.visits_self_pay_fen[seen],
    }


def _inpatient(chunk: Chunk) -> Rows:
    claims = chunk.claims
    return {
        "id": chunk.residents.ids[claims.patient],
        "hospital_code": np.full(len(claims.patient), HOSPITAL_CODES[COUNTIES.index(chunk.county)]),
        "admit_date": claims.admitted,
        "icd10": pick(ICD10, claims.diagnosis),
        "los": claims.days,
        "total_cost_fen": claims.stay_fen,
        "self_pay_fen": claims.stay_self_pay_fen,
    }


def _chronic(chunk: Chunk) -> Rows:
    ill = chunk.residents.health.chronic > 0
    hypertension, diabetes, chd_stroke = chunk.residents.health.diseases[ill].T
    return {
        "id": chunk.residents.ids[ill],
        "hypertension": hypertension,
        "diabetes": diabetes,
        "chd_stroke": chd_stroke,
    }


def _settlement(chunk: Chunk) -> Rows:
    claims = chunk.claims
    cost = claims.cost_fen
    return {
        "id": chunk.residents.ids[cost > 0],
        "total_cost_fen": cost[cost > 0],
        "self_pay_fen": claims.self_pay_fen[cost > 0],
    }


def _household_health(chunk: Chunk) -> Rows:
    here, claims = chunk.residents, chunk.claims

    def per_household(of_stays: Integers) -> Floats:
        return here.people.per_household(claims.per_person(of_stays))

    return {
        "id": here.ids[here.people.is_head],
        "self_pay_fen": per_household(claims.stay_self_pay_fen),
        "hospital_days": per_household(claims.days),
        "chronic_diseases": here.people.per_household(here.health.chronic),
        "admissions": here.people.per_household(here.health.admissions),
    }


OUTPATIENT = TableCard(
    name="outpatient",
    label_zh="门诊",
    label_en="outpatient visits",
    about_zh="本年看过门诊的参保人各一行（全年合计）。",
    about_en="The insured who saw a doctor, with the sums of their year.",
    id_column="id",
    coverage=COVERAGE,
    rows=_outpatient,
    columns=(
        ID,
        number("visits", "就诊次数", "visits", unit="visit", bounds=(0, 60), cuts=(1, 2, 5, 10)),
        number(
            "total_cost_fen",
            "总费用",
            "cost",
            unit=FEN_A_YEAR,
            bounds=(0, 2_000_000),
            cuts=(10_000, 50_000, 100_000),
        ),
        number(
            "self_pay_fen",
            "个人自付",
            "paid by the patient",
            unit=FEN_A_YEAR,
            bounds=(0, 1_000_000),
            cuts=(10_000, 50_000, 100_000),
        ),
    ),
)

INPATIENT = TableCard(
    name="inpatient",
    label_zh="住院",
    label_en="stays in hospital",
    about_zh="参保人本年每次住院一行，一人可有多行。",
    about_en="Every stay of the insured within the year; one person may have several.",
    id_column="id",
    coverage=COVERAGE,
    rows=_inpatient,
    columns=(
        ID,
        text("hospital_code", "医疗机构", "hospital", values=HOSPITAL_CODES),
        unused("admit_date", "入院日期", "date of admission", type="date"),
        text("icd10", "诊断编码", "diagnosis, ICD-10", values=ICD10),
        number("los", "住院天数", "days in hospital", unit="day", bounds=(1, 60), cuts=(3, 7, 14, 30)),
        number("total_cost_fen", "总费用", "cost", unit="fen", bounds=(0, 20_000_000), cuts=COST_CUTS),
        number(
            "self_pay_fen", "个人自付", "paid by the patient", unit="fen", bounds=(0, 10_000_000), cuts=SELF_PAY_CUTS
        ),
    ),
)

CHRONIC = TableCard(
    name="chronic",
    label_zh="慢性病",
    label_en="chronic diseases",
    about_zh="患有任一慢性病的参保人各一行。",
    about_en="The insured who have any of three chronic diseases.",
    id_column="id",
    coverage=COVERAGE,
    rows=_chronic,
    columns=(
        ID,
        flag("hypertension", "高血压", "hypertension"),
        flag("diabetes", "糖尿病", "diabetes"),
        flag("chd_stroke", "冠心病/脑卒中", "heart disease or stroke"),
    ),
)

SETTLEMENT = TableCard(
    name="settlement",
    label_zh="医保年度结算",
    label_en="the year's claims",
    about_zh="本年有费用的参保人各一行：门诊与住院合计。",
    about_en="The insured with any cost, outpatient and in hospital together.",
    id_column="id",
    coverage=COVERAGE,
    rows=_settlement,
    columns=(
        ID,
        number("total_cost_fen", "总费用", "cost", unit=FEN_A_YEAR, bounds=(0, 200_000_000), cuts=COST_CUTS),
        number(
            "self_pay_fen",
            "个人自付",
            "paid by the patient",
            unit=FEN_A_YEAR,
            bounds=(0, 100_000_000),
            cuts=SELF_PAY_CUTS,
        ),
    ),
)

HOUSEHOLD_HEALTH = TableCard(
    name="household_health",
    label_zh="家庭健康",
    label_en="health by household",
    about_zh="每户一行，以户主身份证号为键。",
    about_en="Every household, by its head.",
    id_column="id",
    coverage=COVERAGE,
    rows=_household_health,
    columns=(
        HEAD_ID,
        number(
            "self_pay_fen",
            "住院自付合计",
            "paid for stays in hospital",
            unit=FEN_A_YEAR,
            bounds=(0, 100_000_000),
            cuts=SELF_PAY_CUTS,
            feature=True,
        ),
        number(
            "hospital_days",
            "住院天数合计",
            "days in hospital",
            unit="day",
            bounds=(0, 366),
            cuts=(1, 7, 14, 30),
            feature=True,
        ),
        number(
            "chronic_diseases",
            "慢性病数",
            "chronic diseases of all members",
            unit="disease",
            bounds=(0, 18),
            cuts=(1, 2, 3),
            feature=True,
        ),
        number(
            "admissions",
            "住院次数",
            "stays in hospital of all members",
            unit="stay",
            bounds=(0, 60),
            cuts=(1, 2, 3),
            feature=True,
        ),
    ),
)

HEALTH = Department(
    key="health",
    label_zh="卫健/医保",
    label_en="Health and medical insurance",
    tables=(OUTPATIENT, INPATIENT, CHRONIC, SETTLEMENT, HOUSEHOLD_HEALTH),
)
