"""The encrypted sum over departments that hold the same table, in two rounds.

Nothing begins before everybody has seen everybody's approval, in a record that a quorum has sealed. Round "counts"
opens rows per group to the release gate, a department, which decides what is suppressed. Round "sums" opens the totals
of the rest to the analyst. In both, every contributor commits to its ciphertexts before any is sent, and key holders
open only a product that they recomputed from exactly the committed inputs of exactly the agreed contributors, once, on
a record sealed just before, in which nobody has revoked.

`propose` and `run_sum` are the whole story, told by the coordinator, who relays and multiplies and can read nothing.
The other roles follow, a block each: owner (consider, begin), contributor (commit, reveal), key holder (open_product),
release gate (decide), analyst (read_totals). Paillier with a dealt threshold key; semi-honest departments, coordinator
assumed malicious for what it relays. Left out: noise (epsilon); proof of whose share is wrong; and proof that a
contributor knows what it encrypted, without which a department that breaks the protocol together with the coordinator
could feed in another's ciphertexts of an earlier job.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from crypto.encoding import SlotLayout
from crypto.errors import CryptoError, SlotOverflowError
from crypto.paillier import Encryptor, PublicKey, multiply
from crypto.sealing import open_box, seal
from crypto.threshold import KeyShare, combine, partial_decrypt
from federation.adapters import Adapter, Cells
from federation.audit.events import Actor
from federation.audit.journal import Draft
from federation.audit.seal import check_sealed
from federation.errors import DataError, NodeError, RefusedError
from federation.governance.approvals import Approvals
from federation.governance.identity import Identity
from federation.governance.policy import check_plan
from federation.governance.roster import Roster
from federation.governance.statements import Grant, moment, read_statement
from federation.messages import (
    Agreement,
    Begin,
    Begun,
    Ciphertexts,
    Commit,
    Commitment,
    Decide,
    Decision,
    Envelope,
    Message,
    Open,
    Payload,
    Pending,
    Propose,
    Request,
    Reveal,
    Round,
    Share,
    decode,
)
from federation.plan import Plan
from federation.queries.suppression import Count, suppressed_groups
from federation.settings import Catalogue
from federation.wire import Answer, Wire

Progress = Callable[[str], None]
Seal = Callable[[], str]


class SealedTotals(NamedTuple):
    """What the analyst gets: signed envelopes whose contents only the analyst can open."""

    decision: bytes
    shares: tuple[bytes, ...]


# -- the story: the coordinator's part --------------------------------------------------------------------------------


def propose(wire: Wire, plan: Plan, request: bytes, agreed: Mapping[str, bytes]) -> dict[str, bytes]:
    """Lay a request before everybody who would take part and has not agreed yet.

    Args:
        agreed: agreements from earlier, by department.

    Returns:
        The signed agreements so far; of who is missing, it lies on the officer's desk.

    Raises:
        RefusedError, RequestError: somebody said no.
        NodeError: a party is gone, late or answers wrongly.
    """
    # Owners: each checks the plan against its own policy, and agrees, refuses, or asks its officer.
    answers = wire.ask({name: Propose(request=request) for name in plan.participants if name not in agreed})
    return {**agreed, **{n: said.envelope for n, said in answers.items() if isinstance(said.payload, Agreement)}}


def run_sum(
    wire: Wire,
    plan: Plan,
    agreements: Mapping[str, bytes],
    public_key: PublicKey,
    seal: Seal,
    progress: Progress,
) -> SealedTotals:
    """Run an encrypted sum that everybody has agreed to.

    Args:
        agreements: as `propose` gave them, one of every participant.
        seal: brings the record to a quorum of witnesses; returns the checkpoint with their cosignatures.
        progress: called with the name of every step that begins.

    Returns:
        Envelopes sealed to the analyst.

    Raises:
        NodeError: a party is gone, late or answers wrongly; nothing has been released.
        RefusedError: a party refused.
    """
    # Everybody: verifies everybody's approval, and that a quorum has it on record.
    progress("begin")
    word = Begin(agreements=tuple(agreements[name] for name in plan.participants), checkpoint=seal())
    wire.ask({name: word for name in plan.participants})

    # Contributors and key holders: rows per group, opened to the gate alone.
    counts = _one_round(wire, plan, public_key, "counts", None, seal, progress)

    # Release gate: reads the counts and decides which groups are suppressed.
    progress("decide")
    decision = wire.ask({plan.gate: Decide(shares=counts)})[plan.gate].envelope

    # Contributors and key holders: the totals, zero where suppressed, opened to the analyst alone.
    sums = _one_round(wire, plan, public_key, "sums", decision, seal, progress)
    return SealedTotals(decision=decision, shares=sums)


def _one_round(
    wire: Wire, plan: Plan, public_key: PublicKey, name: Round, decision: bytes | None, seal: Seal, progress: Progress
) -> tuple[bytes, ...]:
    # Contributors: encrypt; only the commitment leaves, so that nobody can build on another's ciphertext.
    progress(f"{name}.encrypt")
    committed = wire.ask({party: Commit(round=name, decision=decision) for party in plan.contributors})
    commitments = tuple(committed[party].envelope for party in plan.contributors)

    # Contributors: with every commitment in hand, the ciphertexts.
    progress(f"{name}.collect")
    revealed = wire.ask({party: Reveal(round=name, commitments=commitments) for party in plan.contributors})
    inputs = tuple(revealed[party].envelope for party in plan.contributors)

    # Coordinator: multiplies.
    progress(f"{name}.multiply")
    product = tuple(multiply(public_key, [_ciphertexts(revealed[party], name) for party in plan.contributors]))

    # Witnesses: seal what was said so far; whoever has revoked, it shows there.
    progress(f"{name}.seal")
    ask = Open(
        round=name, commitments=commitments, inputs=inputs, product=product, checkpoint=seal(), decision=decision
    )

    # Key holders: recompute the product, open once, sealed to the reader. The coordinator only relays.
    progress(f"{name}.open")
    opened = wire.ask({party: ask for party in plan.openers})
    return tuple(answer.envelope for answer in opened.values())


def _ciphertexts(answer: Answer, name: Round) -> tuple[bytes, ...]:
    if not isinstance(answer.payload, Ciphertexts) or answer.payload.round != name:
        raise NodeError("node.protocol", party="?")
    return answer.payload.values


# -- what the roles at a department share -----------------------------------------------------------------------------


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
        clock: its own.
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
    clock: Callable[[], datetime]

    @property
    def name(self) -> str:
        """The department's name."""
        return self.identity.name


