"""What a hostile script tries, live: all of it is stopped or said not to be, and the drill can fail."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from federation.commands.frame import Command
from federation.commands.script_drills import print_report
from federation.drills.script import COUNT, ScriptDrillReport, summarise
from federation.drills.script.bombs import BOMBS, go_off
from federation.drills.script.capacity import carried_bits, find, hide
from federation.drills.script.drill import ScriptOutcome
from federation.drills.script.hostile import REACHED, attempts, outcome
from federation.drills.script.outside import SECRET, Seen
from federation.drills.script.people import COUNTS, HONEST, PLAN, written
from federation.drills.script.reach import LINES, Looked, judge, look
from federation.drills.script.results import Ended, play
from federation.drills.script.tricks import TRICKS
from federation.runtime.home import Home
from federation.sandbox import why_not
from federation.scripting.release import release
from tests.support.command import keyong

pytestmark = [pytest.mark.isolation, pytest.mark.usefixtures("bubblewrap"), pytest.mark.xdist_group("script attacks")]

# How every attack on a result must show: the wrong rule may stop an attack by luck.
SHOWN = {
    "rows": "refused.result_columns",
    "renamed-rows": "refused.result_size",
    "identities": "refused.result_keys",
    "twice": "refused.result_keys",
    "text": "refused.result_numbers",
    "too-large": "refused.result_size",
    "raw-cell": "refused.fingerprint",
    "small-group": "withheld",
    "complement": "withheld",
    "ghost": "left out",
    "low-digits": "4 digits",
    "spelling": "rewritten",
    "swapped": "refused.script_code",
    "shadowed": "refused.script_code",
    "channel": "130 of 131 bits",
    "one-person": "4 digits",
    "refusal": "refused.result_columns / refused.result_size",
}
MISSED = {"channel", "one-person", "refusal", "time"}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ScriptDrillReport:
    done = keyong("drill", "script", "--json", cwd=tmp_path_factory.mktemp("drill"))
    assert done.returncode == 0, done.stdout
    return msgspec.json.decode(done.stdout, type=ScriptDrillReport)


def by_name(report: ScriptDrillReport) -> dict[str, ScriptOutcome]:
    return {one.name: one for one in report.outcomes}


# --- the run ---


def test_every_attack_ends_as_the_table_says(report: ScriptDrillReport):
    assert report.failed == ()
    assert {one.name for one in report.outcomes if not one.stopped} == MISSED
    assert (report.stopped, report.missed) == (COUNT - len(MISSED), len(MISSED))
    assert report.attempts >= 107


def test_every_attack_on_a_result_is_stopped_by_its_own_rule(report: ScriptDrillReport):
    shown = {one.name: one.seen for one in report.outcomes if one.part == "result"}
    took = shown.pop("time").split(" / ")
    assert shown == SHOWN
    assert took == sorted(took)


def test_every_bomb_tells_how_it_ended_and_when(report: ScriptDrillReport):
    bombs = {one.name: one for one in report.outcomes if one.part == "bomb"}
    assert {name: one.seen for name, one in bombs.items()} == {bomb.name: bomb.ends for bomb in BOMBS}
    assert all(one.took for one in bombs.values())
    assert {bomb.ends for bomb in BOMBS} == {"time", "memory", "failed", "output", "stopped"}


def test_attempts_are_real_since_they_succeed_outside(report: ScriptDrillReport):
    controls = {one.name: one.control for one in report.outcomes if one.part == "reach"}
    assert {name for name, control in controls.items() if control is None} == {
        "namespaces", "privileges", "terminal", "interpreter",
    }  # fmt: skip
    assert all(control.reached for control in controls.values() if control)


def test_report_names_what_a_result_of_this_shape_can_tell(report: ScriptDrillReport):
    assert report.capacity_bits == PLAN.capacity_bits == 131


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    look()
    assert list(tmp_path.iterdir()) == []
    assert SECRET not in os.environ


# --- the table ---


def test_every_attempt_of_the_hostile_script_stands_in_one_line():
    assert sorted(name for line in LINES for name in line.attempts) == sorted(attempts({}))


def test_every_attack_has_a_name_of_its_own_and_both_languages():
    drills = [*LINES, *BOMBS, *TRICKS]
    assert len({drill.name for drill in drills}) == len(drills) == COUNT
    for wording in (wording for drill in drills for wording in (drill.title, drill.stops)):
        assert wording.zh and wording.en and wording.zh != wording.en


# --- a drill that cannot fail proves nothing ---


def looked(inside: str = "EPERM", outside: str = REACHED) -> Looked:
    def seen(end: str) -> Seen:
        return Seen(attempts=dict.fromkeys(attempts({}), end), environment=(), files=(), user=0)

    return Looked(seen(inside), seen(outside))


def test_what_is_refused_inside_and_reached_outside_is_stopped():
    assert all(one.good and one.stopped for one in judge(looked()))


def test_attempt_that_comes_through_fails_the_run_and_is_named():
    hole = looked()
    hole.inside.attempts["loopback"] = REACHED
    report = summarise(judge(hole), seconds=0.0)
    assert report.failed == ("network",)
    assert by_name(report)["network"].came_through == ("loopback",)


def test_attempts_that_fail_outside_as_well_prove_nothing_and_fail_the_run():
    (line,) = (line for line in LINES if line.name == "network")
    assert not judge(looked(outside="EPERM"), [line])[0].good


def test_mistake_in_the_hostile_script_is_no_refusal():
    with pytest.raises(ZeroDivisionError):
        outcome(lambda: 1 / 0)


@pytest.mark.parametrize("text", ["open('out/result.csv', 'w').write('1')", "raise ValueError"])
def test_bomb_that_ends_otherwise_fails_the_run(text: str):
    bomb = msgspec.structs.replace(BOMBS[0], text=text)
    assert summarise((go_off(bomb),), seconds=0.0).failed == (bomb.name,)


def test_bomb_that_failed_for_another_reason_fails_the_run():
    (fork,) = (bomb for bomb in BOMBS if bomb.name == "fork-bomb")
    assert not go_off(msgspec.structs.replace(fork, text="import no_such_module")).good


@pytest.mark.parametrize(
    ("through", "expected"), [(True, True), (False, False)], ids=["not-stopped", "stopped-after-all"]
)
def test_trick_that_ends_otherwise_fails_the_run(through: bool, expected: bool):
    trick = msgspec.structs.replace(TRICKS[0], expected=expected, play=lambda: Ended(through, ""))
    assert summarise((play(trick),), seconds=0.0).failed == (trick.name,)


# --- the capacity that remains ---


@given(digits=st.integers(1, 6), numbers=st.integers(1, 4), data=st.data())
def test_table_carries_what_its_capacity_says_and_not_a_bit_less(digits: int, numbers: int, data: st.DataObject):
    plan = msgspec.structs.replace(PLAN, digits=digits, numbers=("a", "b", "c", "d")[:numbers])
    bits = carried_bits(plan)
    secret = data.draw(st.integers(0, 2**bits - 1))
    output = hide(secret, plan).replace(b"people,median", ",".join(plan.numbers).encode())
    assert find(release(output, plan, COUNTS), plan) == secret
    assert plan.capacity_bits - 2 <= bits <= plan.capacity_bits


def test_one_bit_more_does_not_fit():
    secret = 2 ** (carried_bits(PLAN) + 1) - 1
    assert find(release(hide(secret, PLAN), PLAN, COUNTS), PLAN) != secret


def test_digit_fewer_to_release_is_a_smaller_channel():
    fewer = msgspec.structs.replace(PLAN, digits=PLAN.digits - 1)
    assert find(release(hide(2**100 + 1, PLAN), fewer, COUNTS), PLAN) != 2**100 + 1
    assert carried_bits(fewer) < carried_bits(PLAN)


def test_honest_table_leaves_whole():
    assert len(release(written(*HONEST), PLAN, COUNTS).lines) == len(HONEST)


# --- the command ---


@pytest.mark.parametrize(("language", "words"), [("zh", "挡不住：规则看不出一个数说的是谁"), ("en", "130 of 131 bits")])
def test_table_says_what_was_tried_what_stopped_it_and_what_nothing_can(
    report: ScriptDrillReport, tmp_path: Path, language: str, words: str
):
    printed = io.StringIO()
    out, err = Console(file=printed, width=250), Console(stderr=True)
    command = Command(home=Home(tmp_path), config=None, language=language, json=False, debug=False, out=out, err=err)
    print_report(command, report)
    said = printed.getvalue()
    assert words in said
    assert (said.count("✔"), said.count("○"), said.count("✖")) == (COUNT - len(MISSED), len(MISSED), 0)


def test_attempt_that_came_through_is_named_to_people(tmp_path: Path):
    hole, printed = looked(), io.StringIO()
    hole.inside.attempts["loopback"] = REACHED
    out, err = Console(file=printed, width=250), Console(stderr=True)
    command = Command(home=Home(tmp_path), config=None, language="en", json=False, debug=False, out=out, err=err)
    print_report(command, summarise(judge(hole), seconds=0.0))
    assert "came through: loopback" in printed.getvalue()
    assert printed.getvalue().count("✖") == 1


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A machine without bubblewrap."""
    monkeypatch.setenv("PATH", str(tmp_path))
    why_not.cache_clear()
    yield
    why_not.cache_clear()


@pytest.mark.usefixtures("nowhere")
def test_without_a_sandbox_it_says_so_and_runs_nothing(tmp_path: Path):
    done = keyong("--lang", "en", "drill", "script", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no sandbox here (bubblewrap is not installed)" in done.stderr
    said = json.loads(keyong("drill", "script", "--json", cwd=tmp_path).stdout)
    assert said["code"] == "refused.no_sandbox"
