"""Which groups of a table of counts must not be shown: the release gate's rules, and nothing else.

Two primary rules: a group of 1 to k-1 rows (minimum frequency), and a group with rows from fewer than m departments,
where a department could subtract itself. Then complements: along every line of the table whose total another query can
give, what is dropped must add up to k rows and be more than one group, else the smallest shown one is dropped too.
See A. Hundepool et al., Statistical Disclosure Control, Wiley 2012, chapter 4.

A group nobody is in is no small group: it is simply not there. Dominance of one contributor over a sum's *value* (the
p % rule) cannot be seen from counts and is not checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple


class Count(NamedTuple):
    """How many rows or values a group has, and in how many departments."""

    rows: int
    departments: int


def suppressed_groups(
    counts: Sequence[Sequence[Count]], *, shape: Sequence[int], minimum_group: int, minimum_contributors: int
) -> frozenset[int]:
    """Decide which groups to drop.

    Args:
        counts: shape (groups, counting measures); the first measure counts the rows.
        shape: sizes of the grouping columns' domains; their product is the number of groups.

    Returns:
        Indexes of the dropped groups; empty groups are not among them.
    """
    dropped = {
        group
        for group, measures in enumerate(counts)
        if any(0 < n.rows < minimum_group or (n.rows and n.departments < minimum_contributors) for n in measures)
    }
    rows = [measures[0].rows for measures in counts]
    while True:
        again = {
            smallest
            for line in _lines(shape)
            if (smallest := _complement(line, rows, dropped, minimum_group)) is not None
        }
        if not again:
            return frozenset(dropped)
        dropped |= again


def _complement(line: Sequence[int], rows: Sequence[int], dropped: set[int], minimum_group: int) -> int | None:
    """Name the group to drop so that the line's total does not give the dropped ones away; None if none need be."""
    gone = [group for group in line if group in dropped]
    if not gone or (len(gone) > 1 and sum(rows[group] for group in gone) >= minimum_group):
        return None
    shown = [group for group in line if group not in dropped and rows[group]]
    return min(shown, key=lambda group: (rows[group], group), default=None)


def _lines(shape: Sequence[int]) -> Iterator[list[int]]:
    """Every line of the table along every axis, as flat group indexes (last axis fastest)."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    for axis, size in enumerate(shape):
        others = [range(n) if i != axis else range(1) for i, n in enumerate(shape)]
        for corner in product(*others):
            start = sum(index * stride for index, stride in zip(corner, strides, strict=True))
            yield [start + step * strides[axis] for step in range(size)]
