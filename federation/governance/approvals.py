"""What a department's officers have said about each request: kept in its journal, asked before every step of a job.

A request lies on the desk until an officer grants or denies it; a grant counts for one run of exactly that plan, until
it expires or is revoked. With the rule "automatic" the department itself agrees to whatever its policy allows: good
for trying out, but then nobody has approved anything, and the record says so.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from federation.audit.events import Actor, Event, read_event, timestamp
from federation.audit.journal import Draft, Journal, commitment
from federation.errors import HomeError, RefusedError
from federation.governance.identity import write_secret
from federation.governance.roster import Roster
from federation.governance.shelf import Lying, NoShelf, Shelf
from federation.governance.shelf import Standing as Shown
from federation.governance.standing import REFUSALS, SHOWN, Standing, State
from federation.governance.statements import (
    AnyStatement,
    Deny,
    Grant,
    Resume,
    Revoke,
    SignChange,
    SignRoster,
    Suspend,
    read_statement,
)
from federation.plan import AnyPlan, ScriptPlan, read_plan

logger = logging.getLogger(__name__)

Rule = Literal["automatic", "officers"]
Cells = Mapping[int, tuple[int, ...]]

MAX_ON_DESK = 1000
# A statement travels inside an event, which may have 65,535 bytes in base64; two signatures take 5,000 of these.
MAX_STATEMENT = 16_384
# Names of jobs and nonces become names of files.
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
NONCE = re.compile(r"[0-9a-f]{32}")


class Slip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request as it lies on the desk; on disk in the department's own home.

    Attributes:
        request: the analyst's signed envelope.
        salt: of the snapshot's commitment; never leaves.
        snapshot: salted digest of the numbers this department would add, as they stood when the request came.
    """

    job: str
    plan: bytes
    request: bytes
    received: str
    salt: bytes = b""
    snapshot: str = ""


EVENTS: dict[type[AnyStatement], str] = {
    Grant: "approval.grant",
    Deny: "approval.deny",
    Revoke: "approval.revoke",
    SignRoster: "member.sign",
    Suspend: "member.suspend",
    Resume: "member.resume",
    SignChange: "member.change",
}


