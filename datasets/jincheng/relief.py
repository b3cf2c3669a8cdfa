"""Who needs relief, and who receives it (低保, 特困供养).

Need is latent: it is computed from what all departments together know and from what none of them
knows. Only a third of the needy households receive relief; finding the others is a use case.
"""

from dataclasses import dataclass

import numpy as np

from jincheng.draws import Booleans, Floats, Integers, happens, sigmoid
from jincheng.health import Health
from jincheng.homes import Homes
from jincheng.people import Households, People
from jincheng.work import Work

RECEIVED_BY_NEEDY, RECEIVED_BY_OTHERS = 0.33, 0.003
POOR_YUAN = 1_500  # income a head and month below which a household begins to be poor
URBAN_LINE_YUAN, RURAL_LINE_YUAN = 700, 580  # full relief, a head and month
TEKUN_FACTOR = 1.3  # 特困供养 pays at least 1.3 times the line
LOWEST_AMOUNT_YUAN, HIGHEST_AMOUNT_YUAN = 50, 2_000
LARGEST_BALANCE_YUAN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """The relief paid in one chunk.

    Attributes:
        probability: of needing relief within twelve months; latent, one entry for each household.
        needy: the household will need it; one entry for each household.
        received: the household receives the allowance; one entry for each household.
        tekun: the household is a lone elder under 特困供养; one entry for each household.
        amount_fen: fen a head and month, meaningful where received; one entry for each household.
        balance_fen: correction of last year's payments, either sign; one entry for each person.
    """

    probability: Floats
    needy: Booleans
    received: Booleans
    tekun: Booleans
    amount_fen: Integers
    balance_fen: Integers


def draw_relief(
    rng: np.random.Generator,
    households: Households,
    people: People,
    *,
    work: Work,
    health: Health,
    homes: Homes,
) -> Relief:
    """Draw which households receive relief, and how much."""
    income_yuan = _income_per_head(rng, households, people, work)
    lone_elder = is_lone_elder(households, people)
    log_odds = 1.15 * (
        -2.95
        + 0.85 * ((POOR_YUAN - income_yuan) / 600).clip(-2.2, 1.6)
        + 0.55 * lone_elder
        + _burdens(households, people, work, health)
        + _means(households, homes)
    )
    probability = sigmoid(log_odds)
    needy = happens(rng, probability)
    received = happens(rng, np.where(needy, RECEIVED_BY_NEEDY, RECEIVED_BY_OTHERS))

    count = len(households.size)
    tekun = lone_elder & (rng.random(count) < 0.6)
    line_yuan = np.where(households.urban, URBAN_LINE_YUAN, RURAL_LINE_YUAN)
    shortfall = (1 - income_yuan / POOR_YUAN).clip(0.15, 1)
    amount_yuan = line_yuan * np.where(tekun, TEKUN_FACTOR, shortfall) + rng.normal(0, 40, count)
    return Relief(
        probability=probability,
        needy=needy,
        received=received,
        tekun=tekun,
        amount_fen=fen(amount_yuan.clip(LOWEST_AMOUNT_YUAN, HIGHEST_AMOUNT_YUAN)),
        balance_fen=_draw_balances(rng, len(people.age)),
    )


def is_lone_elder(households: Households, people: People) -> Booleans:
    """Tell which households are one person of 60 or older."""
    lone: Booleans = (households.size == 1) & (people.per_household(people.age >= 60) > 0)
    return lone


def _income_per_head(rng: np.random.Generator, households: Households, people: People, work: Work) -> Floats:
    """Income a head, yuan a month, with the part from property and business that nobody sees."""
    earned = work.base_fen / 100 * work.months_12 / 12 + work.informal_yuan + work.pension_fen / 100
    hidden = np.exp(6.2 + 0.9 * households.affluence) * (rng.random(len(households.size)) < 0.3)
    per_head: Floats = (people.per_household(earned) + hidden) / households.size
    return per_head


def _burdens(households: Households, people: People, work: Work, health: Health) -> Floats:
    """Log-odds of need that illness, disability, dependants and unemployment add."""
    severe = people.per_household((health.disability_grade > 0) & (health.disability_grade <= 2))
    mild = people.per_household(health.disability_grade > 2)
    students = people.per_household(people.is_student)
    self_pay_month = people.per_household(health.self_pay_yuan) / 12
    log_odds: Floats = (
        0.55 * np.log1p(self_pay_month / 400)
        + 0.30 * people.per_household(health.chronic) / households.size
        + 1.0 * np.minimum(severe, 2)
        + 0.35 * (mild > 0)
        + 0.8 * (people.per_household(people.is_dependant) / households.size > 0.6)
        + 0.25 * people.per_household(work.unemployed)
        + 0.30 * (students > 0)
    )
    return log_odds


def _means(households: Households, homes: Homes) -> Floats:
    """Log-odds of need that a car, a large home and electricity take away, and arrears add."""
    kwh_per_head = np.log(homes.kwh / households.size)
    log_odds: Floats = (
        -0.95 * (homes.cars > 0)
        - 0.55 * (homes.area_m2 / households.size > 45)
        + 0.55 * ~homes.owned
        - 0.50 * ((kwh_per_head - 4.1) / 0.4).clip(-2, 2)
        + 0.22 * np.minimum(homes.power_arrears, 3)
    )
    return log_odds


def _draw_balances(rng: np.random.Generator, count: int) -> Integers:
    """Half the people have a correction; slightly more is taken back than paid out."""
    yuan = rng.normal(-20, 120, count).clip(-LARGEST_BALANCE_YUAN, LARGEST_BALANCE_YUAN)
    return fen(yuan) * (rng.random(count) < 0.5)


def fen(yuan: Floats) -> Integers:
    """Turn yuan into whole fen."""
    return (100 * yuan).round().astype(np.int64)
