"""What is said of a training before and after: who learns what, how much is sent, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from federation.learning.card import LabNumbers, ModelCard, Phase, make_card
from federation.learning.card_text import render_card, render_leakage
from federation.learning.estimate import expected_bytes
from federation.learning.leakage import leakage
from federation.learning.metrics import Measures
from federation.plan import (
    Column,
    Descent,
    Feature,
    Label,
    Linear,
    Logistic,
    Perceptron,
    Privacy,
    TrainPlan,
    Trees,
)

NAMES = ("east", "north", "south", "west")
PLAN = TrainPlan(
    nonce="0" * 32,
    requester="analyst@city",
    purpose="who to call",
    contributors=NAMES,
    gate="west",
    holders=NAMES,
    threshold=3,
    minimum_group=10,
    minimum_contributors=3,
    catalogue="c",
    roster="r",
    epoch=1,
    protection="masks",
    title="readmission",
    job_file="",
    source="admissions",
    id=Column(name="id", type="text"),
    features=(
        Feature(column=Column(name="age", type="integer"), low=0, high=120),
        Feature(column=Column(name="disease", type="text"), values=("a", "b", "c")),
    ),
    label=Label(column=Column(name="again", type="boolean")),
    model=Logistic(l2=0.001),
    descent=Descent(rounds=3, rate=1.0),
)
MODELS = (Linear(), Logistic(), Perceptron(), Trees())
AREA = Measures(rows=357, auc=0.81, auc_low=0.77, auc_high=0.85, accuracy=0.74)


def said(plan: TrainPlan, language: str = "en") -> str:
    return "\n".join(render_leakage(leakage(plan), language))


def card(plan: TrainPlan = PLAN, **known: object) -> ModelCard:
    facts: dict[str, object] = {
        "job": "t-000000000000",
        "artifact": b"model",
        "losses": (0.69, 0.55, 0.51),
        "survivors": {1: NAMES, 2: NAMES[:3], 3: NAMES},
        "rows_train": 843,
        "measures": AREA,
        "epsilon_recomputed": None,
        "phases": (Phase(name="update", seconds=0.82, bytes=1_121_640),),
        "made_at": datetime(2026, 11, 22, 8, tzinfo=UTC),
    }
    return make_card(plan, **{**facts, **known})


# --- the leakage card ---


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("protection", ["masks", "paillier", "none"])
@pytest.mark.parametrize("privacy", [None, Privacy(epsilon=3.0)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_card_names_every_attack_under_every_protection(model, protection, privacy, language):
    text = said(replace(PLAN, model=model, protection=protection, privacy=privacy), language)
    attacks = {
        "en": ("gradient inversion", "sum inversion", "membership inference", "model inversion", "subtraction"),
        "zh": ("梯度反演", "合计反演", "成员推断", "模型反演", "相减"),
    }[language]
    assert all(attack in text for attack in attacks)
    assert "{" not in text


def test_card_says_that_the_coordinator_learns_every_rounds_sum_and_the_model():
    lines = [leak for leak in leakage(PLAN) if leak.who_en == "coordinator"]
    assert any("updates of 3 rounds" in leak.what_en and "every round's model" in leak.what_en for leak in lines)
    assert any("3 轮合计更新" in leak.what_zh and "每轮的模型" in leak.what_zh for leak in lines)


def test_card_hides_single_departments_only_where_something_hides_them():
    assert "no single department's update" in said(PLAN)
    assert "every department's update of every round" in said(replace(PLAN, protection="none"))
    assert "no single department's update" not in said(replace(PLAN, protection="none"))


def test_card_claims_a_bound_only_with_noise():
    assert "differential privacy" not in said(PLAN)
    assert "no bound can be proven" in said(PLAN)
    private = said(replace(PLAN, privacy=Privacy(epsilon=3.0)))
    assert "ε = 3, δ = 1e-05" in private
    assert "no bound can be proven" not in private


@pytest.mark.parametrize(("cohort", "colluders", "needed"), [(3, 2, 3), (4, 1, 3), (6, 3, 5), (9, 4, 7)])
def test_colluders_of_masks_are_those_that_cannot_get_both_secrets_of_anybody(cohort, colluders, needed):
    """Bonawitz et al., CCS 2017, section 6: with t of n needed, fewer than 2t - n may collude with the coordinator."""
    plan = replace(PLAN, contributors=tuple(f"d{number}" for number in range(cohort)))
    text = said(plan)
    assert f"up to {colluders} departments" in text
    assert f"fewer than {needed} of {cohort} departments" in text
    assert f"最多 {colluders} 个部门串通" in said(plan, "zh")


def test_drop_outs_are_said_to_leak_under_masks_and_cannot_happen_under_encryption():
    assert "misses one" in said(PLAN)
    assert "misses one" not in said(replace(PLAN, protection="paillier"))


# --- how much is sent ---


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("protection", ["masks", "paillier"])
def test_estimate_grows_with_rounds_and_departments(model, protection):
    plan = replace(PLAN, model=model, protection=protection)
    more = replace(plan, model=replace(model, trees=40)) if isinstance(model, Trees) else None
    more = more or replace(plan, descent=Descent(rounds=6))
    wider = replace(plan, contributors=(*NAMES, "zezhou"))
    assert 0 < expected_bytes(plan, key_bits=2048) < expected_bytes(more, key_bits=2048)
    assert expected_bytes(plan, key_bits=2048) < expected_bytes(wider, key_bits=2048)


def test_estimate_of_a_masked_training_is_near_what_was_counted():
    """Three departments, four rounds of a 64-64 perceptron on three inputs: 1,465,788 bytes of update messages."""
    plan = replace(PLAN, contributors=NAMES[:3], model=Perceptron(hidden=(64, 64)), descent=Descent(rounds=4, rate=0.1))
    assert expected_bytes(plan, key_bits=2048) == pytest.approx(1_465_788, rel=0.02)
    # The same with a logistic regression: 175,464, nearly all of it envelopes.
    small = replace(plan, model=Logistic())
    assert expected_bytes(small, key_bits=2048) == pytest.approx(175_464, rel=0.02)


# --- the model card ---


def test_card_says_who_took_part_and_who_was_missing_when():
    made = card()
    assert made.took_part == NAMES
    assert [(gone.round, gone.departments) for gone in made.drop_outs] == [(2, ("west",))]
    assert (made.rounds, made.history) == (3, (0.69, 0.55, 0.51))


def test_department_that_was_never_there_did_not_take_part():
    made = card(survivors={1: NAMES[:3], 2: NAMES[:3], 3: NAMES[:3]})
    assert (made.contributors, made.took_part) == (NAMES, NAMES[:3])


def test_card_binds_the_plan_and_the_model_file():
    made = card()
    assert made.plan_hash == PLAN.hash
    # sha256sum of the five letters "model"
    assert made.model_hash == "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_card_reads_back_from_its_file(model):
    lab = LabNumbers(alone={"east": AREA}, federated=AREA, pooled=AREA)
    made = card(replace(PLAN, model=model), lab=lab)
    assert msgspec.json.decode(msgspec.json.encode(made), type=ModelCard) == made


@pytest.mark.parametrize("language", ["zh", "en"])
def test_text_of_the_card_has_every_figure(language):
    private = replace(PLAN, privacy=Privacy(epsilon=3.0, clip=0.5))
    lab = LabNumbers(alone={"east": replace(AREA, auc=0.7)}, federated=AREA, pooled=replace(AREA, auc=0.82))
    text = render_card(card(private, epsilon_recomputed=2.98, lab=lab, factor=83.5), language)
    for figure in (
        "readmission",
        "t-000000000000",
        "who to call",
        "ε = 3 (2.9800)",
        "δ = 1e-05",
        "0.8100 [0.7700, 0.8500]",
    ):
        assert figure in text
    for figure in (
        "0.8100 [0.7700, 0.8500]",
        "0.8200",
        "0.7000",
        "83.5",
        "0.6900 0.5500 0.5100",
        "1,121,640",
        "843",
        "357",
        PLAN.source,
    ):
        assert figure in text
    assert {"zh": "第 2 轮 west", "en": "round 2: west"}[language] in text
    assert {"zh": "独立性为模拟", "en": "simulated"}[language] in text


def test_measures_that_bear_noise_say_so():
    assert "with noise" not in render_card(card(), "en")
    assert "with noise" in render_card(card(replace(PLAN, privacy=Privacy(epsilon=3.0))), "en")


def test_text_of_a_regression_has_its_error_and_no_area():
    text = render_card(card(replace(PLAN, model=Linear()), measures=Measures(rows=10, rmse=2.5, r2=0.3)), "en")
    assert "RMSE 2.5" in text and "R² 0.3" in text and "AUC" not in text


def test_text_says_what_was_not_measured_instead_of_leaving_it_out():
    text = render_card(card(measures=None, rows_train=None, losses=(None,), survivors={1: NAMES}), "en")
    assert "on rows held out: none were" in text
    assert "training rows: not published" in text
    assert "alone and pooled: not compared" in text
    assert "loss -" in text


def test_many_rounds_are_shown_by_the_first_and_the_last():
    losses = tuple(number / 100 for number in range(100))
    text = render_card(card(losses=losses, survivors={1: NAMES}), "en")
    assert "100; loss 0.0000 0.0100 0.0200 … 0.9700 0.9800 0.9900" in text
