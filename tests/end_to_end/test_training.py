"""Joint training with real, confined processes on the synthetic city: the model, the record, a department that dies."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from federation import operate
from federation.demo.evidence import verify_settled
from federation.errors import KeyongError
from federation.learning.artifact import Artifact, decode_arrays
from federation.learning.job import read_job
from federation.learning.steps import Step
from federation.runtime.home import Home
from federation.settings import read_settings
from tests.support import city
from tests.support.approving import wait_for
from tests.support.city import federation_toml

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("training")]

JOB = """
title = "ill"
purpose = "test"
protection = "{protection}"

[data]
table = "admissions"
features = ["age", "disease", "previous", "los", "lives_alone"]
label = "readmitted_30d"

[model]
kind = "{kind}"

[descent]
rounds = {rounds}
rate = 0.5
"""


class Town:
    def __init__(self, folder: Path) -> None:
        file = city.write_federation(folder, citizens=4_000, key_bits=512)
        self.folder, self.settings, self.home = (
            folder,
            read_settings(file, minimum_key_bits=512),
            Home(folder / "home"),
        )

    def up(self) -> None:
        before = set(psutil.Process().children(recursive=True))
        operate.up(self.settings, self.home, minimum_key_bits=512)
        self.family = set(psutil.Process().children(recursive=True)) - before
        self.analyst = operate.open_analyst(self.settings, self.home, minimum_key_bits=512)

    def kill(self, name: str) -> None:
        """Kill a party's own process: the innermost of those that bear its name."""
        for process in [*self.family, *(child for p in self.family for child in _children(p))]:
            with suppress(psutil.NoSuchProcess):
                if process.name() == f"ky-{name}"[:15] and not process.children():
                    process.kill()

    def whole(self) -> None:
        wait_for(lambda: all(p["state"] == "ready" for p in operate.status(self.home)["parties"]))

    def plan(self, *, protection="masks", kind="logistic", rounds=4, start=b""):
        file = self.folder / "job.toml"
        text = JOB.format(protection=protection, kind=kind, rounds=rounds)
        file.write_text(text if kind != "trees" else text.partition("[descent]")[0] + "trees = 2\ndepth = 2\n", "utf-8")
        return self.analyst.plan_training(read_job(file), start=start)


def _children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return process.children(recursive=True)
    return []


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    made = Town(tmp_path_factory.mktemp("town"))
    made.up()
    try:
        yield made
    finally:
        operate.down(made.home)


def coefficients(path: str) -> np.ndarray:
    return np.concatenate([a.ravel() for a in decode_arrays(Artifact.from_bytes(Path(path).read_bytes()).arrays)])


def test_training_under_masks_and_under_the_joint_key_gives_the_same_model(town):
    rounds = []
    masked = town.analyst.train(town.plan(), rounds.append)
    encrypted = town.analyst.train(town.plan(protection="paillier"))
    steps = [step for step in rounds if isinstance(step, Step)]
    assert [step.round for step in steps] == [1, 2, 3, 4]
    assert steps[-1].loss < steps[0].loss
    assert masked.card.took_part == tuple(sorted(d.name for d in town.settings.departments))
    assert masked.card.measures.auc_low < masked.card.measures.auc < masked.card.measures.auc_high
    # Two jobs hold out other rows, by their nonces: close, and not the same.
    assert np.abs(coefficients(masked.artifact) - coefficients(encrypted.artifact)).max() < 0.1


def test_trees_grow_over_real_processes(town):
    assert town.analyst.train(town.plan(kind="trees")).card.measures.auc > 0.5


def test_prediction_counts_bands_and_the_bands_stay_at_home(town):
    trained = town.analyst.train(town.plan())
    plan = town.analyst.plan_prediction(Path(trained.artifact).read_bytes(), bands=(0.3, 0.6), purpose="test")
    result = town.analyst.predict(plan)
    kept = [pd.read_csv(file) for file in town.home.path.glob(f"parties/*/predictions/{result.job}.csv")]
    assert len(kept) == 6
    bands = pd.concat(kept)["band"].value_counts()
    for band in result.bands:
        assert band.people in (None, bands.get(band.label, 0))
    assert any(band.people for band in result.bands)


def test_record_of_trainings_verifies(town):
    town.analyst.train(town.plan(rounds=2))
    verify_settled(town.home)


