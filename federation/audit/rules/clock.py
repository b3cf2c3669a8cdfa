"""(9) An event's time lies within 120 s of the cosignatures of the sealed checkpoints before and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import inf

from federation.audit.events import Event
from federation.audit.rules.checkpoints import Checkpoint
from federation.audit.rules.findings import wrong

SKEW_S = 120


def check_times(events: Sequence[Event], sealed: Mapping[int, Checkpoint]) -> int:
    """Compare what the parties' clocks said with what the witnesses' said.

    Of a chain that was away while others sealed, the checkpoint that its party had seen last is the one before it.

    Returns:
        How many events were delivered so late.

    Raises:
        RecordError: an event's time is outside.
    """
    brackets = sorted((size, min(cp.times.values()), max(cp.times.values())) for size, cp in sealed.items())
    low_at = {0: -inf, **{size: float(low) for size, low, _ in brackets}}
    at = before = late = 0
    for index, event in enumerate(events):
        while at < len(brackets) and index >= brackets[at][0]:
            before, at = brackets[at][0], at + 1
        low, high = low_at[before], brackets[at][2] if at < len(brackets) else inf
        time = _posix(event.time, index)
        if time < low - SKEW_S and event.seen.size < before and event.actor.role != "coordinator":
            low = max(value for size, value in low_at.items() if size <= event.seen.size)
            late += 1
        if not low - SKEW_S <= time <= high + SKEW_S:
            raise wrong(f"entry {index}", f"its time is not within {SKEW_S} s of {_said(low)} to {_said(high)}")
    return late


def _posix(text: str, index: int) -> float:
    try:
        if not text.endswith("Z"):
            raise ValueError("times are written in UTC with a trailing Z")
        return datetime.fromisoformat(text).timestamp()
    except ValueError as exc:
        raise wrong(f"entry {index}", "its time is not in the form of times") from exc


def _said(time: float) -> str:
    if abs(time) == inf:
        return "ever"
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
