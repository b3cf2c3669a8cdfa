import base64
import tracemalloc
import unicodedata

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import KeyFileError, PassphraseError
from crypto.keyfile import MAX_COST, MIN_COST, open_secret, seal_secret

SECRET, PASSPHRASE, OWNER = bytes(range(64)), "correct horse 电池", "officer@tax"
WEAK = 4  # N = 16: instant, and only tests ask for it


def seal(secret: bytes = SECRET, passphrase: str = PASSPHRASE, owner: str = OWNER) -> bytes:
    return seal_secret(secret, passphrase, owner=owner, cost=WEAK, minimum_cost=WEAK)


def unseal(file: bytes, passphrase: str = PASSPHRASE, owner: str = OWNER) -> bytes:
    return open_secret(file, passphrase, owner=owner, minimum_cost=WEAK)


FILE = seal()
LINES = FILE.decode().split("\n")


def _field(name: str) -> bytes:
    return base64.b64decode(next(line for line in LINES if line.startswith(name)).partition(": ")[2])


def _with(name: str, value: str) -> bytes:
    return "\n".join(f"{name}: {value}" if line.startswith(f"{name}:") else line for line in LINES).encode()


# --- the format ---


def test_a_sealed_secret_opens_at_the_cost_that_is_the_default():
    file = seal_secret(SECRET, PASSPHRASE, owner=OWNER)
    assert b"\nscrypt: 131072 8 1\n" in file
    assert open_secret(file, PASSPHRASE, owner=OWNER) == SECRET


@given(secret=st.binary(max_size=200), passphrase=st.text(st.characters(), min_size=24))
def test_whatever_is_sealed_opens_again(secret, passphrase):
    assert unseal(seal(secret, passphrase), passphrase) == secret


def test_the_file_is_scrypt_and_chacha20_poly1305_with_the_header_authenticated():
    # By the library's own scrypt and by hand, from the file's text alone.
    key = Scrypt(salt=_field("salt"), length=32, n=16, r=8, p=1).derive(PASSPHRASE.encode())
    header = FILE[: FILE.index(b"sealed: ")]
    assert ChaCha20Poly1305(key).decrypt(_field("nonce"), _field("sealed"), header) == SECRET


def test_the_file_is_seven_lines_of_text():
    assert [line.partition(":")[0] for line in LINES] == [
        "keyong key file 1",
        "owner",
        "scrypt",
        "salt",
        "nonce",
        "sealed",
        "",
    ]


def test_sealing_twice_shares_neither_salt_nor_nonce():
    other = seal().decode().split("\n")
    assert LINES[:3] == other[:3]
    assert not set(LINES[3:6]) & set(other[3:6])


def test_a_passphrase_composed_by_another_keyboard_opens():
    composed, taken_apart = (unicodedata.normalize(form, "Ä nother café") for form in ("NFC", "NFD"))
    assert composed != taken_apart
    assert unseal(seal(passphrase=taken_apart), composed) == SECRET


# --- passphrases and callers' mistakes ---


@pytest.mark.parametrize("passphrase", ["", "short", "eleven char", "é" * 6 + "é" * 5])
def test_a_passphrase_under_12_characters_is_refused(passphrase):
    with pytest.raises(PassphraseError, match="at least 12 characters"):
        seal(passphrase=passphrase)


def test_a_passphrase_of_12_characters_counted_as_they_look_is_taken():
    assert unseal(seal(passphrase="twelve chars"), "twelve chars") == SECRET
    with pytest.raises(PassphraseError):
        seal(passphrase=unicodedata.normalize("NFD", "é" * 11))


@pytest.mark.parametrize("owner", ["", "a\nb", "a\x00", "\u2028"])
def test_an_owner_that_is_not_one_line_is_refused(owner):
    with pytest.raises(ValueError, match="one line"):
        seal(owner=owner)


@pytest.mark.parametrize("cost", [0, MIN_COST - 1, MAX_COST + 1, 40])
def test_a_cost_out_of_range_is_refused(cost):
    with pytest.raises(ValueError, match="cost"):
        seal_secret(SECRET, PASSPHRASE, owner=OWNER, cost=cost)


# --- attacks ---


