"""What an officer signs counts for one department, one roster, one log; both signatures must hold."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.dsse import sign_hybrid_envelope
from crypto.sealing import BoxKey
from crypto.signing import HybridKey, SigningKey
from federation.errors import RefusedError
from federation.governance.roster import Officer, Party, Roster
from federation.governance.statements import (
    STATEMENT_TYPE,
    AnyStatement,
    Deny,
    Grant,
    Resume,
    Revoke,
    SignRoster,
    Suspend,
    moment,
    read_statement,
    sign_statement,
)
from tests.support.memory import small_key

replace = msgspec.structs.replace
KEYS = {name: HybridKey.generate() for name in ("officer@tax", "officer@health", "operator@tax", "auditor@tax")}
ROSTER = Roster(
    origin="keyong.test/statements",
    epoch=1,
    parties=tuple(
        Party(name=name, role=role, signing=SigningKey.generate().public, box=BoxKey.generate().public)
        for name, role in (("coordinator", "coordinator"), ("tax", "department"), ("health", "department"))
    ),
    officers=tuple(
        Officer(
            name=name,
            role=name.partition("@")[0],
            person=name,
            signing=key.public.ed25519,
            signing_mldsa=key.public.mldsa44,
        )
        for name, key in KEYS.items()
    ),
    holders=("tax", "health"),
    threshold=2,
    public_key=small_key().public.to_bytes(),
)
COMMON = {
    "log": ROSTER.origin,
    "roster": ROSTER.hash,
    "officer": "officer@tax",
    "department": "tax",
    "nonce": "0" * 32,
    "time": "2026-03-01T08:00:00.000Z",
}
GRANT = Grant(
    **COMMON, request="q-1", plan="a" * 64, requester="analyst@city", purpose="", expires="2026-03-02T08:00:00.000Z"
)
STATEMENTS: dict[str, AnyStatement] = {
    "grant": GRANT,
    "deny": Deny(**COMMON, request="q-1", plan="a" * 64),
    "revoke": Revoke(**COMMON, request="q-1", plan="a" * 64),
    "sign-roster": SignRoster(**COMMON),
    "suspend": Suspend(**COMMON, party="health"),
    "resume": Resume(**COMMON, party="health"),
}


def read(text: str, department: str = "tax") -> AnyStatement:
    return read_statement(text, ROSTER, department=department)[0]


def code(text: str, department: str = "tax") -> str:
    with pytest.raises(RefusedError) as refused:
        read(text, department)
    return refused.value.code


def signed(statement: AnyStatement, officer: str = "") -> str:
    return sign_statement(statement, KEYS[officer or statement.officer])


@pytest.mark.parametrize("kind", STATEMENTS)
def test_statement_reads_back_as_it_was_signed_with_who_said_it(kind):
    said, officer = read_statement(signed(STATEMENTS[kind]), ROSTER, department="tax")
    assert said == STATEMENTS[kind]
    assert (officer.name, officer.role) == ("officer@tax", "officer")


@pytest.mark.parametrize("kind", STATEMENTS)
def test_payload_is_canonical_json_under_its_kind(kind):
    payload = base64.b64decode(json.loads(signed(STATEMENTS[kind]))["payload"])
    fields = json.loads(payload)
    assert fields["kind"] == kind
    assert payload == json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


# --- both signatures ---


def changed(change: Callable[[dict], object]) -> str:
    envelope = json.loads(signed(GRANT))
    change(envelope)
    return json.dumps(envelope, sort_keys=True, separators=(",", ":"))


def flip(envelope: dict, index: int) -> None:
    raw = bytearray(base64.b64decode(envelope["signatures"][index]["sig"]))
    raw[10] ^= 1
    envelope["signatures"][index]["sig"] = base64.b64encode(raw).decode()


OTHER = json.loads(signed(replace(GRANT, nonce="1" * 32)))["signatures"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda e: e["signatures"].pop(), id="ML-DSA stripped"),
        pytest.param(lambda e: e["signatures"].pop(0), id="Ed25519 stripped"),
        pytest.param(lambda e: e["signatures"].clear(), id="both stripped"),
        pytest.param(lambda e: e["signatures"].reverse(), id="swapped"),
        pytest.param(lambda e: e["signatures"].append(e["signatures"][0]), id="a third one"),
        pytest.param(lambda e: e["signatures"].__setitem__(1, e["signatures"][0]), id="Ed25519 twice"),
        pytest.param(lambda e: flip(e, 0), id="Ed25519 wrong"),
        pytest.param(lambda e: flip(e, 1), id="ML-DSA wrong"),
        pytest.param(lambda e: e["signatures"].__setitem__(0, OTHER[0]), id="Ed25519 of another statement"),
        pytest.param(lambda e: e["signatures"].__setitem__(1, OTHER[1]), id="ML-DSA of another statement"),
        pytest.param(lambda e: e.__setitem__("payloadType", "application/vnd.keyong.event+json"), id="an event"),
        pytest.param(lambda e: e.__setitem__("more", 1), id="a field more"),
    ],
)
def test_statement_without_exactly_its_two_signatures_is_refused(change):
    assert code(changed(change)) == "refused.statement"


def test_statement_signed_by_the_right_ed25519_and_a_foreign_mldsa_key_is_refused():
    mine, foreign = json.loads(signed(GRANT)), json.loads(sign_statement(GRANT, HybridKey.generate()))
    mine["signatures"][1]["sig"] = foreign["signatures"][1]["sig"]
    assert code(json.dumps(mine, sort_keys=True, separators=(",", ":"))) == "refused.statement"


@given(place=st.integers(0, len(signed(GRANT)) - 1), bit=st.integers(0, 6))
@settings(max_examples=300, deadline=None)
def test_statement_with_a_flipped_bit_is_refused(place, bit):
    text = bytearray(signed(GRANT).encode())
    text[place % len(text)] ^= 1 << bit
    assert code(text.decode("ascii")) == "refused.statement"


# --- who may say what ---


@pytest.mark.parametrize("kind", STATEMENTS)
@pytest.mark.parametrize("role", ["operator", "auditor"])
def test_operator_and_auditor_may_confirm_the_roster_and_nothing_else(kind, role):
    text = signed(replace(STATEMENTS[kind], officer=f"{role}@tax"))
    if kind == "sign-roster":
        assert read(text).officer == f"{role}@tax"
    else:
        assert code(text) == "refused.officer"


def test_officer_of_another_department_is_refused():
    assert code(signed(replace(GRANT, officer="officer@health"))) == "refused.officer"


def test_officer_of_another_department_in_its_own_name_is_refused_here():
    theirs = signed(replace(GRANT, officer="officer@health", department="health"))
    assert read(theirs, "health").officer == "officer@health"
    assert code(theirs, "tax") == "refused.officer"


def test_somebody_who_does_not_stand_in_the_roster_is_refused():
    assert code(sign_statement(replace(GRANT, officer="officer@water"), HybridKey.generate())) == "refused.statement"


def test_statement_in_another_officers_name_is_refused():
    assert code(signed(GRANT, "officer@health")) == "refused.statement"


@pytest.mark.parametrize(
    "change", [{"log": "keyong.test/other"}, {"roster": "0" * 64}, {"department": "health"}, {"log": ""}]
)
def test_statement_made_for_elsewhere_is_refused(change):
    assert code(signed(replace(GRANT, **change))) == "refused.statement"


# --- the form ---


def packed(payload: bytes) -> str:
    return sign_hybrid_envelope(KEYS["officer@tax"], STATEMENT_TYPE, payload).decode()


FIELDS = json.loads(base64.b64decode(json.loads(signed(GRANT))["payload"]))


def canonical(**changes: object) -> bytes:
    return json.dumps({**FIELDS, **changes}, sort_keys=True, separators=(",", ":")).encode()


def test_canonical_payload_signed_by_hand_is_read():
    assert read(packed(canonical())) == GRANT


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(json.dumps(FIELDS, sort_keys=True).encode(), id="spaces"),
        pytest.param(json.dumps(dict(reversed(FIELDS.items())), separators=(",", ":")).encode(), id="another order"),
        pytest.param(canonical(more=1), id="unknown field"),
        pytest.param(canonical(kind="allow"), id="unknown kind"),
        pytest.param(canonical(v=2), id="another version"),
        pytest.param(canonical(max_runs=2), id="two runs"),
        pytest.param(canonical(request=1), id="wrong type"),
        pytest.param(canonical().replace(b'"nonce":"' + b"0" * 32 + b'",', b""), id="no nonce"),
        pytest.param(canonical()[:-1] + b',"v":1}', id="a field twice"),
        pytest.param(canonical(conditions="x").replace(b'"x"', b'"\\u0078"'), id="escaped letter"),
        pytest.param(canonical(conditions="x").replace(b'"x"', b'"\xff"'), id="no UTF-8"),
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="no object"),
    ],
)
def test_signed_bytes_that_are_no_canonical_statement_are_refused(payload):
    assert code(packed(payload)) == "refused.statement"


@pytest.mark.parametrize("field", ["time", "expires"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-03-01T08:00:00.000", id="no zone"),
        pytest.param("2026-03-01T08:00:00.000+08:00", id="another zone"),
        pytest.param("2026-03-01T08:00:00.000z", id="small z"),
        pytest.param("2026-13-01T08:00:00.000Z", id="month 13"),
        pytest.param("2026-02-29T08:00:00.000Z", id="no leap year"),
        pytest.param("2026-W10-1T08:00:00.000Z", id="week date"),
        pytest.param("20260301T080000Z", id="basic form"),
        pytest.param("2026-03-01 08:00:00.000Z", id="a space"),
        pytest.param("2026-03-01T08:00Z", id="no seconds"),
        pytest.param("2026-03-01Z", id="no time"),
        pytest.param("２026-03-01T08:00:00.000Z", id="a wide digit"),
        pytest.param("Z", id="nothing but the zone"),
        pytest.param("", id="empty"),
        pytest.param("2026-03-01T08:00:00.000Z\n", id="a line feed"),
    ],
)
def test_time_in_another_form_is_refused(field, text):
    assert code(signed(replace(GRANT, **{field: text}))) == "refused.statement"


def test_moment_is_the_utc_time_that_was_written():
    assert moment("2026-03-01T08:00:00.250Z").isoformat() == "2026-03-01T08:00:00.250000+00:00"
    assert moment("2026-03-01T08:00:00Z") == moment("2026-03-01T08:00:00.000Z")


@given(st.text(max_size=200))
def test_garbage_is_refused(text):
    assert code(text) == "refused.statement"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"x":' + "[" * 200_000 + "]" * 200_000 + "}", id="an unknown field"),
        pytest.param("[" * 200_000, id="the envelope"),
        pytest.param('{"payload":"' + base64.b64encode(b'{"kind":' + b"[" * 100_000).decode() + '"}', id="the payload"),
        pytest.param("\ud800", id="half a character"),
    ],
)
def test_text_made_to_break_the_parser_is_refused(text):
    assert code(text) == "refused.statement"
