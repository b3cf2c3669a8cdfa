"""A training as a job, with real departments, keys and record in memory: what comes of it, and what is refused."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from federation.aggregation.agreement import propose
from federation.errors import KeyongError, RequestError
from federation.learning.artifact import Artifact, decode_arrays
from federation.learning.rows import read_rows
from federation.learning.scoring import score
from federation.learning.split import held_out
from federation.messages import Ciphertexts, Envelope, Masked, decode
from federation.plan import Descent, Logistic, Perceptron, PredictPlan, Trees
from tests.support.memory import NAMES, MemoryWire
from tests.support.training import clinics, train, training


def coefficients(artifact: bytes) -> np.ndarray:
    return np.concatenate([array.ravel() for array in decode_arrays(Artifact.from_bytes(artifact).arrays)])


def pooled(federation, plan) -> np.ndarray:
    """The same descent in clear on all training rows: written anew, in the plainest way."""
    doses, males, ills = [], [], []
    for name in plan.contributors:
        rows = federation.stores[name].rows
        aside = held_out([row["person_id"] for row in rows], nonce=plan.nonce, percent=plan.holdout)
        kept = [row for row, out in zip(rows, aside, strict=True) if not out]
        doses += [row["dose"] for row in kept]
        males += [row["sex"] == "m" for row in kept]
        ills += [row["ill"] for row in kept]
    dose, ill = np.array(doses, float), np.array(ills, float)
    inputs = np.column_stack([(dose - dose.mean()) / dose.std(), np.array(males, float)])
    weights, bias = np.zeros(2), 0.0
    for _ in range(plan.descent.rounds):
        error = 1 / (1 + np.exp(-(inputs @ weights + bias))) - ill
        gradient, slope = inputs.T @ error / len(ill) + plan.model.l2 * weights, error.mean()
        weights, bias = weights - plan.descent.rate * gradient, bias - plan.descent.rate * slope
    return np.array([*weights, bias])


@pytest.mark.parametrize(("protection", "within"), [("masks", 1e-9), ("paillier", 1e-9)])
def test_coefficients_are_those_of_the_same_descent_on_all_rows_in_clear(tmp_path, protection, within):
    federation = clinics(tmp_path, count=4)
    plan = training(federation, protection=protection, descent=Descent(rounds=4, rate=0.5))
    report = train(federation, plan)
    assert np.abs(coefficients(report.artifact) - pooled(federation, plan)).max() < within
    assert report.rows == sum(len(federation.stores[n].rows) for n in plan.contributors) - report.measures.rows
    assert 0.5 < report.measures.auc <= 1


@pytest.mark.parametrize(
    ("model", "descent"),
    [
        (Perceptron(hidden=(4,)), Descent(strategy="fedavg", rounds=2, rate=0.1, epochs=2, batch=8)),
        (Logistic(), Descent(strategy="fedprox", rounds=2, rate=0.1, epochs=2, batch=8, mu=0.1)),
        (Trees(trees=1, depth=2, bins=4, minimum_rows=3), Descent()),
        (Trees(trees=2, depth=1, bins=4, minimum_rows=3), Descent()),
    ],
)
def test_every_model_is_the_same_under_masks_and_under_the_joint_key(tmp_path, model, descent):
    models = []
    for protection in ("masks", "paillier"):
        federation = clinics(tmp_path / protection, count=3, rows=30)
        plan = training(federation, protection=protection, model=model, descent=descent)
        models.append(coefficients(train(federation, plan).artifact))
    assert np.abs(models[0] - models[1]).max() < 1e-9


def test_training_goes_on_from_what_was_kept_as_if_it_had_not_been_interrupted(tmp_path):
    federation = clinics(tmp_path, count=4)
    whole = coefficients(train(federation, training(federation, descent=Descent(rounds=5, rate=0.5))).artifact)

    kept = []
    with pytest.raises(KeyongError):
        train(
            federation,
            training(federation, descent=Descent(rounds=5, rate=0.5), purpose="again"),
            job="t-2",
            before=lambda step, wire: wire.gone.update(NAMES[:2] if step == "update.4.mask" else ()),
            kept=kept,
        )
    so_far = kept[-1].artifact
    assert Artifact.from_bytes(so_far).rounds == 3
    rest = training(federation, nonce="2" * 32, start=so_far, descent=Descent(rounds=2, rate=0.5))
    assert np.abs(coefficients(train(federation, rest, job="t-3").artifact) - whole).max() < 1e-9


def test_constant_label_at_one_department_is_no_hindrance(tmp_path):
    federation = clinics(tmp_path, count=4)
    for row in federation.stores[NAMES[0]].rows:
        row["ill"] = 0
    assert train(federation, training(federation)).measures.auc > 0.5


def test_one_label_at_all_departments_is_refused(tmp_path):
    federation = clinics(tmp_path, count=3)
    for store in federation.stores.values():
        for row in store.rows:
            row["ill"] = 1
    with pytest.raises(RequestError) as refused:
        train(federation, training(federation))
    assert refused.value.code == "learning.one_class"


def test_exploding_loss_ends_the_job_and_keeps_what_was_good(tmp_path):
    federation, kept = clinics(tmp_path, count=3), []
    plan = training(federation, model=Logistic(l2=50.0), descent=Descent(rounds=40, rate=5.0))
    with pytest.raises(RequestError) as stopped:
        train(federation, plan, kept=kept)
    assert stopped.value.code == "learning.diverged"
    assert np.isfinite(coefficients(kept[-1].artifact)).all()


def test_no_row_and_no_single_departments_number_leaves_in_clear(tmp_path):
    federation = clinics(tmp_path, count=3)
    train(federation, training(federation))
    words = [decode(Envelope.from_bytes(data).payload) for _, data in federation.sent]
    assert any(isinstance(word, Masked) for word in words)
    assert not any(isinstance(word, Ciphertexts) for word in words)
    everything = b"".join(data for _, data in federation.sent)
    assert not any(
        row["person_id"].encode() in everything for store in federation.stores.values() for row in store.rows
    )


# --- prediction ---


def predicting(federation, artifact: bytes, **changes: object) -> PredictPlan:
    trained = training(federation)
    fields = {name: getattr(trained, name) for name in PredictPlan.__struct_fields__ if hasattr(trained, name)}
    fields |= {"artifact": artifact, "bands": (0.3, 0.7), "protection": "paillier", "nonce": "3" * 32, **changes}
    return PredictPlan(**fields)


def test_bands_are_counted_over_all_departments_and_each_person_s_stays_at_home(tmp_path):
    federation = clinics(tmp_path, count=4)
    artifact = train(federation, training(federation)).artifact
    plan = predicting(federation, artifact)
    totals = federation.totals(plan, federation.seal(plan, job="p-1"), job="p-1")
    scores = np.concatenate(
        [
            score(Artifact.from_bytes(artifact), read_rows(store, federation.catalogue.tables[0], plan))
            for store in federation.stores.values()
        ]
    )
    want = np.bincount(np.searchsorted([0.3, 0.7], scores, side="right"), minlength=3)
    assert [totals.groups.get(band, (None,))[0] for band in range(3)] == [
        int(count) if band not in totals.dropped else None for band, count in enumerate(want)
    ]
    kept = federation.folder("gaoping") / "predictions" / "p-1.csv"
    assert len(list(csv.DictReader(kept.open()))) == len(federation.stores["gaoping"].rows)


def test_person_is_scored_no_more_often_than_the_budget_says(tmp_path):
    federation = clinics(tmp_path, count=3)
    artifact = train(federation, training(federation)).artifact
    everybody = sum(len(store.rows) for store in federation.stores.values())
    for number, expected in ((1, everybody), (2, everybody), (3, 0)):
        plan = predicting(federation, artifact, bands=(2.0,), budget=2, nonce=f"{number:032x}")
        totals = federation.totals(plan, federation.seal(plan, job=f"p-{number}"), job=f"p-{number}")
        assert totals.groups.get(0, (0,))[0] == expected


def test_model_of_other_features_predicts_nothing(tmp_path):
    federation = clinics(tmp_path, count=3)
    artifact = train(federation, training(federation)).artifact
    plan = predicting(federation, artifact, features=training(federation).features[:1])
    with pytest.raises(KeyongError) as refused:
        federation.seal(plan, job="p-1")
    assert refused.value.code == "request.model_differs"


def snapshot_of(federation, name: str) -> str:
    ((slip, _),) = federation.approvals[name].slips()
    return slip.snapshot


def test_prediction_that_officers_approved_is_not_taken_for_changed_data(tmp_path):
    """An officer of a query approves its numbers as they are; a prediction has none before it runs."""
    federation = clinics(tmp_path, count=3)
    artifact = train(federation, training(federation)).artifact
    other = clinics(tmp_path / "officers", count=3, approvals="officers")
    plan = predicting(other, artifact, bands=(2.0,))
    request = other.request(plan, job="p-1")
    assert propose(MemoryWire(other, "p-1", plan.hash), plan, request, {}) == {}
    for name in plan.participants:
        other.approvals[name].hear(other.grant(name, plan, job="p-1", snapshot=snapshot_of(other, name)), {})
    totals = other.totals(plan, other.seal(plan, job="p-1"), job="p-1")
    assert totals.groups[0][0] == sum(len(store.rows) for store in other.stores.values())
