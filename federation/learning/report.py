"""What the coordinator tells the analyst of a training: the model, and how each round went."""

from __future__ import annotations

import msgspec

from crypto.errors import CryptoError
from crypto.sealing import open_box, seal
from federation.aggregation.office import box_context
from federation.errors import NodeError, RefusedError
from federation.governance.identity import Identity
from federation.governance.roster import COORDINATOR, Roster
from federation.learning.metrics import Measures
from federation.learning.steps import Step
from federation.messages import Learned, decode


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A training that ended, or what there is of one that did not.

    Attributes:
        artifact: the model file.
        rows: training rows of all departments; None if the plan keeps them private, or trees did not ask.
        measures: on everybody's rows held out.
        epsilon, recomputed: spent, by the first account and by the second.
        sums: how many sums there were.
        traffic: bytes of envelopes, both ways, by phase.
    """

    artifact: bytes
    history: tuple[Step, ...] = ()
    rows: int | None = None
    measures: Measures | None = None
    epsilon: float | None = None
    recomputed: float | None = None
    sums: int = 0
    traffic: dict[str, int] = {}


def seal_report(report: Report, roster: Roster, requester: str, job: str, *, done: bool) -> Learned:
    """Seal a report to the analyst.

    Raises:
        RefusedError: there is no such analyst.
    """
    to = roster.party(requester)
    if to is None:
        raise RefusedError("refused.requester")
    body = msgspec.msgpack.encode(report)
    return Learned(done=done, box=seal(to.box, body, context=_context(job, requester, done=done)))


def open_report(identity: Identity, roster: Roster, envelope: bytes, job: str, plan: str) -> tuple[Report, bool]:
    """Read a report, which must be the coordinator's, of this job and plan; with whether the training was done.

    Raises:
        NodeError: it is not.
    """
    opened = roster.open(envelope)
    header = opened.header
    if (header.sender, header.recipient, header.job, header.plan) != (COORDINATOR, identity.name, job, plan):
        raise NodeError("node.replayed", party=header.sender)
    try:
        payload = decode(opened.payload)
        if not isinstance(payload, Learned):
            raise NodeError("node.protocol", party=header.sender)
        body = open_box(identity.box, payload.box, context=_context(job, identity.name, done=payload.done))
        return msgspec.msgpack.decode(body, type=Report), payload.done
    except (ValueError, CryptoError) as exc:
        raise NodeError("node.garbage", party=header.sender) from exc


def _context(job: str, reader: str, *, done: bool) -> bytes:
    return box_context("report", job, "done" if done else "so far", COORDINATOR, reader)
