import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import SignatureError
from crypto.notes import (
    MAX_SIGNATURES,
    KeyKind,
    append_lines,
    cosign,
    read_checkpoint,
    read_vkey,
    sign_note,
    signature_lines,
    verify_cosignature,
    verify_note,
    vkey,
)
from crypto.signing import HybridKey, HybridPublic, SigningKey, verify_mldsa44

KEY, STRANGER = SigningKey.generate(), SigningKey.generate()

# The example in the package documentation of golang.org/x/mod/sumdb/note.
GO_KEY = SigningKey.from_bytes(base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:])
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_LINE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NAME = "coordinator.example/log1"
NOTE = sign_note(KEY, NAME, "coordinator.example/log1\n8\nroot\n")
LINE = NOTE.rpartition("\n\n")[2]
# The last character before the padding carries four bits of the signature and two that mean nothing.
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
SPARE_BITS_SET = ALPHABET[ALPHABET.index(NOTE[-3]) + 1]


def test_go_note_is_reproduced():
    assert vkey("PeterNeumann", GO_KEY.public) == GO_VKEY
    assert sign_note(GO_KEY, "PeterNeumann", GO_TEXT) == GO_TEXT + "\n" + GO_LINE
    assert verify_note(GO_TEXT + "\n" + GO_LINE, "PeterNeumann", GO_KEY.public) == GO_TEXT


@given(lines=st.lists(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])), min_size=1))
def test_whatever_is_noted_verifies(lines):
    text = "".join(f"{line}\n" for line in lines)
    assert verify_note(sign_note(KEY, NAME, text), NAME, KEY.public) == text


def test_lines_of_unknown_signers_are_skipped():
    stranger = sign_note(STRANGER, "witness.example", "x\n").rpartition("\n\n")[2]
    text = "coordinator.example/log1\n8\nroot\n"
    assert verify_note(f"{text}\n{stranger}{LINE}", NAME, KEY.public) == text


def test_a_line_of_the_same_name_with_another_key_is_skipped():
    text = "coordinator.example/log1\n8\nroot\n"
    older = sign_note(STRANGER, NAME, text).rpartition("\n\n")[2]
    assert verify_note(f"{text}\n{older}{LINE}", NAME, KEY.public) == text


def test_a_note_signed_by_another_key_is_refused():
    with pytest.raises(SignatureError, match="no signature of"):
        verify_note(sign_note(STRANGER, NAME, "x\n"), NAME, KEY.public)


def test_another_signature_under_a_known_key_hash_is_refused():
    head = base64.b64decode(LINE.split(" ")[2])[:4]
    forged = base64.b64encode(head + STRANGER.sign(b"x\n")).decode()
    with pytest.raises(SignatureError, match="does not verify"):
        verify_note(f"x\n\n\u2014 {NAME} {forged}\n", NAME, KEY.public)


@pytest.mark.parametrize(
    "note",
    [
        pytest.param("", id="empty"),
        pytest.param(NOTE.partition("\n\n")[0] + "\n", id="no signature"),
        pytest.param(NOTE.partition("\n\n")[0] + "\n\n", id="no signature line"),
        pytest.param(NOTE.replace("\n8\n", "\n9\n"), id="text changed"),
        pytest.param(NOTE.removesuffix("\n"), id="last newline missing"),
        pytest.param(NOTE + "\n", id="a line too many"),
        pytest.param(NOTE.replace("\u2014", "-"), id="a hyphen for the dash"),
        pytest.param(NOTE.replace("=\n", "\n"), id="base64 without padding"),
        pytest.param(NOTE.removesuffix("=\n")[:-1] + SPARE_BITS_SET + "=\n", id="base64 with spare bits set"),
        pytest.param(NOTE.removesuffix("\n") + "*\n", id="base64 with a strange character"),
        pytest.param(NOTE.replace("root\n\n", "root\n"), id="no empty line"),
        pytest.param(NOTE.replace(NAME + " ", "other.example "), id="another name in the line"),
    ],
)
def test_a_changed_note_is_refused(note):
    with pytest.raises(SignatureError):
        verify_note(note, NAME, KEY.public)


