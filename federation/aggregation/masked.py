"""One sum under pairwise double masks, after Bonawitz et al. (CCS 2017), with the checks for an active server.

Every department covers its numbers with a mask shared with each other department, which cancel in the sum, and with one
of its own, which the reader takes off with shares of the departments that are still there. Keys are fresh for every
round, made and dealt for many rounds at once; what is never used is never revealed. A department that disappears in a
round is left out of its sum, and out of the rest of the job; more than two thirds must stay.

What the coordinator may lie about: who has disappeared. A department gives, for each other one, either the share that
takes off its own mask or the one for its pairwise masks, never both, and only to the reader, and only after more than
two thirds have signed the same list of survivors; that list is in the log before. The masks also bind what the round
works on: were one department given another model, the sum would stay random (Pasquini et al., CCS 2022).
Left out: proof that numbers are honest; a sum that the coordinator spoils by forging nothing but silence.

`exchange_keys` and `run_masked` are the coordinator's part, who relays and can read nothing unless the plan names it
as the reader. Then contributor (advertise, deal, keep, mask, agree, open_masks), reader (read_masked).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np

from crypto import shamir
from crypto.errors import CryptoError
from crypto.masking import MaskKey, from_words, mask, to_words, unmask
from crypto.sealing import open_box, seal
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
from federation.messages import (
    Advertise,
    Agree,
    Bare,
    DealMasks,
    Envelope,
    KeepMasks,
    Mask,
    Masked,
    MaskKeys,
    MaskShares,
    MasksKept,
    OpenMasks,
    Survivors,
    Unmask,
)
from federation.plan import Plan
from federation.wire import Wire

SECRET_BYTES = 32

# -- the story: the coordinator's part --------------------------------------------------------------------------------


class Cohort(NamedTuple):
    """An exchange of keys, as the coordinator knows it.

    Attributes:
        keys: every member's signed envelope with its public keys, by name.
    """

    batch: int
    rounds: int
    keys: Mapping[str, bytes]


class MaskedSum(NamedTuple):
    """What the reader of a round gets.

    Attributes:
        envelopes: public keys, masked numbers and what takes the masks off.
        survivors: whose numbers are in it.
        there: who was there to the end of the round; nobody else is asked again.
    """

    envelopes: tuple[bytes, ...]
    survivors: tuple[str, ...]
    there: tuple[str, ...]


def exchange_keys(
    wire: Wire, plan: Plan, members: Sequence[str], *, batch: int, rounds: int, progress: Progress
) -> Cohort:
    """Have everybody make keys for so many rounds, and deal shares of them to the others.

    Raises:
        NodeError: fewer than the plan needs are there.
        RefusedError: somebody saw other keys than the rest.
    """
    # Contributors: a fresh key for every round; the signature of the envelope says whose they are.
    progress("masks")
    shown = wire.ask_those_there({name: Advertise(batch=batch, rounds=rounds) for name in members})
    _need(plan, shown)
    keys = {name: shown[name].envelope for name in sorted(shown)}

    # Contributors: shares of every secret, sealed to each other member.
    deal = DealMasks(batch=batch, keys=tuple(keys.values()))
    dealt = wire.ask({name: deal for name in keys})
    keep = KeepMasks(batch=batch, shares=tuple(answer.envelope for answer in dealt.values()))
    wire.ask({name: keep for name in keys})
    return Cohort(batch, rounds, keys)


def run_masked(
    wire: Wire,
    plan: Plan,
    cohort: Cohort,
    members: Sequence[str],
    name: str,
    given: bytes | None,
    seal: Seal,
    progress: Progress,
    *,
    index: int,
) -> MaskedSum:
    """Add up one round over those of `members` that are there.

    Args:
        given: what the round works on, the same for everybody; None if nothing but the plan.
        index: which of the cohort's keys to use; each is used once.

    Raises:
        NodeError: fewer than the plan needs are left.
        RefusedError: a party refused.
    """
    # Contributors: their numbers under masks.
    progress(f"{name}.mask")
    ask = Mask(round=name, batch=cohort.batch, index=index, given=given, checkpoint=seal(members))
    masked = wire.ask_those_there({party: ask for party in members})
    _need(plan, masked)
    survivors = tuple(sorted(masked))
    if plan.protection == "none":
        return MaskedSum(tuple(masked[party].envelope for party in survivors), survivors, survivors)

    # Contributors: sign who is in the sum; no mask comes off before more than two thirds have signed the same.
    progress(f"{name}.survivors")
    stated = wire.ask_those_there({party: Agree(round=name, survivors=survivors) for party in survivors})
    _need(plan, stated)

    # Contributors: what takes the masks off, sealed to the reader.
    progress(f"{name}.unmask")
    word = OpenMasks(round=name, statements=tuple(answer.envelope for answer in stated.values()))
    opened = wire.ask_those_there({party: word for party in stated})
    _need(plan, opened)
    answers = (*(masked[party] for party in survivors), *opened.values())
    envelopes = (*cohort.keys.values(), *(answer.envelope for answer in answers))
    return MaskedSum(envelopes, survivors, tuple(sorted(opened)))


def _need(plan: Plan, there: Mapping[str, object]) -> None:
    if len(there) < plan.needed:
        gone = sorted(set(plan.contributors) - set(there))
        raise NodeError("node.too_few", party=", ".join(gone), count=len(there), needed=plan.needed)


# -- contributor ------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Batch:
    """One department's part in an exchange of keys.

    Attributes:
        keys, seeds: its own secrets, one pair a round; a pair is forgotten when its round is masked.
        public: everybody's public keys by round, once it has seen them.
        held: what each member dealt to it: per round, the share of its key and that of its seed.
    """

    keys: list[MaskKey]
    seeds: list[bytes]
    public: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    held: dict[str, list[tuple[bytes, bytes]]] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)


def advertise(office: Office, job: Job, ask: Advertise) -> Act:
    """Contributor: make the keys of a batch, show the public sides.

    Raises:
        RefusedError: not a contributor, not a plan with masks, or made before.
    """
    if office.name not in job.plan.contributors or job.plan.protection == "paillier":
        raise RefusedError("refused.order")
    job.once("advertise", str(ask.batch))
    batch = Batch(
        keys=[MaskKey.generate() for _ in range(ask.rounds)],
        seeds=[secrets.token_bytes(SECRET_BYTES) for _ in range(ask.rounds)],
    )
    job.masks[ask.batch] = batch
    public = tuple(key.public for key in batch.keys)
    return Act(MaskKeys(batch=ask.batch, keys=public))


def deal(office: Office, job: Job, ask: DealMasks) -> Act:
    """Contributor: with everybody's keys in hand, deal shares of its own secrets, sealed to each other member.

    Raises:
        RefusedError: fewer than the plan needs, or keys that are not the members' own.
    """
    batch = _batch(job, ask.batch)
    job.once("deal", str(ask.batch))
    batch.public = _read_keys([of_job(office, job, data) for data in ask.keys], job.plan, ask.batch)
    own = tuple(key.public for key in batch.keys)
    if batch.public.get(office.name) != own or len(batch.public) < job.plan.needed:
        raise RefusedError("refused.inputs")
    if any(len(keys) != len(own) for keys in batch.public.values()):
        raise RefusedError("refused.inputs")
    everybody = job.plan.contributors
    rows = []
    for key, seed in zip(batch.keys, batch.seeds, strict=True):
        of_key = shamir.split(key.to_bytes(), shares=len(everybody), threshold=job.plan.needed)
        of_seed = shamir.split(seed, shares=len(everybody), threshold=job.plan.needed)
        rows.append(tuple(zip(of_key, of_seed, strict=True)))
    batch.held[office.name] = [row[everybody.index(office.name)] for row in rows]
    boxes = {}
    for name in batch.public:
        to = office.roster.party(name)
        if name != office.name and to is not None:
            place = everybody.index(name)
            body = msgspec.msgpack.encode([row[place] for row in rows])
            boxes[name] = seal(to.box, body, context=_box(job.job, ask.batch, office.name, name))
    cohort = _cohort_digest(batch.public)
    seen: dict[str, int | str] = {"rounds": len(own), "cohort": " ".join(batch.public)}
    dealt = job.draft("mask.keys", office, {"batch": ask.batch, **seen, "digest": cohort})
    return Act(MaskShares(batch=ask.batch, cohort=cohort, boxes=boxes), (dealt,))


def keep(office: Office, job: Job, ask: KeepMasks) -> Act:
    """Contributor: keep what the others dealt, if they all saw the same keys.

    Raises:
        RefusedError: they did not, or a box does not open.
    """
    batch = _batch(job, ask.batch)
    job.once("keep", str(ask.batch))
    for data in ask.shares:
        envelope = of_job(office, job, data)
        payload, sender = read_payload(envelope), envelope.header.sender
        if not isinstance(payload, MaskShares) or payload.batch != ask.batch or sender not in batch.public:
            raise RefusedError("refused.inputs")
        if payload.cohort != _cohort_digest(batch.public):
            raise RefusedError("refused.inputs")
        if sender == office.name:
            continue
        try:
            context = _box(job.job, ask.batch, sender, office.name)
            body = open_box(office.identity.box, payload.boxes[office.name], context=context)
            held = msgspec.msgpack.decode(body, type=list[tuple[bytes, bytes]])
        except (KeyError, CryptoError, msgspec.MsgspecError) as exc:
            raise RefusedError("refused.inputs") from exc
        if len(held) != len(batch.keys):
            raise RefusedError("refused.inputs")
        batch.held[sender] = held
    if set(batch.held) != set(batch.public):
        raise RefusedError("refused.inputs")
    return Act(MasksKept(batch=ask.batch))


def mask_values(office: Office, job: Job, ask: Mask) -> Act:
    """Contributor: compute in the store, and give the numbers away under masks of this round alone.

    Raises:
        DataError: the store cannot be read or does not hold what was declared.
        RefusedError: out of order, or the record is not sealed.
    """
    plan = job.plan
    if office.name not in plan.contributors or plan.protection == "paillier":
        raise RefusedError("refused.order")
    check_record(office, job, ask.checkpoint, (office.name,))
    job.programme.check(office, job, ask.round, ask.given)
    job.once("mask", ask.round)
    values = job.programme.values(office, job, ask.round, ask.given)
    bounds = job.programme.bounds(ask.round, ask.given)
    try:
        words = to_words(values, bounds, len(plan.contributors))
    except CryptoError as exc:
        raise DataError("data.too_large") from exc
    given = digest_of(ask.given)
    if plan.protection == "none":
        if not office.catalogue.lab:
            raise RefusedError("refused.loosened")
        data: dict[str, int | str] = {"round": ask.round, "given": given, "values": len(bounds)}
        clear = words.astype("<u8").tobytes()
        bare = job.draft("mask", office, {**data, "digest": hashlib.sha256(clear).hexdigest()})
        return Act(Bare(round=ask.round, words=clear), (*job.taken_notes(), bare))
    batch = _batch(job, ask.batch)
    job.once("key", f"{ask.batch}.{ask.index}")
    if set(batch.held) != set(batch.public) or not 0 <= ask.index < len(batch.keys):
        raise RefusedError("refused.order")
    peers = {name: keys[ask.index] for name, keys in batch.public.items() if name != office.name}
    context = _mask_context(office.roster, plan, job.job, batch.public, ask.round, given)
    key, seed = batch.keys[ask.index], batch.seeds[ask.index]
    masked = mask(words, name=office.name, key=key, own_seed=seed, peers=peers, context=context)
    batch.rounds[ask.round] = ask.index
    data = {"round": ask.round, "given": given, "values": len(bounds)}
    sent = masked.astype("<u8").tobytes()
    event = job.draft("mask", office, {**data, "digest": hashlib.sha256(sent).hexdigest()})
    job.stated[ask.round] = ((), given)
    return Act(Masked(round=ask.round, index=ask.index, words=sent), (*job.taken_notes(), event))


def agree(office: Office, job: Job, ask: Agree) -> Act:
    """Contributor: sign who is in the sum, once.

    Raises:
        RefusedError: it is not in it itself, or too few are.
    """
    batch, _ = _masked(job, ask.round)
    job.once("agree", ask.round)
    survivors = tuple(sorted(set(ask.survivors)))
    if survivors != ask.survivors or office.name not in survivors or not set(survivors) <= set(batch.public):
        raise RefusedError("refused.survivors")
    if len(survivors) < job.plan.needed:
        raise RefusedError("refused.survivors")
    given = job.stated[ask.round][1]
    job.stated[ask.round] = (survivors, given)
    data: dict[str, int | str] = {"round": ask.round, "survivors": " ".join(survivors), "given": given}
    stated = job.draft("survivors", office, {**data, "digest": _statement_digest(survivors, given)})
    return Act(Survivors(round=ask.round, survivors=survivors, given=given), (stated,))


def open_masks(office: Office, job: Job, ask: OpenMasks) -> Act:
    """Contributor: once enough have signed what it signed itself, give the reader its shares.

    For a survivor the share of its own seed, for one that disappeared the share of its key of this round: never both.

    Raises:
        RefusedError: too few have signed, or they signed something else.
    """
    batch, index = _masked(job, ask.round)
    survivors, given = job.stated[ask.round]
    signed = set[str]()
    for data in ask.statements:
        envelope = of_job(office, job, data)
        payload, sender = read_payload(envelope), envelope.header.sender
        if not isinstance(payload, Survivors) or payload.round != ask.round or sender in signed:
            raise RefusedError("refused.survivors")
        if (payload.survivors, payload.given) != (survivors, given) or sender not in survivors:
            raise RefusedError("refused.survivors")
        signed.add(sender)
    if not survivors or len(signed) < job.plan.needed:
        raise RefusedError("refused.survivors")
    job.once("unmask", ask.round)
    reader = job.programme.reader(ask.round)
    to = office.roster.party(reader)
    if to is None:
        raise RefusedError("refused.requester")
    shares = {name: batch.held[name][index][1 if name in survivors else 0] for name in batch.public}
    body = msgspec.msgpack.encode((survivors, given, shares))
    box = seal(to.box, body, context=box_context("unmask", job.job, ask.round, office.name, reader))
    return Act(Unmask(round=ask.round, box=box))


def _batch(job: Job, number: int) -> Batch:
    batch = job.masks.get(number)
    if batch is None:
        raise RefusedError("refused.order")
    return batch


def _masked(job: Job, name: str) -> tuple[Batch, int]:
    """The exchange whose keys a round was masked with, and which of them."""
    for batch in job.masks.values():
        if name in batch.rounds:
            return batch, batch.rounds[name]
    raise RefusedError("refused.order")


def _read_keys(envelopes: Sequence[Envelope], plan: Plan, number: int) -> dict[str, tuple[bytes, ...]]:
    """Every member's public keys by name, sorted; nobody twice, and nobody from outside."""
    public: dict[str, tuple[bytes, ...]] = {}
    for envelope in envelopes:
        payload, sender = read_payload(envelope), envelope.header.sender
        if not isinstance(payload, MaskKeys) or payload.batch != number:
            raise RefusedError("refused.inputs")
        if sender in public or sender not in plan.contributors:
            raise RefusedError("refused.inputs")
        public[sender] = payload.keys
    return dict(sorted(public.items()))