@dataclass(slots=True, kw_only=True)
class Job:
    """One agreed job at one department; gone with the process, so that nothing is answered twice.

    Attributes:
        sent: ciphertexts this department committed to, by round.
        done: the (step, round) pairs answered so far; each is answered once.
        dropped: groups the gate suppressed; None before the decision.
    """

    job: str
    attempt: int
    plan: Plan
    sent: dict[Round, tuple[bytes, ...]] = field(default_factory=dict)
    done: set[tuple[str, str]] = field(default_factory=set)
    cells: dict[int, tuple[int, ...]] | None = None

    def once(self, step: str, name: str) -> None:
        """Mark a step as answered.

        Raises:
            RefusedError: it was answered before.
        """
        if (step, name) in self.done:
            raise RefusedError("refused.replayed")
        self.done.add((step, name))

    def layout(self, name: Round, public_key: PublicKey) -> SlotLayout:
        """Slots of a round: public, fixed by the plan."""
        bounds = self.plan.count_bounds if name == "counts" else self.plan.sum_bounds
        return _layout(bounds, self.plan, public_key)


def _layout(bounds: Sequence[int], plan: Plan, public_key: PublicKey) -> SlotLayout:
    return SlotLayout(bounds=tuple(bounds), addends=len(plan.contributors), plaintext_bits=public_key.plaintext_bits)


def _digest(values: Sequence[bytes], sender: str, name: Round, decision: bytes | None) -> str:
    """Bind ciphertexts to who made them, for which round, and under which decision.

    Without the sender, a department could repeat another's commitment unseen, later also its ciphertexts, and the sum
    would hold that other one twice.
    """
    body = msgspec.msgpack.encode((sender, name, hashlib.sha256(decision or b"").digest(), list(values)))
    return hashlib.sha256(body).hexdigest()


def _context(kind: str, job: str, name: str, sender: str, reader: str) -> bytes:
    return "\n".join(("keyong", kind, job, name, sender, reader)).encode()


