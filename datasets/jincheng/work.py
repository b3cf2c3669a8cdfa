"""Work, unemployment and pensions: what the people of working age and the old live on."""

from dataclasses import dataclass

import numpy as np

from jincheng.draws import Booleans, Floats, Integers, happens, sigmoid
from jincheng.people import Households, People

LOWEST_BASE_YUAN, HIGHEST_BASE_YUAN = 3_700, 22_000  # contributions are levied between these, a month
RESIDENTS_PENSIONS_FEN = (14_800, 16_800, 20_800)  # a month, for those who never were employees
HIGHEST_PENSION_FEN = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The working life of one chunk; every array has one entry for each person, 0 where none.

    Attributes:
        insured: insured as an employee, aged 18 to 59.
        unemployed: registered as unemployed, aged 18 to 59 and not insured.
        base_fen: contribution base, fen a month.
        months_12: months paid of the last 12.
        pension_fen: fen a month, from 60.
        informal_yuan: income from farming or odd jobs, yuan a month; no department sees it.
    """

    insured: Booleans
    unemployed: Booleans
    base_fen: Integers
    months_12: Integers
    pension_fen: Integers
    informal_yuan: Floats


def draw_work(rng: np.random.Generator, households: Households, people: People) -> Work:
    """Draw who is insured, who is unemployed, and what each of them has a month."""
    urban = households.urban[people.household]
    affluence = households.affluence[people.household]
    schooling = people.schooling - 9
    frailty = people.frailty
    count = len(people.age)

    working_age = (people.age >= 18) & (people.age < 60)
    odds = -0.9 + 0.22 * schooling + 0.9 * urban + 0.5 * affluence - 0.35 * frailty * (frailty > 1)
    insured = working_age & happens(rng, sigmoid(odds))
    unemployed = working_age & ~insured & happens(rng, sigmoid(-3.3 - 0.3 * affluence + 0.5 * urban))
    informal = np.exp(7.1 + 0.28 * affluence + 0.03 * schooling + rng.normal(0, 0.55, count))

    experience = (people.age - 22).clip(0, 30)
    base = np.exp(8.38 + 0.055 * schooling + 0.22 * affluence + 0.012 * experience + rng.normal(0, 0.28, count))
    base_yuan = base.clip(LOWEST_BASE_YUAN, HIGHEST_BASE_YUAN).round(-1)
    months_missed = rng.gamma(0.5 + 0.6 * (frailty > 1.2), 1.6) + 2 * (rng.random(count) < 0.08)
    months = (12 - months_missed).round().clip(0, 12)
    return Work(
        insured=insured,
        unemployed=unemployed,
        base_fen=np.where(insured, 100 * base_yuan, 0).astype(np.int64),
        months_12=np.where(insured, months, 0).astype(np.int64),
        pension_fen=_draw_pensions(rng, households, people),
        informal_yuan=np.where(working_age & ~insured & ~unemployed, informal, 0.0),
    )


def _draw_pensions(rng: np.random.Generator, households: Households, people: People) -> Integers:
    """Draw an employee's pension or the small residents' one for everybody from 60."""
    urban = households.urban[people.household]
    affluence = households.affluence[people.household]
    count = len(people.age)

    was_employee = happens(rng, sigmoid(-1.1 + 1.7 * urban + 0.25 * (people.schooling - 7)))
    employees = 100 * np.exp(8.0 + 0.15 * affluence + rng.normal(0, 0.25, count))
    residents = rng.choice(RESIDENTS_PENSIONS_FEN, size=count)
    pension = np.where(was_employee, employees.round().clip(None, HIGHEST_PENSION_FEN), residents)
    return np.where(people.age >= 60, pension, 0).astype(np.int64)