def _cohort_digest(public: Mapping[str, tuple[bytes, ...]]) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(sorted(public.items()))).hexdigest()


def _statement_digest(survivors: Sequence[str], given: str) -> str:
    return hashlib.sha256(msgspec.msgpack.encode((survivors, given))).hexdigest()


def _box(job: str, batch: int, sender: str, recipient: str) -> bytes:
    return box_context("mask share", job, str(batch), sender, recipient)


def _mask_context(
    roster: Roster, plan: Plan, job: str, public: Mapping[str, tuple[bytes, ...]], name: str, given: str
) -> bytes:
    return "\n".join(("keyong masks", roster.origin, job, plan.hash, _cohort_digest(public), name, given)).encode()


# -- reader -----------------------------------------------------------------------------------------------------------


def read_masked(
    identity: Identity,
    roster: Roster,
    plan: Plan,
    job: str,
    name: str,
    given: bytes | None,
    envelopes: Sequence[Envelope],
    bounds: Sequence[int],
) -> list[int]:
    """Reader of a round: add the masked numbers up itself, join the shares, take the masks off.

    Args:
        envelopes: as `run_masked` gave them, each verified to be of this job.

    Returns:
        One total per bound, over the survivors that enough departments signed for.

    Raises:
        NodeError: an envelope is not what a contributor owes.
        RefusedError: too few shares, or a total lies outside its public bound.
    """
    said: dict[type, dict[str, Envelope]] = {MaskKeys: {}, Masked: {}, Bare: {}, Unmask: {}}
    for envelope in envelopes:
        payload, sender = read_payload(envelope), envelope.header.sender
        kind = said.get(type(payload))
        if kind is None or sender in kind or sender not in plan.contributors:
            raise NodeError("node.protocol", party=sender)
        kind[sender] = envelope
    masked = said[Bare] if plan.protection == "none" else said[Masked]
    words = {sender: _words(envelope, name, bounds, plan) for sender, envelope in masked.items()}
    total = np.zeros_like(next(iter(words.values()), np.zeros(0, np.uint64)))
    for one in words.values():
        total = total + one
    try:
        if plan.protection == "none":
            if tuple(sorted(words)) != plan.contributors:
                raise RefusedError("refused.survivors")
            return from_words(total, bounds, len(words))
        batches = {payload.batch for e in said[MaskKeys].values() if isinstance(payload := read_payload(e), MaskKeys)}
        if len(batches) != 1:
            raise NodeError("node.protocol", party="?")
        public = _read_keys(list(said[MaskKeys].values()), plan, batches.pop())
        shares = _read_shares(identity, job, name, digest_of(given), said[Unmask], tuple(sorted(words)))
        if len(shares) < plan.needed:
            raise RefusedError("refused.survivors")
        secrets_of = {
            member: shamir.join(
                {plan.contributors.index(sender) + 1: held[member] for sender, held in shares.items()},
                threshold=plan.needed,
            )
            for member in public
        }
        index = _index(masked)
        context = _mask_context(roster, plan, job, public, name, digest_of(given))
        total = unmask(
            total,
            own_seeds={member: secret for member, secret in secrets_of.items() if member in words},
            dropped={member: secret for member, secret in secrets_of.items() if member not in words},
            keys={member: keys[index] for member, keys in public.items()},
            context=context,
        )
        return from_words(total, bounds, len(words))
    except (CryptoError, KeyError, IndexError) as exc:
        raise RefusedError("refused.shares") from exc


