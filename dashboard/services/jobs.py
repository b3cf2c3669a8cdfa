"""One job, read event by event: which messages left for it, who did what, and how far the protocol has come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from dashboard.services.acts import ACTS, Act, act_of
from federation.audit.events import Event
from federation.settings import JobKind

# The classes the gateways let out, most telling first; whatever else the log names is shown as "raw".
CLASSES = (
    "output", "ciphertext", "sealed", "masked", "unmask", "clear", "control", "desk", "catalogue", "record",
    "enrolment", "error",
)  # fmt: skip
RAW = "raw"

# What a job's name begins with: all that is known of its kind before it starts.
PREFIXES: Mapping[str, JobKind] = {"q": "sum", "t": "train", "p": "predict", "s": "script"}

# The sum protocol's steps in order; rounds as in `federation.queries.sums`.
STEPS = (
    "agree",
    "counts.encrypt", "counts.collect", "counts.multiply", "counts.open",
    "decide",
    "sums.encrypt", "sums.collect", "sums.multiply", "sums.open",
)  # fmt: skip

# A script's, at the one department that holds the data.
SCRIPT_STEPS = ("agree", "script.run", "script.release", "script.deliver")
# Joint training has rounds instead, and a page of its own.
STEPS_OF: Mapping[JobKind, tuple[str, ...]] = {"sum": STEPS, "script": SCRIPT_STEPS}

JobState = Literal["waiting", "running", "released", "failed", "interrupted"]
StepState = Literal["done", "now", "next", "failed"]
Role = Literal["contributor", "holder", "gate"]


class Frame(NamedTuple):
    """One egress entry: a message that left a department.

    Attributes:
        entry: its index in the log.
        time: UTC, as events write it.
        kind: its class, or "raw" if no gateway of ours knows the class.
        size: bytes on the wire.
        commitment: HMAC of the frame under a salt that stays with the department, hex.
    """

    entry: int
    time: str
    party: str
    recipient: str
    kind: str
    payload: str
    size: int
    commitment: str


def frame_of(index: int, event: Event) -> Frame:
    """Read an egress event."""
    data = event.data
    kind = str(data.get("class", ""))
    return Frame(
        index,
        event.time,
        event.node,
        str(data.get("to", "")),
        kind if kind in CLASSES else RAW,
        str(data.get("payload", "")),
        int(data.get("bytes", 0)),
        str(data.get("commitment", "")),
    )


class Summed(NamedTuple):
    """One sum of a training, as the coordinator noted it.

    Attributes:
        round: moments, update.12, tree.3.level.1, measure.12.
        survivors: departments that are in it.
    """

    round: str
    survivors: tuple[str, ...]


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
        steps: every step of the protocol; at most one is "now" or "failed"; none of a training.
    """

    name: str
    time: str
    kind: JobKind
    requester: str
    state: JobState
    outcome: str
    rows: int | None
    roles: Mapping[str, tuple[Role, ...]]
    steps: tuple[tuple[str, StepState], ...]


@dataclass(slots=True, kw_only=True)
class JobReading:
    """A job while it is being read; also everything together, which has no steps."""

    name: str
    time: str
    state: JobState = "waiting"
    outcome: str = ""
    requester: str = ""
    started_as: str = ""
    ran: str = ""
    contributors: int = 0
    rows: int | None = None
    denied: int = 0
    plan: str = ""
    frames: list[Frame] = field(default_factory=list)
    sums: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    acts: list[Act] = field(default_factory=list)
    rounds: list[Summed] = field(default_factory=list)
    agreed: set[str] = field(default_factory=set)
    committed: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    opened: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    gate: str = ""

    def take_frame(self, frame: Frame) -> None:
        """Add one message that left."""
        self.frames.append(frame)
        key = (frame.party, frame.recipient, frame.kind)
        if (known := self.sums.get(key)) is None:
            known = self.sums[key] = [0, 0]
        known[0] += frame.size
        known[1] += 1

    def take(self, index: int, event: Event) -> None:
        """Add one event that is no message."""
        data, node = event.data, event.node
        if event.type in ACTS:
            self.acts.append(act_of(index, event))
        match event.type:
            case "egress.deny":
                self.denied += 1
            case "request.submit":
                self.plan = str(data.get("plan", ""))
                self.requester = event.actor.name
            case "job.start":
                self.started_as = str(data.get("kind", "sum"))
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
            case "script":
                self.ran = str(data.get("status", ""))
            case "round":
                self.rounds.append(Summed(str(data.get("round", "")), tuple(str(data.get("survivors", "")).split())))
            case "result.read":
                self.rows = int(data.get("rows", 0))
            case _:
                pass

    @property
    def kind(self) -> JobKind:
        """What kind of job it is: as the coordinator began it, else as its name says."""
        known = (kind for kind in PREFIXES.values() if kind == self.started_as)
        return next(known, PREFIXES.get(self.name.partition("-")[0], "sum"))

    def flows(self) -> tuple[Flow, ...]:
        """Per department, recipient and class."""
        return tuple(Flow(*key, size, messages) for key, (size, messages) in self.sums.items())

    def view(self) -> JobView:
        """What is known so far."""
        return JobView(
            name=self.name,
            time=self.time,
            kind=self.kind,
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
        names = STEPS_OF.get(self.kind, ())
        at = len(names) if self.state == "released" else self._reached()
        here: StepState = "now" if self.state in ("waiting", "running") else "failed"
        return tuple((name, "done" if i < at else here if i == at else "next") for i, name in enumerate(names))

    def _reached(self) -> int:
        """The step under way, from events alone: at most one message behind what really happens."""
        agreed = bool(self.contributors) and len(self.agreed) >= self.contributors
        return self._script_reached(agreed=agreed) if self.kind == "script" else self._sum_reached(agreed=agreed)

    def _script_reached(self, *, agreed: bool) -> int:
        if not self.ran:
            return SCRIPT_STEPS.index("script.run" if agreed else "agree")
        if self.ran == "done":
            return SCRIPT_STEPS.index("script.deliver")
        return SCRIPT_STEPS.index("script.release" if self.ran.startswith("refused.") else "script.run")

    def _sum_reached(self, *, agreed: bool) -> int:
        """Multiplying leaves no event of its own; it is over when a key holder has opened the product."""
        at = STEPS.index("counts.encrypt") if agreed else 0
        for name, after in (("counts", "decide"), ("sums", "")):
            if self.contributors and len(self.committed[name]) >= self.contributors:
                at = STEPS.index(f"{name}.collect")
            if self.opened[name]:
                at = STEPS.index(after or f"{name}.open")
            if after and self.committed["sums"]:
                at = STEPS.index("sums.encrypt")
        return at
