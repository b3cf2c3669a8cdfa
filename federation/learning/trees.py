"""Gradient-boosted trees out of sums: the coordinator's side of it.

T. Chen and C. Guestrin, KDD 2016: leaf weights and split gains of section 2.2, candidates between quantiles of all
departments' values together (section 3.2, global variant, unweighted). Trees grow level by level; one sum gives the
histograms of a whole level. Left out: gamma, subsampling, histogram subtraction (a department that drops out between
a parent's sum and a child's would leave its rows in the sibling).

Everything here is a function of totals, and totals are integers: whoever gives the same totals gets the same trees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from federation.learning.artifact import Floats
from federation.learning.ensemble import LEAF, Ensemble, Tree, bin_sizes
from federation.learning.histograms import (
    BIN_BOUNDS,
    ONE,
    FineHistogram,
    NodeHistograms,
    TreeWork,
    cell_counts,
)
from federation.plan import Feature, TrainPlan, Trees

TreeTotal = Callable[[str, TreeWork], Sequence[int]]
"""Sum what all departments answer to a work of this name."""

# A number's public range is cut into this many cells, and cells with many rows again into this many, over and over:
# four sums find quantiles even of incomes whose bounds are a thousand times too wide.
CELLS = 256
FINER = 16
PASSES = 4

# A gain below this is rounding (XGBoost's kRtEps has the same value).
MINIMUM_GAIN = 1e-6


@dataclass(frozen=True, slots=True)
class Split:
    """The best question for one node, and what its children would weigh."""

    gain: float
    feature: int
    bin: int
    left: float
    right: float


def boost(
    plan: TrainPlan, total: TreeTotal, *, rows: int, positives: int, progress: Callable[[Ensemble], None]
) -> Ensemble:
    """Grow the plan's trees.

    Args:
        total: asks all departments; the name is "bins.0", ..., then "tree.0.level.0", ...
        rows, positives: training rows of all departments together, and how many of them are labelled 1; both labels
            must be there.
        progress: told of the ensemble after each tree.

    Returns:
        The ensemble. It has fewer trees than the plan allows if no split gains anything any more.
    """
    model = plan.model
    if not isinstance(model, Trees) or not 0 < positives < rows:
        raise ValueError("trees need a plan of theirs, and rows of either label")
    least = max(plan.minimum_group, model.minimum_rows, 1)
    cuts = find_cuts(plan.features, total, bins=model.bins, least=least)
    ensemble = Ensemble(cuts=cuts, base=math.log(positives / (rows - positives)))
    for number in range(model.trees):
        tree = grow(plan.features, model, ensemble, total, name=f"tree.{number}", least=least)
        if tree.feature[0] == LEAF:
            break
        ensemble = Ensemble(cuts=ensemble.cuts, base=ensemble.base, trees=(*ensemble.trees, tree))
        progress(ensemble)
    return ensemble


def find_cuts(features: Sequence[Feature], total: TreeTotal, *, bins: int, least: int) -> tuple[tuple[int, ...], ...]:
    """Find the cuts between the bins of every number: as equal in rows as cells allow, none below `least` rows."""
    edges = tuple(() if feature.values else _even_edges(feature.low, feature.high + 1, CELLS) for feature in features)
    counts: list[list[int]] = [[] for _ in features]
    for number in range(PASSES if any(edges) else 0):
        counts = _divide(total(f"bins.{number}", FineHistogram(edges=edges)), cell_counts(features, edges))
        finer = tuple(
            _refine(feature, between, cells, bins=bins, least=least)
            for feature, between, cells in zip(features, edges, counts, strict=True)
        )
        if finer == edges or number == PASSES - 1:
            break
        edges = finer
    return tuple(
        choose_cuts(between, cells, bins=bins, least=least) for between, cells in zip(edges, counts, strict=True)
    )


def choose_cuts(edges: Sequence[int], counts: Sequence[int], *, bins: int, least: int) -> tuple[int, ...]:
    """Choose, out of the edges between cells, cuts that leave about equally many rows between them.

    Args:
        edges: ascending, shape (cells - 1,).
        counts: rows in each cell.
        bins: at most so many; where no more cells than that hold rows, each of them gets a bin if it may.
        least: rows that each bin must hold.
    """
    rows = sum(counts)
    share = 1 if sum(count > 0 for count in counts) <= bins else -(-rows // bins)
    cuts, here, above = [], 0, rows
    for edge, count in zip(edges, counts[:-1], strict=True):
        here, above = here + count, above - count
        if here >= max(share, least) and above >= least:
            cuts.append(edge)
            here = 0
    return tuple(cuts)


def grow(
    features: Sequence[Feature], model: Trees, ensemble: Ensemble, total: TreeTotal, *, name: str, least: int
) -> Tree:
    """Grow one tree, a level for each sum; of equal gains the first feature's lowest bin wins.

    Args:
        ensemble: the trees before it.
        name: of its sums.
        least: rows that each leaf must hold.
    """
    sizes = bin_sizes(features, ensemble.cuts)
    nodes = 2 ** (model.depth + 1) - 1
    asked, bins, values = [LEAF] * nodes, [0] * nodes, [0.0] * nodes
    open_nodes: tuple[int, ...] = (0,)
    for level in range(model.depth):
        tree = Tree(feature=tuple(asked), bin=tuple(bins), value=tuple(values))
        work = NodeHistograms(ensemble=ensemble, tree=tree, nodes=open_nodes)
        histograms = np.array(total(f"{name}.level.{level}", work), dtype=np.int64)
        children: list[int] = []
        for node, histogram in zip(
            open_nodes, histograms.reshape(len(open_nodes), sum(sizes), len(BIN_BOUNDS)), strict=True
        ):
            split = best_split(features, sizes, histogram, l2=model.l2, least=least)
            if split is not None:
                asked[node], bins[node], values[node] = split.feature, split.bin, 0.0
                children += [2 * node + 1, 2 * node + 2]
                values[2 * node + 1] = model.rate * split.left
                values[2 * node + 2] = model.rate * split.right
        open_nodes = tuple(children)
        if not open_nodes:
            break
    return Tree(feature=tuple(asked), bin=tuple(bins), value=tuple(values))


def best_split(
    features: Sequence[Feature],
    sizes: Sequence[int],
    histogram: npt.NDArray[np.int64],
    *,
    l2: float,
    least: int,
) -> Split | None:
    """Find the question of greatest gain for one node, equation 7 without its gamma; None if none is worth it.

    Args:
        sizes: bins of each feature.
        histogram: shape (bins of all features, 3), as `BIN_BOUNDS` orders them.
    """
    best: Split | None = None
    for index, (feature, sums) in enumerate(zip(features, np.split(histogram, np.cumsum(sizes)[:-1]), strict=True)):
        every = sums.sum(axis=0)
        left = sums if feature.values else np.cumsum(sums, axis=0)
        right = every - left
        allowed = (left[:, 2] >= least) & (right[:, 2] >= least) & (left[:, 1] > 0) & (right[:, 1] > 0)
        if not allowed.any():
            continue
        gains = np.full(len(sums), -np.inf)
        gains[allowed] = (_merit(left[allowed], l2) + _merit(right[allowed], l2) - _merit(every[None], l2)) / 2
        place = int(np.argmax(gains))
        if gains[place] > (MINIMUM_GAIN if best is None else best.gain):
            weights = (_weight(side[place], l2) for side in (left, right))
            best = Split(float(gains[place]), index, place, *weights)
    return best


def _gradients(sums: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The sums of gradients and of hessians, exactly: int64 and float64 both hold them."""
    return (sums[..., 0] - ONE * sums[..., 2]) / ONE, sums[..., 1] / ONE