@given(position=st.integers(0, len(NOTE) - 1), sign=st.characters(exclude_categories=[]))
def test_no_changed_character_goes_unnoticed(position, sign):
    changed = NOTE[:position] + sign + NOTE[position + 1 :]
    if changed != NOTE:
        with pytest.raises(SignatureError):
            verify_note(changed, NAME, KEY.public)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a b", "x\n", id="a space in the name"),
        pytest.param("a\u3000b", "x\n", id="an ideographic space in the name"),
        pytest.param("a+b", "x\n", id="a plus sign in the name"),
        pytest.param("", "x\n", id="no name"),
        pytest.param("a", "x", id="no newline at the end"),
        pytest.param("a", "", id="no text"),
        pytest.param("a", "x\r\n", id="a carriage return"),
        pytest.param("a", "x\t\n", id="a tab"),
        pytest.param("a", "\ud800\n", id="half a character"),
        pytest.param("a", "DSSEv1 1 x 1 y\n", id="the beginning of an envelope's encoding"),
        pytest.param("a", "cosignature/v1\ntime 1\nx\n", id="the beginning of a cosigned message"),
    ],
)
def test_notes_that_others_could_not_read_are_not_signed(name, text):
    with pytest.raises(ValueError, match="note"):
        sign_note(KEY, name, text)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("\u2014 other.example AAAAAAB=\n", id="base64 with spare bits set"),
        pytest.param("\u2014 other.example AAAAAA==\n", id="a key id without a signature"),
        pytest.param("\u2014 other.example\n", id="no signature"),
        pytest.param("\u2014 a+b AAAAAAA=\n", id="a plus sign in the name"),
        pytest.param("\u2014  AAAAAAA=\n", id="no name"),
        pytest.param("\u2014 other.example\tx AAAAAAA=\n", id="a tab in the name"),
    ],
)
def test_a_malformed_line_of_a_stranger_spoils_the_note_as_it_does_for_go(line):
    with pytest.raises(SignatureError):
        verify_note(NOTE + line, NAME, KEY.public)


def test_two_lines_of_one_key_are_refused():
    with pytest.raises(SignatureError, match="two signatures"):
        verify_note(NOTE + LINE, NAME, KEY.public)


def test_a_note_with_endless_signatures_is_refused():
    stranger = "\u2014 other.example AAAAAAA=\n"
    assert verify_note(NOTE + stranger * (MAX_SIGNATURES - 1), NAME, KEY.public)
    with pytest.raises(SignatureError):
        verify_note(NOTE + stranger * MAX_SIGNATURES, NAME, KEY.public)


# --- verifier keys ---

WITNESS, OTHER = HybridKey.generate(), HybridKey.generate()
VKEY = vkey(NAME, WITNESS.public.mldsa44, kind=KeyKind.MLDSA44_COSIGNATURE)


@pytest.mark.parametrize(
    ("kind", "public"),
    [(0x01, WITNESS.public.ed25519), (0x04, WITNESS.public.ed25519), (0x06, WITNESS.public.mldsa44)],
    ids=["note", "Ed25519 cosignature", "ML-DSA-44 cosignature"],
)
def test_a_verifier_key_of_every_kind_is_read_as_written(kind, public):
    assert read_vkey(vkey(NAME, public, kind=kind)) == (NAME, kind, public)


def test_go_verifier_key_is_read():
    assert read_vkey(GO_VKEY) == ("PeterNeumann", KeyKind.NOTE, GO_KEY.public)


