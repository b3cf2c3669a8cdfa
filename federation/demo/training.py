"""The demonstration's joint training: six hospitals, one model, compared with the one that pooled rows give."""

from __future__ import annotations

import tempfile
from pathlib import Path

from federation.analyst import Analyst, job_name
from federation.demo.queries import Officers, approving
from federation.demo.report import Trained
from federation.demo.teller import Teller
from federation.learning import lab
from federation.learning.artifact import Artifact
from federation.learning.card import LabNumbers
from federation.learning.job import read_job
from federation.plan import TrainPlan
from federation.runtime.home import Home
from federation.settings import Settings

# Fewer rounds than a good model takes: both sides of the comparison are given as many.
JOB = """\
title = "三十天内再入院：逻辑回归"
purpose = "评估出院随访名单的模型，用于各院随访排班"
protection = "masks"
seed = 7

[data]
table = "admissions"
features = ["age", "previous", "comorbidities", "los", "hba1c", "egfr", "haemoglobin", "crp", "lives_alone"]
label = "readmitted_30d"
holdout = 30

[model]
kind = "logistic"
l2 = 0.001

[descent]
strategy = "fedsgd"
rounds = 20
rate = 1
"""
# The two models may differ by so much in the area under the curve, measured on the same rows.
TOLERANCE = 1e-3


def train(
    analyst: Analyst,
    officers: Officers,
    settings: Settings,
    home: Home,
    teller: Teller,
    *,
    citizens: int,
    seed: int,
) -> Trained:
    """Train, let every officer approve, and learn the same model once more from all rows in the clear.

    Raises:
        KeyongError: it was refused or failed.
    """
    file = home.path / "jobs" / "readmission.toml"
    file.parent.mkdir(exist_ok=True, mode=0o700)
    file.write_text(JOB, "utf-8")
    plan = analyst.plan_training(read_job(file))
    result = analyst.train(plan, approving(officers, job_name(plan)))
    compared = _compare(plan, settings, Path(result.artifact), citizens=citizens, seed=seed)
    alone = [measures.auc for measures in compared.alone.values() if measures.auc is not None]
    trained = Trained(
        job=result.job,
        rounds=result.card.rounds,
        departments=len(result.card.took_part),
        seconds=result.seconds,
        rows=compared.federated.rows or 0,
        federated=compared.federated.auc,
        pooled=compared.pooled.auc,
        best_alone=max(alone, default=None),
        tolerance=TOLERANCE,
    )
    teller.trained(trained)
    return trained


def _compare(plan: TrainPlan, settings: Settings, model: Path, *, citizens: int, seed: int) -> LabNumbers:
    table = settings.catalogue.table(plan.source)
    if table is None:
        raise AssertionError("the plan was checked against this catalogue")
    with tempfile.TemporaryDirectory() as folder:
        files = lab.write_city(plan, Path(folder) / "city", citizens=citizens, seed=seed)
        frames = lab.read_frames(plan, table, files)
    return lab.compare(plan, frames, federated=Artifact.from_bytes(model.read_bytes()))
