"""Homes, cars and electricity of the households."""

from dataclasses import dataclass

import numpy as np

from jincheng.draws import Booleans, Floats, Integers, happens, sigmoid
from jincheng.people import Households, People


@dataclass(frozen=True, slots=True, kw_only=True)
class Homes:
    """What the households of one chunk own and use; every array has one entry for each household.

    Attributes:
        area_m2: floor area.
        owned: the household owns its home.
        cars: 0 to 3.
        kwh: electricity a month.
        power_arrears: bills overdue.
    """

    area_m2: Floats
    owned: Booleans
    cars: Integers
    kwh: Floats
    power_arrears: Integers


def draw_homes(rng: np.random.Generator, households: Households, people: People) -> Homes:
    """Draw home, cars and electricity from each household's size and affluence."""
    size, urban, affluence = households.size, households.urban, households.affluence
    dependants = people.per_household(people.is_dependant)
    count = len(size)

    area = np.exp(4.35 + 0.16 * affluence + 0.10 * np.log(size) - 0.12 * urban + rng.normal(0, 0.28, count))
    has_car = happens(rng, sigmoid(-0.9 + affluence + 0.25 * size - 0.3 * dependants))
    further_cars = rng.binomial(2, sigmoid(-2.5 + 0.8 * affluence))
    return Homes(
        area_m2=area.clip(18, 320),
        owned=happens(rng, sigmoid(1.4 + 0.5 * affluence - 0.9 * urban * (affluence < -0.5))),
        cars=np.where(has_car, 1 + further_cars, 0),
        kwh=np.exp(4.75 + 0.20 * affluence + 0.42 * np.log(size) + 0.12 * urban + rng.normal(0, 0.30, count)),
        power_arrears=rng.poisson(np.exp(-1.6 - 0.6 * affluence)),
    )
