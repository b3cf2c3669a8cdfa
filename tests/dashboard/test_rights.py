import ast
import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest

import dashboard
from dashboard.services import exporting, operation
from dashboard.services.attempts import Attempts
from dashboard.services.proposals import proposals
from dashboard.services.requests import requests
from dashboard.services.rights import GUEST, RIGHTS, Right, check, may
from dashboard.services.runs import Runs
from dashboard.services.signing import Word, decide, possible
from dashboard.services.trainings import Trainings
from dashboard.services.trials import Trials
from federation.errors import RefusedError
from tests.dashboard.desks import desk
from tests.dashboard.records import DEPARTMENTS, WAITING, RecordedHome
from tests.dashboard.scripted import script_plan
from tests.dashboard.trained import leave_request, train_plan
from tests.dashboard.visits import visitor

DEADLINE_S = 20

# By role, somebody of that role; one of every role there is.
EVERYBODY = {
    "guest": GUEST,
    "analyst": visitor("analyst@city"),
    "officer": visitor("officer@gaoping"),
    "operator": visitor("operator@city"),
    "auditor": visitor("auditor@city"),
}


SCRIPT = script_plan(contributors=("gaoping",), gate="gaoping")


# -- the table --------------------------------------------------------------------------------------------------------


def test_the_table_is_what_it_is_said_to_be():
    assert {role: {right.value for right in granted} for role, granted in RIGHTS.items()} == {
        "guest": set(),
        "analyst": {"requests", "try", "ask"},
        "officer": {"requests", "try", "sign"},
        "operator": {"operate"},
        "auditor": {"requests", "export"},
    }


def test_the_separate_roles_have_no_right_to_act_in_common():
    acting = {role: {*RIGHTS[role]} - {Right.REQUESTS} for role in ("officer", "operator", "auditor")}
    assert all(not one & other for one, other in itertools.combinations(acting.values(), 2))


def test_who_asks_never_decides_and_who_decides_never_asks():
    assert not [role for role, granted in RIGHTS.items() if {Right.ASK, Right.SIGN} <= {*granted}]


@pytest.mark.parametrize("right", [Right.REQUESTS, Right.TRY, Right.SIGN])
def test_an_officers_rights_end_with_the_department(right):
    officer = EVERYBODY["officer"]
    check(officer, right, departments=("gaoping", "zezhou"))
    with pytest.raises(RefusedError) as refused:
        check(officer, right, departments=("zezhou",))
    assert (refused.value.code, refused.value.details) == (
        "refused.right",
        {"account": "officer@gaoping", "right": right.value},
    )


@pytest.mark.parametrize("right", [Right.REQUESTS, Right.TRY, Right.ASK])
def test_an_analysts_rights_end_with_what_the_analyst_asked_for(right):
    analyst = EVERYBODY["analyst"]
    check(analyst, right, requester="analyst@city", departments=("gaoping",))
    with pytest.raises(RefusedError):
        check(analyst, right, requester="analyst@zezhou", departments=("gaoping",))
    with pytest.raises(RefusedError):
        check(analyst, right, departments=("city",))  # where an account stands is not what it asked for


def test_an_auditor_reads_what_concerns_anybody():
    check(EVERYBODY["auditor"], Right.REQUESTS, departments=("zezhou",), requester="analyst@zezhou")


def test_a_guest_gains_nothing_by_an_empty_name():
    assert not [right for right in Right if may(GUEST, right, departments=("",), requester="")]


# -- keys ------------------------------------------------------------------------------------------------------------

# Whatever reads, makes or opens a private key.
OPENERS = {"BoxKey", "HybridKey", "Identity", "KeyShare", "SigningKey", "open_secret", "seal_secret", "unlock"}


def test_nothing_in_the_dashboard_names_what_could_open_a_key():
    found = {
        (file.name, alias.name)
        for file in Path(dashboard.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if alias.name in OPENERS
    }
    assert found == set()


# -- services, without any page ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home whose requests officers approve; nothing in these tests changes it."""
    made = RecordedHome(tmp_path_factory.mktemp("rights") / "home", approvals="officers")
    made.start()
    return made


@pytest.fixture
def nothing_starts(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)


def sign(who, home):
    (request,) = requests((), desk(), DEPARTMENTS, visitor=who)
    word = Word(decision="approve", job=WAITING)
    decide(who, home.path, home.roster, word, request, "x", attempts=Attempts(), language="zh")


ACTS = {
    "sign": (sign, {"officer"}),
    "begin a training": (lambda who, home: Runs().begin(who, ("false",), about=""), {"analyst"}),
    "stop a training": (lambda who, home: Runs().stop(who, "t-1"), {"analyst"}),
    "lay out a training": (lambda who, home: proposals(who, home.path), {"analyst"}),
    "try a script": (lambda who, home: Trials(home.path).begin(who, SCRIPT), {"analyst", "officer"}),
    "start": (lambda who, home: operation.start(who, home.path, home.path, language="zh"), {"operator"}),
    "stop": (lambda who, home: operation.stop(who, home.path, language="zh"), {"operator"}),
    "export": (lambda who, home: exporting.bundle(who, home.path, language="zh"), {"auditor"}),
}


@pytest.mark.usefixtures("nothing_starts")
@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("act", ACTS)
def test_a_service_refuses_every_role_that_has_not_the_right_and_no_other(home, act, role):
    service, allowed = ACTS[act]
    try:
        service(EVERYBODY[role], home)
    except RefusedError as refused:
        if refused.code == "refused.right":
            assert role not in allowed
            return
    except Exception:
        pass  # it got past the check, and then to a process that must not start or a file that is not here
    assert role in allowed


@pytest.mark.usefixtures("nothing_starts")
def test_an_officer_of_another_department_cannot_sign_for_this_one(home):
    lying = desk(silent=("zezhou", "chengqu"))  # it lies on one desk only
    (request,) = requests((), lying, DEPARTMENTS, visitor=visitor("officer@gaoping"))
    assert possible(visitor("officer@gaoping"), home.roster, request) == ("approve", "reject")
    assert possible(visitor("officer@zezhou"), home.roster, request) == ()


def test_an_analyst_neither_sees_nor_stops_another_analysts_program():
    mine, other, runs = visitor("analyst@zezhou"), EVERYBODY["analyst"], Runs()
    told = 'import sys; print(\'{"job": "t-1", "rounds": 1}\', file=sys.stderr, flush=True); sys.stdin.read()'
    waiting = f"{told}; import time; time.sleep(60)"
    runs.begin(mine, (sys.executable, "-c", waiting), about="")
    try:
        end = time.monotonic() + DEADLINE_S
        while not runs.look(mine)[0].job:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert runs.look(other) == ()
        with pytest.raises(RefusedError):
            runs.stop(other, "t-1")
        assert runs.look(mine)[0].stopped is False
    finally:
        runs.stop(mine, "t-1")
    assert runs.look(mine)[0].stopped is True


SEES = {"guest": False, "analyst": True, "officer": True, "operator": False, "auditor": True}


@pytest.mark.parametrize("role", EVERYBODY)
def test_what_is_asked_for_is_shown_only_to_whoever_has_a_part_in_it(tmp_path, role):
    (request,) = requests((), desk(), DEPARTMENTS, visitor=EVERYBODY[role])
    leave_request(tmp_path, train_plan())
    (training,) = Trainings(tmp_path).look(EVERYBODY[role])
    assert (request.plan is not None, training.plan is not None) == (SEES[role], SEES[role])
