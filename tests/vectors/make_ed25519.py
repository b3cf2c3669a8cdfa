"""Write edge cases of Ed25519: python tests/vectors/make_ed25519.py > tests/vectors/ed25519.json

After the families of Project Wycheproof, worked out here from test 3 of RFC 8032, section 7.1. Every verifier of the
record, in whatever language, must say the same to each: where RFC 8032 leaves a choice, ours is the strict one.
"""

import hashlib
import json

PUBLIC = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
MESSAGE = bytes.fromhex("af82")
SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)
FIELD = 2**255 - 19
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
IDENTITY = (1).to_bytes(32, "little")
R, S = SIGNATURE[:32], int.from_bytes(SIGNATURE[32:], "little")
# y coordinates of the points whose order divides 8; libsodium refuses the same list.
ORDER_8 = (
    2707385501144840649318225287225658788936804267575313519463743609750303402022,
    55188659117513257062467267217118295137698188065244968500265048394206261417927,
)
SMALL_ORDER = {
    "order 1": 1,
    "order 1, y not below the field": FIELD + 1,
    "order 2": FIELD - 1,
    "order 4": 0,
    "order 4, y not below the field": FIELD,
    "order 8": ORDER_8[0],
    "order 8, the other": ORDER_8[1],
}


def little(number: int) -> bytes:
    return number.to_bytes(32, "little")


def small_order(public: bytes) -> tuple[bytes, bytes]:
    """A message for which R = identity, S = 0 fulfils the equation: the challenge is a multiple of 8."""
    for number in range(10_000):
        message = b"%d" % number
        challenge = int.from_bytes(hashlib.sha512(IDENTITY + public + message).digest(), "little") % GROUP_ORDER
        if challenge % 8 == 0:
            return message, IDENTITY + bytes(32)
    raise AssertionError("one of 8 messages should do")


def cases() -> list[tuple[str, bytes, bytes, bytes]]:
    made = [
        ("S plus the group order", PUBLIC, MESSAGE, R + little(S + GROUP_ORDER)),
        ("S plus twice the group order", PUBLIC, MESSAGE, R + little(S + 2 * GROUP_ORDER)),
        ("S is the group order minus S", PUBLIC, MESSAGE, R + little(GROUP_ORDER - S)),
        ("S is 0", PUBLIC, MESSAGE, R + bytes(32)),
        ("S is the group order", PUBLIC, MESSAGE, R + little(GROUP_ORDER)),
        ("highest bit of S set", PUBLIC, MESSAGE, SIGNATURE[:63] + bytes([SIGNATURE[63] | 0x80])),
        ("R and S swapped", PUBLIC, MESSAGE, SIGNATURE[32:] + R),
        ("sign of R changed", PUBLIC, MESSAGE, SIGNATURE[:31] + bytes([R[31] ^ 0x80]) + SIGNATURE[32:]),
        ("all zeros", PUBLIC, MESSAGE, bytes(64)),
        ("all ones", PUBLIC, MESSAGE, b"\xff" * 64),
        ("empty signature", PUBLIC, MESSAGE, b""),
        ("R only", PUBLIC, MESSAGE, R),
        ("a byte short", PUBLIC, MESSAGE, SIGNATURE[:-1]),
        ("a zero byte long", PUBLIC, MESSAGE, SIGNATURE + b"\x00"),
        ("twice", PUBLIC, MESSAGE, SIGNATURE * 2),
        ("empty message", PUBLIC, b"", SIGNATURE),
        ("message with a byte more", PUBLIC, MESSAGE + b"\x00", SIGNATURE),
        ("key a byte short", PUBLIC[:-1], MESSAGE, SIGNATURE),
        ("key a byte long", PUBLIC + b"\x00", MESSAGE, SIGNATURE),
        ("empty key", b"", MESSAGE, SIGNATURE),
        ("sign of the key changed", PUBLIC[:31] + bytes([PUBLIC[31] ^ 0x80]), MESSAGE, SIGNATURE),
        ("key not on the curve", little(2), MESSAGE, SIGNATURE),
    ]
    for name, y in SMALL_ORDER.items():
        for sign in (0, 1):
            public = little(y | sign << 255)
            made.append((f"key of {name}, sign bit {sign}", public, *small_order(public)))
    return made


def written(name: str, public: bytes, message: bytes, signature: bytes, *, verifies: bool) -> dict[str, object]:
    fields = {"public": public.hex(), "message": message.hex(), "signature": signature.hex()}
    return {"name": name} | fields | {"verifies": verifies}


if __name__ == "__main__":
    table = [written("RFC 8032, test 3", PUBLIC, MESSAGE, SIGNATURE, verifies=True)]
    table += [written(*case, verifies=False) for case in cases()]
    print(json.dumps(table, indent=1))
