"""An officer's word, signed by the officer's own program in a process of its own: the dashboard never holds a key.

It is the word of whoever has signed in, and takes the passphrase each time: a session is no key. Who may say what is
decided here before anything is started, whatever the page shows; the officer's program and the department's desk decide
it again, by the signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dashboard.services import commands, programs
from dashboard.services.attempts import Attempts
from dashboard.services.requests import Request
from dashboard.services.rights import Right, Visitor, check
from federation.errors import HomeError, KeyongError, RefusedError
from federation.governance.roster import Roster

Decision = Literal["approve", "reject", "revoke"]

# In which states of a request a decision makes sense; the same as the desk's own rule.
POSSIBLE: Mapping[Decision, frozenset[str]] = {
    "approve": frozenset({"pending"}),
    "reject": frozenset({"pending"}),
    "revoke": frozenset({"granted", "used"}),
}

MAX_REASON = 500
DEFAULT_HOURS = 24
MAX_HOURS = 24 * 30
MAX_GROUP = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What an officer wants to say.

    Attributes:
        reason: for a no; the words stay with the department.
        conditions: for a yes; they stand in the record.
        minimum_group: for a yes to a script: what it tells of smaller groups stays; 0 asks for no more than its plan.
        hours: until a yes expires.
    """

    decision: Decision
    job: str
    reason: str = ""
    conditions: str = ""
    minimum_group: int = 0
    hours: int = DEFAULT_HOURS


def check_may(visitor: Visitor, roster: Roster, word: Word, request: Request) -> None:
    """Check that whoever has signed in may say this of this request now.

    Raises:
        HomeError: nobody of this name stands in the roster.
        RefusedError: not a security officer; the request is not on this department's desk; or it is too late for it.
    """
    check(visitor, Right.SIGN, departments=(visitor.department,))
    officer = roster.officer(visitor.account)
    if officer is None:
        raise HomeError("home.officer_unknown", officer=visitor.account)
    if officer.role != "officer":
        raise RefusedError("refused.officer", officer=officer.name, party=officer.department)
    state, granted = request.states.get(officer.department), request.granted_by.get(officer.department, ())
    if state is None or word.job != request.job or officer.department in request.automatic:
        raise RefusedError("refused.no_request", request=word.job, party=officer.department)
    if word.decision == "approve" and officer.name in granted:
        raise RefusedError("refused.granted_before", request=word.job, officer=officer.name)
    # While another officer's yes is awaited, one that was given can be taken back.
    awaited = word.decision == "revoke" and state == "pending" and granted
    if state not in POSSIBLE[word.decision] and not awaited:
        raise RefusedError("refused.state", request=word.job, state=state)


def said(word: Word) -> tuple[str, ...]:
    """What goes with a decision, as options of the officer's program."""
    if word.decision != "approve":
        return (f"--reason={word.reason[:MAX_REASON]}",)
    least = (f"--min-group={word.minimum_group}",) if word.minimum_group else ()
    return (f"--hours={word.hours}", f"--condition={word.conditions[:MAX_REASON]}", *least)


def possible(visitor: Visitor, roster: Roster, request: Request) -> tuple[Decision, ...]:
    """Which decisions whoever has signed in may make on a request now."""
    found: list[Decision] = []
    for decision in POSSIBLE:
        try:
            check_may(visitor, roster, Word(decision=decision, job=request.job), request)
        except KeyongError:
            continue
        found.append(decision)
    return tuple(found)


def decide(
    visitor: Visitor,
    home: Path,
    roster: Roster,
    word: Word,
    request: Request,
    passphrase: str,
    *,
    attempts: Attempts,
    language: str,
) -> None:
    """Have the officer's own program sign; returns when the department's desk has taken it.

    Args:
        attempts: where wrong passphrases are counted, `sources.entrance(home).attempts`.
        language: in which the program says what is wrong.

    Raises:
        HomeError: nobody of this name, or the program gave no answer.
        RefusedError: this account may not say this, or too soon after wrong passphrases.
        SaidError: wrong passphrase, the request has expired, the federation does not run, and the like.
    """
    check_may(visitor, roster, word, request)
    command = commands.sign(home, word.decision, word.job, visitor.account, said(word), language)
    with attempts.attempt(visitor.account):
        programs.tell(command, passphrase, about=word.job)
