"""What a cell looks like in each encoding, written by hand or by the libraries that write it elsewhere."""

from __future__ import annotations

import base64
import json
import struct
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.node.encodings import LEAST_BYTES, as_number, encodings

# Area 000000 was never assigned.
IDENTITY = "000000199001010016"
PHONE = "19900000001"
NAME = "欧阳建国"

numbers = st.integers(10**15, 2**63 - 1)


@pytest.mark.parametrize(
    ("cell", "name", "form"),
    [
        (IDENTITY, "utf-8", b"000000199001010016"),
        (NAME, "utf-8", bytes.fromhex("e6aca7e998b3e5bbbae59bbd")),
        (NAME, "gb18030", bytes.fromhex("c5b7d1f4bda8b9fa")),
        (NAME, "utf-16-le", bytes.fromhex("276b3396fa5efd56")),
        (NAME, "utf-16-be", bytes.fromhex("6b2796335efa56fd")),
        (NAME, "json-escape", rb"\u6b27\u9633\u5efa\u56fd"),
        (NAME, "json-escape", rb"\u6B27\u9633\u5EFA\u56FD"),
        (NAME, "percent", b"%E6%AC%A7%E9%98%B3%E5%BB%BA%E5%9B%BD"),
        (NAME, "percent", b"%c5%b7%d1%f4%bd%a8%b9%fa"),
        (PHONE, "hex", b"3139393030303030303031"),
        ("140000199001010016", "packed-decimal", bytes.fromhex("140000199001010016")),
        ("17179869185", "int64-le", bytes.fromhex("0100000004000000")),  # 2**34 + 1
        ("17179869185", "int64-be", bytes.fromhex("0000000400000001")),
        ("17179869185", "float64-le", bytes.fromhex("0000040000001042")),
        ("17179869185", "float64-be", bytes.fromhex("4210000000040000")),  # exponent 1023 + 34, one bit 34 places down
        ("K张三15a", "json-escape", rb"K\u5F20\u4E0915a"),
        ("K张三15a", "percent", b"K%e5%bc%a0%e4%b8%8915a"),
    ],
)
def test_form_is_what_the_standard_says(cell, name, form):
    assert encodings(cell)[form] == name


def varint(data: bytes) -> int:
    assert all(byte & 0x80 for byte in data[:-1]) and not data[-1] & 0x80
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(data))


@given(number=numbers)
def test_every_form_of_a_number_reads_back_as_the_number(number):
    forms = {name: form for form, name in encodings(str(number)).items()}
    assert struct.unpack("<q", forms["int64-le"]) == struct.unpack(">q", forms["int64-be"]) == (number,)
    assert struct.unpack("<d", forms["float64-le"]) == struct.unpack(">d", forms["float64-be"]) == (float(number),)
    assert varint(forms["varint"]) == number
    assert varint(forms["zigzag"]) == 2 * number
    assert int(forms["packed-decimal"].hex()) == number


@given(
    cell=st.text(st.characters(exclude_categories=("Cs",)), min_size=8, max_size=30),
    before=st.binary(max_size=20),
    after=st.binary(max_size=20),
)
def test_every_base64_text_around_a_cell_holds_one_of_its_forms(cell, before, after):
    forms = [form for form, name in encodings(cell).items() if name == "base64"]
    for write in (base64.b64encode, base64.urlsafe_b64encode):
        assert any(form in write(before + cell.encode() + after) for form in forms)


@given(cell=st.text(st.characters(exclude_categories=("Cs",)), min_size=11, max_size=30))
def test_every_text_around_a_cell_holds_one_of_its_forms(cell):
    forms = encodings(cell)
    for text in (cell, json.dumps(cell), quote(cell, safe=""), cell.encode().hex()):
        assert any(form in text.encode() for form in forms)


@given(cell=st.text(st.characters(exclude_categories=("Cs",)), max_size=12))
def test_no_form_is_shorter_than_eight_bytes(cell):
    assert all(len(form) >= LEAST_BYTES for form in encodings(cell))


@pytest.mark.parametrize("cell", ["1234567890", "12345678", "abcdef0123", "王伟"])
def test_text_that_random_text_may_hold_is_not_looked_for(cell):
    """Ten digits are 40 bits in the hexadecimal text of a hash: too few."""
    assert cell.encode() not in encodings(cell)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (PHONE, 19_900_000_001),
        ("10000000000", 10**10),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("9999999999", None),
        ("00000000001", None),
        ("14000019900101001X", None),
        ("１９９０００００００１", None),
        ("-19900000001", None),
        ("", None),
    ],
)
def test_cell_is_a_number_from_eleven_digits_on(cell, number):
    assert as_number(cell) == number
