"""What leaves of a script's run: a small table, and beside it the card that says what could be hidden in it."""

from __future__ import annotations

from typing import Self

import msgspec

from federation.plan import ScriptPlan


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A released table.

    Attributes:
        columns: keys, then numbers.
        keys: how many of the columns are keys.
        lines: one per shown group, in the order of the public values: the group's labels, then decimal numbers.
        withheld: labels of the groups that are too small to be shown, or would give away one that is.
    """

    columns: tuple[str, ...]
    keys: int
    lines: tuple[tuple[str, ...], ...]
    withheld: tuple[tuple[str, ...], ...]


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The leakage card: what bounds a hostile script, whatever it does.

    Attributes:
        code: SHA-256 of what ran, hex.
        digits: significant digits of each number.
        capacity_bits: what the table's numbers can tell apart, no more.
        seconds: how long it ran, in whole ones; who waits can time it finer, and another dozen bits could hide in that.
    """

    code: str
    digits: int
    capacity_bits: int
    seconds: int


class Released(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sealed to the analyst."""

    table: Table
    card: Card

    def to_bytes(self) -> bytes:
        """Canonical bytes."""
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read it back.

        Raises:
            ValueError: it is not that, or not in its canonical bytes.
        """
        released = msgspec.json.decode(data, type=cls)
        if released.to_bytes() != data:
            raise ValueError("not the canonical bytes of a released table")
        return released


class ScriptResult(msgspec.Struct, frozen=True, kw_only=True):
    """A released table with what it cost.

    Attributes:
        seconds: from submission to the readable table.
        bytes: of the signed and sealed result that the analyst received.
        steps: seconds that each step of the protocol took, in order.
    """

    job: str
    dataset: str
    purpose: str
    released: Released
    seconds: float
    bytes: int
    steps: tuple[tuple[str, float], ...]


def columns_of(plan: ScriptPlan) -> tuple[str, ...]:
    """The columns of a plan's result: keys, then numbers."""
    return (*(key.column for key in plan.group_by), *plan.numbers)
