"""Read from a home what indicators are worked out from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from crypto.errors import CryptoError
from crypto.notes import signature_lines
from federation.audit.events import read_event
from federation.audit.indicators.compute import compute
from federation.audit.indicators.material import Drills
from federation.audit.indicators.values import Indicator
from federation.audit.record import RecordReader
from federation.audit.verify import Verdict
from federation.errors import RecordError
from federation.governance.roster import Roster
from federation.messages import Envelope, Request, decode
from federation.plan import Plan, read_plan
from federation.settings import Catalogue

Clock = Callable[[], datetime]


def figures(
    record: RecordReader,
    *,
    verdict: Verdict | None = None,
    size: int | None = None,
    plans: Iterable[Plan] = (),
    drills: Drills | None = None,
    clock: Clock = lambda: datetime.now(UTC),
) -> tuple[Indicator, ...]:
    """Work out the indicators of a home.

    Args:
        verdict: what verifying the same record gave.
        size: of the log as far as it counts: for a bundle, that of its last sealed checkpoint; None for all of it.
        plans: as `read_plans` finds them.

    Raises:
        RecordError: there is nothing yet, or the record cannot be read; verifying it names the place.
        RefusedError: a checkpoint is not one of this log.
    """
    log, pinned, known = record.log(), set(record.rosters().values()), record.catalogue()
    if len(pinned) != 1:
        raise RecordError("record.invalid", where="roster", reason="the parties have pinned different rosters")
    try:
        roster = Roster.from_bytes(pinned.pop())
        signers = roster.signers
        return compute(
            [read_event(entry, signers) for entry in log.entries[:size]],
            roster=roster,
            catalogue=msgspec.json.decode(known, type=Catalogue),
            verdict=verdict,
            notes=[(at, note) for at, note in _cosigned(log.notes) if size is None or at <= size],
            now=clock(),
            drills=drills,
            plans=plans,
        )
    except (ValueError, CryptoError) as exc:
        reason = "an entry, the roster or the catalogue is altered"
        raise RecordError("record.invalid", where="log", reason=reason) from exc


def _cosigned(notes: Iterable[str]) -> Iterable[tuple[int, str]]:
    """The checkpoints that somebody besides the coordinator signed, by the size they state."""
    return ((int(note.split("\n", 2)[1]), note) for note in notes if len(signature_lines(note)) > 1)


def read_plans(home: Path) -> list[Plan]:
    """The plans that the analysts of a home kept with their requests; what cannot be read is left out.

    Whoever uses a plan compares its hash with the one on record: a file that was altered fits no job.
    """
    plans: list[Plan] = []
    for file in sorted(home.glob("analysts/*/requests/*")):
        try:
            payload = decode(Envelope.from_bytes(file.read_bytes()).payload)
            if isinstance(payload, Request):
                plans.append(read_plan(payload.plan))
        except (OSError, ValueError, msgspec.MsgspecError):
            continue
    return plans
