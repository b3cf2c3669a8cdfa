"""What a script in the sandbox can reach, and what it cannot: everything is tried in a real one."""

from __future__ import annotations

import errno
import os
import socket
import threading
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest

from federation.drills.script.bombs import BOMBS, PACKED, pack
from federation.drills.script.hostile import REACHED
from federation.drills.script.outside import HOSTILE, outside, try_inside, try_outside
from federation.drills.script.reach import LINES
from federation.errors import RefusedError
from federation.sandbox import room, run_script
from federation.sandbox.command import ENVIRONMENT
from federation.sandbox.limits import Limits, NoRunner, Ran
from federation.sandbox.watch import MAX_THREADS
from tests.support.descendants import commands

pytestmark = [pytest.mark.isolation, pytest.mark.usefixtures("bubblewrap")]


def run(script: str, data: Path, *, stop: int | None = None, **limits: int) -> Ran:
    return run_script({"look.py": script}, data, Limits(**{"seconds": 10, "memory_mb": 256, **limits}), stop=stop)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "given.csv").write_text("town,income\na,1\na,3\nb,5\n")
    return folder


@pytest.fixture(scope="module")
def told():
    """Things that a script must not reach, each of them really there."""
    with outside() as told:
        yield told


@pytest.fixture(scope="module")
def seen(told):
    return try_inside(told)


ATTEMPTS = [name for line in LINES for name in line.attempts]


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_out_of_reach(seen, attempt):
    assert seen.attempts[attempt] != REACHED


def test_every_attempt_was_asserted(seen):
    assert sorted(seen.attempts) == sorted(ATTEMPTS)
    assert len(ATTEMPTS) >= 76


def test_the_same_attempts_reach_without_a_sandbox(told):
    """The positive control, of what does no harm to try."""
    harmless = [name for line in LINES for name in line.harmless]
    assert len(harmless) >= 34
    reached = try_outside(told, harmless).attempts
    assert [name for name in harmless if reached[name] != REACHED] == []


def test_its_environment_is_what_libraries_need_and_nothing_of_ours(seen):
    assert list(seen.environment) == sorted([*ENVIRONMENT, "PWD"])


def test_it_is_nobody_and_sees_its_own_files(seen):
    assert seen.user == 65534
    assert list(seen.files) == ["data", HOSTILE, "out", "told.json"]


# -- how a run ends ---------------------------------------------------------------------------------------------------


def test_a_pandas_script_gives_its_table(tmp_path):
    pd.DataFrame({"town": ["a", "a", "b"], "income": [1, 3, 5]}).to_parquet(tmp_path / "tax.parquet")
    script = """
import pandas as pd
from means import mean
rows = pd.read_parquet("data/tax.parquet")
mean(rows).to_csv("out/result.csv", index=False)
print("rows:", len(rows))
"""
    helper = "def mean(rows):\n    return rows.groupby('town', as_index=False).income.mean()\n"
    ran = run_script({"main.py": script, "means.py": helper}, tmp_path, Limits(memory_mb=512))
    assert (ran.status, ran.output, ran.log) == ("done", b"town,income\na,2.0\nb,5.0\n", b"rows: 3\n")


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("raise ValueError('row 7 is odd')", "failed"),
        ("import sys; sys.exit(3)", "failed"),
        ("import os; os._exit(0)", "failed"),
        ("pass", "failed"),
        ("not python at all", "failed"),
        ("import os; os.abort()", "failed"),
        ("open('out/result.csv', 'w').write('1'); raise SystemExit", "done"),
        ("raise MemoryError", "memory"),
    ],
)
def test_the_end_of_a_script_has_a_status(data, script, status):
    ran = run(script, data)
    assert ran.status == status
    assert bool(ran.output) == (status == "done")


def test_what_went_wrong_stands_in_the_owners_log(data):
    assert b"ValueError: row 7 is odd" in run("raise ValueError('row 7 is odd')", data).log


