"""Boosted trees out of sums: equal to trees grown in clear, whoever holds which rows; as good as a known booster."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.errors import RefusedError
from federation.learning.ensemble import LEAF, Ensemble, Tree, bin_rows
from federation.learning.histograms import ONE, FineHistogram, Histograms, NodeHistograms, TreeWork, bounds
from federation.learning.trees import best_split, boost, choose_cuts, find_cuts
from federation.plan import Column, Feature, Label, TrainPlan, Trees

AGE = Feature(column=Column(name="age", type="integer"), low=0, high=120)
INCOME = Feature(column=Column(name="income", type="integer"), low=0, high=10**9)
TRADE = Feature(column=Column(name="trade", type="text"), values=("farm", "shop", "mine"))
FEATURES = (AGE, INCOME, TRADE)


def train_plan(model: Trees, features: Sequence[Feature] = FEATURES, *, minimum_group: int = 10) -> TrainPlan:
    return TrainPlan(
        nonce="00",
        requester="analyst@tax",
        purpose="test",
        contributors=("a", "b"),
        gate="a",
        holders=(),
        threshold=1,
        minimum_group=minimum_group,
        minimum_contributors=1,
        catalogue="",
        roster="",
        epoch=0,
        title="",
        job_file="",
        source="people",
        id=Column(name="id", type="integer"),
        features=tuple(features),
        label=Label(column=Column(name="ill", type="integer")),
        model=model,
    )


def people(rows: int, seed: int = 7) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows with nulls and a text outside the domain, and a label that depends on all three features."""
    draw = np.random.default_rng(seed)
    age = draw.integers(0, 121, rows)
    income = np.exp(draw.normal(13, 1, rows)).astype(np.int64)
    trade = draw.choice(["farm", "shop", "mine", "sea"], rows)
    score = (age - 60) / 20 - np.log(income / 4e5) * (trade == "mine") + (trade == "shop") - 0.5
    label = (draw.random(rows) < 1 / (1 + np.exp(-score))).astype(np.int64)
    frame = pd.DataFrame({"age": age.astype(object), "income": income.astype(object), "trade": trade.astype(object)})
    frame.loc[draw.random(rows) < 0.1, "income"] = None
    frame.loc[draw.random(rows) < 0.05, "trade"] = None
    return frame, label


def summing(owners: Sequence[Histograms], features: Sequence[Feature]) -> Callable[[str, TreeWork], list[int]]:
    """Add up in clear, as the secure sum would, after checking every answer against the public bounds."""

    def total(name: str, work: TreeWork) -> list[int]:
        answers = [owner.answer(work) for owner in owners]
        limits = bounds(features, work)
        for answer in answers:
            assert len(answer) == len(limits)
            assert all(type(value) is int and 0 <= value <= limit for value, limit in zip(answer, limits, strict=True))
        return [sum(values) for values in zip(*answers, strict=True)]

    return total


def grown(plan: TrainPlan, parts: Sequence[tuple[pd.DataFrame, np.ndarray]], **more) -> Ensemble:
    owners = [Histograms(plan.features, frame, label) for frame, label in parts]
    labels = np.concatenate([label for _, label in parts])
    total = summing(owners, plan.features)
    return boost(
        plan, total, rows=len(labels), positives=int(labels.sum()), **{"progress": lambda ensemble: None, **more}
    )


def divided(frame: pd.DataFrame, label: np.ndarray, owner: np.ndarray, owners: int):
    return [(frame[owner == number], label[owner == number]) for number in range(owners)]


def area_under_curve(label: np.ndarray, score: np.ndarray) -> float:
    rank = pd.Series(score).rank().to_numpy()
    ones = int(label.sum())
    return float((rank[label == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(label) - ones)))


# -- equal to the clear run -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("owners", [4, 6])
@pytest.mark.parametrize("shares", ["even", "uneven"])
def test_federated_trees_equal_the_trees_of_the_pooled_rows_bit_for_bit(owners, shares):
    frame, label = people(3_000)
    draw = np.random.default_rng(owners)
    weights = np.ones(owners) if shares == "even" else 3.0 ** -np.arange(owners)
    owner = draw.choice(owners, len(label), p=weights / weights.sum())
    plan = train_plan(Trees(trees=6, depth=4, bins=16))
    pooled = grown(plan, [(frame, label)])
    federated = grown(plan, divided(frame, label, owner, owners))
    assert msgspec.msgpack.encode(federated) == msgspec.msgpack.encode(pooled)
    assert len(pooled.trees) == 6


