import secrets

import gmpy2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import ShareError
from crypto.shamir import PRIME, join, split

SECRETS = st.binary(min_size=32, max_size=32)
SECRET = bytes(range(32))


def share(value: int) -> bytes:
    return value.to_bytes(33)


def number(data: bytes) -> int:
    return int.from_bytes(data)


def lagrange(points: dict[int, int], at: int) -> int:
    """The value `at` of the one polynomial of lowest degree through these points: written anew, as a second opinion."""
    total = 0
    for x, y in points.items():
        for other in points.keys() - {x}:
            y = y * (at - other) * int(gmpy2.invert(x - other, PRIME)) % PRIME
        total += y
    return total % PRIME


def test_the_modulus_is_the_smallest_prime_above_all_secrets():
    assert gmpy2.next_prime(2**256) == PRIME
    assert gmpy2.is_prime(PRIME, 50)


def test_a_line_is_read_at_zero():
    # 42 + 7x is 49 at 1 and 56 at 2.
    assert join({1: share(49), 2: share(56)}, threshold=2) == (42).to_bytes(32)


@pytest.mark.parametrize("holders", [(2, 4, 5), (1, 2, 3), (1, 4, 6), (1, 2, 3, 4, 5, 6)])
def test_the_worked_example_of_the_literature_joins(holders):
    # 1234 + 166x + 94x^2, the worked example of Wikipedia's article on Shamir's secret sharing.
    published = {1: 1494, 2: 1942, 3: 2578, 4: 3402, 5: 4414, 6: 5614}
    assert join({x: share(published[x]) for x in holders}, threshold=3) == (1234).to_bytes(32)


def test_shares_are_33_bytes_and_numbered_from_one():
    parts = split(SECRET, shares=5, threshold=3)
    assert [len(part) for part in parts] == [33] * 5
    values = {x: number(parts[x - 1]) for x in (1, 2, 3)}
    assert lagrange(values, 0) == number(SECRET)
    assert lagrange(values, 5) == number(parts[4])


@given(secret=SECRETS, data=st.data())
def test_any_threshold_of_the_shares_joins(secret, data):
    shares = data.draw(st.integers(2, 12))
    threshold = data.draw(st.integers(2, shares))
    parts = dict(enumerate(split(secret, shares=shares, threshold=threshold), start=1))
    holders = data.draw(st.permutations(range(1, shares + 1)))[: data.draw(st.integers(threshold, shares))]
    assert join({x: parts[x] for x in holders}, threshold=threshold) == secret


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32], ids=["zero", "the largest"])
def test_the_first_and_the_last_secret_are_secrets_too(secret):
    parts = dict(enumerate(split(secret, shares=200, threshold=134), start=1))
    assert join({x: parts[x] for x in range(67, 201)}, threshold=134) == secret


@given(secret=SECRETS, wanted=SECRETS, threshold=st.integers(2, 6))
def test_fewer_shares_than_the_threshold_are_consistent_with_every_secret(secret, wanted, threshold):
    """Whatever the colluders hold, for each secret there is exactly one value of the share they lack that gives it."""
    held = dict(enumerate(split(secret, shares=threshold, threshold=threshold)[:-1], start=1))
    lacking = lagrange({0: number(wanted)} | {x: number(part) for x, part in held.items()}, threshold)
    assert join(held | {threshold: share(lacking)}, threshold=threshold) == wanted


def test_the_coefficients_fill_the_field_and_differ():
    """Otherwise the shares of one secret would be likelier than those of another. False alarms: below 2**-50."""
    seen = []
    for _ in range(64):
        first, second, _ = map(number, split(bytes(32), shares=3, threshold=3))
        # f(1) = a + b and f(2) = 2a + 4b.
        steep = (second - 2 * first) * int(gmpy2.invert(2, PRIME)) % PRIME
        seen += [steep, (first - steep) % PRIME]
    assert len(set(seen)) == 128
    for bit in range(256):
        assert len({coefficient >> bit & 1 for coefficient in seen}) == 2


def test_one_share_too_few_is_refused():
    parts = split(SECRET, shares=5, threshold=4)
    with pytest.raises(ShareError, match="3 shares, 4 are needed"):
        join({1: parts[0], 2: parts[1], 3: parts[2]}, threshold=4)


def test_joining_with_a_lower_threshold_gives_something_else():
    parts = split(SECRET, shares=5, threshold=4)
    try:
        joined = join({1: parts[0], 2: parts[1], 3: parts[2]}, threshold=3)
    except ShareError:  # a chance of 2**-247
        return
    assert joined != SECRET


PARTS = {x + 1: part for x, part in enumerate(split(SECRET, shares=5, threshold=3))}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        pytest.param({1: PARTS[1][1:]}, "share 1", id="a byte short"),
        pytest.param({1: b"\x00" + PARTS[1]}, "share 1", id="a byte long"),
        pytest.param({1: share(PRIME)}, "share 1", id="the prime itself"),
        pytest.param({0: SECRET.rjust(33, b"\x00")}, "numbered", id="the share at zero is the secret"),
        pytest.param({-1: PARTS[1]}, "numbered", id="below zero"),
        pytest.param({PRIME + 1: PARTS[1]}, "numbered", id="the first point once more"),
        pytest.param({2: PARTS[3]}, "not all of one secret", id="another holder's share"),
        pytest.param({5: share(number(PARTS[5]) ^ 1)}, "not all of one secret", id="a bit changed in the last"),
        pytest.param({1: share(number(PARTS[1]) ^ 1)}, "not all of one secret", id="a bit changed in the first"),
    ],
)
def test_a_wrong_share_is_refused(wrong, reason):
    with pytest.raises(ShareError, match=reason):
        join(PARTS | wrong, threshold=3)


def test_shares_of_two_secrets_do_not_mix():
    others = split(secrets.token_bytes(32), shares=5, threshold=3)
    with pytest.raises(ShareError, match="not all of one secret"):
        join({1: PARTS[1], 2: PARTS[2], 3: others[2], 4: others[3]}, threshold=3)


def test_a_number_of_33_bytes_is_no_secret():
    with pytest.raises(ShareError, match="no secret of 32 bytes"):
        join({1: share(2**256), 2: share(2**256)}, threshold=2)


def test_the_refusal_shows_no_share():
    changed = number(PARTS[5]) ^ 1
    with pytest.raises(ShareError) as caught:
        join(PARTS | {5: share(changed)}, threshold=3)
    assert str(changed) not in str(caught.value)
    assert str(changed ^ 1) not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [{"threshold": 1}, {"threshold": 6}, {"shares": 1 << 16}, {"secret": bytes(31)}, {"secret": bytes(33)}],
    ids=str,
)
def test_a_split_that_protects_nothing_or_cannot_be_joined_is_refused(wrong):
    arguments = {"secret": SECRET, "shares": 5, "threshold": 3} | wrong
    with pytest.raises(ValueError, match=r"threshold|32 bytes"):
        split(arguments.pop("secret"), **arguments)


def test_a_threshold_of_one_joins_nothing():
    with pytest.raises(ValueError, match="threshold"):
        join(PARTS, threshold=1)
