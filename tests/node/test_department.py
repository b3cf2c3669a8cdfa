"""A malicious coordinator, alone or with one department, gets nothing opened that was not agreed to."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable

import gmpy2
import msgspec
import pytest

from crypto.paillier import Encryptor, ciphertext_to_bytes, multiply
from federation.aggregation.encrypted import _digest, _together
from federation.messages import (
    Agreement,
    Ciphertexts,
    Commit,
    Commitment,
    Decide,
    Decision,
    Envelope,
    Failure,
    Open,
    Payload,
    Propose,
    Request,
    Reveal,
    Synced,
    decode,
)
from tests.support.memory import COORDINATOR, MemoryFederation

SQL = "SELECT COUNT(*), SUM(income) FROM insured"
VICTIM, COLLUDING, GATE = "gaoping", "lingchuan", "qinshui"


def at(kind: type[Payload], name: str = "counts", *, change: Callable[[Payload], Payload]):
    """Change what is asked at one step of one round, and nothing else."""

    def tamper(party: str, payload: Payload) -> Payload:
        return change(payload) if isinstance(payload, kind) and getattr(payload, "round", name) == name else payload

    return tamper


def replaced(**fields):
    return lambda payload: msgspec.structs.replace(payload, **fields)


def recomputed(federation: MemoryFederation, inputs) -> tuple[bytes, ...]:
    """The honest product of some inputs, so that only their choice is wrong."""
    vectors = [decode(Envelope.from_bytes(data).payload).values for data in inputs]
    return tuple(multiply(federation.public_key, vectors))


def test_untouched_job_is_answered_and_opened_by_two_holders_in_each_round(federation):
    assert federation.ask(SQL).rows == ((12, 7.65),)
    assert sorted(federation.opened()) == [
        ("gaoping", "counts"),
        ("gaoping", "sums"),
        ("lingchuan", "counts"),
        ("lingchuan", "sums"),
    ]


# --- what is opened ---


@pytest.mark.parametrize(
    "choose",
    [
        pytest.param(lambda given: given[:1], id="one department alone"),
        pytest.param(lambda given: given[:2], id="fewer contributors"),
        pytest.param(lambda given: (given[0], *given[:2]), id="one twice instead of another"),
        pytest.param(lambda given: (*given, given[0]), id="one twice besides the others"),
        pytest.param(lambda given: (), id="nobody"),
    ],
)
def test_ciphertexts_of_other_than_all_contributors_once_are_not_opened(federation, refused, choose):
    def change(ask: Open) -> Open:
        inputs = choose(ask.inputs)
        product = recomputed(federation, inputs) if inputs else ()
        return msgspec.structs.replace(ask, inputs=inputs, product=product)

    with refused("refused.inputs"):
        federation.ask(SQL, tamper=at(Open, change=change))
    assert federation.opened() == []


@pytest.mark.parametrize(
    "choose",
    [
        pytest.param(lambda given: given[:2], id="one missing"),
        pytest.param(lambda given: (*given[:2], given[0]), id="one twice"),
        pytest.param(lambda given: (), id="none"),
    ],
)
def test_commitments_of_other_than_all_contributors_once_open_nothing(federation, refused, choose):
    change = lambda ask: msgspec.structs.replace(ask, commitments=choose(ask.commitments))  # noqa: E731
    with refused("refused.inputs"):
        federation.ask(SQL, tamper=at(Open, change=change))
    assert federation.opened() == []


def test_product_other_than_that_of_the_inputs_is_not_opened(federation, refused):
    def change(ask: Open) -> Open:
        alone = decode(Envelope.from_bytes(ask.inputs[0]).payload).values
        return msgspec.structs.replace(ask, product=alone)

    with refused("refused.product"):
        federation.ask(SQL, tamper=at(Open, change=change))
    assert federation.opened() == []


def test_product_with_a_part_left_out_is_not_opened(federation, refused):
    change = lambda ask: msgspec.structs.replace(ask, product=ask.product[:-1])  # noqa: E731
    with refused("refused.product"):
        federation.ask(SQL, tamper=at(Open, change=change))
    assert federation.opened() == []


def test_ciphertexts_of_the_counts_are_not_opened_as_sums(federation, refused):
    """Counts under the analyst's eyes would pass by the gate's suppression."""
    seen: dict[str, Open] = {}

    def tamper(party: str, payload: Payload) -> Payload:
        if isinstance(payload, Open):
            seen.setdefault("counts", payload)
            if payload.round == "sums":
                return msgspec.structs.replace(seen["counts"], round="sums", given=payload.given)
        return payload

    with refused("refused.inputs"):
        federation.ask(SQL, tamper=tamper)
    assert {name for _, name in federation.opened()} == {"counts"}


def test_nothing_is_opened_twice(federation, refused):
    asked: list[Open] = []

    def tamper(party: str, payload: Payload) -> Payload:
        asked.extend([payload] if isinstance(payload, Open) else [])
        return payload

    plan = federation.plan(SQL)
    federation.seal(plan, tamper=tamper)
    opened = federation.opened()
    with refused("refused.replayed"):
        federation.say("gaoping", asked[0], job="q-1", plan=plan.hash)
    assert federation.opened() == opened


# --- a department that colludes with the coordinator ---


def colluding(federation: MemoryFederation, forge: Callable[[Ciphertexts], tuple[bytes, ...]]):
    """The colluding department sees the victim's ciphertexts, then commits anew to what `forge` makes of them."""

    def change(ask: Open) -> Open:
        envelopes = [Envelope.from_bytes(data) for data in ask.inputs]
        inputs = {e.header.sender: (e, data) for e, data in zip(envelopes, ask.inputs, strict=True)}
        mine = inputs[COLLUDING][0].header
        values = forge({name: decode(e.payload).values for name, (e, _) in inputs.items()})
        digests = {Envelope.from_bytes(data).header.sender: decode(Envelope.from_bytes(data).payload).digest
                   for data in ask.commitments}  # fmt: skip
        digests[COLLUDING] = _digest(values, COLLUDING, ask.round, ask.given)
        sign = federation.identities[COLLUDING].sign
        commitment = sign(mine, Commitment(round=ask.round, digest=digests[COLLUDING]))
        ciphertexts = sign(mine, Ciphertexts(round=ask.round, committed=_together(digests), values=values))
        forged = tuple(ciphertexts if e.header.sender == COLLUDING else data for e, data in inputs.values())
        return Open(
            round=ask.round,
            commitments=tuple(
                commitment if Envelope.from_bytes(data).header.sender == COLLUDING else data for data in ask.commitments
            ),
            inputs=forged,
            product=recomputed(federation, forged),
            checkpoint=ask.checkpoint,
            given=ask.given,
        )

    return at(Open, change=change)


