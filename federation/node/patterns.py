"""Many byte patterns searched at once, in a frame and in the compressed streams that lie in it.

Every place of the frame is looked up by the eight bytes that stand there: first in a table of hashed pattern ends, then
exactly. The time hardly depends on how many patterns there are, and is linear in the frame. `bench/fingerprints.py`
holds it against the standard library's ways. Ends, because identity numbers begin alike.

Streams are inflated to a bounded size, one level deep: zlib (RFC 1950), gzip (RFC 1952) and members of zip files are
found by their headers wherever they lie, raw deflate (RFC 1951), which has none, at the beginning of a field only.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

TAIL = 8
TABLE_BITS = 20
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing (Knuth, TAOCP vol. 3, 6.4): 2**64 over the golden ratio
_SHIFT = np.uint64(64 - TABLE_BITS)
BLOCK_BYTES = 1 << 18  # so that what is computed from a block stays in the processor's cache

# Nothing that rightly leaves is compressed, and random bytes inflate to a few before they break off: whoever needs
# more than this is hiding something or a bomb.
MAX_INFLATED = 16 * 2**20
# In random bytes every 16,000th place looks like the beginning of a stream: 4,096 in the largest frame.
MAX_STREAMS = 1 << 16
PIECE_BYTES = 1 << 16

GZIP, ZLIB, RAW = 31, 15, -15  # zlib's names for the three kinds of stream: wbits
MAGICS = ((b"x\x01", ZLIB), (b"x\x5e", ZLIB), (b"x\x9c", ZLIB), (b"x\xda", ZLIB), (b"\x1f\x8b\x08", GZIP))
ZIP_MAGIC, ZIP_HEADER_BYTES = b"PK\x03\x04", 30


class TooMuchToInflateError(ValueError):
    """The compressed streams of a frame are more, or larger, than are looked into."""


class PatternSet:
    """Byte patterns, ready to be searched for."""

    def __init__(self, patterns: Iterable[bytes]) -> None:
        """Index the patterns.

        Raises:
            ValueError: a pattern is shorter than eight bytes.
        """
        self._by_tail: defaultdict[int, list[bytes]] = defaultdict(list)
        for pattern in patterns:
            if len(pattern) < TAIL:
                raise ValueError("a pattern has at least eight bytes")
            self._by_tail[int.from_bytes(pattern[-TAIL:], "little")].append(pattern)
        tails = np.fromiter(self._by_tail, dtype=np.uint64)
        self._table = np.zeros(1 << TABLE_BITS, dtype=bool)
        self._table[(tails * _MULTIPLIER) >> _SHIFT] = True

    def __len__(self) -> int:
        return sum(map(len, self._by_tail.values()))

    def find(self, data: bytes) -> bytes | None:
        """Return a pattern that occurs in `data`, None if none does."""
        if not self._by_tail:
            return None
        for start in range(0, len(data) - TAIL + 1, BLOCK_BYTES):
            for offset in range(start, min(start + TAIL, len(data) - TAIL + 1)):
                words = np.frombuffer(data, "<u8", min(BLOCK_BYTES, len(data) - offset) // TAIL, offset)
                for place in np.flatnonzero(self._table[(words * _MULTIPLIER) >> _SHIFT]).tolist():
                    for pattern in self._by_tail.get(int(words[place]), ()):
                        if data.endswith(pattern, 0, offset + TAIL * (place + 1)):
                            return pattern
        return None


def inflated(data: bytes, fields: Iterable[bytes] = ()) -> Iterator[bytes]:
    """Inflate the compressed streams of a frame.

    Args:
        fields: parts of the frame, each of which may be a raw deflate stream, as may the frame itself.

    Raises:
        TooMuchToInflateError: together they are larger than `MAX_INFLATED`, or more than `MAX_STREAMS`.
    """
    fields, room = tuple(fields), MAX_INFLATED
    for number, (stream, kind) in enumerate(_streams(memoryview(data), data, fields)):
        if number >= MAX_STREAMS + len(fields):
            raise TooMuchToInflateError
        content = _inflate(stream, kind, room)
        room -= len(content)
        if room < 0:
            raise TooMuchToInflateError
        if content:
            yield content


def _streams(view: memoryview, data: bytes, fields: Iterable[bytes]) -> Iterator[tuple[memoryview, int]]:
    for magic, kind in MAGICS:
        for start in _places(data, magic):
            yield view[start:], kind
    for start in _places(data, ZIP_MAGIC):
        # The lengths of the member's name and of its extra field, which stand between header and stream.
        lengths = data[start + 26 : start + ZIP_HEADER_BYTES]
        skipped = ZIP_HEADER_BYTES + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
        yield view[start + skipped :], RAW
    for field in (data, *fields):
        yield memoryview(field), RAW


def _places(data: bytes, magic: bytes) -> Iterator[int]:
    place = data.find(magic)
    while place >= 0:
        yield place
        place = data.find(magic, place + 1)


def _inflate(stream: memoryview, kind: int, room: int) -> bytes:
    """Inflate up to one byte more than there is room for; what breaks off gives what came before."""
    reader, content = zlib.decompressobj(kind), bytearray()
    # In pieces: zlib copies all of the rest at once whenever it stops.
    for start in range(0, len(stream), PIECE_BYTES):
        try:
            content += reader.decompress(stream[start : start + PIECE_BYTES], room + 1 - len(content))
        except zlib.error:
            break
        if reader.eof or len(content) > room:
            break
    return bytes(content)
