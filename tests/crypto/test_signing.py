import base64
import copy
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from crypto.errors import SignatureError
from crypto.signing import (
    SigningKey,
    key_id,
    open_envelope,
    pae,
    sign_envelope,
    sign_note,
    verify,
    verify_note,
    vkey,
)

KEY, STRANGER = SigningKey.generate(), SigningKey.generate()
KIND = "application/vnd.keyong.test+json"
KEYS = {KEY.key_id: KEY.public}
ENVELOPE = sign_envelope(KEY, KIND, b'{"seq":1}')

# RFC 8032, section 7.1, tests 1 to 3: private, public, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


# --- signatures ---


@pytest.mark.parametrize("vector", RFC_8032)
def test_rfc_8032_signatures_are_reproduced(vector):
    private, public, message, signature = map(bytes.fromhex, vector)
    key = SigningKey.from_bytes(private)
    assert (key.public, key.to_bytes(), key.sign(message)) == (public, private, signature)
    verify(public, message, signature)


def test_a_key_is_named_by_the_hash_of_its_public_half():
    # sha256 of the public key of RFC 8032 test 1 begins 21fe31dfa154a261.
    assert key_id(bytes.fromhex(RFC_8032[0][1])) == "21fe31dfa154a261"


@given(message=st.binary(max_size=200))
def test_whatever_is_signed_verifies_under_its_own_key_only(message):
    verify(KEY.public, message, KEY.sign(message))
    with pytest.raises(SignatureError):
        verify(STRANGER.public, message, KEY.sign(message))


def _plus_group_order(signature: bytes) -> bytes:
    return signature[:32] + (int.from_bytes(signature[32:], "little") + GROUP_ORDER).to_bytes(32, "little")


@pytest.mark.parametrize(
    "mangle",
    [
        pytest.param(lambda s: b"", id="empty"),
        pytest.param(lambda s: s[:-1], id="a byte short"),
        pytest.param(lambda s: s + b"\x00", id="a byte long"),
        pytest.param(lambda s: bytes([s[0] ^ 1]) + s[1:], id="R changed"),
        pytest.param(lambda s: s[:32] + bytes([s[32] ^ 1]) + s[33:], id="S changed"),
        pytest.param(_plus_group_order, id="S plus the group order: a second signature of the same act"),
    ],
)
def test_a_changed_signature_does_not_verify(mangle):
    with pytest.raises(SignatureError):
        verify(KEY.public, b"act", mangle(KEY.sign(b"act")))


def test_a_public_key_of_another_length_does_not_verify():
    with pytest.raises(SignatureError):
        verify(KEY.public[:-1], b"act", KEY.sign(b"act"))


def test_a_private_key_of_another_length_is_refused():
    with pytest.raises(SignatureError, match="32 bytes"):
        SigningKey.from_bytes(bytes(33))


def test_a_signing_key_shows_only_its_id():
    assert repr(KEY) == f"SigningKey({KEY.key_id})"


# --- envelopes ---


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


def _seen_by_securesystemslib(envelope: bytes, signer: SigningKey) -> None:
    public = SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(signer.public), keyid=KEY.key_id)
    # from_dict changes what it is given.
    Envelope.from_dict(copy.deepcopy(json.loads(envelope))).verify([public], threshold=1)


def test_securesystemslib_verifies_our_envelope():
    _seen_by_securesystemslib(ENVELOPE, KEY)
    with pytest.raises(VerificationError):
        _seen_by_securesystemslib(ENVELOPE, STRANGER)


# --- notes ---

# The example in the package documentation of golang.org/x/mod/sumdb/note.
GO_KEY = SigningKey.from_bytes(base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:])
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_LINE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NAME = "coordinator.example/log1"
NOTE = sign_note(KEY, NAME, "coordinator.example/log1\n8\nroot\n")
LINE = NOTE.rpartition("\n\n")[2]
# The last character before the padding carries four bits of the signature and two that mean nothing.
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
SPARE_BITS_SET = ALPHABET[ALPHABET.index(NOTE[-3]) + 1]


