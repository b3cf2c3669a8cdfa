"""A prediction at a department: its own people scored, the bands kept with it, and only counts per band added up.

What is added up, suppressed and read is a query's business (`federation.queries.sums`): the bands are its groups. Each
person may be scored so often by models of this table; who has been is left out, and the department keeps count.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from federation.adapters import Cells
from federation.aggregation.office import Job, Office
from federation.errors import RefusedError, RequestError
from federation.governance.identity import write_secret
from federation.learning.artifact import Artifact
from federation.learning.rows import read_rows
from federation.learning.scoring import score
from federation.plan import PredictPlan
from federation.queries.sums import SumProgramme

FOLDER = "predictions"


class PredictProgramme(SumProgramme):
    """Scores at the first round; the rest is as in any query."""

    def __init__(self, plan: PredictPlan) -> None:
        super().__init__(plan)
        self._prediction = plan

    def count(self, office: Office, job: Job) -> Cells:
        """Score everybody who is within the budget, keep each one's band at home, and count per band.

        Raises:
            RefusedError: the model is not one of this table, or it cannot be read.
            HomeError: the bands cannot be kept.
        """
        plan, card = self._prediction, office.catalogue.table(self._prediction.table)
        if card is None:
            raise RefusedError("refused.other_catalogue")
        frame = read_rows(office.stores[plan.table], card, plan)
        frame = frame[frame[plan.id.name].notna()]
        folder = office.home / FOLDER
        spent = _spent(folder, plan.table)
        within = frame[plan.id.name].map(lambda person: spent[person] < plan.budget).to_numpy(dtype=bool)
        frame = frame[within]
        scored = score(read_artifact(plan), frame)
        bands = np.searchsorted(np.array(plan.bands), scored, side="right")
        kept = _keep(folder, job.job, plan, frame[plan.id.name], bands, spent)
        # Of what was kept the log holds a salted commitment only: how many people there are is a finding of its own.
        model: dict[str, int | str] = {"digest": hashlib.sha256(plan.artifact).hexdigest()}
        job.notes.append(job.draft("predict", office, model, body=hashlib.sha256(kept).digest()))
        return {int(band): (int(people),) for band, people in zip(*np.unique(bands, return_counts=True), strict=True)}


def read_artifact(plan: PredictPlan) -> Artifact:
    """Read the model of a prediction, which must be of the plan's table and features.

    Raises:
        RequestError: it is not.
    """
    try:
        artifact = Artifact.from_bytes(plan.artifact)
    except ValueError as exc:
        raise RequestError("request.model_differs", what="features") from exc
    if (artifact.source, artifact.features) != (plan.source, plan.features):
        raise RequestError("request.model_differs", what="features")
    return artifact


def _spent(folder: Path, table: str) -> Counter[str]:
    """How often each person has been scored by models of a table."""
    try:
        return Counter(msgspec.json.decode((folder / f"{_file(table)}.spent").read_bytes(), type=dict[str, int]))
    except FileNotFoundError:
        return Counter()


def _keep(
    folder: Path, job: str, plan: PredictPlan, people: pd.Series, bands: npt.NDArray[np.int64], spent: Counter[str]
) -> bytes:
    """Write down each person's band, and that they were scored once more; on disk before any count leaves.

    Returns:
        What was written.
    """
    labels = plan.local.group_by[0].values
    kept = pd.DataFrame({plan.id.name: people, "band": [labels[band] for band in bands]})
    spent.update(people)
    folder.mkdir(exist_ok=True, mode=0o700)
    write_secret(folder / f"{_file(plan.table)}.spent", msgspec.json.encode(dict(spent)))
    content = kept.to_csv(index=False).encode()
    write_secret(folder / f"{job}.csv", content)
    return content


def _file(table: str) -> str:
    """A table's name as that of a file."""
    return hashlib.sha256(table.encode()).hexdigest()[:16]
