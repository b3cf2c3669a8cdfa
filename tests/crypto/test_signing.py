import hashlib
import json
from contextlib import nullcontext
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import SignatureError
from crypto.signing import HybridKey, HybridPublic, SigningKey, key_id, verify, verify_mldsa44

KEY, STRANGER = SigningKey.generate(), SigningKey.generate()

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


# --- edge cases ---

EDGE_CASES = json.loads((Path(__file__).parents[1] / "vectors" / "ed25519.json").read_text())


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in EDGE_CASES])
def test_an_edge_case_is_judged_as_the_table_says(case):
    public, message, signature = (bytes.fromhex(case[field]) for field in ("public", "message", "signature"))
    with nullcontext() if case["verifies"] else pytest.raises(SignatureError):
        verify(public, message, signature)


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["name"]) for case in EDGE_CASES if case["name"].startswith("key of order")]
)
def test_the_library_alone_would_take_a_key_of_small_order(case):
    # If this fails the library has become strict, and our own list can go.
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(case["public"])).verify(
        bytes.fromhex(case["signature"]), bytes.fromhex(case["message"])
    )


# --- hybrid keys ---

HYBRID, OTHER = HybridKey.generate(), HybridKey.generate()
SIGNED = HYBRID.sign(b"act")

# Seed of an ML-DSA-44 key and SHA-256 of its public key.
PUBLISHED_ML_DSA_KEYS = [
    pytest.param(
        "d71361c000f9a7bc99dfb425bcb6bb27c32c36ab444ff3708b2d93b4e66d5b5b",
        "451a808c522218fadbdab146fc12004b0741c7d069f238f43ad77216159f6a34",
        id="NIST ACVP, ML-DSA-keyGen-FIPS204, test 1",
    ),
    pytest.param(
        "2a" * 32,
        "d87f8ca136ac1aa55e2d6c4521680efb3a378cbb9bc0bfb446e9c60893931ea3",
        id="Project Wycheproof, mldsa_44_sign_seed_test, first group",
    ),
]


@pytest.mark.parametrize(("seed", "digest"), PUBLISHED_ML_DSA_KEYS)
def test_published_ml_dsa_keys_are_reproduced(seed, digest):
    public = HybridKey.from_bytes(bytes(32) + bytes.fromhex(seed)).public.mldsa44
    assert hashlib.sha256(public).hexdigest() == digest


def test_a_hybrid_key_is_its_two_seeds_ed25519_first():
    ed25519, mldsa44 = bytes(range(32)), bytes(range(32, 64))
    key = HybridKey.from_bytes(ed25519 + mldsa44)
    assert key.to_bytes() == ed25519 + mldsa44
    assert key.ed25519.to_bytes() == ed25519
    assert key.public.ed25519 == SigningKey.from_bytes(ed25519).public
    assert key.public.mldsa44 == MLDSA44PrivateKey.from_seed_bytes(mldsa44).public_key().public_bytes_raw()


def test_generated_hybrid_keys_share_no_seed():
    seeds = [key.to_bytes()[half : half + 32] for key in (HYBRID, OTHER) for half in (0, 32)]
    assert len(set(seeds)) == 4


@pytest.mark.parametrize("length", [0, 32, 63, 65])
def test_a_private_hybrid_key_of_another_length_is_refused(length):
    with pytest.raises(SignatureError, match="64 bytes"):
        HybridKey.from_bytes(bytes(length))


@pytest.mark.parametrize(("ed25519", "mldsa44"), [(31, 1312), (33, 1312), (32, 1311), (32, 1952), (1312, 32)])
def test_a_public_hybrid_key_of_another_length_is_refused(ed25519, mldsa44):
    with pytest.raises(SignatureError, match="32 and 1312 bytes"):
        HybridPublic(ed25519=bytes(ed25519), mldsa44=bytes(mldsa44))


def test_hybrid_keys_show_a_fingerprint_of_both_halves_and_nothing_else():
    public = HYBRID.public
    expected = hashlib.sha256(public.ed25519 + public.mldsa44).hexdigest()[:16]
    assert public.fingerprint == expected
    assert (repr(HYBRID), repr(public)) == (f"HybridKey({expected})", f"HybridPublic({expected})")


