"""Training and prediction as a person and a script meet them: from the job file to the card, the model, the bands."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from federation.learning.artifact import Artifact
from tests.support.city import federation_toml
from tests.support.command import keyong

pytestmark = pytest.mark.xdist_group("command")

HOSPITALS = ("east", "west", "north")
COLUMNS = {
    "id": {"type": "text", "uses": ["join_key"]},
    "age": {"type": "integer", "uses": ["feature", "filter", "aggregate"], "bounds": [0, 120], "cuts": [40, 60]},
    "disease": {"type": "text", "uses": ["feature", "group_by"], "values": ["copd", "stroke", "other"]},
    "again": {"type": "boolean", "uses": ["feature"]},
}
JOB = """\
title = "readmission"
purpose = "who to call"
[data]
table = "cases"
features = ["age", "disease"]
label = "again"
[model]
kind = "logistic"
l2 = 0.001
[descent]
rounds = 4
rate = 1
"""
LAB = "[lab.files]\n" + "".join(f'{name} = "{name}.csv"\n' for name in HOSPITALS)


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory):
    """A running federation of three hospitals over CSV files; the older are admitted again."""
    folder = tmp_path_factory.mktemp("hospitals")
    draw = random.Random(7)
    for name in HOSPITALS:
        rows = []
        for number in range(120):
            age = draw.randint(20, 90)
            again = draw.random() < (age - 10) / 100
            rows.append(f"{name}{number},{age},{draw.choice(['copd', 'stroke', 'other'])},{str(again).lower()}")
        (folder / f"{name}.csv").write_text("\n".join(["id,age,disease,again", *rows]) + "\n", "utf-8")
    stores = {name: {"cases": {"adapter": "csv", "path": f"{name}.csv", "id": "id"}} for name in HOSPITALS}
    toml = federation_toml(departments=stores, tables={"cases": COLUMNS}, rules={"name": "hospitals"})
    (folder / "federation.toml").write_text(toml, "utf-8")
    (folder / "job.toml").write_text(JOB, "utf-8")
    (folder / "lab.toml").write_text(JOB + LAB, "utf-8")
    yield folder
    keyong("down", cwd=folder)


@pytest.fixture(scope="module")
def trained(hospitals: Path):
    """What training with the lab's comparison prints for a script."""
    result = keyong("train", "lab.toml", "--json", cwd=hospitals)
    assert result.returncode == 0, result.stderr + result.stdout
    return json.loads(result.stdout)


def test_training_prints_the_card_and_leaves_the_model_it_describes(trained):
    card = trained["card"]
    assert trained["job"].startswith("t-") and card["job"] == trained["job"]
    assert (card["title"], card["rounds"], card["took_part"]) == ("readmission", 4, sorted(HOSPITALS))
    model = Artifact.from_bytes(Path(trained["artifact"]).read_bytes())
    assert (model.source, model.rounds) == ("cases", 4)
    assert card["rows_train"] + card["measures"]["rows"] == 360


def test_card_in_the_home_is_the_one_that_was_printed_with_what_the_lab_found(trained):
    kept = json.loads(Path(trained["artifact"]).with_suffix(".card.json").read_text("utf-8"))
    assert kept == trained["card"]
    assert set(kept["lab"]["alone"]) == set(HOSPITALS)
    # Row by row on the same rows: together is as good as pooled.
    assert kept["lab"]["federated"]["auc"] == pytest.approx(kept["lab"]["pooled"]["auc"], abs=1e-3)
    assert kept["lab"]["federated"]["rows"] == kept["measures"]["rows"]
    assert kept["factor"] > 1


def test_a_person_reads_every_round_and_the_card(hospitals):
    result = keyong("--lang", "en", "train", "job.toml", cwd=hospitals)
    assert result.returncode == 0, result.stderr
    rounds = [line for line in result.stderr.splitlines() if line.startswith("round ")]
    assert [line.split(",")[0] for line in rounds] == ["round 1/4", "round 2/4", "round 3/4", "round 4/4"]
    assert all("loss 0." in line and "3 departments" in line for line in rounds)
    assert "leakage card:" in result.stdout and "alone and pooled: not compared" in result.stdout


def test_explaining_shows_who_sees_what_and_trains_nothing(hospitals):
    result = keyong("--lang", "en", "train", "job.toml", "--explain", cwd=hospitals)
    assert result.returncode == 0, result.stderr
    for words in (
        "who will see what",
        "pairwise masks",
        "gradient inversion",
        "membership inference",
        "4 rounds",
        "kB",
    ):
        assert words in result.stdout
    machine = json.loads(keyong("train", "job.toml", "--explain", "--json", cwd=hospitals).stdout)
    assert (machine["protection"], machine["rounds"]) == ("masks", 4)
    assert machine["expected_bytes"] > 0 and machine["leakage"] and "seconds" not in machine


