import pytest

from dashboard.services.desks import Desk, gather
from dashboard.services.log import LogReader
from dashboard.services.requests import Shelved, requests
from dashboard.services.rules import CATALOGUE as FILE
from dashboard.services.rules import asked, catalogue, refusal
from federation.audit.record import RecordReader
from federation.governance.statements import Deny, Grant, Revoke
from federation.plan import Column
from tests.dashboard.desks import CATALOGUE, desk, item, plan
from tests.dashboard.records import DEPARTMENTS, JOB, WAITING
from tests.dashboard.scripted import RULES, script_plan
from tests.dashboard.visits import visitor

NO_DESK = Desk(requests={}, heads={}, silent={})


AUDITOR = visitor("auditor@city")


def by_job(home, desks=NO_DESK, *, who=AUDITOR, grants=1):
    reader = LogReader(RecordReader(home.path))
    reader.look()
    told = reader.requests(99)
    return {one.job: one for one in requests(told, desks, DEPARTMENTS, visitor=who, grants=grants)}


def test_without_desks_the_log_tells_how_a_request_stands(approved):
    found = by_job(approved)
    assert found[JOB].states == dict.fromkeys(DEPARTMENTS, "used")
    assert found[WAITING].states == dict.fromkeys(DEPARTMENTS, "pending")
    assert (found[WAITING].waits, found[JOB].waits) == (True, False)
    assert found[WAITING].plan is None


def test_the_newest_request_comes_first(approved):
    assert list(by_job(approved)) == [WAITING, JOB]


def test_a_denial_stops_a_request_that_others_have_not_decided(approved):
    approved.say("gaoping", Deny, WAITING)
    found = by_job(approved)[WAITING]
    assert found.states == {"chengqu": "pending", "gaoping": "denied", "zezhou": "pending"}
    assert (found.waits, found.stopped) == (False, True)


def test_a_revocation_counts_over_a_join_that_was_under_way(approved):
    approved.say("gaoping", Revoke)
    approved.write("gaoping", "job.join", JOB, plan="ab" * 32)
    assert by_job(approved)[JOB].states["gaoping"] == "revoked"


def test_the_desk_knows_better_than_the_log(approved):
    approved.write("analyst", "request.submit", "q-0", plan=plan().hash)
    expired = gather({"chengqu": (item("expired", "q-0"),)})
    assert by_job(approved, Desk(requests=expired, heads={}, silent={}))["q-0"].states == {"chengqu": "expired"}


def test_a_request_that_has_not_reached_the_log_is_shown_from_the_desk(recorded):
    found = by_job(recorded, desk())[WAITING]
    assert (found.hash, found.requester) == (plan().hash, "analyst@city")


def test_another_plan_on_the_desk_than_in_the_log_is_not_shown_for_it(approved):
    found = by_job(approved, desk())[WAITING]  # the log's plan is abab...
    assert (found.plan, found.outline, found.hash) == (None, None, "ab" * 32)


def test_a_department_that_shows_another_plan_is_named_and_left_out():
    shown = gather({"chengqu": (item(),), "gaoping": (item("granted", of=plan(nonce="11" * 16)),)})
    assert shown[WAITING].differing == ("gaoping",)
    assert shown[WAITING].states == {"chengqu": "pending"}


def test_automatic_agreement_is_nobodys_approval(recorded):
    assert by_job(recorded)[JOB].automatic == DEPARTMENTS


@pytest.mark.parametrize(
    ("account", "sees"),
    [
        ("", False),
        ("operator@city", False),
        ("analyst@city", True),
        ("analyst@zezhou", False),
        ("officer@gaoping", True),
        ("officer@elsewhere", False),
        ("auditor@city", True),
    ],
)
def test_a_plan_is_shown_to_who_decides_asked_or_audits_and_to_everybody_its_counts(recorded, account, sees):
    found = by_job(recorded, desk(), who=visitor(account))[WAITING]
    assert (found.plan is not None) is sees
    assert (found.outline.participants, found.outline.columns, found.hash) == (3, 1, plan().hash)


def test_one_of_two_officers_is_not_enough(approved):
    approved.say("gaoping", Grant, WAITING)
    found = by_job(approved, grants=2)[WAITING]
    assert (found.states["gaoping"], found.granted_by["gaoping"]) == ("pending", ("officer@gaoping",))
    assert by_job(approved, grants=1)[WAITING].states["gaoping"] == "granted"
    assert not found.waits_for(visitor("officer@gaoping"))  # has said yes
    assert found.waits_for(visitor("deputy@gaoping"))
    assert not found.waits_for(AUDITOR)


def test_what_the_desk_knows_of_grants_counts_over_the_log(recorded):
    lying = gather({"chengqu": (item("pending", granted_by=("deputy@chengqu",)),)})
    found = by_job(recorded, Desk(requests=lying, heads={}, silent={}), grants=2)[WAITING]
    assert found.granted_by == {"chengqu": ("deputy@chengqu",)}


@pytest.mark.parametrize(
    ("shown", "agrees"), [("approved", True), ("done", False), ("pending", False), ("rejected", False)]
)
def test_a_shelf_must_show_what_the_officers_said(approved, shown, agrees):
    approved.say("gaoping", Grant, WAITING)
    approved.write("gaoping", "shelf", WAITING, plan="ab" * 32, state=shown, files="5f" * 32)
    assert by_job(approved)[WAITING].shelves == {"gaoping": Shelved(shown, "5f" * 32, agrees)}


def test_a_shelf_that_was_not_read_since_is_not_called_wrong(approved):
    approved.write("gaoping", "shelf", WAITING, plan="ab" * 32, state="pending", files="5f" * 32)
    assert by_job(approved)[WAITING].shelves["gaoping"].agrees is True
    approved.say("gaoping", Grant, WAITING)
    assert by_job(approved)[WAITING].shelves["gaoping"].agrees is None


def test_rules_of_another_hash_are_not_compared_with(tmp_path):
    file = tmp_path / FILE
    file.parent.mkdir()
    file.write_bytes(CATALOGUE.to_bytes())
    assert catalogue(tmp_path, CATALOGUE.hash) == CATALOGUE
    assert catalogue(tmp_path, "00" * 32) is None


@pytest.mark.parametrize(("uses", "fits"), [(("group_by",), True), (("filter",), False)])
def test_what_is_asked_is_laid_beside_what_is_allowed(uses, fits):
    from msgspec.structs import replace

    table = replace(CATALOGUE.tables[0], columns=(replace(CATALOGUE.tables[0].columns[0], uses=uses),))
    (one,) = asked(plan(), replace(CATALOGUE, tables=(table,)))
    assert (one.column, one.uses, one.how, one.fits) == ("sex", ("group_by",), "f | m", fits)
    assert not asked(plan(), None)[0].fits  # nobody knows


def test_a_column_that_no_script_may_be_given_does_not_fit():
    view = (Column(name="person_id", type="text"), Column(name="tax_fen", type="integer"))
    found = {one.column: one.fits for one in asked(script_plan(view=view), RULES)}
    assert found == {"person_id": False, "tax_fen": True}


def test_the_policy_s_own_refusal_is_told(started):
    assert refusal(script_plan(started), RULES, started.roster).code == "refused.requester"
    assert refusal(script_plan(started, requester="analyst"), RULES, started.roster) is None
    closed = script_plan(started, requester="analyst", seconds=10_000)
    assert refusal(closed, RULES, started.roster).code == "request.script_limits"
