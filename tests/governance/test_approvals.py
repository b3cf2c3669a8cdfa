"""A department's word on a request: said by its officer, for one run of one plan; kept in the journal."""

from __future__ import annotations

import secrets
from base64 import b64decode
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from federation.adapters import Cells
from federation.audit.events import read_event
from federation.audit.journal import Draft
from federation.errors import HomeError, KeyongError, RefusedError
from federation.governance.approvals import MAX_ON_DESK
from federation.governance.shelf import Lying
from federation.governance.statements import (
    Deny,
    Grant,
    Resume,
    Revoke,
    SignRoster,
    Statement,
    Suspend,
    moment,
    sign_statement,
)
from federation.plan import Column, Plan, ScriptFile, ScriptPlan
from tests.support.killing import files_no_larger_than
from tests.support.memory import ORIGIN, MemoryFederation, MemoryStore

SQL = "SELECT COUNT(*), SUM(income) FROM insured"
OURS, OTHER = "gaoping", "lingchuan"
CELLS = {0: (3, 600)}


class Desk:
    """One department's approvals, alone: what is drafted goes on disk as its gateway would put it there."""

    def __init__(self, home: Path, approvals: str = "officers", **rules: object) -> None:
        stores = {name: MemoryStore([]) for name in (OURS, OTHER, "qinshui")}
        self.federation = MemoryFederation(home, stores, approvals=approvals, **rules)
        self.plan = self.federation.plan(SQL)
        self.approvals = self.federation.approvals[OURS]

    def restart(self) -> None:
        self.federation.start(OURS)
        self.approvals = self.federation.approvals[OURS]

    def lodge(
        self, plan: Plan | None = None, *, job: str = "q-1", cells: Callable[[], Cells] | None = lambda: CELLS
    ) -> None:
        plan = plan or self.plan
        drafts = self.approvals.lodge(job, plan, b"request", cells)
        self.federation.journals[OURS].write(drafts)

    def grant(self, **changes: object) -> str:
        asked = {"request": "q-1", "plan": self.plan.hash, "requester": self.plan.requester}
        return self.say(Grant, **{**asked, "purpose": "", "expires": "2026-03-02T08:00:00Z", **changes})

    def no(self, kind: type[Deny | Revoke], **changes: object) -> str:
        return self.say(kind, **{"request": "q-1", "plan": self.plan.hash, **changes})

    def say(self, kind: type[Statement], **fields: object) -> str:
        """What our officer would sign."""
        common = {"log": ORIGIN, "roster": self.federation.roster.hash, "officer": f"officer@{OURS}"}
        more = {"department": OURS, "nonce": secrets.token_hex(16), "time": "2026-03-01T08:00:00Z"}
        statement = kind(**{**common, **more, **fields})
        return sign_statement(statement, self.federation.officer_keys[statement.officer])

    def hear(self, *statements: str) -> None:
        for statement in statements:
            self.approvals.hear(statement, {})

    def begin(self, job: str = "q-1") -> None:
        self.federation.journals[OURS].write([self.approvals.begin(job, self.plan.hash)])

    def pass_time(self, **delta: float) -> None:
        self.federation.now += timedelta(**delta)

    def state(self, job: str = "q-1") -> str:
        return self.approvals.state(job)

    def journal(self) -> list[str]:
        entries = self.federation.journals[OURS].entries()
        return [read_event(entry, self.federation.roster.signers).type for entry in entries]

    def snapshot(self) -> str:
        ((slip, _),) = self.approvals.slips()
        return slip.snapshot


def script_of(desk: Desk) -> ScriptPlan:
    """A script that wants one number of our rows."""
    rules = ("nonce", "requester", "purpose", "holders", "threshold", "minimum_group", "minimum_contributors")
    common = {name: getattr(desk.plan, name) for name in (*rules, "catalogue", "roster", "epoch")}
    return ScriptPlan(
        **common,
        contributors=(OURS,),
        gate=OURS,
        source="insured",
        view=(Column(name="income", type="integer"),),
        files=(ScriptFile(name="main.py", text="print()"),),
        numbers=("mean",),
    )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


