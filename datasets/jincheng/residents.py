"""The residents of one chunk of a county: what the county bureaus' tables, and all others, are made from."""

from dataclasses import dataclass

import numpy as np

from jincheng.counties import County
from jincheng.draws import Texts
from jincheng.health import Health, draw_health
from jincheng.homes import Homes, draw_homes
from jincheng.identifiers import resident_ids
from jincheng.people import Households, People, draw_households, draw_people
from jincheng.relief import Relief, draw_relief
from jincheng.work import Work, draw_work


@dataclass(frozen=True, slots=True, kw_only=True)
class Residents:
    """One chunk's people as they are; what a department sees of them is in `jincheng.departments`."""

    ids: Texts
    household_numbers: Texts
    households: Households
    people: People
    work: Work
    health: Health
    homes: Homes
    relief: Relief


def draw_residents(rng: np.random.Generator, county: County, *, chunk: int, numbers: range) -> Residents:
    """Draw the citizens who have these running numbers in their county.

    Raises:
        CitySizeError: their identity numbers run out.
    """
    households = draw_households(rng, county, citizens=len(numbers))
    people = draw_people(rng, households)
    work = draw_work(rng, households, people)
    health = draw_health(rng, people, work)
    homes = draw_homes(rng, households, people)
    relief = draw_relief(rng, households, people, work=work, health=health, homes=homes)

    household_numbers = county.area_code * 10**7 + numbers.start + np.arange(len(households.size))
    return Residents(
        ids=resident_ids(county.area_code, people.birth_date, people.male, chunk=chunk),
        household_numbers=household_numbers.astype("U13"),
        households=households,
        people=people,
        work=work,
        health=health,
        homes=homes,
        relief=relief,
    )