def test_department_that_repeats_the_victims_commitment_does_not_count_it_twice(federation, refused):
    """In time, and unseen: the same digest first, the same ciphertexts once the victim has sent them."""
    sign = federation.identities[COLLUDING].sign

    def copied(commitments: tuple[bytes, ...]) -> tuple[tuple[bytes, ...], dict[str, str]]:
        envelopes = [Envelope.from_bytes(data) for data in commitments]
        digests = {e.header.sender: decode(e.payload).digest for e in envelopes}
        digests[COLLUDING] = digests[VICTIM]
        mine = next(e.header for e in envelopes if e.header.sender == COLLUDING)
        round_ = decode(envelopes[0].payload).round
        repeated = sign(mine, Commitment(round=round_, digest=digests[VICTIM]))
        changed = [
            repeated if e.header.sender == COLLUDING else data for e, data in zip(envelopes, commitments, strict=True)
        ]
        return tuple(changed), digests

    def tamper(party: str, payload: Payload) -> Payload:
        if isinstance(payload, Reveal):
            return msgspec.structs.replace(payload, commitments=copied(payload.commitments)[0])
        if not isinstance(payload, Open):
            return payload
        commitments, digests = copied(payload.commitments)
        inputs = {Envelope.from_bytes(data).header.sender: data for data in payload.inputs}
        theirs = decode(Envelope.from_bytes(inputs[VICTIM]).payload)
        mine = Envelope.from_bytes(inputs[COLLUDING]).header
        again = Ciphertexts(round=payload.round, committed=_together(digests), values=theirs.values)
        forged = tuple(sign(mine, again) if name == COLLUDING else data for name, data in inputs.items())
        product = recomputed(federation, forged)
        return msgspec.structs.replace(payload, commitments=commitments, inputs=forged, product=product)

    with refused("refused.inputs"):
        federation.ask(SQL, tamper=tamper)
    assert federation.opened() == []


