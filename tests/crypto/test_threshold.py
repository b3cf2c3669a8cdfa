from itertools import combinations

import phe
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import CiphertextError, ShareError
from crypto.paillier import Encryptor, PrivateKey, ciphertext_to_bytes, multiply
from crypto.threshold import KeyShare, combine, deal, partial_decrypt

HOLDERS, THRESHOLD = 5, 3


@pytest.fixture(scope="module")
def shares(small_key: PrivateKey) -> list[KeyShare]:
    return deal(small_key, holders=HOLDERS, threshold=THRESHOLD)


@pytest.fixture(scope="module")
def ciphertexts(small_key: PrivateKey) -> list[bytes]:
    return Encryptor(small_key.public).encrypt_vector([42, 0])


@pytest.fixture
def parts(small_key: PrivateKey, shares, ciphertexts) -> dict[int, list[bytes]]:
    return {share.index: partial_decrypt(small_key.public, share, ciphertexts) for share in shares}


def open_with(key: PrivateKey, parts) -> list[int]:
    return combine(key.public, parts, holders=HOLDERS, threshold=THRESHOLD)


def test_every_set_of_three_holders_opens(small_key: PrivateKey, parts):
    for chosen in combinations(parts, THRESHOLD):
        assert open_with(small_key, {index: parts[index] for index in chosen}) == [42, 0]


def test_more_holders_than_needed_open_as_well(small_key: PrivateKey, parts):
    assert open_with(small_key, parts) == [42, 0]


def test_parts_beyond_the_threshold_are_not_looked_at(small_key: PrivateKey, parts):
    assert open_with(small_key, parts | {5: [b"damaged"]}) == [42, 0]


@given(values=st.lists(st.integers(0, 2**511 - 1), max_size=3), quorum=st.integers(2, 7), more=st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_whatever_is_encrypted_opens_under_any_quorum(small_key: PrivateKey, values, quorum, more):
    holders = quorum + more
    dealt = deal(small_key, holders=holders, threshold=quorum)
    encrypted = Encryptor(small_key.public).encrypt_vector(values)
    parts = {share.index: partial_decrypt(small_key.public, share, encrypted) for share in dealt[more:]}
    assert combine(small_key.public, parts, holders=holders, threshold=quorum) == values


def test_a_ciphertext_of_plain_phe_opens_at_2048_bits(key: PrivateKey):
    theirs = ciphertext_to_bytes(key.public, phe.PaillierPublicKey(key.public.n).raw_encrypt(40))
    total = multiply(key.public, [[theirs], Encryptor(key.public).encrypt_vector([2])])
    parts = {share.index: partial_decrypt(key.public, share, total) for share in deal(key, holders=6, threshold=3)[3:]}
    assert combine(key.public, parts, holders=6, threshold=3) == [42]


# --- shares as bytes ---


def test_a_share_reads_back_as_it_was_written(shares):
    assert [KeyShare.from_bytes(share.to_bytes()) for share in shares] == shares


def test_a_share_shows_everything_but_its_value(shares):
    assert repr(shares[1]) == "KeyShare(2 of 5, threshold 3)"


@pytest.mark.parametrize(
    "mangle",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[:5], id="cut off"),
        pytest.param(lambda data: data[:6] + b"\x00" + data[6:], id="padded value"),
        pytest.param(lambda data: b"\x00\x00" + data[2:], id="index 0"),
        pytest.param(lambda data: b"\x00\x06" + data[2:], id="index above holders"),
        pytest.param(lambda data: data[:4] + b"\x00\x01" + data[6:], id="threshold 1"),
    ],
)
def test_bytes_that_are_no_share_are_refused(shares, mangle):
    with pytest.raises(ShareError):
        KeyShare.from_bytes(mangle(shares[0].to_bytes()))


@pytest.mark.parametrize("threshold", [1, 6])
def test_one_holder_alone_or_more_than_there_are_is_no_threshold(small_key: PrivateKey, threshold):
    with pytest.raises(ValueError, match="threshold"):
        deal(small_key, holders=5, threshold=threshold)


# --- attacks and accidents ---


def test_two_of_three_are_refused(small_key: PrivateKey, parts):
    with pytest.raises(ShareError, match="3 are needed"):
        open_with(small_key, {1: parts[1], 2: parts[2]})


def test_two_holders_who_claim_a_threshold_of_two_get_nothing(small_key: PrivateKey, parts):
    with pytest.raises(ShareError, match="do not fit"):
        combine(small_key.public, {1: parts[1], 2: parts[2]}, holders=HOLDERS, threshold=2)


def test_two_holders_who_pass_one_part_off_as_two_get_nothing(small_key: PrivateKey, parts):
    with pytest.raises(ShareError, match="do not fit"):
        open_with(small_key, {1: parts[1], 2: parts[2], 3: parts[2]})


def test_a_part_made_with_a_wrong_share_is_noticed(small_key: PrivateKey, shares, ciphertexts, parts):
    wrong = KeyShare(index=1, value=shares[0].value + 1, holders=HOLDERS, threshold=THRESHOLD)
    parts[1] = partial_decrypt(small_key.public, wrong, ciphertexts)
    with pytest.raises(ShareError, match="do not fit"):
        open_with(small_key, parts)


def test_a_part_for_another_ciphertext_is_noticed(small_key: PrivateKey, parts):
    parts[1] = parts[1][::-1]
    with pytest.raises(ShareError, match="do not fit"):
        open_with(small_key, parts)


@pytest.mark.parametrize("index", [0, -1, 6])
def test_a_part_of_nobody_is_refused(small_key: PrivateKey, parts, index):
    with pytest.raises(ShareError, match="numbered from 1 to 5"):
        open_with(small_key, parts | {index: parts[1]})


def test_parts_of_different_length_are_refused(small_key: PrivateKey, parts):
    with pytest.raises(ShareError, match="different numbers"):
        open_with(small_key, parts | {2: parts[2][:1]})


def test_the_holder_whose_part_is_no_group_element_is_named(small_key: PrivateKey, parts):
    with pytest.raises(ShareError, match="holder 2"):
        open_with(small_key, parts | {2: [bytes(128), bytes(128)]})


def test_a_holder_does_not_work_on_what_is_no_ciphertext(small_key: PrivateKey, shares):
    with pytest.raises(CiphertextError):
        partial_decrypt(small_key.public, shares[0], [ciphertext_to_bytes(small_key.public, small_key.public.n)])


def test_limit_a_malicious_holder_shifts_the_opening_and_another_quorum_shows_it(small_key: PrivateKey, parts):
    public = small_key.public
    parts[1] = multiply(public, [parts[1], [ciphertext_to_bytes(public, 1 + public.n)] * 2])
    shifted = open_with(small_key, parts)
    assert shifted != [42, 0]  # and no error: semi-honest holders only
    assert open_with(small_key, {index: parts[index] for index in (2, 3, 4)}) != shifted