def _words(
    envelope: Envelope, name: str, bounds: Sequence[int], plan: Plan
) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    payload = read_payload(envelope)
    if not isinstance(payload, Masked | Bare) or payload.round != name or len(payload.words) % 8:
        raise NodeError("node.protocol", party=envelope.header.sender)
    words = np.frombuffer(payload.words, "<u8").astype(np.uint64)
    if len(words) != len(to_words([0] * len(bounds), bounds, len(plan.contributors))):
        raise NodeError("node.protocol", party=envelope.header.sender)
    return words


def _index(masked: Mapping[str, Envelope]) -> int:
    """Which of a batch's keys everybody used for a round."""
    used = {payload.index for one in masked.values() if isinstance(payload := read_payload(one), Masked)}
    if len(used) != 1:
        raise NodeError("node.protocol", party=", ".join(sorted(masked)))
    return used.pop()


def _read_shares(
    identity: Identity, job: str, name: str, given: str, unmasks: Mapping[str, Envelope], survivors: tuple[str, ...]
) -> dict[str, dict[str, bytes]]:
    """By sender, its shares by member; all of them given for exactly the survivors whose numbers we added."""
    shares: dict[str, dict[str, bytes]] = {}
    for sender, envelope in unmasks.items():
        payload = read_payload(envelope)
        if not isinstance(payload, Unmask) or payload.round != name:
            raise NodeError("node.protocol", party=sender)
        context = box_context("unmask", job, name, sender, identity.name)
        try:
            stated, worked_on, held = msgspec.msgpack.decode(
                open_box(identity.box, payload.box, context=context),
                type=tuple[tuple[str, ...], str, dict[str, bytes]],
            )
        except msgspec.MsgspecError as exc:
            raise NodeError("node.garbage", party=sender) from exc
        if stated != survivors or worked_on != given:
            raise RefusedError("refused.survivors")
        shares[sender] = held
    return shares
