"""The positive control of the fingerprints: leaks made on purpose, inside the department, to see which are found.

A search that finds nothing proves nothing unless it finds what was planted. The leaks are made by the libraries that
would make them by accident, not by the code that makes the forms searched for; two of them get through, as they
must: they show where the search ends. Only counts come back.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import pickle
import secrets
import zipfile
import zlib
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec
import numpy as np
from google.protobuf.wrappers_pb2 import Int64Value

from federation.node.encodings import LEAST_BYTES, LEAST_DIGITS, as_number
from federation.node.fingerprints import Fingerprints

# Cells that are planted by each leak, drawn anew every time.
CELLS_EACH = 8
NOISE_BYTES = 2_000
# Digits of a number that takes eight bytes even where every byte holds two of them, or seven bits.
LONG = 16

Leak = Callable[[str], bytes | None]


class Control(NamedTuple):
    """What became of one kind of leak.

    Attributes:
        leak: how the cell was written.
        expected: whether it ought to be found.
        planted: frames with one planted cell; 0 if no cell can be written so.
        found: how many of them were found out.
    """

    leak: str
    expected: bool
    planted: int
    found: int


def _number(write: Callable[[int], bytes], *, digits: int = LEAST_DIGITS) -> Leak:
    def leak(cell: str) -> bytes | None:
        number = as_number(cell)
        return None if number is None or number < 10 ** (digits - 1) else write(number)

    return leak


def _charset(name: str) -> Leak:
    def leak(cell: str) -> bytes | None:
        raw = cell.encode(name)
        return raw if len(raw) >= LEAST_BYTES else None

    return leak


def _json(cell: str) -> bytes:
    return json.dumps({"detail": cell}, ensure_ascii=False).encode()


def _zip(cell: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", f"id,name\n{cell},x\n" * 3)
    return file.getvalue()


def _deflate(cell: str) -> bytes:
    return zlib.compress(_json(cell), wbits=-15)


LEAKS: dict[str, Leak] = {
    "json": _json,
    "gb18030": _charset("gb18030"),
    "utf-16-le": _charset("utf-16-le"),
    "utf-16-be": _charset("utf-16-be"),
    "json-escape": lambda cell: json.dumps({"detail": cell}).encode(),
    "percent": lambda cell: urlencode({"detail": cell}).encode(),
    "hex": lambda cell: _json(cell).hex().encode(),
    "base64, 0 bytes in": lambda cell: base64.b64encode(_json(cell)),
    "base64, 1 byte in": lambda cell: base64.b64encode(b" " + _json(cell)),
    "base64, 2 bytes in": lambda cell: base64.b64encode(b"  " + _json(cell)),
    "base64url": lambda cell: base64.urlsafe_b64encode(_json(cell)),
    "pickle": pickle.dumps,
    "messagepack": msgspec.msgpack.encode,
    "messagepack, number": _number(msgspec.msgpack.encode),
    "protobuf, number": _number(lambda number: Int64Value(value=number).SerializeToString(), digits=LONG),
    "packed-decimal": _number(lambda number: bytes.fromhex(f"{number:020d}"), digits=LONG),
    "int64-le": _number(lambda number: np.array([1, number, 1], "<i8").tobytes()),
    "int64-be": _number(lambda number: np.array([1, number, 1], ">i8").tobytes()),
    "float64-le": _number(lambda number: np.array([0.5, number, 0.5], "<f8").tobytes()),
    "float64-be": _number(lambda number: np.array([0.5, number, 0.5], ">f8").tobytes()),
    "zlib": lambda cell: zlib.compress(_json(cell)),
    "gzip": lambda cell: gzip.compress(_json(cell)),
    "deflate": _deflate,
    "zip": _zip,
}

# What the search does not claim to find.
BEYOND: dict[str, Leak] = {
    "xor": lambda cell: bytes(byte ^ 0x5A for byte in _json(cell)),
    "base64 of gzip": lambda cell: base64.b64encode(gzip.compress(_json(cell))),
}


def demonstrate(fingerprints: Fingerprints) -> tuple[Control, ...]:
    """Plant some of the sampled cells in frames of noise, in every way there is, and search; nothing leaves.

    Returns:
        One line per kind of leak, without any value; first, with nothing planted, what must find nothing.
    """
    drawn = list(fingerprints.cells)
    secrets.SystemRandom().shuffle(drawn)
    clean = [_is_found(fingerprints, b"") for _ in range(CELLS_EACH)]
    lines = [Control("nothing planted", expected=False, planted=len(clean), found=sum(clean))]
    for leaks, expected in ((LEAKS, True), (BEYOND, False)):
        for name, leak in leaks.items():
            planted = [content for cell in drawn if (content := leak(cell.text)) is not None][:CELLS_EACH]
            found = sum(_is_found(fingerprints, content) for content in planted)
            lines.append(Control(name, expected=expected, planted=len(planted), found=found))
    return tuple(lines)


def _is_found(fingerprints: Fingerprints, content: bytes) -> bool:
    noise = secrets.token_bytes(NOISE_BYTES)
    return fingerprints.search(noise + content + noise, fields=(content,)) is not None
