"""What the roles at a department share: what it works with, one agreed job, and how it reads what others signed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from crypto.paillier import Encryptor, PublicKey
from crypto.threshold import KeyShare
from federation.adapters import Adapter, Cells
from federation.audit.events import Actor
from federation.audit.journal import Draft
from federation.audit.seal import check_sealed
from federation.errors import NodeError, RefusedError
from federation.governance.approvals import Approvals
from federation.governance.identity import Identity
from federation.governance.roster import Roster
from federation.messages import Envelope, Message, Payload, decode
from federation.plan import AnyPlan
from federation.sandbox.limits import NoRunner, Runner
from federation.settings import Catalogue

if TYPE_CHECKING:
    from federation.aggregation.masked import Batch

Progress = Callable[[str], None]
Seal = Callable[[Sequence[str]], str]
"""Brings the record to a quorum of witnesses, the named departments among them; the checkpoint they co-signed."""


class Act(NamedTuple):
    """What a department does about a request: the answer, and the events that go on disk before it leaves."""

    payload: Payload
    drafts: tuple[Draft, ...] = ()


class Mirror(Protocol):
    """What a department's own copy of the record tells it."""

    def revoked(self, job: str) -> tuple[str, ...]:
        """The departments whose officers have denied or revoked a job."""
        ...

    def suspended(self) -> frozenset[str]:
        """The departments that do not count at the moment."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What a department works with.

    Attributes:
        stores: its own tables by name.
        share: its share of the joint key.
        approvals: what its officers have said.
        mirror: its own copy of the record.
        check_cells: refuses numbers that are raw cells of a store; takes job, attempt, and the groups' measures.
        check_text: refuses a text in which there is one; takes job, attempt, and the text.
        clock: its own.
        home: its own folder, for what stays with it.
        runner: runs scripts beside it, if anybody does.
    """

    identity: Identity
    roster: Roster
    catalogue: Catalogue
    public_key: PublicKey
    share: KeyShare
    encryptor: Encryptor
    stores: Mapping[str, Adapter]
    approvals: Approvals
    mirror: Mirror
    check_cells: Callable[[str, int, Cells], None]
    check_text: Callable[[str, int, bytes], None]
    clock: Callable[[], datetime]
    home: Path
    runner: Runner = field(default_factory=NoRunner)

    @property
    def name(self) -> str:
        """The department's name."""
        return self.identity.name


class Programme(Protocol):
    """What a kind of job adds up, round by round; one instance for one job at one department."""

    def check(self, office: Office, job: Job, name: str, given: bytes | None) -> None:
        """Refuse a round that the plan does not have, or that works on something else than it may.

        Raises:
            RefusedError: it must not be.
        """
        ...

    def bounds(self, name: str, given: bytes | None) -> tuple[int, ...]:
        """The largest number one contributor may have in each place of a round: public, told by plan and round."""
        ...

    def values(self, office: Office, job: Job, name: str, given: bytes | None) -> Sequence[int]:
        """Compute this department's numbers of a round.

        Raises:
            DataError: the store cannot be read, or does not hold what was declared.
            RefusedError: they must not leave.
        """
        ...

    def reader(self, name: str) -> str:
        """Name the one party that may read a round's sum."""
        ...


@dataclass(slots=True, kw_only=True)
class Job:
    """One agreed job at one department; gone with the process, so that nothing is answered twice.

    Attributes:
        programme: what is added up.
        sent: ciphertexts this department committed to, by round.
        masks: its part in every exchange of masks.
        stated: by round, the survivors it stated and the digest of what the round worked on.
        done: the (step, round) pairs answered so far; each is answered once.
        notes: events that computing the numbers gave rise to; they go on disk with the answer.
    """

    job: str
    attempt: int
    plan: AnyPlan
    programme: Programme
    sent: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    masks: dict[int, Batch] = field(default_factory=dict)
    stated: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    done: set[tuple[str, str]] = field(default_factory=set)
    notes: list[Draft] = field(default_factory=list)

    def taken_notes(self) -> tuple[Draft, ...]:
        """The notes, which are then no longer here."""
        notes, self.notes = tuple(self.notes), []
        return notes

    def once(self, step: str, name: str) -> None:
        """Mark a step as answered.

        Raises:
            RefusedError: it was answered before.
        """
        if (step, name) in self.done:
            raise RefusedError("refused.replayed")
        self.done.add((step, name))

    def draft(self, kind: str, office: Office, data: dict[str, int | str], body: bytes | None = None) -> Draft:
        """An event of this job by this department."""
        return Draft(
            type=kind,  # type: ignore[arg-type]  # a literal at every caller
            actor=Actor(name=office.name, role="node"),
            job=self.job,
            attempt=self.attempt,
            data=data,
            body=body,
        )


def digest_of(given: bytes | None) -> str:
    """SHA-256 of what a round works on, hex; "" if it works on nothing but the plan."""
    return hashlib.sha256(given).hexdigest() if given else ""


def box_context(kind: str, job: str, name: str, sender: str, reader: str) -> bytes:
    """What binds a sealed box to its place: no other job, round, sender or reader."""
    return "\n".join(("keyong", kind, job, name, sender, reader)).encode()


def read_payload(envelope: Envelope) -> Message:
    """Read what an envelope says.

    Raises:
        NodeError: nothing that this version knows.
    """
    try:
        return decode(envelope.payload)
    except ValueError as exc:
        raise NodeError("node.garbage", party=envelope.header.sender) from exc


def of_job(office: Office, job: Job, data: bytes) -> Envelope:
    """Open another party's envelope, which must be of this very job, attempt and plan.

    Raises:
        NodeError: foreign, or of another job.
    """
    envelope = office.roster.open(data)
    header = envelope.header
    if (header.job, header.attempt, header.plan) != (job.job, job.attempt, job.plan.hash):
        raise NodeError("node.replayed", party=header.sender)
    return envelope


def check_record(office: Office, job: Job, checkpoint: str, members: Sequence[str]) -> None:
    """The record was sealed just now, by `members` among others, and nobody has taken back their word.

    Our own cosignature is among those asked for: what is sealed is in our own mirror.

    Raises:
        RefusedError: it was not, or somebody has.
    """
    suspended = office.mirror.suspended()
    check_sealed(checkpoint, office.roster, members=members, suspended=sorted(suspended), now=office.clock())
    revoked = office.mirror.revoked(job.job)
    if revoked:
        raise RefusedError("refused.revoked", party=revoked[0], request=job.job)
