import json
import sys
import time

import msgspec
import pytest

from dashboard.services.jobs import Act, Summed
from dashboard.services.log import LogReader
from dashboard.services.proposals import choose, proposals
from dashboard.services.requests import Told
from dashboard.services.rules import CATALOGUE as FILE
from dashboard.services.rules import asked
from dashboard.services.runs import MOST_LIVE, Runs
from dashboard.services.trainings import Trainings
from federation.analyst import job_name
from federation.audit.record import RecordReader
from federation.errors import RefusedError
from federation.learning.card import TrainResult
from federation.plan import Condition, Trees
from tests.dashboard.desks import CATALOGUE
from tests.dashboard.records import DEPARTMENTS
from tests.dashboard.trained import leave_model, leave_request, train_plan
from tests.dashboard.visits import visitor

DEADLINE_S = 20
ANALYST = visitor("analyst@city")


def told(job: str, *acts: str, state: str = "waiting", outcome: str = "", rounds=()) -> Told:
    done = tuple(Act(0, "", kind, "gaoping", "", "", "") for kind in acts)
    time = "2026-11-22T01:00:00.000Z"
    return Told(
        job=job, kind="train", time=time, plan="", requester="", state=state, outcome=outcome, acts=done, rounds=rounds
    )


def only(home, *log, trainings=None):
    (training,) = (trainings or Trainings(home)).look(ANALYST, log)
    return training


# -- files and log ----------------------------------------------------------------------------------------------------


def test_a_finished_training_has_its_card_with_the_lab_s_numbers(tmp_path):
    card = leave_model(tmp_path, train_plan(), compared=True)
    found = only(tmp_path)
    assert (found.state, found.seconds, found.planned) == ("done", 12.5, 12)
    assert found.card.lab == card.lab is not None  # they are in the card's file, not in the result's
    assert [one.loss for one in found.rounds] == list(card.history)
    assert {one.number: one.absent for one in found.rounds if one.absent} == {
        4: ("gaoping",),
        5: ("gaoping",),
        9: ("zezhou",),
    }


def test_a_result_without_a_card_file_is_enough(tmp_path):
    plan = train_plan()
    leave_model(tmp_path, plan)
    next(tmp_path.glob("analysts/*/models/*.card.json")).unlink()
    assert only(tmp_path).state == "done"


@pytest.mark.parametrize(
    ("log", "state"),
    [
        ({}, "waiting"),
        ({"state": "running"}, "running"),
        ({"state": "interrupted"}, "interrupted"),
        ({"state": "failed", "outcome": "node.late"}, "failed"),
        ({"state": "released"}, "interrupted"),  # nobody has read it
    ],
)
def test_without_a_model_the_log_tells_how_far_it_is(tmp_path, log, state):
    job = leave_request(tmp_path, train_plan())
    assert only(tmp_path, told(job, **log)).state == state


@pytest.mark.parametrize("act", ["approval.deny", "approval.revoke"])
def test_an_officers_no_counts_over_whatever_else_happened(tmp_path, act):
    job = leave_request(tmp_path, train_plan())
    assert only(tmp_path, told(job, act, state="failed")).state == "refused"


def test_of_a_training_that_others_watch_the_log_tells_rounds_and_who_is_missing_but_no_loss(tmp_path):
    job = leave_request(tmp_path, train_plan())
    names = ("moments", "update.1", "update.2", "measure.2")
    rounds = [Summed(name, DEPARTMENTS[: 2 if name == "update.2" else 3]) for name in names]
    found = only(tmp_path, told(job, state="running", rounds=rounds))
    assert [(one.number, one.loss, one.absent) for one in found.rounds] == [(1, None, ()), (2, None, ("zezhou",))]


