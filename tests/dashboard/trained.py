"""What an analyst's program leaves of a training, made by really training on a few rows, with no federation around."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import msgspec

from federation.analyst import job_name
from federation.governance.identity import Identity
from federation.learning import lab
from federation.learning.card import ModelCard, Phase, TrainResult, make_card
from federation.learning.steps import Trained
from federation.messages import Header, Request
from federation.plan import Descent, TrainPlan
from tests.dashboard.desks import CATALOGUE
from tests.dashboard.records import DEPARTMENTS
from tests.support.learning import cohort, owners_of, summing, train
from tests.support.learning import train_plan as any_plan

ANALYST = "analyst@city"
ABSENT = {4: "gaoping", 5: "gaoping", 9: "zezhou"}


def train_plan(**changes: object) -> TrainPlan:
    """A logistic regression of the recorded home's departments."""
    fields = {
        "requester": ANALYST,
        "purpose": "评估出院随访名单 <b>",
        "title": "再入院",
        "job_file": 'title = "再入院"',
        "contributors": DEPARTMENTS,
        "gate": "zezhou",
        "holders": DEPARTMENTS,
        "threshold": 2,
        "catalogue": CATALOGUE.hash,
        "descent": Descent(rounds=12, rate=0.5),
    }
    return any_plan(**(fields | changes))


@lru_cache
def learnt(plan: TrainPlan, *, compared: bool = False) -> ModelCard:
    """Train a plan over sums in clear, with some departments missing from some rounds; and its card."""
    frames = cohort(plan)

    def gone(name: str) -> list[str]:
        kind, _, number = name.partition(".")
        absent = kind == "update" and int(number) in ABSENT and plan.privacy is None
        return [ABSENT[int(number)]] if absent else []

    trained = train(plan, summing(plan, owners_of(plan, frames), gone), lambda step: None)
    return _card(plan, trained, lab.compare(plan, frames, federated=trained.artifact) if compared else None)


def _card(plan: TrainPlan, trained: Trained, numbers) -> ModelCard:
    return make_card(
        plan,
        job=job_name(plan),
        artifact=trained.artifact.to_bytes(),
        losses=[step.loss for step in trained.history],
        survivors={step.round: step.survivors for step in trained.history},
        rows_train=400,
        measures=trained.measures,
        epsilon_recomputed=trained.epsilon,
        phases=[Phase(name="update", seconds=1.25, bytes=123_456), Phase(name="measure", seconds=0.5)],
        lab=numbers,
        made_at=datetime(2026, 11, 22, 2, 0, tzinfo=UTC),
    )


def leave_request(home: Path, plan: TrainPlan, analyst: str = ANALYST) -> str:
    """What there is once a training was asked."""
    folder = home / "analysts" / analyst
    (folder / "requests").mkdir(parents=True, exist_ok=True)
    header = Header(
        origin="x", job=job_name(plan), attempt=1, plan=plan.hash, roster="", epoch=1, sender=analyst,
        recipient="coordinator", number="00" * 16, reply_to="",
    )  # fmt: skip
    signed = Identity.in_home(analyst, folder).sign(header, Request(plan=plan.to_bytes()))
    (folder / "requests" / job_name(plan)).write_bytes(signed)
    return job_name(plan)


def leave_model(home: Path, plan: TrainPlan, *, compared: bool = False, analyst: str = ANALYST) -> ModelCard:
    """What there is once it has come to its end; the lab's numbers stand in the card's own file only."""
    job, card = leave_request(home, plan, analyst), learnt(plan, compared=compared)
    folder = home / "analysts" / analyst
    for name in ("results", "models"):
        (folder / name).mkdir(exist_ok=True)
    artifact = str(folder / "models" / f"{job}.keyong")
    bare = msgspec.structs.replace(card, lab=None)
    result = TrainResult(job=job, card=bare, artifact=artifact, seconds=12.5, bytes=9_000, steps=(("agree", 1.0),))
    (folder / "results" / f"{job}.json").write_bytes(msgspec.json.encode(result))
    (folder / "models" / f"{job}.card.json").write_bytes(msgspec.json.encode(card))
    return card