def test_owners_with_one_label_only_and_with_no_rows_change_nothing():
    frame, label = people(2_000)
    owner = np.random.default_rng(1).choice([0, 1], len(label))
    owner[label == 1] = np.where(owner[label == 1] == 0, 2, owner[label == 1])
    parts = divided(frame, label, owner, 4)
    assert set(parts[0][1]) == {0} and set(parts[2][1]) == {1} and len(parts[3][1]) == 0
    plan = train_plan(Trees(trees=4, depth=3, bins=16))
    assert grown(plan, parts) == grown(plan, [(frame, label)])


@given(seed=st.integers(0, 2**32 - 1), owners=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_any_division_and_order_of_rows_gives_the_same_trees(seed, owners):
    frame, label = people(300)
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(label))
    parts = divided(frame.iloc[order], label[order], draw.integers(0, owners, len(label)), owners)
    plan = train_plan(Trees(trees=2, depth=3, bins=8))
    assert grown(plan, parts) == grown(plan, [(frame, label)])


def test_another_row_makes_other_trees():
    frame, label = people(300)
    plan = train_plan(Trees(trees=1, depth=3, bins=8))
    assert grown(plan, [(frame[1:], label[1:])]) != grown(plan, [(frame, label)])


# -- bins -------------------------------------------------------------------------------------------------------------


def test_few_values_get_a_bin_each():
    assert choose_cuts(edges=[1, 2, 3], counts=[5, 0, 7, 9], bins=3, least=1) == (1, 3)


def test_a_rare_value_below_the_minimum_gets_no_bin():
    assert choose_cuts(edges=[1, 2, 3], counts=[50, 9, 50, 9], bins=4, least=10) == (1,)


def test_bins_hold_about_equally_many_rows():
    assert choose_cuts(edges=range(1, 100), counts=[1] * 100, bins=4, least=1) == (25, 50, 75)


def test_bounds_a_thousand_times_too_wide_still_give_equal_bins():
    incomes = np.exp(np.random.default_rng(3).normal(13, 1, 8_000)).astype(np.int64)
    owner = Histograms((INCOME,), pd.DataFrame({"income": incomes}), np.zeros(len(incomes), dtype=np.int64))
    ((*cuts,),) = find_cuts((INCOME,), summing([owner], (INCOME,)), bins=16, least=10)
    held = np.bincount(np.searchsorted(cuts, incomes, "right"))
    assert len(held) >= 14
    assert held.max() <= 8_000 / 16 * 1.3


@given(counts=st.lists(st.integers(0, 50), min_size=2, max_size=40), bins=st.integers(2, 10), least=st.integers(1, 20))
def test_no_bin_is_below_the_minimum_and_there_are_never_too_many(counts, bins, least):
    cuts = choose_cuts(edges=range(1, len(counts)), counts=counts, bins=bins, least=least)
    held = [sum(part) for part in np.split(np.array(counts), cuts)]
    assert len(held) <= bins
    assert len(held) == 1 or min(held) >= least


def test_texts_alone_need_no_search_for_quantiles():
    def total(name: str, work: TreeWork) -> list[int]:
        raise AssertionError("nothing is to be asked")

    assert find_cuts((TRADE,), total, bins=16, least=10) == ((),)


def test_nulls_and_unknown_texts_lie_below_all_values():
    frame = pd.DataFrame({"age": [None, 17, 18, 500], "income": [0, 0, 0, 0], "trade": ["farm", None, "sea", "mine"]})
    places = bin_rows(FEATURES, ((18, 60), (), ()), frame)
    assert places[:, 0].tolist() == [0, 1, 2, 3]
    assert places[:, 2].tolist() == [1, 0, 0, 3]


# -- splits -----------------------------------------------------------------------------------------------------------


def sums(*bins: tuple[float, float, int]) -> np.ndarray:
    """Gradient, hessian and rows of each bin, as departments add them up."""
    return np.array([[int(g * ONE) + n * ONE, int(h * ONE), n] for g, h, n in bins])


