"""How a job of any kind begins: nothing does before everybody has seen everybody's approval, in a sealed record.

`propose` and `begin_all` are the coordinator's part; `consider` and `begin` the data owner's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from federation.adapters import Cells
from federation.aggregation.office import (
    Act,
    Job,
    Office,
    Programme,
    Progress,
    Seal,
    check_record,
    of_job,
    read_payload,
)
from federation.errors import RefusedError
from federation.governance.policy import check_plan
from federation.governance.statements import Grant, moment, read_statement
from federation.messages import Agreement, Begin, Begun, Envelope, Pending, Propose, Request
from federation.plan import AnyPlan, read_plan
from federation.wire import Wire

Preview = Callable[[AnyPlan], Callable[[], Cells] | None]
"""Of a plan, what computes the numbers that this department would add; None if it adds none that are known before."""

# -- coordinator ------------------------------------------------------------------------------------------------------


def propose(wire: Wire, plan: AnyPlan, request: bytes, agreed: Mapping[str, bytes]) -> dict[str, bytes]:
    """Lay a request before everybody who would take part and has not agreed yet.

    Args:
        agreed: agreements from earlier, by department.

    Returns:
        The signed agreements so far; of who is missing, it lies on the officer's desk.

    Raises:
        RefusedError, RequestError: somebody said no.
        NodeError: a party is gone, late or answers wrongly.
    """
    if not plan.participants:  # all of nobody would agree, and no department would ever have looked at it
        raise RefusedError("refused.loosened")
    # Owners: each checks the plan against its own policy, and agrees, refuses, or asks its officer.
    answers = wire.ask({name: Propose(request=request) for name in plan.participants if name not in agreed})
    return {**agreed, **{n: said.envelope for n, said in answers.items() if isinstance(said.payload, Agreement)}}


def begin_all(wire: Wire, plan: AnyPlan, agreements: Mapping[str, bytes], seal: Seal, progress: Progress) -> None:
    """Have everybody verify everybody's approval, and that a quorum has it on record.

    Raises:
        RefusedError, NodeError: somebody does not begin.
    """
    progress("begin")
    word = Begin(agreements=tuple(agreements[name] for name in plan.participants), checkpoint=seal(plan.participants))
    wire.ask({name: word for name in plan.participants})


# -- data owner -------------------------------------------------------------------------------------------------------


def consider(office: Office, request: Envelope, ask: Propose, preview: Preview) -> Act:
    """Owner: check the analyst's signature, the plan and the policy; agree if approved, else lay it on the desk.

    Args:
        preview: tells what computes the numbers this department would add, for an officer who approves just these.

    Raises:
        RequestError, RefusedError, NodeError: no.
    """
    asked = office.roster.open(ask.request)
    payload = read_payload(asked)
    if not isinstance(payload, Request):
        raise RefusedError("refused.requester")
    try:
        plan = read_plan(payload.plan)
    except ValueError as exc:
        raise RefusedError("refused.plan") from exc
    ours, theirs = request.header, asked.header
    if theirs.sender != plan.requester or {theirs.plan, ours.plan} != {plan.hash}:
        raise RefusedError("refused.requester")
    if (theirs.job, theirs.attempt) != (ours.job, ours.attempt):
        raise RefusedError("refused.requester")
    check_plan(plan, office.catalogue, office.roster)
    if office.name not in plan.participants:
        raise RefusedError("refused.order")
    drafts = office.approvals.lodge(ours.job, plan, ask.request, preview(plan))
    state = office.approvals.state(ours.job)
    if state == "pending":
        return Act(Pending(), drafts)
    if state == "used":
        raise RefusedError("refused.replayed")
    office.approvals.check(ours.job, plan.hash)
    return Act(Agreement(statements=office.approvals.statements(ours.job)), drafts)


def begin(office: Office, request: Envelope, ask: Begin, programme: Callable[[AnyPlan], Programme]) -> tuple[Job, Act]:
    """Owner: see for itself that everybody agreed to exactly this, in a sealed record; spend the one run.

    Raises:
        RefusedError: an approval is missing, of another plan, expired or revoked; or the record is not sealed.
        NodeError: an envelope is not what it should be.
    """
    header = request.header
    plan = office.approvals.plan(header.job)
    if plan is None or plan.hash != header.plan:
        raise RefusedError("refused.not_approved", party=office.name)
    check_plan(plan, office.catalogue, office.roster)  # once more: a restart may have brought stricter rules
    job = Job(job=header.job, attempt=header.attempt, plan=plan, programme=programme(plan))
    agreed: set[str] = set()
    for data in ask.agreements:
        envelope = of_job(office, job, data)
        payload, sender = read_payload(envelope), envelope.header.sender
        if not isinstance(payload, Agreement) or sender in agreed:
            raise RefusedError("refused.not_approved", party=sender)
        _check_approval(office, job, sender, payload.statements)
        agreed.add(sender)
    missing = sorted(set(plan.participants) ^ agreed)
    if missing:
        raise RefusedError("refused.not_approved", party=missing[0])
    check_record(office, job, ask.checkpoint, plan.participants)
    return job, Act(Begun(), (office.approvals.begin(job.job, plan.hash),))


def _check_approval(office: Office, job: Job, department: str, statements: Sequence[str]) -> None:
    """As many of another department's officers as the roster asks for granted this very job; no grant has expired."""
    if office.catalogue.approvals == "automatic":
        return
    officers: set[str] = set()
    for statement in statements:
        grant, officer = read_statement(statement, office.roster, department=department)
        if not isinstance(grant, Grant) or (grant.request, grant.plan, grant.requester) != (
            job.job,
            job.plan.hash,
            job.plan.requester,
        ):
            raise RefusedError("refused.not_approved", party=department)
        if moment(grant.expires) <= office.clock():
            raise RefusedError("refused.expired", party=department, request=job.job)
        officers.add(officer.name)
    if not len(statements) == len(officers) == office.roster.grants:
        raise RefusedError("refused.not_approved", party=department)
