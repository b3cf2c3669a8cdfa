"""残联: people with disabilities."""

import numpy as np

from jincheng.cards import Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.columns import FEN_A_MONTH, HEAD_ID, ID, number, text
from jincheng.registers import DISABILITIES
from jincheng.tables import pick

GRADES = ("一级", "二级", "三级", "四级")
SEVERE = 2  # grades one and two receive the subsidy
CARE_SUBSIDY_FEN = 10_000


def _disability(chunk: Chunk) -> Rows:
    grade = chunk.residents.health.disability_grade
    listed = grade > 0
    return {
        "id": chunk.residents.ids[listed],
        "disability_type": pick(DISABILITIES, chunk.registers.disability[listed]),
        "grade": pick(GRADES, grade[listed] - 1),
        "care_subsidy_fen": np.where(grade[listed] <= SEVERE, CARE_SUBSIDY_FEN, 0),
    }


def _household_disability(chunk: Chunk) -> Rows:
    people, grade = chunk.residents.people, chunk.residents.health.disability_grade
    return {
        "id": chunk.residents.ids[people.is_head],
        "severe_members": people.per_household((grade > 0) & (grade <= SEVERE)),
        "mild_members": people.per_household(grade > SEVERE),
    }


DISABILITY = TableCard(
    name="disability",
    label_zh="残疾人",
    label_en="people with disabilities",
    about_zh="持证残疾人各一行。",
    about_en="Everybody with a recognised disability.",
    id_column="id",
    rows=_disability,
    columns=(
        ID,
        text("disability_type", "残疾类别", "kind of disability", values=DISABILITIES),
        text("grade", "残疾等级", "grade, one is the most severe", values=GRADES),
        number(
            "care_subsidy_fen",
            "护理补贴",
            "care subsidy",
            unit=FEN_A_MONTH,
            bounds=(0, 50_000),
            cuts=(CARE_SUBSIDY_FEN,),
        ),
    ),
)

HOUSEHOLD_DISABILITY = TableCard(
    name="household_disability",
    label_zh="家庭残疾情况",
    label_en="disability by household",
    about_zh="每户一行，以户主身份证号为键。",
    about_en="Every household, by its head.",
    id_column="id",
    rows=_household_disability,
    columns=(
        HEAD_ID,
        number(
            "severe_members",
            "一二级残疾人数",
            "members of grade one or two",
            unit="person",
            bounds=(0, 6),
            cuts=(1, 2),
            feature=True,
        ),
        number(
            "mild_members",
            "三四级残疾人数",
            "members of grade three or four",
            unit="person",
            bounds=(0, 6),
            cuts=(1, 2),
            feature=True,
        ),
    ),
)

DISABLED = Department(
    key="disabled",
    label_zh="残联",
    label_en="Disabled persons' federation",
    tables=(DISABILITY, HOUSEHOLD_DISABILITY),
)