def test_go_note_is_reproduced():
    assert vkey("PeterNeumann", GO_KEY.public) == GO_VKEY
    assert sign_note(GO_KEY, "PeterNeumann", GO_TEXT) == GO_TEXT + "\n" + GO_LINE
    assert verify_note(GO_TEXT + "\n" + GO_LINE, "PeterNeumann", GO_KEY.public) == GO_TEXT


@given(lines=st.lists(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])), min_size=1))
def test_whatever_is_noted_verifies(lines):
    text = "".join(f"{line}\n" for line in lines)
    assert verify_note(sign_note(KEY, NAME, text), NAME, KEY.public) == text


def test_lines_of_unknown_signers_are_skipped():
    stranger = sign_note(STRANGER, "witness.example", "x\n").rpartition("\n\n")[2]
    text = "coordinator.example/log1\n8\nroot\n"
    assert verify_note(f"{text}\n{stranger}{LINE}", NAME, KEY.public) == text


def test_a_line_of_the_same_name_with_another_key_is_skipped():
    text = "coordinator.example/log1\n8\nroot\n"
    older = sign_note(STRANGER, NAME, text).rpartition("\n\n")[2]
    assert verify_note(f"{text}\n{older}{LINE}", NAME, KEY.public) == text


def test_a_note_signed_by_another_key_is_refused():
    with pytest.raises(SignatureError, match="no signature of"):
        verify_note(sign_note(STRANGER, NAME, "x\n"), NAME, KEY.public)


def test_another_signature_under_a_known_key_hash_is_refused():
    head = base64.b64decode(LINE.split(" ")[2])[:4]
    forged = base64.b64encode(head + STRANGER.sign(b"x\n")).decode()
    with pytest.raises(SignatureError, match="does not verify"):
        verify_note(f"x\n\n\u2014 {NAME} {forged}\n", NAME, KEY.public)


@pytest.mark.parametrize(
    "note",
    [
        pytest.param("", id="empty"),
        pytest.param(NOTE.partition("\n\n")[0] + "\n", id="no signature"),
        pytest.param(NOTE.partition("\n\n")[0] + "\n\n", id="no signature line"),
        pytest.param(NOTE.replace("\n8\n", "\n9\n"), id="text changed"),
        pytest.param(NOTE.removesuffix("\n"), id="last newline missing"),
        pytest.param(NOTE + "\n", id="a line too many"),
        pytest.param(NOTE.replace("\u2014", "-"), id="a hyphen for the dash"),
        pytest.param(NOTE.replace("=\n", "\n"), id="base64 without padding"),
        pytest.param(NOTE.removesuffix("=\n")[:-1] + SPARE_BITS_SET + "=\n", id="base64 with spare bits set"),
        pytest.param(NOTE.removesuffix("\n") + "*\n", id="base64 with a strange character"),
        pytest.param(NOTE.replace("root\n\n", "root\n"), id="no empty line"),
        pytest.param(NOTE.replace(NAME + " ", "other.example "), id="another name in the line"),
    ],
)
def test_a_changed_note_is_refused(note):
    with pytest.raises(SignatureError):
        verify_note(note, NAME, KEY.public)


@given(position=st.integers(0, len(NOTE) - 1), sign=st.characters(exclude_categories=[]))
def test_no_changed_character_goes_unnoticed(position, sign):
    changed = NOTE[:position] + sign + NOTE[position + 1 :]
    if changed != NOTE:
        with pytest.raises(SignatureError):
            verify_note(changed, NAME, KEY.public)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a b", "x\n"), ("a+b", "x\n"), ("", "x\n"), ("a", "x"), ("a", ""), ("a", "x\r\n"), ("a", "x\t\n")],
)
def test_notes_that_others_could_not_read_are_not_signed(name, text):
    with pytest.raises(ValueError, match="note"):
        sign_note(KEY, name, text)
