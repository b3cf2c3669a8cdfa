"""A private key under a passphrase, in a small text file.

The passphrase goes through scrypt (RFC 7914), its result encrypts the secret with ChaCha20-Poly1305 (RFC 8439); all
lines before the ciphertext are associated data. Nothing here reads a terminal or writes to a disk. Left out: files
for several passphrases, and hiding how long the secret is or whose it is.

    keyong key file 1
    owner: officer@tax
    scrypt: 131072 8 1
    salt: <base64>
    nonce: <base64>
    sealed: <base64>
"""

import base64
import secrets
import unicodedata
from hashlib import scrypt

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto.errors import KeyFileError, PassphraseError

MIN_PASSPHRASE_CHARACTERS = 12
# scrypt's N = 2^cost. With r = 8 it fills 2^cost KiB: 32 MiB are the least that slow a guesser down, and a hostile
# file cannot make its reader take more than 128 MiB.
MIN_COST, MAX_COST = 15, 17
_R, _P = 8, 1
_SALT_BYTES, _NONCE_BYTES, _KEY_BYTES = 16, 12, 32
_FIRST_LINE = "keyong key file 1"
_FIELDS = ("owner", "scrypt", "salt", "nonce", "sealed")


def seal_secret(
    secret: bytes, passphrase: str, *, owner: str, cost: int = MAX_COST, minimum_cost: int = MIN_COST
) -> bytes:
    """Encrypt a private key under a passphrase.

    Args:
        secret: what to protect; its length shows.
        passphrase: at least 12 characters.
        owner: whose key it is, one line; it shows, and the file opens for no other name.
        cost: binary logarithm of scrypt's N; 17 takes 128 MiB and about half a second.
        minimum_cost: the lowest cost to accept; only tests ask for less than the default.

    Returns:
        The file, UTF-8 text.

    Raises:
        PassphraseError: the passphrase is shorter than 12 characters.
        ValueError: an owner that is not one line, or a cost out of range.
    """
    if len(_normalised(passphrase)) < MIN_PASSPHRASE_CHARACTERS:
        raise PassphraseError(f"a passphrase has at least {MIN_PASSPHRASE_CHARACTERS} characters")
    if not owner or not owner.isprintable():
        raise ValueError("the owner of a key file is named in one line")
    if not minimum_cost <= cost <= MAX_COST:
        raise ValueError(f"the cost of a key file is {minimum_cost} to {MAX_COST}")
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    header = _header(owner, cost, salt, nonce)
    sealed = ChaCha20Poly1305(_derive(passphrase, salt, cost)).encrypt(nonce, secret, header)
    return header + _sealed_line(sealed)


def open_secret(file: bytes, passphrase: str, *, owner: str, minimum_cost: int = MIN_COST) -> bytes:
    """Decrypt what `seal_secret` wrote.

    Args:
        file: the file.
        passphrase: as it was given when sealing; how a keyboard composed its accents does not matter (NFC).
        owner: whose key the caller expects.
        minimum_cost: the lowest cost to accept; only tests ask for less than the default.

    Raises:
        KeyFileError: no key file, of another owner, at a cost out of range; or it does not open, and then nobody can
            tell a wrong passphrase from a damaged file.
    """
    named, cost, salt, nonce, sealed = _parse(file)
    if named != owner:
        raise KeyFileError(f"the key file belongs to {named!r}, not to {owner!r}")
    if not minimum_cost <= cost <= MAX_COST:
        # Before scrypt runs: a file may not choose how much memory its reader spends, nor be weak unnoticed.
        raise KeyFileError(f"the key file's scrypt cost is not between {minimum_cost} and {MAX_COST}")
    try:
        return ChaCha20Poly1305(_derive(passphrase, salt, cost)).decrypt(
            nonce, sealed, _header(owner, cost, salt, nonce)
        )
    except InvalidTag as exc:
        raise KeyFileError("the key file does not open: the passphrase is wrong, or the file was changed") from exc


def _parse(file: bytes) -> tuple[str, int, bytes, bytes, bytes]:
    """Owner, cost, salt, nonce and ciphertext, once the file is known to be in its only form."""
    try:
        fields = dict(line.split(": ", 1) for line in file.decode().split("\n")[1:-1])
        owner, parameters, *encoded = (fields[name] for name in _FIELDS)
        cost = int(parameters.partition(" ")[0]).bit_length() - 1
        salt, nonce, sealed = (base64.b64decode(text, validate=True) for text in encoded)
    except (ValueError, KeyError) as exc:
        raise KeyFileError("this is no key file") from exc
    if cost < 0 or (len(salt), len(nonce)) != (_SALT_BYTES, _NONCE_BYTES):
        raise KeyFileError("the key file's parameters are not those of version 1")
    if _header(owner, cost, salt, nonce) + _sealed_line(sealed) != file:
        raise KeyFileError("the key file is not of version 1, or not in its only form")
    return owner, cost, salt, nonce, sealed


def _header(owner: str, cost: int, salt: bytes, nonce: bytes) -> bytes:
    return (
        f"{_FIRST_LINE}\nowner: {owner}\nscrypt: {1 << cost} {_R} {_P}\n"
        f"salt: {base64.b64encode(salt).decode()}\nnonce: {base64.b64encode(nonce).decode()}\n"
    ).encode()


def _sealed_line(sealed: bytes) -> bytes:
    return b"sealed: " + base64.b64encode(sealed) + b"\n"


def _derive(passphrase: str, salt: bytes, cost: int) -> bytes:
    # OpenSSL counts a little more than 128 * N * r bytes and would refuse at exactly that.
    memory = 128 * _R * (1 << cost) + (1 << 20)
    password = _normalised(passphrase).encode(errors="surrogatepass")
    return scrypt(password, salt=salt, n=1 << cost, r=_R, p=_P, maxmem=memory, dklen=_KEY_BYTES)


def _normalised(passphrase: str) -> str:
    """One form for what looks the same: two input methods may compose an accent differently (RFC 8265, NFC)."""
    return unicodedata.normalize("NFC", passphrase)
