"""Events have one form, one signer, and nothing in them but integers and strings."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.dsse import sign_envelope
from crypto.errors import SignatureError
from crypto.signing import SigningKey
from federation.audit.events import EVENT_TYPE, FIRST_PREV, Actor, Event, Seen, read_event, sign_event, timestamp

KEY, STRANGER = SigningKey.generate(), SigningKey.generate()
PARTIES = {"gaoping": KEY.public, "zezhou": STRANGER.public}
EVENT = Event(
    log="keyong.test/events",
    node="gaoping",
    seq=0,
    prev=FIRST_PREV,
    time="2026-03-01T08:00:00.000Z",
    type="open",
    job="q-1",
    attempt=1,
    actor=Actor(name="gaoping", role="node"),
    seen=Seen(),
    data={"round": "counts", "reader": "泽州", "number": 2},
)
ENTRY = sign_event(EVENT, KEY)
replace = msgspec.structs.replace


def signed(payload: bytes, kind: str = EVENT_TYPE) -> bytes:
    return sign_envelope(KEY, kind, payload)


def payload(**changes: object) -> bytes:
    fields = {**msgspec.to_builtins(EVENT), **changes}
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_event_reads_back_as_it_was_signed():
    assert read_event(ENTRY, PARTIES) == EVENT


def test_canonical_bytes_are_sorted_json_without_spaces():
    assert signed(payload()) == ENTRY


def test_same_event_always_gives_the_same_entry():
    assert sign_event(EVENT, KEY) == ENTRY


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(payload(data={"x": 1.5}), id="a float"),
        pytest.param(payload(data={"x": 1.0}), id="a float that is whole"),
        pytest.param(payload(data={"x": True}), id="a boolean"),
        pytest.param(payload(data={"x": None}), id="a null"),
        pytest.param(payload(data={"x": [1]}), id="a list"),
        pytest.param(payload(more=1), id="an unknown field"),
        pytest.param(payload(type="delete"), id="an unknown type"),
        pytest.param(payload(v=2), id="another version"),
        pytest.param(payload(actor={"name": "x", "role": "root"}), id="an unknown role"),
        pytest.param(payload(actor={"name": "x", "role": "node", "age": 1}), id="more of the actor"),
        pytest.param(payload(seq="0"), id="a number as text"),
        pytest.param(payload().replace(b":", b": ", 1), id="a space"),
        pytest.param(payload().replace("泽州".encode(), b"\\u6cfd\\u5dde"), id="escaped text"),
        pytest.param(payload()[:-1] + b',"v":1}', id="a field twice"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="no object"),
    ],
)
def test_signed_payload_that_is_no_canonical_event_is_refused(broken):
    with pytest.raises(ValueError, match=r"canonical|Expected|unknown|Invalid|truncated|Object"):
        read_event(signed(broken), PARTIES)


def test_float_is_refused_before_it_is_signed():
    with pytest.raises(ValueError, match="float"):
        sign_event(replace(EVENT, data={"x": 1.5}), KEY)


def test_event_longer_than_a_log_takes_is_refused_before_it_is_signed():
    with pytest.raises(ValueError, match="65535"):
        sign_event(replace(EVENT, data={"x": "a" * 65_535}), KEY)


@given(place=st.integers(0, len(ENTRY) - 1), bit=st.integers(0, 7))
@settings(max_examples=400)
def test_entry_with_a_flipped_bit_is_refused(place, bit):
    flipped = bytearray(ENTRY)
    flipped[place] ^= 1 << bit
    with pytest.raises((SignatureError, ValueError)):
        read_event(bytes(flipped), PARTIES)


@given(st.binary(max_size=100))
def test_garbage_is_refused(data):
    with pytest.raises((SignatureError, ValueError)):
        read_event(data, PARTIES)


def test_event_of_one_party_signed_by_another_is_refused():
    with pytest.raises(SignatureError):
        read_event(sign_event(EVENT, STRANGER), PARTIES)


def test_event_of_an_unknown_party_is_refused():
    with pytest.raises(SignatureError, match="not known"):
        read_event(sign_event(replace(EVENT, node="nobody"), KEY), PARTIES)


def test_payload_signed_as_something_else_is_refused():
    with pytest.raises(SignatureError):
        read_event(signed(payload(), "application/vnd.other+json"), PARTIES)


def test_entry_in_other_than_canonical_json_is_refused():
    with pytest.raises(SignatureError, match="canonical"):
        read_event(ENTRY.replace(b",", b", ", 1), PARTIES)


def test_entry_is_a_dsse_envelope_that_others_can_read():
    envelope = json.loads(ENTRY)
    assert envelope["payloadType"] == EVENT_TYPE
    assert json.loads(base64.b64decode(envelope["payload"]))["node"] == "gaoping"


def test_times_are_utc_with_milliseconds_wherever_the_clock_is():
    beijing = timezone(timedelta(hours=8))
    assert timestamp(datetime(2026, 3, 1, 16, 0, 0, 123_999, beijing)) == "2026-03-01T08:00:00.123Z"
