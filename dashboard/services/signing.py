"""An officer's word, signed by the officer's own program in a process of its own: the dashboard never holds a key.

The passphrase goes to that process on its standard input and is kept nowhere. Who may say what is decided here before
anything is started, whatever the page shows; the officer's program and the department's desk decide it again, by the
signature.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dashboard.services import commands
from dashboard.services.requests import Request
from federation.errors import HomeError, KeyongError, RefusedError
from federation.governance.roster import Roster

Decision = Literal["approve", "reject", "revoke"]

# In which states of a request a decision makes sense; the same as the desk's own rule.
POSSIBLE: Mapping[Decision, frozenset[str]] = {
    "approve": frozenset({"pending"}),
    "reject": frozenset({"pending"}),
    "revoke": frozenset({"granted", "used"}),
}

DEADLINE_S = 100.0  # a department in the middle of a step answers after it
MAX_REASON = 500
# In a demonstration this variable would stand in for the passphrase, and a wrong one would be taken.
FROM_ENVIRONMENT = "KEYONG_PASSPHRASE"


class NotSignedError(commands.SaidError):
    """The officer's program did not sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What an officer wants to say.

    Attributes:
        account: officer@tax.
        reason: for a no; the words stay with the department.
    """

    account: str
    decision: Decision
    job: str
    reason: str = ""


def check_may(roster: Roster, word: Word, request: Request) -> None:
    """Check that this account may say this of this request now.

    Raises:
        HomeError: nobody of this name stands in the roster.
        RefusedError: not a security officer; the request is not on this department's desk; or it is too late for it.
    """
    officer = roster.officer(word.account)
    if officer is None:
        raise HomeError("home.officer_unknown", officer=word.account)
    if officer.role != "officer":
        raise RefusedError("refused.officer", officer=officer.name, party=officer.department)
    state = request.states.get(officer.department)
    if state is None or word.job != request.job or officer.department in request.automatic:
        raise RefusedError("refused.no_request", request=word.job, party=officer.department)
    if state not in POSSIBLE[word.decision]:
        raise RefusedError("refused.state", request=word.job, state=state)


def possible(roster: Roster, account: str, request: Request) -> tuple[Decision, ...]:
    """Which decisions an account may make on a request now."""
    found: list[Decision] = []
    for decision in POSSIBLE:
        try:
            check_may(roster, Word(account=account, decision=decision, job=request.job), request)
        except KeyongError:
            continue
        found.append(decision)
    return tuple(found)


def decide(home: Path, roster: Roster, word: Word, request: Request, passphrase: str, *, language: str) -> None:
    """Have the officer's own program sign; returns when the department's desk has taken it.

    Args:
        language: in which the program says what is wrong.

    Raises:
        HomeError: nobody of this name, or the program gave no answer.
        RefusedError: this account may not say this.
        NotSignedError: wrong passphrase, the request has expired, the federation does not run, and the like.
    """
    check_may(roster, word, request)
    command = commands.sign(home, word.decision, word.job, word.account, word.reason[:MAX_REASON], language)
    environment = {name: value for name, value in os.environ.items() if name != FROM_ENVIRONMENT}
    try:
        # One line: what stands after a line break would be taken for no part of the passphrase.
        done = subprocess.run(
            command,
            input=passphrase.partition("\n")[0] + "\n",
            capture_output=True,
            encoding="utf-8",
            env=environment,
            timeout=DEADLINE_S,
            check=False,
        )
        said = json.loads(done.stdout)
        if done.returncode == 0 and said["about"] == word.job:
            return
        raise NotSignedError(said["code"], said["message"], said["next"])
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as exc:
        raise HomeError("home.internal", kind=word.decision) from exc
