r"""C2SP signed notes and the cosignatures of witnesses: signatures on a text that a person can read.

Signed notes and verifier keys follow c2sp.org/signed-note, cosignatures c2sp.org/tlog-cosignature on checkpoints of
c2sp.org/tlog-checkpoint. A witness's two lines, Ed25519 (type 0x04) and ML-DSA-44 (type 0x06), are two statements
about one checkpoint at one time. Lines of unknown keys are skipped, as signed-note demands. Left out: extension lines
of checkpoints, which an ML-DSA-44 cosignature would not cover, and cosignatures of subtrees.
"""

import base64
import hashlib
import re
import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from crypto.errors import SignatureError
from crypto.signing import ED25519_BYTES, MLDSA44_BYTES, HybridKey, HybridPublic, SigningKey, verify, verify_mldsa44

# The limit of the Go team's reader. Two lines of each of 49 witnesses and the log's own fit.
MAX_SIGNATURES = 100
_MARK = "\u2014 "  # an em dash and a space begin each signature line
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")
_OTHER_FRAMES = ("DSSEv1 ", "cosignature/")
_MAX_U63 = 2**63 - 1
_U64 = struct.Struct(">Q")
_SUBTREE_LABEL = b"subtree/v1\n\0"


class KeyKind(IntEnum):
    """What a verifier key verifies, and how: the type byte of c2sp.org/signed-note."""

    NOTE = 0x01
    COSIGNATURE = 0x04
    MLDSA44_COSIGNATURE = 0x06


class _Line(NamedTuple):
    name: str
    key_hash: bytes
    signature: bytes


# --- verifier keys ---


def vkey(name: str, public: bytes, *, kind: int = KeyKind.NOTE) -> str:
    """Write a verifier key as other programs read it: name+hash+key.

    Raises:
        ValueError: no such kind, a name that notes cannot hold, or a key of another length than the kind's.
    """
    kind = KeyKind(kind)
    if not _is_name(name) or len(public) != _public_bytes(kind):
        raise ValueError("a verifier key is a name without spaces and plus signs, and a public key of its kind")
    return f"{name}+{_key_hash(name, kind, public).hex()}+{base64.b64encode(bytes([kind]) + public).decode()}"


def read_vkey(text: str) -> tuple[str, KeyKind, bytes]:
    """Read a verifier key.

    Returns:
        Name, kind and public key.

    Raises:
        SignatureError: not a verifier key of a known kind, a hash that is not its own, or not the canonical form.
    """
    try:
        name, _, encoded = text.split("+", 2)
        key = base64.b64decode(encoded, validate=True)
        kind, public = KeyKind(key[0]), key[1:]
        canonical = vkey(name, public, kind=kind)
    except (ValueError, IndexError) as exc:
        raise SignatureError("this is no verifier key of a known kind") from exc
    if canonical != text:
        raise SignatureError(f"the verifier key of {name!r} does not have its own hash, or is not in canonical form")
    return name, kind, public


# --- signed notes ---


def sign_note(key: SigningKey, name: str, text: str) -> str:
    r"""Sign a text that a person can read.

    Args:
        key: the signer's key.
        name: the signer's name in notes, without spaces and plus signs.
        text: one or more lines, each ended by "\n".

    Returns:
        The text, an empty line and the signature line.

    Raises:
        ValueError: a name or a text that others could not read, or a text that could pass for another kind of message.
    """
    if not _is_name(name):
        raise ValueError("a note signer's name has no spaces and no plus sign")
    if not text.endswith("\n") or _CONTROL.search(text):
        raise ValueError("a note's text ends with a newline and has no other control characters")
    if text.startswith(_OTHER_FRAMES):
        # The signature covers the bare text: with this beginning it would be one of an envelope or a cosignature.
        raise ValueError("a note's text does not begin as an envelope or a cosignature does")
    return f"{text}\n{_line(name, KeyKind.NOTE, key.public, key.sign(text.encode()))}"