def test_ciphertext_of_another_shifted_into_free_bits_is_not_opened(federation, refused):
    n_squared = federation.public_key.n_squared

    def forge(vectors):
        shifted = gmpy2.powmod(int.from_bytes(vectors[VICTIM][0]), 1 << 300, n_squared)
        return (ciphertext_to_bytes(federation.public_key, shifted), *vectors[COLLUDING][1:])

    with refused("refused.inputs"):
        federation.ask(SQL, tamper=colluding(federation, forge))
    assert federation.opened() == []


def test_department_that_cancels_all_others_does_not_lay_the_victim_bare(federation, refused):
    """Product of everybody = the victim's own: every check of range and product would pass."""
    n_squared = federation.public_key.n_squared

    def forge(vectors):
        inverse = [gmpy2.invert(int.from_bytes(c), n_squared) for c in vectors[GATE]]
        zeros = Encryptor(federation.public_key).encrypt_vector([0] * len(inverse))
        cancelling = [ciphertext_to_bytes(federation.public_key, value) for value in inverse]
        return tuple(multiply(federation.public_key, [cancelling, zeros]))

    with refused("refused.inputs"):
        federation.ask(SQL, tamper=colluding(federation, forge))
    assert federation.opened() == []


def test_bits_outside_the_slots_are_noticed_at_the_gate_and_nothing_is_released(federation, refused):
    """A colluding department commits to them in time, so holders open; the gate refuses what honest sums cannot be."""
    department = federation.departments[COLLUDING]
    office = department._office

    class Shifting(Encryptor):
        def encrypt_vector(self, plaintexts):
            return super().encrypt_vector([plaintext | 1 << 400 for plaintext in plaintexts])

    department._office = dataclasses.replace(office, encryptor=Shifting(federation.public_key))
    with refused("refused.shares"):
        federation.ask(SQL)
    assert {name for _, name in federation.opened()} == {"counts"}


# --- order ---


def test_ciphertexts_stay_until_everybody_has_committed(federation, refused):
    change = lambda ask: msgspec.structs.replace(ask, commitments=ask.commitments[:2])  # noqa: E731
    with refused("refused.inputs"):
        federation.ask(SQL, tamper=at(Reveal, change=change))
    assert "ciphertexts" not in [event.data["payload"] for event in federation.events("gaoping", "egress")]


def test_ciphertexts_stay_if_the_commitments_are_signed_by_one_for_all(federation, refused):
    def change(ask: Reveal) -> Reveal:
        forged = federation.signed(COLLUDING, COORDINATOR, Commitment(round="counts", digest="0" * 64), job="q-1")
        return msgspec.structs.replace(ask, commitments=(forged, *ask.commitments[1:]))

    with refused("node.replayed"):  # it is not even of this plan
        federation.ask(SQL, tamper=at(Reveal, change=change))


def test_ciphertexts_are_sent_once(federation, refused):
    asked: list[Reveal] = []

    def tamper(party: str, payload: Payload) -> Payload:
        asked.extend([payload] if isinstance(payload, Reveal) else [])
        return payload

    plan = federation.plan(SQL)
    federation.seal(plan, tamper=tamper)
    with refused("refused.replayed"):
        federation.say("gaoping", asked[0], job="q-1", plan=plan.hash)


def test_second_commitment_of_a_round_is_refused(federation, refused):
    plan = federation.plan(SQL)
    wire = federation.agreed(plan)
    wire.ask({"gaoping": Commit(round="counts")})
    with refused("refused.replayed"):
        wire.ask({"gaoping": Commit(round="counts")})


def test_revealing_before_committing_is_out_of_order(federation, refused):
    wire = federation.agreed(federation.plan(SQL))
    with refused("refused.order"):
        wire.ask({"gaoping": Reveal(round="counts", commitments=())})


