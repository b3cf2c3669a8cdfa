"""Paillier encryption of integers, with python-paillier's keys and ciphertexts and a faster way to randomise.

Reference: P. Paillier, EUROCRYPT 1999; the fixed random base follows Damgård, Jurik and Nielsen, International
Journal of Information Security 9 (2010), but each encryptor draws its own. Key generation and decryption with a whole
key are python-paillier's (phe). It is imported here only and its types stay inside: its floats carry an exponent in
clear, so plaintexts here are integers and nothing else.

Ciphertexts can be changed by anybody who holds them (that is how they are summed): sign them, and decrypt only what
the parties agreed to open. GMP's arithmetic is not constant time, so whoever measures a party's encryption or
decryption closely enough may learn about its secrets.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import index
from typing import Literal, Self

import gmpy2
from phe import paillier as phe

from crypto.errors import CiphertextError, KeySizeError, SlotOverflowError

# 2048 bits give about 112 bits of security (NIST SP 800-57 part 1, table 2); smaller keys are for tests.
MINIMUM_KEY_BITS = 2048

Profile = Literal["standard", "strict"]


@dataclass(frozen=True, slots=True, repr=False)
class PublicKey:
    """The modulus n; a key that comes from another party enters by `from_bytes`, which checks it."""

    n: int

    def __repr__(self) -> str:
        return f"PublicKey({self.bits} bits, {self.fingerprint})"

    @property
    def bits(self) -> int:
        """Length of n in bits."""
        return self.n.bit_length()

    @property
    def n_squared(self) -> int:
        """The modulus of ciphertexts."""
        return self.n * self.n

    @property
    def plaintext_bits(self) -> int:
        """Bits that fit into a plaintext whatever they are: one less than n has."""
        return self.bits - 1

    @property
    def ciphertext_bytes(self) -> int:
        """Length of every ciphertext in bytes, so that length says nothing about content."""
        return (2 * self.bits + 7) // 8

    @property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of SHA-256 over the key's bytes, for a person to compare."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:16]

    def to_bytes(self) -> bytes:
        """The modulus n, big-endian, as short as it goes."""
        return self.n.to_bytes((self.bits + 7) // 8)

    @classmethod
    def from_bytes(cls, data: bytes, *, minimum_bits: int = MINIMUM_KEY_BITS) -> Self:
        """Read another party's key.

        Raises:
            KeySizeError: n is below `minimum_bits`, even, or not in its shortest form. That n is a product of two
                large primes cannot be seen from n; it rests on whoever generated the key.
        """
        key = cls(int.from_bytes(data))
        if key.bits < minimum_bits:
            raise KeySizeError(f"the key has {key.bits} bits, the minimum is {minimum_bits}")
        if key.n % 2 == 0 or key.to_bytes() != data:
            raise KeySizeError("these bytes are no Paillier modulus: even, or padded with zeros")
        return key


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKey:
    """The primes of n. Whoever holds this reads every ciphertext alone: deal it into shares and forget it."""

    p: int
    q: int

    def __post_init__(self) -> None:
        if self.p == self.q or gmpy2.gcd(self.p * self.q, (self.p - 1) * (self.q - 1)) != 1:
            raise ValueError("p and q do not make a Paillier key: equal, or one divides the other less one")

    def __repr__(self) -> str:
        return f"PrivateKey({self.public.fingerprint})"

    @property
    def public(self) -> PublicKey:
        """The half to give away."""
        return PublicKey(self.p * self.q)


def generate(bits: int = 2048, *, minimum_bits: int = MINIMUM_KEY_BITS) -> PrivateKey:
    """Draw a key pair whose modulus has exactly `bits` bits.

    Raises:
        KeySizeError: `bits` is below `minimum_bits`.
    """
    if bits < minimum_bits:
        raise KeySizeError(f"a key of {bits} bits was asked for, the minimum is {minimum_bits}")
    _, private = phe.generate_paillier_keypair(n_length=bits)
    return PrivateKey(int(private.p), int(private.q))


class Encryptor:
    """Encrypts one party's plaintexts under one public key.

    A ciphertext is (1 + m*n) times a random n-th power modulo n^2. The profiles differ in that power:

    - `strict`: r^n with a fresh random unit r. Semantic security rests on the decisional composite residuosity
      (DCR) assumption alone, as in Paillier's paper.
    - `standard`: g^a with g = h^n, h a random square that this object draws and never shows, and a fresh exponent
      a of half the length of n. It rests on DCR and on a further assumption, that powers of g with such short
      exponents look like powers with full-length ones. h must not come from another party: a base of low order
      would switch the encryption off. Damgård, Jurik and Nielsen publish h and ask for special primes; that a base
      drawn in private does without them is our own argument, and not reviewed.

    Objects are cheap until they encrypt; keep one as long as the key to pay for its table once.
    """

    # Lim and Lee's comb (CRYPTO 1994): the exponent is TEETH x BLOCKS runs of bits, and each step takes one bit of
    # every run. Measured at 2048 bits, CPU ms to set up and then for each ciphertext: this comb 22 and 0.87; windows
    # of 4 bits 31 and 1.37, of 8 bits 181 and 0.73. A message has 1 to 40 ciphertexts, so set-up counts as well;
    # twice the blocks would pay from about 50 ciphertexts on.
    _TEETH = 8  # one byte of randomness picks one entry of a table
    _BLOCKS = 4

    def __init__(self, public_key: PublicKey, *, profile: Profile = "standard") -> None:
        if profile not in ("standard", "strict"):
            raise ValueError(f"no profile {profile!r}; there are standard and strict")
        self.public_key = public_key
        self.profile = profile
        self._n = gmpy2.mpz(public_key.n)
        self._n_squared = self._n**2
        self._run_bits = -(-public_key.bits // 2 // (self._TEETH * self._BLOCKS))

    def encrypt_vector(self, plaintexts: Sequence[int]) -> list[bytes]:
        """Encrypt each plaintext with fresh randomness.

        Args:
            plaintexts: shape (k,), each at least 0 and at most `public_key.plaintext_bits` long.

        Returns:
            k ciphertexts of `public_key.ciphertext_bytes` bytes each, big-endian.

        Raises:
            SlotOverflowError: a plaintext does not fit; nothing was encrypted.
        """
        integers = [index(plaintext) for plaintext in plaintexts]
        for position, integer in enumerate(integers):
            if integer < 0 or integer >> self.public_key.plaintext_bits:
                raise SlotOverflowError(f"plaintext {position} is outside the plaintext space")
        return [
            ciphertext_to_bytes(self.public_key, (1 + integer * self._n) * mask % self._n_squared)
            for integer, mask in zip(integers, self._masks(len(integers)), strict=True)
        ]

    def _masks(self, count: int) -> list[gmpy2.mpz]:
        if self.profile == "strict":
            units = [_random_unit(self.public_key) for _ in range(count)]
            return list(gmpy2.powmod_base_list(units, self._n, self._n_squared))
        return [self._short_power(secrets.token_bytes(self._BLOCKS * self._run_bits)) for _ in range(count)]

    def _short_power(self, digits: bytes) -> gmpy2.mpz:
        """The power of g whose exponent has bit t of byte b*R+k at (t*BLOCKS+b)*R+k, with R bits in a run."""
        power = gmpy2.mpz(1)
        for step in reversed(range(self._run_bits)):
            power = power * power % self._n_squared
            for table, digit in zip(self._tables, digits[step :: self._run_bits], strict=True):
                power = power * table[digit] % self._n_squared
        return power

    @cached_property
    def _tables(self) -> list[list[gmpy2.mpz]]:
        """For each block, all 256 products of its teeth: g to the powers 2^((t*BLOCKS+b)*R)."""
        h = gmpy2.powmod(_random_unit(self.public_key), 2, self._n)
        teeth = [gmpy2.powmod(h, self._n, self._n_squared)]
        while len(teeth) < self._TEETH * self._BLOCKS:
            teeth.append(gmpy2.powmod(teeth[-1], 1 << self._run_bits, self._n_squared))
        tables = []
        for block in range(self._BLOCKS):
            table = [gmpy2.mpz(1)]
            for tooth in teeth[block :: self._BLOCKS]:
                table += [entry * tooth % self._n_squared for entry in table]
            tables.append(table)
        return tables


def check_ciphertext(public_key: PublicKey, data: bytes) -> int:
    """Read a ciphertext that another party sent.

    Raises:
        CiphertextError: wrong length, not in the range 1 to n^2 - 1, or not prime to n.
    """
    if len(data) != public_key.ciphertext_bytes:
        raise CiphertextError(f"a ciphertext has {public_key.ciphertext_bytes} bytes, these are {len(data)}")
    ciphertext = int.from_bytes(data)
    if not 0 < ciphertext < public_key.n_squared or gmpy2.gcd(ciphertext, public_key.n) != 1:
        raise CiphertextError(f"the bytes are no ciphertext under key {public_key.fingerprint}")
    return ciphertext


def ciphertext_to_bytes(public_key: PublicKey, ciphertext: int) -> bytes:
    """The one form in which a ciphertext is sent, hashed and signed: big-endian, of fixed length."""
    return int(ciphertext).to_bytes(public_key.ciphertext_bytes)


def multiply(public_key: PublicKey, vectors: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Multiply ciphertexts place by place, which adds the plaintexts.

    The product is not randomised anew, on purpose: key holders recompute it from the signed inputs and open only
    what is equal, byte for byte.

    Args:
        public_key: the key of all inputs.
        vectors: shape (parties, k), at least one party.

    Returns:
        k ciphertexts.

    Raises:
        CiphertextError: no vectors, vectors of different length, or something that is no ciphertext.
    """
    if len({len(vector) for vector in vectors}) != 1:
        raise CiphertextError("a sum needs one vector or more, all of the same length")
    modulus = gmpy2.mpz(public_key.n_squared)
    checked = [[gmpy2.mpz(check_ciphertext(public_key, data)) for data in vector] for vector in vectors]
    return [
        ciphertext_to_bytes(public_key, reduce(lambda product, factor: product * factor % modulus, column))
        for column in zip(*checked, strict=True)
    ]


def decrypt_vector(private_key: PrivateKey, ciphertexts: Sequence[bytes]) -> list[int]:
    """Decrypt with the whole key, by python-paillier: for the dealer's check of a new key, and for tests.

    Raises:
        CiphertextError: something is no ciphertext under this key.
    """
    public_key = private_key.public
    whole = phe.PaillierPrivateKey(phe.PaillierPublicKey(public_key.n), private_key.p, private_key.q)
    return [int(whole.raw_decrypt(check_ciphertext(public_key, data))) for data in ciphertexts]


def _random_unit(public_key: PublicKey) -> int:
    while True:
        candidate = secrets.randbelow(public_key.n)
        if gmpy2.gcd(candidate, public_key.n) == 1:
            return candidate
