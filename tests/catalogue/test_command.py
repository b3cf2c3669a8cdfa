"""`keyong catalogue` tells it from the settings alone: nobody's database is opened."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support import command
from tests.support.city import federation_toml

PEOPLE = {
    "g": {"type": "text", "uses": ["group_by"], "values": ["甲", "乙"]},
    "n": {"type": "integer", "uses": ["aggregate"], "bounds": [0, 100]},
    "secret": {"type": "text", "uses": ["never"]},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalogue")
    (folder / "p.csv").write_text("")  # nobody looks into it
    store = {"adapter": "csv", "path": "p.csv", "data_class": "important"}
    departments = {name: {"people": store} for name in ("east", "west", "north")}
    toml = federation_toml(
        departments=departments, tables={"people": PEOPLE}, rules={"name": "x", "approvals": "automatic"}
    )
    (folder / "federation.toml").write_text(toml, "utf-8")
    return folder


def keyong(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COLUMNS", "200")
        return command.keyong("--home", "home", "--lang", "en", "catalogue", *arguments, cwd=folder)


def test_the_list_shows_class_owner_mock_rows_and_uses(folder):
    shown = keyong(folder).stdout
    for said in ("east.people", "west.people", "important data", "200", "group by, sums and means"):
        assert said in shown, said
    assert not (folder / "home").exists()


def test_the_list_is_the_whole_public_catalogue_for_machines(folder):
    told = json.loads(keyong(folder, "--json").stdout)
    assert told["datasets"] == ["east.people", "north.people", "west.people"]
    assert [c["name"] for c in told["tables"][0]["columns"]] == ["g", "n", "secret"]


def test_one_dataset_is_shown_by_its_card_and_by_mock_rows_if_asked(folder):
    shown = keyong(folder, "east.people", "--mock", "3").stdout
    assert "甲 乙" in shown and "[0, 100]" in shown and "重要数据 · important data" in shown
    assert "no true value" in shown and "mock rows" in shown
    told = json.loads(keyong(folder, "east.people", "--mock", "3", "--json").stdout)
    assert [set(row) for row in told["mock"]] == [{"g", "n"}] * 3 and told["card"].startswith("# east.people")
    assert told["table"]["data_class"] == "important"


@pytest.mark.parametrize("name", ["people", "east.other", "south.people", "east."])
def test_a_dataset_that_is_not_there_is_refused_and_those_that_are_named(folder, name):
    told = keyong(folder, name)
    assert told.returncode == 1 and "request.no_dataset" in told.stderr and "north.people" in told.stderr
