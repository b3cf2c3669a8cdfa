"""One chunk of a county: its people, and everything about them that some department writes down."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from jincheng.counties import COUNTIES, County
from jincheng.draws import Texts
from jincheng.health import Health, draw_health
from jincheng.homes import Homes, draw_homes
from jincheng.identifiers import resident_ids
from jincheng.people import Households, People, draw_households, draw_people
from jincheng.relief import Relief, draw_relief
from jincheng.work import Work, draw_work

# Citizens of one county drawn at a time. Part of the city's definition: another size, another city.
CHUNK = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Residents:
    """One chunk of a county, as it is; what a bureau sees of it is in `jincheng.tables`."""

    county: County
    ids: Texts
    household_numbers: Texts
    households: Households
    people: People
    work: Work
    health: Health
    homes: Homes
    relief: Relief


def draw_county(county: County, *, citizens: int, seed: int) -> Iterator[Residents]:
    """Draw the residents of one county, a chunk at a time.

    Each chunk has a random stream of its own, so that it comes out the same whoever draws it, and when.
    """
    for chunk, first in enumerate(range(0, citizens, CHUNK)):
        seeds = np.random.SeedSequence(seed, spawn_key=(COUNTIES.index(county), chunk))
        rng = np.random.default_rng(seeds)
        yield _draw_chunk(rng, county, chunk=chunk, citizens=min(CHUNK, citizens - first))


def _draw_chunk(rng: np.random.Generator, county: County, *, chunk: int, citizens: int) -> Residents:
    households = draw_households(rng, county, citizens=citizens)
    people = draw_people(rng, households)
    work = draw_work(rng, households, people)
    health = draw_health(rng, people, work)
    homes = draw_homes(rng, households, people)
    relief = draw_relief(rng, households, people, work=work, health=health, homes=homes)

    numbers = county.area_code * 10**7 + CHUNK * chunk + np.arange(len(households.size))
    return Residents(
        county=county,
        ids=resident_ids(county.area_code, people.birth_date, people.male, chunk=chunk),
        household_numbers=numbers.astype("U13"),
        households=households,
        people=people,
        work=work,
        health=health,
        homes=homes,
        relief=relief,
    )
