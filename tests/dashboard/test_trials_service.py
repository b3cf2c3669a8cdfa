import sys
import time

import pytest

from dashboard.services import trials
from dashboard.services.rules import CATALOGUE as FILE
from dashboard.services.trials import Asked, Trials, Tried, run, tell
from federation.errors import RefusedError
from federation.sandbox.limits import Limits
from tests.dashboard.scripted import OWNER, PIT, RULES, script_plan
from tests.dashboard.visits import visitor

OFFICER = visitor(f"officer@{OWNER}")
PATIENCE_S = 60


@pytest.fixture
def home(tmp_path):
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(RULES.to_bytes())
    return tmp_path


def ended(found, plan):
    end = time.monotonic() + PATIENCE_S
    while (trial := found.look(OFFICER, plan)) is None or trial.tried is None:
        assert time.monotonic() < end
        time.sleep(0.05)
    return trial


@pytest.mark.parametrize("account", ["", "auditor@city", "operator@city", "officer@gaoping", "analyst@zezhou"])
def test_nothing_is_tried_for_whoever_has_no_right(home, monkeypatch, account):
    monkeypatch.setattr(trials, "run", lambda asked: pytest.fail("it was tried"))
    with pytest.raises(RefusedError) as refused:
        Trials(home).begin(visitor(account), script_plan())
    assert refused.value.code == "refused.right"


def test_the_requester_may_try_and_a_stranger_sees_nothing_of_it(home, monkeypatch):
    monkeypatch.setattr(trials, "run", lambda asked: Tried(status="done", log="x"))
    found, plan = Trials(home), script_plan()
    found.begin(visitor("analyst@city"), plan)
    assert ended(found, plan).tried.log == "x"
    assert found.look(visitor("officer@gaoping"), plan) is None
    assert found.look(visitor(""), plan) is None


def test_rules_that_are_not_at_hand_are_a_refusal(tmp_path):
    with pytest.raises(RefusedError) as refused:
        Trials(tmp_path).begin(OFFICER, script_plan())
    assert refused.value.code == "refused.other_catalogue"


def test_no_more_run_at_once_than_may(home, monkeypatch):
    import threading

    over = threading.Event()
    monkeypatch.setattr(trials, "run", lambda asked: over.wait(PATIENCE_S) and Tried())
    found, plans = Trials(home), [script_plan(nonce=f"{number:032x}") for number in range(3)]
    for plan in plans[:2]:
        found.begin(OFFICER, plan)
    found.begin(OFFICER, plans[0])  # it is being tried: nothing begins
    with pytest.raises(RefusedError) as refused:
        found.begin(OFFICER, plans[2])
    assert refused.value.code == "refused.busy"
    over.set()
    ended(found, plans[1])


def asked(text):
    return Asked(files={"a.py": text}, card=PIT, limits=Limits(seconds=10))


def test_an_honest_script_shows_its_table_and_what_it_printed_and_fits_the_plan(home):
    found, plan = Trials(home), script_plan()
    found.begin(OFFICER, plan)
    trial = ended(found, plan)
    assert (trial.tried.status, trial.tried.code, trial.fits) == ("done", "", True)
    assert trial.tried.columns == ("sex", "people", "median_tax")
    assert [line[0] for line in trial.tried.lines] == ["f", "m"]
    assert trial.tried.log.strip() == "rows 200"


def test_a_script_that_raises_tells_so_and_shows_its_traceback():
    tried = tell(asked("raise RuntimeError('look here')"))
    assert (tried.status, tried.code, tried.columns) == ("failed", "refused.script_failed", ())
    assert "look here" in tried.log
    assert tried.error.code == "refused.script_failed"


@pytest.mark.parametrize("program", ["print('garbage')", "raise SystemExit(1)"])
def test_a_process_that_says_nothing_we_know_has_tried_nothing(program):
    tried = run(asked(""), (sys.executable, "-c", program))
    assert (tried.status, tried.code) == ("", "home.internal")