@pytest.mark.parametrize("kind", [Commit, Open])
def test_sums_without_a_decision_are_refused(federation, refused, kind):
    with refused("refused.order"):
        federation.ask(SQL, tamper=at(kind, "sums", change=replaced(given=None)))
    assert {name for _, name in federation.opened()} == {"counts"}


def test_counts_under_a_decision_are_refused(federation, refused):
    with refused("refused.order"):
        federation.ask(SQL, tamper=at(Commit, "counts", change=replaced(given=b"x")))


def test_answering_before_agreeing_is_refused(federation, refused):
    with refused("refused.order"):
        federation.say("gaoping", Commit(round="counts"), job="q-1", plan="0" * 64)
    assert [event.data["code"] for event in federation.events("gaoping", "incident")] == ["refused.order"]


def test_step_under_another_plan_than_the_agreed_one_is_refused(federation, refused):
    federation.agreed(federation.plan(SQL))
    with refused("refused.order"):
        federation.say("gaoping", Commit(round="counts"), job="q-1", plan="0" * 64)


def test_nothing_more_is_answered_about_a_job_that_was_refused(federation, refused):
    wire = federation.agreed(federation.plan(SQL))
    with refused("refused.order"):
        wire.ask({"gaoping": Reveal(round="counts", commitments=())})
    with refused("refused.order"):
        wire.ask({"gaoping": Commit(round="counts")})


def test_new_job_ends_the_one_before(federation, refused):
    first = federation.agreed(federation.plan(SQL), job="q-1")
    federation.agreed(federation.plan(SQL), job="q-2")
    with refused("refused.order"):
        first.ask({"gaoping": Commit(round="counts")})


# --- decisions ---


def forged_decision(federation: MemoryFederation, *, signer: str, job: str, plan: str) -> bytes:
    """A decision that suppresses nothing."""
    return federation.signed(signer, COORDINATOR, Decision(boxes={}), job=job, plan=plan)


@pytest.mark.parametrize("kind", [Commit, Open])
@pytest.mark.parametrize("signer", [COLLUDING, COORDINATOR])
def test_decision_of_anybody_but_the_gate_is_refused(federation, refused, kind, signer):
    plan = federation.plan(SQL)
    forged = forged_decision(federation, signer=signer, job="q-1", plan=plan.hash)
    with refused("refused.decision"):
        federation.seal(plan, tamper=at(kind, "sums", change=replaced(given=forged)))
    assert {name for _, name in federation.opened()} == {"counts"}


@pytest.mark.parametrize("kind", [Commit, Open])
def test_decision_of_another_job_is_refused(federation, refused, kind):
    earlier = federation.seal(federation.plan(SQL), job="q-0").decision
    opened = federation.opened()
    with refused("node.replayed"):
        federation.ask(SQL, tamper=at(kind, "sums", change=replaced(given=earlier)))
    assert [name for _, name in federation.opened()[len(opened) :] if name == "sums"].count("sums") <= 1


def test_something_else_that_the_gate_signed_is_no_decision(federation, refused):
    plan = federation.plan(SQL)
    other = federation.signed(GATE, COORDINATOR, Agreement(), job="q-1", plan=plan.hash)
    with refused("refused.decision"):
        federation.seal(plan, tamper=at(Commit, "sums", change=replaced(given=other)))


def test_sums_made_under_one_decision_are_not_opened_under_another(federation, refused):
    """Two decisions of a colluding gate: one for the contributors, one for the key holders."""
    plan = federation.plan(SQL)
    second = federation.signed(GATE, COORDINATOR, Decision(boxes={"gaoping": b""}), job="q-1", plan=plan.hash)
    with refused("refused.inputs"):
        federation.seal(plan, tamper=at(Open, "sums", change=replaced(given=second)))
    assert {name for _, name in federation.opened()} == {"counts"}


def test_only_the_gate_decides(federation, refused):
    wire = federation.agreed(federation.plan(SQL))
    with refused("refused.order"):
        wire.ask({"gaoping": Decide(shares=())})


def test_gate_decides_once(federation, refused):
    asked: list[Decide] = []

    def tamper(party: str, payload: Payload) -> Payload:
        asked.extend([payload] if isinstance(payload, Decide) else [])
        return payload

    plan = federation.plan(SQL)
    federation.seal(plan, tamper=tamper)
    with refused("refused.replayed"):
        federation.say(GATE, asked[0], job="q-1", plan=plan.hash)


