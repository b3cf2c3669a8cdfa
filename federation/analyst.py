"""The analyst: states a purpose, signs a plan, and is the only one who can read the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from federation.audit.events import Actor
from federation.audit.journal import Clock, Draft, Journal
from federation.coordinator.control import ControlClient
from federation.errors import HomeError, RefusedError
from federation.governance.identity import Identity, write_whole
from federation.governance.policy import check_plan
from federation.governance.roster import Party, Roster, pin
from federation.messages import Envelope, Header, Request, decode
from federation.plan import Plan
from federation.queries.answers import Answer, answer
from federation.queries.sql import read_plan
from federation.queries.sums import new_nonce, read_totals
from federation.settings import Catalogue

DEFAULT = "analyst@city"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A released answer with what it cost.

    Attributes:
        seconds: from submission to the readable rows.
        bytes: of the signed and sealed result that the analyst received.
        steps: seconds that each step of the protocol took, in order.
    """

    job: str
    sql: str
    purpose: str
    answer: Answer
    seconds: float
    bytes: int
    steps: tuple[tuple[str, float], ...]


class Analyst:
    """One requesting department's desk."""

    def __init__(
        self,
        *,
        home: Path,
        name: str,
        roster: Roster,
        catalogue: Catalogue,
        control: Path,
        clock: Clock,
        minimum_key_bits: int,
    ) -> None:
        """Open the analyst's home.

        Args:
            roster: pinned at the first use; another one later is refused.
            control: the coordinator's control socket.

        Raises:
            HomeError: the roster is not the pinned one, or this analyst is not in it.
        """
        self._home, self._roster, self._catalogue = home, roster, catalogue
        self._identity = Identity.in_home(name, home)
        known = roster.party(name)
        if known is None or known.signing != self._identity.signing.public:
            raise HomeError("home.roster_differs", party=name)
        pin(roster, home)
        self._public_key = roster.paillier(minimum_bits=minimum_key_bits)
        self._journal = Journal(
            home / "journal.db", origin=roster.origin, node=name, key=self._identity.signing, clock=clock
        )
        self._client = ControlClient(control, name)

    def plan(self, sql: str, purpose: str) -> Plan:
        """Read and check a query without asking anybody.

        Raises:
            RequestError: it cannot be allowed; names the nearest thing that can.
        """
        plan = read_plan(
            sql,
            purpose=purpose,
            requester=self._identity.name,
            catalogue=self._catalogue,
            roster=self._roster,
            nonce=new_nonce(),
        )
        check_plan(plan, self._catalogue, self._roster)
        return plan

    def ask(self, plan: Plan, progress: Callable[[str], None] = lambda _: None) -> Result:
        """Submit a plan, wait, and read the result.

        Raises:
            KeyongError: refused or failed; nothing was released.
        """
        job = job_name(plan)
        request = self._identity.sign(self._header(plan, job), Request(plan=plan.to_bytes()))
        folder = self._home / "requests"
        folder.mkdir(exist_ok=True)
        write_whole(folder / job, request, mode=0o600)
        self._note("request.submit", job, {"plan": plan.hash}, plan.purpose.encode())
        return self._submit(job, plan, request, progress)

    def resume(self, job: str, progress: Callable[[str], None] = lambda _: None) -> Result:
        """Ask again for what was asked before: it may have been approved meanwhile.

        Raises:
            KeyongError: never asked; refused or failed; nothing was released.
        """
        try:
            request = (self._home / "requests" / Path(job).name).read_bytes()
            payload = decode(Envelope.from_bytes(request).payload)
        except (OSError, ValueError) as exc:
            raise RefusedError("refused.no_request", request=job, party=self._identity.name) from exc
        if not isinstance(payload, Request):
            raise RefusedError("refused.no_request", request=job, party=self._identity.name)
        return self._submit(job, Plan.from_bytes(payload.plan), request, progress)

    def _submit(self, job: str, plan: Plan, request: bytes, progress: Callable[[str], None]) -> Result:
        started = time.monotonic()
        times: list[tuple[str, float]] = []

        def step(name: str, at: float) -> None:
            times.append((name, at))
            progress(name)

        sealed = self._client.submit(request, step)
        totals = read_totals(self._identity, self._roster, self._public_key, plan, job, sealed)
        result = Result(
            job=job,
            sql=plan.sql,
            purpose=plan.purpose,
            answer=answer(plan, totals),
            seconds=round(time.monotonic() - started, 3),
            bytes=len(sealed.decision) + sum(len(share) for share in sealed.shares),
            steps=_durations(times),
        )
        self._keep(result)
        self._note("result.read", job, {"rows": len(result.answer.rows)}, msgspec.json.encode(result.answer))
        return result

    def _header(self, plan: Plan, job: str) -> Header:
        return Header(
            origin=self._roster.origin,
            job=job,
            attempt=1,
            plan=plan.hash,
            roster=self._roster.hash,
            epoch=self._roster.epoch,
            sender=self._identity.name,
            recipient="coordinator",
            number=new_nonce(),
            reply_to="",
        )

    def _note(self, kind: str, job: str, data: dict[str, int | str], body: bytes) -> None:
        """Write an event of our own and bring it, with any the log has not, to the coordinator."""
        actor = Actor(name=self._identity.name, role="analyst")
        draft = Draft(type=kind, actor=actor, job=job, attempt=1, data=data, body=body)  # type: ignore[arg-type]
        self._journal.write([draft])
        self._client.record(self._journal.entries(self._client.known()))

    def _keep(self, result: Result) -> None:
        folder = self._home / "results"
        folder.mkdir(exist_ok=True)
        write_whole(folder / f"{result.job}.json", msgspec.json.encode(result), mode=0o600)


def job_name(plan: Plan) -> str:
    """What a plan's job is called, everywhere."""
    return f"q-{plan.nonce[:12]}"


def enrol_analyst(home: Path, name: str) -> Party:
    """Make the analyst's keys if there are none; return the public side for the roster."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    identity = Identity.in_home(name, home)
    return Party(name=name, role="analyst", signing=identity.signing.public, box=identity.box.public)


def _durations(times: list[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    ends = [at for _, at in times[1:]]
    return tuple((name, round(end - at, 4)) for (name, at), end in zip(times, ends, strict=False))
