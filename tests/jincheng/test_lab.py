"""The cases that models learn from, and whether joint models gain what the specification asks for."""

import numpy as np
import pandas as pd
import pytest

from jincheng import lab


@pytest.mark.parametrize(
    ("study", "departments", "features"),
    [
        (lab.credit, {"tax", "social", "power", "market", "court", "housing"}, 24),
        (lab.relief, {"police", "civil", "social", "health", "disabled", "tax", "housing", "power"}, 24),
    ],
)
def test_vertical_studies_have_the_same_cases_everywhere(study, departments, features):
    found = study(citizens=10_000)
    assert set(found.features) == departments
    assert sum(frame.shape[1] for frame in found.features.values()) == features
    for frame in found.features.values():
        assert frame.index.equals(found.label.index)
    assert found.probability.index.equals(found.label.index)


def test_horizontal_study_has_the_same_columns_everywhere():
    found = lab.readmission(citizens=10_000)
    assert len(found.features) == 6
    columns = ["age", "disease", "previous", "comorbidities", "los", "hba1c", "egfr", "haemoglobin", "crp"]
    columns += ["medicines", "lives_alone", "cost_fen"]
    assert all(list(frame.columns) == columns for frame in found.features.values())
    assert pd.concat(found.features.values()).index.equals(found.label.index)
    shares = [len(frame) / len(found.label) for frame in found.features.values()]
    assert shares == pytest.approx([0.34, 0.19, 0.15, 0.15, 0.09, 0.08])


@pytest.mark.parametrize("study", [lab.credit, lab.relief, lab.readmission])
def test_labels_are_drawn_from_their_probabilities(study):
    found = study(citizens=100_000)
    error = (found.probability * (1 - found.probability)).sum() ** 0.5
    assert abs(found.label.sum() - found.probability.sum()) < 4 * error
    assert auc(found.label.to_numpy(), found.probability.to_numpy()) > 0.7


def auc(label, score):
    rank = pd.Series(score).rank().to_numpy()
    ones = label == 1
    count = ones.sum()
    return (rank[ones].sum() - count * (count + 1) / 2) / (count * (len(label) - count))


def woe(values, label, train, bins=10):
    """Weights of evidence: each column as the log-odds of its quantile bins, fitted on the training part."""
    codes = pd.factorize(values, sort=True)[0] if values.dtype.kind in "OUT" else values.to_numpy(float)
    edges = np.unique(np.quantile(codes[train], np.linspace(0, 1, bins + 1)[1:-1]))
    if len(np.unique(codes)) <= bins:
        edges = np.unique(codes)[:-1] + 0.5
    place = np.searchsorted(edges, codes)
    ones = np.bincount(place[train], label[train], len(edges) + 1) + 0.5
    every = np.bincount(place[train], minlength=len(edges) + 1) + 1.0
    return np.log((ones / ones.sum()) / ((every - ones) / (every - ones).sum()))[place]


def logistic_regression(inputs, label, penalty=1.0):
    """Newton's method with a ridge penalty on all but the intercept; the coefficients, intercept last."""
    inputs = np.column_stack([inputs, np.ones(len(label))])
    ridge = penalty * np.diag([1.0] * (inputs.shape[1] - 1) + [0.0])
    coefficients = np.zeros(inputs.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-inputs @ coefficients))
        gradient = inputs.T @ (label - p) - ridge @ coefficients
        step = np.linalg.solve((inputs.T * (p * (1 - p))) @ inputs + ridge, gradient)
        coefficients += step
        if abs(step).max() < 1e-8:
            return coefficients
    raise AssertionError("Newton's method did not converge")


def woe_lr(frame, label, train):
    inputs = np.stack([woe(frame[name], label, train) for name in frame], axis=1)
    coefficients = logistic_regression(inputs[train], label[train])
    return auc(label[~train], inputs[~train] @ coefficients[:-1])


@pytest.mark.slow
@pytest.mark.parametrize(("study", "citizens", "gain"), [(lab.credit, 560_000, 0.05), (lab.relief, 200_000, 0.08)])
def test_joint_model_beats_every_department_and_comes_near_the_oracle(study, citizens, gain):
    found = study(citizens=citizens)
    chosen = np.random.default_rng(1).permutation(len(found.label))[:40_000]
    label = found.label.to_numpy()[chosen]
    train = np.arange(len(label)) < 28_000
    frames = {key: frame.iloc[chosen] for key, frame in found.features.items()}
    single = {key: woe_lr(frame, label, train) for key, frame in frames.items()}
    joint = woe_lr(pd.concat(frames, axis=1), label, train)
    oracle = auc(label[~train], found.probability.to_numpy()[chosen][~train])
    print(f"{study.__name__}: joint {joint:.4f}, oracle {oracle:.4f}", {k: round(v, 4) for k, v in single.items()})
    assert joint - max(single.values()) >= gain
    assert oracle - joint <= 0.03


@pytest.mark.slow
def test_hospitals_with_few_labels_gain_from_each_other():
    found = lab.readmission(citizens=200_000)
    frame = pd.get_dummies(pd.concat(found.features.values()), columns=["disease"]).astype(float)
    label = found.label.to_numpy()
    train = np.random.default_rng(3).random(len(label)) >= 0.3
    inputs = ((frame - frame[train].mean()) / frame[train].std()).to_numpy()

    def score(rows):
        coefficients = logistic_regression(inputs[rows], label[rows])
        return auc(label[~train], inputs[~train] @ coefficients[:-1])

    hospital = np.repeat(np.arange(6), [len(frame) for frame in found.features.values()])
    few = [np.flatnonzero((hospital == place) & train)[: 400 * (6 - place) // 3] for place in range(6)]
    pooled, alone = score(np.flatnonzero(train)), [score(rows) for rows in few]
    oracle = auc(label[~train], found.probability.to_numpy()[~train])
    print(f"readmission: pooled {pooled:.4f}, oracle {oracle:.4f}", [round(value, 4) for value in alone])
    assert pooled - max(alone) >= 0.01
    assert oracle - pooled <= 0.03
