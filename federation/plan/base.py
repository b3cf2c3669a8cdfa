"""What every job's plan has in common: who asks, who takes part, under which rules, and what each will learn by it.

A plan is made by the analyst, carried in clear to the parties that must agree to it, and agreed to by its hash. It is
complete: a department needs nothing but the plan, its own policy and the roster to decide and to answer.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

import msgspec

# A department may hold up to 2**32 matching rows per group: a fixed public bound, so that the width of a slot tells
# nobody how many rows there are.
MAX_ROWS = 2**32

Protection = Literal["paillier", "masks", "none"]
"""What hides one department's numbers in a sum: the joint key, pairwise masks, or nothing, in a lab that says so."""


def release_gate(contributors: Sequence[str], requester: str) -> str:
    """Name the release gate: the last contributor that is not the asking department.

    A rule, so that no analyst picks a friendly one. The asking department, what stands behind the @ of its analyst's
    name, must not be it: the gate reads counts that the asker must not.
    """
    asking = requester.rpartition("@")[2]
    return next((name for name in reversed(contributors) if name != asking), contributors[-1])


def survivors_needed(cohort: int) -> int:
    """How many of a cohort must survive a masked sum: the least number above two thirds.

    Bonawitz et al., CCS 2017, section 6: with fewer, a coordinator that lies about drop-outs, together with a third of
    the parties, could unmask one.
    """
    return 2 * cohort // 3 + 1


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the visibility table: what a party learns.

    Attributes:
        numbers: how many readable numbers that is, 0 if it sees ciphertexts or shares only.
    """

    party: str
    zh: str
    en: str
    numbers: int


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """One job of any kind.

    Attributes:
        nonce: 128 random bits in hex: makes the hash of a plan with few possible literals unguessable.
        contributors: the departments that answer, sorted.
        gate: the department that opens group counts first and decides suppression; not the requester.
        holders: the departments that hold key shares, sorted.
        threshold: how many of them must open.
        minimum_group: groups of fewer rows are dropped.
        minimum_contributors: groups fed by fewer departments are dropped, and jobs of fewer refused.
        catalogue: hash of the catalogue it was made against.
        roster: hash of the roster whose keys count.
        protection: how one department's numbers are hidden in every sum of the job.
    """

    version: Literal[1] = 1
    nonce: str
    requester: str
    purpose: str
    contributors: tuple[str, ...]
    gate: str
    holders: tuple[str, ...]
    threshold: int
    minimum_group: int
    minimum_contributors: int
    catalogue: str
    roster: str
    epoch: int
    protection: Protection = "paillier"

    @property
    def kind(self) -> str:
        """Which kind of job it is: sum, train, predict or script."""
        return str(self.__struct_config__.tag)

    @property
    def openers(self) -> tuple[str, ...]:
        """The key holders that open: the first of them, as many as the threshold; nobody where nothing is encrypted."""
        return self.holders[: self.threshold] if self.protection == "paillier" else ()

    @property
    def participants(self) -> tuple[str, ...]:
        """Every department that does something in the job, sorted: each of them has to agree."""
        return tuple(sorted({*self.contributors, *self.openers}))

    @property
    def needed(self) -> int:
        """How many of the contributors must be there to the end of a sum: all, unless the kind of job says less."""
        return len(self.contributors)

    @property
    @abstractmethod
    def subject(self) -> str:
        """What is asked, in one text, for the people who must agree."""

    @property
    @abstractmethod
    def table(self) -> str:
        """The table that is asked about."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""

    @abstractmethod
    def visibility(self) -> tuple[Sight, ...]:
        """What every party will learn, to the size."""

    def to_bytes(self) -> bytes:
        """Canonical bytes: what is hashed and sent."""
        return msgspec.json.encode(self)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical bytes, hex: what owners agree to."""
        return hashlib.sha256(self.to_bytes()).hexdigest()
