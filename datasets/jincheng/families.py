"""Who is what to whom in a household, and who is married.

Members are drawn independently of each other, so a relation is only given where the ages allow it:
a spouse is of the other sex and of like age, children and parents are a generation away.
"""

from dataclasses import dataclass

import numpy as np

from jincheng.draws import Booleans, Integers, happens, sigmoid
from jincheng.people import People

RELATIONS = ("户主", "配偶", "子女", "父母", "其他")
HEAD, SPOUSE, CHILD, PARENT, OTHER = range(5)
MARITAL_STATUSES = ("未婚", "已婚", "离婚", "丧偶")
SINGLE, MARRIED, DIVORCED, WIDOWED = range(4)

YOUNGEST_SPOUSE, WIDEST_AGE_GAP, GENERATION = 20, 10, 18  # years


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """The family of everybody in one chunk; every array has one entry for each person.

    Attributes:
        relation: to the head of the household, index into RELATIONS.
        marital_status: index into MARITAL_STATUSES.
        orphan: under 18, and both parents are dead.
    """

    relation: Integers
    marital_status: Integers
    orphan: Booleans


def draw_families(rng: np.random.Generator, people: People) -> Families:
    """Draw everybody's relation to the head of the household, and marital status."""
    relation = _relations(people)
    count, age = len(people.age), people.age

    was_married = (age >= YOUNGEST_SPOUSE) & happens(rng, sigmoid((age - 27) / 3))
    widowed = happens(rng, sigmoid((age - 78) / 6))
    divorced = rng.random(count) < 0.08
    alone = np.select([~was_married, widowed, divorced], [SINGLE, WIDOWED, DIVORCED], MARRIED)
    has_spouse = people.per_household(relation == SPOUSE)[people.household] > 0
    in_couple = has_spouse & ((relation == HEAD) | (relation == SPOUSE))
    return Families(
        relation=relation,
        marital_status=np.where(in_couple, MARRIED, alone),
        orphan=(age < 18) & (rng.random(count) < 0.002),
    )


def _relations(people: People) -> Integers:
    heads = np.flatnonzero(people.is_head)[people.household]
    gap = people.age - people.age[heads]
    fits = (people.male != people.male[heads]) & (abs(gap) <= WIDEST_AGE_GAP) & (people.age >= YOUNGEST_SPOUSE)
    candidates = np.flatnonzero(fits & ~people.is_head)
    candidates = candidates[np.lexsort((abs(gap[candidates]), people.household[candidates]))]
    _, nearest = np.unique(people.household[candidates], return_index=True)
    relation = np.select([people.is_head, gap <= -GENERATION, gap >= GENERATION], [HEAD, CHILD, PARENT], OTHER)
    relation[candidates[nearest]] = SPOUSE
    return relation
