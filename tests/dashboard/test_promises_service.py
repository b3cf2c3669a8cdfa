import msgspec
import pytest

from dashboard.services.demonstration import demonstration
from dashboard.services.log import LogReader
from dashboard.services.promises import NAMES, NOT_BUILT, judge
from dashboard.services.verifier import Outcome
from federation import demo
from federation.audit.record import RecordReader
from federation.audit.verify import Verdict
from federation.errors import HomeError, RecordError
from tests.dashboard.records import JOB, report

VERDICT = Verdict(size=9, root="", checkpoints=3, departments=3, jobs=1, ledger_bytes=9, counted_bytes=9, unsent=0)
HOLDS = Outcome(at="2026-11-22T01:02:03.000Z", seconds=1.0, verdict=VERDICT)
REFUTED = Outcome(at=HOLDS.at, seconds=1.0, error=RecordError("record.invalid", where="entry 20", reason="altered"))
UNTOLD = Outcome(at=HOLDS.at, seconds=1.0, error=HomeError("home.internal", kind="x"))


def shown(home):
    return demonstration(home.path, LogReader(RecordReader(home.path)).look())


def states(demonstrated, outcome, *, balanced=True):
    return [judge(demonstrated, outcome, balanced=balanced)[name].state for name in NAMES]


def test_what_is_not_built_is_what_the_demonstration_says_is_not_built():
    promises = demo._promises([], (), VERDICT, "entry 20")
    assert {name: promise.missing for name, promise in promises.items()} == NOT_BUILT


def test_a_demonstration_of_this_record_makes_usable_hold_and_nothing_else(recorded):
    recorded.demonstrate()
    assert states(shown(recorded), HOLDS) == ["holds", "unbuilt", "unbuilt", "unbuilt"]


def test_without_a_demonstration_there_is_no_clear_answer(recorded):
    assert shown(recorded) is None
    assert states(None, HOLDS) == ["unknown", "unbuilt", "unbuilt", "unbuilt"]


def test_a_record_that_does_not_hold_breaks_what_rests_on_it(recorded):
    recorded.demonstrate()
    assert states(shown(recorded), REFUTED) == ["holds", "broken", "unbuilt", "broken"]


def test_a_record_that_nobody_could_recompute_breaks_nothing_and_proves_nothing(recorded):
    recorded.demonstrate()
    assert states(shown(recorded), UNTOLD)[1:] == ["unbuilt"] * 3


def test_bytes_without_an_account_break_not_visible(recorded):
    assert states(None, HOLDS, balanced=False)[1] == "broken"


def test_a_number_that_differs_breaks_usable_whatever_the_report_claims(recorded):
    queries = msgspec.structs.replace(report((JOB,)).queries[0], different=1)
    recorded.demonstrate(queries=(queries,))
    assert states(shown(recorded), HOLDS)[0] == "broken"


def test_a_forbidden_request_that_was_answered_breaks_controllable(recorded):
    recorded.demonstrate(refused=(demo.Refused(sql="SELECT name", expected="request.rows", code=""),))
    assert states(shown(recorded), HOLDS)[2] == "broken"


def test_a_promise_with_all_its_parts_holds_only_on_a_record_recomputed(recorded):
    recorded.demonstrate(promises={name: demo.Promise(holds=True, figure="", figure_zh="") for name in NAMES})
    assert states(shown(recorded), HOLDS) == ["holds"] * 4
    assert states(shown(recorded), None) == ["holds", "unknown", "holds", "unknown"]
    assert states(shown(recorded), UNTOLD) == ["holds", "unknown", "holds", "unknown"]


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
    assert (shown(recorded).compared, shown(recorded).different) == (28, 0)
