import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.dsse import open_envelope, open_hybrid_envelope, pae, sign_envelope, sign_hybrid_envelope
from crypto.errors import SignatureError
from crypto.signing import HybridKey, SigningKey, key_id, verify

KEY, STRANGER = SigningKey.generate(), SigningKey.generate()
KIND = "application/vnd.keyong.test+json"
KEYS = {KEY.key_id: KEY.public}
ENVELOPE = sign_envelope(KEY, KIND, b'{"seq":1}')


def test_pae_is_that_of_the_dsse_protocol_document():
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae("http://example.com/HelloWorld", b"hello world") == expected


def test_pae_counts_bytes_and_not_characters():
    assert pae("类型", b"") == b"DSSEv1 6 \xe7\xb1\xbb\xe5\x9e\x8b 0 "


def test_an_envelope_is_sorted_json_without_spaces():
    as_json = json.dumps(json.loads(ENVELOPE), sort_keys=True, separators=(",", ":"))
    assert as_json.encode() == ENVELOPE
    assert list(json.loads(ENVELOPE)) == ["payload", "payloadType", "signatures"]


@given(payload=st.binary(max_size=500))
def test_whatever_is_enveloped_comes_out_again(payload):
    assert open_envelope(sign_envelope(KEY, KIND, payload), KIND, KEYS) == payload


def _edit(**changes: object) -> bytes:
    return json.dumps(json.loads(ENVELOPE) | changes, sort_keys=True, separators=(",", ":")).encode()


_SIGNATURE = json.loads(ENVELOPE)["signatures"][0]


@pytest.mark.parametrize(
    "envelope",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[" * 100_000, id="deeply nested"),
        pytest.param(b'{"payload":' + b"[" * 100_000, id="deeply nested payload"),
        pytest.param(ENVELOPE[:-1], id="cut off"),
        pytest.param(ENVELOPE + b"\n", id="trailing newline"),
        pytest.param(ENVELOPE.replace(b",", b", "), id="spaces"),
        pytest.param(ENVELOPE.replace(b"payloadType", b"payload\\u0054ype"), id="escaped key"),
        pytest.param(ENVELOPE.replace(b"{", b'{"payload":"",', 1), id="key given twice"),
        pytest.param(_edit(extra=1), id="unknown key"),
        pytest.param(_edit(payload="eyJzZXEiOjJ9"), id="another payload"),
        pytest.param(_edit(payload="eyJzZXEiOjF9\n"), id="base64 with a newline"),
        pytest.param(_edit(payload="*"), id="no base64"),
        pytest.param(_edit(payloadType="text/plain"), id="another type"),
        pytest.param(_edit(signatures=[]), id="no signature"),
        pytest.param(_edit(signatures=[_SIGNATURE, _SIGNATURE]), id="two signatures"),
        pytest.param(_edit(signatures=[_SIGNATURE | {"keyid": STRANGER.key_id}]), id="unknown signer"),
        pytest.param(_edit(signatures=[_SIGNATURE | {"sig": ""}]), id="empty signature"),
        pytest.param(sign_envelope(STRANGER, KIND, b'{"seq":1}'), id="signed by a stranger"),
    ],
)
def test_a_changed_envelope_does_not_open(envelope):
    with pytest.raises(SignatureError):
        open_envelope(envelope, KIND, KEYS)


@given(position=st.integers(0, len(ENVELOPE) - 1), byte=st.integers(0, 255))
def test_no_changed_byte_goes_unnoticed(position, byte):
    changed = ENVELOPE[:position] + bytes([byte]) + ENVELOPE[position + 1 :]
    if changed != ENVELOPE:
        with pytest.raises(SignatureError):
            open_envelope(changed, KIND, KEYS)


def test_an_envelope_does_not_open_as_another_type():
    with pytest.raises(SignatureError, match="expected 'application/approval'"):
        open_envelope(ENVELOPE, "application/approval", KEYS)


def test_a_stranger_who_claims_a_known_key_id_is_refused():
    signature = {"keyid": KEY.key_id, "sig": json.loads(sign_envelope(STRANGER, KIND, b"x"))["signatures"][0]["sig"]}
    with pytest.raises(SignatureError, match="does not verify"):
        open_envelope(_edit(payload="eA==", signatures=[signature]), KIND, KEYS)


def test_a_bare_signature_of_the_payload_is_no_envelope_signature():
    with pytest.raises(SignatureError):
        verify(KEY.public, pae(KIND, b"x"), KEY.sign(b"x"))


# --- hybrid envelopes ---

HYBRID, OTHER = HybridKey.generate(), HybridKey.generate()
STATEMENT = sign_hybrid_envelope(HYBRID, KIND, b'{"kind":"grant"}')
FIRST, SECOND = json.loads(STATEMENT)["signatures"]
OTHER_FIRST, OTHER_SECOND = json.loads(sign_hybrid_envelope(OTHER, KIND, b'{"kind":"grant"}'))["signatures"]


