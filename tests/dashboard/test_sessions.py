import os
import stat
import sys
import threading

import pytest

from crypto.keyfile import MIN_COST, seal_secret
from dashboard import sources
from dashboard.services import commands, sessions
from dashboard.services.attempts import FREE, LONGEST_WAIT_S, Attempts, wait_s
from dashboard.services.commands import SaidError
from dashboard.services.entrance import IDLE_S, LONGEST_S, Entrance, Session
from dashboard.services.rights import GUEST
from federation.errors import HomeError, KeyongError, RefusedError
from tests.dashboard.records import OFFICER_KEYS, RecordedHome, words
from tests.dashboard.visits import session, visitor

PASSPHRASE = "open sesame, please"
OFFICER = "officer@gaoping"
ANALYST = "analyst"  # as the recorded home calls its own
STAND_IN = (
    "import json, sys; right = sys.stdin.readline() == {passphrase!r} + '\\n'; "
    "no = {{'code': 'home.passphrase', 'message': 'wrong', 'next': ''}}; "
    "print(json.dumps({{'about': {account!r}}} if right else no)); sys.exit(not right)"
)


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with an officer's key file and an analyst's folder."""
    made = RecordedHome(tmp_path_factory.mktemp("sessions") / "home", approvals="officers")
    made.start()
    folder = made.path / "officers" / OFFICER
    folder.mkdir(parents=True)
    sealed = seal_secret(OFFICER_KEYS[OFFICER].to_bytes(), PASSPHRASE, owner=OFFICER, cost=MIN_COST)
    (folder / "key").write_bytes(sealed)
    (made.path / "launcher" / "roster.json").write_bytes(made.roster.to_bytes())
    (made.path / "analysts" / ANALYST).mkdir(parents=True)
    return made


@pytest.fixture
def quick(monkeypatch):
    """The program that opens key files, replaced by one that starts at once and knows the passphrase."""
    seen = []

    def check(home, account, language):
        seen.append(account)
        return (sys.executable, "-S", "-E", "-c", STAND_IN.format(passphrase=PASSPHRASE, account=account))

    monkeypatch.setattr(commands, "check_passphrase", check)
    return seen


# -- the session ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "now", "roster", "holds"),
    [
        (0.0, IDLE_S - 1, "r", True),
        (0.0, IDLE_S, "r", False),  # nothing was done for too long
        (LONGEST_S - 1, LONGEST_S - 1, "r", True),
        (LONGEST_S - 1, LONGEST_S, "r", False),  # busy all day, and over all the same
        (0.0, 1.0, "another", False),
    ],
)
def test_a_session_ends_when_idle_at_the_days_end_and_with_its_roster(seen, now, roster, holds):
    one = Session(visitor=visitor(OFFICER), roster="r", begun=0.0, seen=seen)
    assert one.holds(now, roster) is holds


# -- slowing ----------------------------------------------------------------------------------------------------------


def test_the_first_slips_cost_nothing_and_then_waits_double_up_to_a_bound():
    assert [wait_s(n) for n in range(FREE + 4)] == [0, 0, 0, 10, 20, 40, 80]
    assert wait_s(10**6) == LONGEST_WAIT_S


def fail(attempts, account=OFFICER, code="home.passphrase"):
    with pytest.raises(KeyongError) as refused, attempts.attempt(account):
        raise HomeError(code, officer=account)
    return refused.value


def test_after_some_wrong_ones_even_the_right_one_has_to_wait_and_says_how_long():
    clock = Clock()
    attempts = Attempts(clock=clock)
    for _ in range(FREE):
        assert fail(attempts).code == "home.passphrase"
    with pytest.raises(RefusedError) as refused, attempts.attempt(OFFICER):
        raise AssertionError("it was tried")
    assert (refused.value.code, refused.value.details["seconds"]) == ("refused.too_soon", 10)
    with attempts.attempt("officer@zezhou"):
        pass  # another account is another's
    clock.now += 10
    with attempts.attempt(OFFICER):
        pass
    assert attempts.failures(OFFICER) == 0


def test_trying_too_soon_makes_no_wait_longer():
    clock = Clock()
    attempts = Attempts(clock=clock)
    for _ in range(FREE):
        fail(attempts)
    for _ in range(9):
        assert fail(attempts).code == "refused.too_soon"
    assert attempts.failures(OFFICER) == FREE
    clock.now += 10
    assert fail(attempts).code == "home.passphrase"


def test_what_says_nothing_about_the_passphrase_is_not_counted():
    attempts = Attempts()
    assert fail(attempts, code="home.not_running").code == "home.not_running"
    assert attempts.failures(OFFICER) == 0


def test_tries_begun_together_are_not_all_free():
    attempts = Attempts()
    with attempts.attempt(OFFICER), pytest.raises(RefusedError) as refused, attempts.attempt(OFFICER):
        pass
    assert refused.value.code == "refused.too_soon"


# -- signing in -------------------------------------------------------------------------------------------------------


def test_the_real_program_opens_the_key_file_and_no_other_passphrase_does(home, monkeypatch):
    monkeypatch.setenv("KEYONG_PASSPHRASE", PASSPHRASE)
    (home.path / "city.json").write_text("{}")  # in a demonstration that variable would count
    entrance = Entrance(home.path)
    try:
        with pytest.raises(SaidError) as refused:
            entrance.enter(OFFICER, "not the passphrase", language="zh")
        entered = entrance.enter(OFFICER, PASSPHRASE, language="zh")
    finally:
        (home.path / "city.json").unlink()
    assert refused.value.code == "home.passphrase"
    assert (entered.visitor.account, entered.visitor.role, entered.visitor.department) == (
        OFFICER,
        "officer",
        "gaoping",
    )
    assert entered.failures == 1  # whoever signs in is told


def test_the_real_program_refuses_a_key_that_is_not_the_one_in_the_roster(home):
    other = home.path / "officers" / "officer@zezhou"
    other.mkdir()
    (other / "key").write_bytes(
        seal_secret(OFFICER_KEYS[OFFICER].to_bytes(), PASSPHRASE, owner="officer@zezhou", cost=MIN_COST)
    )
    with pytest.raises(SaidError) as refused:
        Entrance(home.path).enter("officer@zezhou", PASSPHRASE, language="zh")
    assert refused.value.code == "home.officer_differs"


def test_nobody_outside_the_roster_is_asked_for_a_passphrase(home, quick):
    with pytest.raises(HomeError) as refused:
        Entrance(home.path).enter("officer@nowhere", PASSPHRASE, language="zh")
    assert (refused.value.code, quick) == ("home.officer_unknown", [])


def test_wrong_passphrases_are_slowed_over_all_visits_and_start_no_more_programs(home, quick):
    clock = Clock()
    entrance = Entrance(home.path, clock=clock)
    for _ in range(FREE):
        with pytest.raises(SaidError):
            entrance.enter(OFFICER, "guess", language="zh")
    with pytest.raises(RefusedError) as refused:
        entrance.enter(OFFICER, PASSPHRASE, language="zh")
    assert (refused.value.code, len(quick)) == ("refused.too_soon", FREE)
    clock.now += refused.value.details["seconds"]
    assert entrance.enter(OFFICER, PASSPHRASE, language="zh").failures == FREE


def test_no_more_than_a_few_key_files_are_opened_at_a_time(home, monkeypatch):
    begun, go_on = threading.Semaphore(0), threading.Event()

    def tell(command, passphrase, *, about):
        begun.release()
        assert go_on.wait(20)

    monkeypatch.setattr("dashboard.services.programs.tell", tell)
    entrance = Entrance(home.path)
    accounts = ("officer@gaoping", "officer@zezhou")
    threads = [threading.Thread(target=entrance.enter, args=(one, "x"), kwargs={"language": "zh"}) for one in accounts]
    for thread in threads:
        thread.start()
    try:
        assert all(begun.acquire(timeout=20) for _ in threads)
        with pytest.raises(RefusedError) as refused:
            entrance.enter("officer@chengqu", "x", language="zh")
        assert refused.value.code == "refused.too_soon"
    finally:
        go_on.set()
        for thread in threads:
            thread.join(20)


def test_an_analyst_shows_the_code_that_only_the_machines_user_can_read(home):
    entrance = Entrance(home.path)
    file = entrance.code_file(ANALYST)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_uid == os.getuid()
    code = file.read_text().strip()
    assert len(code) == 16
    with pytest.raises(RefusedError) as refused:
        entrance.enter(ANALYST, "0" * 16, language="zh")
    assert refused.value.code == "refused.code"
    entered = entrance.enter(ANALYST, code, language="zh")
    assert (entered.visitor.role, entered.failures) == ("analyst", 1)
    with pytest.raises(RefusedError):  # it was for one use
        entrance.enter(ANALYST, code, language="zh")
    assert entrance.code_file(ANALYST).read_text().strip() != code


def test_an_empty_code_file_lets_nobody_in(home):
    file = home.path / "analysts" / ANALYST / "sign-in-code"
    file.write_text("\n")
    with pytest.raises(RefusedError):
        Entrance(home.path).enter(ANALYST, "", language="zh")


def test_an_officer_s_passphrase_field_takes_no_analysts_code(home, quick):
    code = Entrance(home.path).code_file(ANALYST).read_text().strip()
    with pytest.raises(SaidError):
        Entrance(home.path).enter(OFFICER, code, language="zh")


def test_an_analyst_whose_folder_is_elsewhere_does_not_sign_in_here(home, started):
    assert "analyst" not in {account.role for account in Entrance(started.path).accounts()}
    assert Entrance(home.path).accounts()[0].role == "analyst"


# -- at a visit -------------------------------------------------------------------------------------------------------


def test_a_guest_is_nobody_and_sees_the_box(opened, home):
    app = opened(home.path)
    assert "未登录" in words(app)
    assert [button.label for button in app.sidebar.button] == ["登录"]
    assert sessions.KEY not in app.session_state


def sign_in(app, account, passphrase):
    app.sidebar.selectbox(key="sign-in account").set_value(account).run()
    app.sidebar.text_input(key="sign-in secret").input(passphrase)
    return app.sidebar.button(key="sign in").click().run()


@pytest.mark.usefixtures("quick")
def test_one_signs_in_and_out_and_the_passphrase_is_kept_nowhere(opened, home):
    app = sign_in(opened(home.path), OFFICER, PASSPHRASE)
    text = words(app)
    assert "<b>安全管理员</b><span>officer@gaoping</span>" in text
    assert app.session_state[sessions.KEY].visitor.account == OFFICER
    assert "sign-in secret" in repr(app.session_state)
    assert PASSPHRASE not in repr(app.session_state) + text
    app = app.sidebar.button(key="sign out").click().run()
    assert "未登录" in words(app)
    assert sessions.KEY not in app.session_state


@pytest.mark.usefixtures("quick")
def test_a_wrong_passphrase_says_so_and_signs_nobody_in(opened, home):
    app = sign_in(opened(home.path), "auditor@city", "not it")
    assert '<p class="ky-visitor bad" role="alert">wrong；' in words(app)
    assert sessions.KEY not in app.session_state
    assert app.sidebar.text_input(key="sign-in secret").value == ""
    sources.entrance(home.path).attempts._failures.clear()  # every visit shares it


def test_an_idle_session_is_over_and_the_page_says_so(opened, home):
    app = opened(home.path, account=OFFICER)
    assert "officer@gaoping" in words(app)
    over = session(home.path, OFFICER)
    app.session_state[sessions.KEY] = Session(
        visitor=over.visitor, roster=over.roster, begun=over.begun - IDLE_S, seen=over.seen - IDLE_S
    )
    text = words(app.run())
    assert "会话已结束，请重新登录" in text
    assert sessions.KEY not in app.session_state


def test_a_page_that_was_opened_makes_a_session_younger_and_never_longer_than_a_day(opened, home):
    app = opened(home.path, account=OFFICER)
    begun = session(home.path, OFFICER)
    quiet = Session(visitor=begun.visitor, roster=begun.roster, begun=begun.begun - 60, seen=begun.seen - 60)
    app.session_state[sessions.KEY] = quiet
    app.run()
    after = app.session_state[sessions.KEY]
    assert after.seen > quiet.seen
    assert after.begun == quiet.begun


def test_a_session_of_another_roster_is_over(opened, home):
    app = opened(home.path, account=OFFICER)
    begun = session(home.path, OFFICER)
    app.session_state[sessions.KEY] = Session(
        visitor=begun.visitor, roster="00" * 32, begun=begun.begun, seen=begun.seen
    )
    assert "会话已结束" in words(app.run())


def test_something_else_in_the_visits_state_is_no_session(opened, home):
    app = opened(home.path)
    app.session_state[sessions.KEY] = {"visitor": "officer@gaoping"}
    assert "未登录" in words(app.run())


def test_an_analyst_of_a_demonstration_is_shown_the_code(opened, home):
    (home.path / "city.json").write_text("{}")
    try:
        app = opened(home.path)
        text = words(app.sidebar.selectbox(key="sign-in account").set_value(ANALYST).run())
        shown = Entrance(home.path).code_file(ANALYST).read_text().strip()
    finally:
        (home.path / "city.json").unlink()
    assert shown in text
    assert "sign-in-code" in text


def test_the_code_is_shown_to_nobody_where_the_data_is_somebodys(opened, home):
    app = opened(home.path)
    text = words(app.sidebar.selectbox(key="sign-in account").set_value(ANALYST).run())
    assert Entrance(home.path).code_file(ANALYST).read_text().strip() not in text


def test_the_box_speaks_english(opened, home):
    text = words(opened(home.path, lang="en"))
    assert "Not signed in" in text
    assert GUEST.role == "guest"
