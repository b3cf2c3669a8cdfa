"""Statements: what an officer says about a request, the roster or a party, signed twice so that it outlives Ed25519.

A DSSE envelope with an Ed25519 and an ML-DSA-44 signature over one payload; both must hold. A statement names the log
and the roster it is made under, so that it cannot be carried into another federation or past a change of keys. The
department it is made for verifies it, and so do all that take part in the job.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from crypto.dsse import open_hybrid_envelope, sign_hybrid_envelope
from crypto.errors import SignatureError
from crypto.signing import HybridKey
from federation.errors import RefusedError
from federation.governance.roster import Officer, Roster

STATEMENT_TYPE = "application/vnd.keyong.statement+json"
# One form only, which every reader of a bundle understands alike.
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z")


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of everything an officer says.

    Attributes:
        log: the log's origin.
        roster: hash of the roster whose keys count.
        officer: who says it, officer@department.
        department: for whom.
        nonce: 128 random bits, hex: no two statements are the same.
        time: the officer's clock, UTC.
    """

    v: Literal[1] = 1
    log: str
    roster: str
    officer: str
    department: str
    nonce: str
    time: str


class Grant(Statement, frozen=True, kw_only=True, tag="grant"):
    """Yes, to exactly this, once.

    Attributes:
        request: the job's name.
        plan: hash of the plan.
        requester: who may have it.
        purpose: salted commitment to the stated purpose.
        expires: UTC; nothing may begin or go on after it.
        snapshot: salted digest of the department's numbers as they stood on the desk; "" for those of the run.
        conditions: what the officer adds, for people to read.
        minimum_group: what a script may tell of groups of fewer rows than this stays; not there if nothing is asked.
    """

    request: str
    plan: str
    requester: str
    purpose: str
    max_runs: Literal[1] = 1
    expires: str
    snapshot: str = ""
    conditions: str = ""
    minimum_group: Annotated[int, msgspec.Meta(ge=1)] | msgspec.UnsetType = msgspec.UNSET


class Deny(Statement, frozen=True, tag="deny"):
    """No.

    Attributes:
        reason: salted commitment; the words stay with the department.
    """

    request: str
    plan: str
    reason: str = ""


class Revoke(Statement, frozen=True, tag="revoke"):
    """No more: counts from now on, in the middle of a job too."""

    request: str
    plan: str
    reason: str = ""


class SignRoster(Statement, frozen=True, tag="sign-roster"):
    """I have compared this roster's hash with the one I was told on another way."""


class Suspend(Statement, frozen=True, tag="suspend"):
    """A department that is gone no longer counts for the quorum; it takes part in nothing until it is resumed."""

    party: str
    reason: str = ""


class Resume(Statement, frozen=True, tag="resume"):
    """A suspended department counts again."""

    party: str
    reason: str = ""


class SignChange(Statement, frozen=True, kw_only=True, tag="change"):
    """Let this change of the roster begin a new key epoch; counts when a majority of the departments says so.

    Attributes:
        change: hash of the change.
    """

    change: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    reason: str = ""


AnyStatement = Grant | Deny | Revoke | SignRoster | Suspend | Resume | SignChange

_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(AnyStatement)

# Who may say what.
SPEAKERS: dict[type[Statement], frozenset[str]] = {
    Grant: frozenset({"officer"}),
    Deny: frozenset({"officer"}),
    Revoke: frozenset({"officer"}),
    SignRoster: frozenset({"operator", "officer", "auditor"}),
    Suspend: frozenset({"officer"}),
    Resume: frozenset({"officer"}),
    SignChange: frozenset({"officer"}),
}


class _Envelope(msgspec.Struct):
    payload: bytes


_envelope_decoder = msgspec.json.Decoder(_Envelope)


def sign_statement(statement: AnyStatement, key: HybridKey) -> str:
    """Sign a statement; returns the DSSE envelope as JSON text."""
    return sign_hybrid_envelope(key, STATEMENT_TYPE, _encoder.encode(statement)).decode()


def read_statement(text: str, roster: Roster, *, department: str) -> tuple[AnyStatement, Officer]:
    """Verify who said a statement, for this very department under this very roster, and read it.

    Raises:
        RefusedError: not an officer of the department in the right role, not both signatures, another log or roster,
            or not the canonical bytes.
    """
    data = text.encode("utf-8", "surrogatepass")
    try:
        claimed = _decoder.decode(_envelope_decoder.decode(data).payload)
        officer = roster.officer(claimed.officer)
        if officer is None:
            raise SignatureError("the officer does not stand in the roster")
        payload = open_hybrid_envelope(data, STATEMENT_TYPE, officer.public)
        if _encoder.encode(claimed) != payload:
            raise ValueError("not the canonical bytes of a statement")
        _read_time(claimed)
    except (SignatureError, ValueError, RecursionError) as exc:  # the last one: brackets without end
        raise RefusedError("refused.statement") from exc
    if officer.role not in SPEAKERS[type(claimed)] or officer.department != department:
        raise RefusedError("refused.officer", officer=claimed.officer, party=department)
    if (claimed.log, claimed.roster, claimed.department) != (roster.origin, roster.hash, department):
        raise RefusedError("refused.statement")
    return claimed, officer


def moment(text: str) -> datetime:
    """Read a time as events and statements write it.

    Raises:
        ValueError: another form.
    """
    if not TIME.fullmatch(text):
        raise ValueError("times are written in UTC with seconds and a trailing Z")
    return datetime.fromisoformat(text).astimezone(UTC)


def _read_time(statement: AnyStatement) -> None:
    moment(statement.time)
    if isinstance(statement, Grant):
        moment(statement.expires)
