"""Officers' words as PySyft shows them, in a running federation: agreeing, and noticed where they do not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from federation.coordinator.control import ControlClient
from tests.support.approving import DEPARTMENTS, Approving, Asking, wait_for
from tests.support.city import federation_toml
from tests.support.people import COLUMNS

pytestmark = pytest.mark.xdist_group("shelf")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Approving]:
    town = Approving(tmp_path_factory.mktemp("town"))
    town.up()
    try:
        yield town
    finally:
        town.down()


def review(town: Approving, department: str, job: str) -> Path:
    """PySyft's own file of a job's state."""
    owner = town.home.party(department) / "datasite" / f"{department}@keyong.invalid"
    return owner / "app_data" / "job" / "review" / "analyst.city@keyong.invalid" / "v1" / job / "state.yaml"


def inbox(town: Approving, department: str, job: str) -> Path:
    return Path(str(review(town, department, job).parent).replace("/review/", "/inbox/"))


def shown(town: Approving, job: str) -> dict[str, list[str]]:
    events = [event for event in town.events("shelf") if event.job == job]
    return {name: [str(e.data["state"]) for e in events if e.node == name] for name in DEPARTMENTS}


def verified(town: Approving) -> tuple[int, dict[str, object]]:
    told = town.keyong("audit", "verify", "--json")
    return told.returncode, json.loads(told.stdout)


def test_a_job_lies_in_every_owners_folder_and_its_life_is_on_record(town):
    asked = town.answered()
    assert asked.end() == "released" and asked.result is not None
    job = asked.result.job
    assert all(states == ["pending", "approved"] for states in shown(town, job).values())
    ControlClient(town.home.control_socket).seal()  # departments are heard again, and have seen that it is over
    assert all(states == ["pending", "approved", "done"] for states in shown(town, job).values())
    for name in DEPARTMENTS:
        assert {file.name for file in (inbox(town, name, job) / "code").iterdir()} == {
            *("plan.json", "request.json", "script.sh")
        }
    started = {event.node: event.data.get("desk") for event in town.events("start")}
    assert {started[name] for name in DEPARTMENTS} == {"syft-job 0.1.40"}
    status, told = verified(town)
    assert (status, told["shelved"]) == (0, 3)


def test_a_state_rewritten_by_hand_is_noticed_by_the_verifier(town):
    job = town.answered().result.job
    file = review(town, "north", job)
    kept = file.read_text()
    file.write_text("\n".join("status: pending" if "status:" in line else line for line in kept.splitlines()))
    try:
        status, told = verified(town)
    finally:
        file.write_text(kept)
    assert (status, told["code"]) == (1, "record.shelf")
    assert "north" in str(told["message"]) and job in str(told["message"])
    assert verified(town)[0] == 0


def test_a_plan_swapped_after_approval_is_noticed_before_the_job_begins_and_by_the_verifier(town):
    asking = Asking(town)
    job = town.lying()
    town.approve(job, "east", "north")
    file = inbox(town, "east", job) / "code" / "plan.json"
    kept = file.read_bytes()
    file.write_bytes(kept + b" ")
    try:
        town.approve(job, "west")
        assert asking.end() == "refused.shelf"
        status, told = verified(town)
    finally:
        file.write_bytes(kept)
    assert (status, told["code"]) == (1, "record.shelf_files") and "east" in str(told["message"])
    assert not [event for event in town.events("job.join") if event.job == job and event.node == "east"]
    assert verified(town)[0] == 0


def test_an_approval_written_into_pysyfts_file_approves_nothing(town):
    asking = Asking(town)
    job = town.lying()
    file = review(town, "west", job)
    file.write_text(file.read_text().replace("status: pending", "status: approved"))
    town.approve(job, "east", "north")
    wait_for(lambda: shown(town, job)["east"] == ["pending", "approved"])
    assert town.pending("west") == [job] and asking.is_alive()
    file.write_text(file.read_text().replace("status: approved", "status: pending"))
    town.desk("officer@west").reject(job, "no")
    assert asking.end() == "refused.denied"
    assert shown(town, job)["west"] == ["pending", "rejected"]


def test_a_job_that_somebody_put_there_by_hand_is_noticed(town):
    folder = inbox(town, "west", "q-000000000000")
    (folder / "code").mkdir(parents=True)
    for name in ("run.sh", "config.yaml"):
        (folder / name).write_text("")
    try:
        status, told = verified(town)
    finally:
        for file in (folder / "run.sh", folder / "config.yaml"):
            file.unlink()
        (folder / "code").rmdir()
        folder.rmdir()
    assert (status, told["code"]) == (1, "record.shelf") and "west" in str(told["message"])


# -- who does not use it -----------------------------------------------------------------------------------------------


def loaded(family: set[psutil.Process]) -> dict[str, bool]:
    """Whether a process has PySyft loaded: by a library that it needs and nothing else of ours."""
    parties = [process for process in family if process.is_running() and process.name().startswith("ky-")]
    return {one.name(): "_pydantic_core" in Path(f"/proc/{one.pid}/maps").read_text() for one in parties}


def test_only_where_officers_approve_is_pysyft_loaded(town, federation):
    """In real processes: six departments that agree automatically, and three whose officers approve."""
    theirs = loaded(town._family)
    assert len(theirs) >= 5 and all(theirs.values())
    ours = loaded(set(psutil.Process().children(recursive=True)) - town._family)
    assert len(ours) >= 8 and not any(ours.values())


COMMAND = """
sys.argv = ["keyong", *sys.argv[1:]]
from federation.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
PAGE = """
import pathlib, dashboard
from streamlit.testing.v1 import AppTest
from dashboard.served import serve_this
serve_this(pathlib.Path(sys.argv[1]), "zh")
page = AppTest.from_file(str(pathlib.Path(dashboard.__file__).parent / "app.py"), default_timeout=60)
for name in ("overview", "approvals"):
    assert not page.switch_page(f"views/{name}.py").run().exception
"""


def imported(program: str, folder: Path, *arguments: str) -> str:
    """What of PySyft a program of its own has imported in the end."""
    program = f"import sys{program}print('loaded', *[name for name in sys.modules if name.partition('_')[0] == 'syft'])"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.rpartition("loaded")[2].strip()


@pytest.mark.parametrize("arguments", [("--help",), ("catalogue", "east.people", "--mock", "2")], ids=" ".join)
def test_the_command_loads_nothing_of_pysyft(tmp_path, arguments):
    (tmp_path / "p.csv").write_text("")
    toml = federation_toml(
        departments={name: {"people": {"adapter": "csv", "path": "p.csv"}} for name in DEPARTMENTS},
        tables={"people": COLUMNS},
        rules={"name": "x"},
    )
    (tmp_path / "federation.toml").write_text(toml, "utf-8")
    assert imported(COMMAND, tmp_path, *arguments) == ""


def test_a_check_of_a_home_with_shelves_does_load_it(town):
    """So that the tests above would notice."""
    assert "syft_job" in imported(COMMAND, town.folder, "--home", str(town.home.path), "audit", "verify").split()


def test_the_dashboard_loads_nothing_of_pysyft(town):
    assert imported(PAGE, town.folder, str(town.home.path)) == ""
