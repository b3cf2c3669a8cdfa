"""The flower runtime: the same federation on Flower's SuperLink and SuperNodes, whole and with parts of it dying."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
import pytest

from federation import operate
from federation.analyst import Analyst
from federation.audit.record import RecordReader
from federation.audit.verify import verify_record
from federation.demo import verify_settled
from federation.errors import KeyongError, RecordError
from federation.learning.job import read_job
from federation.runtime.home import Home
from federation.settings import read_settings

pytestmark = [pytest.mark.xdist_group("federation")]
HOSTILE = Path(__file__).parents[1] / "support" / "hostile_program.py"
WATCHED = Path(__file__).parents[1] / "support" / "watched"
COUNT = "SELECT COUNT(*) FROM hukou"
GROUPS = "SELECT sex, COUNT(*) FROM hukou GROUP BY sex"

JOB = """
title = "ill"
purpose = "test"
protection = "masks"
[data]
table = "admissions"
features = ["age", "previous", "los"]
label = "readmitted_30d"
[model]
kind = "logistic"
[descent]
rounds = 2
rate = 0.5
"""


class Running:
    """A federation of this test's own."""

    def __init__(self, home: Home, analyst: Analyst) -> None:
        self.home, self.analyst = home, analyst

    def __call__(self, sql: str = COUNT, progress: Callable[[str], object] = lambda _: None) -> object:
        return self.analyst.ask(self.analyst.plan(sql, "test"), progress).answer.rows

    @property
    def family(self) -> list[psutil.Process]:
        """Every process whose working directory is in the home."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.name().startswith("ky-") and Path(process.cwd()).is_relative_to(self.home.path):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def process(self, name: str) -> psutil.Process:
        """A party's own process: the innermost of those that bear its name."""
        return next(p for p in self.family if p.name() == f"ky-{name}"[:15] and not p.children())

    def restarts(self, name: str) -> int:
        """How often a party has come back, once everybody is there; else -1."""
        said = operate.status(self.home)
        parties = {p["name"]: p for p in said["parties"]}
        everybody = [*said["parties"], *said["carriers"]]
        return parties[name]["restarts"] if all(p["state"] == "ready" for p in everybody) else -1

    def came_back(self, *names: str) -> Callable[[], bool]:
        """Say of the time from now on whether these have restarted and everybody is there."""
        before = {name: self.restarts(name) for name in names}
        return lambda: all(self.restarts(name) > before[name] for name in names)


@contextmanager
def running(small_city: Path, home: Home, mode: str = "", *, deadline_s: int = 60) -> Iterator[Running]:
    settings = msgspec.structs.replace(read_settings(small_city, minimum_key_bits=512), deadline_s=deadline_s)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PYTHONPATH", str(WATCHED), prepend=os.pathsep)
        if mode:
            monkeypatch.setattr(operate, "LAUNCHER_PROGRAM", ("-P", str(HOSTILE), mode, "zezhou"))
        operate.up(settings, home, minimum_key_bits=512, runtime="flower")
    try:
        yield Running(home, operate.open_analyst(settings, home, minimum_key_bits=512))
    finally:
        operate.down(home)


def kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


