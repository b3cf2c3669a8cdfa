import msgspec
import pytest

from dashboard.services.demonstration import demonstration
from dashboard.services.log import LogReader
from dashboard.services.promises import NAMES, judge
from dashboard.services.verifier import Outcome
from federation.audit.record import RecordReader
from federation.audit.verify import Verdict, Witnessed
from federation.demo.report import Drilled, Promise, Refused, ScriptRun, Stopped
from federation.errors import HomeError, RecordError
from tests.dashboard.records import JOB, report

WITNESSED = Witnessed(size=9, root="", age_s=1)
VERDICT = Verdict(
    size=9, root="", checkpoints=3, departments=3, jobs=1, ledger_bytes=9, counted_bytes=9, unsent=0,
    receipt_bytes=9, sealed=1, sealed_size=9, quorum=2, granted=3,
    witnesses={"chengqu": WITNESSED, "gaoping": WITNESSED},
)  # fmt: skip
REFUTED = Outcome(
    at="2026-11-22T01:02:03.000Z",
    seconds=1.0,
    error=RecordError("record.invalid", where="entry 20", reason="altered"),
)
UNTOLD = Outcome(at=REFUTED.at, seconds=1.0, error=HomeError("home.internal", kind="x"))


def found(**changes):
    return Outcome(at=REFUTED.at, seconds=1.0, verdict=msgspec.structs.replace(VERDICT, **changes))


def shown(home):
    return demonstration(home.path, LogReader(RecordReader(home.path)).look())


def states(demonstrated, outcome, *, balanced=True, watched=True):
    judged = judge(demonstrated, outcome, balanced=balanced, watched=watched)
    return [judged[name].state for name in NAMES]


def test_a_record_that_holds_and_a_demonstration_of_it_make_all_four_hold(recorded):
    recorded.demonstrate()
    assert states(shown(recorded), found()) == ["holds"] * 4


def test_without_a_demonstration_there_is_no_clear_answer(recorded):
    assert shown(recorded) is None
    assert states(None, found()) == ["unknown", "holds", "holds", "holds"]


def test_before_the_verifier_has_spoken_only_the_comparison_holds(recorded):
    recorded.demonstrate()
    assert states(shown(recorded), None) == ["holds", "unknown", "unknown", "unknown"]


def test_a_record_that_does_not_hold_breaks_what_rests_on_it(recorded):
    recorded.demonstrate()
    assert states(shown(recorded), REFUTED) == ["holds", "broken", "broken", "broken"]


def test_a_record_that_nobody_could_recompute_breaks_nothing_and_proves_nothing(recorded):
    recorded.demonstrate()
    assert states(shown(recorded), UNTOLD)[1:] == ["unknown"] * 3


def test_a_part_that_is_not_built_never_holds(recorded):
    unbuilt = Promise(holds=False, figure="", figure_zh="", reason="not built", missing=("evidence bundle",))
    promises = {**report((JOB,)).promises, "auditable": unbuilt}
    recorded.demonstrate(promises=promises)
    judged = judge(shown(recorded), found(), balanced=True, watched=True)
    assert judged["auditable"] == ("unbuilt", ("evidence bundle",))


@pytest.mark.parametrize(
    ("changes", "name", "state"),
    [
        ({"automatic": 1}, "controllable", "broken"),
        ({"unapproved": 1}, "controllable", "broken"),
        ({"granted": 0}, "controllable", "unknown"),
        ({"granted": 0, "denied": 1}, "controllable", "holds"),
        ({"sealed_size": 0}, "auditable", "unknown"),
        ({"quorum": 3}, "auditable", "broken"),
        ({"ledger_bytes": 8}, "invisible", "broken"),
        ({"receipt_bytes": 8}, "invisible", "broken"),
        ({"ledger_bytes": 0, "counted_bytes": 0, "receipt_bytes": 0}, "invisible", "unknown"),
    ],
)
def test_each_figure_can_take_its_promise_away(changes, name, state):
    judged = judge(None, found(**changes), balanced=True, watched=True)
    assert judged[name].state == state
    assert [judged[other].state for other in NAMES[1:] if other != name] == ["holds", "holds"]


def test_bytes_without_an_account_break_not_visible():
    assert states(None, found(), balanced=False)[1] == "broken"


def test_a_gateway_that_searches_for_nothing_leaves_not_visible_open():
    assert states(None, found(), watched=False)[1] == "unknown"


def test_a_number_that_differs_breaks_usable_whatever_the_report_claims(recorded):
    queries = msgspec.structs.replace(report((JOB,)).queries[0], different=1)
    recorded.demonstrate(queries=(queries,))
    assert states(shown(recorded), found())[0] == "broken"


def test_a_forbidden_request_that_was_answered_breaks_controllable(recorded):
    recorded.demonstrate(refused=(Refused(sql="SELECT name", expected="request.rows", code=""),))
    assert states(shown(recorded), found())[2] == "broken"


def test_a_revocation_that_did_not_stop_the_job_breaks_controllable(recorded):
    stopped = Stopped(sql="", expected="refused.revoked", code="", department="chengqu", seconds=0.0)
    recorded.demonstrate(stopped=(stopped,))
    assert states(shown(recorded), found())[2] == "broken"


def test_a_model_worse_than_the_pooled_one_breaks_usable(recorded):
    recorded.demonstrate(trained=msgspec.structs.replace(report((JOB,)).trained, federated=0.7))
    assert states(shown(recorded), found())[0] == "broken"


def test_a_script_that_carried_rows_out_breaks_controllable(recorded):
    recorded.demonstrate(scripted=msgspec.structs.replace(report((JOB,)).scripted, refused=""))
    assert states(shown(recorded), found())[2] == "broken"


def test_a_machine_that_runs_no_script_breaks_nothing(recorded):
    recorded.demonstrate(scripted=ScriptRun(dataset="tax.pit", unavailable="not Linux"))
    assert states(shown(recorded), found()) == ["holds"] * 4


def test_an_alteration_that_nobody_noticed_breaks_auditable(recorded):
    recorded.demonstrate(tampered="")
    assert states(shown(recorded), found())[3] == "broken"


def test_a_drill_that_went_wrong_breaks_auditable(recorded):
    recorded.demonstrate(drills=Drilled(expected=2, caught=1, missed=0, failed=("fork",)))
    assert states(shown(recorded), found())[3] == "broken"


def test_a_report_about_jobs_that_this_log_does_not_have_is_no_report(recorded):
    recorded.demonstrate("q-of-another-home")
    assert shown(recorded) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"not json"])
def test_a_report_that_cannot_be_read_is_no_report(recorded, content):
    (recorded.path / "demo.json").write_bytes(content)
    assert shown(recorded) is None


def test_the_demonstration_is_dated_by_the_log(recorded):
    recorded.run("q-0000000000bb")
    recorded.demonstrate(JOB, "q-0000000000bb")
    view = LogReader(RecordReader(recorded.path)).look()
    assert shown(recorded).at == view.jobs[0].time
    assert (shown(recorded).compared, shown(recorded).different) == (36, 0)