def _together(digests: Mapping[str, str]) -> str:
    """Bind the commitments of all, so that nobody can show other ones to the contributors than to the key holders."""
    return hashlib.sha256(msgspec.msgpack.encode(sorted(digests.items()))).hexdigest()


def _payload(envelope: Envelope) -> Message:
    try:
        return decode(envelope.payload)
    except ValueError as exc:
        raise NodeError("node.garbage", party=envelope.header.sender) from exc


def _of_job(office: Office, job: Job, data: bytes) -> Envelope:
    """Open another party's envelope, which must be of this very job, attempt and plan."""
    envelope = office.roster.open(data)
    header = envelope.header
    if (header.job, header.attempt, header.plan) != (job.job, job.attempt, job.plan.hash):
        raise NodeError("node.replayed", party=header.sender)
    return envelope


def _check_decision(office: Office, job: Job, name: Round, data: bytes | None) -> Decision | None:
    """The sums need the gate's signed decision; the counts must not have one."""
    if name == "counts":
        if data is not None:
            raise RefusedError("refused.order")
        return None
    if data is None:
        raise RefusedError("refused.order")
    envelope = _of_job(office, job, data)
    payload = _payload(envelope)
    if envelope.header.sender != job.plan.gate or not isinstance(payload, Decision):
        raise RefusedError("refused.decision")
    return payload


def _check_commitments(office: Office, job: Job, name: Round, data: Sequence[bytes]) -> dict[str, str]:
    """Exactly the agreed contributors' commitments, one each: party to digest."""
    digests: dict[str, str] = {}
    for one in data:
        envelope = _of_job(office, job, one)
        payload = _payload(envelope)
        if not isinstance(payload, Commitment) or payload.round != name or envelope.header.sender in digests:
            raise RefusedError("refused.inputs")
        digests[envelope.header.sender] = payload.digest
    if tuple(sorted(digests)) != job.plan.contributors:
        raise RefusedError("refused.inputs")
    return digests


# -- data owner -------------------------------------------------------------------------------------------------------


def consider(office: Office, request: Envelope, ask: Propose) -> Act:
    """Owner: check the analyst's signature, the plan and the policy; agree if approved, else lay it on the desk.

    Raises:
        RequestError, RefusedError, NodeError: no.
    """
    asked = office.roster.open(ask.request)
    payload = _payload(asked)
    if not isinstance(payload, Request):
        raise RefusedError("refused.requester")
    try:
        plan = Plan.from_bytes(payload.plan)
    except ValueError as exc:
        raise RefusedError("refused.plan") from exc
    ours, theirs = request.header, asked.header
    if theirs.sender != plan.requester or {theirs.plan, ours.plan} != {plan.hash}:
        raise RefusedError("refused.requester")
    if (theirs.job, theirs.attempt) != (ours.job, ours.attempt):
        raise RefusedError("refused.requester")
    check_plan(plan, office.catalogue, office.roster)
    if office.name not in plan.participants:
        raise RefusedError("refused.order")
    adds = office.name in plan.contributors
    cells = (lambda: office.stores[plan.local.table].aggregate(plan.local)) if adds else None
    drafts = office.approvals.lodge(ours.job, plan, ask.request, cells)
    state = office.approvals.state(ours.job)
    if state == "pending":
        return Act(Pending(), drafts)
    if state == "used":
        raise RefusedError("refused.replayed")
    office.approvals.check(ours.job, plan.hash)
    return Act(Agreement(statement=office.approvals.statement(ours.job)), drafts)


def begin(office: Office, request: Envelope, ask: Begin) -> tuple[Job, Act]:
    """Owner: see for itself that everybody agreed to exactly this, in a sealed record; spend the one run.

    Raises:
        RefusedError: an approval is missing, of another plan, expired or revoked; or the record is not sealed.
        NodeError: an envelope is not what it should be.
    """
    header = request.header
    plan = office.approvals.plan(header.job)
    if plan is None or plan.hash != header.plan:
        raise RefusedError("refused.not_approved", party=office.name)
    check_plan(plan, office.catalogue, office.roster)  # once more: a restart may have brought stricter rules
    job = Job(job=header.job, attempt=header.attempt, plan=plan)
    agreed: set[str] = set()
    for data in ask.agreements:
        envelope = _of_job(office, job, data)
        payload, sender = _payload(envelope), envelope.header.sender
        if not isinstance(payload, Agreement) or sender in agreed:
            raise RefusedError("refused.not_approved", party=sender)
        _check_approval(office, job, sender, payload.statement)
        agreed.add(sender)
    missing = sorted(set(plan.participants) ^ agreed)
    if missing:
        raise RefusedError("refused.not_approved", party=missing[0])
    _check_record(office, job, ask.checkpoint)
    return job, Act(Begun(), (office.approvals.begin(job.job, plan.hash),))


