"""What has left each department: the log's egress entries, added up and held against the copy proxy's counts.

The log is append-only, so every entry is read once: a `FlowReader` remembers where it stopped, and a look costs what
is new since the last one. Left out on purpose: signatures, hash chains and departments' own journals, which
`keyong audit verify` recomputes. What a page shows of this is therefore a view of the log, not a proof of it.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from dashboard.services.accounts import Account, DepartmentLedger, settle
from federation.audit.events import Event
from federation.audit.record import COORDINATOR, Public, RecordReader

# The classes the gateways let out, most telling first; whatever else the log names is shown as "raw".
CLASSES = ("ciphertext", "sealed", "control", "record", "enrolment", "error")
RAW = "raw"

# The sum protocol's steps in order; rounds as in `federation.queries.sums`.
STEPS = (
    "agree",
    "counts.encrypt", "counts.collect", "counts.multiply", "counts.open",
    "decide",
    "sums.encrypt", "sums.collect", "sums.multiply", "sums.open",
)  # fmt: skip

EVERYTHING = "*"  # no job has this name

JobState = Literal["waiting", "running", "released", "failed", "interrupted"]
StepState = Literal["done", "now", "next", "failed"]
Role = Literal["contributor", "holder", "gate"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One egress entry: a message that left a department.

    Attributes:
        index: of the entry in the log.
        time: UTC, as events write it.
        kind: its class, or "raw" if no gateway of ours knows the class.
        size: bytes on the wire.
        commitment: HMAC of the frame under a salt that stays with the department, hex.
    """

    index: int
    time: str
    party: str
    recipient: str
    kind: str
    payload: str
    size: int
    commitment: str


class Flow(NamedTuple):
    """Messages of one class from one department to one recipient."""

    party: str
    recipient: str
    kind: str
    size: int
    messages: int


