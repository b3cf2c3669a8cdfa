import json
import sys

import pytest

from dashboard.services import commands
from dashboard.services.attempts import FREE, Attempts
from dashboard.services.commands import SaidError
from dashboard.services.desks import Desk, gather
from dashboard.services.programs import FROM_ENVIRONMENT
from dashboard.services.requests import requests
from dashboard.services.signing import Word, decide, possible, said
from federation.errors import HomeError, KeyongError, RefusedError
from tests.dashboard.desks import desk, item
from tests.dashboard.records import DEPARTMENTS, WAITING, RecordedHome
from tests.dashboard.visits import visitor

STAND_IN = (
    "import json, os, sys; said = sys.stdin.read(); answer = {answer}; print(json.dumps(answer)); "
    "sys.exit('code' in answer)"
)


@pytest.fixture(scope="module")
def approved(tmp_path_factory):
    """A home whose requests officers approve; nothing in these tests changes it."""
    made = RecordedHome(tmp_path_factory.mktemp("signing") / "home", approvals="officers")
    made.start()
    return made


@pytest.fixture
def request_on_desks():
    def lying(**states):
        (found,) = requests((), desk(**states), DEPARTMENTS, visitor=visitor("auditor@city"))
        return found

    return lying


def say(home, request, account, decision="approve", job=WAITING, passphrase="x", attempts=None):
    word = Word(decision=decision, job=job)
    tries = attempts or Attempts()
    decide(visitor(account), home.path, home.roster, word, request, passphrase, attempts=tries, language="zh")


@pytest.fixture
def nothing_starts(monkeypatch):
    def refuse(*_):
        raise AssertionError("a process was started")

    monkeypatch.setattr(commands, "sign", refuse)


@pytest.mark.usefixtures("nothing_starts")
@pytest.mark.parametrize("account", ["", "analyst@gaoping", "auditor@city", "operator@city"])
@pytest.mark.parametrize("decision", ["approve", "reject", "revoke"])
def test_only_a_security_officer_can_act_whatever_a_page_shows(approved, request_on_desks, account, decision):
    with pytest.raises(RefusedError) as refused:
        say(approved, request_on_desks(), account, decision)
    assert refused.value.code == "refused.right"
    assert possible(visitor(account), approved.roster, request_on_desks()) == ()


@pytest.mark.usefixtures("nothing_starts")
@pytest.mark.parametrize(
    ("account", "decision", "job", "code"),
    [
        ("officer@nowhere", "approve", WAITING, "home.officer_unknown"),
        ("officer@gaoping", "approve", "q-another", "refused.no_request"),
        ("officer@gaoping", "revoke", WAITING, "refused.state"),
        ("officer@zezhou", "approve", WAITING, "refused.state"),
        ("officer@chengqu", "reject", WAITING, "refused.state"),
    ],
)
def test_what_makes_no_sense_is_refused_before_a_key_is_asked_for(
    approved, request_on_desks, account, decision, job, code
):
    with pytest.raises(KeyongError) as refused:
        say(approved, request_on_desks(chengqu="expired", zezhou="granted"), account, decision, job)
    assert refused.value.code == code


def test_the_possible_decisions_follow_the_state(approved, request_on_desks):
    lying = request_on_desks(chengqu="granted", gaoping="denied")
    found = {name: possible(visitor(f"officer@{name}"), approved.roster, lying) for name in DEPARTMENTS}
    assert found == {"chengqu": ("revoke",), "gaoping": (), "zezhou": ("approve", "reject")}


def stand_in(monkeypatch, answer, commands_seen=None):
    def sign(*words):
        if commands_seen is not None:
            commands_seen.append(words)
        return (sys.executable, "-c", STAND_IN.format(answer=answer))

    monkeypatch.setattr(commands, "sign", sign)


