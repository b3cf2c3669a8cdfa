"""One job, read event by event: which messages left for it, who did what, and how far the protocol has come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from federation.audit.events import Event

# The classes the gateways let out, most telling first; whatever else the log names is shown as "raw".
CLASSES = ("ciphertext", "sealed", "masked", "unmask", "clear", "control", "desk", "record", "enrolment", "error")
RAW = "raw"

# The sum protocol's steps in order; rounds as in `federation.queries.sums`.
STEPS = (
    "agree",
    "counts.encrypt", "counts.collect", "counts.multiply", "counts.open",
    "decide",
    "sums.encrypt", "sums.collect", "sums.multiply", "sums.open",
)  # fmt: skip

# What makes up the life of a request.
ACTS = frozenset(
    {"request.submit", "request.receive", "approval.grant", "approval.deny", "approval.revoke", "job.start",
     "job.join", "open", "job.end", "result.read"}
)  # fmt: skip

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


class Act(NamedTuple):
    """Something that was said or done about a request.

    Attributes:
        entry: its index in the log.
        party: whose chain it stands in.
        actor: who did it: the officer, for an officer's word.
        role: the actor's; "automatic" if nobody was asked.
        outcome: of a job that ended.
    """

    entry: int
    time: str
    kind: str
    party: str
    actor: str
    role: str
    outcome: str


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


@dataclass(slots=True, kw_only=True)
class JobReading:
    """A job while it is being read; also everything together, which has no steps."""

    name: str
    time: str
    state: JobState = "waiting"
    outcome: str = ""
    requester: str = ""
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
            outcome = str(data.get("outcome", ""))
            self.acts.append(Act(index, event.time, event.type, node, event.actor.name, event.actor.role, outcome))
        match event.type:
            case "egress.deny":
                self.denied += 1
            case "request.submit":
                self.plan = str(data.get("plan", ""))
                self.requester = event.actor.name
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
            case "round":
                self.rounds.append(Summed(str(data.get("round", "")), tuple(str(data.get("survivors", "")).split())))
            case "result.read":
                self.rows = int(data.get("rows", 0))
            case _:
                pass

    def flows(self) -> tuple[Flow, ...]:
        """Per department, recipient and class."""
        return tuple(Flow(*key, size, messages) for key, (size, messages) in self.sums.items())

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
