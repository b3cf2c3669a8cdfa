"""What a script may use, and how its run ended: values that the one who runs it and the one who asks share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from federation.errors import RefusedError

Status = Literal["done", "failed", "time", "memory", "output", "stopped"]
"""It ended; it raised or was killed; ran out of time or memory; wrote too much; somebody took back their word."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one run may use.

    Attributes:
        seconds: of processor and of wall clock.
        memory_mb: of address space, MiB.
        output_bytes: of the result, the one file that it can write.
        log_bytes: of what it prints that is kept; the rest is thrown away.
    """

    seconds: int = 20
    memory_mb: int = 2048
    output_bytes: int = 1 << 20
    log_bytes: int = 1 << 16


class Ran(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run ended.

    Attributes:
        seconds: wall clock.
        output: the result file as it was written; empty unless done.
        log: the beginning of what it printed: it may hold rows, and stays with the data's owner.
    """

    status: Status
    seconds: float
    output: bytes = b""
    log: bytes = b""


class Runner(Protocol):
    """Whoever can run a job's script in a sandbox beside the department that holds its data."""

    def run(self, job: str, files: Mapping[str, str], limits: Limits) -> Ran:
        """Run a script over the data that the department has laid into `scripts/<job>/data` of its home.

        Args:
            job: its name, that of the folder.
            files: the text of every file of the script by name; the first one is run.

        Raises:
            RefusedError: there is no sandbox here, or the department's officers took back their word meanwhile; then
                the script is dead.
            NodeError: the sandbox itself is not there any more.
        """
        ...


class NoRunner:
    """A department without a sandbox: scripts are refused, never run plain."""

    def __init__(self, reason: str = "no bench") -> None:
        self._reason = reason

    def run(self, job: str, files: Mapping[str, str], limits: Limits) -> Ran:
        """Refuse.

        Raises:
            RefusedError: always.
        """
        raise RefusedError("refused.no_sandbox", reason=self._reason)
