import time

import pytest

from dashboard.services.accounts import FRAME_ROOM
from dashboard.services.jobs import CLASSES, STEPS
from dashboard.services.log import EVERYTHING, LogReader
from federation.audit.record import RecordReader
from federation.errors import RecordError
from federation.node.gateway import CLASSES as GATEWAY_CLASSES
from tests.dashboard.records import JOB

ALL_BYTES = 3 * 200 + 3 * 1000 + 6 * 5000 + 4 * 2500


def look(home, selected=""):
    return LogReader(RecordReader(home.path)).look(selected)


def test_every_class_of_the_gateway_is_known():
    assert set(GATEWAY_CLASSES.values()) == set(CLASSES)


def test_a_home_without_a_record_is_told_apart(tmp_path):
    with pytest.raises(RecordError) as refused:
        RecordReader(tmp_path)
    assert refused.value.code == "record.empty"


def test_the_account_of_a_finished_job_adds_up(recorded):
    account = look(recorded).account
    assert (account.recorded, account.counted, account.pending) == (ALL_BYTES, ALL_BYTES, 0)
    assert account.findings == ()


def test_flows_are_summed_per_department_and_class(recorded):
    flows = {(flow.party, flow.kind): (flow.size, flow.messages) for flow in look(recorded).flows}
    assert flows["chengqu", "ciphertext"] == (10_000, 2)
    assert flows["chengqu", "sealed"] == (5_000, 2)
    assert ("zezhou", "sealed") not in flows
    assert ("chengqu", "enrolment") not in flows  # outside the job


def test_everything_includes_what_belongs_to_no_job(recorded):
    view = look(recorded, EVERYTHING)
    assert view.job is None
    assert sum(flow.size for flow in view.flows) == ALL_BYTES
    assert {flow.recipient for flow in view.flows} == {"coordinator", "launcher"}


def test_roles_come_from_what_departments_did(recorded):
    roles = look(recorded).job.roles
    assert roles["chengqu"] == ("contributor", "holder")
    assert roles["zezhou"] == ("contributor", "gate")


def test_a_released_job_has_every_step_behind_it(recorded):
    job = look(recorded).job
    assert (job.state, job.rows) == ("released", 4)
    assert [state for _, state in job.steps] == ["done"] * len(STEPS)


def test_a_running_job_stands_at_the_step_that_the_log_tells(started):
    started.begin()
    assert ("counts.encrypt", "now") in look(started).job.steps
    for name in ("chengqu", "gaoping", "zezhou"):
        started.write(name, "commit", JOB, round="counts")
    assert ("counts.collect", "now") in look(started).job.steps
    started.write("chengqu", "open", JOB, round="counts", reader="zezhou")
    assert ("decide", "now") in look(started).job.steps
    started.write("chengqu", "commit", JOB, round="sums")
    assert ("sums.encrypt", "now") in look(started).job.steps


def test_a_refused_job_stands_where_it_failed(started):
    started.fail("refused.too_small")
    job = look(started).job
    assert (job.state, job.outcome) == ("failed", "refused.too_small")
    assert ("counts.encrypt", "failed") in job.steps


def test_a_job_cut_off_by_a_restart_is_interrupted(started):
    started.begin()
    started.write("coordinator", "start")
    assert look(started).job.state == "interrupted"


def test_the_newest_job_is_followed_and_an_older_one_can_be_chosen(recorded):
    recorded.run("q-0000000000bb")
    reader = LogReader(RecordReader(recorded.path))
    assert reader.look().job.name == "q-0000000000bb"
    assert reader.look(JOB).job.name == JOB
    assert reader.look("q-nonsense").job.name == "q-0000000000bb"


def test_a_message_whose_entry_is_on_its_way_is_pending_not_wrong(recorded):
    recorded.count(chengqu=900)
    account = look(recorded).account
    assert (account.pending, account.findings) == (900, ())


def test_bytes_beyond_what_can_be_pending_are_a_surplus(recorded):
    recorded.count(chengqu=50_000)
    account = look(recorded).account
    assert account.findings == ("surplus",)
    (wrong,) = (balance for balance in account.balances if balance.unexplained)
    assert (wrong.party, wrong.pending + wrong.unexplained) == ("chengqu", 50_000)


def test_while_a_job_runs_any_message_may_be_pending(started):
    started.begin()
    started.count(chengqu=50_000)
    account = look(started).account
    assert (account.resting, account.pending, account.findings) == (False, 50_000, ())


def test_a_department_that_died_may_have_left_a_message_of_any_size_behind(started):
    started.fail("node.killed")
    started.count(chengqu=50_000)
    assert look(started).account.findings == ()


def test_recorded_bytes_that_were_never_counted_are_a_shortfall(recorded):
    recorded.count(chengqu=-1)
    assert look(recorded).account.findings == ("shortfall",)


def test_a_killed_process_may_have_recorded_one_message_it_never_sent(recorded):
    recorded.count(chengqu=-2500, ended=True)  # its last entry
    assert look(recorded).account.findings == ()
    recorded.count(chengqu=-2501, ended=True)
    assert look(recorded).account.findings == ("shortfall",)


def test_a_session_that_a_later_one_followed_must_match_to_the_byte(recorded):
    recorded.count(chengqu=FRAME_ROOM)
    recorded.write("chengqu", "start", session=2)
    recorded.write("chengqu", "egress", **{"class": "record", "to": "coordinator", "bytes": 0})
    account = look(recorded).account
    assert account.findings == ("surplus",)
    assert account.balances[0].unexplained == FRAME_ROOM


def test_a_log_that_was_cut_is_noticed(recorded):
    reader = LogReader(RecordReader(recorded.path))
    size = reader.look().size
    recorded.cut(size - 3)
    assert "shortened" in reader.look().account.findings


def test_a_log_that_was_replaced_is_noticed(recorded):
    reader = LogReader(RecordReader(recorded.path))
    size = reader.look().size
    recorded.cut(size - 1)
    recorded._log._size -= 1
    recorded.write("coordinator", "start")
    recorded.write("coordinator", "start")
    assert "shortened" in reader.look().account.findings


def test_a_class_that_no_gateway_lets_out_is_a_finding(recorded):
    recorded.send("chengqu", "rows", 10)
    recorded.count()
    view = look(recorded)
    assert view.account.findings == ("unlisted",)
    assert view.frames[0].kind == "raw"


def test_an_entry_that_is_no_event_is_a_finding(recorded):
    recorded._log.append([b"{}"])
    assert look(recorded).account.findings == ("unreadable",)


def test_what_gateways_kept_back_is_counted(recorded):
    recorded.write("chengqu", "egress.deny", JOB, **{"class": "-", "reason": "class"})
    assert look(recorded).denied == 1


def test_only_new_entries_are_read_again(recorded):
    asked = []

    class Watched(RecordReader):
        def entries(self, start=0):
            asked.append(start)
            return super().entries(start)

    reader = LogReader(Watched(recorded.path))
    size = reader.look().size
    reader.look()
    assert asked == [0, size - 1]


def test_a_hundred_thousand_entries_cost_once(started):
    started.run()
    entries = list(started._log.entries())

    class Long:
        def entries(self, start=0):
            return (entries * (100_000 // len(entries) + 1))[start:]

        def __getattr__(self, name):
            return getattr(RecordReader(started.path), name)

    reader = LogReader(Long())
    begun = time.perf_counter()
    assert reader.look().size > 100_000
    first = time.perf_counter()
    reader.look(EVERYTHING)
    again = time.perf_counter()
    assert first - begun < 10
    assert again - first < 0.3
