"""Signature keys: Ed25519, and Ed25519 beside ML-DSA-44 for what must outlive Ed25519.

Ed25519 is RFC 8032, ML-DSA-44 is FIPS 204 in its pure form with the empty context, both by the `cryptography`
library. Keys sign bytes as they are; the frames of the record are `dsse` and `notes`. Public Ed25519 keys of small
order are refused, which RFC 8032 leaves open. Left out: HashML-DSA, and one combined signature of both algorithms.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from crypto.errors import SignatureError

ED25519_BYTES, MLDSA44_BYTES = 32, 1312  # of a public key
_SEED_BYTES = 32  # of a private key of either kind

# The y coordinates of the eight points of small order, and the two of them that also fit when written beyond the
# field. The owner of such a "key" can show a signature that verifies for any message at all, and so deny every act.
_SMALL_ORDER = frozenset(
    int(y, 16).to_bytes(32, "little")
    for y in (
        "0",
        "1",
        "5fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
        "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffee",
    )
)


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
        """Sign bytes as they are; 64 bytes. Framed messages go through `dsse` and `notes`."""
        return self._private.sign(message)


def key_id(public: bytes) -> str:
    """First 16 hexadecimal digits of SHA-256 over the public key: finds a key, proves nothing."""
    return hashlib.sha256(public).hexdigest()[:16]


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Check an Ed25519 signature.

    Raises:
        SignatureError: it is not this key's signature of this message, or `public` is no key, or one of small order.
    """
    try:
        _ed25519(public).verify(signature, message)
    except (InvalidSignature, ValueError) as exc:
        raise SignatureError(f"the signature does not verify under key {key_id(public)}") from exc


def verify_mldsa44(public: bytes, message: bytes, signature: bytes) -> None:
    """Check an ML-DSA-44 signature, context empty.

    Raises:
        SignatureError: it is not this key's signature of this message, or `public` is no key.
    """
    try:
        _mldsa44(public).verify(signature, message)
    except (InvalidSignature, ValueError) as exc:
        raise SignatureError(f"the signature does not verify under key {key_id(public)}") from exc


@lru_cache(maxsize=1024)  # who verifies a record asks for the same few keys again and again
def _ed25519(public: bytes) -> Ed25519PublicKey:
    if len(public) == ED25519_BYTES and public[:31] + bytes([public[31] & 0x7F]) in _SMALL_ORDER:
        raise ValueError("a public key of small order")
    return Ed25519PublicKey.from_public_bytes(public)


@lru_cache(maxsize=1024)
def _mldsa44(public: bytes) -> MLDSA44PublicKey:
    return MLDSA44PublicKey.from_public_bytes(public)


# --- hybrid keys ---


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HybridPublic:
    """The public half of a `HybridKey`.

    Attributes:
        ed25519: 32 bytes.
        mldsa44: 1312 bytes.

    Raises:
        SignatureError: a key of another length.
    """

    ed25519: bytes
    mldsa44: bytes

    def __post_init__(self) -> None:
        if (len(self.ed25519), len(self.mldsa44)) != (ED25519_BYTES, MLDSA44_BYTES):
            raise SignatureError(f"public keys have {ED25519_BYTES} and {MLDSA44_BYTES} bytes")

    def __repr__(self) -> str:
        return f"HybridPublic({self.fingerprint})"

    @property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of SHA-256 over both keys: for a person to compare, proves nothing."""
        return hashlib.sha256(self.ed25519 + self.mldsa44).hexdigest()[:16]

    def verify(self, message: bytes, signatures: tuple[bytes, bytes]) -> None:
        """Check both signatures, first Ed25519, then ML-DSA-44.

        Raises:
            SignatureError: one of the two does not verify.
        """
        ed25519, mldsa44 = signatures
        verify(self.ed25519, message, ed25519)
        verify_mldsa44(self.mldsa44, message, mldsa44)


class HybridKey:
    """An Ed25519 and an ML-DSA-44 key pair of one owner: forging takes breaking both."""

    __slots__ = ("_mldsa44", "ed25519", "public")

    def __init__(self, ed25519: SigningKey, mldsa44: MLDSA44PrivateKey) -> None:
        self.ed25519 = ed25519
        self._mldsa44 = mldsa44
        self.public = HybridPublic(ed25519=ed25519.public, mldsa44=mldsa44.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"HybridKey({self.public.fingerprint})"

    @classmethod
    def generate(cls) -> Self:
        """Draw a new key of each kind, independently."""
        return cls(SigningKey.generate(), MLDSA44PrivateKey.generate())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the 64 bytes that `to_bytes` gave.

        Raises:
            SignatureError: not 64 bytes.
        """
        if len(data) != 2 * _SEED_BYTES:
            raise SignatureError(f"a private hybrid key has {2 * _SEED_BYTES} bytes, these are {len(data)}")
        ed25519, mldsa44 = data[:_SEED_BYTES], data[_SEED_BYTES:]
        return cls(SigningKey.from_bytes(ed25519), MLDSA44PrivateKey.from_seed_bytes(mldsa44))

    def to_bytes(self) -> bytes:
        """The Ed25519 seed, then the ML-DSA seed, 32 raw bytes each: a secret."""
        return self.ed25519.to_bytes() + self._mldsa44.private_bytes_raw()

    def sign(self, message: bytes) -> tuple[bytes, bytes]:
        """Sign bytes as they are: the Ed25519 signature (64 bytes) and the ML-DSA-44 signature (2420 bytes)."""
        return self.ed25519.sign(message), self.sign_mldsa44(message)

    def sign_mldsa44(self, message: bytes) -> bytes:
        """Sign with ML-DSA-44 alone, for a frame that wants another message for each algorithm; 2420 bytes."""
        return self._mldsa44.sign(message)