def verify_note(note: str, name: str, public: bytes) -> str:
    """Check one signer's line on a note.

    Args:
        note: text, empty line, one or more signature lines.
        name: the signer to look for; lines of others are neither checked nor trusted.
        public: that signer's public key.

    Returns:
        The signed text, with its last newline.

    Raises:
        SignatureError: the note is malformed, has not exactly one line of this signer, or the signature does not
            verify.
    """
    text, lines = _read(note)
    verify(public, text.encode(), _signature(lines, name, KeyKind.NOTE, public))
    return text


def signature_lines(note: str) -> list[str]:
    r"""The signature lines of a note, each with its "\n", unverified.

    Raises:
        SignatureError: the note is malformed.
    """
    _read(note)
    return [f"{line}\n" for line in note.rpartition("\n\n")[2].split("\n")[:-1]]


def append_lines(note: str, lines: Iterable[str]) -> str:
    r"""Put further signature lines on a note. Verify them first: a bad line of a known key spoils the whole note.

    Args:
        note: a signed note.
        lines: what `cosign` or `signature_lines` gave, each ended by "\n".

    Raises:
        SignatureError: the note or a line is malformed, or a key would have two lines.
    """
    added = list(lines)
    if not all(line.startswith(_MARK) and line.find("\n") == len(line) - 1 for line in added):
        raise SignatureError("a signature line begins with an em dash and is one line")
    whole = note + "".join(added)
    _, read = _read(whole)
    if len({line[:2] for line in read}) != len(read):
        raise SignatureError("a key has two signature lines on the note")
    return whole


# --- checkpoints and cosignatures ---


def read_checkpoint(text: str) -> tuple[str, int, bytes]:
    """Read a checkpoint's body: origin, size, root hash.

    Raises:
        SignatureError: not exactly these three lines in their only form.
    """
    lines = text.split("\n")
    try:
        origin, size, root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (IndexError, ValueError) as exc:
        raise SignatureError("a checkpoint is three lines: origin, size, root hash") from exc
    canonical = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    if canonical != text or not origin or _CONTROL.search(origin) or len(root) != 32 or not 0 <= size <= _MAX_U63:
        raise SignatureError("a checkpoint is three lines: origin, size, root hash, each in its only form")
    return origin, size, root


def cosign(key: HybridKey, name: str, text: str, *, time_s: int) -> tuple[str, str]:
    r"""Witness a checkpoint with both algorithms. What a witness must have checked before is the caller's to check.

    Args:
        key: the witness's key.
        name: the witness's name in notes.
        text: the checkpoint's body: origin, size and root hash, each line ended by "\n".
        time_s: seconds since 1970, not 0.

    Returns:
        The Ed25519 line and the ML-DSA-44 line, each ended by "\n".

    Raises:
        SignatureError: `text` is no checkpoint.
        ValueError: a name or a time that the formats cannot hold.
    """
    if not _is_name(name) or not 0 < time_s <= _MAX_U63:
        raise ValueError("a cosigner has a name without spaces and plus signs, and a time after 1970")
    stamp, public = _U64.pack(time_s), key.public
    mldsa44 = key.sign_mldsa44(_mldsa44_message(name, text, time_s))
    ed25519 = key.ed25519.sign(_ed25519_message(text, time_s))
    return (
        _line(name, KeyKind.COSIGNATURE, public.ed25519, stamp + ed25519),
        _line(name, KeyKind.MLDSA44_COSIGNATURE, public.mldsa44, stamp + mldsa44),
    )


