"""The script's drills: what a hostile script tries in the sandbox and with its result, and what stops it.

An attempt that is stopped inside is made outside as well wherever that does no harm: were it refused there too, it
would prove nothing, and the run fails. What nothing can stop is performed and shown as such; should it be stopped after
all, the reason is out of date, and the run fails too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec

from federation.drills.script.bombs import BOMBS, go_off
from federation.drills.script.drill import Control, Part, ScriptOutcome
from federation.drills.script.people import PLAN
from federation.drills.script.reach import LINES, judge, look
from federation.drills.script.results import play
from federation.drills.script.tricks import TRICKS

__all__ = ["COUNT", "Control", "Part", "ScriptDrillReport", "ScriptOutcome", "run_script_drills", "summarise"]

COUNT = len(LINES) + len(BOMBS) + len(TRICKS)


class ScriptDrillReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run.

    Attributes:
        attempts: all that were made, of which a line may hold several.
        controls: how many of them were made outside of the sandbox too, or without the attack, and came through.
        stopped: attacks that were stopped; `missed` those that nothing can stop; `failed` the names of those that
            went otherwise.
        capacity_bits: what the result that was attacked can tell at most, as a plan of its shape says.
    """

    outcomes: tuple[ScriptOutcome, ...]
    attempts: int
    controls: int
    stopped: int
    missed: int
    failed: tuple[str, ...]
    capacity_bits: int
    seconds: float


def run_script_drills(*, progress: Callable[[ScriptOutcome], None] = lambda _: None) -> ScriptDrillReport:
    """Perform every attack of a script.

    Args:
        progress: told of every outcome as it comes.

    Raises:
        RefusedError: there is no sandbox on this machine, and no script is run without.
    """
    began = time.perf_counter()
    outcomes = []
    for outcome in _perform():
        outcomes.append(outcome)
        progress(outcome)
    return summarise(tuple(outcomes), seconds=time.perf_counter() - began)


def _perform() -> Iterator[ScriptOutcome]:
    yield from judge(look())
    yield from map(go_off, BOMBS)
    yield from map(play, TRICKS)


def summarise(outcomes: tuple[ScriptOutcome, ...], *, seconds: float) -> ScriptDrillReport:
    """Count what came of them."""
    return ScriptDrillReport(
        outcomes=outcomes,
        attempts=sum(one.tried for one in outcomes),
        controls=sum(one.control.reached for one in outcomes if one.control),
        stopped=sum(one.good and one.expected for one in outcomes),
        missed=sum(one.good and not one.expected for one in outcomes),
        failed=tuple(one.name for one in outcomes if not one.good),
        capacity_bits=PLAN.capacity_bits,
        seconds=round(seconds, 2),
    )
