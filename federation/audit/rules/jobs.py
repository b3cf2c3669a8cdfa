"""(7) Every job: approved by all that take part, in a sealed record, for that plan, once; nothing after a revocation.

What a department knew is told by `seen`, the checkpoint it had co-signed: a department that goes on although a
revocation stands in what it saw has broken the rules; one whose answer was merely late has not. Nobody can have seen
less than before (step 5), and every cosignature leaves a ledger entry, so that `seen` cannot be understated for long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from federation.audit.rules.checkpoints import Checkpoint
from federation.audit.rules.findings import Written, wrong
from federation.audit.rules.rounds import Rounds
from federation.audit.rules.scripts import CLASSES, KIND, Script
from federation.audit.rules.shelves import Shelves
from federation.audit.rules.statements import Said
from federation.audit.rules.words import Words

# What may leave without a department's word: it tells nothing of the data.
OUTSIDE_JOBS = frozenset({"enrolment", "record", "desk", "catalogue", "error"})

# Records from before there was anything else than sums do not say.
KINDS = frozenset({"sum", "train", "predict", KIND})


@dataclass(slots=True, kw_only=True)
class Job:
    """One job, followed through the log.

    Attributes:
        done: the steps so far: what, by whom, in which round.
        outcome: "" while it runs.
    """

    kind: str
    plan: str
    requester: str
    participants: tuple[str, ...]
    contributors: int
    rounds: Rounds
    script: Script = field(default_factory=Script)
    joined: set[str] = field(default_factory=set)
    done: set[tuple[str, str, str]] = field(default_factory=set)
    outcome: str = ""

    @property
    def agreed(self) -> tuple[object, ...]:
        """What was agreed to, and stays as it is should the job begin again."""
        return self.kind, self.plan, self.requester, self.participants, self.contributors


class Jobs:
    """All jobs; `follow` takes the events in their order."""

    def __init__(self, said: Said, sealed: Mapping[int, Checkpoint], *, grants: int) -> None:
        """Begin with none.

        Args:
            sealed: checkpoints by their size.
            grants: how many officers of a department have to grant a request; see the roster.
        """
        self._sealed = sealed
        self._words = Words(said, needed=grants)
        self._shelves = Shelves(self._words)
        self.jobs: dict[str, Job] = {}

    def follow(self, written: Written) -> None:
        """Take one event into account.

        Raises:
            RecordError: it is against the rules.
        """
        match written.event.type:
            case "approval.grant" | "approval.deny" | "approval.revoke":
                self._words.speak(written)
            case "start":
                self._shelves.start(written)
            case "request.receive":
                self._shelves.receive(written)
            case "shelf":
                self._shelves.show(written)
            case "job.start":
                self._start(written)
            case "job.end":
                self._begun(written).outcome = written.text("outcome")
            case "job.join":
                self._join(written)
            case "commit" | "release.decide" | "open" | "mask.keys" | "mask" | "survivors" | "predict" | "script":
                self._step(written)
            case "round":
                self._begun(written).rounds.close(written)
            case "model":
                self._model(written)
            case "egress":
                self._leave(written)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many jobs ended how; "" for those that did not."""
        counts: dict[str, int] = {}
        for job in self.jobs.values():
            counts[job.outcome] = counts.get(job.outcome, 0) + 1
        return counts

    @property
    def unapproved(self) -> int:
        """Jobs of any kind in which somebody took part without the word of all, of as many officers as it takes."""
        return sum(
            bool(job.joined) and not all(self._was_granted(name, department) for department in job.participants)
            for name, job in self.jobs.items()
        )

    def _was_granted(self, job: str, department: str) -> bool:
        word = self._words.find(job, department)
        return word is not None and self._words.is_whole(word)

    # -- the coordinator ----------------------------------------------------------------------------------------------

    def _start(self, written: Written) -> None:
        """A job may begin again if nobody had joined it; nothing about it may change."""
        participants, contributors = tuple(written.text("participants").split()), written.number("contributors")
        kind = written.text("kind") if "kind" in written.event.data else "sum"
        if kind not in KINDS:
            raise wrong(written.where, f"job {written.event.job} is of no kind that there is")
        if kind == KIND and (contributors, len(participants)) != (1, 1):
            raise wrong(written.where, f"job {written.event.job} runs a script at more than one department")
        job = Job(
            kind=kind,
            plan=written.text("plan"),
            requester=written.text("requester"),
            participants=participants,
            contributors=contributors,
            rounds=Rounds(contributors, train=kind == "train"),
        )
        known = self.jobs.setdefault(written.event.job, job)
        if known.joined or known.agreed != job.agreed:
            raise wrong(written.where, f"job {written.event.job} ran before, or was another one")
        if not 0 < contributors <= len(participants):
            raise wrong(written.where, f"job {written.event.job} does not state participants that contribute to it")

    def _begun(self, written: Written) -> Job:
        job = self.jobs.get(written.event.job)
        if job is None:
            raise wrong(written.where, f"something of job {written.event.job} before it had begun")
        return job

    def _model(self, written: Written) -> None:
        job = self._begun(written)
        if job.kind != "train":
            raise wrong(written.where, f"job {written.event.job} was to train nothing")
        job.rounds.make(written)

    # -- the departments ----------------------------------------------------------------------------------------------

    def _join(self, written: Written) -> None:
        """Once, for that plan, knowing of everybody's word from a sealed record."""
        event, job = written.event, self._begun(written)
        if event.node in job.joined:
            raise wrong(written.where, f"{event.node} ran job {event.job} twice on one approval")
        if event.node not in job.participants or written.text("plan") != job.plan:
            raise wrong(written.where, f"{event.node} joined another job than the one that began")
        seen = self._check_sealed(written, job)
        for department in job.participants:
            word = self._words.check(written, event.job, department)
            if (word.plan, word.requester) != (job.plan, job.requester):
                raise wrong(written.where, f"{department} approved another plan or another requester")
            if word.place is None or word.place >= seen:
                raise wrong(written.where, f"the approval by {department} was not in the sealed record yet")
        self._shelves.join(written)
        job.joined.add(event.node)

    def _step(self, written: Written) -> None:
        """Once, by one that joined, while its own word stands."""
        event, job = written.event, self._begun(written)
        named = "batch" if event.type == "mask.keys" else "round"
        step = (event.type, event.node, str(event.data.get(named, "")))
        self._check_own(written, job)
        if (event.type == "script") != (job.kind == KIND):
            raise wrong(written.where, f"job {event.job} is of a kind that has no such step")
        if step in job.done:
            raise wrong(written.where, f"{event.node} did the same step of a job twice")
        job.done.add(step)
        match event.type:
            case "commit":
                job.rounds.commit(written)
            case "open":
                job.rounds.open(written, self._check_sealed(written, job))
            case "mask.keys":
                job.rounds.exchange_keys(written, job.participants)
            case "mask":
                self._words.check_unrefused(written)
                job.rounds.mask(written)
            case "survivors":
                job.rounds.sign(written)
            case "predict" if job.kind != "predict":
                raise wrong(written.where, f"job {event.job} was to score nobody")
            case "script":
                job.script.run(written)

    def _check_own(self, written: Written, job: Job) -> None:
        event = written.event
        if event.node not in job.joined:
            self._words.check(written, event.job, event.node)
            raise wrong(written.where, f"{event.node} worked on job {event.job} without having joined it")
        self._words.check(written, event.job, event.node)

    def _check_sealed(self, written: Written, job: Job) -> int:
        """What the department had co-signed was sealed, by all that take part among others, and shows no refusal."""
        event = written.event
        checkpoint = self._sealed.get(event.seen.size)
        if checkpoint is None or not set(job.participants) <= set(checkpoint.times):
            raise wrong(
                written.where, f"{event.node} went on without a sealed record (it had seen {event.seen.size} entries)"
            )
        self._words.check_unrefused(written)
        return event.seen.size

    def _leave(self, written: Written) -> None:
        """What leaves for a job needs the department's word; what was computed for it, that it has joined."""
        event, kind = written.event, written.text("class")
        if kind in OUTSIDE_JOBS:
            return
        if event.data.get("payload") == "agreement":
            self._words.check(written, event.job, event.node)
            return
        job = self._begun(written)
        self._check_own(written, job)
        if job.kind == KIND and kind not in CLASSES:
            raise wrong(written.where, f"{kind} left for job {event.job}, of which only a script's output does")
        if kind == "output":
            job.script.leave(written)
        job.rounds.leave(written, kind)
