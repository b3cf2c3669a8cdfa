"""Only a party of our own roster is heard, under this roster, epoch and log."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import KeySizeError
from crypto.sealing import BoxKey
from crypto.signing import SigningKey
from federation.errors import NodeError
from federation.governance.identity import Identity
from federation.governance.roster import Party, Roster
from federation.messages import Agreement, Commit, Envelope, Failure, Header, Propose, decode, encode
from tests.support.memory import small_key

replace = msgspec.structs.replace
IDENTITIES = {
    name: Identity(name=name, signing=SigningKey.generate(), box=BoxKey.generate())
    for name in ("coordinator", "gaoping", "stranger")
}
ROSTER = Roster(
    origin="keyong.test/roster",
    epoch=3,
    parties=tuple(
        Party(name=name, role=role, signing=IDENTITIES[name].signing.public, box=IDENTITIES[name].box.public)
        for name, role in (("coordinator", "coordinator"), ("gaoping", "department"))
    ),
    holders=("gaoping",),
    threshold=2,
    public_key=small_key().public.to_bytes(),
)
HEADER = Header(
    origin=ROSTER.origin,
    job="q-1",
    attempt=1,
    plan="p",
    roster=ROSTER.hash,
    epoch=3,
    sender="gaoping",
    recipient="coordinator",
    number="n",
    reply_to="m",
)
SIGNED = IDENTITIES["gaoping"].sign(HEADER, Agreement())


def code(data: bytes) -> str:
    with pytest.raises(NodeError) as refused:
        ROSTER.open(data)
    return refused.value.code


def test_signed_envelope_opens_to_what_was_signed():
    envelope = ROSTER.open(SIGNED)
    assert envelope.header == HEADER
    assert decode(envelope.payload) == Agreement()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"origin": "keyong.test/other"}, "node.other_roster"),
        ({"roster": "0" * 64}, "node.other_roster"),
        ({"roster": ""}, "node.other_roster"),
        ({"epoch": 2}, "node.other_roster"),
        ({"epoch": 4}, "node.other_roster"),
        ({"sender": "nobody"}, "node.foreign"),
        ({"sender": "coordinator"}, "node.foreign"),
        ({"sender": ""}, "node.foreign"),
    ],
)
def test_envelope_signed_for_elsewhere_is_refused(change, expected):
    assert code(IDENTITIES["gaoping"].sign(replace(HEADER, **change), Agreement())) == expected


def test_envelope_signed_by_a_stranger_in_a_partys_name_is_refused():
    assert code(IDENTITIES["stranger"].sign(HEADER, Agreement())) == "node.foreign"


def test_signature_moved_to_another_payload_is_refused():
    envelope = Envelope.from_bytes(SIGNED)
    assert code(replace(envelope, payload=encode(Agreement(statements=("x",)))).to_bytes()) == "node.foreign"


@pytest.mark.parametrize("field", ["job", "plan", "recipient", "number", "reply_to"])
def test_signature_moved_to_another_header_is_refused(field):
    envelope = Envelope.from_bytes(SIGNED)
    assert code(replace(envelope, header=replace(HEADER, **{field: "x"})).to_bytes()) == "node.foreign"


def test_signature_of_the_bare_payload_is_refused():
    signature = IDENTITIES["gaoping"].signing.sign(encode(Agreement()))
    assert code(replace(Envelope.from_bytes(SIGNED), signature=signature).to_bytes()) == "node.foreign"


@given(length=st.integers(0, len(SIGNED) - 1))
def test_truncated_envelope_is_refused(length):
    assert code(SIGNED[:length]) == "node.garbage"


@given(more=st.binary(min_size=1, max_size=8))
def test_envelope_with_bytes_behind_it_is_refused(more):
    assert code(SIGNED + more) == "node.garbage"


@given(place=st.integers(0, len(SIGNED) - 1), bit=st.integers(0, 7))
@settings(max_examples=400)
def test_envelope_with_a_flipped_bit_is_refused(place, bit):
    flipped = bytearray(SIGNED)
    flipped[place] ^= 1 << bit
    assert code(bytes(flipped)) in ("node.garbage", "node.foreign", "node.other_roster")


@given(st.binary(max_size=200))
def test_garbage_is_refused(data):
    assert code(data) == "node.garbage"


# --- payloads ---


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xc1", id="no MessagePack"),
        pytest.param(msgspec.msgpack.encode({"kind": "unknown"}), id="unknown tag"),
        pytest.param(msgspec.msgpack.encode({"kind": "failure", "code": "x", "more": 1}), id="unknown field"),
        pytest.param(msgspec.msgpack.encode({"kind": "failure"}), id="missing field"),
        pytest.param(msgspec.msgpack.encode({"kind": "failure", "code": 5}), id="wrong type"),
        pytest.param(msgspec.msgpack.encode({"code": "x", "kind": "failure"}), id="another order"),
        pytest.param(msgspec.msgpack.encode({"kind": "commit", "round": "rows", "decision": None}), id="unknown round"),
        pytest.param(encode(Failure(code="x")) + b"\x00", id="a byte long"),
        pytest.param(encode(Failure(code="x"))[:-1], id="a byte short"),
    ],
)
def test_bytes_that_are_no_canonical_payload_are_refused(data):
    with pytest.raises(ValueError):
        decode(data)


@pytest.mark.parametrize("payload", [Propose(request=b"x"), Commit(round="sums", given=b"d"), Failure(code="x")])
def test_payload_reads_back_as_it_was_written(payload):
    assert decode(encode(payload)) == payload


# --- the roster itself ---


def test_roster_reads_back_from_its_bytes_with_the_same_hash():
    again = Roster.from_bytes(ROSTER.to_bytes())
    assert again == ROSTER
    assert again.hash == ROSTER.hash


@pytest.mark.parametrize(
    "mangle",
    [
        pytest.param(lambda data: data + b" ", id="not canonical"),
        pytest.param(lambda data: data.replace(b'"version":2', b'"version":1'), id="another version"),
        pytest.param(lambda data: data[:-1] + b',"more":1}', id="unknown field"),
        pytest.param(lambda data: data.replace(b'"department"', b'"master"'), id="unknown role"),
        pytest.param(lambda data: b"[]", id="no roster"),
    ],
)
def test_bytes_that_are_no_roster_are_refused(mangle):
    with pytest.raises(ValueError):
        Roster.from_bytes(mangle(ROSTER.to_bytes()))


def test_roster_names_parties_by_role():
    assert ROSTER.names("department") == ("gaoping",)
    assert ROSTER.party("stranger") is None


def test_joint_key_of_512_bits_is_refused_unless_asked_for():
    assert ROSTER.paillier(minimum_bits=512) == small_key().public
    with pytest.raises(KeySizeError):
        ROSTER.paillier(minimum_bits=2048)