def test_a_file_called_like_a_folder_is_refused(data):
    assert run_script({"out": "pass"}, data, Limits()).status == "failed"


def test_a_path_is_no_name_of_a_file(data):
    with pytest.raises(ValueError, match="a path"):
        run_script({"../main.py": "pass"}, data, Limits())


def test_no_link_in_the_data_folder_is_followed(data, tmp_path):
    (tmp_path / "link.csv").symlink_to(data / "given.csv")
    (tmp_path / "folder").mkdir()
    (tmp_path / "true.csv").write_text("1")
    ran = run("import os; open('out/result.csv', 'w').write(str(os.listdir('data')))", tmp_path)
    assert ran.output == b"['true.csv']"


def test_a_link_to_a_data_folder_is_not_followed(data, tmp_path):
    (tmp_path / "link").symlink_to(data)
    with pytest.raises(OSError, match="link"):
        run("pass", tmp_path / "link")


# -- bombs ------------------------------------------------------------------------------------------------------------

ENDLESS = [bomb for bomb in BOMBS if bomb.ends == "time"]
HUNGRY = [bomb for bomb in BOMBS if bomb.ends == "memory"]


@pytest.mark.parametrize("bomb", ENDLESS, ids=lambda bomb: bomb.name)
def test_an_endless_script_ends_in_time(data, bomb):
    ran = run(bomb.text, data, seconds=1)
    assert ran.status == "time"
    assert ran.seconds < 2
    assert len(ran.log) <= Limits().log_bytes


def test_processor_time_has_the_same_limit(data):
    script = "import resource; open('out/result.csv', 'w').write(str(resource.getrlimit(resource.RLIMIT_CPU)))"
    assert run(script, data, seconds=7).output == b"(7, 8)"
    assert run("import signal; signal.raise_signal(signal.SIGXCPU)", data).status == "time"


def test_a_flood_of_output_costs_us_no_memory(data):
    tracemalloc.start()
    try:
        assert run("while True: print('x' * 100_000)", data, seconds=1, log_bytes=1000).log == b"x" * 1000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("bomb", HUNGRY, ids=lambda bomb: bomb.name)
def test_a_memory_bomb_meets_its_limit(tmp_path, bomb):
    pack(tmp_path / PACKED)
    ran = run(bomb.text, tmp_path, memory_mb=100)
    assert (ran.status, ran.output) == ("memory", b"")


def test_address_space_of_every_kind_counts(data):
    script = """
import mmap
held = []
try:
    while True: held.append(mmap.mmap(-1, 1 << 20))
except (OSError, MemoryError):
    open("out/result.csv", "w").write(str(len(held)))
"""
    assert 10 < int(run(script, data, memory_mb=100).output) < 100


def test_a_fork_bomb_does_not_go_off(data):
    ran = run("import os\nwhile True: os.fork()", data)
    assert (ran.status, b"PermissionError" in ran.log) == ("failed", True)


def test_threads_are_counted_whoever_runs_the_sandbox(data):
    script = """
import threading
started, forever = 0, threading.Event()
try:
    while True:
        threading.Thread(target=forever.wait, daemon=True).start()
        started += 1
except RuntimeError:
    open("out/result.csv", "w").write(str(started))
"""
    assert int(run(script, data, memory_mb=2048).output) == MAX_THREADS


def test_clone_makes_nothing_but_threads(data):
    """The kernel is asked directly: for a child, one that shares memory, and threads in further namespaces."""
    script = """
import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 56, "aarch64": 220}[platform.machine()]
def clone(flags): libc.syscall(number, flags, 0, 0, 0, 0)
refused = []
for flags in (17, 0x100 | 17, 0x4000 | 17, 0x10000, 0x003D0F00 | 0x10000000, 0x003D0F00 | 0x20000000):
    ctypes.set_errno(0)
    clone(flags)
    refused.append(ctypes.get_errno())
open("out/result.csv", "w").write(str(set(refused)))
"""
    assert run(script, data).output == f"{{{errno.EPERM}}}".encode()


