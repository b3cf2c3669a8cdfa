"""A query as a value: what is asked, of whom, and what every party will learn by it."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise, product
from math import prod
from typing import Literal

import msgspec

from federation.plan.base import MAX_ROWS, Plan, Sight

# Each group costs slots, and each ciphertext costs every key holder about 30 ms to open.
MAX_GROUPS = 2000

# Stores add squares in 126 bits at the least: twice the bits of a column's range, plus those of MAX_ROWS.
MAX_RANGE_BITS = 47


def in_unit(number: int, scale: int) -> str:
    """Write a number of base units in its column's own unit, exactly."""
    return f"{Decimal(number).scaleb(-scale).normalize():f}"


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column as the catalogue declares it to a store.

    Attributes:
        type: integer, decimal(N), text, date or boolean.
    """

    name: str
    type: str

    @property
    def scale(self) -> int:
        """Decimal digits behind the point; 0 unless the type is decimal(N)."""
        return int(self.type[8:-1]) if self.type.startswith("decimal(") else 0


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison of a column with constants; a row counts if all conditions of the plan hold.

    Attributes:
        values: integers in base units (times 10**scale) for numbers and booleans (0 or 1), text for everything else.
    """

    column: str
    operator: Literal["=", "!=", "<", "<=", ">", ">=", "in", "not in", "is null", "is not null"]
    values: tuple[int | str, ...] = ()


class GroupKey(msgspec.Struct, frozen=True, kw_only=True):
    """One grouping column with its public domain: listed values, or the bands between public cut points.

    Attributes:
        values: the domain of a text or boolean column, in the order of the answer.
        cuts: ascending, in base units; band i holds cuts[i-1] <= value < cuts[i].
        unit_scale: decimal digits of the column, to write cuts in its own unit.
    """

    column: str
    values: tuple[str, ...] = ()
    cuts: tuple[int, ...] = ()
    unit_scale: int = 0

    @property
    def labels(self) -> tuple[str, ...]:
        """The groups' names, in order."""
        if not self.cuts:
            return self.values
        shown = [in_unit(cut, self.unit_scale) for cut in self.cuts]
        inner = [f"[{low}, {high})" for low, high in pairwise(shown)]
        return (f"< {shown[0]}", *inner, f">= {shown[-1]}")


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One number that every contributor computes per group, never negative.

    Values are clipped to [low, high] and shifted by -low before they are added, so that sums are never negative; the
    analyst adds low times the count again. Nulls do not count.

    Attributes:
        kind: rows that match; rows whose column is not null; the shifted sum; the sum of shifted squares.
        low: lower public bound, base units.
        high: upper public bound, base units.
    """

    kind: Literal["rows", "count", "sum", "sum_squares"]
    column: str = ""
    low: int = 0
    high: int = 0

    @property
    def bound(self) -> int:
        """The largest total one contributor may have."""
        per_row = {"rows": 1, "count": 1, "sum": self.high - self.low, "sum_squares": (self.high - self.low) ** 2}
        return per_row[self.kind] * MAX_ROWS


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the answer.

    Attributes:
        function: what is computed; "group" shows a grouping column.
        argument: index into the plan's group_by for "group", else the column's name ("" for COUNT(*)).
        scale: decimal digits of the column; the answer is divided by 10**scale (squared for variances).
    """

    name: str
    function: Literal["group", "count", "sum", "avg", "var_samp", "var_pop", "stddev_samp", "stddev_pop"]
    argument: str = ""
    scale: int = 0


class LocalQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What one store computes inside its own walls: per group of public values, the measures.

    Attributes:
        table: the table's name in the catalogue.
        columns: every column that is mentioned, with its declared type.
    """

    table: str
    columns: tuple[Column, ...]
    where: tuple[Condition, ...]
    group_by: tuple[GroupKey, ...]
    measures: tuple[Measure, ...]

    @property
    def counting(self) -> tuple[int, ...]:
        """Indexes of the measures that count something: the rows, and each added column's values."""
        return tuple(i for i, measure in enumerate(self.measures) if measure.kind in ("rows", "count"))

    @property
    def group_count(self) -> int:
        """How many groups there are: the product of the public domains, 1 without GROUP BY."""
        return prod(len(key.labels) for key in self.group_by)

    @property
    def count_bounds(self) -> tuple[int, ...]:
        """Slots of the first round: per group and counting measure, the count and a 0/1 "I have such rows"."""
        return (MAX_ROWS, 1) * (len(self.counting) * self.group_count)

    @property
    def sum_bounds(self) -> tuple[int, ...]:
        """Slots of the second round: per group, every measure."""
        return tuple(measure.bound for measure in self.measures) * self.group_count

    def group_labels(self) -> list[tuple[str, ...]]:
        """Name every group, in the order of the slots (last grouping column runs fastest)."""
        return list(product(*(key.labels for key in self.group_by)))


class SumPlan(Plan, frozen=True, kw_only=True, tag="sum"):
    """An encrypted sum over departments that hold the same table.

    Attributes:
        sql: what the analyst wrote, for the people who must agree.
    """

    sql: str
    local: LocalQuery
    outputs: tuple[Output, ...]

    @property
    def subject(self) -> str:
        """The query as it was written."""
        return self.sql

    @property
    def table(self) -> str:
        """The table that is asked about."""
        return self.local.table

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""
        return tuple(column.name for column in self.local.columns)

    def visibility(self) -> tuple[Sight, ...]:
        """What every party will learn, to the size."""
        groups = self.local.group_count
        released = groups * len(self.local.measures)
        return (
            Sight(
                party="coordinator",
                zh="本计划、各方签名与密文；无可读结果",
                en="this plan, signatures and ciphertexts; no readable result",
                numbers=0,
            ),
            *(
                Sight(
                    party=name,
                    zh="本计划；本部门自己的分组统计；哪些组被抑制",
                    en="this plan; its own group statistics; which groups are suppressed",
                    numbers=0,
                )
                for name in self.contributors
                if name != self.gate
            ),
            *(
                Sight(
                    party=name,
                    zh="（持钥方）本计划与密文；给出一份密封的解密份额",
                    en="(key holder) this plan and ciphertexts; gives one sealed partial decryption",
                    numbers=0,
                )
                for name in self.openers
                if name not in self.contributors and name != self.gate
            ),
            Sight(
                party=self.gate,
                zh="（发布闸门）各组合计行数、有值行数与有数部门数，用于抑制小组",
                en="(release gate) rows, values and contributing departments per group, to suppress small ones",
                numbers=2 * groups * len(self.local.counting),
            ),
            Sight(
                party=self.requester,
                zh=f"不少于 {self.minimum_group} 行且不少于 {self.minimum_contributors} 个部门有数的组的合计值",
                en=f"totals of groups of >= {self.minimum_group} rows from >= {self.minimum_contributors} departments",
                numbers=released,
            ),
        )
