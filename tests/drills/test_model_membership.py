"""Who was learnt from shows in an overfitted model, however it was added up, and not in a private one."""

from __future__ import annotations

import numpy as np
import pytest

from federation.drills.model.membership import cases_of, infer_members, quality
from federation.drills.model.stage import ModelStage
from federation.learning.artifact import decode_arrays


@pytest.fixture(scope="module")
def stage() -> ModelStage:
    return ModelStage()


def test_members_of_an_overfitted_model_are_found(stage: ModelStage):
    assert infer_members(*stage.open) >= 0.75


def test_secure_sums_do_not_change_the_model_by_one_bit(stage: ModelStage):
    assert stage.open.artifact.arrays == stage.masked.artifact.arrays


def test_members_of_a_private_model_are_not_found(stage: ModelStage):
    # With 120 members and 120 others the area strays by 0.037 around one half: four of these.
    assert infer_members(*stage.private) <= 0.65


def test_attack_that_is_told_the_wrong_members_finds_nothing(stage: ModelStage):
    hospitals, artifact = stage.open
    random = np.random.default_rng(3)
    shuffled = {name: random.permutation(aside) for name, aside in hospitals.held_out.items()}
    wrong = type(hospitals)(plan=hospitals.plan, frames=hospitals.frames, held_out=shuffled)
    assert 0.3 < infer_members(wrong, artifact) < 0.7


def test_private_model_has_other_weights_than_the_open_one(stage: ModelStage):
    arrays = (decode_arrays(learnt.artifact.arrays) for learnt in (stage.open, stage.private))
    assert all((first != second).any() for first, second in zip(*arrays, strict=True))


def test_price_is_told_of_a_model_that_is_of_use_without_privacy(stage: ModelStage):
    assert quality(*stage.useful) > 0.62
    assert 0.25 < quality(*stage.useful_private) < 0.75


def test_model_is_measured_on_cases_that_nobody_learnt_from(stage: ModelStage):
    hospitals, artifact = stage.open
    cases = cases_of(hospitals, artifact.standard)
    assert (cases.learnt.sum(), (~cases.learnt).sum()) == (120, 120)
    assert 0.5 < quality(hospitals, artifact) < 0.75
