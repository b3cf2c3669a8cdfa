"""The six county hospitals: the same table in all of them, each about its own cases only."""

import numpy as np

from jincheng.cards import ColumnCard, Department, Rows, TableCard
from jincheng.cases import DISEASES
from jincheng.chunks import Chunk
from jincheng.columns import flag, number, text, unused
from jincheng.counties import COUNTIES
from jincheng.relief import fen
from jincheng.tables import pick


def _admissions(chunk: Chunk) -> Rows:
    cases, patients = chunk.cases, chunk.cases.patients
    return {
        "case_id": np.char.add(f"H{chunk.county.area_code}01-", np.char.zfill(cases.number.astype("U7"), 7)),
        "age": patients.age,
        "disease": pick(DISEASES, patients.disease),
        "previous": patients.previous,
        "comorbidities": patients.comorbidities,
        "los": patients.days,
        "hba1c": 10 * patients.hba1c,
        "egfr": patients.egfr,
        "haemoglobin": patients.haemoglobin,
        "crp": 10 * patients.crp,
        "medicines": patients.medicines,
        "lives_alone": patients.lives_alone,
        "cost_fen": fen(patients.cost_yuan),
        "readmitted_30d": cases.readmitted,
    }


def _measure(
    name: str, label_zh: str, label_en: str, unit: str, bounds: tuple[int, int], cuts: tuple[int, ...]
) -> ColumnCard:
    return number(name, label_zh, label_en, unit=unit, bounds=bounds, cuts=cuts, feature=True)


ADMISSIONS = TableCard(
    name="admissions",
    label_zh="住院病例",
    label_en="admissions",
    about_zh="本院每个住院病例一行，与城市居民无关联；“三十天内再入院”是模型的标签。",
    about_en="Every case of the hospital, not linked to the citizens; readmission is what models predict.",
    id_column="case_id",
    rows=_admissions,
    columns=(
        unused("case_id", "病案号", "number of the case"),
        _measure("age", "年龄", "age", "year", (18, 97), (45, 60, 75)),
        text("disease", "主要疾病", "main disease", values=DISEASES, feature=True),
        _measure("previous", "既往住院次数", "earlier admissions", "stay", (0, 30), (1, 2, 3)),
        _measure("comorbidities", "合并症数", "other diseases", "disease", (0, 30), (1, 2, 4)),
        _measure("los", "住院天数", "days in hospital", "day", (1, 60), (3, 7, 14, 30)),
        _measure("hba1c", "糖化血红蛋白", "HbA1c", "permille", (20, 150), (57, 65, 80)),
        _measure("egfr", "肾小球滤过率", "eGFR", "ml/min/1.73m2", (8, 140), (30, 60, 90)),
        _measure("haemoglobin", "血红蛋白", "haemoglobin", "g/l", (40, 220), (90, 120, 150)),
        _measure("crp", "C反应蛋白", "C-reactive protein", "0.1 mg/l", (0, 5_000), (50, 100, 500)),
        _measure("medicines", "用药数", "medicines", "medicine", (0, 40), (3, 6, 10)),
        flag("lives_alone", "独居", "lives alone", feature=True),
        _measure("cost_fen", "总费用", "cost", "fen", (0, 100_000_000), (500_000, 1_000_000, 2_000_000)),
        flag("readmitted_30d", "三十天内再入院", "admitted again within 30 days", target=True),
    ),
)

HOSPITALS = tuple(
    Department(
        key=f"{county.key}_hospital",
        label_zh=f"{county.label_zh}人民医院",
        label_en=f"{county.label_en} hospital",
        tables=(ADMISSIONS,),
        county=county,
    )
    for county in COUNTIES
)
