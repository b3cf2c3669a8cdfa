"""Illness and disability, as far as they decide who needs relief."""

from dataclasses import dataclass

import numpy as np

from jincheng.draws import Floats, Integers, happens, sigmoid
from jincheng.people import People
from jincheng.work import Work

CHRONIC_LOG_ODDS = np.array([-2.2, -3.0, -3.6])  # hypertension, diabetes, heart disease or stroke
EMPLOYEE_PENSION_FEN = 150_000  # a pension above this is an employee's


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The health of one chunk; every array has one entry for each person.

    Attributes:
        chronic: chronic diseases, 0 to 3.
        self_pay_yuan: hospital costs paid out of one's own pocket, yuan a year.
        disability_grade: 1 (most severe) to 4, 0 for none.
    """

    chronic: Integers
    self_pay_yuan: Floats
    disability_grade: Integers


def draw_health(rng: np.random.Generator, people: People, work: Work) -> Health:
    """Draw diseases, hospital costs and disability from each person's frailty."""
    frailty = people.frailty
    count = len(frailty)

    chronic = happens(rng, sigmoid(CHRONIC_LOG_ODDS + 0.85 * frailty[:, None])).sum(axis=1)
    admissions = rng.poisson(np.exp(-2.6 + 0.55 * frailty + 0.35 * chronic).clip(0, 6))
    cost_yuan = admissions * np.exp(9.0 + 0.25 * frailty + rng.normal(0, 0.55, count))
    employee_scheme = work.insured | (work.pension_fen > EMPLOYEE_PENSION_FEN)
    grade = rng.choice([1, 2, 3, 4], size=count, p=[0.15, 0.30, 0.28, 0.27])
    return Health(
        chronic=chronic,
        self_pay_yuan=cost_yuan * np.where(employee_scheme, 0.30, 0.47),
        disability_grade=np.where(happens(rng, sigmoid(-4.0 + 0.75 * frailty)), grade, 0),
    )