@pytest.mark.usefixtures("nothing_starts")
def test_one_of_two_officers_may_not_grant_twice_and_may_take_it_back(approved):
    lying = gather({"gaoping": (item("pending", granted_by=("officer@gaoping",)),)})
    desks = Desk(requests=lying, heads={}, silent={})
    (found,) = requests((), desks, DEPARTMENTS, visitor=visitor("auditor@city"), grants=2)
    assert possible(visitor("officer@gaoping"), approved.roster, found) == ("reject", "revoke")
    with pytest.raises(RefusedError) as refused:
        say(approved, found, "officer@gaoping")
    assert refused.value.code == "refused.granted_before"


def test_the_passphrase_goes_by_standard_input_alone(approved, request_on_desks, monkeypatch):
    seen = []
    monkeypatch.setenv(FROM_ENVIRONMENT, "from the environment")
    answer = "{'about': 'q-0000000000ff'} if said == 'open sesame\\n' and 'KEYONG_PASSPHRASE' not in os.environ else {}"
    stand_in(monkeypatch, answer, seen)
    say(approved, request_on_desks(), "officer@gaoping", passphrase="open sesame\nsecond line")
    assert "sesame" not in repr(seen)


def test_what_the_program_says_is_told_in_its_words(approved, request_on_desks, monkeypatch):
    stand_in(monkeypatch, {"code": "home.passphrase", "message": "口令不对", "next": "请重试"})
    with pytest.raises(SaidError) as refused:
        say(approved, request_on_desks(), "officer@gaoping")
    assert (refused.value.code, refused.value.message("zh"), refused.value.next_step("zh")) == (
        "home.passphrase",
        "口令不对",
        "请重试",
    )


def test_wrong_passphrases_are_counted_with_those_of_signing_in(approved, request_on_desks, monkeypatch):
    stand_in(monkeypatch, {"code": "home.passphrase", "message": "口令不对", "next": "请重试"})
    attempts = Attempts()
    for _ in range(FREE):
        with pytest.raises(SaidError):
            say(approved, request_on_desks(), "officer@gaoping", attempts=attempts)
    with pytest.raises(RefusedError) as refused:
        say(approved, request_on_desks(), "officer@gaoping", attempts=attempts)
    assert refused.value.code == "refused.too_soon"


def test_it_is_the_signed_in_account_that_signs(approved, request_on_desks, monkeypatch):
    seen = []
    stand_in(monkeypatch, "{'about': 'q-0000000000ff'}", seen)
    say(approved, request_on_desks(), "officer@gaoping")
    assert "officer@gaoping" in seen[0]


@pytest.mark.parametrize("answer", [{}, "'garbage'", {"about": "q-another"}])
def test_a_program_that_answers_nothing_we_know_has_not_signed(approved, request_on_desks, monkeypatch, answer):
    stand_in(monkeypatch, answer)
    with pytest.raises(HomeError) as refused:
        say(approved, request_on_desks(), "officer@gaoping")
    assert refused.value.code == "home.internal"


def test_the_real_program_says_that_the_federation_is_down(approved, request_on_desks):
    with pytest.raises(SaidError) as refused:
        say(approved, request_on_desks(), "officer@gaoping")
    assert refused.value.code == "home.not_running"


def test_the_command_names_officer_request_and_reason_and_no_passphrase(tmp_path):
    word = Word(decision="revoke", job=WAITING, reason="--not an option")
    words = commands.sign(tmp_path, "revoke", WAITING, "officer@gaoping", said(word), "en")
    assert words[-5:] == ("--as=officer@gaoping", "--passphrase-stdin", "--reason=--not an option", "--", WAITING)
    assert json.dumps(words)


def test_a_yes_carries_its_hours_its_condition_and_a_larger_group_only():
    word = Word(decision="approve", job=WAITING, conditions="--as=somebody", hours=8)
    assert said(word) == ("--hours=8", "--condition=--as=somebody")
    stricter = Word(decision="approve", job=WAITING, minimum_group=25)
    assert said(stricter) == ("--hours=24", "--condition=", "--min-group=25")
