import pytest

from dashboard.services.desks import Desk, gather
from dashboard.services.log import LogReader
from dashboard.services.requests import requests
from dashboard.services.rules import CATALOGUE as FILE
from dashboard.services.rules import asked, catalogue
from federation.audit.record import RecordReader
from federation.governance.statements import Deny, Revoke
from tests.dashboard.desks import CATALOGUE, desk, item, plan
from tests.dashboard.records import DEPARTMENTS, JOB, WAITING

NO_DESK = Desk(requests={}, heads={}, silent={})


def by_job(home, desks=NO_DESK):
    reader = LogReader(RecordReader(home.path))
    reader.look()
    return {one.job: one for one in requests(reader.requests(99), desks, DEPARTMENTS)}


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
    assert (found.plan, found.lying, found.hash) == (None, None, "ab" * 32)


def test_a_department_that_shows_another_plan_is_named_and_left_out():
    shown = gather({"chengqu": (item(),), "gaoping": (item("granted", of=plan(nonce="11" * 16)),)})
    assert shown[WAITING].differing == ("gaoping",)
    assert shown[WAITING].states == {"chengqu": "pending"}


def test_automatic_agreement_is_nobodys_approval(recorded):
    assert by_job(recorded)[JOB].automatic == DEPARTMENTS


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
