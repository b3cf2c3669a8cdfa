"""Our own programs, run for whoever has signed in: the dashboard holds no key, and does nothing itself that takes one.

A passphrase goes to the program on its standard input, and is kept nowhere.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from dashboard.services.commands import SaidError
from federation.errors import HomeError

DEADLINE_S = 100.0  # a department in the middle of a step answers after it
# In a demonstration this variable would stand in for the passphrase, and a wrong one would be taken.
FROM_ENVIRONMENT = "KEYONG_PASSPHRASE"


def tell(command: Sequence[str], passphrase: str, *, about: str) -> None:
    """Run a program that takes a passphrase; returns when it has done what it was asked.

    Args:
        about: what it says that it has done it to.

    Raises:
        SaidError: it said no; wrong passphrase and the like.
        HomeError: it gave no answer that we know.
    """
    # One line: what stands after a line break would be taken for no part of the passphrase.
    said = run(command, line=passphrase.partition("\n")[0] + "\n")
    if said.get("about") != about:
        raise HomeError("home.internal", kind=about)


def run(command: Sequence[str], *, line: str = "") -> dict[str, object]:
    """Run a program that prints one JSON object, and return that.

    Args:
        line: its standard input.

    Raises:
        SaidError: it said no, and why.
        HomeError: it gave no answer that we know.
    """
    environment = {name: value for name, value in os.environ.items() if name != FROM_ENVIRONMENT}
    try:
        done = subprocess.run(
            command,
            input=line,
            capture_output=True,
            encoding="utf-8",
            env=environment,
            timeout=DEADLINE_S,
            check=False,
        )
        said = json.loads(done.stdout)
        if done.returncode:
            raise SaidError(said["code"], said["message"], said["next"])
        return dict(said)
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as exc:
        raise HomeError("home.internal", kind=Path(command[0]).name) from exc
