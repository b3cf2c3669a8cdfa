"""Errors of the primitives, drawn by whose fault they are. No message holds a secret or a plaintext value.

CryptoError
│   the caller asked for something unsafe
├─ KeySizeError             the key is below the minimum, or is no Paillier modulus at all
├─ SlotOverflowError        a value is outside its declared bound; nothing was encrypted
├─ PassphraseError          the passphrase is too short to protect a key
│   another party sent something wrong
├─ CiphertextError          these bytes are no ciphertext under this key
├─ ShareError               too few, repeated or wrong partial decryptions
├─ TamperedPlaintextError   a decrypted total is one that honest inputs cannot give
├─ SignatureError           the signature, or the frame around it, does not verify
├─ SealError                the box cannot be opened, or there is no such recipient key
├─ KeyFileError             the key file does not open: another passphrase, another owner, or damage
│   the log contradicts itself
└─ ProofError               a Merkle inclusion or consistency proof does not hold
"""


class CryptoError(Exception):
    """A primitive refused; catch this at a boundary and fail closed."""


class KeySizeError(CryptoError):
    """The key is too small to protect anything, or is not a key."""


class SlotOverflowError(CryptoError):
    """A value does not fit where it was to go; nothing was encrypted."""


class PassphraseError(CryptoError):
    """The passphrase could be guessed; nothing was written."""


class CiphertextError(CryptoError):
    """The bytes are not a ciphertext under this public key."""


class ShareError(CryptoError):
    """The partial decryptions do not add up to an opening, or the shares to a secret."""


class MaskError(CryptoError):
    """With this mask key no secret can be agreed on."""


class TamperedPlaintextError(CryptoError):
    """Somebody changed a ciphertext: honest inputs cannot give this plaintext."""


class SignatureError(CryptoError):
    """The signature does not belong to this key and these bytes."""


class SealError(CryptoError):
    """The box was not sealed to this key in this context, or was changed since."""


class KeyFileError(CryptoError):
    """The key file does not open with this passphrase for this owner, or was changed since."""


class ProofError(CryptoError):
    """The Merkle proof does not lead from what is claimed to the root hash."""
