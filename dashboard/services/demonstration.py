"""The last demonstration's report: the one comparison with the clear answer, which the dashboard cannot make itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dashboard.services.log import LogView

if TYPE_CHECKING:
    from federation.demo.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """A report that is about this record.

    Attributes:
        at: when its last query was asked, out of the log, UTC.
    """

    report: Report
    at: str

    @property
    def compared(self) -> int:
        """Released numbers that were compared with the clear answer."""
        return sum(asked.compared for asked in self.report.queries) + self.report.scripted.compared

    @property
    def different(self) -> int:
        """Those of them that differ."""
        return sum(asked.different for asked in self.report.queries) + self.report.scripted.different

    @property
    def refused(self) -> int:
        """Forbidden requests that were refused, each for its own reason."""
        return sum(refused.code == refused.expected for refused in self.report.refused)


def demonstration(home: Path, view: LogView) -> Demonstration | None:
    """Read the report; None if there is none, or if it is about jobs that this log does not have."""
    try:
        content = (home / "demo.json").read_bytes()
    except OSError:
        return None
    # Only here: the demonstration's package brings half a second of imports that other homes do not need.
    from federation.demo.report import Report

    try:
        report = msgspec.json.decode(content, type=Report)
    except msgspec.MsgspecError:
        return None
    released = {line.name: line.time for line in view.jobs if line.state == "released"}
    jobs = [asked.job for asked in report.queries if asked.job]
    if not jobs or any(job not in released for job in jobs):
        return None
    return Demonstration(report=report, at=max(released[job] for job in jobs))
