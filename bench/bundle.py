"""Measure an evidence bundle: how large it is, and how long a stranger's machine needs to check it.

    python bench/bundle.py [entries ...]      default: 10000 100000

The record is written by tests/support/bundles.py with real keys: four departments, jobs one after another. `seconds`
of verify.py are those of a fresh process on all processors, from starting Python to ACCEPT.
"""

from __future__ import annotations

import lzma
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from federation.audit.bundle import pack, write_bundle  # noqa: E402
from tests.support.bundles import City, evaluator  # noqa: E402


def timed(what: str, action: Callable[[], object]) -> None:
    started = time.perf_counter()
    action()
    print(f"  {what:<28}{time.perf_counter() - started:9.2f} s", flush=True)


def check(bundle: Path, options: list[str]) -> None:
    command = [sys.executable, str(ROOT / "federation/audit/offline/verify.py"), str(bundle), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def megabytes(size: int) -> str:
    return f"{size / 1e6:9.2f} MB"


def measure(entries: int) -> None:
    city = City().start()
    job = 0
    while len(city.entries) < entries:
        city.run(f"job-{job}")
        job += 1
    print(f"{len(city.entries)} entries, {job} jobs, {len(city.checkpoints)} checkpoints, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = evaluator(city, folder / "own")
        (folder / "own" / "tax").write_text(city.heads["tax"])
        options += ["--head", str(folder / "own" / "tax")]
        timed("write_bundle", lambda: write_bundle(folder / "bundle", city.contents()))
        timed("pack (zip, deflate 9)", lambda: pack(folder / "bundle", folder / "bundle.zip"))
        plain = sum(file.stat().st_size for file in (folder / "bundle").rglob("*") if file.is_file())
        print(f"  {'as a folder':<28}{megabytes(plain)}")
        print(f"  {'as .zip':<28}{megabytes((folder / 'bundle.zip').stat().st_size)}")
        with (
            lzma.open(folder / "bundle.tar.xz", "wb", preset=6) as stream,
            tarfile.open(fileobj=stream, mode="w") as tar,
        ):
            tar.add(folder / "bundle", "bundle")
        print(f"  {'as .tar.xz':<28}{megabytes((folder / 'bundle.tar.xz').stat().st_size)}")
        timed("verify.py, folder", lambda: check(folder / "bundle", options))
        timed("verify.py, zip", lambda: check(folder / "bundle.zip", options))
        timed("verify.py --entry, proof", lambda: check(folder / "bundle", [*options, "--entry", "17"]))
        timed("verify.py --entry, no proof", lambda: check(folder / "bundle", [*options, "--entry", "0"]))


if __name__ == "__main__":
    for size in [int(word) for word in sys.argv[1:]] or [10_000, 100_000]:
        measure(size)