def _merit(sums: npt.NDArray[np.int64], l2: float) -> Floats:
    gradient, hessian = _gradients(sums)
    return gradient**2 / (hessian + l2)


def _weight(sums: npt.NDArray[np.int64], l2: float) -> float:
    """The best weight of a leaf, equation 5."""
    gradient, hessian = _gradients(sums)
    return float(-gradient / (hessian + l2))


def _refine(
    feature: Feature, edges: tuple[int, ...], counts: Sequence[int], *, bins: int, least: int
) -> tuple[int, ...]:
    """Cut the cells that hold more rows than a quarter of a bin, and enough for two."""
    if feature.values:
        return edges
    many = max(2 * least, -(-sum(counts) // (4 * bins)))
    ends = (feature.low, *edges, feature.high + 1)
    inner = [
        _even_edges(low, high, FINER)
        for (low, high), count in zip(pairwise(ends), counts, strict=True)
        if count >= many
    ]
    return tuple(sorted({*edges, *(edge for between in inner for edge in between)}))


def _even_edges(low: int, high: int, cells: int) -> tuple[int, ...]:
    """Edges inside low..high, both left out, that cut it into as many cells, or into single integers."""
    edges = {low + (high - low) * step // cells for step in range(1, cells)}
    return tuple(sorted(edges - {low}))


def _divide(values: Sequence[int], lengths: Sequence[int]) -> list[list[int]]:
    ends = [sum(lengths[: index + 1]) for index in range(len(lengths))]
    return [list(values[end - length : end]) for end, length in zip(ends, lengths, strict=True)]