def test_gain_and_weights_follow_equations_5_and_7():
    # Left: G -4, H 3; right: G 6, H 2; lambda 1.
    split = best_split((AGE,), (3,), sums((0, 0, 0), (-4, 3, 20), (6, 2, 20)), l2=1.0, least=10)
    assert split is not None
    assert (split.feature, split.bin) == (0, 1)
    assert split.gain == pytest.approx((16 / 4 + 36 / 3 - 4 / 6) / 2)
    assert (split.left, split.right) == (1.0, -2.0)


def test_a_stump_by_hand():
    # 5 of 20 young people are ill, and 15 of 20 old ones: at log-odds 0, G is 20/2 - 5 = 5 and -5, H 20/4 = 5 for both.
    frame = pd.DataFrame({"age": [10] * 20 + [50] * 20})
    label = np.array([1] * 5 + [0] * 15 + [1] * 15 + [0] * 5)
    stump = grown(train_plan(Trees(trees=1, depth=1, rate=0.3, l2=1.0), (AGE,)), [(frame, label)])
    assert (stump.cuts, stump.base) == (((11,),), 0.0)
    (tree,) = stump.trees
    assert (tree.feature, tree.bin) == ((0, LEAF, LEAF), (1, 0, 0))
    assert tree.value == pytest.approx((0.0, -0.25, 0.25))


def test_of_equal_gains_the_first_feature_and_its_lowest_bin_win():
    same = sums((0, 0, 0), (-4, 3, 20), (0, 0, 0), (6, 3, 20))
    split = best_split((AGE, INCOME), (4, 4), np.concatenate([same, same]), l2=1.0, least=10)
    assert split is not None
    assert (split.feature, split.bin) == (0, 1)


def test_a_text_is_split_one_value_against_the_rest():
    split = best_split((TRADE,), (4,), sums((0, 1, 20), (-1, 1, 20), (9, 2, 20), (-1, 1, 20)), l2=1.0, least=10)
    assert split is not None
    assert split.bin == 2
    assert split.left == -3.0


@pytest.mark.parametrize(("rows", "allowed"), [(10, True), (9, False)])
def test_a_leaf_below_the_minimum_is_refused_however_much_it_gains(rows, allowed):
    split = best_split((AGE,), (3,), sums((0, 0, 0), (-4, 3, rows), (6, 2, 500)), l2=1.0, least=10)
    assert (split is not None) == allowed


def test_what_gains_nothing_is_not_split():
    assert best_split((AGE,), (3,), sums((0, 0, 0), (2, 3, 20), (2, 3, 20)), l2=0.0, least=10) is None


def test_the_plans_minimum_group_holds_for_leaves_and_bins_of_a_plan_that_asks_for_less():
    frame, label = people(600)
    plan = train_plan(Trees(trees=3, depth=5, bins=16, minimum_rows=1), minimum_group=60)
    ensemble = grown(plan, [(frame, label)])
    places = bin_rows(plan.features, ensemble.cuts, frame)
    for tree in ensemble.trees:
        leaves = reference_leaves(tree, places)
        assert min(np.unique(leaves, return_counts=True)[1]) >= 60
    for index in (0, 1):
        assert min(np.unique(places[places[:, index] > 0, index], return_counts=True)[1]) >= 60


def reference_leaves(tree: Tree, places: np.ndarray) -> list[int]:
    """Walk down row by row, as the book says."""
    leaves = []
    for row in places:
        node = 0
        while tree.feature[node] != LEAF:
            feature, asked = tree.feature[node], tree.bin[node]
            left = row[feature] == asked if FEATURES[feature].values else row[feature] <= asked
            node = 2 * node + (1 if left else 2)
        leaves.append(node)
    return leaves


def test_margins_are_the_base_and_one_leaf_of_every_tree():
    frame, label = people(200)
    ensemble = grown(train_plan(Trees(trees=3, depth=3, bins=8)), [(frame, label)])
    places = bin_rows(FEATURES, ensemble.cuts, frame)
    want = [ensemble.base] * len(label)
    for tree in ensemble.trees:
        want = [margin + tree.value[leaf] for margin, leaf in zip(want, reference_leaves(tree, places), strict=True)]
    assert ensemble.margins(FEATURES, frame).tolist() == want
    assert ensemble.base == math.log(label.sum() / (200 - label.sum()))


