"""Decimal numbers of few significant digits, written in one way each: nothing can hide in how a number is written.

Exact: a double's text goes through decimal arithmetic only, so that 0.1 is one digit and stays one. Halves go to the
even neighbour (IEEE 754, roundTiesToEven), which favours neither side.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

from federation.plan.script import EXPONENTS

# What pandas, Decimal and print write; no infinity, nothing that only looks like a digit, no spaces.
NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?")
MOST_EXPONENT = EXPONENTS // 2
# Powers of ten up to which a number is written out.
WRITTEN_OUT = 15


def rounded(text: str, digits: int) -> str:
    """Round a number to so many significant decimal digits, and write it in its one form.

    Raises:
        ValueError: it is no decimal number, or beyond the powers of ten that a result may have.
    """
    if not NUMBER.fullmatch(text):
        raise ValueError("not a decimal number")
    number = Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(Decimal(text))
    if not number:
        return "0"
    if abs(number.adjusted()) > MOST_EXPONENT:
        raise ValueError("beyond the powers of ten that a result may have")
    number = number.normalize()
    return f"{number:f}" if -WRITTEN_OUT <= number.adjusted() <= WRITTEN_OUT else f"{number:e}"
