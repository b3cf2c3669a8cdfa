"""Parties that die, hang, lie or run out of disk: one clear error each, and the next query works."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
import pytest

from federation import operate
from federation.analyst import Analyst
from federation.audit.events import read_event
from federation.audit.record import RecordReader
from federation.audit.verify import verify_record
from federation.demo import verify_settled
from federation.errors import KeyongError, RecordError
from federation.governance.roster import Roster
from federation.runtime.frames import FrameReader, frame
from federation.runtime.home import Home
from federation.settings import read_settings

pytestmark = [pytest.mark.xdist_group("federation")]
HOSTILE = Path(__file__).parents[1] / "support" / "hostile_program.py"
COUNT = "SELECT COUNT(*) FROM hukou"


class Running:
    """A federation of this test's own, among others this process may have started."""

    def __init__(self, analyst: Analyst, family: list[psutil.Process]) -> None:
        self._analyst, self.family = analyst, family

    def __call__(self) -> object:
        return self._analyst.ask(self._analyst.plan(COUNT, "test")).answer.rows

    def process(self, name: str) -> psutil.Process:
        """A party's own process: the innermost of those that bear its name."""
        named = [p for p in self.family if p.name() == f"ky-{name}"[:15]]
        return next(p for p in named if not p.children())


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


@contextmanager
def running(small_city: Path, home: Home, mode: str = "", *, deadline_s: int = 60) -> Iterator[Running]:
    """A federation with a hostile zezhou; call it to ask one question."""
    others = children()
    settings = msgspec.structs.replace(read_settings(small_city, minimum_key_bits=512), deadline_s=deadline_s)
    with pytest.MonkeyPatch.context() as monkeypatch:
        if mode:
            monkeypatch.setattr(operate, "LAUNCHER_PROGRAM", ("-P", str(HOSTILE), mode, "zezhou"))
        operate.up(settings, home, minimum_key_bits=512)
        try:
            analyst = operate.open_analyst(settings, home, minimum_key_bits=512)
            yield Running(analyst, list(children() - others))
        finally:
            operate.down(home)


def wait_for(condition: Callable[[], object], deadline_s: float = 20.0) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def eventually(ask: Running) -> object:
    """Ask until somebody who was ended for taking too long, as on a busy machine, is back."""
    answers: list[object] = []

    def is_answered() -> bool:
        try:
            answers.append(ask())
        except KeyongError as error:
            assert error.code in ("node.hung", "node.gone")
        return bool(answers)

    wait_for(is_answered)
    return answers[0]


def restarted(home: Home, name: str, times: int) -> bool:
    parties = {p["name"]: p for p in operate.status(home)["parties"]}
    return parties[name]["restarts"] >= times and all(p["state"] == "ready" for p in parties.values())


def test_a_killed_department_is_named_at_once_and_the_next_query_works(small_city, tmp_path):
    home = Home(tmp_path / "home")
    with running(small_city, home) as ask:
        assert ask() == ((4000,),)
        victim = ask.process("zezhou")
        victim.suspend()
        killer = threading.Timer(0.3, victim.kill)
        killer.start()
        started = time.monotonic()
        with pytest.raises(KeyongError) as caught:
            ask()
        assert caught.value.code == "node.killed"
        assert caught.value.details["party"] == "zezhou"
        assert time.monotonic() - started < 5
        wait_for(lambda: restarted(home, "zezhou", 1))
        assert ask() == ((4000,),)
        assert verify_settled(home).departments == 6


def test_a_killed_coordinator_is_named_and_everybody_begins_anew(small_city, tmp_path):
    home = Home(tmp_path / "home")
    with running(small_city, home) as ask:
        victim = ask.process("zezhou")
        victim.suspend()
        coordinator = ask.process("coordinator")
        threading.Timer(0.3, coordinator.kill).start()
        with pytest.raises(KeyongError) as caught:
            ask()
        assert caught.value.code == "home.coordinator_gone"
        wait_for(lambda: restarted(home, "coordinator", 1))
        assert ask() == ((4000,),)
        verify_settled(home)


def test_a_department_that_hangs_is_late_and_its_late_answer_belongs_to_nobody(small_city, tmp_path):
    home = Home(tmp_path / "home")
    with running(small_city, home, deadline_s=2) as ask:
        sleeper = ask.process("gaoping")
        sleeper.suspend()
        try:
            with pytest.raises(KeyongError) as caught:
                ask()
        finally:
            sleeper.resume()
        assert (caught.value.code, caught.value.details["party"]) == ("node.late", "gaoping")
        assert eventually(ask) == ((4000,),)


