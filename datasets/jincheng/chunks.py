"""The city in chunks: each is drawn by itself, whoever draws it and when.

All ties, of households, employers, owners and hospitals, stay within a chunk, so that a city of any size
fits the memory and comes out the same whatever the number of workers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jincheng.cases import CASES_PER_CITIZEN, FEWEST_CASES, HOSPITAL_SHARE, Cases, draw_cases
from jincheng.claims import Claims, draw_claims
from jincheng.counties import COUNTIES, County, divide, divide_citizens
from jincheng.draws import Booleans, Stream
from jincheng.eligibility import Eligibility, draw_eligibility
from jincheng.families import Families, draw_families
from jincheng.firms import FIRMS_PER_CITIZEN, Firms, draw_firms
from jincheng.identifiers import CHUNKS_PER_COUNTY
from jincheng.links import Links, draw_links
from jincheng.loans import Loans, draw_loans
from jincheng.registers import Registers, draw_registers
from jincheng.residents import Residents, draw_residents

# Citizens of one county drawn at a time, unless its identity numbers then run out. Part of the city's
# definition: another size, another city.
CHUNK = 50_000


# No slots: what has been drawn is kept in the instance.
@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A part of one county; what is drawn in it, is drawn when first asked for.

    Attributes:
        number: which of its county's chunks this is.
        citizens: running numbers in the county of the people in this chunk; of `enterprises` and
            `admissions` likewise.
    """

    seed: int
    county: County
    number: int
    citizens: range
    enterprises: range
    admissions: range

    def rng(self, *stream: int) -> np.random.Generator:
        """Begin one of the chunk's random streams; the one without a name is the residents'."""
        key = (COUNTIES.index(self.county), self.number, *stream)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    @cached_property
    def residents(self) -> Residents:
        """The people, their households, work, health, homes and relief."""
        return draw_residents(self.rng(), self.county, chunk=self.number, numbers=self.citizens)

    @cached_property
    def families(self) -> Families:
        """Relations and marriages."""
        return draw_families(self.rng(Stream.FAMILIES), self.residents.people)

    @cached_property
    def claims(self) -> Claims:
        """Stays in hospital and visits."""
        return draw_claims(self.rng(Stream.CLAIMS), self.residents.people, self.residents.health)

    @cached_property
    def registers(self) -> Registers:
        """Small registers about people and homes."""
        here = self.residents
        rng = self.rng(Stream.REGISTERS)
        return draw_registers(rng, here.households, here.people, work=here.work, homes=here.homes)

    @cached_property
    def firms(self) -> Firms:
        """The firms."""
        return draw_firms(self.rng(Stream.FIRMS), self.county, numbers=self.enterprises)

    @cached_property
    def loans(self) -> Loans:
        """The firms' loans."""
        return draw_loans(self.rng(Stream.LOANS), self.firms)

    @cached_property
    def links(self) -> Links:
        """Who owns the firms and who works in them."""
        here = self.residents
        rng = self.rng(Stream.LINKS)
        return draw_links(rng, here.households, here.people, work=here.work, firms=self.firms)

    @cached_property
    def eligibility(self) -> Eligibility:
        """Who is on the list for the allowance, and who of them should not be."""
        rng = self.rng(Stream.ELIGIBILITY)
        return draw_eligibility(rng, self.residents, self._grounds())

    @cached_property
    def cases(self) -> Cases:
        """The admissions to the county's hospital."""
        return draw_cases(self.rng(Stream.CASES), self.county, numbers=self.admissions)

    def _grounds(self) -> tuple[Booleans, ...]:
        """Why somebody may not receive the allowance: one array for each of GROUNDS."""
        people, registers = self.residents.people, self.registers
        owns_firm = np.zeros(len(people.age), dtype=np.bool_)
        owns_firm[self.links.owner] = True
        return (
            people.is_head & (self.residents.homes.cars > 0)[people.household],
            people.is_head & (registers.flats > 1)[people.household],
            registers.declared,
            owns_firm,
            registers.died,
        )


def divide_city(*, citizens: int, seed: int) -> Iterator[Chunk]:
    """Divide the city into chunks, county after county."""
    people = divide_citizens(citizens)
    cases = divide(max(FEWEST_CASES, round(CASES_PER_CITIZEN * citizens)), HOSPITAL_SHARE)
    for county in COUNTIES:
        yield from _divide_county(county, citizens=people[county.key], cases=cases[county.key], seed=seed)


def _divide_county(county: County, *, citizens: int, cases: int, seed: int) -> Iterator[Chunk]:
    size = max(CHUNK, -(-citizens // CHUNKS_PER_COUNTY))
    for number, first in enumerate(range(0, citizens, size)):
        last = min(first + size, citizens)
        yield Chunk(
            seed=seed,
            county=county,
            number=number,
            citizens=range(first, last),
            enterprises=range(round(FIRMS_PER_CITIZEN * first), round(FIRMS_PER_CITIZEN * last)),
            admissions=range(cases * first // citizens, cases * last // citizens),
        )
