"""DSSE envelopes: a payload, its type, and who signed both.

The Dead Simple Signing Envelope, version 1.0.2, in one canonical JSON form, which is stricter than DSSE asks. Two
kinds: one Ed25519 signature (events), or Ed25519 and ML-DSA-44 of one hybrid key (statements). Other numbers of
signatures, and thresholds among several signers, are left out.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from crypto.errors import SignatureError
from crypto.signing import HybridKey, HybridPublic, SigningKey, key_id, verify


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: str
    sig: bytes


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    # msgspec writes the fields in this order, which is the sorted one, and bytes as base64.
    payload: bytes
    payload_type: str
    signatures: tuple[_Signature]


class _HybridEnvelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    payload: bytes
    payload_type: str
    signatures: tuple[_Signature, _Signature]


_Form = TypeVar("_Form", _Envelope, _HybridEnvelope)


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what an envelope's signature covers."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_envelope(key: SigningKey, payload_type: str, payload: bytes) -> bytes:
    """Sign a payload together with its type.

    Returns:
        A DSSE envelope as JSON with sorted keys and no spaces.
    """
    signature = _Signature(key.key_id, key.sign(pae(payload_type, payload)))
    return msgspec.json.encode(_Envelope(payload, payload_type, (signature,)))


def open_envelope(envelope: bytes, payload_type: str, keys: Mapping[str, bytes]) -> bytes:
    """Verify an envelope and return its payload.

    Args:
        envelope: what `sign_envelope` wrote.
        payload_type: the type the caller is ready to read; a payload of another type is refused.
        keys: key id -> public key of every signer the caller accepts here.

    Raises:
        SignatureError: not exactly one signature, another type, an unknown signer, a signature that does not verify,
            or bytes that are not in the canonical form.
    """
    read = _read(envelope, _Envelope, payload_type)
    (signature,) = read.signatures
    if signature.keyid not in keys:
        raise SignatureError(f"no accepted signer has the key id {signature.keyid!r}")
    verify(keys[signature.keyid], pae(payload_type, read.payload), signature.sig)
    return read.payload


def sign_hybrid_envelope(key: HybridKey, payload_type: str, payload: bytes) -> bytes:
    """Sign a payload together with its type, with both algorithms over the same encoding.

    Returns:
        A DSSE envelope as JSON with sorted keys and no spaces; the Ed25519 signature stands first.
    """
    ed25519, mldsa44 = key.sign(pae(payload_type, payload))
    signatures = (_Signature(key_id(key.public.ed25519), ed25519), _Signature(key_id(key.public.mldsa44), mldsa44))
    return msgspec.json.encode(_HybridEnvelope(payload, payload_type, signatures))


def open_hybrid_envelope(envelope: bytes, payload_type: str, public: HybridPublic) -> bytes:
    """Verify both signatures of an envelope and return its payload.

    Args:
        envelope: what `sign_hybrid_envelope` wrote.
        payload_type: the type the caller is ready to read; a payload of another type is refused.
        public: the one signer the caller accepts here.

    Raises:
        SignatureError: not exactly this signer's two signatures in this order, another type, a signature that does
            not verify, or bytes that are not in the canonical form.
    """
    read = _read(envelope, _HybridEnvelope, payload_type)
    ed25519, mldsa44 = read.signatures
    if (ed25519.keyid, mldsa44.keyid) != (key_id(public.ed25519), key_id(public.mldsa44)):
        raise SignatureError(f"the envelope is not signed by {public.fingerprint}, first Ed25519, then ML-DSA-44")
    public.verify(pae(payload_type, read.payload), (ed25519.sig, mldsa44.sig))
    return read.payload


def _read(envelope: bytes, form: type[_Form], payload_type: str) -> _Form:
    try:
        read = msgspec.json.decode(envelope, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        count = "one signature" if form is _Envelope else "two signatures"
        raise SignatureError(f"the bytes are no envelope with {count}") from exc
    # One form only: otherwise the same signed act could stand in the log twice under different hashes.
    if msgspec.json.encode(read) != envelope:
        raise SignatureError("the envelope is not in canonical form")
    if read.payload_type != payload_type:
        raise SignatureError(f"the envelope holds {read.payload_type!r}, expected {payload_type!r}")
    return read
