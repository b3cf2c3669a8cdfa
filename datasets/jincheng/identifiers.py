"""Resident identity numbers (公民身份号码) after GB 11643-1999.

Area code (6) + birth date (8) + sequence (3, odd for men) + check symbol (ISO 7064, MOD 11-2).
Firms have codes of their own, in `jincheng.credit_codes`.
"""

from datetime import date

import numpy as np

from jincheng.draws import Booleans, Dates, Integers, Texts
from jincheng.errors import CitySizeError, IdentifierError

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_SYMBOLS = "10X98765432"

# Three digits, of which parity is the sex, number 500 people of one area, birth date and sex. Each
# chunk of a county gets 50 of them, whatever the others need: chunks stay independent, and a county
# has room for ten. A chunk of 50,000 uses about 7, one of 262,000 (the largest of a city of
# 10,000,000) about 20.
NUMBERS_PER_CHUNK = 50
CHUNKS_PER_COUNTY = 10


def resident_ids(area_code: int, birth_date: Dates, male: Booleans, *, chunk: int) -> Texts:
    """Write the identity numbers of one chunk of a county's residents.

    Args:
        area_code: six digits.
        birth_date: shape (n,), days.
        male: shape (n,).
        chunk: which chunk of its county this is, from 0; no two chunks share a number.

    Returns:
        n texts of 18 symbols, all different.

    Raises:
        CitySizeError: the chunk needs more numbers than it has for one birth date and sex.
    """
    number = running_number(2 * birth_date.astype(np.int64) + male)
    if chunk >= CHUNKS_PER_COUNTY or number.max(initial=0) >= NUMBERS_PER_CHUNK:
        raise CitySizeError("identity numbers of one birth date run out; draw a smaller city")
    sequence = 2 * (NUMBERS_PER_CHUNK * chunk + number) + male

    year = birth_date.astype("datetime64[Y]")
    month = birth_date.astype("datetime64[M]")
    body = (
        area_code * 10**11
        + (year.astype(np.int64) + 1970) * 10**7
        + (month.astype(np.int64) % 12 + 1) * 10**5
        + ((birth_date - month).astype(np.int64) + 1) * 10**3
        + sequence
    )
    digits = body[:, None] // 10 ** np.arange(16, -1, -1) % 10
    code_points = np.empty((len(body), 18), dtype=np.uint32)
    code_points[:, :17] = digits + ord("0")
    code_points[:, 17] = np.array([ord(symbol) for symbol in CHECK_SYMBOLS])[digits @ WEIGHTS % 11]
    return code_points.view("U18").ravel()


def running_number(group: Integers) -> Integers:
    """Number the members of each group 0, 1, 2, ... in the order in which they stand."""
    order = np.argsort(group, kind="stable")
    places = np.arange(len(group))
    starts = np.diff(group[order], prepend=-1) != 0
    number = np.empty_like(places)
    number[order] = places - np.maximum.accumulate(np.where(starts, places, 0))
    return number


def check_resident_id(text: str) -> None:
    """Check form, birth date and check symbol of one identity number.

    Raises:
        IdentifierError: naming the part that is wrong, never the number.
    """
    body, check = text[:17], text[17:]
    if len(text) != 18 or not (body.isascii() and body.isdigit()):
        raise IdentifierError("an identity number is 17 digits and a check symbol")
    try:
        date(int(body[6:10]), int(body[10:12]), int(body[12:14]))
    except ValueError as exc:
        raise IdentifierError("the birth date in this identity number does not exist") from exc
    weighted = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    if check != CHECK_SYMBOLS[weighted % 11]:
        raise IdentifierError("the check symbol of this identity number is wrong")
