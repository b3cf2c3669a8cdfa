"""Gradient inversion reads every case out of what is sent in the clear, and none out of what is masked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from crypto.masking import to_words
from federation.drills.model.inversion import as_sent, guesses, invert, recovered, recovered_by_collusion
from federation.drills.model.stage import ModelStage, Sent


@pytest.fixture(scope="module", params=["single", "batch"])
def sent(request: pytest.FixtureRequest) -> Iterator[Sent]:
    yield getattr(ModelStage(), request.param)


def test_every_case_is_read_to_the_last_digit_when_nothing_protects(sent: Sent):
    assert recovered(sent.hospitals, sent.off) == 1.0


def test_no_case_is_read_out_of_masked_vectors_or_the_total(sent: Sent):
    assert recovered(sent.hospitals, sent.on) == 0.0


def test_case_that_was_read_is_the_hospitals_own(sent: Sent):
    hospital, words = next(iter(sent.off.sent.items()))
    bounds = sent.off.answers[hospital].bounds
    found = invert(sent.off, as_sent(words, bounds))
    frame = sent.hospitals.frames[hospital]
    assert sorted(record["age"] for record in found) == sorted(frame["age"])
    assert {record["disease"] for record in found} == set(frame["disease"])
    assert sorted(record["cost_fen"] for record in found) == sorted(frame["cost_fen"])


def test_total_is_the_same_with_and_without_masks(sent: Sent):
    assert sent.off.summed == sent.on.summed


def test_everybody_else_together_reads_the_last_ones_cases_even_under_masks(sent: Sent):
    assert recovered_by_collusion(sent.hospitals, sent.on) == 1.0


def test_which_of_two_vectors_was_sent_shows_without_masks_only(sent: Sent):
    assert guesses(sent.off, masked=False, rounds=20) == 1.0
    # 300 fair coins: outside 0.3..0.7 less than once in 10**11 runs.
    assert 0.3 < guesses(sent.on, masked=True, rounds=300) < 0.7


def test_masked_words_look_random(sent: Sent):
    words = np.concatenate(list(sent.on.sent.values()))
    bits = np.unpackbits(words.view(np.uint8))
    # A share of ones more than 6 deviations from one half comes less than once in 10**8 runs.
    assert abs(bits.mean() - 0.5) < 6 * 0.5 / np.sqrt(bits.size)
    plain = np.concatenate(list(sent.off.sent.values()))
    assert abs(np.unpackbits(plain.view(np.uint8)).mean() - 0.5) > 0.05


def test_unmasked_words_are_read_as_they_are():
    values, bounds = [3, 2**40], (10, 2**62)
    assert as_sent(to_words(values, bounds, 6), bounds) == values


def test_cases_that_public_facts_do_not_tell_apart_are_beyond_this_attack():
    hospitals = ModelStage().batch.hospitals
    frames = {name: frame.assign(disease="肺炎") for name, frame in hospitals.frames.items()}
    alike = replace(hospitals, frames=frames)
    _, off = alike.run()
    assert recovered(alike, off) == 0.0
