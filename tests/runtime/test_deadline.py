"""The watchdog ends what hangs, wherever it hangs, and lets go of what is done in time."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from federation.runtime.deadline import EXIT_HUNG

PROGRAM = """
import ctypes, re, signal, sys, time
from federation.runtime.deadline import ending_after

def hangs(how):
    if how == "loop":
        while True: pass
    if how == "wait in C, interpreter locked":
        ctypes.PyDLL(None).sleep(600)
    if how == "every signal blocked":
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        time.sleep(600)

secret4711 = "secret4711"
with ending_after(0.3):
    hangs(sys.argv[1])
time.sleep(0.6)
"""
BUBBLE = ("bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--unshare-pid", "--as-pid-1")


def run(how: str, *wrapped: str) -> subprocess.CompletedProcess[str]:
    command = [*wrapped, sys.executable, "-c", PROGRAM, how]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("how", ["loop", "wait in C, interpreter locked", "every signal blocked"])
def test_what_hangs_is_ended_and_its_place_told_without_values(how):
    started = time.monotonic()
    ended = run(how)
    assert (ended.returncode, ended.stdout) == (EXIT_HUNG, "")
    assert "in hangs" in ended.stderr and "secret4711" not in ended.stderr
    assert time.monotonic() - started < 10


@pytest.mark.isolation
def test_the_first_process_of_a_namespace_is_ended_too(bubblewrap):
    assert run("loop", *BUBBLE).returncode == EXIT_HUNG


def test_what_is_done_in_time_goes_on():
    ended = run("not at all")
    assert (ended.returncode, ended.stderr) == (0, "")
