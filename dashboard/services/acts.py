"""What was said and done about a request, as the log tells it: the lines of its life."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from federation.audit.events import Event

# What makes up the life of a request.
ACTS = frozenset(
    {"request.submit", "request.receive", "shelf", "approval.grant", "approval.deny", "approval.revoke", "job.start",
     "job.join", "script", "open", "job.end", "result.read"}
)  # fmt: skip


class Act(NamedTuple):
    """Something that was said or done about a request.

    Attributes:
        entry: its index in the log.
        party: whose chain it stands in.
        actor: who did it: the officer, for an officer's word.
        role: the actor's; "automatic" if nobody was asked.
        outcome: of a job that ended; how a script's run ended; how the shelf shows a request.
        conditions: of a grant, the officer's own words.
        expires: of a grant, UTC; "" of every other act.
        files: of the shelf: SHA-256 over everything that lies there, hex.
        milliseconds: that a script ran.
    """

    entry: int
    time: str
    kind: str
    party: str
    actor: str
    role: str
    outcome: str
    conditions: str = ""
    expires: str = ""
    files: str = ""
    milliseconds: int = 0


def act_of(index: int, event: Event) -> Act:
    """Read an event that is part of the life of a request."""
    data = event.data
    act = Act(index, event.time, event.type, event.node, event.actor.name, event.actor.role, "")
    match event.type:
        case "job.end":
            return act._replace(outcome=str(data.get("outcome", "")))
        case "shelf":
            return act._replace(outcome=str(data.get("state", "")), files=str(data.get("files", "")))
        case "script":
            return act._replace(outcome=str(data.get("status", "")), milliseconds=int(data.get("milliseconds", 0)))
        case "approval.grant":
            granted = _granted(str(data.get("statement", "")))
            return act._replace(conditions=granted.conditions, expires=granted.expires)
        case _:
            return act


class _Statement(msgspec.Struct):
    payload: bytes


class _Granted(msgspec.Struct):
    """What of a grant is for people to read."""

    expires: str = ""
    conditions: str = ""


def _granted(statement: str) -> _Granted:
    """Read a grant, unverified like everything here; the verifier is who checks signatures."""
    try:
        return msgspec.json.decode(msgspec.json.decode(statement, type=_Statement).payload, type=_Granted)
    except msgspec.MsgspecError:
        return _Granted()
