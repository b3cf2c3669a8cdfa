"""The sum under masks: what a coordinator that lies, about who is gone or what is worked on, does not get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest

from crypto.masking import to_words
from federation.errors import KeyongError, RefusedError
from federation.messages import (
    Agree,
    Bare,
    DealMasks,
    Envelope,
    Mask,
    Masked,
    OpenMasks,
    Payload,
    Survivors,
    Unmask,
    decode,
)
from federation.plan import survivors_needed
from tests.support.memory import NAMES, MemoryFederation, MemoryStore
from tests.support.training import clinics, train, training

SQL = "SELECT sex, COUNT(*), SUM(income) FROM insured GROUP BY sex"


@pytest.fixture
def bureaus(tmp_path):
    rows = [{"sex": "fm"[i % 2], "income": 1_000 * i - 20_000} for i in range(40)]
    return MemoryFederation(tmp_path / "home", {name: MemoryStore(rows[n:]) for n, name in enumerate(NAMES[:4])})


@pytest.fixture
def six(tmp_path):
    return clinics(tmp_path)


def sent(federation: MemoryFederation, kind: type[Payload]) -> list[tuple[str, Payload]]:
    said = ((party, decode(Envelope.from_bytes(data).payload)) for party, data in federation.sent)
    return [(party, payload) for party, payload in said if isinstance(payload, kind)]


@dataclass
class Lie:
    """What a coordinator sends to some in place of what it should, from one round on."""

    change: Callable[[str, Payload], Payload]
    seen: list[tuple[str, Payload]] = field(default_factory=list)

    def __call__(self, party: str, payload: Payload) -> Payload:
        self.seen.append((party, payload))
        return self.change(party, payload)


# --- the sum ---


def test_query_under_masks_gives_what_it_gives_under_the_joint_key(bureaus):
    plain = bureaus.ask(SQL).rows
    plan = bureaus.plan(SQL, protection="masks")
    sealed = bureaus.seal(plan, job="q-2")
    assert bureaus.read(plan, sealed, job="q-2").rows == plain


def test_threshold_is_above_two_thirds_of_any_cohort():
    assert all(3 * survivors_needed(n) > 2 * n >= 3 * (survivors_needed(n) - 1) for n in range(3, 500))


def test_what_leaves_is_not_what_was_computed_and_looks_random(bureaus):
    bureaus.seal(bureaus.plan(SQL, protection="masks"))
    words = np.frombuffer(b"".join(payload.words for _, payload in sent(bureaus, Masked)), "<u8")
    bits = np.unpackbits(words.view(np.uint8))
    assert len(bits) > 3_000
    assert abs(bits.mean() - 0.5) < 6 * 0.5 / len(bits) ** 0.5  # the numbers themselves have nearly all bits 0
    assert len(set(words.tolist())) == len(words)


def test_masks_of_one_round_are_not_those_of_another(bureaus):
    for job in ("q-1", "q-2"):
        bureaus.seal(bureaus.plan(SQL, protection="masks"), job=job)
    first = {(party, payload.round, payload.words) for party, payload in sent(bureaus, Masked)}
    assert len(first) == len(sent(bureaus, Masked)) == 16


def test_query_does_not_go_on_without_one_that_disappears(bureaus):
    plan = bureaus.plan(SQL, protection="masks")

    def lose(party: str, payload: Payload) -> Payload:
        if isinstance(payload, Agree):
            return msgspec.structs.replace(payload, survivors=plan.contributors[1:])
        return payload

    with pytest.raises(RefusedError) as refused:
        bureaus.seal(plan, tamper=lose)
    assert refused.value.code == "refused.survivors"
    assert sent(bureaus, Unmask) == []


# --- who is gone ---


@pytest.mark.parametrize("step", ["update.2.mask", "update.3.survivors", "update.4.unmask"])
def test_training_goes_on_without_a_department_that_dies_in_a_round(six, step):
    def die(name, wire):
        if name == step:
            wire.gone.add("qinshui")

    report = train(six, training(six), before=die)
    numbers = {s.round: s.survivors for s in report.history}
    assert len(numbers) == 5
    assert numbers[1] == tuple(sorted(NAMES))
    assert numbers[5] == tuple(sorted(set(NAMES) - {"qinshui"}))


def test_training_ends_when_a_third_is_gone_and_the_last_model_is_kept(six):
    def die(name, wire):
        wire.gone.update({"update.2.mask": {"qinshui"}, "update.4.mask": {"zezhou"}}.get(name, set()))

    kept = []
    with pytest.raises(KeyongError) as error:
        train(six, training(six), before=die, kept=kept)
    assert error.value.code == "node.too_few"
    assert len(kept[-1].history) == 3


def test_feigned_drop_out_gives_nobody_both_secrets_of_a_department(six):
    """The coordinator tells some that qinshui is there and others that it is gone; nobody answers either of it."""
    all_six, five = tuple(sorted(NAMES)), tuple(sorted(set(NAMES) - {"qinshui"}))

    def lie(party: str, payload: Payload) -> Payload:
        if isinstance(payload, Agree) and payload.round == "update.1":
            return msgspec.structs.replace(payload, survivors=all_six if party in NAMES[:3] else five)
        return payload

    with pytest.raises(RefusedError) as refused:
        train(six, training(six), tamper=lie)
    assert refused.value.code == "refused.survivors"
    assert [p for p in sent(six, Unmask) if p[1].round == "update.1"] == []


def test_department_signs_one_list_of_survivors_a_round(six):
    six_all = tuple(sorted(NAMES))
    done = []

    def twice(party: str, payload: Payload) -> Payload:
        if isinstance(payload, OpenMasks) and payload.round == "update.1" and not done:
            done.append(party)
            return Agree(round="update.1", survivors=tuple(n for n in six_all if n != "zezhou" or party == "zezhou"))
        return payload

    with pytest.raises(RefusedError) as refused:
        train(six, training(six), tamper=twice)
    assert refused.value.code == "refused.replayed"


def few(payload: OpenMasks) -> OpenMasks:
    return msgspec.structs.replace(payload, statements=payload.statements[:4])


def repeated(payload: OpenMasks) -> OpenMasks:
    return msgspec.structs.replace(payload, statements=payload.statements[:4] + payload.statements[:1])


def none(payload: OpenMasks) -> OpenMasks:
    return msgspec.structs.replace(payload, statements=())


@pytest.mark.parametrize("change", [few, repeated, none])
def test_no_mask_comes_off_before_more_than_two_thirds_have_signed(six, change):
    lie = Lie(lambda _, payload: change(payload) if isinstance(payload, OpenMasks) else payload)
    with pytest.raises(RefusedError) as refused:
        train(six, training(six), tamper=lie)
    assert refused.value.code == "refused.survivors"
    assert sent(six, Unmask) == []


def test_statements_of_an_earlier_round_open_no_later_one(six):
    earlier: dict[str, tuple[bytes, ...]] = {}

    def replay(_: str, payload: Payload) -> Payload:
        if isinstance(payload, OpenMasks):
            earlier.setdefault("statements", payload.statements)
            return msgspec.structs.replace(payload, statements=earlier["statements"])
        return payload

    with pytest.raises(RefusedError) as refused:
        train(six, training(six), tamper=replay)
    assert refused.value.code == "refused.survivors"
    assert {payload.round for _, payload in sent(six, Unmask)} == {"moments"}


# --- what is worked on ---


def test_department_that_is_given_another_model_spoils_the_sum_and_shows_nothing(six):
    """Pasquini et al., CCS 2022: a model for one department alone, so that its gradient stands out of the sum."""
    models: dict[str, bytes] = {}

    def lie(party: str, payload: Payload) -> Payload:
        if isinstance(payload, Mask) and payload.round == "update.1":
            models["first"] = payload.given
        if isinstance(payload, Mask) and payload.round == "update.2" and party == "qinshui":
            return msgspec.structs.replace(payload, given=models["first"])
        return payload

    with pytest.raises(RefusedError) as refused:
        train(six, training(six), tamper=lie)
    assert refused.value.code == "refused.survivors"
    assert "update.2" not in {payload.round for _, payload in sent(six, Unmask)}
    stated = [p for _, p in sent(six, Survivors) if p.round == "update.2"]
    assert len({p.given for p in stated}) == 2


def test_round_is_answered_once_and_a_key_is_used_once(six):
    def again(_: str, payload: Payload) -> Payload:
        if isinstance(payload, Mask) and payload.round == "update.2":
            return msgspec.structs.replace(payload, index=1)  # the key of update.1
        return payload

    with pytest.raises(RefusedError) as refused:
        train(six, training(six), tamper=again)
    assert refused.value.code == "refused.replayed"


def test_keys_that_are_not_those_of_the_cohort_are_refused(six):
    """A coordinator in the middle that shows one department fewer, or twice the same, keys."""

    def fewer(party: str, payload: Payload) -> Payload:
        if isinstance(payload, DealMasks) and party == "qinshui":
            return msgspec.structs.replace(payload, keys=payload.keys[1:])
        return payload

    with pytest.raises(RefusedError) as refused:
        train(six, training(six), tamper=fewer)
    assert refused.value.code == "refused.inputs"
    assert sent(six, Masked) == []


@pytest.mark.parametrize("name", ["update.6", "measure.9", "moments.1", "tree.1.level.1", "counts"])
def test_round_that_the_plan_does_not_have_is_refused(six, name):
    lie = Lie(
        lambda _, p: msgspec.structs.replace(p, round=name) if isinstance(p, Mask) and p.round == "update.3" else p
    )
    with pytest.raises(RefusedError) as refused:
        train(six, training(six), tamper=lie)
    assert refused.value.code == "refused.order"


def test_no_protection_is_refused_outside_a_lab(six):
    with pytest.raises(KeyongError) as refused:
        train(six, training(six, protection="none"))
    assert refused.value.code == "request.protection_lab"
    assert sent(six, Bare) == []


# --- on record ---


def test_every_round_is_on_record_at_every_department(six):
    train(six, training(six))
    for party in NAMES:
        masked = [event.data["round"] for event in six.events(party, "mask")]
        stated = [event.data["round"] for event in six.events(party, "survivors")]
        assert masked == stated
        assert masked[0] == "moments" and masked[1:6] == [f"update.{n}" for n in range(1, 6)]
        classes = {event.data["class"] for event in six.events(party, "egress")}
        assert {"masked", "unmask", "sealed", "control"} <= classes


def test_number_that_would_not_fit_its_bound_never_leaves():
    with pytest.raises(Exception, match="bound"):
        to_words([5], [4], 3)
