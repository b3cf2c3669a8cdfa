"""No process of ours reaches for the network: not the command, the launcher or a party, nor a library of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("command")
KEYONG = Path(sys.executable).with_name("keyong")
WATCHED = Path(__file__).parents[1] / "support" / "watched"


def test_nothing_of_a_demonstration_reaches_beyond_this_machine(tmp_path):
    # TOML of the demonstration asks for 2048 bits; that is what a user's machine does.
    env = {**os.environ, "PYTHONPATH": str(WATCHED)}
    command = [str(KEYONG), "--home", str(tmp_path / "home"), "demo", "--no-serve", "--json"]
    said = {"capture_output": True, "text": True, "encoding": "utf-8"}
    result = subprocess.run(command, env=env, timeout=180, check=False, **said)
    assert result.returncode == 0, result.stderr
    found = (tmp_path / "home").glob("**/log.txt")
    logs = {file: file.read_text("utf-8") for file in found if "scripts" not in file.parts}
    assert len(logs) == 10  # launcher, coordinator, dealer, seven departments: all were watched
    assert "NETWORK" not in result.stderr + "".join(logs.values())


def test_the_watch_notices_what_does(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(WATCHED)}
    program = "import socket\ntry: socket.create_connection(('192.0.2.1', 9), 0.1)\nexcept OSError: pass"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, check=True)
    assert "NETWORK socket.connect ('192.0.2.1', 9)" in result.stderr
