"""Processes that die in the middle of their work, as after `kill -9`, to see what is left on disk."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

Report = Callable[[str], None]

_fork = multiprocessing.get_context("fork")


def reports_of_killed(work: Callable[[Report], None], *, after: int | None = None) -> list[str]:
    """Let a process work until it is killed; returns what it reported before that.

    Args:
        work: opens its own files; called with a function to report by.
        after: kill it when it has reported so often, wherever it is by then; None if it dies by itself (`die_at`).
    """
    receiving, sending = _fork.Pipe(duplex=False)
    process = _fork.Process(target=_run, args=(work, sending))
    process.start()
    sending.close()
    reports = []
    try:
        while len(reports) != after:
            reports.append(receiving.recv())
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        while True:
            reports.append(receiving.recv())
    except EOFError:
        process.join()
    assert process.exitcode == -signal.SIGKILL, f"the process was not killed but ended with {process.exitcode}"
    return reports


def die_at(db: sqlite3.Connection, statement: str, occurrence: int = 1) -> None:
    """Kill this process when SQLite is about to run a statement that begins so, for the n-th time."""
    left = [occurrence]

    def traced(text: str) -> None:
        left[0] -= text.startswith(statement)
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    db.set_trace_callback(traced)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let every write beyond this size fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def _run(work: Callable[[Report], None], sending: Connection) -> None:
    work(sending.send)
