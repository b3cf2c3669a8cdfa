"""What an indicator is: its definition, which never changes, and its finding, which a record gives.

Integers and texts only, so that the bytes are canonical: shares are told as two integers, times in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

# How far a clause's number can be relied on: read in a source that is named, in a title or contents page only, or
# told from memory. Only the official text counts in the end; all but the first are shown with that remark.
Mark = Literal["source", "title", "memory"]

Status = Literal["met", "not met", "not measured", "not applicable"]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in both languages."""

    zh: str
    en: str


class Clause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A clause that an indicator offers evidence for.

    Attributes:
        source: for the mark "source", where it was read; else "".
    """

    name: Words
    mark: Mark
    source: Words = Words("", "")


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is measured, and how to read it.

    Attributes:
        clauses: none if it is a measure of our own.
        command: works it out again.
        limits: what it does not prove.
    """

    id: str
    name: Words
    clauses: tuple[Clause, ...]
    formula: Words
    threshold: Words
    command: str
    limits: Words


class Measure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One number or name of a finding.

    Attributes:
        of: what it is a share of; None if it is no share.
        unit: "" for counts of what `what` names; ms, s, d, B or bit for quantities.
    """

    what: Words
    value: int | str
    of: int | None = None
    unit: Literal["", "ms", "s", "d", "B", "bit"] = ""


Spans = tuple[tuple[int, int], ...]


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one record gives.

    Attributes:
        reason: why it was not measured or does not apply; empty otherwise.
        entries: indexes in the log of what it rests on, as first and last of each run.
        against: of these, the ones that keep the threshold from being met.
    """

    status: Status
    measures: tuple[Measure, ...] = ()
    reason: Words = Words("", "")
    entries: Spans = ()
    against: Spans = ()


class Indicator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of `indicators.json`."""

    definition: Definition
    finding: Finding


def spans(indexes: Iterable[int]) -> Spans:
    """Write indexes as runs: 3, 4, 5 and 9 are ((3, 5), (9, 9))."""
    runs: list[tuple[int, int]] = []
    for index in sorted(set(indexes)):
        if runs and index == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return tuple(runs)


def judged(
    holds: bool, measures: Sequence[Measure], *, entries: Iterable[int] = (), against: Iterable[int] = ()
) -> Finding:
    """A finding that was compared with its threshold."""
    return Finding(
        status="met" if holds else "not met",
        measures=tuple(measures),
        entries=spans(entries),
        against=spans(against),
    )


def unmeasured(zh: str, en: str, measures: Sequence[Measure] = ()) -> Finding:
    """A finding that could not be made."""
    return Finding(status="not measured", reason=Words(zh, en), measures=tuple(measures))


def percentile(values: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile: the smallest value that at least so many percent do not exceed."""
    if not values:
        raise ValueError("a percentile of nothing")
    return sorted(values)[max(0, -(-percent * len(values) // 100) - 1)]
