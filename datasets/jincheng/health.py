"""Illness, hospital costs and disability."""

from dataclasses import dataclass

import numpy as np

from jincheng.draws import Booleans, Floats, Integers, happens, sigmoid
from jincheng.people import People
from jincheng.work import Work

CHRONIC_LOG_ODDS = np.array([-2.2, -3.0, -3.6])  # hypertension, diabetes, heart disease or stroke
EMPLOYEE_PENSION_FEN = 150_000  # a pension above this is an employee's


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The health of one chunk; every array has one entry for each person.

    Attributes:
        diseases: shape (n, 3): hypertension, diabetes, heart disease or stroke.
        admissions: stays in hospital, a year.
        cost_yuan: hospital costs, yuan a year.
        self_pay_share: part of the costs paid out of one's own pocket.
        disability_grade: 1 (most severe) to 4, 0 for none.
    """

    diseases: Booleans
    admissions: Integers
    cost_yuan: Floats
    self_pay_share: Floats
    disability_grade: Integers

    @property
    def chronic(self) -> Integers:
        """Chronic diseases, 0 to 3."""
        count: Integers = self.diseases.sum(axis=1)
        return count

    @property
    def self_pay_yuan(self) -> Floats:
        """Hospital costs paid out of one's own pocket, yuan a year."""
        return self.cost_yuan * self.self_pay_share


def draw_health(rng: np.random.Generator, people: People, work: Work) -> Health:
    """Draw diseases, hospital costs and disability from each person's frailty."""
    frailty = people.frailty
    count = len(frailty)

    diseases = happens(rng, sigmoid(CHRONIC_LOG_ODDS + 0.85 * frailty[:, None]))
    admissions = rng.poisson(np.exp(-2.6 + 0.55 * frailty + 0.35 * diseases.sum(axis=1)).clip(0, 6))
    cost_yuan = admissions * np.exp(9.0 + 0.25 * frailty + rng.normal(0, 0.55, count))
    employee_scheme = work.insured | (work.pension_fen > EMPLOYEE_PENSION_FEN)
    grade = rng.choice([1, 2, 3, 4], size=count, p=[0.15, 0.30, 0.28, 0.27])
    return Health(
        diseases=diseases,
        admissions=admissions,
        cost_yuan=cost_yuan,
        self_pay_share=np.where(employee_scheme, 0.30, 0.47),
        disability_grade=np.where(happens(rng, sigmoid(-4.0 + 0.75 * frailty)), grade, 0),
    )