def test_model_goes_on_from_where_it_was(hospitals, trained):
    result = keyong("train", "job.toml", "--from", trained["artifact"], "--json", cwd=hospitals)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stderr.splitlines()[0])["rounds"] == 8
    again = json.loads(result.stdout)
    assert Artifact.from_bytes(Path(again["artifact"]).read_bytes()).rounds == 8
    assert again["card"]["history"][0] < trained["card"]["history"][-1]


def test_prediction_releases_how_many_people_are_in_each_band(hospitals, trained):
    asked = ("predict", trained["artifact"], "--bands", "0.3,0.6", "--purpose", "who to call", "--json")
    result = keyong(*asked, cwd=hospitals)
    assert result.returncode == 0, result.stderr
    bands = json.loads(result.stdout)["bands"]
    assert [band["label"] for band in bands] == ["< 0.3", "[0.3, 0.6)", ">= 0.6"]
    assert sum(band["people"] for band in bands) == 360


def test_prediction_of_some_people_counts_those_only(hospitals, trained):
    ages = [
        int(line.split(",")[1]) for name in HOSPITALS for line in (hospitals / f"{name}.csv").read_text().split()[1:]
    ]
    asked = ("--lang", "en", "predict", trained["artifact"], "--bands", "0.9", "--where", "age >= 60")
    result = keyong(*asked, "--purpose", "who to call", "--json", cwd=hospitals)
    assert result.returncode == 0, result.stderr
    bands = json.loads(result.stdout)["bands"]
    assert bands[0]["people"] == sum(age >= 60 for age in ages)


def test_explaining_a_prediction_says_that_bands_stay_at_home(hospitals, trained):
    asked = ("--lang", "en", "predict", trained["artifact"], "--bands", "0.3,0.6", "--explain")
    result = keyong(*asked, cwd=hospitals)
    assert result.returncode == 0, result.stderr
    assert "3 bands; everybody's own band stays with the department" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("train", "none.toml"), "request.job_missing"),
        (("train", "federation.toml"), "request.job_unknown_key"),
        (("train",), "settings.usage"),
        (("train", "job.toml", "--resume", "t-000000000000"), "settings.usage"),
        (("train", "--resume", "t-000000000000"), "refused.no_request"),
        (("train", "job.toml", "--from", "none.keyong"), "request.model_missing"),
        (("train", "job.toml", "--from", "job.toml"), "request.start"),
        (("predict", "none.keyong", "--bands", "0.5"), "request.model_missing"),
        (("predict", "job.toml", "--bands", "0.5", "--purpose", "x"), "request.no_model"),
        (("predict", "job.toml"), "settings.usage"),
        (("predict", "job.toml", "--bands", "half"), "settings.usage"),
        (("predict", "job.toml", "--bands", "nan"), "settings.usage"),
        (("predict", "--resume", "p-000000000000"), "refused.no_request"),
        (("query", "SELECT COUNT(*) FROM cases", "--protection", "mask"), "settings.usage"),
        (("query", "SELECT COUNT(*) FROM cases", "--protection", "none", "--purpose", "x"), "request.protection_lab"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_with_its_code(hospitals, arguments, code):
    result = keyong(*arguments, "--json", cwd=hospitals)
    said = json.loads(result.stdout)
    assert (result.returncode, said["code"]) == (2 if code == "settings.usage" else 1, code)
    assert said["message"] and said["next"] and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("old", "new", "code", "key"),
    [
        ('east = "east.csv"\n', "", "request.job_missing_key", "lab.files.east"),
        ("east =", "east_hospital =", "request.job_unknown_key", "lab.files.east_hospital"),
        ('"east.csv"', '"none.csv"', "request.lab_file", "lab.files.east"),
        ("[lab.files]", "[lab]\ncity = true\n[other]", "request.job_unknown_key", "other"),
    ],
)
def test_lab_that_cannot_compare_stops_before_anything_is_submitted(hospitals, old, new, code, key):
    (hospitals / "wrong.toml").write_text((JOB + LAB).replace(old, new), "utf-8")
    before = sorted((hospitals / ".keyong").rglob("requests/t-*"))
    result = keyong("train", "wrong.toml", "--json", cwd=hospitals)
    said = json.loads(result.stdout)
    assert (result.returncode, said["code"]) == (1, code)
    assert key in said["message"]
    assert sorted((hospitals / ".keyong").rglob("requests/t-*")) == before


def test_query_names_its_protection_and_answers_the_same_under_either(hospitals):
    sql = "SELECT disease, COUNT(*), SUM(age) FROM cases GROUP BY disease"
    answers = []
    for protection, words in (("masks", "pairwise masks"), ("paillier", "threshold Paillier")):
        asked = ("--lang", "en", "query", sql, "--purpose", "x", "--protection", protection)
        explained = keyong(*asked, "--explain", cwd=hospitals)
        assert f"protection: {words}" in explained.stdout
        answer = keyong(*asked, "--json", cwd=hospitals)
        assert answer.returncode == 0, answer.stderr
        answers.append(json.loads(answer.stdout)["rows"])
    assert answers[0] == answers[1]
