"""One department's side of every conversation: verify, hand to the role, sign the answer, pass the gateway."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence

from federation.aggregation import agreement, encrypted, masked
from federation.aggregation.office import Act, Job, Office
from federation.audit.events import Actor
from federation.audit.journal import Draft, Journal
from federation.errors import KeyongError, NodeError, RefusedError
from federation.messages import (
    Advertise,
    Agree,
    Attest,
    Begin,
    Commit,
    Dataset,
    Datasets,
    DealMasks,
    Decide,
    Describe,
    Envelope,
    Failure,
    Header,
    KeepMasks,
    Mask,
    Message,
    Open,
    OpenMasks,
    Packet,
    Payload,
    Propose,
    Reveal,
    RunScript,
    Sync,
    Synced,
    decode,
)
from federation.node.desk import Desk
from federation.node.gateway import Gateway
from federation.node.mirror import RecordMirror
from federation.node.programmes import preview, programme_of
from federation.plan import PredictPlan, ScriptPlan, SumPlan
from federation.queries import sums
from federation.scripting import job as scripts
from federation.scripting.keeping import clear_rows

logger = logging.getLogger(__name__)

# Requests a department has answered, kept to refuse them a second time; older ones belong to jobs long gone.
MAX_REMEMBERED = 100_000


class Department:
    """Answers the coordinator's requests."""

    def __init__(
        self,
        office: Office,
        journal: Journal,
        gateway: Gateway,
        mirror: RecordMirror,
        desk: Desk | None = None,
        datasets: Sequence[Dataset] = (),
    ) -> None:
        """Put the department together.

        Args:
            desk: where its officers stand; they are heard before anything leaves.
            datasets: what it offers: public, and made without looking at a row.

        Raises:
            HomeError: rows that a crash left behind cannot be deleted.
        """
        clear_rows(office.home)
        self._datasets = Datasets(datasets=tuple(datasets))
        self._office, self._journal, self.gateway = office, journal, gateway
        self._mirror, self._desk = mirror, desk
        self._jobs: dict[str, Job] = {}
        self._answered: dict[str, None] = {}
        self._known = 0

    def answer(self, data: bytes, known: int = 0) -> Packet:
        """Answer one request; what is refused is answered by a code.

        Args:
            data: the coordinator's signed envelope.
            known: how many of our journal's entries the log has; those after them travel with the answer.

        Raises:
            NodeError: the request is not the coordinator's under our roster; it gets no answer.
            HomeError: the journal cannot be written.
        """
        request = self._open(data)
        self._known = max(0, known)
        try:
            act = self._act(request)
            self._hear_officers(request.header)
            return self._pack(request.header, act.payload, act.drafts)
        except KeyongError as error:
            return self._refuse(request.header, error)
        except Exception as error:
            # A bug must not carry a row out in its words: the owner's log gets the place, the wire only a code.
            logger.error("internal error in %s", type(error).__name__, exc_info=error)
            return self._refuse(request.header, NodeError("node.failed", party=self._office.name))

    def _open(self, data: bytes) -> Envelope:
        envelope = self._office.roster.open(data)
        header, roster = envelope.header, self._office.roster
        if header.sender not in roster.names("coordinator") or header.recipient != self._office.name:
            raise NodeError("node.foreign", party=header.sender)
        if header.number in self._answered:
            raise NodeError("node.replayed", party=header.sender)
        if len(self._answered) >= MAX_REMEMBERED:
            self._answered.pop(next(iter(self._answered)))
        self._answered[header.number] = None
        return envelope

    def _act(self, request: Envelope) -> Act:
        payload: Message = decode(request.payload)
        if isinstance(payload, Sync):
            # Not with a cosignature: an act that comes with the last one of a log would be left unsealed.
            return Act(Synced(), self._office.approvals.close(self._mirror.is_over))
        if isinstance(payload, Attest):
            return Act(self._mirror.attest(payload))
        if isinstance(payload, Describe):
            return Act(self._datasets)
        if isinstance(payload, Propose):
            return agreement.consider(self._office, request, payload, preview(self._office))
        if isinstance(payload, Begin):
            job, act = agreement.begin(self._office, request, payload, programme_of)
            self._jobs = {job.job: job}  # one at a time: a new job ends the one before
            return act
        mine = self._jobs.get(request.header.job)
        if mine is None or (mine.attempt, mine.plan.hash) != (request.header.attempt, request.header.plan):
            raise RefusedError("refused.order")
        self._office.approvals.check(mine.job, mine.plan.hash)
        return self._work(mine, payload)

    def _work(self, mine: Job, payload: Message) -> Act:
        """A step of a job that has begun."""
        match payload:
            case Commit():
                return encrypted.commit(self._office, mine, payload)
            case Reveal():
                return encrypted.reveal(self._office, mine, payload)
            case Open():
                return encrypted.open_product(self._office, mine, payload)
            case Advertise():
                return masked.advertise(self._office, mine, payload)
            case DealMasks():
                return masked.deal(self._office, mine, payload)
            case KeepMasks():
                return masked.keep(self._office, mine, payload)
            case Mask():
                return masked.mask_values(self._office, mine, payload)
            case Agree():
                return masked.agree(self._office, mine, payload)
            case OpenMasks():
                return masked.open_masks(self._office, mine, payload)
            case Decide() if isinstance(mine.plan, SumPlan | PredictPlan):
                return sums.decide(self._office, mine, mine.plan, payload)
            case RunScript() if isinstance(mine.plan, ScriptPlan):
                return scripts.run(self._office, mine, mine.plan)
            case _:
                raise RefusedError("refused.order")

    def _hear_officers(self, request: Header) -> None:
        """What an officer said while we computed counts before its result leaves.

        Raises:
            RefusedError: the word for this very job was taken back.
        """
        if self._desk is not None:
            self._desk.serve()
        if request.job in self._jobs:
            self._office.approvals.check(request.job, request.plan)

    def _refuse(self, request: Header, error: KeyongError) -> Packet:
        # A refused job is over here: nothing more will be answered about it.
        self._jobs.pop(request.job, None)
        logger.warning("refused a request of job %s: %s", request.job or "-", error.code)
        incident = Draft(
            type="incident",
            actor=Actor(name=self._office.name, role="node"),
            job=request.job,
            attempt=request.attempt,
            data={"code": error.code},
        )
        return self._pack(request, Failure(code=error.code), (incident,))

    def _pack(self, request: Header, payload: Payload, drafts: Sequence[Draft]) -> Packet:
        header = Header(
            origin=request.origin,
            job=request.job,
            attempt=request.attempt,
            plan=request.plan,
            roster=request.roster,
            epoch=request.epoch,
            sender=self._office.name,
            recipient=request.sender,
            number=secrets.token_hex(16),
            reply_to=request.number,
        )
        fresh = self.gateway.admit(header, payload, drafts)
        older = self._journal.entries(self._known)
        return Packet(envelope=self._office.identity.sign(header, payload), entries=(*older, *fresh))
