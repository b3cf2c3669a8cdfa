"""Joint training end to end over sums in clear: equal to what one would get by pooling the rows, and how it stops."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pandas as pd
import pytest

from federation.errors import DataError, NodeError, RefusedError, RequestError
from federation.learning.artifact import Artifact, decode_arrays
from federation.learning.errors import DivergedError
from federation.learning.metrics import area_of_scores
from federation.learning.owner import Owner
from federation.learning.privacy import noise_for
from federation.learning.scoring import score
from federation.learning.split import held_out
from federation.learning.training import Step, train
from federation.learning.work import Moments, Summed
from federation.plan import Column, Descent, Label, Linear, Logistic, Perceptron, Privacy, Trees
from tests.support.learning import AGE, INCOME, NAMES, cohort, owners_of, people, summing, train_on, train_plan

PAY = Label(column=Column(name="income", type="decimal(2)"), low=-100_000, high=1_000_000)


def training_rows(plan, frames) -> pd.DataFrame:
    pooled = pd.concat(frames.values(), ignore_index=True)
    return pooled[~held_out(pooled["id"], nonce=plan.nonce, percent=plan.holdout)]


def pooled_inputs(rows: pd.DataFrame, among: pd.DataFrame | None = None) -> np.ndarray:
    """Age, income and trade of `cohort`, standardised over all training rows, written without our code."""
    among = rows if among is None else among
    columns = []
    for name, low, high in (("age", 0, 100), ("income", -100_000, 1_000_000)):
        fit = among[name].astype(float).clip(low, high)
        standard = (rows[name].astype(float).clip(low, high) - fit.mean()) / fit.std(ddof=0)
        columns.append(standard.fillna(0.0).to_numpy())
    columns += [(rows["trade"] == value).to_numpy(dtype=float) for value in ("shop", "mine")]
    return np.stack(columns, axis=1)


def pooled_descent(inputs, label, *, rounds, rate, l2, logistic=True) -> np.ndarray:
    """Gradient descent in clear on the mean loss; weights, then the intercept."""
    weights = np.zeros(inputs.shape[1] + 1)
    for _ in range(rounds):
        output = inputs @ weights[:-1] + weights[-1]
        error = (1 / (1 + np.exp(-output)) if logistic else output) - label
        slope = np.append(inputs.T @ error, error.sum()) / len(label) + l2 * np.append(weights[:-1], 0.0)
        weights = weights - rate * slope
    return weights


def coefficients(artifact: Artifact) -> np.ndarray:
    return np.concatenate([array.ravel() for array in decode_arrays(artifact.arrays)])


# -- equal to pooled --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [4, 6])
def test_fedsgd_gives_the_coefficients_of_gradient_descent_on_the_pooled_rows(count):
    plan = train_plan(contributors=NAMES[:count], descent=Descent(rounds=300, rate=0.5))
    frames = cohort(plan)
    rows = training_rows(plan, frames)
    want = pooled_descent(pooled_inputs(rows), rows["ill"].to_numpy(dtype=float), rounds=300, rate=0.5, l2=0.01)
    trained = train_on(plan, frames)
    assert np.abs(coefficients(trained.artifact) - want).max() < 1e-9
    assert np.abs(want).max() > 0.5


def test_linear_regression_gives_the_coefficients_of_the_pooled_rows():
    plan = train_plan(features=(AGE,), label=PAY, model=Linear(l2=0.01), descent=Descent(rounds=200, rate=0.5))
    frames = cohort(plan)
    rows = training_rows(plan, frames)
    pay = rows["income"].to_numpy(dtype=float).clip(-100_000, 1_000_000)
    want = pooled_descent(
        pooled_inputs(rows)[:, :1], (pay - pay.mean()) / pay.std(), rounds=200, rate=0.5, l2=0.01, logistic=False
    )
    assert np.abs(coefficients(train_on(plan, frames).artifact) - want).max() < 1e-9


def test_measures_of_a_regression_are_those_of_its_scores_on_the_held_out_rows():
    plan = train_plan(features=(AGE,), label=PAY, model=Linear(), descent=Descent(rounds=100, rate=0.5))
    frames = cohort(plan)
    trained = train_on(plan, frames)
    pooled = pd.concat(frames.values(), ignore_index=True)
    aside = pooled[held_out(pooled["id"], nonce=plan.nonce, percent=plan.holdout)]
    true, told = aside["income"].to_numpy(dtype=float).clip(-100_000, 1_000_000), score(trained.artifact, aside)
    assert trained.measures.rows == len(aside)
    assert trained.measures.rmse == pytest.approx(np.sqrt(np.mean((true - told) ** 2)), rel=1e-9)
    assert trained.measures.r2 == pytest.approx(1 - np.mean((true - told) ** 2) / true.var(), rel=1e-9)


def test_perceptron_learns_what_no_linear_model_can():
    # Ill if age and income are both high or both low: exclusive or.
    draw = np.random.default_rng(5)
    frames = {}
    for name in NAMES[:4]:
        age, income = draw.integers(0, 101, 300), draw.integers(-100_000, 1_000_001, 300)
        ill = ((age > 50) == (income > 450_000)).astype(int)
        ids = [f"{name}{number}" for number in range(300)]
        frames[name] = pd.DataFrame({"id": ids, "age": age, "income": income, "ill": ill})
    descent = Descent(rounds=600, rate=1.0)
    plans = [
        train_plan(features=(AGE, INCOME), model=model, descent=descent)
        for model in (Logistic(), Perceptron(hidden=(8,)))
    ]
    linear, perceptron = (train_on(plan, frames).measures.auc for plan in plans)
    assert linear < 0.6
    assert perceptron > 0.97


def test_order_of_rows_does_not_change_the_model():
    for strategy in ("fedsgd", "fedavg"):
        plan = train_plan(descent=Descent(strategy=strategy, rounds=20, rate=0.3, batch=16))
        frames = cohort(plan)
        mixed = {name: frame.sample(frac=1, random_state=3) for name, frame in frames.items()}
        once, again = (coefficients(train_on(plan, these).artifact) for these in (frames, mixed))
        assert np.abs(once - again).max() <= 1e-12


def test_rows_may_lie_at_any_department_without_changing_the_model():
    plan = train_plan()
    frames = cohort(plan)
    pooled = pd.concat(frames.values()).sample(frac=1, random_state=1)
    dealt = {name: pooled.iloc[index::4] for index, name in enumerate(frames)}
    ours, theirs = (coefficients(train_on(plan, these).artifact) for these in (frames, dealt))
    assert np.abs(ours - theirs).max() < 1e-9


# -- Flower's strategies ----------------------------------------------------------------------------------------------


def test_fedavg_with_one_department_is_local_training():
    descent = Descent(strategy="fedavg", rounds=7, rate=0.2, epochs=1)
    plan = train_plan(contributors=("zezhou",), descent=descent)
    frames = {"zezhou": people(200, 4)}
    rows = training_rows(plan, frames)
    # One epoch in one batch is one step, so seven rounds are seven steps alone.
    want = pooled_descent(pooled_inputs(rows), rows["ill"].to_numpy(dtype=float), rounds=7, rate=0.2, l2=0.01)
    assert np.abs(coefficients(train_on(plan, frames).artifact) - want).max() < 1e-9


def test_fedavg_is_the_mean_of_local_models_weighted_by_rows():
    plan = train_plan(descent=Descent(strategy="fedavg", rounds=1, rate=0.2, epochs=3))
    frames = cohort(plan)
    every = training_rows(plan, frames)
    local, sizes = [], []
    for frame in frames.values():
        rows = frame[~held_out(frame["id"], nonce=plan.nonce, percent=plan.holdout)]
        label = rows["ill"].to_numpy(dtype=float)
        local.append(pooled_descent(pooled_inputs(rows, every), label, rounds=3, rate=0.2, l2=0.01))
        sizes.append(len(rows))
    want = np.average(local, axis=0, weights=sizes)
    assert np.abs(coefficients(train_on(plan, frames).artifact) - want).max() < 1e-9


def test_fedprox_without_mu_is_fedavg_and_with_it_stays_nearer():
    frames = cohort(train_plan())
    descents = [
        Descent(strategy=strategy, rounds=3, rate=0.2, epochs=20, batch=16, mu=mu)
        for strategy, mu in (("fedavg", 0.0), ("fedprox", 0.0), ("fedprox", 2.0))
    ]
    average, unbound, held = (coefficients(train_on(train_plan(descent=d), frames).artifact) for d in descents)
    assert np.array_equal(average, unbound)
    assert np.linalg.norm(held) < 0.8 * np.linalg.norm(average)


# -- departments that are not all alike -------------------------------------------------------------------------------


def test_department_with_one_label_only_takes_part():
    plan = train_plan()
    frames = cohort(plan)
    frames["gaoping"] = frames["gaoping"].assign(ill=pd.array([0] * len(frames["gaoping"]), dtype="Int64"))
    rows = training_rows(plan, frames)
    want = pooled_descent(pooled_inputs(rows), rows["ill"].to_numpy(dtype=float), rounds=60, rate=0.5, l2=0.01)
    assert np.abs(coefficients(train_on(plan, frames).artifact) - want).max() < 1e-9


def test_department_without_any_row_takes_part():
    for model in (Logistic(), Trees(trees=2)):
        plan = train_plan(model=model)
        frames = cohort(plan)
        empty = frames | {"gaoping": frames["gaoping"].iloc[:0]}
        without = {name: frame for name, frame in frames.items() if name != "gaoping"}
        assert coefficients(train_on(plan, empty).artifact) == pytest.approx(
            coefficients(train_on(plan, without).artifact), abs=1e-9
        )


def test_round_without_a_department_is_the_mean_of_the_others_rows():
    plan = train_plan(descent=Descent(rounds=1, rate=1.0), model=Logistic())
    frames = cohort(plan)
    every = training_rows(plan, frames)
    gone = {"update.1": ("gaoping",)}
    trained = train(plan, summing(plan, owners_of(plan, frames), lambda name: gone.get(name, ())), lambda step: None)
    rows = training_rows(plan, {name: frame for name, frame in frames.items() if name != "gaoping"})
    want = pooled_descent(pooled_inputs(rows, every), rows["ill"].to_numpy(dtype=float), rounds=1, rate=1.0, l2=0.0)
    assert np.abs(coefficients(trained.artifact) - want).max() < 1e-9
    assert trained.history[0].survivors == ("bohai", "lingchuan", "qinshui")


# -- what is told -----------------------------------------------------------------------------------------------------


def test_progress_tells_the_penalised_loss_of_the_model_each_round_began_with():
    plan, told = train_plan(descent=Descent(rounds=3, rate=0.5)), []
    frames = cohort(plan)
    trained = train(plan, summing(plan, owners_of(plan, frames)), told.append)
    assert [step.round for step in told] == [1, 2, 3]
    assert tuple(told) == trained.history
    # Zeros give log 2 to every row.
    assert told[0].loss == pytest.approx(math.log(2), abs=1e-9)
    rows = training_rows(plan, frames)
    label = rows["ill"].to_numpy(dtype=float)
    weights = pooled_descent(pooled_inputs(rows), label, rounds=2, rate=0.5, l2=0.01)
    output = pooled_inputs(rows) @ weights[:-1] + weights[-1]
    loss = np.mean(np.log1p(np.exp(output)) - label * output) + 0.005 * (weights[:-1] ** 2).sum()
    assert told[2].loss == pytest.approx(loss, abs=1e-9)


@pytest.mark.parametrize("model", [Logistic(), Perceptron(hidden=(4,)), Trees(trees=4)], ids=lambda m: type(m).__name__)
def test_measures_are_those_of_the_artifact_on_all_held_out_rows(model):
    plan = train_plan(model=model)
    frames = cohort(plan)
    trained = train_on(plan, frames)
    pooled = pd.concat(frames.values(), ignore_index=True)
    aside = pooled[held_out(pooled["id"], nonce=plan.nonce, percent=plan.holdout)]
    told, label = score(trained.artifact, aside), aside["ill"].to_numpy(dtype=float)
    assert trained.measures.rows == len(aside)
    assert trained.measures.auc == pytest.approx(area_of_scores(told, label).value, abs=1e-3)
    assert trained.measures.accuracy == pytest.approx(np.mean((told >= 0.5) == label))
    assert trained.measures.loss == pytest.approx(-np.mean(np.log(np.where(label == 1, told, 1 - told))), abs=1e-9)


def test_too_few_held_out_rows_are_not_asked_about():
    plan = train_plan(holdout=0)
    asked = []
    add_up = summing(plan, owners_of(plan, cohort(plan)))
    trained = train(plan, lambda name, work: asked.append(name) or add_up(name, work), lambda step: None)
    assert trained.measures is None
    assert asked[-1] == "update.60"


# -- going on ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["fedsgd", "fedavg", "fedprox"])
def test_interrupted_training_resumes_to_the_same_bytes(strategy):
    descent = Descent(strategy=strategy, rounds=9, rate=0.2, batch=16, mu=0.1)
    plan, short = (train_plan(descent=msgspec.structs.replace(descent, rounds=rounds)) for rounds in (9, 4))
    frames = cohort(plan)
    whole, interrupted = train_on(plan, frames), train_on(short, frames).artifact
    resumed = train_on(plan, frames, resume_from=Artifact.from_bytes(interrupted.to_bytes()))
    assert resumed.artifact.to_bytes() == whole.artifact.to_bytes()
    assert resumed.measures == whole.measures
    assert resumed.history == whole.history[4:]


def test_training_does_not_resume_from_a_model_of_something_else():
    frames, plan = cohort(train_plan()), train_plan(descent=Descent(rounds=2))
    other = msgspec.structs.replace(train_on(plan, frames).artifact, source="others")
    with pytest.raises(RequestError) as caught:
        train_on(plan, frames, resume_from=other)
    assert caught.value.code == "request.start"


def test_job_that_starts_from_a_model_goes_on_exactly_and_holds_out_the_same_rows():
    frames = cohort(train_plan())
    descent = Descent(strategy="fedavg", rounds=4, rate=0.2, batch=16)
    first = train_on(train_plan(descent=descent), frames).artifact
    second = train_plan(nonce="f" * 32, descent=msgspec.structs.replace(descent, rounds=5), start=first.to_bytes())
    whole = train_on(train_plan(descent=msgspec.structs.replace(descent, rounds=9)), frames)
    went_on = train_on(second, frames)
    assert went_on.artifact == whole.artifact
    assert went_on.measures == whole.measures
    assert went_on.artifact.rounds == 9


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "others"},
        {"model": Logistic(l2=0.5)},
        {"features": (INCOME, AGE)},
        {"label": Label(column=Column(name="poor", type="boolean"))},
        {"start": b"not a model"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_model_of_something_else_is_no_start(changes):
    plan = train_plan(descent=Descent(rounds=1))
    start = train_on(plan, cohort(plan)).artifact.to_bytes()
    other = train_plan(**({"start": start} | changes))
    with pytest.raises(RequestError) as caught:
        train(other, lambda name, work: pytest.fail("somebody was asked"), lambda step: None)
    assert caught.value.code == "request.start"


# -- refusing and stopping --------------------------------------------------------------------------------------------


def test_exploding_loss_ends_with_the_last_good_model():
    plan = train_plan(features=(AGE,), label=PAY, model=Linear(), descent=Descent(rounds=100, rate=2.5))
    told = []
    with pytest.raises(DivergedError) as caught:
        train(plan, summing(plan, owners_of(plan, cohort(plan))), told.append)
    assert caught.value.code == "learning.diverged"
    kept = caught.value.kept
    assert kept.history == tuple(told)
    losses = [step.loss for step in kept.history]
    assert kept.artifact.rounds == int(np.argmin(losses))
    assert np.isfinite(coefficients(kept.artifact)).all()
    # It was noticed within a few rounds, not at the end.
    assert caught.value.details["round"] < 20


def test_steps_too_large_for_any_update_end_with_the_model_before():
    # Local training explodes inside the first round: the department itself refuses to send what came of it.
    descent = Descent(strategy="fedavg", rounds=3, rate=1e3, epochs=100)
    plan = train_plan(features=(AGE,), label=PAY, model=Linear(), descent=descent)
    with pytest.raises(DivergedError) as caught:
        train_on(plan, cohort(plan))
    assert isinstance(caught.value.__cause__, DataError)
    assert caught.value.kept.artifact.rounds == 0
    assert not coefficients(caught.value.kept.artifact).any()


def test_coefficients_out_of_hand_end_training_even_where_the_last_round_made_them():
    plan = train_plan(features=(AGE,), label=PAY, model=Linear(), descent=Descent(rounds=1, rate=1e6))
    with pytest.raises(DivergedError):
        train_on(plan, cohort(plan))


def test_other_refusals_pass_through_unchanged():
    plan = train_plan()
    add_up = summing(plan, owners_of(plan, cohort(plan)))

    def refusing(name, work):
        if name == "update.3":
            raise NodeError("node.gone", party="gaoping")
        return add_up(name, work)

    with pytest.raises(NodeError) as caught:
        train(plan, refusing, lambda step: None)
    assert caught.value.code == "node.gone"


def test_one_label_everywhere_cannot_be_learnt_from():
    plan = train_plan()
    frames = {name: frame[frame["ill"] == 1] for name, frame in cohort(plan).items()}
    with pytest.raises(RequestError) as caught:
        train_on(plan, frames)
    assert caught.value.code == "learning.one_class"


def test_fewer_rows_than_the_smallest_group_are_not_learnt_from():
    plan = train_plan(minimum_group=1000)
    with pytest.raises(RequestError) as caught:
        train_on(plan, cohort(plan, rows=60))
    assert caught.value.code == "learning.too_few_rows"


def test_more_rows_than_there_are_is_no_answer():
    plan = train_plan()
    add_up = summing(plan, owners_of(plan, cohort(plan)))

    def boasting(name, work):
        summed = add_up(name, work)
        if isinstance(work, Moments):
            return summed
        return Summed([summed.values[0] * 2, *summed.values[1:]], summed.survivors)

    with pytest.raises(NodeError):
        train(plan, boasting, lambda step: None)


# -- differential privacy ---------------------------------------------------------------------------------------------


def test_private_training_asks_for_no_moments_and_tells_no_loss():
    plan = train_plan(privacy=Privacy(epsilon=8.0), descent=Descent(rounds=4, rate=0.5))
    asked = []
    add_up = summing(plan, owners_of(plan, cohort(plan)))
    trained = train(plan, lambda name, work: asked.append(name) or add_up(name, work), lambda step: None)
    assert asked == ["update.1", "update.2", "update.3", "update.4", "measure.4"]
    assert [step.loss for step in trained.history] == [None] * 4
    spent = [step.epsilon for step in trained.history]
    assert spent == sorted(spent)
    assert spent[-1] < trained.epsilon <= 8.0
    assert trained.measures.rows is None
    assert trained.measures.loss is None


def test_private_department_answers_no_more_than_the_budget_pays_for():
    plan = train_plan(privacy=Privacy(epsilon=8.0), descent=Descent(rounds=2))
    owners = owners_of(plan, cohort(plan))
    train(plan, summing(plan, owners), lambda step: None)
    with pytest.raises(RefusedError) as caught:
        train(plan, summing(plan, owners), lambda step: None)
    assert caught.value.code == "refused.privacy_spent"


def test_private_step_is_the_mean_of_the_departments_own_gradients_and_the_noise_that_was_announced():
    # Epsilon 100 is no protection. Beyond six standard deviations lie 2e-9 of a normal: a false alarm in 10**8 runs.
    plan = train_plan(privacy=Privacy(epsilon=100.0), descent=Descent(rounds=1, rate=1.0), model=Logistic())
    frames = cohort(plan, rows=400)
    own = []
    for frame in frames.values():
        rows = frame[~held_out(frame["id"], nonce=plan.nonce, percent=plan.holdout)]
        age = ((rows["age"].astype(float) - 50) / (100 / math.sqrt(12))).fillna(0.0).to_numpy()
        own.append(np.mean(age * (0.5 - rows["ill"].to_numpy(dtype=float))))
    noise = noise_for(plan)
    deviation = noise.share * math.sqrt(4) / 2**24 / 4
    assert abs(np.mean(own)) > 3 * deviation
    assert abs(coefficients(train_on(plan, frames).artifact)[0] + np.mean(own)) < 6 * deviation


def test_private_measure_is_the_mean_of_the_departments_own_and_the_noise_that_was_announced():
    plan = train_plan(privacy=Privacy(epsilon=100.0), descent=Descent(rounds=1, rate=1.0), model=Logistic())
    frames = cohort(plan, rows=400)
    trained = train_on(plan, frames)
    own = []
    for frame in frames.values():
        aside = frame[held_out(frame["id"], nonce=plan.nonce, percent=plan.holdout)]
        own.append(area_of_scores(score(trained.artifact, aside), aside["ill"].to_numpy(dtype=float)).value)
    reach = (trained.measures.auc_high - trained.measures.auc_low) / 2 / 1.96
    # Four shares add up to twice the deviation of one; a quarter of that is in the mean, and an area is half of a Gini.
    noise = noise_for(plan)
    assert reach == pytest.approx(noise.share / noise.sensitivity * 2 / 4 / 2, rel=1e-3)
    assert reach < 0.05
    assert abs(trained.measures.auc - np.mean(own)) < 6 * reach


def test_private_department_answers_no_moments():
    plan = train_plan(privacy=Privacy(epsilon=8.0))
    owner = Owner(plan, people(50, 1), name="zezhou")
    with pytest.raises(RefusedError) as caught:
        owner.answer("moments", Moments())
    assert caught.value.code == "refused.work"


def test_steps_can_be_sent_as_they_are():
    step = Step(round=3, loss=0.5, survivors=("a", "b"))
    assert msgspec.json.decode(msgspec.json.encode(step), type=Step) == step
