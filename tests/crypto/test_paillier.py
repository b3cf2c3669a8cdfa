import gmpy2
import phe
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import CiphertextError, KeySizeError, SlotOverflowError
from crypto.paillier import (
    Encryptor,
    PrivateKey,
    PublicKey,
    check_ciphertext,
    ciphertext_to_bytes,
    decrypt_vector,
    generate,
    multiply,
)

PROFILES = ["standard", "strict"]


# --- keys ---


def test_a_generated_modulus_has_exactly_the_bits_asked_for():
    assert generate(512, minimum_bits=512).public.bits == 512


def test_1024_bits_are_refused_unless_a_test_asks_for_them():
    with pytest.raises(KeySizeError, match="1024"):
        generate(1024)
    weak = generate(1024, minimum_bits=512).public
    with pytest.raises(KeySizeError, match="1024"):
        PublicKey.from_bytes(weak.to_bytes())
    assert PublicKey.from_bytes(weak.to_bytes(), minimum_bits=512) == weak


def test_a_public_key_reads_back_as_it_was_written(key: PrivateKey):
    assert PublicKey.from_bytes(key.public.to_bytes()) == key.public


@pytest.mark.parametrize(
    "mangle",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[:-1], id="a byte short"),
        pytest.param(lambda data: b"\x00" + data, id="padded"),
        pytest.param(lambda data: data[:-1] + bytes([data[-1] ^ 1]), id="even"),
    ],
)
def test_bytes_that_are_no_key_are_refused(key: PrivateKey, mangle):
    with pytest.raises(KeySizeError):
        PublicKey.from_bytes(mangle(key.public.to_bytes()))


def test_lengths_follow_from_the_modulus(key: PrivateKey):
    assert (key.public.bits, key.public.plaintext_bits, key.public.ciphertext_bytes) == (2048, 2047, 512)


def test_equal_primes_are_refused(key: PrivateKey):
    with pytest.raises(ValueError, match="equal"):
        PrivateKey(key.p, key.p)


def test_a_private_key_shows_only_its_fingerprint(key: PrivateKey):
    assert repr(key) == f"PrivateKey({key.public.fingerprint})"
    assert len(key.public.fingerprint) == 16


# --- encryption ---


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_encrypted_decrypts(key: PrivateKey, profile):
    plaintexts = [0, 1, 2**key.public.plaintext_bits - 1]
    assert decrypt_vector(key, Encryptor(key.public, profile=profile).encrypt_vector(plaintexts)) == plaintexts