def test_who_misses_one_level_of_a_tree_is_not_in_that_tree(tmp_path):
    job = leave_request(tmp_path, train_plan(model=Trees(trees=2, depth=2)))
    rounds = [Summed("tree.1.level.0", DEPARTMENTS), Summed("tree.1.level.1", DEPARTMENTS[1:])]
    assert only(tmp_path, told(job, state="running", rounds=rounds)).rounds[0].absent == ("chengqu",)


def test_what_is_left_of_an_interrupted_training_is_named(tmp_path):
    job = leave_request(tmp_path, train_plan())
    (tmp_path / "analysts/analyst@city/models").mkdir()
    (tmp_path / f"analysts/analyst@city/models/{job}.part.keyong").write_bytes(b"")
    found = only(tmp_path, told(job, state="failed", outcome="node.late"))
    assert (found.state, found.partial, found.outcome) == ("interrupted", True, "node.late")


def test_queries_are_no_trainings(tmp_path):
    assert Trainings(tmp_path).look(ANALYST, [told("q-0000000000aa")]) == ()


def test_a_file_that_cannot_be_read_hides_no_other(tmp_path):
    leave_model(tmp_path, train_plan())
    (tmp_path / "analysts/analyst@city/results/t-000000000000.json").write_bytes(b"{")
    assert only(tmp_path).state == "done"


def test_a_file_that_changes_is_read_again(tmp_path):
    job, trainings = leave_request(tmp_path, train_plan()), Trainings(tmp_path)
    assert only(tmp_path, trainings=trainings).state == "waiting"
    leave_model(tmp_path, train_plan())
    result = tmp_path / f"analysts/analyst@city/results/{job}.json"
    slower = msgspec.structs.replace(msgspec.json.decode(result.read_bytes(), type=TrainResult), seconds=123.25)
    assert only(tmp_path, trainings=trainings).seconds == 12.5
    result.write_bytes(msgspec.json.encode(slower))
    assert only(tmp_path, trainings=trainings).seconds == 123.25


def test_the_log_reader_hands_on_who_was_in_each_sum(started):
    started.write("coordinator", "round", "t-000000000001", round="update.1", survivors="chengqu zezhou", values=9)
    reader = LogReader(RecordReader(started.path))
    reader.look()
    assert reader.requests(9)[0].rounds == (Summed("update.1", ("chengqu", "zezhou")),)


# -- programs ---------------------------------------------------------------------------------------------------------


def program(*lines: object, then: str = "") -> tuple[str, ...]:
    """A program that tells these events, and then does something."""
    said = "".join(f"print({json.dumps(json.dumps(line))}, file=sys.stderr, flush=True)\n" for line in lines)
    return (sys.executable, "-c", f"import sys\n{said}{then}")


def ended(runs: Runs):
    return until(runs, lambda run: not run.alive)


def until(runs: Runs, holds):
    end = time.monotonic() + DEADLINE_S
    while not holds(runs.look(ANALYST)[0]):
        assert time.monotonic() < end, runs.look(ANALYST)
        time.sleep(0.02)
    return runs.look(ANALYST)[0]


STEP = {"round": 1, "loss": 0.5, "survivors": ["a", "b"], "epsilon": None}


def test_every_round_is_known_as_soon_as_the_program_tells_it():
    runs = Runs()
    runs.begin(
        ANALYST, program({"job": "t-1", "rounds": 9}, {"step": "wait a b"}, STEP, then="sys.stdin.read()"), about="x"
    )
    run = ended(runs)
    assert (run.job, run.rounds, run.step, run.error) == ("t-1", 9, "wait a b", None)
    assert [(step.round, step.loss, step.survivors) for step in run.steps] == [(1, 0.5, ("a", "b"))]


def test_who_is_waited_for_is_told_while_it_waits_and_a_stop_ends_the_process():
    runs = Runs()
    runs.begin(
        ANALYST,
        program({"job": "t-1", "rounds": 9}, {"step": "wait a b"}, then="import time; time.sleep(60)"),
        about="",
    )
    try:
        assert until(runs, lambda run: run.desks).desks == ("a", "b")
    finally:
        runs.stop(ANALYST, "t-1")
    run = ended(runs)
    assert (run.stopped, run.error, run.desks) == (True, None, ())


