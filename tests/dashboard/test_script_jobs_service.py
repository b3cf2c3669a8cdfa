import pytest

from dashboard.services.jobs import SCRIPT_STEPS
from dashboard.services.log import LogReader
from federation.audit.record import RecordReader
from federation.governance.statements import Grant
from tests.dashboard.scripted import JOB, OWNER


def look(home):
    reader = LogReader(RecordReader(home.path))
    return reader.look().job, reader.requests(9)[0]


@pytest.fixture
def begun(started):
    """A script that its owner's officer has granted, and that has begun."""
    started.write("analyst", "request.submit", JOB, plan="ab" * 32)
    started.write(OWNER, "request.receive", JOB, plan="ab" * 32)
    started.say(OWNER, Grant, JOB, conditions="只用于公报")
    told = {"kind": "script", "contributors": 1, "requester": "analyst", "participants": OWNER}
    started.write("coordinator", "job.start", JOB, plan="ab" * 32, **told)
    started.write(OWNER, "job.join", JOB, plan="ab" * 32)
    return started


def ran(home, status):
    home.write(OWNER, "script", JOB, code="c0" * 32, status=status, digits=4, bits=88, milliseconds=1250)


def step(home):
    job, _ = look(home)
    return next((name for name, state in job.steps if state in ("now", "failed")), "")


def test_a_script_has_the_steps_of_a_script(begun):
    job, told = look(begun)
    assert [name for name, _ in job.steps] == [*SCRIPT_STEPS]
    assert (job.kind, told.kind) == ("script", "script")
    assert step(begun) == "script.run"


@pytest.mark.parametrize(
    ("status", "at"),
    [
        ("done", "script.deliver"),
        ("time", "script.run"),
        ("stopped", "script.run"),
        ("refused.result_small", "script.release"),
    ],
)
def test_how_its_run_ended_tells_where_it_stands(begun, status, at):
    ran(begun, status)
    assert step(begun) == at


def test_before_it_begins_its_name_tells_the_kind(started):
    started.write("analyst", "request.submit", JOB, plan="ab" * 32)
    assert look(started)[0].kind == "script"
    assert step(started) == "agree"


def test_a_training_has_no_steps_of_a_query(started):
    started.write("analyst", "request.submit", "t-0123456789ab", plan="ab" * 32)
    assert look(started)[0].steps == ()


def test_a_released_script_has_every_step_behind_it(begun):
    ran(begun, "done")
    begun.write("coordinator", "job.end", JOB, outcome="released")
    assert [state for _, state in look(begun)[0].steps] == ["done"] * len(SCRIPT_STEPS)


def test_its_life_holds_conditions_expiry_shelf_and_run(begun):
    begun.write(OWNER, "shelf", JOB, plan="ab" * 32, state="approved", files="5f" * 32)
    ran(begun, "time")
    acts = {act.kind: act for act in look(begun)[1].acts}
    assert acts["approval.grant"].conditions == "只用于公报"
    assert acts["approval.grant"].expires.startswith("2026-11-23T")
    assert (acts["shelf"].outcome, acts["shelf"].files) == ("approved", "5f" * 32)
    assert (acts["script"].outcome, acts["script"].milliseconds) == ("time", 1250)


def test_a_grant_that_is_none_has_no_conditions(started):
    started.write(OWNER, "approval.grant", JOB, plan="ab" * 32, statement="{}")
    assert look(started)[1].acts[0].conditions == ""
