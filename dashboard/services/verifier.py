"""The verifier as a process of its own: started when the record on disk has changed, believed no longer than that.

A page that recomputed the record itself could be made to say anything; this one runs the command that anybody can
run, and shows what it said, when, how long it took, and the line to type. Nothing is kept on disk.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from dashboard.services import commands
from federation.audit.events import timestamp
from federation.audit.verify import Verdict
from federation.errors import HomeError, KeyongError, RecordError, from_code

# While a federation works its record changes all the time: a look at it may cost a fifth of one core, no more.
LEAST_PAUSE_S = 2.0
PAUSE_FACTOR = 4.0
MAX_AGE_S = 600.0  # who can write a file can set its times back, so nothing is believed for longer
DEADLINE_S = 900.0
NICENESS = 10  # departments and pages come first

RECORD_FILES = ("parties/*/journal.db*", "parties/coordinator/log.db*", "*/*/roster.json", "launcher/wire.json")

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run of the verifier came to.

    Attributes:
        at: when it ended, UTC, as events write it.
        verdict: what was found right; None if something was not.
        error: what does not hold, or what kept the verifier from telling.
    """

    at: str
    seconds: float
    verdict: Verdict | None = None
    error: KeyongError | None = None

    @property
    def refuted(self) -> bool:
        """Whether the record was recomputed and does not hold."""
        return isinstance(self.error, RecordError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How far recomputing is.

    Attributes:
        outcome: of the last run; None before the first has ended.
        current: the record on disk is still the one that run was about.
        running_s: how long the present run has been going; None if none is.
    """

    outcome: Outcome | None
    current: bool
    running_s: float | None


class Verifier:
    """Recomputes one home's record in the background. Safe to share between visitors."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._outcome: Outcome | None = None
        self._outcome_of: Stamp = ()
        self._begun: float | None = None
        self._begun_for: Stamp = ()
        self._rest_until = 0.0

    def look(self, *, again: bool = False) -> Check:
        """Tell what is known, and begin a run if the record has changed since the last.

        Args:
            again: begin one even if nothing has changed.
        """
        with self._lock:
            stamp, now = self._on_disk(), time.monotonic()
            due = now >= self._rest_until and (stamp != self._begun_for or now >= self._rest_until + MAX_AGE_S)
            if self._begun is None and (due or again):
                self._begun, self._begun_for = now, stamp
                threading.Thread(target=self._run, args=(stamp, now), daemon=True).start()
            return Check(
                outcome=self._outcome,
                current=self._outcome is not None and stamp == self._outcome_of,
                running_s=None if self._begun is None else now - self._begun,
            )

    def _on_disk(self) -> Stamp:
        """The record's files, by size and time. Not by their inodes' time: a mere reader of a database changes that."""
        found = []
        for file in sorted(path for pattern in RECORD_FILES for path in self._home.glob(pattern)):
            if file.suffix == ".db-shm":  # SQLite's scratch: reading changes it
                continue
            with contextlib.suppress(OSError):
                status = file.stat()
                found.append((str(file), status.st_size, status.st_mtime_ns))
        return tuple(found)

    def _run(self, stamp: Stamp, begun: float) -> None:
        words = _verify(self._home)
        seconds = time.monotonic() - begun
        outcome = _read(words, seconds)
        with self._lock:
            self._outcome, self._outcome_of, self._begun = outcome, stamp, None
            self._rest_until = time.monotonic() + max(LEAST_PAUSE_S, PAUSE_FACTOR * seconds)


def _verify(home: Path) -> str:
    """Run the command; returns the one line of JSON that it prints, or "" if there is none."""
    process = subprocess.Popen(commands.verify(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    end: Callable[[], None] = process.kill
    atexit.register(end)  # the dashboard's end is its end
    try:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        return process.communicate(timeout=DEADLINE_S)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return ""
    finally:
        atexit.unregister(end)


def _read(words: str, seconds: float) -> Outcome:
    at = timestamp(datetime.now(UTC))
    try:
        said = json.loads(words)
        if said.get("valid") is True:
            return Outcome(at=at, seconds=seconds, verdict=msgspec.convert(said, Verdict))
        return Outcome(at=at, seconds=seconds, error=_error(said["code"], said["message"]))
    except (ValueError, KeyError, TypeError, AttributeError, msgspec.ValidationError):
        return Outcome(at=at, seconds=seconds, error=HomeError("home.internal", kind="audit verify"))


def _error(code: str, message: str) -> KeyongError:
    """The error behind the words that the command printed in Chinese, so that it can be told in any language."""
    if code != "record.invalid":
        return from_code(code)
    frame = re.escape(RecordError(code, where="\0", reason="\1").message("zh"))
    found = re.fullmatch(frame.replace("\0", "(.*?)").replace("\1", "(.*)"), message, re.DOTALL)
    where, reason = found.groups() if found else ("", message)
    return RecordError(code, where=where, reason=reason)
