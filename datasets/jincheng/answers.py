"""The planted answers: what departments must find together, known here from the drawing itself."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from jincheng.chunks import Chunk, divide_city
from jincheng.columns import AGE_BANDS
from jincheng.draws import Booleans, Integers
from jincheng.eligibility import GROUNDS
from jincheng.tables import age_bands

WORKING_AGES = (18, 59)  # both included


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """People in an intersection, and a sum about them."""

    people: int
    fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unemployment:
    """One county and age band; its rate is a ratio of two departments' numbers."""

    unemployed: int
    labour_force: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """What is true of a city that is drawn with full coverage and without dirt.

    Attributes:
        recipients: on civil affairs' list; fen is what they are paid a month.
        ineligible: by ground, those of them who also stand in one other register: the owner of a car or
            of a second flat, who declares income (above 5,000 yuan a month), the legal person of a firm,
            the dead. Nobody has two grounds.
        unemployment: by (county code, age band), the registered unemployed and everybody of 18 to 59.
        insured_by_cancelled_firm: fen is the sum of their contribution bases.
        recipients_with_claims: recipients with a settlement in health insurance; fen is what they paid
            themselves within the year.
    """

    recipients: Found
    ineligible: Mapping[str, Found]
    unemployment: Mapping[tuple[str, str], Unemployment]
    insured_by_cancelled_firm: Found
    recipients_with_claims: Found


def planted(*, citizens: int, seed: int = 7) -> Planted:
    """Say what departments must find in this city.

    Raises:
        CitySizeError: identity numbers run out.
    """
    total = Counter[tuple[str, ...]]()
    for chunk in divide_city(citizens=citizens, seed=seed):
        total.update(_count(chunk))

    def found(*name: str) -> Found:
        return Found(people=total[*name, "people"], fen=total[*name, "fen"])

    cells = {name[1:3] for name in total if name[0] == "labour"}
    return Planted(
        recipients=found("recipients"),
        ineligible={ground: found("ineligible", ground) for ground in GROUNDS},
        unemployment={
            (county, band): Unemployment(
                unemployed=total["unemployed", county, band], labour_force=total["labour", county, band]
            )
            for county, band in sorted(cells)
        },
        insured_by_cancelled_firm=found("cancelled"),
        recipients_with_claims=found("claims"),
    )


def _count(chunk: Chunk) -> Counter[tuple[str, ...]]:
    """Count and add up what is true of one chunk."""
    here, eligibility, work = chunk.residents, chunk.eligibility, chunk.residents.work
    count = Counter[tuple[str, ...]]()

    def add(*name: str, people: Booleans, fen: Integers) -> None:
        count[*name, "people"] += int(people.sum())
        count[*name, "fen"] += int(fen[people].sum())

    listed = eligibility.listed[here.people.household]
    amount_fen = here.relief.amount_fen[here.people.household]
    add("recipients", people=listed, fen=amount_fen)
    for index, ground in enumerate(GROUNDS):
        add("ineligible", ground, people=listed & (eligibility.ground == index), fen=amount_fen)
    add("claims", people=listed & (chunk.claims.cost_fen > 0), fen=chunk.claims.self_pay_fen)
    cancelled = work.insured & chunk.firms.registration.cancelled[chunk.links.employer]
    add("cancelled", people=cancelled, fen=work.base_fen)

    county, bands = str(chunk.county.real_code), age_bands(here.people.age)
    youngest, oldest = WORKING_AGES
    labour = (here.people.age >= youngest) & (here.people.age <= oldest)
    for band in AGE_BANDS:
        if people := int((labour & (bands == band)).sum()):
            count["labour", county, band] += people
            count["unemployed", county, band] += int((work.unemployed & (bands == band)).sum())
    return count
