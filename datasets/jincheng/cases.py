"""Admissions to the six county hospitals, and who is admitted again within 30 days.

The patients are not the city's citizens: nothing links the two, and a small city has as many cases as
a model needs.
"""

from dataclasses import dataclass

import numpy as np

from jincheng.counties import COUNTIES, County
from jincheng.draws import Booleans, Floats, Integers, happens, sigmoid

FEWEST_CASES = 20_000
CASES_PER_CITIZEN = 0.1

HOSPITAL_SHARE = {
    "chengqu": 0.34,
    "gaoping": 0.19,
    "zezhou": 0.15,
    "yangcheng": 0.15,
    "lingchuan": 0.09,
    "qinshui": 0.08,
}
# By county: the hospital of the city's centre treats more severe cases, the remote ones older patients.
SEVERITY = (0.25, 0.0, 0.0, 0.0, -0.10, -0.10)
AGE_SHIFT = (-2, 0, 1, 1, 4, 2)
READMISSION_SHIFT = (0.0, 0.1, -0.1, 0.0, 0.25, 0.15)

DISEASES = ("高血压", "糖尿病", "冠心病", "脑卒中", "肺炎", "慢阻肺", "胆石症", "慢性肾病")
DISEASE_WEIGHTS = (0.2, 0.16, 0.14, 0.12, 0.12, 0.1, 0.08, 0.08)
DISEASE_LOG_ODDS = np.array([0.0, 0.25, -0.2, 0.35, 0.0, 0.15, -0.3, 0.1])
DIABETES = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Patients:
    """What a hospital knows of its patients; every array has one entry for each admission.

    Attributes:
        disease: index into DISEASES.
        hba1c: per cent.
        egfr: ml a minute and 1.73 m2.
        haemoglobin: g a litre.
        crp: mg a litre.
    """

    age: Floats
    disease: Integers
    previous: Integers
    comorbidities: Integers
    days: Floats
    hba1c: Floats
    egfr: Floats
    haemoglobin: Floats
    crp: Floats
    medicines: Integers
    lives_alone: Booleans
    cost_yuan: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """The admissions of one chunk; every array has one entry for each.

    Attributes:
        number: running number in the hospital.
        probability: of readmission; latent.
    """

    number: Integers
    patients: Patients
    probability: Floats
    readmitted: Booleans


def draw_cases(rng: np.random.Generator, county: County, *, numbers: range) -> Cases:
    """Draw the admissions to one hospital which have these running numbers in it."""
    place = COUNTIES.index(county)
    patients = _draw_patients(rng, place, len(numbers))
    probability = sigmoid(READMISSION_SHIFT[place] + _log_odds(patients))
    return Cases(
        number=np.asarray(numbers, dtype=np.int64),
        patients=patients,
        probability=probability,
        readmitted=happens(rng, probability),
    )


def _draw_patients(rng: np.random.Generator, place: int, count: int) -> Patients:
    severity = rng.normal(SEVERITY[place], 1, count)
    age = rng.normal(61 + AGE_SHIFT[place], 15, count).clip(18, 97)
    days = rng.gamma(3, 2.6 * np.exp(0.18 * severity)).clip(1, 60)
    return Patients(
        age=age,
        disease=rng.choice(len(DISEASES), size=count, p=DISEASE_WEIGHTS),
        previous=rng.poisson(np.exp(-0.7 + 0.45 * severity)),
        comorbidities=rng.poisson(np.exp(0.35 + 0.35 * severity + 0.015 * (age - 60))),
        days=days,
        hba1c=rng.normal(6.2 + 0.35 * severity, 1.1),
        egfr=rng.normal(88 - 0.55 * (age - 50) - 5 * severity, 16).clip(8, 140),
        haemoglobin=rng.normal(132 - 4 * severity, 14),
        crp=np.exp(1.6 + 0.4 * severity + rng.normal(0, 0.8, count)),
        medicines=rng.poisson(6 + 1.2 * severity.clip(-2, 3)),
        lives_alone=rng.random(count) < 0.17,
        cost_yuan=np.exp(8.9 + 0.25 * severity + 0.03 * days + rng.normal(0, 0.3, count)),
    )


def _log_odds(patients: Patients) -> Floats:
    """Log-odds of readmission, but for those of the hospital."""
    log_odds: Floats = (
        -3.25
        + 0.546 * np.log1p(patients.previous)
        + 0.14 * patients.comorbidities
        + 0.018 * (patients.age - 60)
        + 0.03 * (patients.days - 8).clip(-5, 15)
        - 0.012 * (patients.egfr - 80)
        - 0.016 * (patients.haemoglobin - 130)
        + 0.16 * np.log(patients.crp)
        + 0.05 * (patients.medicines - 6)
        + 0.35 * patients.lives_alone
        + DISEASE_LOG_ODDS[patients.disease]
        + 0.35 * ((patients.hba1c > 8) & (patients.disease == DIABETES))
    )
    return log_odds
