"""Ed25519 signatures in the two frames of the record: DSSE envelopes and C2SP signed notes.

Ed25519 is RFC 8032 by the `cryptography` library. DSSE is the Dead Simple Signing Envelope, version 1.0.2, with one
signature and in one canonical JSON form, which is stricter than DSSE asks. Signed notes follow c2sp.org/signed-note
with key type 0x01; other types and unknown signers are skipped, as it demands.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.errors import SignatureError

_NOTE_KEY_TYPE = b"\x01"
_SIGNATURE_MARK = "\u2014 "  # an em dash and a space begin each signature line of a note


class SigningKey:
    """A party's Ed25519 key pair."""

    __slots__ = ("_private", "public")

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public: bytes = private.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id})"

    @classmethod
    def generate(cls) -> Self:
        """Draw a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the 32 bytes that `to_bytes` gave.

        Raises:
            SignatureError: not 32 bytes.
        """
        if len(data) != 32:
            raise SignatureError(f"a private signing key has 32 bytes, these are {len(data)}")
        return cls(Ed25519PrivateKey.from_private_bytes(data))

    def to_bytes(self) -> bytes:
        """The private key, 32 raw bytes: a secret."""
        return self._private.private_bytes_raw()

    @property
    def key_id(self) -> str:
        """The public key's short name."""
        return key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """Sign bytes as they are; 64 bytes. Framed messages go through `sign_envelope` or `sign_note`."""
        return self._private.sign(message)


def key_id(public: bytes) -> str:
    """First 16 hexadecimal digits of SHA-256 over the public key: finds a key, proves nothing."""
    return hashlib.sha256(public).hexdigest()[:16]


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature.

    Raises:
        SignatureError: it is not this key's signature of this message, or `public` is no key.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError) as exc:
        raise SignatureError(f"the signature does not verify under key {key_id(public)}") from exc


# --- DSSE ---


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: str
    sig: bytes


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    # msgspec writes the fields in this order, which is the sorted one, and bytes as base64.
    payload: bytes
    payload_type: str
    signatures: tuple[_Signature]


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
    try:
        read = msgspec.json.decode(envelope, type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise SignatureError("the bytes are no envelope with one signature") from exc
    # One form only: otherwise the same signed act could stand in the log twice under different hashes.
    if msgspec.json.encode(read) != envelope:
        raise SignatureError("the envelope is not in canonical form")
    if read.payload_type != payload_type:
        raise SignatureError(f"the envelope holds {read.payload_type!r}, expected {payload_type!r}")
    (signature,) = read.signatures
    if signature.keyid not in keys:
        raise SignatureError(f"no accepted signer has the key id {signature.keyid!r}")
    verify(keys[signature.keyid], pae(payload_type, read.payload), signature.sig)
    return read.payload


# --- C2SP signed notes ---


def vkey(name: str, public: bytes) -> str:
    """A verifier key as other signed-note programs read it: name+hash+key."""
    encoded = base64.b64encode(_NOTE_KEY_TYPE + public).decode()
    return f"{name}+{_key_hash(name, public).hex()}+{encoded}"


def sign_note(key: SigningKey, name: str, text: str) -> str:
    r"""Sign a text that a person can read.

    Args:
        key: the signer's key.
        name: the signer's name in notes, without spaces and plus signs.
        text: one or more lines, each ended by "\n".

    Returns:
        The text, an empty line and the signature line.
    """
    if not name or any(sign.isspace() or sign == "+" for sign in name):
        raise ValueError("a note signer's name has no spaces and no plus sign")
    if not text.endswith("\n") or any(sign < " " and sign != "\n" for sign in text):
        raise ValueError("a note's text ends with a newline and has no other control characters")
    signature = base64.b64encode(_key_hash(name, key.public) + key.sign(text.encode())).decode()
    return f"{text}\n{_SIGNATURE_MARK}{name} {signature}\n"


def verify_note(note: str, name: str, public: bytes) -> str:
    """Check one signer's line on a note.

    Args:
        note: text, empty line, one or more signature lines.
        name: the signer to look for; lines of others are neither checked nor trusted.
        public: that signer's public key.

    Returns:
        The signed text, with its last newline.

    Raises:
        SignatureError: the note is malformed, has no line of this signer, or the signature does not verify.
    """
    body, blank, block = note.rpartition("\n\n")
    lines = block.split("\n")
    if not blank or lines.pop() or not lines or not all(line.startswith(_SIGNATURE_MARK) for line in lines):
        raise SignatureError("a note is a text, an empty line and signature lines")
    text, prefix = body + "\n", f"{_SIGNATURE_MARK}{name} "
    for line in lines:
        if line.startswith(prefix):
            signature = _decode_signature(line.removeprefix(prefix))
            if signature[:4] == _key_hash(name, public):
                # surrogatepass: half a character cannot have been signed, so it fails as any changed text does.
                verify(public, text.encode(errors="surrogatepass"), signature[4:])
                return text
    raise SignatureError(f"the note has no signature of {name!r} with this key")


def _decode_signature(text: str) -> bytes:
    try:
        signature = base64.b64decode(text)
    except ValueError as exc:
        raise SignatureError("a signature line of the note is not base64") from exc
    if base64.b64encode(signature).decode() != text:
        raise SignatureError("a signature line of the note is not canonical base64")
    return signature


def _key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _NOTE_KEY_TYPE + public).digest()[:4]
