"""Trainings that this dashboard has begun: each is the analyst's own program, in a process of its own.

The dashboard holds no key: the program reads the analyst's, signs, and tells on its standard error, a line of JSON at a
time, how far it is. Whoever has signed in as that analyst begins and stops it. To stop one is to end its process: the
coordinator notices that whoever asked has gone, and goes no further than the step it is in. What is known of a run
lives in this process only.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import msgspec

from dashboard.services.commands import SaidError
from dashboard.services.rights import Right, Visitor, check, may
from federation.errors import HomeError, KeyongError, RefusedError
from federation.learning.steps import Step

MOST_LIVE = 4  # waiting for officers costs a process each


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training that was begun here.

    Attributes:
        job: its name; "" before the program has said it.
        requester: the analyst in whose name it was begun.
        about: what it was begun from.
        rounds: how many there will be; 0 before that is known.
        step: the step of the protocol that began last; "" before the first.
        steps: every round that is done.
        error: why there is no model; None while there may be one.
    """

    job: str
    requester: str
    about: str
    rounds: int
    step: str
    steps: tuple[Step, ...]
    alive: bool
    stopped: bool
    error: KeyongError | None

    @property
    def desks(self) -> tuple[str, ...]:
        """The departments whose officers have not decided yet."""
        return tuple(self.step.split(" ")[1:]) if self.alive and self.step.startswith("wait ") else ()


class Runs:
    """Everything begun here. Safe to share between visitors."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._programs: list[_Program] = []

    def begin(self, visitor: Visitor, command: Sequence[str], *, about: str) -> None:
        """Begin one in the visitor's name.

        Args:
            command: the analyst's program, which tells of every event as `keyong train --json` does.

        Raises:
            RefusedError: the visitor is no analyst, or as many as may be are under way.
        """
        check(visitor, Right.ASK, requester=visitor.account)
        with self._lock:
            if sum(one.look().alive for one in self._programs) >= MOST_LIVE:
                raise RefusedError("refused.busy", waiting=MOST_LIVE)
            self._programs.append(_Program(command, visitor.account, about))

    def look(self, visitor: Visitor) -> tuple[Run, ...]:
        """Everything begun here that the visitor may see, newest first."""
        with self._lock:
            runs = [one.look() for one in reversed(self._programs)]
        return tuple(run for run in runs if may(visitor, Right.REQUESTS, requester=run.requester))

    def stop(self, visitor: Visitor, job: str) -> None:
        """End the process of a job; nothing happens if none of it runs.

        Raises:
            RefusedError: it is somebody else's.
        """
        check(visitor, Right.ASK)
        with self._lock:
            for one in self._programs:
                run = one.look()
                if run.job == job:
                    check(visitor, Right.ASK, requester=run.requester)
                    one.stop()


class _Program:
    """One process, and what it has said."""

    def __init__(self, command: Sequence[str], requester: str, about: str) -> None:
        # A file: a card of thousands of rounds would fill a pipe that nobody reads until the end.
        self._result: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._result, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        atexit.register(self._process.kill)  # the dashboard's end is its end
        self._requester, self._about = requester, about
        self._job, self._rounds, self._step = "", 0, ""
        self._steps: list[Step] = []
        self._error: KeyongError | None = None
        self._stopped, self._ended = False, False
        self._lock = threading.Lock()
        threading.Thread(target=self._follow, daemon=True).start()

    def look(self) -> Run:
        with self._lock:
            return Run(
                job=self._job,
                requester=self._requester,
                about=self._about,
                rounds=self._rounds,
                step=self._step,
                steps=tuple(self._steps),
                alive=not self._ended,
                stopped=self._stopped,
                error=self._error,
            )

    def stop(self) -> None:
        with self._lock:
            self._stopped = not self._ended
        self._process.terminate()

    def _follow(self) -> None:
        for line in self._process.stderr or ():
            self._take(line)
        status = self._process.wait()
        atexit.unregister(self._process.kill)
        error = None if status == 0 or self._stopped else self._why()
        with self._lock:
            self._ended, self._error = True, error
        self._result.close()

    def _take(self, line: str) -> None:
        try:
            said = json.loads(line)
            with self._lock:
                if "job" in said:
                    self._job, self._rounds = str(said["job"]), int(said["rounds"] or 0)
                elif "step" in said:
                    self._step = str(said["step"])
                elif "round" in said:
                    self._steps.append(msgspec.convert(said, Step))
        except (ValueError, TypeError, KeyError, msgspec.ValidationError):
            return  # a library's warning

    def _why(self) -> KeyongError:
        self._result.seek(0)
        try:
            said = json.loads(self._result.read())
            return SaidError(said["code"], said["message"], said["next"])
        except (ValueError, KeyError, TypeError):
            return HomeError("home.internal", kind="train")
