"""One sum under the joint key: commit, reveal, multiply, open to the reader the plan names; of fixed-width slots.

Every contributor commits to its ciphertexts before any is sent, and key holders open only a product that they
recomputed from exactly the committed inputs of exactly the agreed contributors, once, on a record sealed just before,
in which nobody has revoked. Paillier (EUROCRYPT 1999) with a dealt threshold key; semi-honest departments, coordinator
assumed malicious for what it relays. Left out: proof of whose share is wrong; and proof that a contributor knows what
it encrypted, without which a department that breaks the protocol together with the coordinator could feed in another's
ciphertexts of an earlier job.

`run_encrypted` is the coordinator's part, who relays and multiplies and can read nothing. Then contributor (commit,
reveal), key holder (open_product), reader (read_encrypted).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from crypto.encoding import SlotLayout
from crypto.errors import CryptoError, SlotOverflowError
from crypto.paillier import PublicKey, multiply
from crypto.sealing import open_box, seal
from crypto.threshold import combine, partial_decrypt
from federation.aggregation.office import (
    Act,
    Job,
    Office,
    Progress,
    Seal,
    box_context,
    check_record,
    digest_of,
    of_job,
    read_payload,
)
from federation.errors import DataError, NodeError, RefusedError
from federation.governance.identity import Identity
from federation.governance.roster import Roster
from federation.messages import Ciphertexts, Commit, Commitment, Envelope, Open, Reveal, Share
from federation.plan import Plan
from federation.wire import Answer, Wire

# -- the story: the coordinator's part --------------------------------------------------------------------------------


def run_encrypted(
    wire: Wire, plan: Plan, public_key: PublicKey, name: str, given: bytes | None, seal: Seal, progress: Progress
) -> tuple[bytes, ...]:
    """Add up one round.

    Args:
        given: what the round works on, the same for everybody; None if nothing but the plan.

    Returns:
        The key holders' signed envelopes, sealed to the round's reader.

    Raises:
        NodeError: a party is gone, late or answers wrongly; nothing has been opened.
        RefusedError: a party refused.
    """
    # Contributors: encrypt; only the commitment leaves, so that nobody can build on another's ciphertext.
    progress(f"{name}.encrypt")
    committed = wire.ask({party: Commit(round=name, given=given) for party in plan.contributors})
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
    checkpoint = seal(plan.participants)
    ask = Open(round=name, commitments=commitments, inputs=inputs, product=product, checkpoint=checkpoint, given=given)

    # Key holders: recompute the product, open once, sealed to the reader. The coordinator only relays.
    progress(f"{name}.open")
    opened = wire.ask({party: ask for party in plan.openers})
    return tuple(answer.envelope for answer in opened.values())


def _ciphertexts(answer: Answer, name: str) -> tuple[bytes, ...]:
    if not isinstance(answer.payload, Ciphertexts) or answer.payload.round != name:
        raise NodeError("node.protocol", party="?")
    return answer.payload.values


# -- what contributors and key holders share --------------------------------------------------------------------------


def slot_layout(bounds: Sequence[int], plan: Plan, public_key: PublicKey) -> SlotLayout:
    """Slots of a round: public, fixed by the plan."""
    return SlotLayout(bounds=tuple(bounds), addends=len(plan.contributors), plaintext_bits=public_key.plaintext_bits)


def _digest(values: Sequence[bytes], sender: str, name: str, given: bytes | None) -> str:
    """Bind ciphertexts to who made them, for which round, and out of what.

    Without the sender, a department could repeat another's commitment unseen, later also its ciphertexts, and the sum
    would hold that other one twice.
    """
    body = msgspec.msgpack.encode((sender, name, hashlib.sha256(given or b"").digest(), list(values)))
    return hashlib.sha256(body).hexdigest()


def _together(digests: Mapping[str, str]) -> str:
    """Bind the commitments of all, so that nobody can show other ones to the contributors than to the key holders."""
    return hashlib.sha256(msgspec.msgpack.encode(sorted(digests.items()))).hexdigest()


def _check_commitments(office: Office, job: Job, name: str, data: Sequence[bytes]) -> dict[str, str]:
    """Exactly the agreed contributors' commitments, one each: party to digest."""
    digests: dict[str, str] = {}
    for one in data:
        envelope = of_job(office, job, one)
        payload = read_payload(envelope)
        if not isinstance(payload, Commitment) or payload.round != name or envelope.header.sender in digests:
            raise RefusedError("refused.inputs")
        digests[envelope.header.sender] = payload.digest
    if tuple(sorted(digests)) != job.plan.contributors:
        raise RefusedError("refused.inputs")
    return digests


# -- contributor ------------------------------------------------------------------------------------------------------