def code(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(KeyongError) as refused:
        call(*arguments)
    return refused.value.code


# --- the states ---

WAYS: dict[str, Callable[[Desk], None]] = {
    "pending": lambda d: d.lodge(),
    "granted": lambda d: (d.lodge(), d.hear(d.grant())),
    "denied": lambda d: (d.lodge(), d.hear(d.no(Deny))),
    "revoked": lambda d: (d.lodge(), d.hear(d.grant(), d.no(Revoke))),
    "expired": lambda d: (d.lodge(), d.hear(d.grant()), d.pass_time(days=2)),
    "used": lambda d: (d.lodge(), d.hear(d.grant()), d.begin()),
    "revoked while used": lambda d: (d.lodge(), d.hear(d.grant()), d.begin(), d.hear(d.no(Revoke))),
    "expired while used": lambda d: (d.lodge(), d.hear(d.grant()), d.begin(), d.pass_time(days=2)),
}
REFUSALS = {
    "pending": "refused.not_approved",
    "denied": "refused.denied",
    "revoked": "refused.revoked",
    "expired": "refused.expired",
}


@pytest.mark.parametrize("way", WAYS)
def test_state_is_the_last_thing_that_was_said_before_and_after_a_restart(desk, way):
    WAYS[way](desk)
    state = way.partition(" ")[0]
    assert desk.state() == state
    before = desk.approvals.slips()
    desk.restart()
    assert desk.state() == state
    assert desk.approvals.slips() == before


@pytest.mark.parametrize("way", WAYS)
def test_only_a_grant_that_stands_lets_a_step_pass(desk, way):
    WAYS[way](desk)
    for _ in range(2):
        refusal = REFUSALS.get(way.partition(" ")[0])
        if refusal:
            assert code(desk.approvals.check, "q-1", desk.plan.hash) == refusal
        else:
            desk.approvals.check("q-1", desk.plan.hash)
        desk.restart()


@pytest.mark.parametrize("way", WAYS)
def test_run_begins_from_granted_only(desk, way):
    WAYS[way](desk)
    for _ in range(2):
        if way == "granted":
            desk.approvals.check("q-1", desk.plan.hash)
        else:
            refusal = {"used": "refused.replayed"}.get(way) or REFUSALS[way.partition(" ")[0]]
            assert code(desk.approvals.begin, "q-1", desk.plan.hash) == refusal
        desk.restart()


@pytest.mark.parametrize("way", WAYS)
def test_grant_and_denial_are_heard_while_pending_only_and_a_revocation_while_granted_only(desk, way):
    WAYS[way](desk)
    state, before = way.partition(" ")[0], desk.journal()
    for statement in (desk.grant(), desk.no(Deny)):
        if state != "pending":
            assert code(desk.hear, statement) == "refused.state"
    if state not in ("granted", "used"):
        assert code(desk.hear, desk.no(Revoke)) == "refused.state"
    assert desk.journal() == before
    assert desk.state() == state


def test_request_that_never_came_is_pending_and_not_approved(desk):
    assert desk.state() == "pending"
    assert code(desk.approvals.check, "q-1", desk.plan.hash) == "refused.not_approved"
    for statement in (desk.grant(), desk.no(Deny), desk.no(Revoke)):
        assert code(desk.hear, statement) == "refused.no_request"


def test_what_an_officer_says_stands_in_the_journal_under_the_officers_name(desk):
    WAYS["revoked"](desk)
    events = [e for e in desk.federation.events(OURS) if e.type.startswith(("request.", "approval."))]
    assert [(e.type, e.actor.name, e.actor.role) for e in events] == [
        ("request.receive", OURS, "node"),
        ("approval.grant", f"officer@{OURS}", "officer"),
        ("approval.revoke", f"officer@{OURS}", "officer"),
    ]
    assert {event.data["plan"] for event in events} == {desk.plan.hash}
    assert {event.data["requester"] for event in events} == {desk.plan.requester}


# --- one run ---


def test_grant_is_good_for_one_run(desk):
    WAYS["granted"](desk)
    desk.begin()
    desk.approvals.check("q-1", desk.plan.hash)  # its steps go on
    for _ in range(2):
        assert code(desk.begin) == "refused.replayed"
        desk.restart()


def test_run_that_was_begun_and_not_recorded_has_not_begun_after_a_restart(desk):
    WAYS["granted"](desk)
    desk.approvals.begin("q-1", desk.plan.hash)  # killed before it was on disk: nothing left either
    assert code(desk.begin) == "refused.replayed"
    desk.restart()
    desk.begin()


# --- two officers ---

SECOND = f"second@{OURS}"


@pytest.fixture
def pair(tmp_path: Path) -> Desk:
    """A desk where two officers must grant; the first of them has."""
    desk = Desk(tmp_path / "home", grants=2)
    desk.lodge()
    desk.hear(desk.grant())
    return desk


def test_request_stays_pending_until_two_different_officers_have_granted(pair):
    for _ in range(2):
        ((_, standing),) = pair.approvals.slips()
        assert (standing.state, standing.granted_by) == ("pending", (f"officer@{OURS}",))
        assert code(pair.approvals.check, "q-1", pair.plan.hash) == "refused.not_approved"
        assert code(pair.approvals.begin, "q-1", pair.plan.hash) == "refused.not_approved"
        pair.restart()
    pair.hear(pair.grant(officer=SECOND))
    for _ in range(2):
        assert pair.state() == "granted"
        assert len(set(pair.approvals.statements("q-1"))) == 2
        pair.restart()


def test_officer_does_not_grant_twice(pair):
    for _ in range(2):
        assert code(pair.hear, pair.grant()) == "refused.granted_before"
        assert (pair.state(), pair.journal().count("approval.grant")) == ("pending", 1)
        pair.restart()


@pytest.mark.parametrize("officer", [f"officer@{OURS}", SECOND])
@pytest.mark.parametrize("granted", [1, 2])
@pytest.mark.parametrize("kind", [Deny, Revoke])
def test_no_of_one_officer_is_enough(pair, kind, granted, officer):
    if granted == 2:
        pair.hear(pair.grant(officer=SECOND))
        if kind is Deny:
            assert code(pair.hear, pair.no(kind, officer=officer)) == "refused.state"
            return
    pair.hear(pair.no(kind, officer=officer))
    state = "denied" if kind is Deny else "revoked"
    for _ in range(2):
        assert pair.state() == state
        assert code(pair.approvals.check, "q-1", pair.plan.hash) == REFUSALS[state]
        assert code(pair.hear, pair.grant(officer=SECOND)) == "refused.state"
        pair.restart()


@pytest.mark.parametrize("first_to_end", [f"officer@{OURS}", SECOND])
def test_what_two_granted_ends_with_the_first_of_their_grants(tmp_path, first_to_end):
    desk = Desk(tmp_path / "home", grants=2)
    desk.lodge()
    for officer in (f"officer@{OURS}", SECOND):
        hours = "09" if officer == first_to_end else "11"
        desk.hear(desk.grant(officer=officer, expires=f"2026-03-01T{hours}:00:00Z"))
    desk.federation.now = moment("2026-03-01T08:59:59Z")
    assert desk.state() == "granted"
    desk.federation.now = moment("2026-03-01T09:00:00Z")
    for _ in range(2):
        assert desk.state() == "expired"
        desk.restart()


def test_second_grant_comes_too_late_once_the_first_has_expired(pair):
    pair.federation.now = moment("2026-03-02T08:00:00Z")
    assert pair.state() == "expired"
    assert code(pair.hear, pair.grant(officer=SECOND, expires="2026-03-03T08:00:00Z")) == "refused.state"


@pytest.mark.parametrize("live", [f"officer@{OURS}", SECOND])
def test_data_may_not_change_if_one_of_two_granted_it_as_it_lay_there(tmp_path, live):
    desk = Desk(tmp_path / "home", grants=2)
    desk.lodge()
    for officer in (f"officer@{OURS}", SECOND):
        desk.hear(desk.grant(officer=officer, snapshot="" if officer == live else desk.snapshot()))
    assert code(desk.approvals.check_snapshot, "q-1", {0: (3, 601)}) == "refused.snapshot"
    desk.approvals.check_snapshot("q-1", dict(CELLS))


# --- what an officer asks for besides ---


def test_script_is_held_to_the_largest_group_that_an_officer_asked_for(tmp_path):
    desk = Desk(tmp_path / "home", grants=2)
    desk.plan = script_of(desk)
    desk.lodge(cells=None)
    assert desk.approvals.minimum_group("q-1") == 0
    desk.hear(desk.grant(minimum_group=30), desk.grant(officer=SECOND, minimum_group=20))
    for _ in range(2):
        assert desk.approvals.minimum_group("q-1") == 30
        desk.restart()


def test_group_that_one_department_cannot_hold_a_sum_to_is_not_granted(desk):
    desk.lodge()
    assert code(desk.hear, desk.grant(minimum_group=30)) == "refused.condition"
    assert desk.state() == "pending"


def test_grant_without_such_a_wish_is_written_as_it_always_was(desk):
    assert "minimum_group" not in b64decode(msgspec.json.decode(desk.grant())["payload"]).decode()


# --- the shelf ---


class Board:
    """A shelf in memory that anybody may walk up to."""

    software = "board 1"

    def __init__(self) -> None:
        self.lying: dict[str, Lying] = {}
        self.broken: KeyongError | None = None

    def lay(self, job: str, plan: Plan) -> Lying:
        return self.lying.setdefault(job, Lying("pending", plan.hash))

    def turn(self, job: str, standing: str, reason: str = "") -> Lying:
        if self.broken:
            raise self.broken
        self.lying[job] = self.lying[job]._replace(standing=standing)
        return self.lying[job]

    def look(self, job: str) -> Lying | None:
        return self.lying.get(job)


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def shelved(tmp_path: Path, board: Board) -> Desk:
    return Desk(tmp_path / "home", shelves={OURS: board})


def shown(desk: Desk) -> list[tuple[str, str]]:
    """The events from the request on, and what those of the shelf say."""
    events = desk.federation.events(OURS)
    kinds = ("request.receive", "approval.grant", "approval.deny", "approval.revoke", "job.join", "shelf")
    return [(event.type, str(event.data.get("state", ""))) for event in events if event.type in kinds]


def test_shelf_follows_each_word_of_the_officers_and_the_record_says_so(shelved, board):
    shelved.lodge()
    shelved.hear(shelved.grant())
    shelved.begin()
    assert board.lying == {"q-1": Lying("approved", shelved.plan.hash)}
    shelved.hear(shelved.no(Revoke))
    assert shown(shelved) == [
        ("request.receive", ""),
        ("shelf", "pending"),
        ("approval.grant", ""),
        ("shelf", "approved"),
        ("job.join", ""),
        ("approval.revoke", ""),
        ("shelf", "rejected"),
    ]
    assert {e.data["files"] for e in shelved.federation.events(OURS, "shelf")} == {shelved.plan.hash}


def test_shelf_shows_a_run_as_done_once_the_record_says_that_it_ended(shelved, board):
    shelved.lodge()
    shelved.hear(shelved.grant())
    assert shelved.approvals.close(lambda job: True) == ()  # it has not begun
    shelved.begin()
    assert shelved.approvals.close(lambda job: False) == ()
    shelved.federation.journals[OURS].write(shelved.approvals.close(lambda job: True))
    assert board.lying["q-1"].standing == "done"
    shelved.restart()
    assert shelved.approvals.close(lambda job: True) == ()
    assert shown(shelved)[-1] == ("shelf", "done")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda lying: lying._replace(files="0" * 64), id="other files"),
        pytest.param(lambda lying: lying._replace(standing="pending"), id="not approved"),
        pytest.param(lambda lying: lying._replace(standing="done"), id="done already"),
        pytest.param(lambda lying: None, id="gone"),
    ],
)
def test_run_does_not_begin_where_the_shelf_shows_something_else(shelved, board, change):
    shelved.lodge()
    shelved.hear(shelved.grant())
    true = board.lying["q-1"]
    board.lying["q-1"] = change(true)
    for _ in range(2):
        assert code(shelved.begin) == "refused.shelf"
        shelved.restart()
    board.lying["q-1"] = true
    shelved.begin()  # it was not spent on the refusals


