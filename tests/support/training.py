"""Joint trainings in memory: a small table that can be learnt from, at several departments."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from federation.aggregation.agreement import propose
from federation.learning.joint import Desk, run_training
from federation.learning.report import Report
from federation.messages import Payload
from federation.plan import Descent, Feature, Label, Logistic, TrainPlan, release_gate
from tests.support.memory import ANALYST, COORDINATOR, NAMES, MemoryFederation, MemoryStore, MemoryWire, column

JOB = "t-1"
COLUMNS = (
    column("person_id", "text", "join_key"),
    column("dose", "decimal(1)", "feature", bounds=(-20, 20)),
    column("sex", "text", "feature", "filter", values=("f", "m")),
    column("ill", "boolean", "feature", "filter", bounds=(0, 1), values=("false", "true")),
)


def patients(name: str, count: int = 40) -> MemoryStore:
    """Rows in which a high dose, and being m, make ill; others at every department."""
    draw = random.Random(name)
    rows = []
    for number in range(count):
        dose, sex = round(draw.gauss(0, 8)), draw.choice("fm")
        ill = int(dose + 5 * (sex == "m") + draw.gauss(0, 6) > 3)
        rows.append({"person_id": f"{name}-{number:03}", "dose": dose * 10 // 10, "sex": sex, "ill": ill})
    return MemoryStore(rows)


def clinics(folder: Path, count: int = 6, rows: int = 40, **rules: object) -> MemoryFederation:
    """So many departments with patients."""
    names = NAMES[:count]
    return MemoryFederation(folder / "home", {name: patients(name, rows) for name in names}, columns=COLUMNS, **rules)


def training(federation: MemoryFederation, *, protection: str = "masks", **changes: object) -> TrainPlan:
    """A plan of five steps of logistic regression, unless it says otherwise."""
    catalogue, roster = federation.catalogue, federation.roster
    (table,) = catalogue.tables
    fields: dict[str, object] = {
        "nonce": "1" * 32,
        "requester": ANALYST,
        "purpose": "test",
        "contributors": table.departments,
        "gate": release_gate(table.departments, ANALYST),
        "holders": roster.holders,
        "threshold": roster.threshold,
        "minimum_group": catalogue.minimum_group,
        "minimum_contributors": catalogue.minimum_contributors,
        "catalogue": catalogue.hash,
        "roster": roster.hash,
        "epoch": roster.epoch,
        "protection": protection,
        "title": "ill",
        "job_file": "",
        "source": "insured",
        "id": COLUMNS[0].as_column,
        "features": (
            Feature(column=COLUMNS[1].as_column, low=-20, high=20),
            Feature(column=COLUMNS[2].as_column, values=("f", "m")),
        ),
        "label": Label(column=COLUMNS[3].as_column),
        "model": Logistic(l2=0.01),
        "descent": Descent(rounds=5, rate=0.5),
    }
    return TrainPlan(**{**fields, **changes})  # type: ignore[arg-type]


def train(
    federation: MemoryFederation,
    plan: TrainPlan,
    *,
    job: str = JOB,
    tamper: Callable[[str, Payload], Payload] = lambda _, payload: payload,
    before: Callable[[str, MemoryWire], None] = lambda step, wire: None,
    kept: list[Report] | None = None,
) -> Report:
    """Run a training as the coordinator does.

    Args:
        tamper: what a malicious coordinator sends instead.
        before: called before every step, with the wire: `wire.gone` are the departments that do not answer.
        kept: is given what the coordinator keeps on the way.
    """
    wire = MemoryWire(federation, job, plan.hash, tamper)
    agreements = propose(wire, plan, federation.request(plan, job=job), {})
    federation._start(plan, job)
    desk = Desk(
        identity=federation.identities[COORDINATOR],
        roster=federation.roster,
        public_key=federation.public_key,
        seal=lambda members: federation.checkpoint(without=sorted(wire.gone)),
        record=lambda kind, data: federation._record(kind, job, data),
        keep=(kept if kept is not None else []).append,
        progress=lambda step: before(step, wire),
        told=lambda step: None,
    )
    outcome = "failed"
    try:
        report = run_training(wire, plan, job, agreements, desk)
        outcome = "released"
        return report
    finally:
        with suppress(Exception):
            federation._record("job.end", job, {"outcome": outcome})