def test_a_weak_file_does_not_open_unless_asked_for():
    with pytest.raises(KeyFileError, match="cost"):
        open_secret(FILE, PASSPHRASE, owner=OWNER)


@pytest.mark.parametrize("exponent", [18, 20, 30, 40, 63])
def test_a_hostile_cost_is_refused_before_any_memory_is_taken(exponent):
    tracemalloc.start()
    try:
        with pytest.raises(KeyFileError, match="cost"):
            unseal(_with("scrypt", f"{1 << exponent} 8 1"))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "passphrase",
    ["", "correct horse 电", "Correct horse 电池", "correct horse 电池 ", "\ud800"],
)
def test_another_passphrase_does_not_open(passphrase):
    with pytest.raises(KeyFileError, match="does not open"):
        unseal(FILE, passphrase)


def test_a_file_renamed_to_another_owner_does_not_open():
    with pytest.raises(KeyFileError, match="does not open"):
        unseal(_with("owner", "officer@health"), owner="officer@health")


def test_a_file_of_another_owner_is_refused_by_name():
    with pytest.raises(KeyFileError, match="belongs to 'officer@tax'"):
        unseal(FILE, owner="officer@health")


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(FILE[:-1], id="last newline missing"),
        pytest.param(FILE + b"\n", id="a line too many"),
        pytest.param(FILE.replace(b"\n", b"\r\n"), id="carriage returns"),
        pytest.param(FILE.replace(b"file 1", b"file 2"), id="another version"),
        pytest.param(FILE.replace(b"owner: ", b"owner:  "), id="two spaces"),
        pytest.param(_with("scrypt", "16 8 2"), id="another p"),
        pytest.param(_with("scrypt", "16 4 1"), id="another r"),
        pytest.param(_with("scrypt", "016 8 1"), id="a leading zero"),
        pytest.param(_with("scrypt", "17 8 1"), id="N no power of two"),
        pytest.param(_with("scrypt", "32 8 1"), id="another N"),
        pytest.param(_with("scrypt", "-16 8 1"), id="negative N"),
        pytest.param(_with("scrypt", "0 8 1"), id="N of 0"),
        pytest.param(_with("scrypt", f"{'9' * 5000} 8 1"), id="N of 5,000 digits"),
        pytest.param(_with("scrypt", f"{1 << 5000:x} 8 1"), id="N no number"),
        pytest.param(_with("salt", ""), id="no salt"),
        pytest.param(_with("salt", base64.b64encode(bytes(16)).decode()), id="another salt"),
        pytest.param(_with("nonce", base64.b64encode(bytes(12)).decode()), id="another nonce"),
        pytest.param(_with("nonce", base64.b64encode(bytes(8)).decode()), id="a short nonce"),
        pytest.param(_with("sealed", ""), id="no ciphertext"),
        pytest.param(_with("sealed", base64.b64encode(_field("sealed")[:-1]).decode()), id="ciphertext a byte short"),
        pytest.param(_with("sealed", "*"), id="no base64"),
        pytest.param("\n".join([*LINES[:2], *LINES[3:]]).encode(), id="a line missing"),
        pytest.param("\n".join([*LINES[:2], LINES[1], *LINES[2:]]).encode(), id="a line twice"),
        pytest.param("\n".join([LINES[0], LINES[2], LINES[1], *LINES[3:]]).encode(), id="another order"),
    ],
)
def test_a_damaged_file_does_not_open(file):
    with pytest.raises(KeyFileError):
        unseal(file)


@given(position=st.integers(0, len(FILE) - 1), byte=st.integers(0, 255))
def test_no_changed_byte_goes_unnoticed(position, byte):
    changed = FILE[:position] + bytes([byte]) + FILE[position + 1 :]
    if changed != FILE:
        with pytest.raises(KeyFileError):
            unseal(changed)


def test_no_error_shows_the_passphrase_or_the_secret():
    for attempt in (lambda: seal(passphrase="hunter2"), lambda: unseal(FILE, "hunter2 hunter2")):
        with pytest.raises((PassphraseError, KeyFileError)) as caught:
            attempt()
        assert "hunter2" not in str(caught.value)
        assert SECRET.hex() not in str(caught.value)