def test_the_same_key_has_another_hash_for_every_kind():
    hashes = {vkey(NAME, KEY.public, kind=kind).split("+")[1] for kind in (0x01, 0x04)}
    assert len(hashes) == 2


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("PeterNeumann+c74f20a3", id="no key"),
        pytest.param(GO_VKEY + "\n", id="trailing newline"),
        pytest.param(" " + GO_VKEY, id="leading space"),
        pytest.param(GO_VKEY.replace("Peter", "Paul"), id="another name"),
        pytest.param(GO_VKEY.replace("c74f20a3", "c74f20a4"), id="another hash"),
        pytest.param(GO_VKEY.replace("c74f20a3", "C74F20A3"), id="capitals in the hash"),
        pytest.param(GO_VKEY.replace("ARpc", "Ahpc"), id="type 2"),
        pytest.param(GO_VKEY.replace("ARpc", "BBpc"), id="type 4 with the hash of type 1"),
        pytest.param(GO_VKEY[:-4], id="key three bytes short"),
        pytest.param(GO_VKEY + "AAAA", id="key three bytes long"),
        pytest.param(GO_VKEY.replace("+ARpc", "+\u3000ARpc"), id="a space before the key"),
        pytest.param(GO_VKEY.replace("ARpc", "AR-c"), id="URL-safe base64"),
        pytest.param("PeterNeumann+c74f20a3+", id="empty key"),
        pytest.param(VKEY[:-8], id="ML-DSA-44 key cut off"),
    ],
)
def test_a_changed_verifier_key_is_refused(text):
    with pytest.raises(SignatureError):
        read_vkey(text)


@given(position=st.integers(0, len(GO_VKEY) - 1), sign=st.characters(exclude_categories=[]))
def test_no_changed_character_of_a_verifier_key_goes_unnoticed(position, sign):
    changed = GO_VKEY[:position] + sign + GO_VKEY[position + 1 :]
    if changed != GO_VKEY:
        with pytest.raises(SignatureError):
            read_vkey(changed)


@pytest.mark.parametrize(
    ("name", "public", "kind"),
    [
        pytest.param("a b", bytes(32), 0x01, id="a space in the name"),
        pytest.param("a", bytes(31), 0x01, id="key too short"),
        pytest.param("a", bytes(32), 0x06, id="Ed25519 key as ML-DSA-44"),
        pytest.param("a", bytes(1312), 0x04, id="ML-DSA-44 key as Ed25519"),
        pytest.param("a", bytes(32), 0x02, id="unknown kind"),
    ],
)
def test_verifier_keys_that_others_could_not_read_are_not_written(name, public, kind):
    with pytest.raises(ValueError):
        vkey(name, public, kind=kind)


# --- checkpoints ---

WITNESS_NAME = f"{NAME}/tax"
ROOT = bytes(range(32))
TEXT = f"{NAME}\n8\n{base64.b64encode(ROOT).decode()}\n"


def test_a_checkpoint_is_read():
    assert read_checkpoint(TEXT) == (NAME, 8, ROOT)
    assert read_checkpoint(TEXT.replace("8\n", "0\n", 1))[1] == 0


BAD_CHECKPOINTS = [
    pytest.param("", id="empty"),
    pytest.param("\n" + TEXT.partition("\n")[2], id="no origin"),
    pytest.param(TEXT.removesuffix("\n"), id="no newline at the end"),
    pytest.param(TEXT + "extension\n", id="an extension line"),
    pytest.param(TEXT + "\n", id="an empty line"),
    pytest.param(TEXT.replace("\n8\n", "\n08\n"), id="a leading zero"),
    pytest.param(TEXT.replace("\n8\n", "\n+8\n"), id="a sign"),
    pytest.param(TEXT.replace("\n8\n", "\n-8\n"), id="a negative size"),
    pytest.param(TEXT.replace("\n8\n", "\n８\n"), id="a full-width digit"),
    pytest.param(TEXT.replace("\n8\n", "\n8 \n"), id="a space after the size"),
    pytest.param(TEXT.replace("\n8\n", "\n1_0\n"), id="an underscore in the size"),
    pytest.param(TEXT.replace("\n8\n", f"\n{2**63}\n"), id="a size of 2^63"),
    pytest.param(TEXT.replace("\n8\n", f"\n{'9' * 5000}\n"), id="a size of 5,000 digits"),
    pytest.param(f"{NAME}\n8\n{base64.b64encode(bytes(31)).decode()}\n", id="a root a byte short"),
    pytest.param(TEXT.replace("=\n", "\n"), id="a root without padding"),
    pytest.param(TEXT.replace(NAME, "a\tb"), id="a control character"),
    pytest.param(TEXT.replace(NAME, "\ud800"), id="half a character"),
]


