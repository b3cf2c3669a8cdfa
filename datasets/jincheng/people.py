"""Households, and the people who live in them.

Members of a household are drawn independently of each other, apart from a head of 20 or older:
there are no couples of like age and no parents twenty years older than their children.
"""

from dataclasses import dataclass

import numpy as np

from jincheng.counties import County
from jincheng.draws import Booleans, Dates, Floats, Integers, Texts, happens

REFERENCE_YEAR = 2024  # ages are those of 31 December

URBAN_SHARE = {
    "chengqu": 0.97,
    "gaoping": 0.52,
    "zezhou": 0.45,
    "yangcheng": 0.50,
    "lingchuan": 0.42,
    "qinshui": 0.45,
}
DEVELOPMENT = {
    "chengqu": 0.35,
    "gaoping": 0.05,
    "zezhou": 0.0,
    "yangcheng": 0.05,
    "lingchuan": -0.35,
    "qinshui": 0.10,
}
SIZES = np.arange(1, 7)
SIZE_WEIGHTS = np.array([0.25, 0.30, 0.21, 0.13, 0.07, 0.04])

# Age bands of five years, 0-4 to 85 and older, close to the census of 2020 (20.3 % are 60 or older).
# Heads are 20 or older, so the other members are drawn younger: together they meet the weights.
AGE_WEIGHTS = np.array([4.3, 5.2, 4.8, 4.7, 4.9, 6.0, 7.8, 6.7, 6.6, 8.3, 9.8, 9.7, 6.9, 6.0, 3.7, 2.2, 1.3, 0.6])
AGE_WEIGHTS /= AGE_WEIGHTS.sum()
HEAD_AGE_WEIGHTS = np.where(np.arange(18) >= 4, AGE_WEIGHTS, 0.0)
HEAD_AGE_WEIGHTS /= HEAD_AGE_WEIGHTS.sum()
OTHER_AGE_WEIGHTS = np.clip(AGE_WEIGHTS - HEAD_AGE_WEIGHTS / (SIZES @ SIZE_WEIGHTS), 0.0, None)
OTHER_AGE_WEIGHTS /= OTHER_AGE_WEIGHTS.sum()

MALE_SHARE = 0.5062
HAN_SHARE = 0.99
NAMES = np.array([surname + "某某" for surname in "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Households:
    """The households of one chunk; every array has one entry for each.

    Attributes:
        size: members, 1 to 6.
        affluence: latent, about standard normal; drives income, home and car, and is never written.
    """

    size: Integers
    urban: Booleans
    farming: Booleans
    floating: Booleans
    affluence: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The people of one chunk, household by household, the head first.

    Attributes:
        household: index of each person's household.
        age: whole years at the end of the reference year.
        frailty: latent, grows with age; drives illness and disability, and is never written.
        schooling: years, 0 to 19; meaningful for adults only.
    """

    household: Integers
    is_head: Booleans
    name: Texts
    male: Booleans
    age: Integers
    birth_date: Dates
    is_han: Booleans
    frailty: Floats
    schooling: Floats

    @property
    def is_dependant(self) -> Booleans:
        """Under 16, or 65 and older."""
        return (self.age < 16) | (self.age >= 65)

    @property
    def is_student(self) -> Booleans:
        """16 to 21, and beyond the nine years of compulsory school."""
        return (self.age >= 16) & (self.age < 22) & (self.schooling > 9)

    def per_household(self, values: Floats | Integers | Booleans) -> Floats:
        """Sum the members' values, one sum for each household."""
        return np.add.reduceat(values.astype(np.float64), np.flatnonzero(self.is_head))


def draw_households(rng: np.random.Generator, county: County, *, citizens: int) -> Households:
    """Draw households of one county whose sizes add up to `citizens`."""
    # A household has a member at least, so this many suffice; the last one is cut to fit.
    size = rng.choice(SIZES, size=citizens, p=SIZE_WEIGHTS)
    count = int(np.searchsorted(size.cumsum(), citizens)) + 1
    size = size[:count]
    size[-1] -= size.sum() - citizens

    urban = rng.random(count) < URBAN_SHARE[county.key]
    return Households(
        size=size,
        urban=urban,
        farming=happens(rng, np.where(urban, 0.25, 0.92)),
        floating=happens(rng, np.where(urban, 0.12, 0.03)),
        affluence=rng.normal(size=count) + 0.45 * DEVELOPMENT[county.key] + 0.45 * (urban - 0.6),
    )


def draw_people(rng: np.random.Generator, households: Households) -> People:
    """Draw the members of these households."""
    household = np.repeat(np.arange(len(households.size)), households.size)
    count = len(household)
    is_head = np.diff(household, prepend=-1) != 0
    band = np.where(
        is_head,
        rng.choice(18, size=count, p=HEAD_AGE_WEIGHTS),
        rng.choice(18, size=count, p=OTHER_AGE_WEIGHTS),
    )
    age = 5 * band + rng.integers(0, 5, count)
    new_year: Dates = (REFERENCE_YEAR - 1970 - age).astype("datetime64[Y]").astype("datetime64[D]")
    affluence, urban = households.affluence[household], households.urban[household]
    schooling = 9 + 1.6 * affluence + 1.2 * urban - 0.05 * (age - 30).clip(0, 50) + rng.normal(0, 2.2, count)
    return People(
        household=household,
        is_head=is_head,
        name=rng.choice(NAMES, size=count),
        male=rng.random(count) < MALE_SHARE,
        age=age,
        birth_date=new_year + rng.integers(0, 365, count),
        is_han=rng.random(count) < HAN_SHARE,
        frailty=rng.normal(size=count) + 0.035 * (age - 45),
        schooling=schooling.round().clip(0, 19),
    )
