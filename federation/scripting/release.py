"""The release policy: what of a script's output may leave its department; pure, and nothing of the script is trusted.

The output is a CSV file (RFC 4180) of exactly the declared columns. What is released of it are the lines of groups
that the department itself counts as large enough, its numbers rounded to few significant digits: who approved a script
that was cleverer than its reviewer has let out so many bits (`ScriptPlan.capacity_bits`), and no more. Lines of groups
that nobody is in are left out. Which groups are shown, in which order, and how a number is written is not the script's
to choose.

Left out: noise, so that two tables can still be subtracted; dominance, since a group of many with one giant in it is
released (`queries.suppression`); and whether a number is about the people of its line, which only who reads the code
can tell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from federation.adapters import Cells
from federation.errors import RefusedError
from federation.plan import ScriptPlan
from federation.queries.suppression import Count, suppressed_groups
from federation.sandbox.limits import Ran, Status
from federation.scripting.numbers import rounded
from federation.scripting.result import Table, columns_of

# More than the longest honest table: 2,000 groups of a few keys and numbers.
MAX_RESULT_BYTES = 1 << 20


ENDS: dict[Status, str] = {
    "failed": "refused.script_failed",
    "time": "refused.script_time",
    "memory": "refused.script_memory",
    "output": "refused.script_output",
    "stopped": "refused.script_stopped",
}


def check_ended(ran: Ran) -> None:
    """Only a run that came to its end has an output.

    Raises:
        RefusedError: it did not; the code says how it ended.
    """
    if ran.status != "done":
        raise RefusedError(ENDS[ran.status])


def release(output: bytes, plan: ScriptPlan, counts: Cells) -> Table:
    """Make the table that may leave of a script's output.

    Args:
        output: the file as the script wrote it.
        counts: rows of each group, as the department counted them in the very rows that the script was given.

    Raises:
        RefusedError: nothing of it may. The code says which rule it broke, never where: `refused.result_size`,
            `.result_format`, `.result_columns`, `.result_keys`, `.result_numbers`, `.result_small`, `.result_empty`.
    """
    written = _by_group(output, plan)
    withheld = withheld_groups(plan, counts)
    shown = [group for group in sorted(written) if group in counts and group not in withheld]
    if not shown:
        # Only so many words: that every group there is is too small, or that the script wrote none of them.
        raise RefusedError("refused.result_small" if withheld and withheld >= set(counts) else "refused.result_empty")
    labels = plan.groups
    try:
        lines = tuple((*labels[group], *(rounded(cell, plan.digits) for cell in written[group])) for group in shown)
    except ValueError as exc:
        raise RefusedError("refused.result_numbers") from exc
    return Table(
        columns=columns_of(plan),
        keys=len(plan.group_by),
        lines=lines,
        withheld=tuple(labels[group] for group in sorted(withheld)),
    )


def withheld_groups(plan: ScriptPlan, counts: Cells) -> frozenset[int]:
    """The groups that are not shown: too small, or needed so that a margin's total gives none of these away."""
    rows = [counts[group][0] if group in counts else 0 for group in range(plan.group_count)]
    return suppressed_groups(
        [(Count(count, int(count > 0)),) for count in rows],
        shape=[len(key.labels) for key in plan.group_by],
        minimum_group=plan.minimum_group,
        minimum_contributors=1,  # the department is the only one there is
    )


def _by_group(output: bytes, plan: ScriptPlan) -> Mapping[int, tuple[str, ...]]:
    """Read the numbers' texts by group."""
    if len(output) > MAX_RESULT_BYTES:
        raise RefusedError("refused.result_size")
    lines = read_lines(output)
    if not lines or tuple(lines[0]) != columns_of(plan):
        raise RefusedError("refused.result_columns")
    if len(lines) - 1 > plan.group_count:
        raise RefusedError("refused.result_size")
    booleans = {column.name for column in plan.view if column.type == "boolean"}
    logical = [key.column in booleans for key in plan.group_by]
    places = {group: index for index, group in enumerate(plan.groups)}
    written: dict[int, tuple[str, ...]] = {}
    for line in lines[1:]:
        if len(line) != len(lines[0]):
            raise RefusedError("refused.result_format")
        # Python writes True where the public value is true.
        label = tuple(cell.lower() if is_logical else cell for cell, is_logical in zip(line, logical, strict=False))
        place = places.get(label)
        if place is None or place in written:
            raise RefusedError("refused.result_keys")
        written[place] = tuple(line[len(logical) :])
    return written


def read_lines(output: bytes) -> list[list[str]]:
    """Read a script's output as CSV.

    Raises:
        RefusedError: it is none, or not in UTF-8 (`refused.result_format`).
    """
    try:
        return list(csv.reader(io.StringIO(output.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as exc:
        raise RefusedError("refused.result_format") from exc
