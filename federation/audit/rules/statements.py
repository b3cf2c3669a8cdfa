"""(6) Every grant, denial, revocation and act on members carries a statement of an officer of that very department."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from federation.audit.rules.findings import Written, wrong
from federation.errors import RefusedError
from federation.governance.roster import Roster
from federation.governance.statements import (
    AnyStatement,
    Deny,
    Grant,
    Resume,
    Revoke,
    SignChange,
    SignRoster,
    Statement,
    Suspend,
    read_statement,
)

KINDS: dict[str, type[Statement]] = {
    "approval.grant": Grant,
    "approval.deny": Deny,
    "approval.revoke": Revoke,
    "member.sign": SignRoster,
    "member.suspend": Suspend,
    "member.resume": Resume,
    "member.change": SignChange,
}


@dataclass(slots=True)
class Said:
    """What officers have said, every signature checked.

    Attributes:
        grants: by department and its event's number in its chain.
        statements: how many there are in all, each with two signatures.
        automatic: grants that a rule gave and no person.
        counts: how many acts of each type.
    """

    grants: dict[tuple[str, int], Grant] = field(default_factory=dict)
    statements: int = 0
    automatic: int = 0
    counts: dict[str, int] = field(default_factory=dict)


def read_statements(events: Iterable[Written], roster: Roster) -> Said:
    """Verify every statement, and that its event says what it says.

    Raises:
        RecordError: one is missing, false, used before, or says something else.
    """
    said, used = Said(), dict[str, str]()
    for written in events:
        event = written.event
        kind = KINDS.get(event.type)
        if kind is None:
            continue
        said.counts[event.type] = said.counts.get(event.type, 0) + 1
        if event.type == "approval.grant" and event.actor.role == "automatic" and "statement" not in event.data:
            if event.actor.name != event.node:
                raise wrong(written.where, f"{event.actor.name} may not decide for {event.node}")
            said.automatic += 1
            continue
        statement = _read(written, kind, roster)
        if statement.nonce in used:
            raise wrong(written.where, f"its statement was used before: {used[statement.nonce]}")
        used[statement.nonce] = written.where
        said.statements += 1
        if isinstance(statement, Grant):
            said.grants[event.node, event.seq] = statement
    return said


def _read(written: Written, kind: type[Statement], roster: Roster) -> AnyStatement:
    event, text = written.event, written.event.data.get("statement")
    if not isinstance(text, str):
        raise wrong(written.where, "it carries no officer's statement")
    try:
        statement, officer = read_statement(text, roster, department=event.node)
    except RefusedError as exc:
        foreign = exc.code == "refused.officer"
        reason = f"no officer of {event.node} in the right role" if foreign else f"no officer of {event.node}"
        raise wrong(written.where, f"its statement is by {reason}, or was altered, or is of another roster") from exc
    told: dict[str, object] = {"officer": event.actor.name, "role": event.actor.role}
    meant: dict[str, object] = {"officer": officer.name, "role": officer.role}
    if isinstance(statement, Grant | Deny | Revoke):
        told |= {"request": event.job, "plan": event.data.get("plan")}
        meant |= {"request": statement.request, "plan": statement.plan}
    if isinstance(statement, Grant):
        told["requester"], meant["requester"] = event.data.get("requester"), statement.requester
    if isinstance(statement, Suspend | Resume):
        told["party"], meant["party"] = event.data.get("party"), statement.party
    if isinstance(statement, SignChange):
        told["change"], meant["change"] = event.data.get("change"), statement.change
    different = [name for name in meant if told[name] != meant[name]]
    if type(statement) is not kind or different:
        what = different[0] if different else "kind"
        raise wrong(written.where, f"its statement says something else than the event: {what}")
    return statement
