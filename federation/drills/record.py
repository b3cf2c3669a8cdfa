"""The record's drills: every attack in a table, performed one after another on a federation made for it.

An attack that ought to be caught and is not makes the whole run fail. What nothing can catch is performed as well and
shown as missed, with the reason; should it be caught after all, the reason is out of date, and the run fails too.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from federation.drills import approvals, desk, ledger, log, training, witnesses
from federation.drills.stage import Caught, Drill, Stage

DRILLS: tuple[Drill, ...] = (
    *log.DRILLS, *witnesses.DRILLS, *approvals.DRILLS, *desk.DRILLS, *training.DRILLS, *ledger.DRILLS,
)  # fmt: skip


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one drill.

    Attributes:
        can: what the attacker could do, Chinese; `can_en` English.
        caught: by whom and where; None if nobody did.
        expected: whether it had to be caught.
        miss: why it could not be, Chinese; "" if it had to; `miss_en` English.
    """

    name: str
    zh: str
    en: str
    can: str
    can_en: str
    caught: Caught | None
    expected: bool
    miss: str
    miss_en: str
    seconds: float

    @property
    def good(self) -> bool:
        """Whether it went as the table says."""
        return (self.caught is not None) == self.expected


class DrillReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run.

    Attributes:
        size: entries of the record that was attacked, which verifies while it is left alone.
        caught: attacks caught; `missed` those that nothing can catch; `failed` the names of those that went otherwise.
    """

    outcomes: tuple[Outcome, ...]
    size: int
    root: str
    caught: int
    missed: int
    failed: tuple[str, ...]
    seconds: float


def drill_record(
    drills: Sequence[Drill] = DRILLS, *, progress: Callable[[Outcome], None] = lambda _: None
) -> DrillReport:
    """Perform drills in a folder of their own, which is gone afterwards.

    Args:
        progress: told of every outcome as it comes.

    Raises:
        RecordError: the unaltered record does not verify: then no drill means anything.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="keyong-drill-") as folder:
        stage = Stage(Path(folder))
        verdict = stage.verify()
        outcomes = run_drills(stage, drills, progress=progress)
    return DrillReport(
        outcomes=outcomes,
        size=verdict.size,
        root=verdict.root,
        caught=sum(outcome.good and outcome.expected for outcome in outcomes),
        missed=sum(outcome.good and not outcome.expected for outcome in outcomes),
        failed=tuple(outcome.name for outcome in outcomes if not outcome.good),
        seconds=round(time.perf_counter() - began, 2),
    )


def run_drills(
    stage: Stage, drills: Sequence[Drill] = DRILLS, *, progress: Callable[[Outcome], None] = lambda _: None
) -> tuple[Outcome, ...]:
    """Perform drills on one stage; each leaves it as it was."""
    outcomes = []
    for drill in drills:
        began = time.perf_counter()
        caught = drill.perform(stage)
        outcome = Outcome(
            name=drill.name,
            zh=drill.zh,
            en=drill.en,
            can=drill.can,
            can_en=drill.can_en,
            caught=caught,
            expected=not drill.miss,
            miss=drill.miss,
            miss_en=drill.miss_en,
            seconds=round(time.perf_counter() - began, 3),
        )
        outcomes.append(outcome)
        progress(outcome)
    return tuple(outcomes)
