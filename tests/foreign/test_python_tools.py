"""sigstore, pymerkle, securesystemslib and dilithium-py judge what `crypto` writes. All are pinned in the dev group."""

import base64
import copy
import json
import struct
from types import SimpleNamespace

import pymerkle
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from dilithium_py.ml_dsa import ML_DSA_44
from pymerkle.proof import InvalidProof
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError as EnvelopeError
from securesystemslib.signer import SSlibKey
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import verify_checkpoint
from sigstore.errors import VerificationError

from crypto.dsse import pae, sign_envelope, sign_hybrid_envelope
from crypto.merkle import inclusion_proof, leaf_hash, root_of_hashes
from crypto.notes import append_lines, cosign, sign_note, vkey
from crypto.signing import HybridKey, SigningKey, key_id, verify_mldsa44

ORIGIN, KIND = "keyong.local/0123456789abcdef", "application/vnd.keyong.test+json"
KEY, STRANGER, HYBRID = SigningKey.generate(), SigningKey.generate(), HybridKey.generate()
ENTRIES = [b"entry %d" % number for number in range(40)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [root_of_hashes(LEAVES[:size]) for size in range(len(LEAVES) + 1)]


# --- sigstore: its Merkle proofs and Rekor checkpoints ---


class Keyring:
    """What sigstore asks of Rekor's keys."""

    def __init__(self, public: bytes) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(public)

    def verify(self, *, key_id: bytes, signature: bytes, data: bytes) -> None:
        try:
            self._key.verify(signature, data)
        except InvalidSignature as exc:
            raise VerificationError("invalid signature") from exc


def _as_rekor_entry(index: int, size: int, **changes: object) -> SimpleNamespace:
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(ROOTS[size]).decode()}\n"
    note = append_lines(sign_note(KEY, ORIGIN, text), cosign(HYBRID, f"{ORIGIN}/tax", text, time_s=1))
    claim = {
        "log_index": index,
        "tree_size": size,
        "hashes": inclusion_proof(index, LEAVES[:size]),
        "root_hash": ROOTS[size],
        "checkpoint": SimpleNamespace(envelope=note),
    }
    log_id = SimpleNamespace(key_id=bytes.fromhex(vkey(ORIGIN, KEY.public).split("+")[1]))
    proof = SimpleNamespace(**claim | changes)
    return SimpleNamespace(
        _inner=SimpleNamespace(inclusion_proof=proof, canonicalized_body=ENTRIES[index], log_id=log_id)
    )


def test_sigstore_accepts_every_inclusion_proof_up_to_40_entries():
    for size in range(1, len(ENTRIES) + 1):
        for index in range(size):
            verify_merkle_inclusion(_as_rekor_entry(index, size))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"log_index": 5}, id="index"),
        pytest.param({"tree_size": 8}, id="size"),
        pytest.param({"root_hash": ROOTS[10]}, id="root"),
        pytest.param({"hashes": inclusion_proof(4, LEAVES[:11])[:-1]}, id="a hash short"),
        pytest.param({"hashes": [*inclusion_proof(4, LEAVES[:11]), ROOTS[1]]}, id="a hash long"),
        pytest.param({"hashes": inclusion_proof(4, LEAVES[:11])[::-1]}, id="upside down"),
    ],
)
def test_sigstore_refuses_an_altered_inclusion_proof(changes):
    verify_merkle_inclusion(_as_rekor_entry(4, 11))
    with pytest.raises(VerificationError):
        verify_merkle_inclusion(_as_rekor_entry(4, 11, **changes))


def test_sigstore_reads_our_checkpoint_with_cosignatures_on_it():
    verify_checkpoint(Keyring(KEY.public), _as_rekor_entry(4, 11))


def test_sigstore_refuses_a_checkpoint_of_another_key_or_another_root():
    with pytest.raises(VerificationError, match="invalid signature"):
        verify_checkpoint(Keyring(STRANGER.public), _as_rekor_entry(4, 11))
    with pytest.raises(VerificationError, match="root hash"):
        verify_checkpoint(Keyring(KEY.public), _as_rekor_entry(4, 11, root_hash=ROOTS[10]))


# --- pymerkle: the tree and its proofs ---


def test_pymerkle_computes_the_same_root_at_every_size():
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for size, entry in enumerate(ENTRIES, 1):
        tree.append_entry(entry)
        assert tree.get_root(size) == ROOTS[size]