@pytest.mark.parametrize(
    ("choose", "code"),
    [
        pytest.param(lambda shares: shares[:1], "refused.shares", id="one share"),
        pytest.param(lambda shares: (shares[0], shares[0]), "node.protocol", id="one share twice"),
    ],
)
def test_gate_decides_nothing_without_a_quorum_of_shares(federation, refused, choose, code):
    change = lambda ask: msgspec.structs.replace(ask, shares=choose(ask.shares))  # noqa: E731
    with refused(code):
        federation.ask(SQL, tamper=at(Decide, change=change))
    assert federation.events(GATE, "release.decide") == []


# --- messages of elsewhere ---


@pytest.mark.parametrize("kind", [Reveal, Open])
def test_commitments_of_another_job_are_refused(federation, refused, kind):
    earlier: list[Reveal] = []

    def remember(party: str, payload: Payload) -> Payload:
        earlier.extend([payload] if isinstance(payload, Reveal) else [])
        return payload

    federation.seal(federation.plan(SQL), job="q-0", tamper=remember)
    opened = federation.opened()
    with refused("node.replayed"):
        federation.ask(SQL, tamper=at(kind, change=replaced(commitments=earlier[0].commitments)))
    assert federation.opened() == opened


def test_commitments_of_another_attempt_are_refused(federation, refused):
    def change(ask: Reveal) -> Reveal:
        envelope = Envelope.from_bytes(ask.commitments[1])
        header = msgspec.structs.replace(envelope.header, attempt=2)
        again = federation.identities[COLLUDING].sign(header, decode(envelope.payload))
        return msgspec.structs.replace(ask, commitments=(ask.commitments[0], again, ask.commitments[2]))

    with refused("node.replayed"):
        federation.ask(SQL, tamper=at(Reveal, change=change))


def test_request_that_was_answered_is_not_answered_again(federation, refused):
    request = federation.signed(COORDINATOR, "gaoping", Propose(request=b""))
    with refused("node.garbage"):
        federation.deliver("gaoping", request)
    before = len(federation.events("gaoping"))
    with refused("node.replayed"):
        federation.deliver("gaoping", request)
    assert len(federation.events("gaoping")) == before  # it got no answer at all


def test_request_for_another_recipient_gets_no_answer(federation, refused):
    plan = federation.plan(SQL)
    request = federation.request(plan, job="q-1")
    meant = federation.signed(COORDINATOR, "lingchuan", Propose(request=request), job="q-1", plan=plan.hash)
    with refused("node.foreign"):
        federation.deliver("gaoping", meant)
    assert federation.events("gaoping", "approval.grant") == []


@pytest.mark.parametrize("sender", ["lingchuan", "analyst@city"])
def test_request_of_anybody_but_the_coordinator_gets_no_answer(federation, refused, sender):
    with refused("node.foreign"):
        federation.deliver("gaoping", federation.signed(sender, "gaoping", Propose(request=b"")))


def test_payload_that_is_no_request_is_refused(federation, refused):
    wire = federation.agreed(federation.plan(SQL))
    with refused("refused.order"):
        wire.ask({"gaoping": Synced()})


def test_payload_that_is_no_payload_is_refused_by_a_code(federation):
    header = federation.header(COORDINATOR, "gaoping", job="", plan="")
    unsigned = Envelope(header=header, payload=b"\xc1", signature=b"")
    signature = federation.identities[COORDINATOR].signing.sign(unsigned.signed_bytes())
    envelope = Envelope(header=header, payload=b"\xc1", signature=signature)
    packet = federation.departments["gaoping"].answer(envelope.to_bytes())
    assert decode(Envelope.from_bytes(packet.envelope).payload) == Failure(code="node.failed")


@pytest.mark.parametrize("job", ["q" * 129, "q\n1", "q-1\n", "q\x00"])
def test_names_that_fit_into_no_event_or_context_get_no_answer(federation, refused, job):
    before = len(federation.events("gaoping"))
    with refused("node.garbage"):
        federation.say("gaoping", Propose(request=b""), job=job)
    assert len(federation.events("gaoping")) == before


