"""The four promises, judged from the last demonstration and from what the verifier has just said. Pure rules.

A promise holds only if all of it is built. What is not built is named and never counts as holding; what was shown not
to hold stays so, whatever else is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from dashboard.services.demonstration import Demonstration
from dashboard.services.verifier import Outcome

Name = Literal["usable", "invisible", "controllable", "auditable"]
State = Literal["holds", "broken", "unbuilt", "unknown"]

NAMES: tuple[Name, ...] = ("usable", "invisible", "controllable", "auditable")

# What is missing whether or not somebody has run a demonstration; the same words as in its report.
NOT_BUILT: Mapping[Name, tuple[str, ...]] = {
    "usable": (),
    "invisible": ("receipts signed by receivers", "fingerprints of raw cells"),
    "controllable": ("officers' approvals", "revocation"),
    "auditable": ("departments as witnesses", "evidence bundle"),
}


class Judgement(NamedTuple):
    """What is said of one promise."""

    state: State
    missing: tuple[str, ...]


def judge(shown: Demonstration | None, outcome: Outcome | None, *, balanced: bool) -> dict[Name, Judgement]:
    """Judge all four.

    Args:
        balanced: nothing speaks against the account of bytes right now.
    """
    return {name: _judge(name, shown, outcome, balanced) for name in NAMES}


def _judge(name: Name, shown: Demonstration | None, outcome: Outcome | None, balanced: bool) -> Judgement:
    promise = shown.report.promises.get(name) if shown else None
    missing = promise.missing if promise else NOT_BUILT[name]
    refuted = outcome is not None and outcome.refuted
    failed = promise is not None and not promise.holds and promise.reason != "not built"
    match name:
        case "usable":
            failed = failed or (shown is not None and shown.different > 0)
        case "invisible":
            failed = failed or refuted or not balanced  # bytes from a record that does not hold prove nothing
        case "auditable":
            failed = failed or refuted
        case "controllable":
            failed = failed or (shown is not None and shown.refused < len(shown.report.refused))
    if failed:
        return Judgement("broken", missing)
    if missing:
        return Judgement("unbuilt", missing)
    recomputed = outcome is not None and outcome.verdict is not None
    known = promise is not None and promise.holds and (recomputed or name in ("usable", "controllable"))
    return Judgement("holds" if known else "unknown", ())
