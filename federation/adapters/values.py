"""How values are written, and which integers stand for them: the rules that every store has in common."""

from __future__ import annotations

import re
from functools import cache

# Digits of a number in base units: every such number and its difference to any bound fits 64 bits.
DIGITS = 18

# Doubles hold every integer up to here, and beyond it a decimal number no longer has one nearest double of its own.
EXACT_DOUBLE = 2**53

# Dates are ISO 8601 text, whose order is that of time.
TEXT_TYPES = ("text", "date")

# The spellings 0.0 and 1.0 are what a REAL column shows.
TRUTH = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}

# Rows that are streamed at a time.
BATCH_ROWS = 8192


def number_pattern(scale: int) -> str:
    """Return the regular expression of a number with at most `DIGITS` digits in base units (RE2, Python, PostgreSQL).

    Zeros before and behind do not count: 233.0 is an integer. Exponents, NaN and infinities are no numbers.
    """
    return rf"[+-]?0*[0-9]{{1,{DIGITS - scale}}}(\.[0-9]{{0,{scale}}}0*)?"


def text_to_base_units(text: str, scale: int) -> int | None:
    """Return a number written as text times 10**scale, None if that is not an exact integer."""
    if not _pattern(scale).fullmatch(text):
        return None
    whole, _, fraction = text.partition(".")
    return int(whole + fraction[:scale].ljust(scale, "0"))


@cache
def _pattern(scale: int) -> re.Pattern[str]:
    return re.compile(number_pattern(scale))