class JobLine(NamedTuple):
    """A job as a list names it."""

    name: str
    time: str
    state: JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """One job, as far as the log tells it.

    Attributes:
        outcome: "released", or the code of the error that ended it; "" before.
        rows: how many rows the analyst noted to have read; None before.
        roles: what each department did in it, in the order it came to light.
        steps: every step of the protocol; at most one is "now" or "failed".
    """

    name: str
    time: str
    requester: str
    state: JobState
    outcome: str
    rows: int | None
    roles: Mapping[str, tuple[Role, ...]]
    steps: tuple[tuple[str, StepState], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowView:
    """What the page shows.

    Attributes:
        size: entries of the log read so far.
        account: all bytes that left, whatever is selected.
        jobs: newest first.
        job: the selected one; None for everything, or if there is none yet.
        flows, frames: of the selection; frames newest first.
        denied: messages that gateways kept back, in the selection.
    """

    public: Public
    size: int
    account: Account
    jobs: tuple[JobLine, ...]
    job: JobView | None
    flows: tuple[Flow, ...]
    frames: Sequence[Frame]
    denied: int


class FlowReader:
    """Follows one record. Safe to share between the threads of several readers of the page."""

    def __init__(self, record: RecordReader) -> None:
        self._record = record
        self._lock = threading.Lock()
        self._size, self._last = 0, b""
        self._shortened = False
        self._unreadable = 0
        self._ledgers: defaultdict[str, DepartmentLedger] = defaultdict(DepartmentLedger)
        self._jobs: dict[str, _Job] = {}
        self._everything = _Job(name=EVERYTHING, time="")
        self._running: _Job | None = None

    def look(self, selected: str = "") -> FlowView:
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
            return FlowView(
                public=public,
                size=self._size,
                account=account,
                jobs=tuple(JobLine(job.name, job.time, job.state) for job in reversed(self._jobs.values())),
                job=None if chosen is self._everything else chosen.view(),
                flows=chosen.flows(),
                frames=chosen.frames[::-1],
                denied=chosen.denied,
            )

    def _newest(self) -> _Job:
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
        if event.node == COORDINATOR and event.type == "start" and self._running is not None:
            self._running.state, self._running = "interrupted", None
        job = self._job(event) if event.job else None
        for told in (self._everything, job):
            if told is not None:
                told.take(index, event)
        self._ledgers[event.node].take(event, len(entry))

    def _job(self, event: Event) -> _Job:
        job = self._jobs.get(event.job)
        if job is None:
            job = self._jobs[event.job] = _Job(name=event.job, time=event.time)
        if event.type == "job.start":
            if self._running is not None:
                self._running.state = "interrupted"
            job.state, self._running = "running", job
        elif event.type == "job.end":
            job.outcome = str(event.data.get("outcome", ""))
            job.state = "released" if job.outcome == "released" else "failed"
            self._running = None
        return job


@dataclass(slots=True, kw_only=True)
class _Job:
    """A job while it is being read; also everything together, which has no steps."""

    name: str
    time: str
    state: JobState = "waiting"
    outcome: str = ""
    requester: str = ""
    contributors: int = 0
    rows: int | None = None
    denied: int = 0
    frames: list[Frame] = field(default_factory=list)
    sizes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    messages: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    agreed: set[str] = field(default_factory=set)
    committed: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    opened: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    gate: str = ""

    def take(self, index: int, event: Event) -> None:
        """Add one event."""
        data, node = event.data, event.node
        match event.type:
            case "egress":
                kind = str(data.get("class", ""))
                kind = kind if kind in CLASSES else RAW
                recipient, size = str(data.get("to", "")), int(data.get("bytes", 0))
                told = (str(data.get("payload", "")), size, str(data.get("commitment", "")))
                self.frames.append(Frame(index, event.time, node, recipient, kind, *told))
                self.sizes[node, recipient, kind] += size
                self.messages[node, recipient, kind] += 1
            case "egress.deny":
                self.denied += 1
            case "job.start":
                self.requester = str(data.get("requester", ""))
                self.contributors = int(data.get("contributors", 0))
            case "approval.grant":
                self.agreed.add(node)
            case "commit":
                self.committed[str(data.get("round", ""))].add(node)
            case "open":
                self.opened[str(data.get("round", ""))].add(node)
                if data.get("round") == "counts":
                    self.gate = str(data.get("reader", ""))
            case "release.decide":
                self.gate = node
            case "result.read":
                self.rows = int(data.get("rows", 0))
            case _:
                pass

    def flows(self) -> tuple[Flow, ...]:
        """Per department, recipient and class."""
        return tuple(Flow(*key, size, self.messages[key]) for key, size in self.sizes.items())

    def view(self) -> JobView:
        """What is known so far."""
        return JobView(
            name=self.name,
            time=self.time,
            requester=self.requester,
            state=self.state,
            outcome=self.outcome,
            rows=self.rows,
            roles=self._roles(),
            steps=self._steps(),
        )

    def _roles(self) -> dict[str, tuple[Role, ...]]:
        roles: defaultdict[str, list[Role]] = defaultdict(list)
        for party in sorted({*self.committed["counts"], *self.committed["sums"]}):
            roles[party].append("contributor")
        for party in sorted({*self.opened["counts"], *self.opened["sums"]}):
            roles[party].append("holder")
        if self.gate:
            roles[self.gate].append("gate")
        return {party: tuple(named) for party, named in roles.items()}

    def _steps(self) -> tuple[tuple[str, StepState], ...]:
        at = len(STEPS) if self.state == "released" else self._reached()
        here: StepState = "now" if self.state in ("waiting", "running") else "failed"
        return tuple((name, "done" if i < at else here if i == at else "next") for i, name in enumerate(STEPS))

    def _reached(self) -> int:
        """The step under way, from events alone: at most one message behind what really happens.

        Multiplying leaves no event of its own; it is over when a key holder has opened the product.
        """
        at = 0
        if self.contributors and len(self.agreed) >= self.contributors:
            at = STEPS.index("counts.encrypt")
        for name, after in (("counts", "decide"), ("sums", "")):
            if self.contributors and len(self.committed[name]) >= self.contributors:
                at = STEPS.index(f"{name}.collect")
            if self.opened[name]:
                at = STEPS.index(after or f"{name}.open")
            if after and self.committed["sums"]:
                at = STEPS.index("sums.encrypt")
        return at


class _Envelope(msgspec.Struct):
    payload: bytes


_envelopes = msgspec.json.Decoder(_Envelope)
_events = msgspec.json.Decoder(Event)