@pytest.mark.parametrize("text", BAD_CHECKPOINTS)
def test_a_malformed_checkpoint_is_neither_read_nor_cosigned(text):
    with pytest.raises(SignatureError):
        read_checkpoint(text)
    with pytest.raises(SignatureError):
        cosign(WITNESS, WITNESS_NAME, text, time_s=1)


# --- cosignatures ---

TIME_S = 1_679_315_147
CHECKPOINT = sign_note(KEY, NAME, TEXT)
LINES = cosign(WITNESS, WITNESS_NAME, TEXT, time_s=TIME_S)
SEALED = append_lines(CHECKPOINT, LINES)
ED25519, MLDSA44 = (base64.b64decode(line.split(" ")[2]) for line in LINES)


def _line(signature: bytes, name: str = WITNESS_NAME) -> str:
    return f"\u2014 {name} {base64.b64encode(signature).decode()}\n"


def _check(*lines: str, name: str = WITNESS_NAME, public: HybridPublic = WITNESS.public) -> int:
    return verify_cosignature(append_lines(CHECKPOINT, lines), name, public)


def test_a_cosigned_checkpoint_tells_when():
    assert verify_cosignature(SEALED, WITNESS_NAME, WITNESS.public) == TIME_S


def test_the_lines_are_ed25519_first_and_as_long_as_the_standard_says():
    assert (len(ED25519), len(MLDSA44)) == (4 + 8 + 64, 4 + 8 + 2420)
    assert ED25519[4:12] == MLDSA44[4:12] == TIME_S.to_bytes(8, "big")


def test_the_lines_carry_the_hash_of_their_verifier_keys():
    keys = [vkey(WITNESS_NAME, WITNESS.public.ed25519, kind=0x04), vkey(WITNESS_NAME, WITNESS.public.mldsa44, kind=6)]
    assert [ED25519[:4].hex(), MLDSA44[:4].hex()] == [key.split("+")[1] for key in keys]


def test_the_ed25519_message_is_that_of_the_standard():
    # tlog-cosignature, "Ed25519 signed message". Ed25519 is deterministic, so the same bytes give the same line.
    message = f"cosignature/v1\ntime 1679315147\n{TEXT}".encode()
    assert ED25519[12:] == WITNESS.ed25519.sign(message)


def test_the_ml_dsa_message_is_that_of_the_standard():
    # tlog-cosignature, "ML-DSA-44 signed message", written out by hand.
    name, origin = b"coordinator.example/log1/tax", b"coordinator.example/log1"
    message = b"subtree/v1\n\0" + b"\x1c" + name + bytes.fromhex("00000000641850cb") + b"\x18" + origin
    message += bytes(8) + bytes.fromhex("0000000000000008") + ROOT
    verify_mldsa44(WITNESS.public.mldsa44, message, MLDSA44[12:])


@given(size=st.integers(0, 2**63 - 1), time_s=st.integers(1, 2**63 - 1), root=st.binary(min_size=32, max_size=32))
def test_whatever_is_cosigned_verifies_under_its_own_key_only(size, time_s, root):
    text = f"{NAME}\n{size}\n{base64.b64encode(root).decode()}\n"
    note = append_lines(sign_note(KEY, NAME, text), cosign(WITNESS, WITNESS_NAME, text, time_s=time_s))
    assert verify_cosignature(note, WITNESS_NAME, WITNESS.public) == time_s
    with pytest.raises(SignatureError):
        verify_cosignature(note, WITNESS_NAME, OTHER.public)


@pytest.mark.parametrize("kind", ["ed25519", "mldsa44"])
def test_one_kind_is_enough_where_one_is_asked_for(kind):
    line = LINES[0] if kind == "ed25519" else LINES[1]
    note = append_lines(CHECKPOINT, [line])
    assert verify_cosignature(note, WITNESS_NAME, WITNESS.public, kinds=(kind,)) == TIME_S
    with pytest.raises(SignatureError, match="no signature"):
        verify_cosignature(note, WITNESS_NAME, WITNESS.public)


