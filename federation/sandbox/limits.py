"""What a script may use, and how its run ended: values that the one who runs it and the one who asks share."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["done", "failed", "time", "memory", "output", "stopped"]
"""It ended; it raised or was killed; ran out of time or memory; wrote too much; somebody took back their word."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one run may use.

    Attributes:
        seconds: of processor and of wall clock.
        memory_mb: of address space, MiB.
        output_bytes: of the result file.
        scratch_mb: of all files it writes, MiB, in memory.
        log_bytes: of what it prints that is kept; the rest is thrown away.
    """

    seconds: int = 20
    memory_mb: int = 2048
    output_bytes: int = 1 << 20
    scratch_mb: int = 64
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
