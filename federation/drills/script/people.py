"""Made-up people and a script's plan over them: what the attacks on a result have to play with."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from typing import NamedTuple

from federation.plan import Column, GroupKey, ScriptFile, ScriptPlan

OWNER, ANALYST = "tax", "analyst@city"
NORTH, MIDDLE, SOUTH = DISTRICTS = ("north", "middle", "south")
HEADER = ("district", "people", "median")
LARGE = 40


class Person(NamedTuple):
    """Nobody."""

    identity: str
    district: str
    income: int


PLAN = ScriptPlan(
    nonce="0" * 32,
    requester=ANALYST,
    purpose="drill",
    contributors=(OWNER,),
    gate=OWNER,
    holders=(OWNER,),
    threshold=1,
    minimum_group=10,
    minimum_contributors=1,
    catalogue="0" * 64,
    roster="0" * 64,
    epoch=1,
    source="people",
    view=(Column(name="district", type="text"), Column(name="income", type="integer")),
    files=(ScriptFile(name="main.py", text="print('approved')\n"),),
    group_by=(GroupKey(column="district", values=DISTRICTS),),
    numbers=HEADER[1:],
)


def people(**districts: int) -> tuple[Person, ...]:
    """Make so many people of each district."""
    chance = random.Random(0)  # noqa: S311 - the same people every time

    def person(district: str) -> Person:
        return Person(f"9{chance.randrange(10**17):017}", district, chance.randrange(20_000, 200_000))

    return tuple(person(district) for district, count in districts.items() for _ in range(count))


def counts(table: Sequence[Person]) -> dict[int, tuple[int, ...]]:
    """What the department counts itself: the rows of each group."""
    found = ((index, sum(one.district == name for one in table)) for index, name in enumerate(DISTRICTS))
    return {index: (count,) for index, count in found if count}


def written(*lines: Sequence[object], header: Sequence[str] = HEADER) -> bytes:
    """What a script wrote."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((header, *lines))
    return text.getvalue().encode()


EVERYBODY = people(north=LARGE, middle=LARGE, south=LARGE)
COUNTS = counts(EVERYBODY)
# What an honest script writes of them; the medians need not be true for any rule here.
HONEST = ((NORTH, LARGE, 61_250), (MIDDLE, LARGE, 58_400), (SOUTH, LARGE, 70_125.5))
