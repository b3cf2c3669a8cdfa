"""Trainings: what the analysts' folders, the log and the programs begun here tell of each, joined.

Files an analyst's program leaves: `requests/t-…`, the signed request; `results/t-….json`; `models/t-….card.json`, the
card with the lab's numbers where there are any; `models/t-….part.keyong`, what there is of one that was interrupted.
A model's card is made to be shown; what was asked for and why is for those who may see requests. Losses are the
analyst's alone until there is a card: of a training that another program watches, the log tells rounds and survivors.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import msgspec

from dashboard.services.jobs import Summed
from dashboard.services.requests import Told
from dashboard.services.rights import Right, Visitor, may
from dashboard.services.runs import Run, Runs
from federation.audit.events import timestamp
from federation.learning.card import ModelCard, TrainResult
from federation.messages import Envelope, Request, decode
from federation.plan import TrainPlan, Trees, read_plan

State = Literal["beginning", "waiting", "running", "done", "interrupted", "refused", "failed"]

_Value = TypeVar("_Value")

# The only rounds that move the model, as the log names them.
MOVING = re.compile(r"(?:update|tree)\.(\d+)(?:\.level\.\d+)?")


class Round(NamedTuple):
    """One round, or one tree.

    Attributes:
        loss: None where it is not known here, or kept private.
        epsilon: spent so far; None where it is not known here.
        absent: departments that are not in its sum.
    """

    number: int
    loss: float | None
    epsilon: float | None
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training.

    Attributes:
        time: when it was asked, UTC.
        plan: what was asked; None if the request is in nobody's folder here, or if this visitor may not see it.
        rounds: those that are done.
        planned: how many there will be at most; 0 if nobody knows.
        outcome: code of the error that ended it; "" if none has.
        card: once there is a model.
        seconds: from submission to the model.
        partial: there is a model of the rounds that were done.
        run: the program that watches it, if it was begun here and this visitor may see it.
    """

    job: str
    time: str
    state: State
    title: str
    plan: TrainPlan | None
    contributors: tuple[str, ...]
    rounds: tuple[Round, ...]
    planned: int
    outcome: str
    card: ModelCard | None
    seconds: float | None
    partial: bool
    run: Run | None

    @property
    def live(self) -> bool:
        """Whether something is still to come."""
        return self.state in ("beginning", "waiting", "running")


class Trainings:
    """Reads one home's trainings. Safe to share between visitors."""

    def __init__(self, home: Path) -> None:
        self._home, self.runs = home, Runs()
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[tuple[int, int], object]] = {}

    def look(self, visitor: Visitor, told: Iterable[Told] = ()) -> tuple[Training, ...]:
        """Tell of every training, as much of it as the visitor may see; newest first.

        Args:
            told: what the log tells of requests; others than trainings are left out.
        """
        logged = {one.job: one for one in told if one.job.startswith("t-")}
        runs = {run.job: run for run in reversed(self.runs.look(visitor)) if run.job}
        with self._lock:
            requests = self._each("requests/t-*", _read_request)
            results = self._each("results/t-*.json", _read_result)
            cards = self._each("models/t-*.card.json", _read_card)
        partial = {_job(path) for path in self._home.glob("analysts/*/models/t-*.part.keyong")}
        made = (
            _join(
                job,
                logged.get(job),
                _shown_to(visitor, requests.get(job)),
                results.get(job),
                cards.get(job),
                runs.get(job),
                partial=job in partial,
            )
            for job in {*logged, *runs, *requests, *results}
        )
        return tuple(sorted(made, key=lambda one: (one.time, one.job), reverse=True))

    def _each(self, pattern: str, read: Callable[[Path], _Value]) -> dict[str, _Value]:
        """Read the files that are new or have changed, by job; what cannot be read is left out."""
        found = {}
        for path in self._home.glob(f"analysts/*/{pattern}"):
            try:
                status = path.stat()
                stamp = (status.st_mtime_ns, status.st_size)
                if (known := self._known.get(path)) is None or known[0] != stamp:
                    known = self._known[path] = (stamp, read(path))
                found[_job(path)] = known[1]
            except (OSError, ValueError):
                continue
        return found  # type: ignore[return-value]  # one pattern, one reader


