"""Works travel as canonical bytes, and their public bounds follow from plan and work alone."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from federation.learning.artifact import Standard, encode_arrays
from federation.learning.ensemble import Ensemble, Tree
from federation.learning.histograms import FineHistogram, NodeHistograms
from federation.learning.privacy import noise_for
from federation.learning.work import SHARES, Measure, Moments, Update, bounds, decode_work, encode_work
from federation.plan import MAX_ROWS, Descent, Linear, Logistic, Privacy
from tests.support.learning import AGE, INCOME, TRADE, train_plan

ARRAYS = encode_arrays([np.zeros((4, 1)), np.zeros(1)])
STANDARD = Standard(means=(1.5, 2.5), deviations=(0.5, 1 / 3))
UPDATE = Update(standard=STANDARD, rows=12, arrays=ARRAYS)
MEASURE = Measure(standard=STANDARD, rows=12, arrays=ARRAYS)
ENSEMBLE = Ensemble(
    cuts=((5,), ()), base=0.25, trees=(Tree(feature=(0, -1, -1), bin=(1, 0, 0), value=(0.0, 0.5, -0.5)),)
)
NODES = NodeHistograms(ensemble=ENSEMBLE, tree=ENSEMBLE.trees[0], nodes=(1, 2))
EVERY = (Moments(), UPDATE, MEASURE, FineHistogram(edges=((5,), ())), NODES)


@pytest.mark.parametrize("work", EVERY, ids=lambda work: type(work).__name__)
def test_every_work_comes_back(work):
    assert decode_work(encode_work(work)) == work


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encode_work(UPDATE) + b"\0",
        encode_work(UPDATE)[:-1],
        msgspec.json.encode({"work": "Moments"}),
        msgspec.msgpack.encode({"work": "Rows"}),
        msgspec.msgpack.encode({"work": "Moments", "more": 1}),
        msgspec.msgpack.encode({"rows": 12, **msgspec.msgpack.decode(encode_work(UPDATE))}),
        msgspec.msgpack.encode(msgspec.msgpack.decode(encode_work(UPDATE)) | {"rows": "12"}),
    ],
    ids=[
        "nothing",
        "a byte too many",
        "a byte missing",
        "JSON",
        "unknown",
        "a field too many",
        "another order",
        "a text",
    ],
)
def test_anything_but_the_canonical_bytes_of_a_work_is_refused(data):
    with pytest.raises(ValueError):
        decode_work(data)


def test_bounds_of_moments_are_those_of_the_largest_department():
    rows = MAX_ROWS
    assert bounds(train_plan(features=(AGE, TRADE)), Moments(), None) == (
        *(rows, rows, rows, rows),
        *(rows, 100 * rows, 10_000 * rows),
    )
    assert len(bounds(train_plan(features=(AGE, INCOME, TRADE)), Moments(), None)) == 10


def test_bounds_of_an_update_are_a_count_and_shares_of_loss_and_gradient():
    assert bounds(train_plan(), UPDATE, None) == (MAX_ROWS, *(2 * SHARES.largest,) * 6)


def test_bounds_of_a_measure_are_counts_by_label_and_score():
    assert bounds(train_plan(), MEASURE, None) == (MAX_ROWS, 2 * SHARES.largest, *(MAX_ROWS,) * 1024)
    assert bounds(train_plan(model=Linear()), MEASURE, None) == (MAX_ROWS, *(2 * SHARES.largest,) * 3)


def test_private_answers_are_the_update_alone_and_one_number():
    plan = train_plan(privacy=Privacy(epsilon=5.0), descent=Descent(rounds=2), model=Logistic())
    noise = noise_for(plan)
    assert bounds(plan, UPDATE, noise) == (noise.bound,) * 5
    assert bounds(plan, MEASURE, noise) == (noise.bound,)


def test_share_fits_into_64_bits():
    assert 2 * SHARES.largest < 2**64