def test_files_that_were_swapped_before_the_grant_do_not_run_either(shelved, board):
    shelved.lodge()
    board.lying["q-1"] = Lying("pending", "0" * 64)
    shelved.hear(shelved.grant())
    assert code(shelved.begin) == "refused.shelf"


def test_word_counts_though_the_shelf_cannot_be_written_and_no_run_begins(shelved, board):
    shelved.lodge()
    board.broken = HomeError("home.storage", file="shelf")
    shelved.hear(shelved.grant())
    assert shelved.state() == "granted"
    assert code(shelved.begin) == "refused.shelf"
    shelved.hear(shelved.no(Revoke))
    assert shelved.state() == "revoked"
    assert [kind for kind, _ in shown(shelved)].count("shelf") == 1


def die_before_the_shelf_is_on_record(desk: Desk, said: str) -> None:
    """The department is killed between what it does to the shelf and the event that tells of it."""
    journal = desk.federation.journals[OURS]
    write = journal.write

    def killed(drafts: Sequence[Draft]) -> list[bytes]:
        if any(draft.type == "shelf" for draft in drafts):
            raise KeyboardInterrupt
        return write(drafts)

    journal.write = killed  # type: ignore[method-assign]  # a crash at this very place
    with pytest.raises(KeyboardInterrupt):
        desk.hear(said)
    desk.restart()


