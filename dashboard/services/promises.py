"""The four promises, judged from what the verifier has just said and from the last demonstration. Pure rules.

A promise holds only on a record that was recomputed and holds. What a demonstration names as not built never counts as
holding; what was shown not to hold stays so, whatever else is built.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from dashboard.services.demonstration import Demonstration
from dashboard.services.verifier import Outcome
from federation.audit.verify import Verdict

Name = Literal["usable", "invisible", "controllable", "auditable"]
State = Literal["holds", "broken", "unbuilt", "unknown"]

NAMES: tuple[Name, ...] = ("usable", "invisible", "controllable", "auditable")


class Judgement(NamedTuple):
    """What is said of one promise."""

    state: State
    missing: tuple[str, ...]


def judge(
    shown: Demonstration | None, outcome: Outcome | None, *, balanced: bool, watched: bool
) -> dict[Name, Judgement]:
    """Judge all four.

    Args:
        balanced: nothing speaks against the account of bytes right now.
        watched: every department's gateway searches what leaves for fingerprints of its raw cells.
    """
    verdict = outcome.verdict if outcome else None
    refuted = outcome is not None and outcome.refuted
    states: dict[Name, State] = {
        "usable": _usable(shown),
        "invisible": "broken" if refuted or not balanced else _invisible(verdict, watched),
        "controllable": "broken" if refuted or _let_through(shown) else _controllable(verdict),
        "auditable": "broken" if refuted or _unnoticed(shown) else _auditable(verdict),
    }
    return {name: _judgement(name, state, shown) for name, state in states.items()}


def _judgement(name: Name, state: State, shown: Demonstration | None) -> Judgement:
    promise = shown.report.promises.get(name) if shown else None
    missing = promise.missing if promise else ()
    failed = promise is not None and not promise.holds and promise.reason != "not built"
    if state == "broken" or failed:
        return Judgement("broken", missing)
    return Judgement("unbuilt" if missing else state, missing)


def _usable(shown: Demonstration | None) -> State:
    """Only a demonstration has a clear answer to compare with."""
    if shown is None or not shown.compared:
        return "unknown"
    return "broken" if shown.different or not shown.report.trained.holds else "holds"


def _invisible(verdict: Verdict | None, watched: bool) -> State:
    """Ledgers = proxy = receipts, and fingerprints of raw cells were searched for in all that left."""
    if verdict is None or not verdict.counted_bytes or not watched:
        return "unknown"
    counted = bool(verdict.unsent) or verdict.ledger_bytes == verdict.counted_bytes
    signed = verdict.ledger_bytes == verdict.receipt_bytes + verdict.unreceipted_bytes
    return "holds" if counted and signed else "broken"


def _controllable(verdict: Verdict | None) -> State:
    """A person said yes to whatever ran. A rule that says yes to everything is nobody."""
    if verdict is None or not (verdict.granted or verdict.automatic or verdict.denied):
        return "unknown"
    return "broken" if verdict.automatic or verdict.unapproved else "holds"


def _auditable(verdict: Verdict | None) -> State:
    """A quorum of departments has co-signed the record."""
    if verdict is None or not verdict.sealed_size:
        return "unknown"
    return "holds" if len(verdict.witnesses) >= verdict.quorum else "broken"


def _let_through(shown: Demonstration | None) -> bool:
    """Whether something that had to be refused or stopped in the demonstration was not."""
    if shown is None:
        return False
    unstopped = any(stopped.code != stopped.expected for stopped in shown.report.stopped)
    unstopped = unstopped or not shown.report.scripted.holds
    return unstopped or shown.refused < len(shown.report.refused)


def _unnoticed(shown: Demonstration | None) -> bool:
    """Whether the demonstration altered or attacked the record, and what had to be noticed was not."""
    if shown is None:
        return False
    report = shown.report
    return not report.tampered or bool(report.drills.failed) or not report.handed_over.accepted