def _check_approval(office: Office, job: Job, department: str, statement: str) -> None:
    """Another department's officer granted this very job, and the grant has not expired."""
    if office.catalogue.approvals == "automatic":
        return
    grant, _ = read_statement(statement, office.roster, department=department)
    if not isinstance(grant, Grant) or (grant.request, grant.plan, grant.requester) != (
        job.job,
        job.plan.hash,
        job.plan.requester,
    ):
        raise RefusedError("refused.not_approved", party=department)
    if moment(grant.expires) <= office.clock():
        raise RefusedError("refused.expired", party=department, request=job.job)


def _check_record(office: Office, job: Job, checkpoint: str) -> None:
    """The record was sealed just now, by all that take part among others, and nobody has taken back their word.

    Our own cosignature is among those asked for: what is sealed is in our own mirror.
    """
    suspended = office.mirror.suspended()
    check_sealed(
        checkpoint, office.roster, members=job.plan.participants, suspended=sorted(suspended), now=office.clock()
    )
    revoked = office.mirror.revoked(job.job)
    if revoked:
        raise RefusedError("refused.revoked", party=revoked[0], request=job.job)


# -- contributor ------------------------------------------------------------------------------------------------------


def commit(office: Office, job: Job, ask: Commit) -> Act:
    """Contributor: compute in the store, pack, encrypt, and give only the commitment away.

    Raises:
        DataError: the store cannot be read or does not hold what was declared.
        RefusedError: not a contributor, or out of order.
    """
    plan = job.plan
    if office.name not in plan.contributors:
        raise RefusedError("refused.order")
    decision = _check_decision(office, job, ask.round, ask.decision)
    job.once("commit", ask.round)
    if job.cells is None:
        # Once for both rounds: the sums must be of the rows that were counted.
        job.cells = office.stores[plan.local.table].aggregate(plan.local)
        # Here, since once encrypted a raw number passed off as a sum could not be told from one.
        office.check_cells(job.job, job.attempt, job.cells)
        office.approvals.check_snapshot(job.job, job.cells)
    if decision is None:
        values = _count_slots(plan, job.cells)
    else:
        values = _sum_slots(plan, job.cells, _read_decision(office.identity, plan, job.job, decision))
    try:
        packed = job.layout(ask.round, office.public_key).pack(values)
    except SlotOverflowError as exc:
        raise DataError("data.too_large") from exc
    ciphertexts = tuple(office.encryptor.encrypt_vector(packed))
    job.sent[ask.round] = ciphertexts
    digest = _digest(ciphertexts, office.name, ask.round, ask.decision)
    committed = Draft(
        type="commit",
        actor=Actor(name=office.name, role="node"),
        job=job.job,
        attempt=job.attempt,
        data={"round": ask.round, "digest": digest, "ciphertexts": len(ciphertexts)},
    )
    return Act(Commitment(round=ask.round, digest=digest), (committed,))


def reveal(office: Office, job: Job, ask: Reveal) -> Act:
    """Contributor: once all have committed, send the ciphertexts.

    Raises:
        RefusedError: someone has not committed, or this was sent before.
    """
    if ask.round not in job.sent:
        raise RefusedError("refused.order")
    digests = _check_commitments(office, job, ask.round, ask.commitments)
    job.once("reveal", ask.round)
    return Act(Ciphertexts(round=ask.round, committed=_together(digests), values=job.sent[ask.round]))


def _count_slots(plan: Plan, cells: Mapping[int, tuple[int, ...]]) -> list[int]:
    nothing = (0,) * len(plan.local.measures)
    counts = [cells.get(group, nothing)[i] for group in range(plan.local.group_count) for i in plan.local.counting]
    return [slot for count in counts for slot in (count, int(count > 0))]