@pytest.mark.parametrize("turned", [True, False])
def test_word_that_a_crash_kept_from_the_shelf_or_its_event_is_shown_and_told_later(shelved, board, turned):
    shelved.lodge()
    before = board.lying["q-1"]
    die_before_the_shelf_is_on_record(shelved, shelved.grant())
    if not turned:  # killed a moment earlier
        board.lying["q-1"] = before
    assert code(shelved.begin) == "refused.shelf"  # the record must not tell of a run that no shelf was said to show
    shelved.federation.journals[OURS].write(shelved.approvals.close(lambda job: False))
    assert shown(shelved)[-1] == ("shelf", "approved")
    assert shelved.approvals.close(lambda job: False) == ()
    shelved.begin()


def test_revocation_that_a_crash_kept_from_the_shelf_is_shown_later(shelved, board):
    shelved.lodge()
    shelved.hear(shelved.grant())
    die_before_the_shelf_is_on_record(shelved, shelved.no(Revoke))
    board.lying["q-1"] = board.lying["q-1"]._replace(standing="approved")
    shelved.federation.journals[OURS].write(shelved.approvals.close(lambda job: False))
    assert (board.lying["q-1"].standing, shown(shelved)[-1]) == ("rejected", ("shelf", "rejected"))


def test_what_was_revoked_after_its_run_is_not_turned_again(shelved, board):
    shelved.lodge()
    shelved.hear(shelved.grant())
    shelved.begin()
    shelved.federation.journals[OURS].write(shelved.approvals.close(lambda job: True))
    board.broken = RefusedError("refused.shelf", party=OURS, request="q-1")  # PySyft lets what is done stay so
    shelved.hear(shelved.no(Revoke))
    assert shelved.approvals.close(lambda job: True) == ()