@pytest.mark.parametrize("kinds", [(), ("sm2",), ("ed25519", "sm2")])
def test_asking_for_no_or_an_unknown_kind_is_a_mistake_and_not_a_yes(kinds):
    with pytest.raises(ValueError, match="kinds"):
        verify_cosignature(SEALED, WITNESS_NAME, WITNESS.public, kinds=kinds)


def test_the_log_and_every_witness_sign_one_note():
    other = cosign(OTHER, f"{NAME}/health", TEXT, time_s=TIME_S + 1)
    note = append_lines(SEALED, other)
    assert verify_note(note, NAME, KEY.public) == TEXT
    assert verify_cosignature(note, WITNESS_NAME, WITNESS.public) == TIME_S
    assert verify_cosignature(note, f"{NAME}/health", OTHER.public) == TIME_S + 1


LATER = cosign(WITNESS, WITNESS_NAME, TEXT, time_s=TIME_S + 1)
FORK = cosign(WITNESS, WITNESS_NAME, TEXT.replace("\n8\n", "\n9\n"), time_s=TIME_S)
FORGED = cosign(OTHER, WITNESS_NAME, TEXT, time_s=TIME_S)
BARE = WITNESS.sign(TEXT.encode())
NULL = (0).to_bytes(8, "big")


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param((LINES[0], LATER[1]), id="two times"),
        pytest.param(FORK, id="lines of another checkpoint"),
        pytest.param((LINES[0], FORK[1]), id="ML-DSA-44 of another checkpoint"),
        pytest.param((FORK[0], LINES[1]), id="Ed25519 of another checkpoint"),
        pytest.param(FORGED, id="another key"),
        pytest.param(
            tuple(
                _line(mine[:4] + base64.b64decode(line.split(" ")[2])[4:])
                for mine, line in zip((ED25519, MLDSA44), FORGED, strict=True)
            ),
            id="another key under this key's hash",
        ),
        pytest.param((_line(ED25519[:11] + bytes([ED25519[11] ^ 1]) + ED25519[12:]), LINES[1]), id="Ed25519 time"),
        pytest.param((LINES[0], _line(MLDSA44[:11] + bytes([MLDSA44[11] ^ 1]) + MLDSA44[12:])), id="ML-DSA-44 time"),
        pytest.param((_line(ED25519[:-1]), LINES[1]), id="Ed25519 a byte short"),
        pytest.param((LINES[0], _line(MLDSA44[:-1])), id="ML-DSA-44 a byte short"),
        pytest.param((_line(ED25519[:11]), LINES[1]), id="Ed25519 shorter than its time"),
        pytest.param((_line(ED25519[:4] + MLDSA44[4:]), LINES[1]), id="ML-DSA-44 in Ed25519's place"),
        pytest.param((_line(ED25519[:4] + ED25519[4:12] + BARE[0]), LINES[1]), id="the bare text, signed Ed25519"),
        pytest.param((LINES[0], _line(MLDSA44[:4] + MLDSA44[4:12] + BARE[1])), id="the bare text, signed ML-DSA-44"),
    ],
)
def test_a_changed_cosignature_is_refused(lines):
    assert _check(*LINES) == TIME_S
    with pytest.raises(SignatureError):
        _check(*lines)


def test_time_0_is_refused_even_if_well_signed():
    note = append_lines(
        CHECKPOINT, [_line(ED25519[:4] + NULL + WITNESS.ed25519.sign(f"cosignature/v1\ntime 0\n{TEXT}".encode()))]
    )
    with pytest.raises(SignatureError, match="not 0"):
        verify_cosignature(note, WITNESS_NAME, WITNESS.public, kinds=("ed25519",))


