"""Vectors under masks that cancel in the sum: whoever adds them up learns the sum and nothing about one party.

K. Bonawitz et al., "Practical secure aggregation for privacy-preserving machine learning", CCS 2017, double masking:
every pair of parties shares a mask that one adds and the other subtracts, and each adds a mask of its own. Who survives
a round has its own seed opened, who dropped out its private key, by `crypto.shamir`; **never both of one party**, for
then its vector lies open. Each holder of shares keeps to that on its own: one kind of answer for each party and round.
With a threshold above two thirds of the cohort, fewer than a third of which collude, nobody then gets both (section 6).

Pair masks: X25519 (RFC 7748), HKDF-SHA256 (RFC 5869), ChaCha20 (RFC 8439) as the stream. What both sides must agree on,
such as the model, goes into the context: who was handed another model adds noise and not a vector in the clear
(D. Pasquini, D. Francati and G. Ateniese, CCS 2022).

Left out: who a public key belongs to (take it from a signed message only), any proof that a vector is an honest one,
and the sparse graph of Bell et al. (CCS 2020): here everybody pairs with everybody.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from operator import index
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.errors import MaskError, ShareError, SlotOverflowError, TamperedPlaintextError

Words: TypeAlias = npt.NDArray[np.uint64]

SEED_BYTES = 32
# Half of a word for the value, the other half, less a bit, for adding up.
LIMB_BITS = 32
LARGEST_LIMB = (1 << LIMB_BITS) - 1
MAX_ADDENDS = 1 << 31


class MaskKey:
    """One party's X25519 key pair for ONE round: if the party drops out of the round, its private key is opened."""

    __slots__ = ("_private", "public")

    def __init__(self, private: X25519PrivateKey) -> None:
        self._private = private
        self.public: bytes = private.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"MaskKey({hashlib.sha256(self.public).hexdigest()[:16]})"

    @classmethod
    def generate(cls) -> Self:
        """Draw a new key."""
        return cls(X25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the 32 bytes that `to_bytes` gave.

        Raises:
            MaskError: not 32 bytes.
        """
        if len(data) != 32:
            raise MaskError(f"a private mask key has 32 bytes, these are {len(data)}")
        return cls(X25519PrivateKey.from_private_bytes(data))

    def to_bytes(self) -> bytes:
        """The private key, 32 raw bytes: a secret."""
        return self._private.private_bytes_raw()

    def agree(self, peer: bytes) -> bytes:
        """The secret shared with the holder of the public key `peer`, 32 bytes, not yet fit to be a key.

        Raises:
            MaskError: `peer` is no X25519 public key, or one of low order, with which there is no secret.
        """
        try:
            return self._private.exchange(X25519PublicKey.from_public_bytes(peer))
        except ValueError as exc:
            raise MaskError("a peer's mask key is no usable X25519 public key") from exc


def expand(seed: bytes, context: bytes, length: int) -> Words:
    """Stretch a seed to words that look random to whoever does not have it: a mask, or a pad for one reader.

    HKDF-SHA256 without salt, `context` as info, gives the key of ChaCha20; words are its key stream from block 0, nonce
    0, eight bytes each, little-endian. One seed and one context are one key: pad one vector with it.

    Args:
        seed: secret, 32 bytes.
        context: what the words are for, in one unambiguous form.
        length: how many words.
    """
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a seed has {SEED_BYTES} bytes, this one {len(seed)}")
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=context).derive(seed)
    stream = Cipher(ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(8 * length))
    return np.frombuffer(stream, dtype="<u8").astype(np.uint64, copy=False)


def mask(
    values: Words, *, name: str, key: MaskKey, own_seed: bytes, peers: Mapping[str, bytes], context: bytes
) -> Words:
    """Mask one party's vector; nothing but the sum over all survivors can be read again.

    Key and seed are for this vector alone: two vectors under the same masks show their difference.

    Args:
        values: shape (k,), modulo 2**64.
        name: this party's.
        key: this party's, drawn for this round.
        own_seed: 32 bytes, drawn for this round.
        peers: public keys of the whole cohort but this party, by name, whoever of them may drop out later; the cohort
            that was agreed on, never one that the coordinator names: masked with its friends alone, a vector lies open.
        context: log, job, round and a digest of what the round works on, in one unambiguous form. Masks cancel only
            between parties that were given the same.

    Returns:
        Shape (k,), modulo 2**64.

    Raises:
        MaskError: a peer's key is no usable public key.
    """
    if name in peers:
        raise ValueError("a party is no peer of its own")
    masked = _check_words(values) + expand(own_seed, _own_info(name, context), values.size)
    for peer, public in peers.items():
        pad = expand(key.agree(public), _pair_info({name: key.public, peer: public}, context), values.size)
        # Of two names the first in order of code points adds what the other subtracts.
        masked = masked + pad if name < peer else masked - pad
    return masked


def unmask(
    total: Words,
    *,
    own_seeds: Mapping[str, bytes],
    dropped: Mapping[str, bytes],
    keys: Mapping[str, bytes],
    context: bytes,
) -> Words:
    """Take the masks off the sum of the survivors' vectors.

    Args:
        total: shape (k,), the sum modulo 2**64 of what `mask` gave the survivors.
        own_seeds: the survivors' seeds, by name.
        dropped: the private keys of those that dropped out, by name, as their shares gave them.
        keys: the public keys of the whole cohort, by name.
        context: that of the masks.

    Returns:
        The sum of the survivors' values modulo 2**64, shape (k,). It is random if a seed is wrong or somebody masked
        in another context: `from_words` tells.

    Raises:
        ShareError: a private key does not belong to the public one that the party had announced.
        MaskError: a survivor's key is no usable public key.
    """
    if own_seeds.keys() & dropped.keys() or own_seeds.keys() | dropped.keys() != keys.keys():
        raise ValueError("everybody of the cohort has either survived or dropped out")
    result = _check_words(total).copy()
    for name, seed in own_seeds.items():
        result -= expand(seed, _own_info(name, context), total.size)
    for gone, private in dropped.items():
        key = _read_dropped(private, gone, keys[gone])
        for name in own_seeds:
            pad = expand(key.agree(keys[name]), _pair_info({name: keys[name], gone: keys[gone]}, context), total.size)
            result = result - pad if name < gone else result + pad
    return result


def to_words(values: Sequence[int], bounds: Sequence[int], addends: int) -> Words:
    """Cut integers into limbs of 32 bits, the lowest first, each in a word of its own, where sums do not overflow.

    Args:
        values: each from 0 to its bound.
        bounds: public, the same at every party.
        addends: how many such vectors are summed at most, from 1 to 2**31.

    Raises:
        SlotOverflowError: a value is outside its bound, or there are more or fewer values than bounds.
    """
    _check_layout(bounds, addends)
    if len(values) != len(bounds):
        raise SlotOverflowError(f"{len(values)} values for {len(bounds)} bounds")
    words: list[int] = []
    for slot, (value, bound) in enumerate(zip(map(index, values), bounds, strict=True)):
        if not 0 <= value <= bound:
            raise SlotOverflowError(f"value {slot} is outside its declared bound; clip it first")
        words.extend(value >> shift & LARGEST_LIMB for shift in _shifts(bound))
    return np.array(words, dtype=np.uint64)


def from_words(words: Words, bounds: Sequence[int], addends: int) -> list[int]:
    """Put totals together again, refusing what honest parties that agreed on the context cannot have given.

    The check is of ranges and no MAC: of random words each passes with a chance of about addends / 2**32, and whoever
    takes part can move a total within its bound.

    Args:
        words: the sum of `addends` vectors that `to_words` gave.

    Returns:
        One total per bound, each from 0 to bound * addends.

    Raises:
        TamperedPlaintextError: a limb or a total is above what its bound allows, or the number of words is wrong.
    """
    _check_layout(bounds, addends)
    rest = iter(_check_words(words).tolist())
    if words.size != sum(len(_shifts(bound)) for bound in bounds):
        raise TamperedPlaintextError("the number of words is not that of the bounds")
    return [_total(rest, bound, addends, slot) for slot, bound in enumerate(bounds)]


def _total(rest: Iterator[int], bound: int, addends: int, slot: int) -> int:
    total = 0
    for shift in _shifts(bound):
        limb = next(rest)
        if limb > addends * min(bound >> shift, LARGEST_LIMB):
            raise TamperedPlaintextError(f"a limb of total {slot} is above its bound; masks did not cancel")
        total += limb << shift
    if total > bound * addends:
        raise TamperedPlaintextError(f"total {slot} is above what its bound allows")
    return total


def _shifts(bound: int) -> range:
    return range(0, max(1, bound.bit_length()), LIMB_BITS)


def _check_layout(bounds: Sequence[int], addends: int) -> None:
    if not 1 <= addends <= MAX_ADDENDS or any(bound < 0 for bound in bounds):
        raise ValueError("bounds are 0 or more, addends from 1 to 2**31")


def _check_words(values: Words) -> Words:
    # Signed integers and numpy's uint64 make floats together, without a word.
    if values.dtype != np.uint64 or values.ndim != 1:
        raise ValueError("a vector to be masked is one row of uint64")
    return values


def _read_dropped(private: bytes, name: str, public: bytes) -> MaskKey:
    key = MaskKey.from_bytes(private)
    if key.public != public:
        raise ShareError(f"the shares of {name!r} give a private key that is not its own")
    return key


def _own_info(name: str, context: bytes) -> bytes:
    return _info(b"keyong masks 1 own", name.encode(), context)


def _pair_info(pair: Mapping[str, bytes], context: bytes) -> bytes:
    # Both public keys belong in it: RFC 7748, section 6.1, because several keys agree on one X25519 secret.
    fields = [field for name in sorted(pair) for field in (name.encode(), pair[name])]
    return _info(b"keyong masks 1 pair", *fields, context)


def _info(*fields: bytes) -> bytes:
    """Fields, each behind its length in four bytes, so that no two lists of fields look alike."""
    return b"".join(len(field).to_bytes(4) + field for field in fields)