@given(rows=st.lists(st.lists(st.integers(0, 2**500), min_size=3, max_size=3), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_product_of_ciphertexts_decrypts_to_sum_of_values(small_key: PrivateKey, rows):
    encryptor = Encryptor(small_key.public)
    product = multiply(small_key.public, [encryptor.encrypt_vector(row) for row in rows])
    assert decrypt_vector(small_key, product) == [sum(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("profile", PROFILES)
def test_equal_plaintexts_never_give_equal_ciphertexts(small_key: PrivateKey, profile):
    ciphertexts = Encryptor(small_key.public, profile=profile).encrypt_vector([7] * 50)
    assert len(set(ciphertexts)) == 50


@pytest.mark.parametrize("profile", PROFILES)
def test_every_ciphertext_has_the_same_length(small_key: PrivateKey, profile):
    encryptor = Encryptor(small_key.public, profile=profile)
    assert {len(data) for data in encryptor.encrypt_vector([0, 1, 2**510])} == {128}


@pytest.mark.parametrize("profile", PROFILES)
def test_what_hides_a_plaintext_is_a_power_of_n(small_key: PrivateKey, profile):
    # n-th powers are those whose order divides (p-1)(q-1): a mask that were not would change the plaintext.
    totient = (small_key.p - 1) * (small_key.q - 1)
    for data in Encryptor(small_key.public, profile=profile).encrypt_vector([0] * 5):
        assert pow(int.from_bytes(data), totient, small_key.public.n_squared) == 1
        assert int.from_bytes(data) != 1


def test_the_comb_raises_its_base_to_the_whole_exponent(key: PrivateKey):
    """A wrong table would still decrypt; only the exponent it really uses shows whether it hides enough."""
    encryptor = Encryptor(key.public)
    blocks, run = encryptor._BLOCKS, encryptor._run_bits
    digits = bytes(range(128))
    exponent = sum(
        (digits[block * run + bit] >> tooth & 1) << ((tooth * blocks + block) * run + bit)
        for tooth in range(8)
        for block in range(blocks)
        for bit in range(run)
    )
    base = encryptor._tables[0][1]
    assert encryptor._short_power(digits) == gmpy2.powmod(base, exponent, key.public.n_squared)


@pytest.mark.parametrize("bits", [512, 2048, 3072])
def test_random_exponents_are_at_least_half_as_long_as_the_modulus(bits):
    encryptor = Encryptor(PublicKey((1 << bits) - 1))
    assert encryptor._TEETH * encryptor._BLOCKS * encryptor._run_bits >= bits // 2


def test_two_encryptors_do_not_share_a_base(small_key: PrivateKey):
    one, other = Encryptor(small_key.public), Encryptor(small_key.public)
    assert one._tables[0][1] != other._tables[0][1]


@pytest.mark.parametrize("plaintext", [-1, 2**511], ids=["negative", "too long"])
def test_a_plaintext_that_does_not_fit_is_refused_by_its_position(small_key: PrivateKey, plaintext):
    with pytest.raises(SlotOverflowError, match="plaintext 1") as caught:
        Encryptor(small_key.public).encrypt_vector([0, plaintext])
    assert str(plaintext) not in str(caught.value)


def test_an_unknown_profile_is_refused(small_key: PrivateKey):
    with pytest.raises(ValueError, match="fast"):
        Encryptor(small_key.public, profile="fast")


# --- ciphertexts of others ---


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda key: 0, id="zero"),
        pytest.param(lambda key: key.public.n, id="n"),
        pytest.param(lambda key: 5 * key.p, id="a multiple of p"),
        pytest.param(lambda key: key.public.n_squared, id="n squared"),
        pytest.param(lambda key: key.public.n_squared + 1, id="above n squared"),
    ],
)
def test_numbers_that_are_no_ciphertexts_are_refused(key: PrivateKey, forge):
    data = ciphertext_to_bytes(key.public, forge(key))
    with pytest.raises(CiphertextError):
        check_ciphertext(key.public, data)
    with pytest.raises(CiphertextError):
        decrypt_vector(key, [data])


@pytest.mark.parametrize("change", [lambda data: data[1:], lambda data: b"\x00" + data, lambda data: b""])
def test_a_ciphertext_of_another_length_is_refused(key: PrivateKey, change):
    (data,) = Encryptor(key.public).encrypt_vector([1])
    with pytest.raises(CiphertextError, match="512 bytes"):
        check_ciphertext(key.public, change(data))


@pytest.mark.parametrize("lengths", [(), (1, 2), (0, 1)])
def test_vectors_of_different_length_are_not_summed(small_key: PrivateKey, lengths):
    encryptor = Encryptor(small_key.public)
    with pytest.raises(CiphertextError, match="same length"):
        multiply(small_key.public, [encryptor.encrypt_vector([1] * length) for length in lengths])


def test_a_forged_ciphertext_does_not_enter_a_sum(small_key: PrivateKey):
    honest = Encryptor(small_key.public).encrypt_vector([1])
    # p times anything would make the product vanish modulo p and hand out a factor of n.
    with pytest.raises(CiphertextError):
        multiply(small_key.public, [honest, [ciphertext_to_bytes(small_key.public, small_key.p)]])


def test_another_key_does_not_decrypt(key: PrivateKey, other_key: PrivateKey):
    ciphertext = next(
        data
        for data in Encryptor(key.public).encrypt_vector([42] * 100)
        if int.from_bytes(data) < other_key.public.n_squared
    )
    assert decrypt_vector(other_key, [ciphertext]) != [42]


# --- foreign eyes ---


@pytest.mark.parametrize("profile", PROFILES)
def test_plain_phe_decrypts_our_ciphertexts(key: PrivateKey, profile):
    public = phe.PaillierPublicKey(key.public.n)
    private = phe.PaillierPrivateKey(public, key.p, key.q)
    (data,) = Encryptor(key.public, profile=profile).encrypt_vector([20_260_101])
    assert private.decrypt(phe.EncryptedNumber(public, int.from_bytes(data), exponent=0)) == 20_260_101


def test_we_decrypt_and_sum_ciphertexts_of_plain_phe(key: PrivateKey):
    theirs = ciphertext_to_bytes(key.public, phe.PaillierPublicKey(key.public.n).raw_encrypt(40))
    (ours,) = Encryptor(key.public).encrypt_vector([2])
    assert decrypt_vector(key, multiply(key.public, [[theirs], [ours]])) == [42]


def test_a_ciphertext_worked_out_by_hand_decrypts():
    # p = 5, q = 7, n = 35, m = 3, r = 2: 1 + 3 * 35 = 106 and 2**35 mod 1225 = 18, so 106 * 18 mod 1225 = 683.
    assert decrypt_vector(PrivateKey(5, 7), [(683).to_bytes(2)]) == [3]