def test_a_cosignature_does_not_pass_for_that_of_another_name():
    # The Ed25519 message does not commit to the name, so one key must never have two; the ML-DSA-44 message does.
    name = f"{NAME}/health"
    kind = KeyKind.MLDSA44_COSIGNATURE
    renamed = bytes.fromhex(vkey(name, WITNESS.public.mldsa44, kind=kind).split("+")[1]) + MLDSA44[4:]
    note = append_lines(CHECKPOINT, [_line(renamed, name)])
    with pytest.raises(SignatureError, match="does not verify"):
        verify_cosignature(note, name, WITNESS.public, kinds=("mldsa44",))


def test_a_witness_cannot_be_counted_by_a_line_it_signed_as_a_note():
    # The same Ed25519 key, but type 0x01: another key hash, another message.
    note = CHECKPOINT + sign_note(WITNESS.ed25519, WITNESS_NAME, TEXT).rpartition("\n\n")[2]
    with pytest.raises(SignatureError, match="no signature"):
        verify_cosignature(note, WITNESS_NAME, WITNESS.public, kinds=("ed25519",))


@pytest.mark.parametrize("line", [LINES[0], LATER[0], _line(ED25519[:4] + bytes(72))])
def test_two_lines_of_one_witness_key_are_refused(line):
    with pytest.raises(SignatureError, match="two signatures"):
        verify_cosignature(SEALED + line, WITNESS_NAME, WITNESS.public)
    with pytest.raises(SignatureError, match="two signature lines"):
        append_lines(SEALED, [line])


def test_a_cosignature_on_a_note_that_is_no_checkpoint_is_refused():
    text = TEXT + "extension\n"
    signature = WITNESS.ed25519.sign(f"cosignature/v1\ntime {TIME_S}\n{text}".encode())
    note = f"{text}\n{_line(ED25519[:12] + signature)}"
    with pytest.raises(SignatureError, match="three lines"):
        verify_cosignature(note, WITNESS_NAME, WITNESS.public, kinds=("ed25519",))


@given(position=st.integers(0, len(SEALED) - 1), sign=st.characters(exclude_categories=[]))
def test_no_changed_character_of_a_cosigned_checkpoint_goes_unnoticed(position, sign):
    changed = SEALED[:position] + sign + SEALED[position + 1 :]
    if changed != SEALED:
        with pytest.raises(SignatureError):
            verify_note(changed, NAME, KEY.public)
            verify_cosignature(changed, WITNESS_NAME, WITNESS.public)


@pytest.mark.parametrize(("name", "time_s"), [("a b", 1), ("a+b", 1), ("", 1), ("a", 0), ("a", -1), ("a", 2**63)])
def test_cosignatures_that_others_could_not_read_are_not_made(name, time_s):
    with pytest.raises(ValueError, match="cosigner"):
        cosign(WITNESS, name, TEXT, time_s=time_s)


def test_names_longer_than_the_ml_dsa_message_holds_are_refused():
    assert cosign(WITNESS, "a" * 255, TEXT, time_s=1)
    with pytest.raises(SignatureError, match="255 bytes"):
        cosign(WITNESS, "a" * 256, TEXT, time_s=1)
    with pytest.raises(SignatureError, match="255 bytes"):
        cosign(WITNESS, WITNESS_NAME, TEXT.replace(NAME, "税" * 86), time_s=1)


# --- lines ---


def test_lines_are_taken_off_and_put_on_again():
    lines = signature_lines(SEALED)
    assert lines == [CHECKPOINT.rpartition("\n\n")[2], *LINES]
    assert append_lines(CHECKPOINT, lines[1:]) == SEALED


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("", id="empty"),
        pytest.param("\n", id="an empty line, which would move the end of the text"),
        pytest.param(LINES[0].removesuffix("\n"), id="no newline"),
        pytest.param("\n" + LINES[0], id="an empty line first"),
        pytest.param("".join(LINES), id="two lines as one"),
        pytest.param("- a AAAAAAA=\n", id="a hyphen for the dash"),
        pytest.param("\u2014 a *\n", id="no base64"),
    ],
)
def test_what_is_no_signature_line_is_not_put_on(line):
    with pytest.raises(SignatureError):
        append_lines(CHECKPOINT, [line])
