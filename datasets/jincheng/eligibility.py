"""The allowance as civil affairs keep it: weeded of those who may not have it, but for a planted few.

The formulas give the allowance to some households that own a car, a second flat or a firm, earn well, or
have lost the member who drew it. Civil affairs have found most of them. A number that is known remains, for
the departments to find together: households with exactly one member who stands in one other register.
"""

from dataclasses import dataclass

import numpy as np

from jincheng.draws import Booleans, Integers
from jincheng.identifiers import running_number
from jincheng.residents import Residents

GROUNDS = ("car", "second_flat", "income", "firm", "death")
PLANTED_SHARE = 0.012  # of those who receive the allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """The allowance in one chunk.

    Attributes:
        listed: stands on the list; one entry for each household.
        ground: index into GROUNDS of why this person may not, -1 for none; one entry for each person.
    """

    listed: Booleans
    ground: Integers


def draw_eligibility(rng: np.random.Generator, residents: Residents, grounds: tuple[Booleans, ...]) -> Eligibility:
    """Draw which of the households that receive the allowance remain on the list.

    Args:
        grounds: in the order of GROUNDS; one entry for each person.
    """
    people, received = residents.people, residents.relief.received
    reasons = np.add.reduce(grounds, dtype=np.int64)
    per_household = people.per_household(reasons)
    clean = received & (per_household == 0)

    recipients = int(people.per_household(clean[people.household]).sum())
    candidates = np.flatnonzero((received & (per_household == 1))[people.household] & (reasons == 1))
    candidates = rng.permutation(candidates)
    ground = np.select(grounds, range(len(GROUNDS)), -1)
    # One of each ground in turn, so that rare grounds occur as well.
    order = rng.permutation(len(GROUNDS))[ground[candidates]]
    turn = np.lexsort((order, running_number(order)))
    planted = candidates[turn[: round(PLANTED_SHARE * recipients)]]
    listed = clean.copy()
    listed[people.household[planted]] = True
    return Eligibility(listed=listed, ground=ground)
