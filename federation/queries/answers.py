"""From totals to the rows a person reads: exact integer arithmetic, one division at the end."""

from __future__ import annotations

import math
from fractions import Fraction

import msgspec

from federation.plan import Measure, Output, SumPlan
from federation.queries.sums import Totals

Cell = int | float | str | None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A released answer.

    Attributes:
        rows: one list per shown group, in the order of the public values.
        suppressed: names of the groups that were dropped.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    suppressed: tuple[tuple[str, ...], ...]


def answer(plan: SumPlan, totals: Totals) -> Answer:
    """Compute every output column of every shown group."""
    labels = plan.local.group_labels()
    rows = []
    for group, measures in sorted(totals.groups.items()):
        known = dict(zip(plan.local.measures, measures, strict=True))
        rows.append(tuple(_cell(output, labels[group], known) for output in plan.outputs))
    return Answer(
        columns=tuple(output.name for output in plan.outputs),
        rows=tuple(rows),
        suppressed=tuple(labels[group] for group in sorted(totals.dropped)),
    )


def _cell(output: Output, label: tuple[str, ...], known: dict[Measure, int]) -> Cell:
    if output.function == "group":
        return label[int(output.argument)]
    totals = {measure.kind: (measure, total) for measure, total in known.items() if measure.column == output.argument}
    if output.function == "count":
        return totals["count" if output.argument else "rows"][1]
    count = totals["count"][1]
    measure, shifted = totals["sum"]
    unit = 10**output.scale
    if output.function == "sum":
        total = shifted + measure.low * count
        return None if not count else total if unit == 1 else float(Fraction(total, unit))
    if output.function == "avg":
        return float(Fraction(shifted + measure.low * count, count * unit)) if count else None
    # A variance does not change when all values are shifted, so the shifted sums serve as they are.
    freedom = count - 1 if output.function.endswith("samp") else count
    if freedom < 1:
        return None
    variance = Fraction(totals["sum_squares"][1] * count - shifted**2, count * freedom * unit**2)
    return math.sqrt(variance) if output.function.startswith("stddev") else float(variance)
