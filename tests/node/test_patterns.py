"""Every pattern is found wherever it stands, in clear or compressed; nothing else is; nothing takes for ever."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.node.patterns import (
    BLOCK_BYTES,
    MAX_INFLATED,
    MAX_STREAMS,
    PIECE_BYTES,
    PatternSet,
    TooMuchToInflateError,
    inflated,
)

PATTERN = b"0123456789abcdef"
ONE = PatternSet([PATTERN])

# Three letters: patterns overlap, share their ends, and stand in each other.
letters = st.binary(max_size=60).map(lambda data: bytes(97 + byte % 3 for byte in data))


@given(data=letters, patterns=st.lists(letters.filter(lambda p: len(p) >= 8), max_size=20))
def test_search_agrees_with_the_standard_library(data, patterns):
    found = PatternSet(patterns).find(data)
    assert found in patterns and found in data if found is not None else not any(p in data for p in patterns)


@given(data=letters.filter(lambda data: len(data) >= 8), ends=st.tuples(st.integers(0, 51), st.integers(0, 51)))
def test_part_of_the_data_is_found(data, ends):
    first = min(min(ends), len(data) - 8)
    assert PatternSet([data[first : first + 8 + max(ends)]]).find(data) is not None


@pytest.mark.parametrize(
    "place", [0, 1, 7, BLOCK_BYTES - 17, BLOCK_BYTES - 16, BLOCK_BYTES - 15, BLOCK_BYTES - 1, BLOCK_BYTES + 1]
)
def test_pattern_is_found_at_the_borders_of_blocks(place):
    assert ONE.find(bytes(place) + PATTERN) == ONE.find(bytes(place) + PATTERN + bytes(9)) == PATTERN


@pytest.mark.parametrize("data", [b"", b"x", PATTERN[1:], PATTERN[:-1], PATTERN[8:], PATTERN[:8] + b"x" + PATTERN[8:]])
def test_less_than_the_pattern_is_not_found(data):
    assert ONE.find(data) is None


def test_two_megabytes_of_noise_hold_none_of_ten_thousand_patterns():
    """Chance of a false alarm: 10,000 * 2e6 / 2**64, about 1e-9; the seed is fixed all the same."""
    noise = random.Random(7)
    patterns = PatternSet(noise.randbytes(8) for _ in range(10_000))
    assert len(patterns) == 10_000
    assert patterns.find(noise.randbytes(2_000_000)) is None


def test_pattern_of_seven_bytes_is_an_error():
    with pytest.raises(ValueError, match="eight bytes"):
        PatternSet([b"1234567"])


def test_no_patterns_find_nothing():
    assert PatternSet([]).find(b"anything at all") is None


# --- compressed streams ---


def zipped(method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("first.txt", b"nothing" * 9)
        archive.writestr("行.csv", PATTERN * 9)
    return file.getvalue()


def raw(content: bytes) -> bytes:
    return zlib.compress(content, wbits=-15)


@pytest.mark.parametrize(
    "stream",
    [
        *(zlib.compress(PATTERN * 9, level) for level in range(10)),
        gzip.compress(PATTERN * 9, mtime=0),
        zipped(zipfile.ZIP_DEFLATED),
    ],
)
def test_stream_is_inflated_wherever_it_lies(stream):
    frame = bytes(range(256)) + stream + bytes(range(256))
    assert PATTERN * 9 in list(inflated(frame))


def test_raw_stream_is_inflated_at_the_beginning_of_a_field_only():
    stream = raw(PATTERN * 9)
    assert PATTERN * 9 in list(inflated(b"\xff" + stream, fields=[stream]))
    assert PATTERN * 9 in list(inflated(stream))
    assert PATTERN * 9 not in list(inflated(b"\xff" + stream))


def test_long_stream_is_inflated_to_its_end():
    content = random.Random(7).randbytes(3 * PIECE_BYTES) + PATTERN
    assert content in list(inflated(zlib.compress(content)))


def test_stream_that_breaks_off_gives_what_came_before():
    content = random.Random(7).randbytes(3 * PIECE_BYTES)
    (found,) = (c for c in inflated(zlib.compress(content)[: 2 * PIECE_BYTES]) if len(c) > PIECE_BYTES)
    assert content.startswith(found)


@pytest.mark.parametrize("pieces", [1, 4])
def test_bomb_is_too_much(pieces):
    bomb = zlib.compress(bytes(MAX_INFLATED // pieces + 1))
    assert len(bomb) < MAX_INFLATED / 500
    with pytest.raises(TooMuchToInflateError):
        list(inflated(bomb * pieces))


def test_countless_beginnings_of_streams_are_too_much():
    with pytest.raises(TooMuchToInflateError):
        list(inflated(b"x\x9c" * (MAX_STREAMS + 1)))


def test_noise_is_not_too_much():
    assert len(b"".join(inflated(random.Random(7).randbytes(8_000_000)))) < MAX_INFLATED / 100


def test_fields_of_a_large_frame_are_not_too_many():
    assert list(inflated(b"", fields=[bytes([255])] * (MAX_STREAMS + 1))) == []