class Asked(NamedTuple):
    """A request in an analyst's folder, and when it was written."""

    plan: TrainPlan | None
    time: str


def _shown_to(visitor: Visitor, asked: Asked | None) -> Asked | None:
    plan = asked.plan if asked else None
    if asked is None or plan is None:
        return asked
    allowed = may(visitor, Right.REQUESTS, departments=plan.contributors, requester=plan.requester)
    return asked if allowed else Asked(None, asked.time)


def _read_request(path: Path) -> Asked:
    payload = decode(Envelope.from_bytes(path.read_bytes()).payload)
    plan = read_plan(payload.plan) if isinstance(payload, Request) else None
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Asked(plan if isinstance(plan, TrainPlan) else None, timestamp(written))


def _read_result(path: Path) -> TrainResult:
    return msgspec.json.decode(path.read_bytes(), type=TrainResult)


def _read_card(path: Path) -> ModelCard:
    return msgspec.json.decode(path.read_bytes(), type=ModelCard)


def _job(path: Path) -> str:
    return path.name.partition(".")[0]


def _join(
    job: str,
    told: Told | None,
    asked: Asked | None,
    result: TrainResult | None,
    card: ModelCard | None,
    run: Run | None,
    *,
    partial: bool,
) -> Training:
    plan = asked.plan if asked else None
    card = card or (result.card if result else None)
    contributors = card.contributors if card else plan.contributors if plan else ()
    return Training(
        job=job,
        time=told.time if told else asked.time if asked else card.made_at if card else "",
        state="done" if card else _state(told, run, partial=partial),
        title=plan.title if plan else card.title if card else "",
        plan=plan,
        contributors=contributors,
        rounds=_rounds(card, run, told.rounds if told else (), contributors),
        planned=_planned(plan, card),
        outcome=(run.error.code if run and run.error else "") or (told.outcome if told else ""),
        card=card,
        seconds=result.seconds if result else None,
        partial=partial,
        run=run,
    )


def _state(told: Told | None, run: Run | None, *, partial: bool) -> State:
    """How far one is that has no model yet: what stopped it counts before what it was doing."""
    said = {act.kind for act in told.acts} if told else set()
    if said & {"approval.deny", "approval.revoke"}:
        return "refused"
    if run and run.alive:
        return "waiting" if run.desks else "running" if run.steps or (told and told.state == "running") else "beginning"
    if told and told.state == "running":
        return "running"
    if partial or (told and told.state in ("released", "interrupted")) or (run and run.stopped and run.steps):
        return "interrupted"
    if (told and told.state == "failed") or (run and run.error and not run.stopped):
        return "failed"
    return "waiting"


def _planned(plan: TrainPlan | None, card: ModelCard | None) -> int:
    if card is not None:
        return card.rounds
    if plan is None:
        return 0
    return plan.model.trees if isinstance(plan.model, Trees) else plan.descent.rounds


def _rounds(
    card: ModelCard | None, run: Run | None, logged: Sequence[Summed], contributors: Sequence[str]
) -> tuple[Round, ...]:
    """Every round, from whoever knows most of it."""
    spent = {step.round: step.epsilon for step in run.steps} if run else {}
    if card is not None:
        absent = {one.round: one.departments for one in card.drop_outs}
        return tuple(
            Round(number, loss, spent.get(number), absent.get(number, ()))
            for number, loss in enumerate(card.history, 1)
        )
    if run and run.steps:
        return tuple(
            Round(step.round, step.loss, step.epsilon, _missing(contributors, step.survivors)) for step in run.steps
        )
    there = _survivors(logged)
    return tuple(Round(number, None, None, _missing(contributors, names)) for number, names in there.items())


def _survivors(logged: Sequence[Summed]) -> Mapping[int, tuple[str, ...]]:
    """Who is in every sum of each round."""
    there: dict[int, tuple[str, ...]] = {}
    for one in logged:
        if found := MOVING.fullmatch(one.round):
            number = int(found[1])
            there[number] = tuple(name for name in there.get(number, one.survivors) if name in one.survivors)
    return there


def _missing(contributors: Sequence[str], there: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in contributors if name not in there)