def wait_for(condition: Callable[[], object], deadline_s: float = 120.0) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def ask(small_city: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One federation on Flower for all that leaves it whole in the end."""
    with running(small_city, Home(tmp_path_factory.mktemp("flower") / "home")) as ask:
        yield ask


def test_flower_gives_the_same_answer_as_the_local_runtime_and_the_same_record(ask, federation):
    assert operate.status(ask.home)["runtime"] == "flower"
    assert ask(GROUPS) == federation.ask(GROUPS).answer.rows
    verdict = verify_settled(ask.home)
    # The three counters: what the gateways let go, what the copy proxy saw pass, what the coordinator signed for.
    assert verdict.ledger_bytes == verdict.counted_bytes > 0
    assert (verdict.departments, verdict.jobs, verdict.unsent) == (6, 1, 0)
    assert verdict.receipt_bytes + verdict.unreceipted_bytes == verdict.ledger_bytes


def test_a_joint_training_runs_on_flower_and_its_record_holds(ask, tmp_path):
    job = tmp_path / "job.toml"
    job.write_text(JOB, "utf-8")
    result = ask.analyst.train(ask.analyst.plan_training(read_job(job)))
    assert result.card.took_part == ("chengqu", "gaoping", "lingchuan", "qinshui", "yangcheng", "zezhou")
    verdict = verify_settled(ask.home)
    assert verdict.ledger_bytes == verdict.counted_bytes


def test_departments_have_no_network_and_the_others_a_loopback_only(ask, bubblewrap):
    names = ["superlink", "node-zezhou", "coordinator"]
    namespaces = {name: Path(f"/proc/{ask.process(name).pid}/ns/net").readlink() for name in [*names, "zezhou"]}
    assert len({namespaces[name] for name in names}) == 1
    assert namespaces["zezhou"] not in {namespaces["superlink"], Path("/proc/self/ns/net").readlink()}
    interfaces = Path(f"/proc/{ask.process('superlink').pid}/net/dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]


@pytest.mark.parametrize("victim", ["zezhou", "node-zezhou"])
def test_a_department_or_its_supernode_is_killed_and_the_next_query_works(ask, victim):
    came_back = ask.came_back("zezhou")
    ask.process("zezhou").suspend()
    process = ask.process(victim)
    with pytest.raises(KeyongError) as caught:
        ask(progress=lambda _: kill(process))  # the job has begun, and cannot end: zezhou does not answer
    assert (caught.value.code, caught.value.details["party"]) == ("node.killed", "zezhou")
    wait_for(came_back)
    assert ask() == ((4000,),)
    verify_settled(ask.home)


@pytest.mark.parametrize("victim", ["superlink", "coordinator"])
def test_without_superlink_or_coordinator_everybody_begins_anew(ask, victim):
    came_back = ask.came_back("coordinator", "zezhou")
    ask.process("zezhou").suspend()
    process = ask.process(victim)
    with pytest.raises(KeyongError) as caught:
        ask(progress=lambda _: kill(process))  # the job has begun, and cannot end: zezhou does not answer
    assert caught.value.code == "home.coordinator_gone"
    wait_for(came_back)
    assert ask() == ((4000,),)
    verify_settled(ask.home)


def test_nothing_reached_beyond_loopback_in_all_that(ask):
    # Where there is no bubblewrap the namespaces do not hold it: then what the processes ask for must.
    logs = {file: file.read_text("utf-8") for file in ask.home.path.glob("**/log.txt")}
    assert len(logs) == 16  # launcher, dealer, coordinator, six departments, SuperLink, six SuperNodes
    assert "NETWORK" not in "".join(logs.values())


def test_no_process_outlives_a_killed_launcher_and_the_runtime_is_remembered_until_down(ask, small_city):
    settings = read_settings(small_city, minimum_key_bits=512)
    next(p for p in ask.family if p.name() == "ky-launcher").kill()
    wait_for(lambda: not ask.family and not ask.home.is_locked())
    operate.up(settings, ask.home, minimum_key_bits=512)
    assert operate.status(ask.home)["runtime"] == "flower"
    assert ask() == ((4000,),)
    operate.down(ask.home)
    assert operate.remembered_runtime(ask.home) == "local"
    assert not ask.family


def test_a_late_answer_belongs_to_nobody_and_is_signed_for(small_city, tmp_path):
    home = Home(tmp_path / "home")
    with running(small_city, home, deadline_s=8) as ask:
        sleeper = ask.process("gaoping")
        sleeper.suspend()
        try:
            with pytest.raises(KeyongError) as caught:
                ask()
        finally:
            sleeper.resume()
        assert (caught.value.code, caught.value.details["party"]) == ("node.late", "gaoping")
        wait_for(lambda: ask.restarts("gaoping") >= 0)
        verdict = verify_settled(home)
        assert verdict.ledger_bytes == verdict.counted_bytes


@pytest.mark.parametrize("mode", ["garbage", "garbage-message"])
def test_garbage_is_named_and_its_bytes_are_missed_in_the_ledger(small_city, tmp_path, mode):
    home = Home(tmp_path / "home")
    with running(small_city, home, mode) as ask:
        with pytest.raises(KeyongError) as caught:
            ask()
        assert (caught.value.code, caught.value.details["party"]) == ("node.garbage", "zezhou")
        wait_for(lambda: ask.restarts("zezhou") >= 1)
    with pytest.raises(RecordError) as record:
        verify_record(RecordReader(home.path))
    assert record.value.details["where"] == "ledger of zezhou, session 1"
