"""Run somebody else's script in a sandbox, and say how it ended.

The script is one process in namespaces of its own, with one file that it can write. When `run_script` returns, nothing
of it is left but what that file held and the beginning of what it printed.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from federation.errors import RefusedError
from federation.sandbox import inside, seccomp
from federation.sandbox.command import DATA, OUT, RESULT, WORK, sandbox_command
from federation.sandbox.descriptors import in_memory, opened
from federation.sandbox.limits import Limits, Ran, Status
from federation.sandbox.watch import Watch


def run_script(files: Mapping[str, str], data: Path, limits: Limits, *, stop: int | None = None) -> Ran:
    """Run a script over the files of a folder.

    Args:
        files: the text of every file by name; the first one is run.
        data: a folder whose regular files the script finds in `data/`.
        stop: a descriptor; as soon as it is readable or closed at its other end, the script is killed.

    Raises:
        RefusedError: there is no sandbox on this machine.
    """
    with in_memory({name: text.encode() for name, text in files.items()}) as texts, opened(data) as given:
        return run_open(texts, given, limits, stop=stop)


def run_open(files: Mapping[str, int], data: Mapping[str, int], limits: Limits, *, stop: int | None = None) -> Ran:
    """Run a script over files that are open already: descriptors by name, which nobody has read from.

    Raises:
        RefusedError: there is no sandbox on this machine.
    """
    if (reason := why_not()) is not None:
        raise RefusedError("refused.no_sandbox", reason=reason)
    return _run(files, data, limits, stop)


@functools.cache
def why_not() -> str | None:
    """Return None if there can be a sandbox on this machine, else one short reason; tries it once."""
    if sys.platform != "linux" or platform.machine() not in seccomp.MACHINES:
        return f"no sandbox for {platform.system()} on {platform.machine()}"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    try:
        with in_memory({"try.py": b"open('out/result.csv', 'w').write('ok')"}) as files:
            ran = _run(files, {}, Limits(seconds=10), None)
    except OSError as error:
        return f"the kernel refused: {error.strerror}"
    if (ran.status, ran.output) == ("done", b"ok"):
        return None
    lines = ran.log.decode(errors="replace").strip().splitlines()
    return f"the kernel refused: {lines[-1][:160]}" if lines else "the kernel refused"


def _run(files: Mapping[str, int], data: Mapping[str, int], limits: Limits, stop: int | None) -> Ran:
    if any("/" in name or name in ("", ".", "..") for name in (*files, *data)):
        raise ValueError("a path is no name of a file")
    if set(files) & {DATA, OUT}:
        return Ran(status="failed", seconds=0.0, log=b"data and out are folders: no file of a script can be called so")
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        # Only we can enter the folder, whatever the script makes of the file's mode.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        result = stack.enter_context((folder / RESULT).open("w+b", buffering=0))
        watch = stack.enter_context(Watch(limits))
        watch.start(
            lambda control, info: sandbox_command(
                files=files,
                data=data,
                result=folder / RESULT,
                info=info,
                arguments=_arguments(limits, control, next(iter(files))),
            ),
            code=seccomp.program(platform.machine()),
            keep=(*files.values(), *data.values()),
        )
        ended = watch.until_the_end(stop)
        output = os.pread(result.fileno(), limits.output_bytes + 1, 0)
    status = _status(ended, output, limits)
    return Ran(
        status=status,
        seconds=round(time.monotonic() - begun, 3),
        output=output if status == "done" else b"",
        log=bytes(watch.log),
    )


def _arguments(limits: Limits, control: int, script: str) -> list[str]:
    number = seccomp.seccomp_number(platform.machine())
    numbers = (control, number, limits.seconds, limits.memory_mb << 20, limits.output_bytes)
    return [*map(str, numbers), f"{WORK}/{script}"]


def _status(ended: Status | int, output: bytes, limits: Limits) -> Status:
    """Say how a run ended, from what we did to it or its exit status, as bubblewrap passes it on."""
    if isinstance(ended, str):
        return ended
    if len(output) > limits.output_bytes:
        return "output"
    if ended == inside.DONE:
        return "done" if output else "failed"
    if ended in (inside.MEMORY, 128 + signal.SIGKILL):  # ours is "time" or "stopped"; else the kernel ran out of memory
        return "memory"
    return "time" if ended == 128 + signal.SIGXCPU else "failed"
