"""The example of a third party's adapter, installed as a third party installs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).with_name("uv"))


def test_the_example_is_found_by_its_entry_point_and_passes_its_own_tests(tmp_path):
    target = tmp_path / "installed"
    install = [UV, "pip", "install", "-q", "--offline", "--no-deps", "--target", str(target), "examples/adapter"]
    subprocess.run(install, cwd=ROOT, check=True, timeout=60)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "examples/adapter/tests")]
    # From its own folder, so that it is the installed copy that is imported.
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), str(ROOT)])}
    result = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "3 passed" in result.stdout
