"""Small registers: what some department writes down about people and homes, and nothing else depends on."""

from dataclasses import dataclass

import numpy as np

from jincheng.draws import Booleans, Floats, Integers, happens, sigmoid
from jincheng.homes import Homes
from jincheng.people import Households, People
from jincheng.work import Work

TAX_FREE_YUAN = 5_000  # a month; who earns more declares it
TAX_RATE = 0.03

STAGES = ("幼儿园", "小学", "初中", "高中", "大学")
STAGE_STARTS = (3, 6, 12, 15, 18)  # age
STAGE_TUITION_YUAN = np.array([6_000, 0, 0, 2_000, 7_000])  # a year
OLDEST_STUDENT = 22

DISABILITIES = ("视力", "听力", "言语", "肢体", "智力", "精神", "多重")
DISABILITY_WEIGHTS = (0.15, 0.20, 0.02, 0.42, 0.08, 0.08, 0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """Further entries about one chunk; one for each person, or for each household where it says so.

    Attributes:
        unemployment_months: of benefit drawn in the last 12.
        training_yuan: subsidy for vocational training, 0 for none.
        declared: declares income tax, having earned more than the tax-free amount.
        tax_yuan: income tax on wages, a year.
        household_tax_yuan: income tax of the household, with that on business, a year; each household.
        stage: of school, index into STAGES, -1 for none.
        tuition_yuan: a year.
        disability: kind, index into DISABILITIES; meaningful for those with a grade.
        died: during the year, and still on the household register.
        relief_payments: temporary relief in the year, times; each household.
        flats: owned by the household; each household.
        mortgaged: the home is; each household.
        public_rent: the home is rented from the city; each household.
        kwh_trend: of electricity on last year; each household.
        night_share: of electricity used at night, 0 to 1; each household.
    """

    unemployment_months: Integers
    training_yuan: Integers
    declared: Booleans
    tax_yuan: Floats
    household_tax_yuan: Floats
    stage: Integers
    tuition_yuan: Integers
    disability: Integers
    died: Booleans
    relief_payments: Integers
    flats: Integers
    mortgaged: Booleans
    public_rent: Booleans
    kwh_trend: Floats
    night_share: Floats


def draw_registers(
    rng: np.random.Generator, households: Households, people: People, *, work: Work, homes: Homes
) -> Registers:
    """Draw what is left to be written down about people and homes."""
    count, homes_count = len(people.age), len(households.size)
    affluence = households.affluence

    trained = happens(rng, np.select([work.unemployed, work.insured], [0.30, 0.03], 0.0))
    earned_yuan = work.base_fen / 100
    tax_yuan = (earned_yuan - TAX_FREE_YUAN).clip(0, None) * TAX_RATE * work.months_12
    business_tax = np.exp(6 + affluence) * (rng.random(homes_count) < 0.06)

    of_age = (people.age >= STAGE_STARTS[0]) & (people.age <= OLDEST_STUDENT)
    enrolled = of_age & np.where(people.age < 16, rng.random(count) < 0.97, people.schooling > 9)
    stage = np.where(enrolled, np.digitize(people.age, STAGE_STARTS) - 1, -1)

    rented_cheaply = ~homes.owned & (rng.random(homes_count) < 0.25 * (affluence < -0.3))
    return Registers(
        unemployment_months=np.where(work.unemployed, rng.integers(0, 13, count), 0),
        training_yuan=np.where(trained, rng.choice([800, 1_200, 2_000], size=count), 0),
        declared=tax_yuan > 0,
        tax_yuan=tax_yuan,
        household_tax_yuan=people.per_household(tax_yuan) + business_tax,
        stage=stage,
        tuition_yuan=np.where(enrolled, STAGE_TUITION_YUAN[stage], 0),
        disability=rng.choice(len(DISABILITIES), size=count, p=DISABILITY_WEIGHTS),
        died=happens(rng, sigmoid(-8.0 + 0.08 * (people.age - 30) + 0.3 * people.frailty)),
        relief_payments=rng.poisson(0.3, homes_count),
        flats=np.where(homes.owned, 1 + happens(rng, sigmoid(-2.5 + 1.2 * affluence)), 0),
        mortgaged=homes.owned & happens(rng, np.where(households.urban, 0.22, 0.05)),
        public_rent=rented_cheaply,
        kwh_trend=rng.normal(0.03, 0.12, homes_count),
        night_share=rng.beta(2, 4, homes_count),
    )
