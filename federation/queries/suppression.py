"""Which groups of a table of counts must not be shown: the release gate's rules, and nothing else.

Two primary rules: a group of 1 to k-1 rows (minimum frequency), and a group with rows from fewer than m departments,
where a department could subtract itself. Then complements: in every margin of the table (a line, a plane, all of it),
whose total another query can give, what is dropped must be more than one group and add up to k rows, and as many values
of every column that is added up; else the smallest shown one is dropped too. See
A. Hundepool et al., Statistical Disclosure Control, Wiley 2012, chapter 4.

A group nobody is in is no small group: it is simply not there. Dominance of one contributor over a sum's *value* (the
p % rule) cannot be seen from counts and is not checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations, product
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
    numbers = list(zip(*([count.rows for count in measures] for measures in counts), strict=True))
    margins = list(_margins(shape))
    while True:
        before = len(dropped)
        for margin, rows in product(margins, numbers):
            smallest = _complement(margin, rows, dropped, minimum_group)
            if smallest is not None:
                dropped.add(smallest)
        if len(dropped) == before:
            return frozenset(dropped)


def _complement(margin: Sequence[int], rows: Sequence[int], dropped: set[int], minimum_group: int) -> int | None:
    """Name the group to drop so that the margin's total does not give the dropped ones away; None if none need be."""
    gone = [rows[group] for group in margin if group in dropped and rows[group]]
    if not gone or (len(gone) > 1 and sum(gone) >= minimum_group):
        return None
    shown = [group for group in margin if group not in dropped and rows[group]]
    return min(shown, key=lambda group: (rows[group], group), default=None)


def _margins(shape: Sequence[int]) -> Iterator[list[int]]:
    """Every set of groups that differ in some of the keys only, lines first, as flat indexes (last axis fastest)."""
    places = list(product(*(range(size) for size in shape)))
    axes = [axis for axis, size in enumerate(shape) if size > 1]
    for fixed in chain.from_iterable(combinations(axes, count) for count in reversed(range(len(axes)))):
        margins: dict[tuple[int, ...], list[int]] = {}
        for group, place in enumerate(places):
            margins.setdefault(tuple(place[axis] for axis in fixed), []).append(group)
        yield from margins.values()