@given(message=st.binary(max_size=200))
def test_whatever_is_signed_twice_verifies_under_its_own_key_only(message):
    signatures = HYBRID.sign(message)
    assert [len(signature) for signature in signatures] == [64, 2420]
    HYBRID.public.verify(message, signatures)
    with pytest.raises(SignatureError):
        OTHER.public.verify(message, signatures)


@pytest.mark.parametrize(
    "signatures",
    [
        pytest.param((SIGNED[0], OTHER.sign(b"act")[1]), id="ML-DSA-44 of another key: Ed25519 alone was broken"),
        pytest.param((OTHER.sign(b"act")[0], SIGNED[1]), id="Ed25519 of another key: ML-DSA-44 alone was broken"),
        pytest.param((SIGNED[0], HYBRID.sign(b"other")[1]), id="ML-DSA-44 over another message"),
        pytest.param((HYBRID.sign(b"other")[0], SIGNED[1]), id="Ed25519 over another message"),
        pytest.param((SIGNED[1], SIGNED[0]), id="the other order"),
        pytest.param((SIGNED[0], b""), id="no ML-DSA-44"),
        pytest.param((b"", SIGNED[1]), id="no Ed25519"),
    ],
)
def test_one_good_signature_of_two_is_not_enough(signatures):
    with pytest.raises(SignatureError):
        HYBRID.public.verify(b"act", signatures)


# --- ML-DSA-44 ---

# A signature is c (32 bytes), z (4 polynomials of 256 coefficients of 18 bits) and the hint (80 indices, 4 counts).
Z, HINT, COUNTS = 32, 32 + 4 * 256 * 18 // 8, 2420 - 4


def _hints_swapped(signature: bytes) -> bytes:
    # Two indices of one polynomial in the other order name the same hint: FIPS 204, algorithm 21, refuses them.
    first = next(index for index in range(HINT, COUNTS) if signature[index] < signature[index + 1])
    swapped = signature[first : first + 2][::-1]
    return signature[:first] + swapped + signature[first + 2 :]


def _hint_padded(signature: bytes) -> bytes:
    # Beyond the last index the bytes mean nothing and must be 0.
    unused = HINT + signature[-1]
    assert unused < COUNTS
    return signature[:unused] + b"\x01" + signature[unused + 1 :]


@pytest.mark.parametrize(
    "mangle",
    [
        pytest.param(lambda s: b"", id="empty"),
        pytest.param(lambda s: s[:-1], id="a byte short"),
        pytest.param(lambda s: s + b"\x00", id="a byte long"),
        pytest.param(lambda s: bytes([s[0] ^ 1]) + s[1:], id="challenge changed"),
        pytest.param(lambda s: s[:Z] + bytes([s[Z] ^ 1]) + s[Z + 1 :], id="z changed by 1"),
        pytest.param(lambda s: s[:Z] + bytes(18) + s[Z + 18 :], id="z as large as its encoding can say"),
        pytest.param(_hints_swapped, id="two hint indices swapped: a second signature of the same act"),
        pytest.param(_hint_padded, id="hint padding not 0: a second signature of the same act"),
        pytest.param(lambda s: s[:COUNTS] + b"\xff" + s[COUNTS + 1 :], id="more hints than 80"),
        pytest.param(lambda s: s[:COUNTS] + s[COUNTS:][::-1], id="hint counts going down"),
    ],
)
def test_a_changed_ml_dsa_signature_does_not_verify(mangle):
    verify_mldsa44(HYBRID.public.mldsa44, b"act", SIGNED[1])
    with pytest.raises(SignatureError):
        verify_mldsa44(HYBRID.public.mldsa44, b"act", mangle(SIGNED[1]))


def test_an_ml_dsa_signature_with_a_context_does_not_verify():
    key = MLDSA44PrivateKey.from_seed_bytes(HYBRID.to_bytes()[32:])
    with pytest.raises(SignatureError):
        verify_mldsa44(HYBRID.public.mldsa44, b"act", key.sign(b"act", b"context"))


@pytest.mark.parametrize("length", [0, 32, 1311, 1313, 1952])
def test_an_ml_dsa_key_of_another_length_does_not_verify(length):
    with pytest.raises(SignatureError):
        verify_mldsa44(bytes(length), b"act", SIGNED[1])
