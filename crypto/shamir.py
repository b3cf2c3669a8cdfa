"""A secret of 32 bytes in shares: any `threshold` of them give it back, fewer tell nothing at all about it.

A. Shamir, "How to share a secret", Communications of the ACM 22(11), 1979, over the integers modulo the smallest prime
above 2**256, so that every 32-byte string is a secret: there is no bias and no rejection.

Plain integers, no library: the one in common use, pycryptodome's, works in a field of 128 bits and takes seconds for
200 parties. Left out: any proof that the dealer's shares fit together (verifiable secret sharing), and constant time,
which Python's integers do not have. A wrong share among exactly `threshold` gives another secret without a word: check
what comes out against something public. Shares beyond the threshold are checked against the others here.
"""

import math
import secrets
from collections.abc import Mapping
from functools import lru_cache

from crypto.errors import ShareError

PRIME = 2**256 + 297
SECRET_BYTES = 32
# The prime is above 2**256, so a value may need one bit more than a secret.
SHARE_BYTES = 33


def split(secret: bytes, *, shares: int, threshold: int) -> tuple[bytes, ...]:
    """Split a secret; the caller hands every share to its holder over a sealed way, and forgets the rest.

    Args:
        secret: 32 bytes.
        shares: how many are made.
        threshold: how many give the secret back, 2 <= threshold <= shares <= 65535.

    Returns:
        `shares` values of 33 bytes, big-endian; the one at position i is the polynomial at x = i + 1.
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes, this one {len(secret)}")
    if not 2 <= threshold <= shares < 1 << 16:
        raise ValueError("the threshold runs from 2 to the number of shares, at most 65535")
    falling = [secrets.randbelow(PRIME) for _ in range(threshold - 1)] + [int.from_bytes(secret)]
    return tuple(_evaluate(falling, x).to_bytes(SHARE_BYTES) for x in range(1, shares + 1))


def join(parts: Mapping[int, bytes], *, threshold: int) -> bytes:
    """Give back the secret of `threshold` or more of its shares.

    Args:
        parts: x -> the share there, as `split` numbers them.
        threshold: the one that the secret was split with.

    Returns:
        The secret, 32 bytes.

    Raises:
        ShareError: too few shares, something that is no share, or shares that are not all of one secret. With exactly
            `threshold` of them a wrong one does not show.
    """
    if threshold < 2:
        raise ValueError("the threshold is 2 or more")
    if len(parts) < threshold:
        raise ShareError(f"{len(parts)} shares, {threshold} are needed")
    values = {x: _read_share(x, parts[x]) for x in sorted(parts)}
    points = tuple(values)[:threshold]

    def interpolate(at: int) -> int:
        weights = _weights(points, at)
        return sum(weight * values[x] for weight, x in zip(weights, points, strict=True)) % PRIME

    if any(interpolate(x) != value for x, value in list(values.items())[threshold:]):
        raise ShareError("the shares are not all of one secret: one of them is wrong")
    secret = interpolate(0)
    if secret >= 1 << (8 * SECRET_BYTES):
        raise ShareError("the shares give no secret of 32 bytes: one of them is wrong")
    return secret.to_bytes(SECRET_BYTES)


def _evaluate(falling: list[int], x: int) -> int:
    """Horner's rule; coefficients from the highest power down."""
    value = 0
    for coefficient in falling:
        value = (value * x + coefficient) % PRIME
    return value


def _read_share(x: int, data: bytes) -> int:
    # x = 0 is where the secret itself lies; x and x + PRIME would be the same point twice.
    if not 1 <= x < 1 << 16:
        raise ShareError("shares are numbered from 1 to 65535; one has another number")
    value = int.from_bytes(data)
    if len(data) != SHARE_BYTES or value >= PRIME:
        raise ShareError(f"share {x} is no number below the prime, in {SHARE_BYTES} bytes")
    return value


# A round joins a secret of every party, all from the same holders. The cache holds who they are and no secret.
@lru_cache(maxsize=1024)
def _weights(points: tuple[int, ...], at: int) -> tuple[int, ...]:
    """Lagrange's coefficients: the polynomial's value `at`, from its values at `points`."""
    weights = []
    for point in points:
        others = [other for other in points if other != point]
        divisor = math.prod(point - other for other in others)
        weights.append(math.prod(at - other for other in others) * pow(divisor, -1, PRIME) % PRIME)
    return tuple(weights)