def _sum_slots(plan: Plan, cells: Mapping[int, tuple[int, ...]], dropped: frozenset[int]) -> list[int]:
    # Suppressed groups are sent as zero, so that the layout, and with it the traffic, tells nobody which they are.
    nothing = (0,) * len(plan.local.measures)
    groups = range(plan.local.group_count)
    return [value for group in groups for value in (nothing if group in dropped else cells.get(group, nothing))]


# -- key holder -------------------------------------------------------------------------------------------------------


def open_product(office: Office, job: Job, ask: Open) -> Act:
    """Key holder: open one product that it recomputed itself, once, sealed to the reader the plan names.

    Raises:
        RefusedError: the inputs are not exactly the committed ones, the product is another, or it was opened before.
    """
    plan = job.plan
    _check_decision(office, job, ask.round, ask.decision)
    digests = _check_commitments(office, job, ask.round, ask.commitments)
    vectors: dict[str, tuple[bytes, ...]] = {}
    for data in ask.inputs:
        envelope = _of_job(office, job, data)
        payload = _payload(envelope)
        sender = envelope.header.sender
        if not isinstance(payload, Ciphertexts) or payload.round != ask.round or sender in vectors:
            raise RefusedError("refused.inputs")
        if _digest(payload.values, sender, ask.round, ask.decision) != digests.get(sender):
            raise RefusedError("refused.inputs")
        # Whoever committed anew after seeing others' ciphertexts could cancel them and lay one department's bare.
        if payload.committed != _together(digests):
            raise RefusedError("refused.inputs")
        vectors[sender] = payload.values
    if tuple(sorted(vectors)) != plan.contributors:
        raise RefusedError("refused.inputs")
    try:
        product = multiply(office.public_key, [vectors[name] for name in plan.contributors])
    except CryptoError as exc:
        raise RefusedError("refused.inputs") from exc
    if tuple(product) != ask.product or len(product) != job.layout(ask.round, office.public_key).plaintexts:
        raise RefusedError("refused.product")
    _check_record(office, job, ask.checkpoint)
    job.once("open", ask.round)
    reader = plan.gate if ask.round == "counts" else plan.requester
    to = office.roster.party(reader)
    if to is None:
        raise RefusedError("refused.requester")
    parts = partial_decrypt(office.public_key, office.share, product)
    body = msgspec.msgpack.encode((office.share.index, parts))
    box = seal(to.box, body, context=_context("share", job.job, ask.round, office.name, reader))
    opened = Draft(
        type="open",
        actor=Actor(name=office.name, role="node"),
        job=job.job,
        attempt=job.attempt,
        data={"round": ask.round, "reader": reader, "product": hashlib.sha256(b"".join(product)).hexdigest()},
    )
    return Act(Share(round=ask.round, box=box), (opened,))


def _combine_shares(
    identity: Identity, roster: Roster, public_key: PublicKey, shares: Sequence[Envelope], name: Round, job: str
) -> list[int]:
    """Reader of a round: open the boxes, combine the partial decryptions."""
    parts: dict[int, list[bytes]] = {}
    for envelope in shares:
        payload, sender = _payload(envelope), envelope.header.sender
        if not isinstance(payload, Share) or payload.round != name or sender not in roster.holders:
            raise NodeError("node.protocol", party=sender)
        box = open_box(identity.box, payload.box, context=_context("share", job, name, sender, identity.name))
        try:
            index, part = msgspec.msgpack.decode(box, type=tuple[int, list[bytes]])
        except msgspec.MsgspecError as exc:
            raise NodeError("node.garbage", party=sender) from exc
        if index != roster.holders.index(sender) + 1 or index in parts:
            raise NodeError("node.protocol", party=sender)
        parts[index] = part
    return combine(public_key, parts, holders=len(roster.holders), threshold=roster.threshold)


# -- release gate -----------------------------------------------------------------------------------------------------