def test_department_that_agrees_automatically_lays_nothing_on_a_shelf(tmp_path, board):
    desk = Desk(tmp_path / "home", approvals="automatic", shelves={OURS: board})
    desk.lodge()
    desk.begin()
    assert board.lying == {} and desk.federation.events(OURS, "shelf") == []


# --- of exactly that ---


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"plan": "0" * 64}, "refused.no_request", id="another plan"),
        pytest.param({"request": "q-2"}, "refused.no_request", id="another request"),
        pytest.param({"requester": "analyst@tax"}, "refused.statement", id="another requester"),
        pytest.param({"snapshot": "0" * 64}, "refused.statement", id="another snapshot"),
        pytest.param({"expires": "2026-03-01T08:00:00Z"}, "refused.expired", id="expires this second"),
        pytest.param({"expires": "2026-02-01T08:00:00Z"}, "refused.expired", id="expired long ago"),
        pytest.param({"nonce": "../../launcher/x"}, "refused.statement", id="nonce that leaves the folder"),
        pytest.param({"nonce": ""}, "refused.statement", id="no nonce"),
        pytest.param({"nonce": "0" * 31}, "refused.statement", id="short nonce"),
    ],
)
def test_grant_of_something_else_is_not_heard(desk, change, expected):
    desk.lodge()
    assert code(desk.hear, desk.grant(**change)) == expected
    assert desk.state() == "pending"
    assert "approval.grant" not in desk.journal()


@pytest.mark.parametrize("kind", [Deny, Revoke])
def test_no_to_another_plan_is_not_heard(desk, kind):
    WAYS["pending" if kind is Deny else "granted"](desk)
    assert code(desk.hear, desk.no(kind, plan="0" * 64)) == "refused.no_request"


def test_statement_of_another_departments_officer_is_not_heard(desk):
    desk.lodge()
    assert code(desk.hear, desk.grant(officer=f"officer@{OTHER}")) == "refused.officer"
    assert code(desk.hear, desk.grant(officer=f"officer@{OTHER}", department=OTHER)) == "refused.officer"


def test_word_for_one_plan_is_none_for_another(desk):
    WAYS["granted"](desk)
    for call in (desk.approvals.check, desk.approvals.begin):
        assert code(call, "q-1", "0" * 64) == "refused.not_approved"
        assert code(call, "q-2", desk.plan.hash) == "refused.not_approved"


