"""The bench beside a department: runs scripts, stops them when the word is taken back, and ends with its department."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from federation import operate
from federation.analyst import Analyst
from federation.errors import NodeError, RefusedError
from federation.node.bench import Bench
from federation.runtime.bench import serve
from federation.runtime.confinement import bubblewrap_command
from federation.runtime.home import Home
from federation.sandbox.limits import Limits
from federation.settings import read_settings
from tests.support.descendants import commands, named

pytestmark = [pytest.mark.isolation, pytest.mark.usefixtures("bubblewrap"), pytest.mark.xdist_group("federation")]
HOSTILE = Path(__file__).parents[1] / "support" / "hostile_program.py"
PARTY = "zezhou"
COUNT = "SELECT COUNT(*) FROM hukou"
FOREVER = "import time\nwhile True: time.sleep(99)"
MEANS = """
import pandas as pd
pd.read_csv("data/given.csv").groupby("town", as_index=False).income.mean().to_csv("out/result.csv", index=False)
"""


# -- client and bench, without a federation ---------------------------------------------------------------------------


@contextmanager
def sitting(folder: Path, alive: Callable[[str], None]) -> Iterator[tuple[Bench, socket.socket]]:
    """A client at its bench, and what makes the desk readable."""
    (folder / "job" / "data").mkdir(parents=True)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    desk, officer = socket.socketpair()
    thread = threading.Thread(target=serve, args=(theirs,))
    thread.start()
    with desk, officer, theirs:
        with ours:
            yield Bench(ours, folder, desk.fileno(), alive), officer
        thread.join(10)
        assert not thread.is_alive()  # a bench leaves when its department does


def refuse(job: str) -> None:
    raise RefusedError("refused.revoked", party="zezhou", request=job)


def test_a_script_is_killed_before_anybody_hears_that_the_word_was_taken_back(tmp_path):
    with sitting(tmp_path, refuse) as (bench, officer):
        officer.send(b"!")
        begun = time.monotonic()
        with pytest.raises(RefusedError, match=r"refused\.revoked"):
            bench.run("job", {"forever-one.py": FOREVER}, Limits())
        assert time.monotonic() - begun < 2
        assert "forever-one.py" not in commands()


def test_officers_who_say_something_else_are_heard_while_a_script_runs(tmp_path):
    heard = []
    with sitting(tmp_path, lambda job: heard.append((job, desk.recv(1)))) as (bench, officer):
        desk = socket.socket(fileno=os.dup(bench._desk))
        officer.send(b"!")
        with desk:
            ran = bench.run("job", {"m.py": "open('out/result.csv', 'w').write('1')"}, Limits())
    assert (ran.status, ran.output, heard) == ("done", b"1", [("job", b"!")])


def test_a_bench_takes_the_next_script_after_one_that_was_stopped(tmp_path):
    with sitting(tmp_path, refuse) as (bench, officer):
        officer.send(b"!")
        with pytest.raises(RefusedError):
            bench.run("job", {"m.py": FOREVER}, Limits())
        bench._desk = officer.fileno()  # where nothing is said
        result = "x" * 1_000_000  # more than a packet
        ran = bench.run("job", {"m.py": f"open('out/result.csv', 'w').write('x' * {len(result)})"}, Limits())
    assert (ran.status, len(ran.output)) == ("done", len(result))


def test_a_word_that_comes_too_late_stops_nothing_else(tmp_path):
    with sitting(tmp_path, refuse) as (bench, _):
        bench._stream.send(b"stop")
        assert bench.run("job", {"m.py": "open('out/result.csv', 'w').write('1')"}, Limits()).status == "done"


def test_a_bench_that_is_gone_is_said_to_be(tmp_path):
    (tmp_path / "job" / "data").mkdir(parents=True)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.close()
    with ours, open(os.devnull) as desk, pytest.raises(NodeError, match=r"node\.gone"):
        Bench(ours, tmp_path, desk.fileno(), refuse).run("job", {"m.py": "pass"}, Limits())


@pytest.mark.parametrize("job", ["../zezhou", "", "a/b", "."])
def test_a_jobs_name_is_no_way_out_of_the_folder(tmp_path, job):
    with sitting(tmp_path, refuse) as (bench, _), pytest.raises(RefusedError, match=r"refused\.control"):
        bench.run(job, {"m.py": "pass"}, Limits())


def test_a_job_whose_data_is_a_link_is_not_run(tmp_path):
    with sitting(tmp_path, refuse) as (bench, _):
        (tmp_path / "linked").mkdir()
        (tmp_path / "linked" / "data").symlink_to(tmp_path / "job" / "data")
        with pytest.raises(OSError, match="link"):
            bench.run("linked", {"m.py": "pass"}, Limits())


def test_a_bench_sees_no_home_no_network_and_no_other_descriptor(tmp_path):
    program = """