def test_training_lowers_the_loss_with_every_tree():
    frame, label = people(1_000)
    losses = []

    def measure(ensemble: Ensemble) -> None:
        probability = ensemble.probabilities(FEATURES, frame)
        losses.append(-np.log(np.where(label == 1, probability, 1 - probability)).mean())

    grown(train_plan(Trees(trees=8, depth=3, bins=16)), [(frame, label)], progress=measure)
    assert len(losses) == 8
    assert losses == sorted(losses, reverse=True)


def test_growth_stops_where_no_split_gains_anything():
    frame = pd.DataFrame({"age": [50] * 40, "income": [1] * 40, "trade": ["farm"] * 40})
    ensemble = grown(train_plan(Trees(trees=5)), [(frame, np.array([0, 1] * 20))])
    assert ensemble.trees == ()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda e: {"base": e.base + 1}, id="another base"),
        pytest.param(lambda e: {"cuts": (tuple(cut + 5 for cut in e.cuts[0]), *e.cuts[1:])}, id="other cuts"),
        pytest.param(lambda e: {"trees": e.trees[::-1]}, id="other trees"),
        pytest.param(lambda e: {"trees": e.trees[:1]}, id="fewer trees"),
    ],
)
def test_an_owner_that_is_shown_another_ensemble_forgets_the_first(change):
    frame, label = people(500)
    ensemble = grown(train_plan(Trees(trees=2, depth=2, bins=8)), [(frame, label)])
    other = msgspec.structs.replace(ensemble, **change(ensemble))
    used = Histograms(FEATURES, frame, label)
    first = used.answer(whole(ensemble))
    assert used.answer(whole(other)) == Histograms(FEATURES, frame, label).answer(whole(other))
    assert used.answer(whole(ensemble)) == first


# -- as arrays, and what must not be read -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    frame, label = people(400)
    return grown(train_plan(Trees(trees=2, depth=2, bins=4)), [(frame, label)])


def test_an_ensemble_survives_its_arrays(ensemble):
    assert Ensemble.from_arrays(ensemble.to_arrays(), FEATURES) == ensemble
    bare = Ensemble(cuts=((), (), ()), base=0.5)
    assert Ensemble.from_arrays(bare.to_arrays(), FEATURES) == bare


def changed(arrays, index, place, value):
    copies = [array.copy() for array in arrays]
    copies[index][place] = value
    return copies


@pytest.mark.parametrize(
    ("index", "place", "value"),
    [
        pytest.param(0, 0, np.nan, id="base is no number"),
        pytest.param(1, 2, 1, id="more cuts than there are"),
        pytest.param(1, slice(0, 2), (4.5, 1.5), id="lengths that are no whole numbers"),
        pytest.param(1, slice(0, 3), (7, -1, 0), id="a length below zero"),
        pytest.param(2, 0, 10**6, id="cuts that do not ascend"),
        pytest.param(2, 0, np.nan, id="a cut that is no number"),
        pytest.param(3, (0, 0), 3, id="a feature that is not there"),
        pytest.param(3, (0, 0), -2, id="a feature before the first"),
        pytest.param(3, (0, 6), 0, id="a question below which the tree ends"),
        pytest.param(4, (0, 0), 99, id="a bin that is not there"),
        pytest.param(4, (0, 0), -1, id="a bin before the first"),
        pytest.param(5, (1, 3), np.inf, id="a leaf that is no number"),
    ],
)
def test_arrays_that_are_no_ensemble_are_refused(ensemble, index, place, value):
    with pytest.raises(ValueError, match=r"\w"):
        Ensemble.from_arrays(changed(ensemble.to_arrays(), index, place, value), FEATURES)


def test_arrays_of_other_shapes_are_refused(ensemble):
    arrays = ensemble.to_arrays()
    for wrong in (arrays[:5], (*arrays[:5], arrays[5][:1]), tuple(a[:, :6] if a.ndim == 2 else a for a in arrays)):
        with pytest.raises(ValueError, match=r"\w"):
            Ensemble.from_arrays(wrong, FEATURES)


