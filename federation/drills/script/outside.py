"""What a script must not reach, each of it really there; and the hostile script, run within a sandbox and without."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

import federation
from federation.sandbox import run_script
from federation.sandbox.command import DATA, OUT, RESULT
from federation.sandbox.limits import Limits

HOSTILE = "hostile.py"
HOSTILE_TEXT = Path(__file__).with_name(HOSTILE).read_text(encoding="utf-8")
PROJECT = Path(federation.__file__).parents[1]
SECRET = "KEYONG_DRILL_SECRET"  # noqa: S105 - a variable's name
GIVEN = "given.csv"
MADE_UP_ROWS = "town,income\na,1\na,3\nb,5\n"
LIMITS = Limits(seconds=20, memory_mb=512)
CONTROL_S = 60


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What exists outside: somebody who knows his way about is the attacker.

    Attributes:
        secret: a variable of the environment.
        home: a folder, in it the files `dataset` and `key`, and a `socket` that listens.
        port: on 127.0.0.1, listens.
        abstract: name of an abstract socket that listens.
        project: folder of this project.
    """

    secret: str
    home: str
    dataset: str
    key: str
    socket: str
    port: int
    abstract: str
    project: str = str(PROJECT)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the hostile script wrote down.

    Attributes:
        attempts: by name REACHED, or the error it was refused with.
        environment: names of its variables.
        user: its number.
    """

    attempts: dict[str, str]
    environment: tuple[str, ...]
    files: tuple[str, ...]
    user: int


@contextlib.contextmanager
def outside() -> Iterator[Told]:
    """Set up what is not to be reached; gone afterwards."""
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyong-drill-")))
        for name in ("dataset", "key"):
            (home / name).write_text("secret")
        abstract = f"keyong-drill-{secrets.token_hex(8)}"
        port = _listen(stack, socket.AF_INET, ("127.0.0.1", 0))
        _listen(stack, socket.AF_UNIX, str(home / "desk.sock"))
        _listen(stack, socket.AF_UNIX, "\0" + abstract)
        port.set_inheritable(True)  # a descriptor that somebody left open
        os.environ[SECRET] = "secret"
        stack.callback(os.environ.pop, SECRET)
        yield Told(
            secret=SECRET,
            home=str(home),
            dataset=str(home / "dataset"),
            key=str(home / "key"),
            socket=str(home / "desk.sock"),
            port=port.getsockname()[1],
            abstract=abstract,
        )


def _listen(stack: contextlib.ExitStack, family: int, address: tuple[str, int] | str) -> socket.socket:
    listener = stack.enter_context(socket.socket(family))
    listener.bind(address)
    listener.listen()
    return listener


def try_inside(told: Told) -> Seen:
    """Run the hostile script in the sandbox, with all its attempts.

    Raises:
        RefusedError: there is no sandbox on this machine.
        RuntimeError: it did not come to its end, so that nothing can be said.
    """
    with tempfile.TemporaryDirectory(prefix="keyong-drill-") as folder:
        (Path(folder) / GIVEN).write_text(MADE_UP_ROWS)
        ran = run_script(_files(told, ()), Path(folder), LIMITS)
    if ran.status != "done":
        raise RuntimeError(f"{ran.status}: {ran.log.decode(errors='replace')}")
    return msgspec.json.decode(ran.output, type=Seen)


def try_outside(told: Told, attempts: Sequence[str]) -> Seen:
    """Run the same script as a plain program: the positive control, of what does no harm to try.

    Args:
        attempts: one of them overwrites `told.dataset`, as it must not.

    Raises:
        subprocess.SubprocessError: it did not come to its end.
    """
    with tempfile.TemporaryDirectory(prefix="keyong-drill-") as folder:
        place = Path(folder)
        files = {**_files(told, attempts), f"{DATA}/{GIVEN}": MADE_UP_ROWS, f"{OUT}/{RESULT}": ""}
        for name, text in files.items():
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_text(text)
        subprocess.run(
            [sys.executable, HOSTILE],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            close_fds=False,
            check=True,
            timeout=CONTROL_S,
        )
        return msgspec.json.decode((place / OUT / RESULT).read_bytes(), type=Seen)


def _files(told: Told, attempts: Sequence[str]) -> dict[str, str]:
    words = {**msgspec.to_builtins(told), "attempts": attempts}
    return {HOSTILE: HOSTILE_TEXT, "told.json": msgspec.json.encode(words).decode()}
