"""Step 7 of verifying, the desk: scripts, shelves, and two of two officers; all three verifiers judge alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from federation.audit.bundle import write_bundle
from federation.audit.events import Actor, Event, Seen, timestamp
from federation.audit.offline import verify as offline
from federation.audit.rules.findings import Written
from federation.audit.rules.jobs import Job, Jobs
from federation.audit.rules.rounds import Rounds
from federation.audit.rules.shelves import Shelves
from federation.audit.rules.statements import Said
from federation.audit.rules.words import Words
from federation.audit.verify import verify_record
from federation.drills import desk
from federation.drills.scene import Scene
from federation.errors import RecordError
from federation.governance.statements import Grant
from tests.support.desk_forgeries import DRILLED, FORGERIES, HONEST, DeskStage
from tests.support.records import wrong


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> DeskStage:
    return DeskStage(tmp_path_factory.mktemp("desk"))


def judged_offline(stage: DeskStage, scene: Scene, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The first line that verify.py prints."""
    write_bundle(folder / "bundle", stage.contents(scene))
    for name in ("policy", "signers"):
        (folder / name).write_text(getattr(stage, name)())
    capsys.readouterr()
    offline.main([str(folder / "bundle"), "--policy", str(folder / "policy"), "--signers", str(folder / "signers")])
    return capsys.readouterr().out.splitlines()[0]


@pytest.mark.parametrize("name", FORGERIES)
def test_forgery_is_found_at_its_place_with_and_without_our_software(name, stage, tmp_path, capsys):
    forgery = FORGERIES[name]
    scene = stage.scene().forged(forgery.make(stage))
    said, line = wrong(scene), judged_offline(stage, scene, tmp_path, capsys)
    where = said.partition(": ")[0]
    assert forgery.product in said
    assert forgery.offline in line
    assert line.startswith("REJECT entry ")
    found = line.removeprefix("REJECT ").partition(": ")[0]
    assert (where == found) is not forgery.elsewhere


@pytest.mark.parametrize("name", HONEST)
def test_honest_record_is_accepted_with_and_without_our_software(name, stage, tmp_path, capsys):
    scene = stage.scene().forged(HONEST[name](stage))
    verdict = verify_record(scene)
    assert (verdict.jobs, verdict.unapproved) == (2, 0)
    line = judged_offline(stage, scene, tmp_path, capsys)
    assert line.startswith("ACCEPT "), line


def test_every_drill_of_the_desk_is_shown_to_every_verifier():
    assert set(DRILLED) == set(desk.FORGERIES)


# --- what no forged record shows ---

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def told(kind: str, officer: str = "", *, seq: int = 0, at: datetime = NOON, **data: int | str) -> Written:
    """An event of one department about one job."""
    actor = Actor(name=officer, role="officer") if officer else Actor(name="tax", role="node")
    event = Event(
        log="", node="tax", seq=seq, prev="", time=timestamp(at), type=kind, job="q", attempt=1, actor=actor,
        seen=Seen(), data={"plan": "p", "requester": "analyst@city", **data},
    )  # type: ignore[arg-type]  # fmt: skip
    return Written(seq, event)


def grants(*expires: datetime) -> Said:
    """What officers have signed, by the number of their events."""
    common = dict.fromkeys(("log", "roster", "officer", "department", "nonce", "time", "request", "plan"), "")
    signed = [Grant(**common, requester="", purpose="", expires=timestamp(at)) for at in expires]
    return Said(grants={("tax", seq): grant for seq, grant in enumerate(signed)})


def test_job_that_one_of_two_granted_is_counted_as_unapproved():
    later = NOON + timedelta(days=1)
    jobs = Jobs(grants(later, later), {}, grants=2)
    job = Job(kind="sum", plan="p", requester="", participants=("tax",), contributors=1, rounds=Rounds(1, train=False))
    jobs.jobs["q"] = job
    jobs.follow(told("approval.grant", "officer@tax"))
    assert jobs.unapproved == 0  # nobody took part yet
    job.joined.add("tax")
    assert jobs.unapproved == 1
    jobs.follow(told("approval.grant", "deputy@tax", seq=1))
    assert jobs.unapproved == 0


def test_denied_job_that_somebody_joined_is_counted_as_unapproved():
    jobs = Jobs(Said(), {}, grants=1)
    job = Job(kind="sum", plan="p", requester="", participants=("tax",), contributors=1, rounds=Rounds(1, train=False))
    job.joined.add("tax")
    jobs.jobs["q"] = job
    jobs.follow(told("approval.deny", "officer@tax"))
    assert jobs.unapproved == 1


def test_second_officers_grant_where_one_is_enough_is_found():
    """It could outlive the first one's expiry."""
    words = Words(grants(NOON, NOON + timedelta(days=1)), needed=1)
    words.speak(told("approval.grant", "officer@tax"))
    with pytest.raises(RecordError, match="has said its word"):
        words.speak(told("approval.grant", "deputy@tax", seq=1))


@pytest.mark.parametrize("minutes", [(30, 90), (90, 30)])
def test_word_expires_with_the_first_of_its_grants(minutes):
    words = Words(grants(*(NOON + timedelta(minutes=m) for m in minutes)), needed=2)
    for seq, officer in enumerate(("officer@tax", "deputy@tax")):
        words.speak(told("approval.grant", officer, seq=seq))
    standing = words.check(told("job.join", at=NOON + timedelta(minutes=29)), "q", "tax")
    assert standing.by == ("officer@tax", "deputy@tax")
    with pytest.raises(RecordError, match="had expired"):
        words.check(told("job.join", at=NOON + timedelta(minutes=31)), "q", "tax")


@pytest.mark.parametrize("state", ["pending", "approved"])
def test_request_whose_approval_expires_may_lie_on_as_it_lay(state):
    """Nobody turns it then; if it is laid anew it waits again."""
    words = Words(grants(NOON), needed=1)
    shelves = Shelves(words)
    shelves.receive(told("request.receive"))
    words.speak(told("approval.grant", "officer@tax"))
    shelves.show(told("shelf", state=state, files="ab" * 32, at=NOON + timedelta(hours=1)))


def declared(said: Said, *desks: str) -> Shelves:
    """A department that began with these shelves, one after another, and whose word was given."""
    words = Words(said, needed=1)
    words.speak(told("approval.grant", "officer@tax"))
    shelves = Shelves(words)
    for software in desks:
        shelves.start(told("start", desk=software))
    return shelves


def test_department_with_a_shelf_that_shows_nothing_joins_on_no_officers_word():
    shelves = declared(grants(NOON), "", "syft-job 0.1.40")
    with pytest.raises(RecordError, match="did not show"):
        shelves.join(told("job.join"))


def test_department_that_agrees_by_rule_need_show_nothing_on_its_shelf():
    declared(Said(), "syft-job 0.1.40").join(told("job.join"))


def test_department_that_has_given_up_its_shelf_need_show_nothing():
    declared(grants(NOON), "syft-job 0.1.40", "").join(told("job.join"))