# --- agreeing ---


def test_agreement_names_plan_requester_and_one_run(federation):
    plan = federation.plan(SQL)
    federation.agreed(plan)
    (granted,) = federation.events("gaoping", "approval.grant")
    assert {key: granted.data[key] for key in ("plan", "requester", "max_runs")} == {
        "plan": plan.hash,
        "requester": "analyst@city",
        "max_runs": 1,
    }
    assert granted.actor.role == "automatic"


def propose(federation: MemoryFederation, plan, request: bytes, *, job: str = "q-1") -> None:
    federation.say("gaoping", Propose(request=request), job=job, plan=plan.hash)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"signer": "lingchuan"}, id="a department"),
        pytest.param({"signer": "analyst@tax"}, id="another analyst"),
        pytest.param({"signer": COORDINATOR}, id="the coordinator"),
        pytest.param({"job": "q-2"}, id="for another job"),
    ],
)
def test_request_that_the_requester_did_not_sign_for_this_job_is_refused(federation, refused, change):
    plan = federation.plan(SQL)
    with refused("refused.requester"):
        propose(federation, plan, federation.request(plan, **{"job": "q-1", **change}))
    assert federation.events("gaoping", "approval.grant") == []


def test_plan_whose_requester_is_a_department_is_refused(federation, refused):
    plan = msgspec.structs.replace(federation.plan(SQL), requester="lingchuan")
    with refused("refused.requester"):
        propose(federation, plan, federation.request(plan, job="q-1"))


def test_plan_of_another_hash_than_the_signed_one_is_refused(federation, refused):
    plan, other = federation.plan(SQL), federation.plan(SQL)
    with refused("refused.requester"):
        propose(federation, other, federation.request(plan, job="q-1"))


def test_signed_plan_that_is_not_canonical_is_refused(federation, refused):
    plan = federation.plan(SQL)
    header = federation.header("analyst@city", COORDINATOR, job="q-1", plan=plan.hash)
    request = federation.identities["analyst@city"].sign(header, Request(plan=plan.to_bytes() + b" "))
    with refused("refused.plan"):
        propose(federation, plan, request)


def test_signed_message_that_is_no_request_is_refused(federation, refused):
    plan = federation.plan(SQL)
    other = federation.signed("analyst@city", COORDINATOR, Agreement(), job="q-1", plan=plan.hash)
    with refused("refused.requester"):
        propose(federation, plan, other)


def test_plan_against_the_rules_is_refused_by_each_department_itself(federation, refused):
    plan = msgspec.structs.replace(federation.plan(SQL), minimum_group=2)
    with refused("refused.loosened"):
        propose(federation, plan, federation.request(plan, job="q-1"))


def test_job_is_agreed_to_once(federation, refused):
    plan = federation.plan(SQL)
    federation.agreed(plan)
    with refused("refused.replayed"):
        propose(federation, plan, federation.request(plan, job="q-1"))


def test_job_is_agreed_to_once_even_after_a_restart(federation, refused):
    plan = federation.plan(SQL)
    federation.agreed(plan)
    federation.start("gaoping")
    with refused("refused.replayed"):
        propose(federation, plan, federation.request(plan, job="q-1"))


def test_restarted_department_goes_on_with_nothing(federation, refused):
    wire = federation.agreed(federation.plan(SQL))
    federation.start("gaoping")
    with refused("refused.order"):
        wire.ask({"gaoping": Commit(round="counts")})


def test_ledger_of_a_job_commits_to_every_byte_that_left(federation):
    federation.ask(SQL)
    (answer, *_) = [data for party, data in federation.sent if party == "gaoping"]
    entries = [event for event in federation.events("gaoping", "egress") if event.job == "q-1"]
    assert [event.data["payload"] for event in entries] == [
        "agreement",
        "begun",
        "commitment",
        "ciphertexts",
        "share",
        "commitment",
        "ciphertexts",
        "share",
    ]
    assert entries[0].data["message"] == Envelope.from_bytes(answer).header.number
    assert all(len(str(event.data["commitment"])) == hashlib.sha256().digest_size * 2 for event in entries)
