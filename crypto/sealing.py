"""Boxes that only one recipient opens, and only for the purpose they were sealed for.

HPKE, RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305, one message per box, by the
`cryptography` library. Base mode does not say who sealed a box (sign what it travels in) and has no forward secrecy
towards the recipient's key.
"""

import hashlib
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from crypto.errors import SealError

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


class BoxKey:
    """A recipient's X25519 key pair."""

    __slots__ = ("_private", "public")

    def __init__(self, private: X25519PrivateKey) -> None:
        self._private = private
        self.public: bytes = private.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"BoxKey({hashlib.sha256(self.public).hexdigest()[:16]})"

    @classmethod
    def generate(cls) -> Self:
        """Draw a new key."""
        return cls(X25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the 32 bytes that `to_bytes` gave.

        Raises:
            SealError: not 32 bytes.
        """
        if len(data) != 32:
            raise SealError(f"a private box key has 32 bytes, these are {len(data)}")
        return cls(X25519PrivateKey.from_private_bytes(data))

    def to_bytes(self) -> bytes:
        """The private key, 32 raw bytes: a secret."""
        return self._private.private_bytes_raw()


def seal(recipient: bytes, plaintext: bytes, *, context: bytes) -> bytes:
    """Seal `plaintext` so that only `recipient` opens it, and only in the same context.

    Args:
        recipient: X25519 public key, 32 bytes.
        plaintext: what to hide; its length shows.
        context: job, round, sender and recipient in one unambiguous form. It is not sent: both sides know it, so a
            box replayed elsewhere does not open.

    Returns:
        The encapsulated key (32 bytes) and the ciphertext (plaintext and 16 bytes).

    Raises:
        SealError: `recipient` is no X25519 public key, or one of low order.
    """
    try:
        return _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(recipient), context)
    except ValueError as exc:
        raise SealError("the recipient's key is no usable X25519 public key") from exc


def open_box(key: BoxKey, box: bytes, *, context: bytes) -> bytes:
    """Open a box.

    Raises:
        SealError: sealed to another key or in another context, or changed on the way; which one is not said.
    """
    try:
        return _SUITE.decrypt(box, key._private, context)
    except (InvalidTag, ValueError) as exc:
        raise SealError("the box does not open with this key in this context") from exc
