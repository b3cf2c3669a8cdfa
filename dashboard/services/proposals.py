"""What a job file asks, worked out before anybody is asked: the plan, by public rules alone, with no key.

Only an analyst may ask, in their own name. The plan that is submitted is made anew by the analyst's program, and
differs in its nonce; what officers sign is that one, on their desks.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from dashboard.services.health import pinned_roster
from dashboard.services.rights import Right, Visitor, check
from federation.audit.record import RecordReader
from federation.errors import HomeError, KeyongError
from federation.governance.policy import check_plan
from federation.governance.roster import Roster
from federation.learning.job import read_job
from federation.learning.planning import plan_training
from federation.plan import TrainPlan
from federation.settings import Catalogue

EXAMPLES = Path(__file__).parents[2] / "examples" / "jobs"
NONCE_BYTES = 16


class Proposal(NamedTuple):
    """A job file, and what comes of it: a plan, or what is wrong."""

    file: Path
    title: str
    plan: TrainPlan | None
    error: KeyongError | None


def proposals(visitor: Visitor, home: Path, *, examples: Path = EXAMPLES) -> tuple[Proposal, ...]:
    """Read every job file at hand, those that this visitor can ask for here first.

    Raises:
        RefusedError: the visitor is no analyst.
        RecordError: nothing was ever started in this home.
        HomeError: there is no roster that can be read.
    """
    check(visitor, Right.ASK, requester=visitor.account)
    reader = RecordReader(home)
    rules = msgspec.json.decode(reader.catalogue(), type=Catalogue)
    roster = pinned_roster(reader.rosters())
    if roster is None:
        raise HomeError("home.not_running")
    files = [*sorted((home / "jobs").glob("*.toml")), *sorted(examples.glob("*.toml"))]
    found = [_propose(file, rules, roster, visitor.account) for file in files]
    return tuple(sorted(found, key=lambda one: one.plan is None))


def settings_file(home: Path, here: Path) -> Path | None:
    """The federation.toml that `keyong` would read in this folder; None if it would have to make one."""
    return next((file for file in (here / "federation.toml", home / "federation.toml") if file.is_file()), None)


def _propose(file: Path, rules: Catalogue, roster: Roster, requester: str) -> Proposal:
    title = file.stem
    try:
        job = read_job(file)
        title = job.title
        nonce = secrets.token_hex(NONCE_BYTES)
        plan = plan_training(job, requester=requester, catalogue=rules, roster=roster, nonce=nonce)
        check_plan(plan, rules, roster)
    except KeyongError as error:
        return Proposal(file, title, None, error)
    return Proposal(file, title, plan, None)


def choose(found: Sequence[Proposal], name: str) -> Proposal | None:
    """The one of this file, else the first."""
    return next((one for one in found if str(one.file) == name), next(iter(found), None))
