"""(7, code to data) A script runs once, at the one department that agreed to it; only what was released leaves, once.

The log holds how the run ended and how much a hostile script could have hidden in its table, not the table. That the
script was the approved one is the department's own check: the plan, which all hash, holds every file.
"""

from __future__ import annotations

import re
from typing import get_args

from federation.audit.rules.findings import Written, wrong
from federation.plan import MAX_DIGITS
from federation.sandbox.limits import Status

KIND = "script"
# What may leave of such a job: no ciphertext, no share, nothing masked.
CLASSES = frozenset({"control", "output"})
RELEASED: Status = "done"
REFUSED = re.compile(r"refused\.[a-z_]+")


class Script:
    """The one run of a job. That it is run once, by a department that joined, is checked by `Jobs`."""

    def __init__(self) -> None:
        self._released = False

    def run(self, written: Written) -> None:
        """The department tells how its run ended."""
        written.hash("code")
        status, digits = written.text("status"), written.number("digits")
        if status not in get_args(Status) and not REFUSED.fullmatch(status):
            raise wrong(written.where, "it does not state how the script ended")
        if not 1 <= digits <= MAX_DIGITS:
            raise wrong(written.where, f"it does not state digits from 1 to {MAX_DIGITS}")
        for name in ("bits", "milliseconds"):
            written.number(name)
        self._released = status == RELEASED

    def leave(self, written: Written) -> None:
        """One table for a run that was released."""
        if not self._released:
            event = written.event
            raise wrong(written.where, f"{event.node} sent an output of job {event.job} that no script had released")
        self._released = False