def test_another_plan_under_the_name_of_one_on_the_desk_is_refused(desk):
    WAYS["granted"](desk)
    assert code(desk.lodge, desk.federation.plan("SELECT COUNT(*) FROM insured")) == "refused.replayed"
    assert desk.approvals.plan("q-1") == desk.plan


def test_request_laid_again_changes_nothing_and_writes_nothing(desk):
    WAYS["granted"](desk)
    before = desk.journal()
    desk.lodge()
    assert (desk.state(), desk.journal()) == ("granted", before)


@pytest.mark.parametrize("job", ["", "..", "a/b", ".hidden", "q 1", "q\x00", "q" * 65, "q-1.slip"])
def test_name_that_is_no_file_name_is_refused(desk, job):
    with pytest.raises(KeyongError) as refused:
        desk.lodge(job=job)
    assert refused.value.code == "refused.control"


def test_desk_takes_a_thousand_pending_requests_and_no_more(desk):
    for number in range(MAX_ON_DESK):
        desk.approvals.lodge(f"q-{number}", desk.plan, b"request", None)
    with pytest.raises(KeyongError) as refused:
        desk.lodge(job="q-one-more")
    assert refused.value.code == "refused.busy"
    assert desk.approvals.state("q-one-more") == "pending"
    desk.lodge(job="q-1")  # those that lie there may be asked for again


# --- statements are heard once ---


@pytest.mark.parametrize(
    "say",
    [
        pytest.param(lambda d: d.say(Suspend, party=OTHER), id="suspend"),
        pytest.param(lambda d: d.say(Resume, party=OTHER), id="resume"),
        pytest.param(lambda d: d.say(SignRoster), id="sign-roster"),
    ],
)
def test_statement_is_heard_once(desk, say):
    statement = say(desk)
    desk.hear(statement)
    for _ in range(2):
        assert code(desk.hear, statement) == "refused.replayed"
        desk.restart()


def test_grant_heard_before_is_not_heard_after_its_revocation(desk):
    desk.lodge()
    grant = desk.grant()
    desk.hear(grant, desk.no(Revoke))
    assert code(desk.hear, grant) == "refused.state"
    assert desk.state() == "revoked"


@pytest.mark.parametrize("party", [OURS, "nobody", "coordinator", "analyst@city", ""])
@pytest.mark.parametrize("kind", [Suspend, Resume])
def test_only_another_department_can_be_suspended(desk, kind, party):
    assert code(desk.hear, desk.say(kind, party=party)) == "refused.statement"


# --- expiry ---


def test_grant_expires_at_the_very_second(desk):
    WAYS["granted"](desk)
    desk.federation.now = moment("2026-03-02T07:59:59.999Z")
    desk.approvals.check("q-1", desk.plan.hash)
    desk.federation.now = moment("2026-03-02T08:00:00Z")
    assert code(desk.approvals.check, "q-1", desk.plan.hash) == "refused.expired"
    assert desk.state() == "expired"


def test_run_in_the_middle_ends_with_the_grant(desk):
    WAYS["used"](desk)
    desk.pass_time(days=1)
    assert code(desk.approvals.check, "q-1", desk.plan.hash) == "refused.expired"


# --- the snapshot ---


def test_grant_for_the_data_on_the_desk_holds_for_that_data_only(desk):
    desk.lodge()
    desk.hear(desk.grant(snapshot=desk.snapshot()))
    for _ in range(2):
        desk.approvals.check_snapshot("q-1", dict(CELLS))
        for changed in ({0: (3, 601)}, {1: (3, 600)}, {}, {0: (3, 600), 1: (0, 0)}):
            assert code(desk.approvals.check_snapshot, "q-1", changed) == "refused.snapshot"
        desk.restart()


def test_live_grant_holds_for_any_data(desk):
    desk.lodge()
    desk.hear(desk.grant(snapshot=""))
    desk.approvals.check_snapshot("q-1", {0: (99, 1)})


def test_order_of_the_groups_is_no_change(desk):
    desk.lodge(cells=lambda: {0: (1,), 1: (2,)})
    desk.hear(desk.grant(snapshot=desk.snapshot()))
    desk.approvals.check_snapshot("q-1", {1: (2,), 0: (1,)})


