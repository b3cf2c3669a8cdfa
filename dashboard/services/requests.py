"""Requests for approval: what the log tells of each, what the desks show of it, and how much of that a visitor may see.

Whoever looks sees hashes, counts and states. What is asked for, why, and by what code is shown to the officers of the
departments that take part, to auditors, and to whoever asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dashboard.services.acts import Act
from dashboard.services.desks import Desk, Lying
from dashboard.services.jobs import JobState, Summed
from dashboard.services.rights import Right, Visitor, may
from federation.plan import Plan, ScriptPlan
from federation.settings import ALL_KINDS, JobKind

# What the log's last act of a department makes of a request there.
STANDS = {
    "request.receive": "pending",
    "approval.grant": "granted",
    "approval.deny": "denied",
    "approval.revoke": "revoked",
    "job.join": "used",
}
NOES = frozenset({"approval.deny", "approval.revoke"})

# How PySyft must show what stands so with the officers; of what has expired it need not know.
SHOWN: Mapping[str, frozenset[str]] = {
    "pending": frozenset({"pending"}),
    "granted": frozenset({"approved"}),
    "used": frozenset({"approved", "done"}),
    "denied": frozenset({"rejected"}),
    "revoked": frozenset({"rejected", "done"}),  # what is done stays done there
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A request as the log tells it.

    Attributes:
        plan: hash; "" if the log does not have the submission.
        rounds: the sums of a training so far.
    """

    job: str
    kind: JobKind
    time: str
    plan: str
    requester: str
    state: JobState
    outcome: str
    acts: Sequence[Act]
    rounds: Sequence[Summed] = ()


class Shelved(NamedTuple):
    """A request as a department's PySyft folder showed it last, by the department's own event.

    Attributes:
        standing: pending, approved, rejected or done.
        files: SHA-256 over everything that lay there, hex.
        agrees: whether that is what the officers have said; None if their last word has not been read back yet.
    """

    standing: str
    files: str
    agrees: bool | None


class Outline(NamedTuple):
    """What everybody may know of a plan: hashes and counts.

    Attributes:
        code: hash of a script's files; "" of other plans.
    """

    participants: int
    columns: int
    minimum_group: int
    files: int = 0
    code: str = ""
    capacity_bits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as an officer's page shows it.

    Attributes:
        hash: of the plan.
        plan: what is asked; None if no desk that was asked has it, or if this visitor may not see it.
        outline: counts and hashes of it; None if no desk has it.
        states: by department, in the departments' order; as the desk says, else as the log says.
        received: when the first desk got it, UTC; "" if none has it.
        snapshots: salted digest of what each department would add, by department.
        differing: departments whose desk shows another plan under this name.
        automatic: departments that agreed without asking anybody.
        granted_by: officers whose yes stands, by department.
        shelves: by department that keeps one.
    """

    told: Told
    hash: str
    requester: str
    plan: Plan | None
    outline: Outline | None
    states: Mapping[str, str]
    received: str
    snapshots: Mapping[str, str]
    differing: tuple[str, ...]
    automatic: tuple[str, ...]
    granted_by: Mapping[str, tuple[str, ...]]
    shelves: Mapping[str, Shelved]

    @property
    def job(self) -> str:
        """Its name."""
        return self.told.job

    @property
    def kind(self) -> JobKind:
        """What kind of job it is."""
        return self.told.kind

    @property
    def time(self) -> str:
        """When the log first heard of it, UTC."""
        return self.told.time

    @property
    def waits(self) -> bool:
        """Whether an officer is still to say something on it."""
        return "pending" in self.states.values() and not self.stopped

    @property
    def stopped(self) -> bool:
        """Whether some department's officer has said no."""
        return bool({"denied", "revoked"} & {*self.states.values()})

    def waits_for(self, visitor: Visitor) -> bool:
        """Whether this officer is one who is still to say something on it."""
        place = visitor.department
        mine = visitor.role == "officer" and self.states.get(place) == "pending"
        return mine and self.waits and visitor.account not in self.granted_by.get(place, ())


