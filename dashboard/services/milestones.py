"""The log as a story: what several departments did alike, one after the other, is one milestone."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import islice

from federation.audit.events import Event

KINDS = frozenset(
    {"start", "request.submit", "request.receive", "approval.grant", "approval.deny", "approval.revoke", "commit",
     "open", "release.decide", "script", "job.end", "result.read", "egress.deny", "incident"}
)  # fmt: skip
KEPT = 60
NEAR = 3  # departments work side by side: their events may alternate with a few others


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """Something that happened, and who did it.

    Attributes:
        time: when the first of them did, UTC.
        round: counts or sums, where the protocol has both.
        reader: to whom something was opened.
        automatic: no person was asked.
        outcome: of a job that ended; of a script, how its run did.
        rows: that were read, or groups that were let out.
        stopper: the department whose officer has said no to the job by then.
    """

    kind: str
    job: str
    time: str
    parties: tuple[str, ...]
    round: str = ""
    reader: str = ""
    automatic: bool = False
    outcome: str = ""
    rows: int = 0
    stopper: str = ""

    def joined_by(self, other: Milestone) -> bool:
        """Whether the other is the same act of somebody else."""
        same = (self.kind, self.job, self.round) == (other.kind, other.job, other.round)
        return same and other.parties[0] not in self.parties


class Story:
    """The latest milestones, while the log is being read."""

    def __init__(self) -> None:
        self._told: deque[Milestone] = deque(maxlen=KEPT)
        self._stopped: dict[str, str] = {}

    def take(self, event: Event) -> None:
        """Add one event; most are of no interest here."""
        if event.type not in KINDS:
            return
        data = event.data
        if event.type in ("approval.deny", "approval.revoke"):
            self._stopped[event.job] = event.node
        new = Milestone(
            kind=event.type,
            job=event.job,
            time=event.time,
            parties=(event.node,),
            round=str(data.get("round", "")),
            reader=str(data.get("reader", "")),
            automatic=event.actor.role == "automatic",
            outcome=str(data.get("outcome", data.get("status", ""))),
            rows=int(data.get("rows", data.get("groups", 0))),
            stopper=self._stopped.get(event.job, ""),
        )
        for back, milestone in enumerate(islice(reversed(self._told), NEAR), 1):
            if milestone.joined_by(new):
                self._told[-back] = _join(milestone, new)
                return
        self._told.append(new)

    def told(self) -> tuple[Milestone, ...]:
        """The latest milestones, oldest first."""
        return tuple(self._told)


def _join(milestone: Milestone, new: Milestone) -> Milestone:
    return replace(
        milestone,
        parties=(*milestone.parties, *new.parties),
        automatic=milestone.automatic and new.automatic,
    )
