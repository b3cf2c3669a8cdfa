"""The log, read for all pages: what has left each department, held against the copy proxy's counts, and who did what.

The log is append-only, so every entry is read once: a `LogReader` remembers where it stopped, and a look costs what
is new since the last one. Left out on purpose: signatures, hash chains and departments' own journals, which
`keyong audit verify` recomputes. What a page shows of this is therefore a view of the log, not a proof of it.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec

from dashboard.services.accounts import Account, DepartmentLedger, settle
from dashboard.services.jobs import RAW, Flow, Frame, JobLine, JobReading, JobView, frame_of
from dashboard.services.milestones import Milestone, Story
from dashboard.services.parties import Party
from dashboard.services.requests import Told
from federation.audit.events import Event
from federation.audit.record import COORDINATOR, Public, RecordReader
from federation.governance.members import suspended

EVERYTHING = "*"  # no job has this name


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """What the log tells.

    Attributes:
        size: entries of the log read so far.
        account: all bytes that left, whatever is selected.
        jobs: newest first.
        job: the selected one; None for everything, or if there is none yet.
        flows, frames: of the selection; frames newest first.
        denied: messages that gateways kept back, in the selection.
        parties: whoever has an entry in the log, by name.
        milestones: the latest, oldest first.
        suspended: departments that do not count, by a majority of officers.
    """

    public: Public
    size: int
    account: Account
    jobs: tuple[JobLine, ...]
    job: JobView | None
    flows: tuple[Flow, ...]
    frames: Sequence[Frame]
    denied: int
    parties: Mapping[str, Party]
    milestones: Sequence[Milestone]
    suspended: frozenset[str]


class LogReader:
    """Follows one record. Safe to share between pages and the threads of their visitors."""

    def __init__(self, record: RecordReader) -> None:
        self._record = record
        self._lock = threading.Lock()
        self._size, self._last = 0, b""
        self._shortened = False
        self._unreadable = 0
        self._ledgers: defaultdict[str, DepartmentLedger] = defaultdict(DepartmentLedger)
        self._jobs: dict[str, JobReading] = {}
        self._everything = JobReading(name=EVERYTHING, time="")
        self._running: JobReading | None = None
        self._parties: dict[str, Party] = {}
        self._story = Story()
        self._member_acts: list[Event] = []

    def look(self, selected: str = "") -> LogView:
        """Read what is new and tell what is known.

        Args:
            selected: a job's name, EVERYTHING, or "" for the newest job; an unknown name means the newest, too.

        Raises:
            RecordError: the files cannot be read.
        """
        with self._lock:
            # The log before the counts: a ledger entry reaches the log with the message after it, whose bytes the
            # proxy takes only when the count of the message before is on disk. So the log cannot be ahead.
            self._catch_up()
            sessions = self._record.sessions()
            public = self._record.public()
            chosen = self._everything if selected == EVERYTHING else self._jobs.get(selected, self._newest())
            account = settle(
                {party: self._ledgers[party] for party in public.departments},
                sessions,
                resting=self._is_resting(),
                shortened=self._shortened,
                unreadable=self._unreadable,
                unlisted=sum(size.messages for size in self._everything.flows() if size.kind == RAW),
            )
            return LogView(
                public=public,
                size=self._size,
                account=account,
                jobs=tuple(JobLine(job.name, job.time, job.state) for job in reversed(self._jobs.values())),
                job=None if chosen is self._everything else chosen.view(),
                flows=chosen.flows(),
                frames=chosen.frames[::-1],
                denied=chosen.denied,
                parties={name: party.copy() for name, party in self._parties.items()},
                milestones=self._story.told(),
                suspended=suspended(self._member_acts, public.departments),
            )

    def requests(self, most: int) -> tuple[Told, ...]:
        """The newest requests, as of the last look; newest first."""
        with self._lock:
            newest = islice(reversed(self._jobs.values()), most)
            return tuple(
                Told(
                    job=job.name,
                    kind=job.kind,
                    time=job.time,
                    plan=job.plan,
                    requester=job.requester,
                    state=job.state,
                    outcome=job.outcome,
                    acts=tuple(job.acts),
                    rounds=tuple(job.rounds),
                )
                for job in newest
            )

    def _newest(self) -> JobReading:
        return next(reversed(self._jobs.values()), self._everything)

    def _is_resting(self) -> bool:
        """Whether the coordinator has gathered all journals since anything was said, as it does at every job's end."""
        last = self._newest()
        # A party that died or hung was not gathered from; its last message may be of any size.
        gone = last.outcome.split(".")[0] in ("node", "home")
        return self._running is None and last.state in ("waiting", "released", "failed") and not gone

    def _catch_up(self) -> None:
        # The last entry known is read again: a log that was cut, or replaced, does not have it there.
        entries = self._record.entries(max(self._size - 1, 0))
        if self._size:
            if not entries or entries[0] != self._last:
                self._shortened = True
                return
            del entries[0]
        for entry in entries:
            self._take(entry)
        if entries:
            self._last = entries[-1]
        self._shortened = False

    def _take(self, entry: bytes) -> None:
        index, self._size = self._size, self._size + 1
        try:
            event = _events.decode(_envelopes.decode(entry).payload)
        except msgspec.MsgspecError:
            self._unreadable += 1
            return
        if event.node == COORDINATOR and event.type == "start":
            self._begin_anew()
        job = self._job(event) if event.job else None
        readings = (self._everything,) if job is None else (self._everything, job)
        if event.type == "egress":
            frame = frame_of(index, event)
            for reading in readings:
                reading.take_frame(frame)
        else:
            for reading in readings:
                reading.take(index, event)
        self._ledgers[event.node].take(event, len(entry))
        party = self._parties.get(event.node)
        if party is None:  # not setdefault: it would make a party for every entry
            party = self._parties[event.node] = Party(name=event.node)
        party.take(event, entry)
        self._story.take(event)
        if event.type in ("member.suspend", "member.resume"):
            self._member_acts.append(event)

    def _begin_anew(self) -> None:
        """The coordinator's start is everybody's: what ran has ended, and the next starts are no restarts."""
        if self._running is not None:
            self._running.state, self._running = "interrupted", None
        for party in self._parties.values():
            party.starts = 0

    def _job(self, event: Event) -> JobReading:
        job = self._jobs.get(event.job)
        if job is None:
            job = self._jobs[event.job] = JobReading(name=event.job, time=event.time)
        if event.type == "job.start":
            if self._running is not None:
                self._running.state = "interrupted"
            job.state, self._running = "running", job
        elif event.type == "job.end":
            job.outcome = str(event.data.get("outcome", ""))
            job.state = "released" if job.outcome == "released" else "failed"
            self._running = None
        return job


class _Envelope(msgspec.Struct):
    payload: bytes


_envelopes = msgspec.json.Decoder(_Envelope)
_events = msgspec.json.Decoder(Event)
