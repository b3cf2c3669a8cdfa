"""What a department answers while trees are grown: how its rows spread over bins, and the gradients in each.

Gradients and hessians of the logistic loss (Chen and Guestrin, KDD 2016, section 2.2) are rounded to integers row by
row, *before* they are added: sums of integers do not depend on their order, so any division of the same rows among
departments gives the same totals, and the same trees, to the last bit.

Sums of bins are exact, and those of a bin with few rows say much about them: they are for the coordinator only, and
only over all departments together. Differential privacy is not offered here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from federation.errors import RefusedError
from federation.learning import models
from federation.learning.artifact import Floats
from federation.learning.ensemble import (
    Ensemble,
    Places,
    Tree,
    bin_rows,
    bin_sizes,
    check_cuts,
    check_tree,
    find_cells,
    find_leaves,
    leaf_values,
)
from federation.plan import MAX_ROWS, Feature

# A row's gradient lies in [-1, 1], its hessian in [0, 1/4]; both are multiples of 1 / ONE. Totals of 2**32 rows at
# 2**20 stay below 2**53, where int64 and float64 are exact.
ONE = 2**20

# Of one bin of one node, in this order: the gradients, each shifted by ONE so that none is negative; the hessians; the
# rows.
BIN_BOUNDS = (2 * ONE * MAX_ROWS, ONE // 4 * MAX_ROWS, MAX_ROWS)


class FineHistogram(msgspec.Struct, frozen=True, kw_only=True, tag_field="work", forbid_unknown_fields=True):
    """Count the rows in each cell of every number; nulls are not counted.

    Attributes:
        edges: per feature, ascending, base units: cell i holds edges[i-1] <= value < edges[i]. Empty for texts.
    """

    edges: tuple[tuple[int, ...], ...]


class NodeHistograms(msgspec.Struct, frozen=True, kw_only=True, tag_field="work", forbid_unknown_fields=True):
    """Add up gradients, hessians and rows of each bin in each of these nodes.

    Attributes:
        ensemble: the trees that are finished: they fix the gradients.
        tree: the one being grown.
        nodes: of it, ascending.
    """

    ensemble: Ensemble
    tree: Tree
    nodes: tuple[int, ...]


TreeWork = FineHistogram | NodeHistograms


def bounds(features: Sequence[Feature], work: TreeWork) -> tuple[int, ...]:
    """The largest number a department may answer at each place of the vector; public, the same for all of them.

    Raises:
        RefusedError: the work is not about these features.
    """
    with _refusing():
        check_cuts(features, work.edges if isinstance(work, FineHistogram) else work.ensemble.cuts)
    if isinstance(work, FineHistogram):
        return (MAX_ROWS,) * sum(cell_counts(features, work.edges))
    bins = sum(bin_sizes(features, work.ensemble.cuts))
    return BIN_BOUNDS * (bins * len(work.nodes))


def cell_counts(features: Sequence[Feature], edges: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """How many cells of a fine histogram each feature has; none for texts."""
    return tuple(0 if feature.values else len(between) + 1 for feature, between in zip(features, edges, strict=True))


class Histograms:
    """One department's training rows. Remembers the log-odds of trees it has seen: they come again at every level."""

    def __init__(self, features: Sequence[Feature], frame: pd.DataFrame, label: npt.NDArray[np.int64]) -> None:
        """Keep the rows.

        Args:
            frame: the features' columns: numbers in base units, texts, nulls.
            label: 0 or 1 for each row.
        """
        self._features, self._frame, self._label = tuple(features), frame, label
        self._known: Ensemble | None = None
        self._places: Places = np.empty((0, 0), dtype=np.int64)
        self._margins: Floats = np.empty(0)

    def answer(self, work: TreeWork) -> list[int]:
        """Compute the vector that is to be summed, in the order of `bounds`.

        Raises:
            RefusedError: the work does not hold together. A department cannot tell whether cuts that do were chosen to
                single somebody out; every work is recorded, and the same for all departments.
        """
        if isinstance(work, FineHistogram):
            with _refusing():
                check_cuts(self._features, work.edges)
            return self._count_cells(work)
        applied = self._applied(work.ensemble)
        with _refusing():
            self._check(work, applied)
        self._apply(work.ensemble, applied)
        return self._add_up(work).ravel().tolist()

    def _count_cells(self, work: FineHistogram) -> list[int]:
        counts: list[int] = []
        for feature, edges in zip(self._features, work.edges, strict=True):
            if not feature.values:
                cells = find_cells(feature, edges, self._frame[feature.column.name])
                counts += np.bincount(cells, minlength=len(edges) + 2)[1:].tolist()
        return counts

    def _applied(self, ensemble: Ensemble) -> int | None:
        """How many of its trees the log-odds hold already; None if they are those of another ensemble."""
        known = self._known
        if known is None or (known.cuts, known.base) != (ensemble.cuts, ensemble.base):
            return None
        count = len(known.trees)
        return count if known.trees == ensemble.trees[:count] else None

    def _check(self, work: NodeHistograms, applied: int | None) -> None:
        """Refuse what does not hold together, with a ValueError; what has been applied was checked then."""
        if applied is None:
            Ensemble(cuts=work.ensemble.cuts, base=work.ensemble.base).check(self._features)
        sizes = bin_sizes(self._features, work.ensemble.cuts)
        for tree in (*work.ensemble.trees[applied or 0 :], work.tree):
            check_tree(tree, sizes)
        if list(work.nodes) != sorted(set(work.nodes)) or not set(work.nodes) <= set(range(len(work.tree.value))):
            raise ValueError("nodes that are not there, or out of order")

    def _apply(self, ensemble: Ensemble, applied: int | None) -> None:
        """Put the rows into bins and add up the trees, as far as that is not done yet."""
        if applied is None:
            self._places = bin_rows(self._features, ensemble.cuts, self._frame)
            self._margins = np.full(len(self._frame), ensemble.base)
        for tree in ensemble.trees[applied or 0 :]:
            self._margins += leaf_values(tree, find_leaves(tree, self._features, self._places))
        self._known = ensemble

    def _add_up(self, work: NodeHistograms) -> Places:
        """Shape (nodes * bins of all features, 3)."""
        probability = models.probabilities(self._margins)
        per_row = np.stack(
            [
                np.rint((probability - self._label) * ONE).astype(np.int64) + ONE,
                np.rint(probability * (1 - probability) * ONE).astype(np.int64),
                np.ones(len(probability), dtype=np.int64),
            ],
            axis=1,
        )
        sizes = bin_sizes(self._features, work.ensemble.cuts)
        place_of_node = np.full(len(work.tree.value), -1)
        place_of_node[list(work.nodes)] = np.arange(len(work.nodes))
        node = place_of_node[find_leaves(work.tree, self._features, self._places)]
        there = node >= 0
        total = np.zeros((len(work.nodes) * sum(sizes), len(BIN_BOUNDS)))
        first = node[there] * sum(sizes)
        for feature, size in enumerate(sizes):
            bins = first + self._places[there, feature]
            for index in range(len(BIN_BOUNDS)):
                total[:, index] += np.bincount(bins, per_row[there, index], len(total))
            first += size
        return total.astype(np.int64)


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn what a check of the work says into the refusal that the coordinator gets."""
    try:
        yield
    except ValueError as exc:
        raise RefusedError("refused.work") from exc