def requests(
    told: Iterable[Told], desk: Desk, departments: Sequence[str], *, visitor: Visitor, grants: int = 1
) -> tuple[Request, ...]:
    """Join what the log tells with what lies on the desks; newest first.

    Args:
        visitor: who looks.
        grants: how many officers of a department must say yes before it counts.
    """
    by_log = {one.job: one for one in told}
    unlogged = (_unlogged(lying) for job, lying in desk.requests.items() if job not in by_log)
    everything = [*by_log.values(), *unlogged]
    joined = (_join(one, desk.requests.get(one.job), departments, visitor, grants) for one in everything)
    return tuple(sorted(joined, key=lambda one: one.time, reverse=True))


def _unlogged(lying: Lying) -> Told:
    return Told(
        job=lying.job,
        kind=next(kind for kind in ALL_KINDS if kind == lying.plan.kind),
        time=min(lying.received.values()),
        plan=lying.plan.hash,
        requester=lying.plan.requester,
        state="waiting",
        outcome="",
        acts=(),
    )


def _join(told: Told, lying: Lying | None, departments: Sequence[str], visitor: Visitor, grants: int) -> Request:
    stands, said = _by_log(told.acts, departments, grants)
    shelves = {name: _shelved(told.acts, name, stands.get(name, "")) for name in departments}
    if lying is not None:
        stands, said = {**stands, **lying.states}, {**said, **lying.granted_by}
        # Another plan under this name than the log's: an officer must not take the one for the other.
        if told.plan and lying.plan.hash != told.plan:
            lying = None
    automatic = {act.party for act in told.acts if act.role == "automatic" and act.kind in STANDS}
    requester = told.requester or (lying.plan.requester if lying else "")
    concerned = {*stands, *(lying.plan.participants if lying else ())}
    allowed = may(visitor, Right.REQUESTS, departments=concerned, requester=requester)
    return Request(
        told=told,
        hash=told.plan or (lying.plan.hash if lying else ""),
        requester=requester,
        plan=lying.plan if lying and allowed else None,
        outline=_outline(lying.plan) if lying else None,
        states={name: stands[name] for name in departments if name in stands},
        received=min(lying.received.values()) if lying else "",
        snapshots=lying.snapshots if lying else {},
        differing=lying.differing if lying else (),
        automatic=tuple(name for name in departments if name in automatic),
        granted_by={name: names for name, names in said.items() if names},
        shelves={name: shelved for name, shelved in shelves.items() if shelved is not None},
    )


def _outline(plan: Plan) -> Outline:
    common = Outline(len(plan.participants), len(plan.columns), plan.minimum_group)
    if not isinstance(plan, ScriptPlan):
        return common
    return common._replace(files=len(plan.files), code=plan.code, capacity_bits=plan.capacity_bits)


def _by_log(
    acts: Sequence[Act], departments: Sequence[str], grants: int
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """How a request stands with every department, and whose yes it has there."""
    stands: dict[str, str] = {}
    said: dict[str, tuple[str, ...]] = {}
    for act in acts:
        party, state = act.party, stands.get(act.party)
        if act.kind not in STANDS or party not in departments:
            continue
        if act.kind == "job.join" and state in ("denied", "revoked"):
            continue  # a grant that was taken back stays taken back, whatever step was under way
        stands[party] = STANDS[act.kind]
        if act.kind in NOES:
            said[party] = ()
        elif act.kind == "approval.grant" and act.role != "automatic":
            said[party] = tuple(dict.fromkeys((*said.get(party, ()), act.actor)))
            stands[party] = "granted" if len(said[party]) >= grants else "pending"
    return stands, said


def _shelved(acts: Sequence[Act], department: str, state: str) -> Shelved | None:
    """The last look at a department's shelf, held against what its officers have said."""
    own = [act for act in acts if act.party == department and act.kind in (*STANDS, "shelf")]
    last = next((act for act in reversed(own) if act.kind == "shelf"), None)
    if last is None:
        return None
    if state not in SHOWN or last.outcome in SHOWN[state]:
        return Shelved(last.outcome, last.files, True)
    return Shelved(last.outcome, last.files, False if own[-1] is last else None)