def test_snapshots_of_the_same_data_differ_by_their_salt(desk):
    desk.lodge()
    desk.lodge(job="q-2")
    one, two = (slip.snapshot for slip, _ in desk.approvals.slips())
    assert one != two


def test_department_that_adds_nothing_has_no_snapshot(desk):
    desk.lodge(cells=None)
    assert desk.snapshot() == ""
    desk.hear(desk.grant())


# --- what is on disk ---


def test_request_whose_slip_was_written_and_whose_event_was_not_is_laid_again(desk):
    desk.approvals.lodge("q-1", desk.plan, b"request", None)  # killed before the journal had it
    desk.restart()
    assert desk.approvals.slips() == []
    desk.lodge()
    desk.hear(desk.grant())
    assert desk.state() == "granted"


def test_no_officer_is_heard_on_a_request_that_is_not_on_record_yet(desk):
    drafts = desk.approvals.lodge("q-1", desk.plan, b"request", lambda: CELLS)
    assert code(desk.hear, desk.grant()) == "refused.no_request"
    desk.federation.journals[OURS].write(drafts)
    desk.hear(desk.grant())
    assert desk.approvals.state("q-1") == "granted"


def test_request_whose_slip_is_lost_after_the_first_of_two_grants_keeps_it(pair):
    (slip,) = (pair.federation.folder(OURS) / "desk").glob("*.slip")
    slip.unlink()
    pair.restart()
    pair.lodge()
    assert code(pair.hear, pair.grant()) == "refused.granted_before"
    pair.restart()  # what the journal tells is the same
    assert code(pair.hear, pair.grant()) == "refused.granted_before"


def test_request_whose_slip_is_lost_is_laid_again(desk):
    desk.lodge()
    (slip,) = (desk.federation.folder(OURS) / "desk").glob("*.slip")
    slip.unlink()
    desk.restart()
    assert code(desk.hear, desk.grant()) == "refused.no_request"
    desk.lodge()
    desk.hear(desk.grant(snapshot=desk.snapshot()))
    assert desk.state() == "granted"


def test_plan_of_a_request_on_the_desk_is_known_after_a_restart(desk):
    WAYS["granted"](desk)
    desk.restart()
    assert desk.approvals.plan("q-1") == desk.plan


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x80"])
def test_slip_that_is_none_stops_the_start(desk, content):
    desk.lodge()
    (slip,) = (desk.federation.folder(OURS) / "desk").glob("*.slip")
    slip.write_bytes(content)
    with pytest.raises(HomeError) as refused:
        desk.restart()
    assert refused.value.code == "home.storage"


def test_statement_that_cannot_be_written_does_not_count(desk):
    desk.lodge()
    with files_no_larger_than(0), pytest.raises(HomeError):
        desk.hear(desk.grant())
    assert desk.state() == "pending"
    desk.restart()
    assert desk.state() == "pending"
    desk.hear(desk.grant())
    assert desk.state() == "granted"


def test_notes_of_a_statement_stay_in_the_departments_own_folder_for_its_owner_only(desk):
    desk.lodge()
    desk.approvals.hear(desk.no(Deny, nonce="a" * 32), {"reason": "not this year"})
    file = desk.federation.folder(OURS) / "desk" / f"{'a' * 32}.notes"
    assert msgspec.msgpack.decode(file.read_bytes()) == {"reason": "not this year"}
    assert file.stat().st_mode & 0o077 == 0
    assert not any(b"not this year" in entry for entry in desk.federation.journals[OURS].entries())


# --- automatic ---


def test_automatic_approval_names_nobody_and_holds_for_one_run(tmp_path):
    desk = Desk(tmp_path / "home", approvals="automatic")
    desk.lodge()
    assert (desk.state(), desk.approvals.statements("q-1")) == ("granted", ())
    (granted,) = desk.federation.events(OURS, "approval.grant")
    assert granted.actor.role == "automatic"
    desk.begin()
    desk.restart()
    assert desk.state() == "used"
    assert code(desk.begin) == "refused.replayed"


def test_officers_no_counts_in_an_automatic_department_too(tmp_path):
    desk = Desk(tmp_path / "home", approvals="automatic")
    desk.lodge()
    desk.hear(desk.no(Revoke))
    assert code(desk.approvals.check, "q-1", desk.plan.hash) == "refused.revoked"
    desk.restart()
    assert desk.state() == "revoked"
