"""Rows are held out by a public draw, alike at every department and in every job that goes on from a model."""

from __future__ import annotations

import hashlib

import pandas as pd

from federation.learning.owner import Owner
from federation.learning.split import held_out, identifiers, split_nonce
from federation.learning.work import Moments
from tests.support.learning import AGE, cohort, train_on, train_plan

IDS = [f"person {number}" for number in range(10_000)]


def test_share_held_out_is_the_one_asked_for():
    # Six standard deviations of 10,000 draws are 275.
    assert abs(held_out(IDS, nonce="1", percent=30).sum() - 3000) < 275
    assert not held_out(IDS, nonce="1", percent=0).any()


def test_draw_is_the_first_eight_bytes_of_a_hash_of_nonce_and_id():
    hashes = [hashlib.sha256(f"00ff\n{person}".encode()).digest() for person in IDS]
    percents = [int.from_bytes(digest[:8], "big") * 100 / 2**64 for digest in hashes]
    # Some lie so near the limit that a limit of one hundredth more or less would show.
    assert min(abs(percent - 30) for percent in percents) < 0.02
    assert held_out(IDS, nonce="00ff", percent=30).tolist() == [percent < 30 for percent in percents]


def test_person_is_on_one_side_whichever_rows_are_beside_it():
    alone = [bool(held_out([person], nonce="1", percent=30)[0]) for person in IDS[:50]]
    assert alone == held_out(IDS, nonce="1", percent=30)[:50].tolist()


def test_every_job_draws_anew():
    one, other = (held_out(IDS, nonce=nonce, percent=50) for nonce in ("1", "2"))
    assert 4500 < (one != other).sum() < 5500


def test_larger_holdout_contains_the_smaller():
    small, large = (held_out(IDS, nonce="1", percent=percent) for percent in (10, 40))
    assert (large | ~small).all()


def test_job_that_goes_on_from_a_model_holds_out_what_the_model_has_not_seen():
    first = train_plan()
    model = train_on(first, cohort(first)).artifact
    second = train_plan(nonce="e" * 32, start=model.to_bytes())
    assert split_nonce(second) == first.nonce
    third = train_plan(nonce="d" * 32, start=train_on(second, cohort(second)).artifact.to_bytes())
    assert split_nonce(third) == first.nonce


def test_id_is_the_same_text_whether_or_not_others_are_missing():
    whole, holes = pd.Series([7, 12345678901]), pd.Series([7, 12345678901, None])
    assert holes.dtype == float
    assert identifiers(whole).tolist() == identifiers(holes.dropna()).tolist() == ["7", "12345678901"]
    assert identifiers(pd.Series(["7", "x"])).tolist() == ["7", "x"]


def test_department_with_a_missing_id_holds_out_the_same_people():
    plan = train_plan(features=(AGE,))
    whole = pd.DataFrame({"id": range(200), "age": range(200), "ill": [0, 1] * 100})
    holes = pd.concat([whole, pd.DataFrame({"id": [None], "age": [5], "ill": [1]})], ignore_index=True)
    assert holes["id"].dtype != whole["id"].dtype
    one, other = (Owner(plan, frame, name="zezhou").answer("moments", Moments()).values for frame in (whole, holes))
    assert one == other