def test_pymerkle_proves_inclusion_with_the_same_hashes():
    tree = pymerkle.InmemoryTree.init_from_entries(ENTRIES, algorithm="sha256")
    for size in range(1, len(ENTRIES) + 1):
        for index in range(size):
            # pymerkle counts entries from 1 and puts the leaf itself before the path.
            assert tree.prove_inclusion(index + 1, size).path == [LEAVES[index], *inclusion_proof(index, LEAVES[:size])]


def test_pymerkle_proves_each_of_our_roots_to_begin_every_later_one():
    # Its consistency proofs list other hashes than the RFC's, so only the roots are ours; our proofs go to Go's tlog.
    tree = pymerkle.InmemoryTree.init_from_entries(ENTRIES, algorithm="sha256")
    for new in range(1, len(ENTRIES) + 1):
        for old in range(1, new + 1):
            proof = tree.prove_consistency(old, new)
            pymerkle.verify_consistency(ROOTS[old], ROOTS[new], proof, prior_size=old, later_size=new)


def test_pymerkle_refuses_a_root_of_another_size():
    tree = pymerkle.InmemoryTree.init_from_entries(ENTRIES, algorithm="sha256")
    for old_root, new_root in ((ROOTS[5], ROOTS[11]), (ROOTS[6], ROOTS[10])):
        with pytest.raises(InvalidProof):
            pymerkle.verify_consistency(old_root, new_root, tree.prove_consistency(6, 11))


# --- securesystemslib: DSSE ---


def _opened_by_securesystemslib(envelope: bytes, public: bytes, *, keyid: str) -> None:
    key = SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(public), keyid=keyid)
    # from_dict changes what it is given.
    Envelope.from_dict(copy.deepcopy(json.loads(envelope))).verify([key], threshold=1)


def test_securesystemslib_opens_our_envelope():
    envelope = sign_envelope(KEY, KIND, b'{"seq":1}')
    _opened_by_securesystemslib(envelope, KEY.public, keyid=KEY.key_id)
    with pytest.raises(EnvelopeError):
        _opened_by_securesystemslib(envelope, STRANGER.public, keyid=KEY.key_id)
    with pytest.raises(EnvelopeError):
        _opened_by_securesystemslib(envelope.replace(b"test", b"best"), KEY.public, keyid=KEY.key_id)


def test_securesystemslib_opens_a_hybrid_envelope_by_its_ed25519_half():
    # Its own ML-DSA signs a digest in the manner of TUF (TAP 21) and not the encoding of DSSE.
    public = HYBRID.public.ed25519
    envelope = sign_hybrid_envelope(HYBRID, KIND, b'{"kind":"grant"}')
    _opened_by_securesystemslib(envelope, public, keyid=key_id(public))
    with pytest.raises(EnvelopeError):
        _opened_by_securesystemslib(envelope.replace(b"test", b"best"), public, keyid=key_id(public))


# --- dilithium-py: ML-DSA-44 ---


def test_dilithium_py_derives_the_same_public_key():
    for _ in range(5):
        key = HybridKey.generate()
        assert ML_DSA_44.key_derive(key.to_bytes()[32:])[0] == key.public.mldsa44


def test_dilithium_py_verifies_the_second_signature_of_a_hybrid_envelope():
    signature = base64.b64decode(
        json.loads(sign_hybrid_envelope(HYBRID, KIND, b'{"kind":"grant"}'))["signatures"][1]["sig"]
    )
    assert ML_DSA_44.verify(HYBRID.public.mldsa44, pae(KIND, b'{"kind":"grant"}'), signature)
    assert not ML_DSA_44.verify(HYBRID.public.mldsa44, pae(KIND, b'{"kind":"deny"}'), signature)


def test_dilithium_py_verifies_a_cosignature_framed_by_hand():
    text = f"{ORIGIN}\n11\n{base64.b64encode(ROOTS[11]).decode()}\n"
    line = cosign(HYBRID, f"{ORIGIN}/tax", text, time_s=1_679_315_147)[1]
    stamped = base64.b64decode(line.split(" ")[2])[4:]
    name, origin = (struct.pack("B", len(field)) + field.encode() for field in (f"{ORIGIN}/tax", ORIGIN))
    message = b"subtree/v1\n\0" + name + stamped[:8] + origin + struct.pack(">QQ", 0, 11) + ROOTS[11]
    assert ML_DSA_44.verify(HYBRID.public.mldsa44, message, stamped[8:])
    assert not ML_DSA_44.verify(HYBRID.public.mldsa44, message[:-1] + b"?", stamped[8:])


def test_we_verify_what_dilithium_py_signs():
    public, private = ML_DSA_44.keygen()
    verify_mldsa44(public, b"act", ML_DSA_44.sign(private, b"act"))
