"""Slows whoever guesses at a passphrase: after a few wrong ones an account is not listened to for a while.

Nobody waits in this process: who comes too early is refused, with the seconds that are left, by a clock that nobody
sets. An account is tried once at a time, or many tries begun together would all be free. The wait has a bound, so that
a stranger can delay an officer and not lock one out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil

from federation.errors import KeyongError, RefusedError

FREE = 3  # slips of the finger
FIRST_WAIT_S, LONGEST_WAIT_S = 10.0, 300.0
BUSY_S = 2.0
# What an attempt ends with that was a wrong guess; anything else says nothing about the passphrase.
WRONG = frozenset({"home.passphrase", "refused.code"})

logger = logging.getLogger(__name__)


def wait_s(failures: int) -> float:
    """How long an account rests after so many wrong ones in a row, seconds."""
    if failures < FREE:
        return 0.0
    return min(FIRST_WAIT_S * 2.0 ** min(failures - FREE, 16), LONGEST_WAIT_S)


class Attempts:
    """Counts for all accounts of a home. Safe to share between visitors."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: Counter[str] = Counter()
        self._until: dict[str, float] = {}  # when an account is listened to again
        self._under_way: set[str] = set()

    def failures(self, account: str) -> int:
        """How many wrong ones there were since the last right one."""
        return self._failures[account]

    @contextmanager
    def attempt(self, account: str) -> Iterator[None]:
        """Try a passphrase in the body, which raises if it is wrong.

        Raises:
            RefusedError: too early; the body is not entered.
        """
        self._enter(account)
        try:
            yield
        except KeyongError as error:
            if error.code in WRONG:
                self._fail(account)
            raise
        else:
            with self._lock:
                self._failures.pop(account, None)
                self._until.pop(account, None)
        finally:
            with self._lock:
                self._under_way.discard(account)

    def _enter(self, account: str) -> None:
        with self._lock:
            left = self._until.get(account, 0.0) - self._clock()
            if left <= 0 and account not in self._under_way:
                self._under_way.add(account)
                return
        raise RefusedError("refused.too_soon", account=account, seconds=ceil(max(left, BUSY_S)))

    def _fail(self, account: str) -> None:
        with self._lock:
            self._failures[account] += 1
            self._until[account] = self._clock() + wait_s(self._failures[account])
            logger.warning("wrong passphrase for %s, %d in a row", account, self._failures[account])
