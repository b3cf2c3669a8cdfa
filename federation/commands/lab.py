"""A job's [lab]: the same model learnt by each department alone and from all rows in one place, for the model card.

The rows come from files that the analyst has, or from the generator of the built-in city; no department is asked.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

import msgspec
import pandas as pd

from federation.commands.frame import Command
from federation.errors import DataError, RequestError
from federation.governance.identity import write_whole
from federation.learning import lab
from federation.learning.artifact import Artifact
from federation.learning.card import TrainResult
from federation.learning.job import JobLab
from federation.plan import TrainPlan
from federation.settings import Settings, TableCard


def read_lab(
    command: Command, settings: Settings, plan: TrainPlan, asked: JobLab, beside: Path
) -> dict[str, pd.DataFrame]:
    """Read the rows in the clear, before anything is submitted.

    Args:
        beside: the job file's folder; paths in it are relative to it.

    Raises:
        RequestError: a file cannot be read, or there is not one for each department.
    """
    table = settings.catalogue.table(plan.source)
    if table is None:
        raise RequestError("request.table_unknown", table=plan.source, known="-")
    if asked.files:
        _check_names(plan, asked.files)
        return _read(plan, table, {name: (beside / path).resolve() for name, path in asked.files.items()})
    city = command.home.path / "city.json"
    if not city.exists():
        raise RequestError("request.job_key", key="lab.city", reason="this federation is not the built-in city")
    made = json.loads(city.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        files = lab.write_city(plan, Path(folder) / "city", citizens=made["citizens"], seed=made["seed"])
        return _read(plan, table, files)


def compare(plan: TrainPlan, result: TrainResult, frames: Mapping[str, pd.DataFrame]) -> TrainResult:
    """Complete a model card with what the lab finds, on the screen and in its file.

    Raises:
        KeyongError: the plan cannot be trained on these rows.
    """
    model = Path(result.artifact)
    artifact = Artifact.from_bytes(model.read_bytes())
    aside = {name: lab.draw_held_out(plan, frame) for name, frame in frames.items()}
    begun = time.monotonic()
    lab.train_in_clear(plan, frames, aside)
    in_clear = time.monotonic() - begun
    # Officers take their time, and that is no cost of the protocol's.
    together = sum(seconds for name, seconds in result.steps if not name.startswith(("wait", "agree")))
    card = msgspec.structs.replace(
        result.card, lab=lab.compare(plan, frames, federated=artifact), factor=together / in_clear
    )
    write_whole(model.with_suffix(".card.json"), msgspec.json.encode(card), mode=0o600)
    return msgspec.structs.replace(result, card=card)


def _check_names(plan: TrainPlan, files: Mapping[str, str]) -> None:
    for name in files:
        if name not in plan.contributors:
            nearest = get_close_matches(name, plan.contributors, n=1) or plan.contributors
            raise RequestError("request.job_unknown_key", key=f"lab.files.{name}", nearest=", ".join(nearest))
    for name in plan.contributors:
        if name not in files:
            raise RequestError("request.job_missing_key", key=f"lab.files.{name}")


def _read(plan: TrainPlan, table: TableCard, files: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    frames: dict[str, pd.DataFrame] = {}
    for name, path in files.items():
        try:
            frames |= lab.read_frames(plan, table, {name: path})
        except DataError as exc:
            raise RequestError("request.lab_file", key=f"lab.files.{name}", path=path) from exc
    return frames