def test_a_program_s_own_words_are_shown_when_it_fails():
    said = {"code": "home.not_running", "message": "什么", "next": "怎么办"}
    runs = Runs()
    runs.begin(ANALYST, program(then=f"print({json.dumps(json.dumps(said))}); sys.exit(1)"), about="x")
    error = ended(runs).error
    assert (error.code, error.message("zh"), error.next_step("zh")) == ("home.not_running", "什么", "怎么办")


def test_a_program_that_dies_without_a_word_is_an_internal_error_and_noise_is_no_event():
    runs = Runs()
    runs.begin(ANALYST, program("a warning", {"round": "x"}, {"job": 1, "rounds": "x"}, then="sys.exit(3)"), about="x")
    run = ended(runs)
    assert (run.error.code, run.steps) == ("home.internal", ())


def test_a_result_larger_than_a_pipe_does_not_block_the_program():
    runs = Runs()
    runs.begin(ANALYST, program({"job": "t-1", "rounds": 1}, then="print('x' * 10**6)\nsys.exit(0)"), about="x")
    assert ended(runs).error is None


def test_no_more_than_a_few_run_at_once():
    runs = Runs()
    sleeping = program({"job": "t-1", "rounds": 1}, then="import time; time.sleep(60)")
    for _ in range(MOST_LIVE):
        runs.begin(ANALYST, sleeping, about="")
    try:
        with pytest.raises(RefusedError) as refused:
            runs.begin(ANALYST, sleeping, about="")
        assert refused.value.code == "refused.busy"
    finally:
        for _ in range(MOST_LIVE):
            until(runs, lambda _: all(run.job for run in runs.look(ANALYST)))
            runs.stop(ANALYST, "t-1")
        ended(runs)


def test_a_program_begun_here_counts_over_the_log(tmp_path):
    plan = train_plan()
    leave_request(tmp_path, plan)
    trainings = Trainings(tmp_path)
    then = "import time; time.sleep(60)"
    trainings.runs.begin(
        ANALYST, program({"job": job_name(plan), "rounds": 12}, {**STEP, "epsilon": 0.25}, then=then), about=""
    )
    try:
        until(trainings.runs, lambda run: run.steps)
        found = only(tmp_path, trainings=trainings)
        assert (found.state, found.rounds[0].loss, found.rounds[0].epsilon) == ("running", 0.5, 0.25)
        assert found.rounds[0].absent == DEPARTMENTS  # "a" and "b" are not among them
    finally:
        trainings.runs.stop(ANALYST, job_name(plan))


# -- proposals and rules ----------------------------------------------------------------------------------------------


def test_every_job_file_is_read_and_one_that_cannot_be_asked_says_why(started, tmp_path):
    (started.path / FILE).write_bytes(CATALOGUE.to_bytes())
    (tmp_path / "broken.toml").write_text("title = ")
    asking = visitor("analyst")
    found = proposals(asking, started.path, examples=tmp_path)
    assert [(one.title, one.plan, one.error.code) for one in found] == [("broken", None, "request.job_not_toml")]
    assert {one.error.code for one in proposals(asking, started.path)} == {"request.table_unknown"}
    assert choose((), "x") is None


def test_a_training_s_columns_are_laid_beside_what_is_allowed():
    plan = train_plan(where=(Condition(column="age", operator=">=", values=(60,)),))
    found = {one.column: (one.uses, one.how) for one in asked(plan, None)}
    assert found == {
        "age": (("filter", "feature"), ">= 60; [0, 100]"),
        "income": (("feature",), "[-1000, 10000]"),
        "trade": (("feature",), "farm | shop | mine"),
        "ill": (("feature",), "y = [0, 1]"),
        "id": ((), ""),
    }
