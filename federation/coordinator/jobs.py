"""The job queue: one job at a time, watched by whoever submitted it.

Jobs live in memory. What has to survive a crash is in the log; a job that was running when the coordinator stopped is
over, and asking again is a new attempt.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from federation.errors import KeyongError, RefusedError
from federation.plan import AnyPlan
from federation.queries.sums import SealedTotals

MAX_WAITING = 100


class Job:
    """One submitted request and what has become of it."""

    def __init__(self, name: str, plan: AnyPlan, request: bytes) -> None:
        self.name, self.plan, self.request = name, plan, request
        self.steps: list[tuple[str, float]] = []
        self.result: SealedTotals | None = None
        self.error: KeyongError | None = None
        self._done = False
        self._cancelled = False
        self._changed = threading.Condition()

    def step(self, name: str) -> None:
        """Note that a step begins.

        Raises:
            RefusedError: whoever asked has gone away.
        """
        with self._changed:
            if self._cancelled:
                raise RefusedError("refused.cancelled")
            self.steps.append((name, time.monotonic()))
            self._changed.notify_all()

    def wait_for(self, desks: tuple[str, ...]) -> None:
        """Note on whose desks the request lies."""
        name = " ".join(("wait", *desks))
        if not self.steps or self.steps[-1][0] != name:
            self.step(name)

    def cancel(self) -> None:
        """Stop before the next step."""
        with self._changed:
            self._cancelled = True

    @property
    def is_cancelled(self) -> bool:
        """Whether whoever asked has gone away."""
        return self._cancelled

    def finish(self, result: SealedTotals | None, error: KeyongError | None) -> None:
        """End the job, one way or the other."""
        with self._changed:
            self.result, self.error, self._done = result, error, True
            self.steps.append(("end", time.monotonic()))
            self._changed.notify_all()

    def watch(self, interval_s: float) -> Iterator[tuple[str, float] | None]:
        """Yield every step as it begins, and None at least every `interval_s` seconds; ends with the job."""
        seen = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._done or len(self.steps) > seen, timeout=interval_s)  # noqa: B023
                fresh, done = self.steps[seen:], self._done
            yield from fresh
            seen += len(fresh)
            if done:
                return
            if not fresh:
                yield None


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing to run: time to look after what waits for approval, and to seal the record.

    Attributes:
        nudged: somebody says that an officer has spoken.
        describe: somebody wants to know what departments offer, and no more.
        done: set when it has been looked after.
    """

    nudged: bool
    describe: bool = False
    done: threading.Event = field(default_factory=threading.Event, compare=False)


@dataclass(frozen=True, slots=True)
class Closed:
    """No more jobs come."""


class JobQueue:
    """Jobs in the order they came."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Job | Tick | Closed] = queue.Queue(MAX_WAITING)

    def submit(self, job: Job) -> None:
        """Add a job.

        Raises:
            RefusedError: too many are waiting.
        """
        try:
            self._waiting.put_nowait(job)
        except queue.Full as exc:
            raise RefusedError("refused.busy", waiting=MAX_WAITING) from exc

    def nudge(self) -> None:
        """Let `next` return a tick soon: an officer has spoken."""
        with contextlib.suppress(queue.Full):  # whoever serves the queue is busy, and looks after the desks anyway
            self._waiting.put_nowait(Tick(nudged=True))

    def seal(self) -> threading.Event:
        """Have the record sealed after whatever waits now; the event is set then.

        Raises:
            RefusedError: too many are waiting.
        """
        return self._tick(Tick(nudged=True))

    def describe(self) -> threading.Event:
        """Have departments asked what they offer, after whatever waits now; the event is set then.

        Raises:
            RefusedError: too many are waiting.
        """
        return self._tick(Tick(nudged=False, describe=True))

    def _tick(self, tick: Tick) -> threading.Event:
        try:
            self._waiting.put_nowait(tick)
        except queue.Full as exc:
            raise RefusedError("refused.busy", waiting=MAX_WAITING) from exc
        return tick.done

    def next(self, patience_s: float) -> Job | Tick | Closed:
        """Wait for the next job, or for a tick at least every `patience_s` seconds."""
        try:
            return self._waiting.get(timeout=patience_s)
        except queue.Empty:
            return Tick(nudged=False)

    def close(self) -> None:
        """Let `next` return Closed once the waiting jobs are done."""
        self._waiting.put(Closed())
