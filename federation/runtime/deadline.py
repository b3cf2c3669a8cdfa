"""A party's own deadline: a request that takes longer ends the process, in C code too, and says where it hung.

A signal would not do. A confined party is the first process of its namespace, and the kernel keeps from such a one
every signal that it sends itself and has no handler for; Python's handlers wait until C code returns. The interpreter's
watchdog (`faulthandler`) is a thread in C: it needs neither, and writes files, functions and lines of every thread to
the standard error stream, which is the owner's log, but no value.
"""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager

# What the watchdog ends a process with; nothing of ours ends a party with it.
EXIT_HUNG = 1


@contextmanager
def ending_after(seconds: float) -> Iterator[None]:
    """End the process if what is inside takes longer."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