def _edit_statement(**changes: object) -> bytes:
    return json.dumps(json.loads(STATEMENT) | changes, sort_keys=True, separators=(",", ":")).encode()


def test_a_hybrid_envelope_is_sorted_json_with_ed25519_first():
    assert json.dumps(json.loads(STATEMENT), sort_keys=True, separators=(",", ":")).encode() == STATEMENT
    assert (FIRST["keyid"], SECOND["keyid"]) == (key_id(HYBRID.public.ed25519), key_id(HYBRID.public.mldsa44))


def test_both_signatures_of_a_hybrid_envelope_cover_the_same_encoding():
    signatures = tuple(base64.b64decode(signature["sig"]) for signature in (FIRST, SECOND))
    HYBRID.public.verify(pae(KIND, b'{"kind":"grant"}'), signatures)


@given(payload=st.binary(max_size=500))
def test_whatever_is_enveloped_twice_signed_comes_out_again(payload):
    assert open_hybrid_envelope(sign_hybrid_envelope(HYBRID, KIND, payload), KIND, HYBRID.public) == payload


@pytest.mark.parametrize(
    "envelope",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[" * 100_000, id="deeply nested"),
        pytest.param(STATEMENT + b"\n", id="trailing newline"),
        pytest.param(STATEMENT.replace(b",", b", "), id="spaces"),
        pytest.param(_edit_statement(extra=1), id="unknown key"),
        pytest.param(_edit_statement(payload="eyJraW5kIjoiZGVueSJ9"), id="another payload"),
        pytest.param(_edit_statement(payloadType="text/plain"), id="another type"),
        pytest.param(_edit_statement(signatures=[]), id="no signature"),
        pytest.param(_edit_statement(signatures=[FIRST]), id="Ed25519 alone"),
        pytest.param(_edit_statement(signatures=[SECOND]), id="ML-DSA-44 alone"),
        pytest.param(_edit_statement(signatures=[SECOND, FIRST]), id="the other order"),
        pytest.param(_edit_statement(signatures=[FIRST, FIRST]), id="Ed25519 twice"),
        pytest.param(_edit_statement(signatures=[SECOND, SECOND]), id="ML-DSA-44 twice"),
        pytest.param(_edit_statement(signatures=[FIRST, SECOND, SECOND]), id="three signatures"),
        pytest.param(_edit_statement(signatures=[FIRST, OTHER_SECOND]), id="ML-DSA-44 by somebody else"),
        pytest.param(_edit_statement(signatures=[OTHER_FIRST, SECOND]), id="Ed25519 by somebody else"),
        pytest.param(
            _edit_statement(signatures=[FIRST, SECOND | {"sig": OTHER_SECOND["sig"]}]),
            id="ML-DSA-44 by somebody else under the signer's key id",
        ),
        pytest.param(
            _edit_statement(signatures=[FIRST | {"sig": OTHER_FIRST["sig"]}, SECOND]),
            id="Ed25519 by somebody else under the signer's key id",
        ),
        pytest.param(_edit_statement(signatures=[FIRST | {"keyid": SECOND["keyid"]}, SECOND]), id="a key id twice"),
        pytest.param(_edit_statement(signatures=[FIRST, SECOND | {"sig": ""}]), id="empty ML-DSA-44 signature"),
        pytest.param(sign_hybrid_envelope(OTHER, KIND, b'{"kind":"grant"}'), id="signed by somebody else"),
        pytest.param(sign_envelope(HYBRID.ed25519, KIND, b'{"kind":"grant"}'), id="an envelope of one signature"),
    ],
)
def test_a_changed_hybrid_envelope_does_not_open(envelope):
    with pytest.raises(SignatureError):
        open_hybrid_envelope(envelope, KIND, HYBRID.public)


def test_a_hybrid_envelope_does_not_open_as_another_type():
    with pytest.raises(SignatureError, match="expected 'application/approval'"):
        open_hybrid_envelope(STATEMENT, "application/approval", HYBRID.public)


def test_a_hybrid_envelope_does_not_open_as_one_with_a_single_signature():
    # Otherwise whoever broke Ed25519 would strip the other signature and pass a statement off as an event.
    with pytest.raises(SignatureError, match="one signature"):
        open_envelope(STATEMENT, KIND, {key_id(HYBRID.public.ed25519): HYBRID.public.ed25519})


@given(position=st.integers(0, len(STATEMENT) - 1), byte=st.integers(0, 255))
def test_no_changed_byte_of_a_hybrid_envelope_goes_unnoticed(position, byte):
    changed = STATEMENT[:position] + bytes([byte]) + STATEMENT[position + 1 :]
    if changed != STATEMENT:
        with pytest.raises(SignatureError):
            open_hybrid_envelope(changed, KIND, HYBRID.public)
