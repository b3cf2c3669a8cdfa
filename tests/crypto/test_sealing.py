import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import SealError
from crypto.sealing import BoxKey, open_box, seal

# RFC 9180, appendix A.2.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, base mode.
RECIPIENT_PRIVATE = bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
RECIPIENT_PUBLIC = bytes.fromhex("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a")
INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
ENCAPSULATED = bytes.fromhex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")
AEAD_KEY = bytes.fromhex("ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91")
BASE_NONCE = bytes.fromhex("5c4d98150661b848853b547f")
PLAINTEXT = b"Beauty is truth, truth beauty"
CIPHERTEXT = bytes.fromhex("1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28")

KEY = BoxKey.generate()
BOX = seal(KEY.public, b"share 3", context=b"job 7, round 1, chengqu to zezhou")


def test_rfc_9180_private_key_has_the_published_public_key():
    key = BoxKey.from_bytes(RECIPIENT_PRIVATE)
    assert key.public == RECIPIENT_PUBLIC
    assert key.to_bytes() == RECIPIENT_PRIVATE


def test_a_box_made_from_the_published_key_schedule_opens():
    cipher = ChaCha20Poly1305(AEAD_KEY)
    # The RFC's first message has associated data, our boxes have none: its key and nonce are the same.
    assert cipher.encrypt(BASE_NONCE, PLAINTEXT, b"Count-0") == CIPHERTEXT
    box = ENCAPSULATED + cipher.encrypt(BASE_NONCE, PLAINTEXT, None)
    assert open_box(BoxKey.from_bytes(RECIPIENT_PRIVATE), box, context=INFO) == PLAINTEXT


@given(plaintext=st.binary(max_size=300), context=st.binary(max_size=100))
def test_whatever_is_sealed_opens_in_its_context(plaintext, context):
    box = seal(KEY.public, plaintext, context=context)
    assert len(box) == 32 + len(plaintext) + 16
    assert open_box(KEY, box, context=context) == plaintext


def test_equal_plaintexts_give_different_boxes():
    assert seal(KEY.public, b"x", context=b"") != seal(KEY.public, b"x", context=b"")


def test_a_box_replayed_in_another_round_does_not_open():
    with pytest.raises(SealError):
        open_box(KEY, BOX, context=b"job 7, round 2, chengqu to zezhou")


def test_a_box_for_somebody_else_does_not_open():
    with pytest.raises(SealError):
        open_box(BoxKey.generate(), BOX, context=b"job 7, round 1, chengqu to zezhou")


@pytest.mark.parametrize(
    "mangle",
    [
        pytest.param(lambda box: b"", id="empty"),
        pytest.param(lambda box: box[:31], id="half a key"),
        pytest.param(lambda box: box[:32], id="no ciphertext"),
        pytest.param(lambda box: box[:-1], id="a byte short"),
        pytest.param(lambda box: box + b"\x00", id="a byte long"),
        pytest.param(lambda box: box[:-1] + bytes([box[-1] ^ 1]), id="tag changed"),
        pytest.param(lambda box: box[:32] + bytes([box[32] ^ 1]) + box[33:], id="ciphertext changed"),
        pytest.param(lambda box: bytes(32) + box[32:], id="encapsulated key of low order"),
    ],
)
def test_a_changed_box_does_not_open(mangle):
    with pytest.raises(SealError):
        open_box(KEY, mangle(BOX), context=b"job 7, round 1, chengqu to zezhou")


@pytest.mark.parametrize("recipient", [b"", bytes(31), bytes(32)], ids=["empty", "short", "low order"])
def test_nothing_is_sealed_to_a_key_that_protects_nothing(recipient):
    with pytest.raises(SealError):
        seal(recipient, b"share", context=b"")


def test_a_private_key_of_another_length_is_refused():
    with pytest.raises(SealError, match="32 bytes"):
        BoxKey.from_bytes(bytes(31))


def test_a_box_key_shows_only_its_fingerprint():
    assert KEY.to_bytes().hex() not in repr(KEY)
    assert len(repr(KEY)) == len("BoxKey()") + 16