def whole(ensemble: Ensemble) -> NodeHistograms:
    empty = Tree(feature=(LEAF,) * 7, bin=(0,) * 7, value=(0.0,) * 7)
    return NodeHistograms(ensemble=ensemble, tree=empty, nodes=(0,))


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(lambda e: FineHistogram(edges=((3, 2), (), ())), id="edges out of order"),
        pytest.param(lambda e: FineHistogram(edges=((), ())), id="edges of other features"),
        pytest.param(lambda e: FineHistogram(edges=((), (), (1,))), id="edges of a text"),
        pytest.param(lambda e: msgspec.structs.replace(whole(e), nodes=(0, 0)), id="a node twice"),
        pytest.param(lambda e: msgspec.structs.replace(whole(e), nodes=(7,)), id="a node that is not there"),
        pytest.param(lambda e: msgspec.structs.replace(whole(e), nodes=(-1,)), id="a node before the first"),
        pytest.param(
            lambda e: msgspec.structs.replace(whole(e), ensemble=Ensemble(cuts=e.cuts, base=math.nan)), id="a nan base"
        ),
        pytest.param(
            lambda e: msgspec.structs.replace(
                whole(e), tree=Tree(feature=(9, -1, -1), bin=(0, 0, 0), value=(0.0, 0.0, 0.0))
            ),
            id="a tree that asks about nothing",
        ),
        pytest.param(
            lambda e: msgspec.structs.replace(whole(e), tree=Tree(feature=(-1, -1), bin=(0, 0), value=(0.0, 0.0))),
            id="a tree of two nodes",
        ),
        pytest.param(
            lambda e: msgspec.structs.replace(whole(e), tree=Tree(feature=(-1,), bin=(), value=(0.0,))),
            id="a tree without bins",
        ),
        pytest.param(
            lambda e: msgspec.structs.replace(whole(e), tree=Tree(feature=(-1,), bin=(0,), value=(0.0,) * 3)),
            id="a tree with more values than nodes",
        ),
    ],
)
def test_a_department_refuses_work_that_does_not_hold_together(ensemble, bad):
    frame, label = people(20)
    owner = Histograms(FEATURES, frame, label)
    owner.answer(whole(ensemble))
    with pytest.raises(RefusedError) as caught:
        owner.answer(bad(ensemble))
    assert caught.value.code == "refused.work"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(FineHistogram(edges=((), ())), id="edges of other features"),
        pytest.param(whole(Ensemble(cuts=((1,), ()), base=0.0)), id="cuts of other features"),
    ],
)
def test_work_about_other_features_has_no_bounds(bad):
    with pytest.raises(RefusedError) as caught:
        bounds(FEATURES, bad)
    assert caught.value.code == "refused.work"


def test_a_refused_tree_leaves_nothing_behind(ensemble):
    frame, label = people(50)
    owner = Histograms(FEATURES, frame, label)
    first = owner.answer(whole(ensemble))
    bad = Tree(feature=(9, -1, -1), bin=(0, 0, 0), value=(0.0, 0.0, 0.0))
    longer = msgspec.structs.replace(ensemble, trees=(*ensemble.trees, ensemble.trees[0], bad))
    with pytest.raises(RefusedError):
        owner.answer(whole(longer))
    assert owner.answer(whole(ensemble)) == first


def test_trees_need_rows_of_either_label():
    frame, label = people(50)
    with pytest.raises(ValueError, match="either label"):
        grown(train_plan(Trees()), [(frame, np.zeros_like(label))])


# -- against a known booster ------------------------------------------------------------------------------------------


@pytest.mark.real_data
def test_default_of_credit_cards_is_predicted_as_well_as_by_xgboost(real_data):
    """XGBoost 3.2.0 on this very split, hist, 30 trees of depth 4, rate 0.3, 32 bins, lambda 1: 0.7873."""
    table = pd.read_csv(real_data / "UCI_Credit_Card.csv.gz").astype(int)
    label = table.pop("default.payment.next.month").to_numpy()
    table = table.drop(columns="ID")
    test = np.random.default_rng(42).permutation(len(label)) < 9_000
    features = [
        Feature(column=Column(name=name, type="integer"), low=int(table[name].min()), high=int(table[name].max()))
        for name in table
    ]
    plan = train_plan(Trees(trees=30, depth=4, bins=32, rate=0.3), features)
    ensemble = grown(plan, [(table[~test], label[~test])])
    assert area_under_curve(label[test], ensemble.margins(features, table[test])) == pytest.approx(0.7873, abs=0.003)
