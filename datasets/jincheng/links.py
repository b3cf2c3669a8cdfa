"""Who owns the firms, and who works in them; a few are insured through a firm that no longer exists."""

from dataclasses import dataclass

import numpy as np

from jincheng.draws import Integers
from jincheng.firms import Firms
from jincheng.people import Households, People
from jincheng.work import Work

OWNER_AGES = (22, 70)  # both included
PLANTED_SHARE = 0.002  # of the insured: their firm has been cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The ties between the people and the firms of one chunk.

    Attributes:
        owner: index of the legal person, one entry for each firm.
        employer: index of the firm, one entry for each person; -1 for those who are not insured.
    """

    owner: Integers
    employer: Integers


def draw_links(rng: np.random.Generator, households: Households, people: People, *, work: Work, firms: Firms) -> Links:
    """Draw the legal person of every firm, and the firm of every insured employee."""
    youngest, oldest = OWNER_AGES
    # The highest of these scores are a draw without replacement in which affluence weighs (Gumbel).
    score = 2.0 * households.affluence[people.household] + rng.gumbel(size=len(people.age))
    score[(people.age < youngest) | (people.age > oldest)] = -np.inf
    richest = np.argsort(-score, kind="stable")[: len(firms.code)]
    return Links(owner=rng.permutation(richest), employer=_draw_employers(rng, work, firms))


def _draw_employers(rng: np.random.Generator, work: Work, firms: Firms) -> Integers:
    """Fill the firms' places one by one; where there are more people than places, some firms get more."""
    insured = rng.permutation(np.flatnonzero(work.insured))
    cancelled = np.flatnonzero(firms.registration.cancelled)
    headcount = np.where(firms.registration.cancelled, 0, firms.staff.headcount)
    places = rng.permutation(np.repeat(np.arange(len(headcount)), headcount))
    employer = np.full(len(work.insured), -1)
    employer[insured] = np.resize(places, len(insured))
    if len(cancelled):
        planted = insured[: round(PLANTED_SHARE * len(insured))]
        employer[planted] = rng.choice(cancelled, size=len(planted))
    return employer