def decide(office: Office, job: Job, ask: Decide) -> Act:
    """Gate: read the counts, decide what is suppressed, tell the contributors and the analyst; nobody else.

    Raises:
        RefusedError: not the gate, decided before, or every group would be dropped.
        NodeError: a share is not what a holder owes.
    """
    plan = job.plan
    if office.name != plan.gate:
        raise RefusedError("refused.order")
    job.once("decide", "")
    shares = [_of_job(office, job, data) for data in ask.shares]
    try:
        plaintexts = _combine_shares(office.identity, office.roster, office.public_key, shares, "counts", job.job)
        slots = job.layout("counts", office.public_key).unpack(plaintexts)
    except CryptoError as exc:
        raise RefusedError("refused.shares") from exc
    width = len(plan.local.counting)
    pairs = [Count(rows, departments) for rows, departments in zip(slots[::2], slots[1::2], strict=True)]
    counts = [pairs[start : start + width] for start in range(0, len(pairs), width)]
    dropped = suppressed_groups(
        counts,
        shape=[len(key.labels) for key in plan.local.group_by],
        minimum_group=plan.minimum_group,
        minimum_contributors=plan.minimum_contributors,
    )
    filled = {group for group, measures in enumerate(counts) if measures[0].rows}
    if filled and filled <= dropped:
        alone = all(measures[0].departments < plan.minimum_contributors for measures in counts if measures[0].rows)
        raise RefusedError("refused.by_holder" if alone else "refused.too_small")
    body = msgspec.msgpack.encode(sorted(dropped))
    readers = [office.roster.party(name) for name in (*plan.contributors, plan.requester)]
    boxes = {
        to.name: seal(to.box, body, context=_context("decision", job.job, "", plan.gate, to.name))
        for to in readers
        if to is not None
    }
    decided = Draft(
        type="release.decide",
        actor=Actor(name=office.name, role="node"),
        job=job.job,
        attempt=job.attempt,
        data={"groups": plan.local.group_count, "minimum_group": plan.minimum_group},
        # How many groups are small is itself a finding: the log holds a salted commitment only.
        body=body,
    )
    return Act(Decision(boxes=boxes), (decided,))


def _read_decision(identity: Identity, plan: Plan, job: str, decision: Decision) -> frozenset[int]:
    box = decision.boxes.get(identity.name)
    if box is None:
        raise RefusedError("refused.decision")
    try:
        body = open_box(identity.box, box, context=_context("decision", job, "", plan.gate, identity.name))
        return frozenset(msgspec.msgpack.decode(body, type=list[int]))
    except (CryptoError, msgspec.MsgspecError) as exc:
        raise RefusedError("refused.decision") from exc


# -- analyst ----------------------------------------------------------------------------------------------------------


class Totals(NamedTuple):
    """What the analyst learns.

    Attributes:
        groups: per shown, non-empty group, the measures' totals.
        dropped: indexes of suppressed groups.
    """

    groups: dict[int, tuple[int, ...]]
    dropped: frozenset[int]


def read_totals(
    identity: Identity, roster: Roster, public_key: PublicKey, plan: Plan, job: str, sealed: SealedTotals
) -> Totals:
    """Analyst: verify every envelope, open the boxes, combine, unpack.

    Raises:
        NodeError: an envelope is foreign or of another job.
        RefusedError: the shares do not open the agreed totals, or a total lies outside its public bound.
    """
    envelopes = [roster.open(data) for data in (sealed.decision, *sealed.shares)]
    for envelope in envelopes:
        if (envelope.header.job, envelope.header.plan) != (job, plan.hash):
            raise NodeError("node.replayed", party=envelope.header.sender)
    decision = _payload(envelopes[0])
    if envelopes[0].header.sender != plan.gate or not isinstance(decision, Decision):
        raise NodeError("node.protocol", party=envelopes[0].header.sender)
    dropped = _read_decision(identity, plan, job, decision)
    try:
        plaintexts = _combine_shares(identity, roster, public_key, envelopes[1:], "sums", job)
        slots = _layout(plan.sum_bounds, plan, public_key).unpack(plaintexts)
    except CryptoError as exc:
        raise RefusedError("refused.shares") from exc
    width = len(plan.local.measures)
    groups = {group: tuple(slots[group * width : (group + 1) * width]) for group in range(plan.local.group_count)}
    return Totals({group: totals for group, totals in groups.items() if totals[0] and group not in dropped}, dropped)


def new_nonce() -> str:
    """128 random bits in hex."""
    return secrets.token_hex(16)
