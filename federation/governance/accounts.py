"""Accounts: who stands in the roster, at which level, and what each may ask for or sign.

A table for people, read off the rules that decide: an analyst's tier in the catalogue, an officer's role in the roster.
Whether something is allowed is decided by `policy` and by each department's desk, never by this.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from federation.governance.roster import Officer, OfficerRole, Party, Roster
from federation.governance.statements import SPEAKERS
from federation.settings import Catalogue, JobKind, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account.

    Attributes:
        name: role@department; what stands behind the @ is its place, a department or the city.
        person: who holds an officer's account, as the operator enrolled them; "" for an analyst's.
        requests: kinds of jobs that it may ask for.
        tables: those that it may ask about.
        minimum_group: the least rows of a group in what it asks for; 0 if it may ask for nothing.
        signs: kinds of statements that it may make for its department.
        fingerprint: of its public key, 16 hex digits.
    """

    name: str
    role: Literal["analyst"] | OfficerRole
    tier: Tier
    person: str = ""
    requests: tuple[JobKind, ...] = ()
    tables: tuple[str, ...] = ()
    minimum_group: int = 0
    signs: tuple[str, ...] = ()
    fingerprint: str

    @property
    def place(self) -> str:
        """The department it stands at, or the city."""
        return self.name.rpartition("@")[2]


def list_accounts(roster: Roster, catalogue: Catalogue) -> tuple[Account, ...]:
    """List every account of a roster: analysts first, then officers, as they stand there."""
    analysts = (party for party in roster.parties if party.role == "analyst")
    return (
        *(_analyst(party, catalogue) for party in analysts),
        *(_officer(officer, roster, catalogue) for officer in roster.officers),
    )


def _analyst(party: Party, catalogue: Catalogue) -> Account:
    rules = catalogue.rules(party.name)
    return Account(
        name=party.name,
        role="analyst",
        tier=catalogue.tier(party.name),
        requests=rules.requests,
        tables=tuple(table.name for table in catalogue.tables if catalogue.lets(party.name, table)),
        minimum_group=rules.minimum_group if rules.requests else 0,
        fingerprint=hashlib.sha256(party.signing).hexdigest()[:16],
    )


def _officer(officer: Officer, roster: Roster, catalogue: Catalogue) -> Account:
    # Who acts for the whole has no desk to sign at.
    has_desk = officer.department in roster.names("department")
    says = (kind for kind, roles in SPEAKERS.items() if has_desk and officer.role in roles)
    return Account(
        name=officer.name,
        role=officer.role,
        tier=catalogue.tier(officer.name),
        person=officer.person,
        signs=tuple(str(kind.__struct_config__.tag) for kind in says),
        fingerprint=officer.public.fingerprint,
    )
