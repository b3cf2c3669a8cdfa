"""How much a hostile script can say in a table that is released: bits written as numbers, and read out of them again.

Every number that the rules let through is one letter of an alphabet: a sign, the significant digits that are released,
a power of ten. A secret is written in it as any number is written in a base.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from federation.drills.script.people import DISTRICTS, written
from federation.plan import ScriptPlan
from federation.plan.script import EXPONENTS
from federation.scripting.result import Table


def carried_bits(plan: ScriptPlan) -> int:
    """How many whole bits the numbers of all lines carry."""
    return int(_letters(plan) ** plan.released_numbers).bit_length() - 1


def hide(secret: int, plan: ScriptPlan) -> bytes:
    """Write a secret as a table of the form that was agreed to.

    Args:
        secret: of `carried_bits(plan)` bits at most.
    """
    letters = _spell(secret, plan)
    return written(*((name, *(next(letters) for _ in plan.numbers)) for name in DISTRICTS))


def find(table: Table, plan: ScriptPlan) -> int:
    """Read the secret out of what was released."""
    secret = 0
    for line in reversed(table.lines):
        for text in reversed(line[table.keys :]):
            secret = secret * _letters(plan) + _number(Decimal(text), plan.digits)
    return secret


def _letters(plan: ScriptPlan) -> int:
    return 2 * _mantissas(plan.digits) * EXPONENTS


def _mantissas(digits: int) -> int:
    return 9 * _smallest(digits)


def _smallest(digits: int) -> int:
    return int(10 ** (digits - 1))


def _spell(secret: int, plan: ScriptPlan) -> Iterator[str]:
    for _ in range(plan.released_numbers):
        secret, letter = divmod(secret, _letters(plan))
        rest, sign = divmod(letter, 2)
        power, mantissa = divmod(rest, _mantissas(plan.digits))
        digits = mantissa + _smallest(plan.digits)
        yield f"{'-' if sign else ''}{digits}e{power - EXPONENTS // 2 - plan.digits + 1}"


def _number(number: Decimal, digits: int) -> int:
    power = number.adjusted()
    mantissa = int(abs(number).scaleb(digits - 1 - power)) - _smallest(digits)
    return 2 * ((power + EXPONENTS // 2) * _mantissas(digits) + mantissa) + number.is_signed()