@pytest.mark.parametrize(("size", "status"), [(1000, "done"), (1001, "output"), (1 << 30, "output")])
def test_a_result_has_a_size(data, size, status):
    script = f"with open('out/result.csv', 'wb') as f:\n  for _ in range({size} // 1000): f.write(b'x' * 1000)\n"
    ran = run(script + f"  f.write(b'x' * ({size} % 1000))", data, output_bytes=1000)
    assert (ran.status, len(ran.output)) == (status, 1000 if status == "done" else 0)


def test_the_file_of_the_result_grows_no_further_than_that(data):
    script = """
size = 0
try:
    with open("out/result.csv", "wb", buffering=0) as file:
        while size < 100_000: size += file.write(bytes(500))
except OSError:
    open("out/result.csv", "w").write(str(size))
"""
    assert run(script, data, output_bytes=1000).output == b"1001"


def test_a_result_with_a_hole_has_a_size_too(data):
    assert run("import os; os.truncate('out/result.csv', 1001)", data, output_bytes=1000).status == "output"


def test_a_script_that_closes_everything_gains_nothing(data):
    ran = run("import os; open('out/result.csv', 'w').write('1'); os.closerange(0, 64)", data)
    assert (ran.status, ran.output) == ("done", b"1")


def test_the_end_of_a_script_is_the_end_of_its_threads(data):
    threads = "import threading, time; threading.Thread(target=time.sleep, args=(99,)).start()\n"
    assert run(threads + "open('out/result.csv', 'w').write('1')", data, seconds=3).status == "done"


def test_nothing_is_left_of_a_script(data):
    threads = "import threading, time\nfor _ in range(3): threading.Thread(target=time.sleep, args=(99,)).start()\n"
    name = "nothing-is-left.py"
    for end in ("open('out/result.csv', 'w').write('1')", "raise ValueError", "time.sleep(99)"):
        run_script({name: threads + end}, data, Limits(seconds=1))
        assert name not in commands()


def test_whoever_may_stop_a_script_does(data):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        timer = threading.Timer(0.3, theirs.close)  # its end counts as a word
        timer.start()
        ran = run("import time; print('begun'); time.sleep(99)", data, stop=ours.fileno())
        timer.join()
    assert (ran.status, ran.log, ran.output) == ("stopped", b"begun\n", b"")
    assert ran.seconds < 1


# -- where there is none ----------------------------------------------------------------------------------------------


def test_there_is_one_here():
    assert room.why_not() is None


def test_without_bubblewrap_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert room.why_not.__wrapped__() == "bubblewrap is not installed"


def test_an_unknown_machine_has_none(monkeypatch):
    monkeypatch.setattr(room.platform, "machine", lambda: "riscv64")
    assert room.why_not.__wrapped__() == "no sandbox for Linux on riscv64"


def test_what_the_kernel_said_is_passed_on(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert room.why_not.__wrapped__() == "the kernel refused: bwrap: setting up uid map: Permission denied"


def test_a_sandbox_that_starts_no_filter_is_none(monkeypatch):
    """A program that the kernel does not take as a filter: the shim must not go on without."""
    monkeypatch.setattr(room.seccomp, "program", lambda machine: bytes(8))
    assert room.why_not.__wrapped__() == "the kernel refused: OSError: [Errno 22] no filter"


def test_without_a_sandbox_no_script_is_run(monkeypatch, data):
    monkeypatch.setattr(room, "why_not", lambda: "not Linux")
    with pytest.raises(RefusedError, match=r"refused\.no_sandbox: .*not Linux"):
        run("open('out/result.csv', 'w').write('1')", data)


def test_nobody_to_run_a_script_means_no_run(data):
    with pytest.raises(RefusedError, match=r"refused\.no_sandbox"):
        NoRunner().run("job", {"main.py": "pass"}, Limits())