def commit(office: Office, job: Job, ask: Commit) -> Act:
    """Contributor: compute in the store, pack, encrypt, and give only the commitment away.

    Raises:
        DataError: the store cannot be read or does not hold what was declared.
        RefusedError: not a contributor, or out of order.
    """
    if office.name not in job.plan.contributors or job.plan.protection != "paillier":
        raise RefusedError("refused.order")
    job.programme.check(office, job, ask.round, ask.given)
    job.once("commit", ask.round)
    values = job.programme.values(office, job, ask.round, ask.given)
    layout = slot_layout(job.programme.bounds(ask.round, ask.given), job.plan, office.public_key)
    try:
        packed = layout.pack(values)
    except SlotOverflowError as exc:
        raise DataError("data.too_large") from exc
    ciphertexts = tuple(office.encryptor.encrypt_vector(packed))
    job.sent[ask.round] = ciphertexts
    digest = _digest(ciphertexts, office.name, ask.round, ask.given)
    data: dict[str, int | str] = {"round": ask.round, "digest": digest, "ciphertexts": len(ciphertexts)}
    committed = job.draft("commit", office, {**data, "given": digest_of(ask.given)})
    return Act(Commitment(round=ask.round, digest=digest), (*job.taken_notes(), committed))


def reveal(office: Office, job: Job, ask: Reveal) -> Act:
    """Contributor: once all have committed, send the ciphertexts.

    Raises:
        RefusedError: someone has not committed, or this was sent before.
    """
    if ("commit", ask.round) not in job.done:
        raise RefusedError("refused.order")
    digests = _check_commitments(office, job, ask.round, ask.commitments)
    job.once("reveal", ask.round)
    return Act(Ciphertexts(round=ask.round, committed=_together(digests), values=job.sent.pop(ask.round)))


# -- key holder -------------------------------------------------------------------------------------------------------


def open_product(office: Office, job: Job, ask: Open) -> Act:
    """Key holder: open one product that it recomputed itself, once, sealed to the reader the plan names.

    Raises:
        RefusedError: the inputs are not exactly the committed ones, the product is another, or it was opened before.
    """
    plan = job.plan
    job.programme.check(office, job, ask.round, ask.given)
    digests = _check_commitments(office, job, ask.round, ask.commitments)
    vectors: dict[str, tuple[bytes, ...]] = {}
    for data in ask.inputs:
        envelope = of_job(office, job, data)
        payload = read_payload(envelope)
        sender = envelope.header.sender
        if not isinstance(payload, Ciphertexts) or payload.round != ask.round or sender in vectors:
            raise RefusedError("refused.inputs")
        if _digest(payload.values, sender, ask.round, ask.given) != digests.get(sender):
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
    layout = slot_layout(job.programme.bounds(ask.round, ask.given), plan, office.public_key)
    if tuple(product) != ask.product or len(product) != layout.plaintexts:
        raise RefusedError("refused.product")
    check_record(office, job, ask.checkpoint, plan.participants)
    job.once("open", ask.round)
    reader = job.programme.reader(ask.round)
    to = office.roster.party(reader)
    if to is None:
        raise RefusedError("refused.requester")
    parts = partial_decrypt(office.public_key, office.share, product)
    body = msgspec.msgpack.encode((office.share.index, parts))
    box = seal(to.box, body, context=box_context("share", job.job, ask.round, office.name, reader))
    product_hash = hashlib.sha256(b"".join(product)).hexdigest()
    opened = job.draft("open", office, {"round": ask.round, "reader": reader, "product": product_hash})
    return Act(Share(round=ask.round, box=box), (opened,))


# -- reader -----------------------------------------------------------------------------------------------------------


def read_encrypted(
    identity: Identity,
    roster: Roster,
    public_key: PublicKey,
    plan: Plan,
    job: str,
    name: str,
    opened: Sequence[Envelope],
    bounds: Sequence[int],
) -> list[int]:
    """Reader of a round: open the boxes, combine the partial decryptions, take the slots apart.

    Returns:
        One total per bound.

    Raises:
        NodeError: an envelope is not what a key holder owes.
        RefusedError: the shares do not open the agreed sum, or a total lies outside its public bound.
    """
    parts: dict[int, list[bytes]] = {}
    try:
        for envelope in opened:
            payload, sender = read_payload(envelope), envelope.header.sender
            if not isinstance(payload, Share) or payload.round != name or sender not in roster.holders:
                raise NodeError("node.protocol", party=sender)
            box = open_box(identity.box, payload.box, context=box_context("share", job, name, sender, identity.name))
            try:
                index, part = msgspec.msgpack.decode(box, type=tuple[int, list[bytes]])
            except msgspec.MsgspecError as exc:
                raise NodeError("node.garbage", party=sender) from exc
            if index != roster.holders.index(sender) + 1 or index in parts:
                raise NodeError("node.protocol", party=sender)
            parts[index] = part
        plaintexts = combine(public_key, parts, holders=len(roster.holders), threshold=roster.threshold)
        return slot_layout(bounds, plan, public_key).unpack(plaintexts)
    except CryptoError as exc:
        raise RefusedError("refused.shares") from exc