@pytest.mark.parametrize("mode", ["garbage", "garbage-message"])
def test_garbage_is_named_its_sender_begins_anew_and_its_bytes_are_missed_in_the_ledger(small_city, tmp_path, mode):
    home = Home(tmp_path / "home")
    with running(small_city, home, mode) as ask:
        with pytest.raises(KeyongError) as caught:
            ask()
        assert (caught.value.code, caught.value.details["party"]) == ("node.garbage", "zezhou")
        wait_for(lambda: restarted(home, "zezhou", 1))
    # What it sent past its gateway was counted by the copy proxy all the same.
    with pytest.raises(RecordError) as record:
        verify_record(RecordReader(home.path))
    assert record.value.details["where"] == "ledger of zezhou, session 1"


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("foreign", "node.foreign"),
        ("full-disk", "node.disk_full"),
    ],
)
def test_a_hostile_department_is_named_and_nothing_is_released(small_city, tmp_path, mode, code):
    home = Home(tmp_path / "home")
    with running(small_city, home, mode) as ask:
        with pytest.raises(KeyongError) as caught:
            ask()
        assert (caught.value.code, caught.value.details["party"]) == (code, "zezhou")
        # What it says in both languages names the party and the next step.
        assert "zezhou" in caught.value.message("zh")
        assert caught.value.next_step("en")
    assert outcomes(home) == []  # it was caught before anything began
    verify_settled(home)


def test_a_department_that_sends_an_old_answer_is_named_and_the_receipt_for_it_contradicts_its_ledger(
    small_city, tmp_path
):
    home = Home(tmp_path / "home")
    with running(small_city, home, "replay") as ask:
        with pytest.raises(KeyongError) as caught:
            ask()
        assert (caught.value.code, caught.value.details["party"]) == ("node.replayed", "zezhou")
        # The coordinator signs for the message that came, the ledger names the one that should have.
        wait_for(lambda: "receipt" in refutation(home))
    assert outcomes(home) == []
    assert "ledger of zezhou, session 1" in refutation(home)


def refutation(home: Home) -> str:
    try:
        verify_settled(home)
    except RecordError as error:
        return str(error)
    return ""


def outcomes(home: Home) -> list[str]:
    signers = Roster.from_bytes(home.roster.read_bytes()).signers
    events = [read_event(entry, signers) for entry in RecordReader(home.path).entries()]
    return [str(event.data["outcome"]) for event in events if event.type == "job.end"]


def test_a_second_up_on_one_home_is_refused_and_the_first_goes_on(small_city, tmp_path):
    home = Home(tmp_path / "home")
    with running(small_city, home) as ask:
        with pytest.raises(KeyongError) as caught:
            operate.up(read_settings(small_city, minimum_key_bits=512), home, minimum_key_bits=512)
        assert caught.value.code == "home.in_use"
        assert ask() == ((4000,),)


def test_two_federations_run_side_by_side(federation, small_city, tmp_path):
    home = Home(tmp_path / ("a-rather-long-folder-name-" * 6) / "home")
    assert len(str(home.path)) > 200
    with running(small_city, home) as ask:
        assert ask() == ((4000,),)
        assert federation.ask(COUNT).answer.rows == ((4000,),)


def test_a_federation_that_stops_and_starts_keeps_keys_and_record(small_city, tmp_path):
    home = Home(tmp_path / "home")
    with running(small_city, home) as ask:
        ask()
    first, roster = verify_settled(home), home.roster.read_bytes()
    with running(small_city, home) as ask:
        assert ask() == ((4000,),)
    again = verify_settled(home)
    assert again.size > first.size
    assert home.roster.read_bytes() == roster


def test_a_lost_key_share_is_refused_at_start(small_city, tmp_path):
    home = Home(tmp_path / "home")
    with running(small_city, home):
        pass
    (home.party("zezhou") / "share.key").unlink()
    with pytest.raises(KeyongError), running(small_city, home):
        pass
    assert operate.status(home) is None


def test_the_launcher_killed_outright_leaves_nothing_running(small_city, tmp_path):
    home = Home(tmp_path / "home")
    with running(small_city, home) as ask:
        ask()
        next(p for p in ask.family if p.name() == "ky-launcher").kill()
        wait_for(lambda: all(not p.is_running() or p.status() == psutil.STATUS_ZOMBIE for p in ask.family))
        wait_for(lambda: not home.is_locked())
    with running(small_city, home) as ask:
        assert ask() == ((4000,),)
    verify_settled(home)


def test_frames_are_put_together_however_they_arrive():
    reader, stream = FrameReader(), frame(b"one") + frame(b"") + frame(b"three")
    bodies = [body for byte in stream for body in reader.feed(bytes([byte]))]
    assert bodies == [b"one", b"", b"three"]


def test_a_frame_too_long_is_garbage_before_it_is_read():
    with pytest.raises(KeyongError) as caught:
        FrameReader().feed(b"\xff\xff\xff\xff")
    assert caught.value.code == "node.garbage"
