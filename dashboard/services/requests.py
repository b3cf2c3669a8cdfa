"""Requests for approval: what the log tells of each, and what the departments' desks show of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dashboard.services.desks import Desk, Lying
from dashboard.services.jobs import Act, JobState, Summed
from federation.plan import Plan

# What the log's last act of a department makes of a request there.
STANDS = {
    "request.receive": "pending",
    "approval.grant": "granted",
    "approval.deny": "denied",
    "approval.revoke": "revoked",
    "job.join": "used",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A request as the log tells it.

    Attributes:
        plan: hash; "" if the log does not have the submission.
        rounds: the sums of a training so far.
    """

    job: str
    time: str
    plan: str
    requester: str
    state: JobState
    outcome: str
    acts: Sequence[Act]
    rounds: Sequence[Summed] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as an officer's page shows it.

    Attributes:
        hash: of the plan.
        plan: what is asked; None if no desk that was asked has it.
        states: by department, in the departments' order; as the desk says, else as the log says.
        lying: as the desks show it; None if none does.
        automatic: departments that agreed without asking anybody.
    """

    told: Told
    hash: str
    requester: str
    plan: Plan | None
    states: Mapping[str, str]
    lying: Lying | None
    automatic: tuple[str, ...]

    @property
    def job(self) -> str:
        """Its name."""
        return self.told.job

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


def requests(told: Iterable[Told], desk: Desk, departments: Sequence[str]) -> tuple[Request, ...]:
    """Join what the log tells with what lies on the desks; newest first."""
    by_log = {one.job: one for one in told}
    unlogged = (
        Told(
            job=lying.job,
            time=min(lying.received.values()),
            plan=lying.plan.hash,
            requester=lying.plan.requester,
            state="waiting",
            outcome="",
            acts=(),
        )
        for job, lying in desk.requests.items()
        if job not in by_log
    )
    everything = [*by_log.values(), *unlogged]
    joined = (_join(one, desk.requests.get(one.job), departments) for one in everything)
    return tuple(sorted(joined, key=lambda one: one.time, reverse=True))


def _join(told: Told, lying: Lying | None, departments: Sequence[str]) -> Request:
    stands: dict[str, str] = {}
    automatic = []
    for act in told.acts:
        if act.kind in STANDS and act.party in departments:
            # A grant that was taken back stays taken back, whatever step was under way.
            if not (act.kind == "job.join" and stands.get(act.party) in ("denied", "revoked")):
                stands[act.party] = STANDS[act.kind]
            if act.role == "automatic":
                automatic.append(act.party)
    if lying is not None:
        stands |= lying.states
        # Another plan under this name than the log's: an officer must not take the one for the other.
        if told.plan and lying.plan.hash != told.plan:
            lying = None
    return Request(
        told=told,
        hash=told.plan or (lying.plan.hash if lying else ""),
        requester=told.requester or (lying.plan.requester if lying else ""),
        plan=lying.plan if lying else None,
        states={name: stands[name] for name in departments if name in stands},
        lying=lying,
        automatic=tuple(automatic),
    )