def test_department_killed_in_a_round_is_left_out_and_training_goes_on(town):
    killed = []

    def die(step: object) -> None:
        if isinstance(step, Step) and step.round == 2 and not killed:
            killed.append("qinshui")
            town.kill("qinshui")

    card = town.analyst.train(town.plan(rounds=6), die).card
    town.whole()
    assert killed and {name for out in card.drop_outs for name in out.departments} == {"qinshui"}
    assert card.rounds == 6


def test_training_that_loses_two_says_where_its_model_is_and_goes_on_from_there(town):
    gone = []

    def die(step: object) -> None:
        if isinstance(step, Step) and step.round == 2 and not gone:
            for name in ("qinshui", "zezhou"):
                gone.append(name)
                town.kill(name)

    with pytest.raises(KeyongError) as stopped:
        town.analyst.train(town.plan(rounds=6), die)
    assert stopped.value.code == "learning.interrupted"
    town.whole()
    saved = Path(str(stopped.value.details["file"])).read_bytes()
    assert Artifact.from_bytes(saved).rounds >= 1
    card = town.analyst.train(town.plan(rounds=2, start=saved)).card
    assert card.rounds == 2


@pytest.mark.real_data
def test_four_real_hospitals_reach_0_87_together(real_data, tmp_path):
    """UCI heart disease; benchmarks: 0.8809 on one split. Held-out rows differ by the nonce, so that 0.8 is certain."""
    clear = pd.read_csv(real_data / "heart_disease_4hospitals.csv").dropna(
        subset=["trestbps", "chol", "fbs", "restecg", "thalch", "exang", "oldpeak"]
    )
    clear["ill"] = (clear.num > 0).astype(int)
    for name in ("fbs", "exang"):
        clear[name] = clear[name].astype(str).str.upper().eq("TRUE").astype(int)
    number = {"type": "integer", "uses": ["feature"]}
    columns = {
        "id": {"type": "integer", "uses": ["never"]},
        "age": {**number, "bounds": [0, 120]},
        "sex": {"type": "text", "uses": ["feature"], "values": ["Female", "Male"]},
        "cp": {"type": "text", "uses": ["feature"], "values": sorted(clear.cp.unique())},
        "trestbps": {**number, "bounds": [0, 300]},
        "chol": {**number, "bounds": [0, 1000]},
        "fbs": {"type": "boolean", "uses": ["feature"]},
        "restecg": {"type": "text", "uses": ["feature"], "values": sorted(clear.restecg.unique())},
        "thalch": {**number, "bounds": [0, 300]},
        "exang": {"type": "boolean", "uses": ["feature"]},
        "oldpeak": {"type": "decimal(1)", "uses": ["feature"], "bounds": [-10, 10]},
        "ill": {"type": "boolean", "uses": ["feature"]},
    }
    departments = {}
    for number_, (hospital, rows) in enumerate(clear.groupby("dataset")):
        name = f"hospital{number_}"
        rows[list(columns)].to_csv(tmp_path / f"{name}.csv", index=False)
        departments[name] = {"patients": {"adapter": "csv", "path": str(tmp_path / f"{name}.csv"), "id": "id"}}
        assert hospital
    toml = tmp_path / "federation.toml"
    rules = {"name": "hospitals", "key_bits": 512}
    toml.write_text(federation_toml(departments=departments, tables={"patients": columns}, rules=rules), "utf-8")
    job = tmp_path / "job.toml"
    text = JOB.format(protection="masks", kind="logistic", rounds=60).replace("admissions", "patients")
    features = [name for name in columns if name not in ("id", "ill")]
    text = text.replace('["age", "disease", "previous", "los", "lives_alone"]', str(features).replace("'", '"'))
    job.write_text(text.replace("readmitted_30d", "ill").replace("rate = 0.5", "rate = 2"), "utf-8")
    settings, home = read_settings(toml, minimum_key_bits=512), Home(tmp_path / "home")
    operate.up(settings, home, minimum_key_bits=512)
    try:
        analyst = operate.open_analyst(settings, home, minimum_key_bits=512)
        measures = analyst.train(analyst.plan_training(read_job(job))).card.measures
    finally:
        operate.down(home)
    assert measures.auc > 0.8
    print(measures)