import json, os, socket, sys
from pathlib import Path
from federation.runtime.confinement import seclude
from federation.sandbox.room import why_not
homes = Path(sys.argv[1])
stray = os.open(homes / "key", os.O_RDONLY)
seclude(homes=homes)
found = [fd for fd in range(3, 99) if os.path.lexists(f"/proc/self/fd/{fd}")]
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps([os.listdir(homes), socket.if_nameindex(), found, int(status["NoNewPrivs"]), why_not()]))
"""
    (tmp_path / "key").write_text("secret")
    command = bubblewrap_command([sys.executable, "-c", program, str(tmp_path)], writable=tmp_path)
    said = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, check=True).stdout
    assert json.loads(said) == [[], [[1, "lo"]], [], 1, None]


def test_what_a_script_writes_is_on_no_disk_and_goes_with_a_bench_that_is_killed(tmp_path):
    program = """
import os, sys
from pathlib import Path
from federation.node.bench import Bench
from federation.runtime.bench import start_bench
from federation.sandbox.limits import Limits
homes, scripts = map(Path, sys.argv[1:])
bench = Bench(start_bench(homes), scripts, os.pipe()[0], lambda job: None)
print(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()[0], flush=True)
bench.run("job", {"forever" + "-two.py": "open('out/result.csv', 'w').write('a row')\\nwhile True: pass"}, Limits())
"""
    for folder in ("homes", "temporary", "scripts/job/data"):
        (tmp_path / folder).mkdir(parents=True)
    command = [sys.executable, "-c", program, str(tmp_path / "homes"), str(tmp_path / "scripts")]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        bench = int(process.stdout.readline())
        until(lambda: "forever-two.py" in commands())
        os.kill(bench, signal.SIGKILL)
        assert b"bench has stopped" in process.stderr.read()
    until(lambda: "forever-two.py" not in commands())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# -- in a federation --------------------------------------------------------------------------------------------------


class Benched(NamedTuple):
    """A federation, among others that this process may have started."""

    home: Home
    analyst: Analyst
    others: frozenset[psutil.Process]

    def benches(self) -> set[psutil.Process]:
        return set(named("ky-bench")) - self.others


@pytest.fixture(scope="module")
def benched(small_city, tmp_path_factory):
    """A federation whose zezhou took two scripts to its bench before it served; the second while an officer came."""
    settings, home = read_settings(small_city, minimum_key_bits=512), Home(tmp_path_factory.mktemp("bench") / "home")
    scripts = home.party(PARTY) / "to-run"
    home.prepare()
    scripts.mkdir(parents=True)
    others = frozenset(named("ky-bench"))
    (scripts / "a-means.py").write_text(MEANS)
    (scripts / "b-forever.py").write_text(FOREVER)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(operate, "LAUNCHER_PROGRAM", ("-P", str(HOSTILE), "bench", PARTY))
        operate.up(settings, home, minimum_key_bits=512)
        try:
            # Nobody granted what it runs: as soon as anybody comes to the desk, it notices.
            until((home.party(PARTY) / "a-means.json").exists)
            operate.desk_client(home, PARTY).items()
            town = Benched(home, operate.open_analyst(settings, home, minimum_key_bits=512), others)
            yield town
        finally:
            operate.down(home)
    assert town.benches() == set()
    assert "inside.py" not in commands()


def said(home: Home, job: str) -> list[str]:
    return json.loads((home.party(PARTY) / f"{job}.json").read_text())


def test_a_confined_departments_script_gives_its_table(benched):
    home = benched.home
    assert said(home, "a-means") == ["done", "town,income\na,2.0\nb,5.0\n"]


def test_an_officer_at_the_desk_is_heard_while_a_script_runs(benched):
    home, analyst = benched.home, benched.analyst
    assert analyst.ask(analyst.plan(COUNT, "test")).answer.rows == ((4000,),)  # it serves: both scripts have ended
    assert said(home, "b-forever") == ["refused.not_approved"]
    assert "b-forever.py" not in commands()


def test_a_department_whose_bench_is_killed_comes_back_with_another(benched):
    home, analyst = benched.home, benched.analyst
    before = benched.benches()
    (mine,) = [p for p in before if p.parent().name() == f"ky-{PARTY}"]
    (home.party(PARTY) / "to-run" / "b-forever.py").unlink()
    (home.party(PARTY) / "a-means.json").unlink()
    mine.kill()
    until(lambda: is_back(home, restarts=1))
    assert analyst.ask(analyst.plan(COUNT, "test")).answer.rows == ((4000,),)
    assert said(home, "a-means")[0] == "done"
    assert len(benched.benches() - before) == 1
    assert len(benched.benches()) == len(before)


def test_a_department_that_is_killed_takes_its_bench_with_it(benched):
    home, analyst = benched.home, benched.analyst
    (bench,) = [p for p in benched.benches() if p.parent().name() == f"ky-{PARTY}"]
    bench.parent().kill()
    bench.wait(10)
    until(lambda: is_back(home, restarts=2))
    assert analyst.ask(analyst.plan(COUNT, "test")).answer.rows == ((4000,),)


def is_back(home: Home, *, restarts: int) -> bool:
    """Whether the party is ready after so many deaths."""
    status = operate.status(home) or {"parties": []}
    (party,) = (party for party in status["parties"] if party["name"] == PARTY)
    return (party["restarts"], party["state"]) == (restarts, "ready")


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)  # of what goes on inside, this is all that can be seen from here