def verify_cosignature(
    note: str, name: str, public: HybridPublic, *, kinds: Sequence[str] = ("ed25519", "mldsa44")
) -> int:
    """Check one witness's lines on a checkpoint.

    Args:
        note: the checkpoint with its signature lines.
        name: the witness to look for; lines of others are neither checked nor trusted.
        public: that witness's public keys.
        kinds: which of its lines must be there.

    Returns:
        When it co-signed, in seconds since 1970.

    Raises:
        SignatureError: the note is no checkpoint, a line is missing or stands twice, a signature does not verify, or
            the lines tell different times.
    """
    if not kinds or not set(kinds) <= {"ed25519", "mldsa44"}:
        raise ValueError("the kinds of a cosignature are ed25519 and mldsa44")
    text, lines = _read(note)
    read_checkpoint(text)
    times = set()
    if "ed25519" in kinds:
        time_s, signature = _timestamped(_signature(lines, name, KeyKind.COSIGNATURE, public.ed25519))
        verify(public.ed25519, _ed25519_message(text, time_s), signature)
        times.add(time_s)
    if "mldsa44" in kinds:
        time_s, signature = _timestamped(_signature(lines, name, KeyKind.MLDSA44_COSIGNATURE, public.mldsa44))
        verify_mldsa44(public.mldsa44, _mldsa44_message(name, text, time_s), signature)
        times.add(time_s)
    if len(times) > 1:
        raise SignatureError(f"the cosignatures of {name!r} tell different times")
    return times.pop()


def _ed25519_message(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def _mldsa44_message(name: str, text: str, time_s: int) -> bytes:
    """The struct `cosigned_message`, in the presentation language of RFC 8446, section 3."""
    origin, size, root = read_checkpoint(text)
    start = 0
    return b"".join(
        [_SUBTREE_LABEL, _opaque(name), _U64.pack(time_s), _opaque(origin), _U64.pack(start), _U64.pack(size), root]
    )


def _opaque(text: str) -> bytes:
    data = text.encode()
    if not 0 < len(data) < 256:
        raise SignatureError("names in a cosignature have 1 to 255 bytes")
    return bytes([len(data)]) + data


def _timestamped(signature: bytes) -> tuple[int, bytes]:
    if len(signature) < _U64.size:
        raise SignatureError("a cosignature begins with its time")
    (time_s,) = _U64.unpack_from(signature)
    if not 0 < time_s <= _MAX_U63:
        # 0 would say that the witness does not claim to have seen no larger tree.
        raise SignatureError("a cosignature on a checkpoint tells its time, which is not 0")
    return time_s, signature[_U64.size :]


# --- the frame ---


@lru_cache(maxsize=4)  # every witness on a note asks for it anew
def _read(note: str) -> tuple[str, tuple[_Line, ...]]:
    """Split a note into its text and its signature lines."""
    body, blank, block = note.rpartition("\n\n")
    lines = block.split("\n")
    if not blank or lines.pop() or not 0 < len(lines) <= MAX_SIGNATURES or _CONTROL.search(body):
        raise SignatureError("a note is a text, an empty line and signature lines")
    return body + "\n", tuple(_read_line(line) for line in lines)


def _read_line(line: str) -> _Line:
    name, _, encoded = line.removeprefix(_MARK).partition(" ")
    try:
        signature = base64.b64decode(encoded, validate=True)
    except ValueError as exc:
        raise SignatureError("a signature line of the note is not base64") from exc
    if f"{_MARK}{name} {base64.b64encode(signature).decode()}" != line or not _is_name(name) or len(signature) < 5:
        raise SignatureError("a signature line of the note is not in its only form")
    return _Line(name, signature[:4], signature[4:])


def _signature(lines: Iterable[_Line], name: str, kind: KeyKind, public: bytes) -> bytes:
    """The one signature of this key."""
    wanted = (name, _key_hash(name, kind, public))
    found = [line.signature for line in lines if line[:2] == wanted]
    if not found:
        raise SignatureError(f"the note has no signature of {name!r} with this key")
    if len(found) > 1:
        raise SignatureError(f"the note has two signatures of {name!r} with this key")
    return found[0]


def _line(name: str, kind: KeyKind, public: bytes, signature: bytes) -> str:
    return f"{_MARK}{name} {base64.b64encode(_key_hash(name, kind, public) + signature).decode()}\n"


def _key_hash(name: str, kind: KeyKind, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def _public_bytes(kind: KeyKind) -> int:
    return MLDSA44_BYTES if kind is KeyKind.MLDSA44_COSIGNATURE else ED25519_BYTES


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name)) and not _CONTROL.search(name)
