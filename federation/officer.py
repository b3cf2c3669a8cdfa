"""The officer: reads what lies on a department's desk, and signs a yes, a no, or a no more.

The key never leaves the officer's own program: it signs here, and the desk gets the statement. The hash that is signed
is computed here from the plan's own bytes, not taken from the desk's word.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import TypedDict

import msgspec

from crypto.signing import HybridKey
from federation.audit.events import timestamp
from federation.audit.journal import Clock, commitment
from federation.coordinator.control import ControlClient
from federation.errors import HomeError, KeyongError, RefusedError
from federation.governance.epochs import Change, check_change
from federation.governance.officers import unlock
from federation.governance.roster import Officer, Roster
from federation.governance.statements import (
    AnyStatement,
    Deny,
    Grant,
    Resume,
    Revoke,
    SignChange,
    SignRoster,
    Suspend,
    sign_statement,
)
from federation.node.desk import DeskClient, DeskItem
from federation.plan import Plan, read_plan

DEFAULT_HOURS = 24


class _Common(TypedDict):
    """What every statement says."""

    log: str
    roster: str
    officer: str
    department: str
    nonce: str
    time: str


class OfficerDesk:
    """One officer at its department's desk."""

    def __init__(
        self,
        *,
        home: Path,
        name: str,
        roster: Roster,
        desk: DeskClient,
        control: Path,
        clock: Clock,
    ) -> None:
        """Come to the desk.

        Args:
            home: the officer's own folder, with the key.
            control: the coordinator's socket, to say that something was signed.

        Raises:
            HomeError: nobody of this name stands in the roster.
        """
        officer = roster.officer(name)
        if officer is None:
            raise HomeError("home.officer_unknown", officer=name)
        if officer.department not in roster.names("department"):  # an operator or auditor of the whole has no desk
            raise RefusedError("refused.officer", officer=name, party=officer.department)
        self.officer: Officer = officer
        self._home, self._roster, self._desk, self._control, self._clock = home, roster, desk, control, clock
        self._key: HybridKey | None = None

    def unlock(self, passphrase: str) -> None:
        """Open the key for this session.

        Raises:
            HomeError: wrong passphrase, or a key that is not the one in the roster.
        """
        key = unlock(self._home, self.officer.name, passphrase)
        if key.public != self.officer.public:
            raise HomeError("home.officer_differs", officer=self.officer.name)
        self._key = key

    def items(self) -> tuple[DeskItem, ...]:
        """What lies on the desk."""
        return self._desk.items()

    def has_pending(self, job: str) -> bool:
        """Whether a request waits for this officer's word."""
        pending = (item for item in self._desk.items() if item.job == job and item.state == "pending")
        return any(self.officer.name not in item.granted_by for item in pending)

    def approve(
        self,
        job: str,
        *,
        hours: float = DEFAULT_HOURS,
        frozen: bool = True,
        conditions: str = "",
        minimum_group: int | None = None,
    ) -> None:
        """Grant one run of a request.

        Args:
            hours: until the grant expires.
            frozen: only for the data as it was when the request came; else as it is at the run.
            conditions: for people to read.
            minimum_group: for a script only: nothing is told of groups of fewer rows; None for the plan's own.

        Raises:
            KeyongError: no such request, or the desk does not accept it.
        """
        item, plan = self.find(job)
        salt = secrets.token_bytes(16)
        grant = Grant(
            **self._common(),
            request=job,
            plan=plan.hash,
            requester=plan.requester,
            purpose=commitment(salt, plan.purpose.encode()),
            expires=timestamp(self._clock() + timedelta(hours=hours)),
            snapshot=item.snapshot if frozen else "",
            conditions=conditions,
            minimum_group=msgspec.UNSET if minimum_group is None else minimum_group,
        )
        self._say(grant, {"purpose": plan.purpose, "salt": salt.hex()})

    def reject(self, job: str, reason: str) -> None:
        """Say no to a request."""
        _, plan = self.find(job)
        committed, notes = _reason(reason)
        self._say(Deny(**self._common(), request=job, plan=plan.hash, reason=committed), notes)

    def revoke(self, job: str, reason: str) -> None:
        """Take a grant back; counts at once, in the middle of its run too."""
        _, plan = self.find(job)
        committed, notes = _reason(reason)
        self._say(Revoke(**self._common(), request=job, plan=plan.hash, reason=committed), notes)

    def sign_roster(self) -> None:
        """Confirm the roster's hash."""
        self._say(SignRoster(**self._common()), {})

    def suspend(self, party: str, reason: str) -> None:
        """Hold that a department is gone and must not count."""
        committed, notes = _reason(reason)
        self._say(Suspend(**self._common(), party=party, reason=committed), notes)

    def resume(self, party: str, reason: str) -> None:
        """Let a suspended department count again."""
        committed, notes = _reason(reason)
        self._say(Resume(**self._common(), party=party, reason=committed), notes)

    def sign_change(self, change: Change, reason: str) -> None:
        """Let a change of the roster begin a new key epoch; the hash is of the change as it is given here.

        Raises:
            RefusedError: it is not a change of the roster that counts.
        """
        check_change(self._roster, change)
        committed, notes = _reason(reason)
        self._say(SignChange(**self._common(), change=change.hash, reason=committed), notes)

    def find(self, job: str) -> tuple[DeskItem, Plan]:
        """Find a request on the desk, and read its plan.

        Raises:
            RefusedError: no such request, or what is shown is no plan.
        """
        for item in self._desk.items():
            if item.job == job:
                return item, plan_of(item)
        raise RefusedError("refused.no_request", request=job, party=self.officer.department)

    def _common(self) -> _Common:
        return {
            "log": self._roster.origin,
            "roster": self._roster.hash,
            "officer": self.officer.name,
            "department": self.officer.department,
            "nonce": secrets.token_hex(16),
            "time": timestamp(self._clock()),
        }

    def _say(self, statement: AnyStatement, notes: dict[str, str]) -> None:
        if self._key is None:
            raise HomeError("home.passphrase_asked", officer=self.officer.name)
        self._desk.hear(sign_statement(statement, self._key), notes)
        try:
            ControlClient(self._control).nudge()
        except KeyongError:
            return  # a hint only: the coordinator looks after the desks anyway


def _reason(words: str) -> tuple[str, dict[str, str]]:
    salt = secrets.token_bytes(16)
    return commitment(salt, words.encode()), {"reason": words, "salt": salt.hex()}


def plan_of(item: DeskItem) -> Plan:
    """Read the plan of a request on the desk.

    Raises:
        RefusedError: the desk shows something that is no plan.
    """
    try:
        return read_plan(item.plan)
    except (ValueError, msgspec.MsgspecError) as exc:
        raise RefusedError("refused.plan") from exc
