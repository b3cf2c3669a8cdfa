"""A Paillier key in shares: any `threshold` of the `holders` open a ciphertext together, fewer cannot.

References: V. Shoup, EUROCRYPT 2000 (integer interpolation by holders factorial); I. Damgård and M. Jurik, PKC 2001
(Paillier). A dealer shares d by Shamir's scheme over n*lambda, where d = 0 mod lambda and 1 mod n.

Semi-honest only. The dealer saw the key and must forget it. The primes are not safe primes and nobody proves that a
partial decryption is right, so an accident (wrong share, damaged bytes) is noticed, though not whose it is, and a
*malicious* holder can shift the opened value unnoticed, by a factor 1 + k*n. Opening a second time with other holders
shows such a shift, unless they collude. A share can also tell its holder that a number up to `holders` divides
lambda, which is no help in factoring n.
"""

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import gmpy2

from crypto.errors import CiphertextError, ShareError
from crypto.paillier import PrivateKey, PublicKey, check_ciphertext, ciphertext_to_bytes


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KeyShare:
    """One holder's secret: the value at `index` of the dealer's polynomial.

    Attributes:
        index: which holder, from 1.
        value: the secret, from 0 to n*lambda - 1.
        holders: how many shares were dealt.
        threshold: how many of them open a ciphertext.
    """

    index: int
    value: int
    holders: int
    threshold: int

    def __post_init__(self) -> None:
        _check_quorum(holders=self.holders, threshold=self.threshold)
        if not 1 <= self.index <= self.holders or self.value < 0:
            raise ValueError("no such share: the index runs from 1 to holders, the value is not negative")

    def __repr__(self) -> str:
        return f"KeyShare({self.index} of {self.holders}, threshold {self.threshold})"

    def to_bytes(self) -> bytes:
        """Index, holders and threshold in two bytes each, then the value; big-endian. This is the secret."""
        head = b"".join(number.to_bytes(2) for number in (self.index, self.holders, self.threshold))
        return head + self.value.to_bytes((self.value.bit_length() + 7) // 8)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            ShareError: the bytes are no share, or not in the one form a share has.
        """
        index, holders, threshold = (int.from_bytes(data[start : start + 2]) for start in (0, 2, 4))
        try:
            share = cls(index=index, value=int.from_bytes(data[6:]), holders=holders, threshold=threshold)
        except ValueError as exc:
            raise ShareError("the bytes are no key share") from exc
        if share.to_bytes() != data:
            raise ShareError("the key share is not in its canonical form")
        return share


def deal(private_key: PrivateKey, *, holders: int, threshold: int) -> list[KeyShare]:
    """Split a key into shares; the caller hands each to its holder and forgets the key.

    Args:
        private_key: the whole key.
        holders: number of shares.
        threshold: how many open a ciphertext, 2 <= threshold <= holders.

    Returns:
        The shares, indexes 1 to holders.
    """
    _check_quorum(holders=holders, threshold=threshold)
    n = private_key.public.n
    order = int(gmpy2.lcm(private_key.p - 1, private_key.q - 1))
    modulus = n * order
    secret = order * int(gmpy2.invert(order, n))
    coefficients = [secret, *(secrets.randbelow(modulus) for _ in range(threshold - 1))]
    return [
        KeyShare(
            index=index,
            value=sum(coefficient * index**power for power, coefficient in enumerate(coefficients)) % modulus,
            holders=holders,
            threshold=threshold,
        )
        for index in range(1, holders + 1)
    ]


def partial_decrypt(public_key: PublicKey, share: KeyShare, ciphertexts: Sequence[bytes]) -> list[bytes]:
    """One holder's part in opening ciphertexts; `threshold` such parts open them for whoever has these.

    Nothing here asks whether the ciphertexts may be opened: decide that first, and seal the result to the recipient.

    Args:
        public_key: the joint key.
        share: this holder's secret.
        ciphertexts: shape (k,).

    Returns:
        k partial decryptions, in the form of ciphertexts.

    Raises:
        CiphertextError: something is no ciphertext under this key.
    """
    bases = [check_ciphertext(public_key, data) for data in ciphertexts]
    exponent = 2 * math.factorial(share.holders) * share.value
    # The list form lets go of the interpreter lock, so a node can answer others meanwhile.
    powers = gmpy2.powmod_base_list(bases, exponent, public_key.n_squared)
    return [ciphertext_to_bytes(public_key, power) for power in powers]


def combine(public_key: PublicKey, parts: Mapping[int, Sequence[bytes]], *, holders: int, threshold: int) -> list[int]:
    """Open ciphertexts from partial decryptions of the holders with the lowest `threshold` indexes given.

    Args:
        public_key: the joint key.
        parts: holder's index -> k partial decryptions, in the order of the ciphertexts.
        holders: how many shares were dealt.
        threshold: how many are needed.

    Returns:
        k plaintexts, each from 0 to n - 1.

    Raises:
        ShareError: too few parts, an index that was not dealt, parts of different length, or parts that do not fit
            together.
    """
    _check_quorum(holders=holders, threshold=threshold)
    if any(not 1 <= index <= holders for index in parts):
        raise ShareError(f"holders are numbered from 1 to {holders}; a part has another number")
    if len(parts) < threshold:
        raise ShareError(f"{len(parts)} partial decryptions, {threshold} are needed")
    chosen = sorted(parts)[:threshold]
    if len({len(parts[index]) for index in chosen}) != 1:
        raise ShareError("the holders answered for different numbers of ciphertexts")

    n, n_squared, delta = public_key.n, public_key.n_squared, math.factorial(holders)
    products = [gmpy2.mpz(1)] * len(parts[chosen[0]])
    for index in chosen:
        others = [other for other in chosen if other != index]
        # Lagrange's coefficient at 0 times delta is a whole number: no division in a group of unknown order.
        coefficient = delta * math.prod(others) // math.prod(other - index for other in others)
        bases = _read_parts(public_key, index, parts[index])
        powers = gmpy2.powmod_base_list(bases, 2 * coefficient, n_squared)
        products = [product * power % n_squared for product, power in zip(products, powers, strict=True)]
    if any(product % n != 1 for product in products):
        raise ShareError("the partial decryptions do not fit together: a share or a ciphertext is wrong")
    scale = gmpy2.invert(4 * delta**2, n)
    return [int((product - 1) // n * scale % n) for product in products]


def _read_parts(public_key: PublicKey, index: int, parts: Sequence[bytes]) -> list[int]:
    try:
        return [check_ciphertext(public_key, data) for data in parts]
    except CiphertextError as exc:
        raise ShareError(f"holder {index} sent something that is no partial decryption") from exc


def _check_quorum(*, holders: int, threshold: int) -> None:
    if not 2 <= threshold <= holders < 1 << 16:
        raise ValueError("the threshold runs from 2 to the number of holders, at most 65535")