class Approvals:
    """One department's desk, without its socket."""

    def __init__(
        self,
        *,
        department: str,
        roster: Roster,
        rule: Rule,
        journal: Journal,
        folder: Path,
        clock: Callable[[], datetime],
        shelf: Shelf | None = None,
    ) -> None:
        """Read back what was said so far.

        Args:
            folder: where the slips lie.
            shelf: where requests lie for its officers to review, if they look at any.

        Raises:
            HomeError: the folder or the journal cannot be read.
        """
        self._name, self._roster, self._rule = department, roster, rule
        self._journal, self._folder, self._clock = journal, folder, clock
        self._shelf: Shelf = shelf if shelf and rule == "officers" else NoShelf()
        self._standings: dict[str, Standing] = {}
        self._slips: dict[str, Slip] = {}
        self._plans: dict[str, AnyPlan] = {}
        try:
            folder.mkdir(exist_ok=True, mode=0o700)
            for file in sorted(folder.glob("*.slip")):
                slip = msgspec.msgpack.decode(file.read_bytes(), type=Slip)
                self._slips[slip.job] = slip
        except (OSError, msgspec.MsgspecError) as exc:
            raise HomeError("home.storage", file="desk") from exc
        own = {department: roster.signers[department]}
        for entry in journal.of_types("request.receive", *sorted(EVENTS.values()), "job.join", "shelf"):
            self._replay(read_event(entry, own))

    # -- a request comes in -------------------------------------------------------------------------------------------

    def lodge(self, job: str, plan: AnyPlan, request: bytes, cells: Callable[[], Cells] | None) -> tuple[Draft, ...]:
        """Lay a request on the desk, if it does not lie there; returns the events that tell of it.

        Args:
            request: the analyst's envelope, verified, whose plan passed the policy.
            cells: computes the numbers this department would add; None if it adds none.

        Raises:
            RefusedError: another plan under this name, or the desk is full.
        """
        if not FILE_NAME.fullmatch(job):
            raise RefusedError("refused.control")
        known = self._standings.get(job)
        if known is not None:
            if known.plan != plan.hash:
                raise RefusedError("refused.replayed")
            self._plans[job] = plan
            if known.state != "pending" or job in self._slips:
                return ()
            # Its slip is lost: it is laid anew.
        self._plans[job] = plan
        data: dict[str, int | str] = {"plan": plan.hash, "requester": plan.requester}
        if self._rule == "automatic":
            self._standings[job] = Standing(plan.hash, plan.requester, "granted")
            actor = Actor(name=self._name, role="automatic")
            return (Draft(type="approval.grant", actor=actor, job=job, attempt=1, data={**data, "max_runs": 1}),)
        if sum(s.state == "pending" for s in self._standings.values()) >= MAX_ON_DESK:
            raise RefusedError("refused.busy", waiting=MAX_ON_DESK)
        salt = secrets.token_bytes(16) if cells else b""
        slip = Slip(
            job=job,
            plan=plan.to_bytes(),
            request=request,
            received=timestamp(self._clock()),
            salt=salt,
            snapshot=_digest(salt, cells()) if cells else "",
        )
        self._keep(f"{job}.slip", msgspec.msgpack.encode(slip))
        laid = self._shelf.lay(job, plan)
        self._slips[job] = slip
        standing = known or Standing(plan.hash, plan.requester)
        self._standings[job] = replace(standing, files=laid.files, shown=laid.standing if self._shelf.software else "")
        node = Actor(name=self._name, role="node")
        received = Draft(type="request.receive", actor=node, job=job, attempt=1, data=data, body=slip.plan)
        return (received, *self._shown(job, laid))

    # -- an officer speaks --------------------------------------------------------------------------------------------

    def hear(self, text: str, notes: Mapping[str, str]) -> None:
        """Take an officer's statement: verify it, put it into the journal, and from now on act on it.

        Args:
            notes: what its salted commitments commit to, for the department's own files.

        Raises:
            RefusedError: not an officer of ours, or it does not fit what lies on the desk.
            HomeError: it cannot be written; then it does not count.
        """
        statement, officer = read_statement(text, self._roster, department=self._name)
        if not NONCE.fullmatch(statement.nonce) or len(text) > MAX_STATEMENT:
            raise RefusedError("refused.statement")
        job, data = "", dict[str, int | str]()
        if isinstance(statement, Grant | Deny | Revoke):
            job = statement.request
            self._check_fits(statement)
            data = {"plan": statement.plan, "requester": self._standings[job].requester}
        elif isinstance(statement, Suspend | Resume):
            if statement.party not in self._roster.names("department") or statement.party == self._name:
                raise RefusedError("refused.statement")
            data = {"party": statement.party}
        elif isinstance(statement, SignChange):
            data = {"change": statement.change}
        if any(e.data.get("statement") == text for e in self._said(EVENTS[type(statement)], job)):
            raise RefusedError("refused.replayed")
        draft = Draft(
            type=EVENTS[type(statement)],  # type: ignore[arg-type]  # one of the table
            actor=Actor(name=officer.name, role=officer.role),
            job=job,
            attempt=1 if job else 0,
            data={**data, "statement": text},
        )
        if notes:
            self._keep(f"{statement.nonce}.notes", msgspec.msgpack.encode(dict(notes)))
        (entry,) = self._journal.write([draft])
        self._replay(read_event(entry, {self._name: self._roster.signers[self._name]}))
        if job in self._slips and (shown := SHOWN.get(self._standings[job].state)):
            self._journal.write(self._turn(job, shown, notes.get("reason", "")))

    def _check_fits(self, statement: Grant | Deny | Revoke) -> None:
        standing = self._standings.get(statement.request)
        slip = self._slips.get(statement.request)
        if standing is None or standing.plan != statement.plan or (slip is None and self._rule == "officers"):
            raise RefusedError("refused.no_request", request=statement.request, party=self._name)
        if self._rule == "officers" and not self._journal.holds("request.receive", statement.request):
            # It came this very moment, and is not on record yet: a word on it would stand there before it.
            raise RefusedError("refused.no_request", request=statement.request, party=self._name)
        standing.check_fits(statement, time=self._clock())
        if isinstance(statement, Grant):
            shown = slip.snapshot if slip else ""
            if statement.requester != standing.requester or statement.snapshot not in ("", shown):
                raise RefusedError("refused.statement")
            # A sum is released by one department for all: what another one of them asks for does not bind it.
            asks = statement.minimum_group is not msgspec.UNSET
            if asks and not isinstance(self.plan(statement.request), ScriptPlan):
                raise RefusedError("refused.condition", request=statement.request, party=self._name)

    # -- asked before every step --------------------------------------------------------------------------------------

    def state(self, job: str) -> State:
        """How a request stands now; "pending" for one that never came."""
        standing = self._standings.get(job)
        return "pending" if standing is None else standing.at(self._clock()).state

    def check(self, job: str, plan: str) -> None:
        """Check that this department's word for a job stands now: granted for this plan, not expired, not revoked.

        Raises:
            RefusedError: it does not.
        """
        standing = self._standings.get(job)
        if standing is None or standing.plan != plan:
            raise RefusedError("refused.not_approved", party=self._name)
        state = standing.at(self._clock()).state
        if state not in ("granted", "used"):
            raise RefusedError(REFUSALS[state], party=self._name, request=job)

    def begin(self, job: str, plan: str) -> Draft:
        """Spend a grant's one run; returns the event that says so.

        Raises:
            RefusedError: no grant stands, it was spent before, or the shelf shows something else than was granted.
        """
        self.check(job, plan)
        standing = self._standings[job]
        if standing.spent:
            raise RefusedError("refused.replayed")
        if self._shelf.software:
            # On record too: a crash may have come between the shelf and the event that tells of it.
            shown = standing.shown == "approved" and self._shelf.look(job) == Lying("approved", standing.files)
            if not shown:
                raise RefusedError("refused.shelf", party=self._name, request=job)
        self._standings[job] = replace(standing, spent=True)
        actor = Actor(name=self._name, role="node")
        return Draft(type="job.join", actor=actor, job=job, attempt=1, data={"plan": plan})

    def check_snapshot(self, job: str, cells: Cells) -> None:
        """Check that the numbers are those that lay on the desk, if the officer asked for that.

        Raises:
            RefusedError: the data changed since.
        """
        approved = self._standings[job].snapshot
        if approved and not hmac.compare_digest(_digest(self._slips[job].salt, cells), approved):
            raise RefusedError("refused.snapshot", party=self._name)

    def close(self, is_over: Callable[[str], bool]) -> tuple[Draft, ...]:
        """Have the shelf show what it does not yet: runs that are over, and words that a crash or a full disk kept.

        Args:
            is_over: whether the record says that a job has ended.

        Returns:
            The events that tell of it.
        """
        now = self._clock()
        lacking = {job: known.unshown(now, over=known.spent and is_over(job)) for job, known in self._standings.items()}
        return tuple(draft for job, shown in lacking.items() if shown for draft in self._turn(job, shown))

    def statements(self, job: str) -> tuple[str, ...]:
        """The officers' signed grants of a request; none if the rule is automatic."""
        return self._standings[job].grants

    def minimum_group(self, job: str) -> int:
        """The least group that officers granted a script for; 0 if they asked for no more than the plan does."""
        return self._standings[job].minimum_group

    def plan(self, job: str) -> AnyPlan | None:
        """The plan of a request that was laid before us; None if there is none that we can read."""
        if job not in self._plans and job in self._slips:
            with contextlib.suppress(ValueError):
                self._plans[job] = read_plan(self._slips[job].plan)
        return self._plans.get(job)

    def slips(self) -> list[tuple[Slip, Standing]]:
        """Every request that ever lay on this desk, oldest first, with how it stands now."""
        now, known = self._clock(), self._standings
        return [(slip, known[job].at(now)) for job, slip in self._slips.items() if job in known]

    # -- the shelf ----------------------------------------------------------------------------------------------------

    def _turn(self, job: str, shown: Shown, reason: str = "") -> tuple[Draft, ...]:
        """Have the shelf show what was decided; if it cannot, the word counts all the same, and no run begins."""
        if not self._shelf.software:
            return ()
        try:
            lying = self._shelf.turn(job, shown, reason)
        except (HomeError, RefusedError) as error:
            logger.warning("the shelf does not show request %s as %s: %s", job, shown, error.code)
            return ()
        self._standings[job] = replace(self._standings[job], shown=lying.standing)
        return self._shown(job, lying)

    def _shown(self, job: str, lying: Lying) -> tuple[Draft, ...]:
        if not self._shelf.software:
            return ()
        data: dict[str, int | str] = {"plan": self._standings[job].plan, "state": lying.standing, "files": lying.files}
        return (Draft(type="shelf", actor=Actor(name=self._name, role="node"), job=job, attempt=1, data=data),)

    # -- state --------------------------------------------------------------------------------------------------------

    def _replay(self, event: Event) -> None:
        """Bring the state up to an event of our own journal."""
        plan, requester, text = (str(event.data.get(key, "")) for key in ("plan", "requester", "statement"))
        known = self._standings.get(event.job, Standing(plan, requester))
        match event.type:
            case "request.receive":
                self._standings[event.job] = known
            case "approval.grant" | "approval.deny" | "approval.revoke" if text:
                said, _ = read_statement(text, self._roster, department=self._name)
                if isinstance(said, Grant | Deny | Revoke):
                    self._standings[event.job] = known.after(said, text, needed=self._roster.grants)
            case "approval.grant":
                self._standings[event.job] = replace(known, state="granted")
            case "shelf":
                shown: Shown = event.data["state"]  # type: ignore[assignment]  # as `_shown` wrote it
                files = str(event.data["files"]) if shown == "pending" else known.files
                self._standings[event.job] = replace(known, files=files, shown=shown)
            case "job.join":
                self._standings[event.job] = replace(known, spent=True)

    def _said(self, kind: str, job: str) -> list[Event]:
        own = {self._name: self._roster.signers[self._name]}
        events = [read_event(entry, own) for entry in self._journal.of_types(kind)]
        return [event for event in events if event.job == job]

    def _keep(self, name: str, content: bytes) -> None:
        try:
            write_secret(self._folder / name, content)
        except OSError as exc:
            raise HomeError("home.disk_full" if exc.errno == 28 else "home.storage", file="desk") from exc


def _digest(salt: bytes, cells: Cells) -> str:
    return commitment(salt, msgspec.msgpack.encode(sorted(cells.items())))
