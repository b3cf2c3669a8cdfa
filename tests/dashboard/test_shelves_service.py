import sys
import time

import msgspec
import pytest

from dashboard.services.requests import requests
from dashboard.services.shelves import PLAN, RUN_SCRIPT, SCRIPT, Folder, Shelves, compare, read, tell
from federation.governance.datasite import FOLDER, Datasite
from federation.runtime.home import Home
from tests.dashboard.records import DEPARTMENTS
from tests.dashboard.scripted import JOB, OWNER, script_desk, script_plan
from tests.dashboard.visits import visitor

PATIENCE_S = 60


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A home in which a script lies in its owner's true PySyft folder."""
    home = tmp_path_factory.mktemp("shelves")
    party = Home(home).party(OWNER)
    party.mkdir(parents=True)
    Datasite(party / FOLDER, OWNER).lay(JOB, script_plan())
    return home


def honest():
    plan = script_plan()
    files = {f"{SCRIPT}{file.name}": file.text.encode() for file in plan.files}
    return {RUN_SCRIPT: b"exit 78", PLAN: plan.to_bytes(), **files}


def test_what_lies_there_as_it_was_laid_differs_nowhere(laid):
    shelf = compare(tell(laid, OWNER, JOB), script_plan())
    assert shelf.differing == ()
    assert "exit 78" in shelf.run_script


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({f"{SCRIPT}helpers.py": b"import os"}, f"{SCRIPT}helpers.py"),
        ({f"{SCRIPT}sitecustomize.py": b""}, f"{SCRIPT}sitecustomize.py"),
        ({PLAN: b"{}"}, PLAN),
    ],
)
def test_a_file_that_was_changed_or_added_is_named(changed, named):
    assert compare(Folder(files={**honest(), **changed}), script_plan()).differing == (named,)


def test_a_file_that_is_gone_is_named():
    files = {name: content for name, content in honest().items() if name != f"{SCRIPT}medians.py"}
    assert compare(Folder(files=files), script_plan()).differing == (f"{SCRIPT}medians.py",)


def test_a_folder_that_cannot_be_read_agrees_with_nothing(laid):
    assert tell(laid, OWNER, "s-0000000000dd") == Folder()
    assert len(compare(Folder(), script_plan()).differing) == 3


def test_a_process_that_says_nothing_we_know_has_read_nothing():
    assert read((sys.executable, "-c", "print('garbage')")) == Folder()


def shelved(recorded, account):
    """The request as somebody sees it, once the log tells of its shelf."""
    from dashboard.services.log import LogReader
    from federation.audit.record import RecordReader

    reader = LogReader(RecordReader(recorded.path))
    reader.look()
    who = visitor(account)
    found = requests(reader.requests(9), script_desk(script_plan()), DEPARTMENTS, visitor=who)
    return who, next(one for one in found if one.job == JOB)


def test_it_is_read_once_for_whoever_may_see_it_and_for_nobody_else(started, monkeypatch):
    started.write("analyst", "request.submit", JOB, plan=script_plan().hash)
    started.write(OWNER, "shelf", JOB, plan=script_plan().hash, state="pending", files="5f" * 32)
    asked = []

    def count(command):
        asked.append(command)
        return Folder(files=honest())

    monkeypatch.setattr("dashboard.services.shelves.read", count)
    shelves = Shelves(started.path)
    for account in ("", "officer@gaoping", "operator@city"):
        assert shelves.look(*shelved(started, account)) is None
    assert asked == []
    end = time.monotonic() + PATIENCE_S
    while (found := shelves.look(*shelved(started, f"officer@{OWNER}"))) is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert (found.differing, found.run_script) == ((), "exit 78")
    assert shelves.look(*shelved(started, "auditor@city")) == found
    assert [command[-2:] for command in asked] == [(OWNER, JOB)]


def test_the_process_answers_what_is_read_back(laid):
    folder = read((sys.executable, "-m", "dashboard.services.shelves", str(laid), OWNER, JOB))
    assert msgspec.json.encode(folder) == msgspec.json.encode(tell(laid, OWNER, JOB))
