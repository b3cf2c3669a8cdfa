r"""How one cell may look on the wire: every encoding of it that is long enough to be told from chance.

What is looked for, and why:

| form | where a slip produces it |
|---|---|
| utf-8 | JSON, MessagePack, protobuf, CSV, logs and error texts |
| gb18030 | files and programs of the national standard (GB 18030-2022); differs for names, not for digits |
| utf-16-le, utf-16-be | Windows, Java and spreadsheet exports |
| json-escape | `json.dumps` writes \uXXXX by default; both cases of the hexadecimal digits |
| percent | URLs and forms (RFC 3986, section 2.1), of both UTF-8 and GB 18030 |
| hex | `bytes.hex`, digests' neighbours in logs; both cases |
| base64 | DSSE payloads, JSON that carries bytes (RFC 4648, sections 4 and 5); all three alignments |
| packed-decimal | two digits to a byte: mainframes' BCD, and a number taken for hexadecimal |
| int64-le, int64-be | NumPy, Arrow and Parquet; MessagePack, Java, and network order |
| varint, zigzag | protobuf's int64 and sint64, Avro's long |
| float64-le, float64-be | pandas, which makes a column of numbers with a gap floating point |

MessagePack and CBOR add a prefix only: their text is utf-8, their integers int64-be. Left out: whatever was encrypted,
hashed, XORed, split or encoded twice; and 32-bit forms, too short to mean anything.

Chance. A form is looked for only if it has `LEAST_BYTES` bytes and `LEAST_BITS` bits, at 4 bits a byte if it could
stand in random hexadecimal text, 6 in base64, 8 elsewhere. Over uniformly random text of its kind, one form then
occurs at one place with a chance of at most 2**-44; P forms in L bytes falsely hit with at most P * L * 2**-44. Frames
hold little such text (signatures, hashes): with 10,000 forms, 20 kB of it give 1.1e-5. Ciphertexts are random bytes,
where a form of 8 bytes has 2**-64: 10,000 forms in 200 kB give 1.1e-10. In random decimal text eleven digits would
have 36 bits only, but no frame holds such text at length. What is *not* random, a public word that is also a cell, is
for the caller to leave out.
"""

from __future__ import annotations

import base64
import json
import re
import string
import struct
from collections.abc import Iterator
from urllib.parse import quote

LEAST_BYTES = 8
LEAST_BITS = 44  # eleven digits, those of a mobile number, in hexadecimal text
# Shorter numbers are too like an honest total, and their int64 is mostly zeros.
LEAST_DIGITS = 11

_HEX = frozenset(string.hexdigits.encode())
_BASE64 = frozenset((string.ascii_letters + string.digits + "+/-_").encode())


def encodings(cell: str) -> dict[bytes, str]:
    """Return the forms of a cell that are long enough to be looked for, with the name of each."""
    forms: dict[bytes, str] = {}
    for name, form in (*_texts(cell), *_wrapped(cell), *_numbers(cell)):
        if len(form) >= LEAST_BYTES and _bits(form) >= LEAST_BITS:
            forms.setdefault(form, name)  # digits are the same in UTF-8, GB 18030 and percent-encoding
    return forms


def as_number(cell: str) -> int | None:
    """Read a cell of at least `LEAST_DIGITS` digits as the integer it may be kept as; None if it is no such cell."""
    if not cell.isascii() or not cell.isdecimal():
        return None
    number = int(cell)
    return number if 10 ** (LEAST_DIGITS - 1) <= number < 2**63 else None


def _bits(form: bytes) -> int:
    """Bits that chance has to guess, in the poorest kind of random text the form could stand in."""
    symbols = set(form)
    return len(form) * (4 if symbols <= _HEX else 6 if symbols <= _BASE64 else 8)


def _texts(cell: str) -> Iterator[tuple[str, bytes]]:
    for name in ("utf-8", "gb18030", "utf-16-le", "utf-16-be"):
        yield name, cell.encode(name)
    escaped = json.dumps(cell)[1:-1].encode()
    yield "json-escape", escaped
    yield "json-escape", re.sub(rb"(?<=\\u)[0-9a-f]{4}", lambda digits: digits[0].upper(), escaped)


def _wrapped(cell: str) -> Iterator[tuple[str, bytes]]:
    for charset in ("utf-8", "gb18030"):
        raw = cell.encode(charset)
        percent = quote(raw, safe="").encode()
        yield "percent", percent
        yield "percent", re.sub(rb"%..", lambda octet: octet[0].lower(), percent)
        yield "hex", raw.hex().encode()
        yield "hex", raw.hex().upper().encode()
        for alignment in range(3):
            inner = _base64_inside(raw, alignment)
            yield "base64", inner
            yield "base64", inner.translate(bytes.maketrans(b"+/", b"-_"))


def _base64_inside(raw: bytes, alignment: int) -> bytes:
    """Return the characters of base64 text that depend on `raw` alone; `alignment` bytes before it share its three."""
    text = base64.b64encode(bytes(alignment) + raw)
    first = -(-alignment * 8 // 6)  # characters that hold a bit of what stands before
    last = (alignment + len(raw)) * 8 // 6  # characters whose six bits are all there
    return text[first:last]


def _numbers(cell: str) -> Iterator[tuple[str, bytes]]:
    number = as_number(cell)
    if number is None:
        return
    yield "packed-decimal", bytes.fromhex(cell if len(cell) % 2 == 0 else f"0{cell}")
    yield "int64-le", struct.pack("<q", number)
    yield "int64-be", struct.pack(">q", number)
    yield "float64-le", struct.pack("<d", number)
    yield "float64-be", struct.pack(">d", number)
    yield "varint", _varint(number)
    yield "zigzag", _varint(2 * number)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first (protobuf's encoding of integers)."""
    groups = [number >> shift & 0x7F for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes([*(group | 0x80 for group in groups[:-1]), groups[-1]])
