"""Boosted trees as a value: where the bins of every feature lie, and which bins go left at each node.

A model of Chen and Guestrin, KDD 2016, section 2.1: the log-odds are a base and one leaf of every tree. A number goes
left if its bin is not above the node's, a text if its value is the node's own, one against the rest. A null, or a
value outside a text's domain, has a bin of its own, below all others. Directions for nulls that are learnt for each
node (section 3.4) are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from federation.learning import models
from federation.learning.artifact import Floats
from federation.learning.features import read_numbers
from federation.plan import Feature

Places = npt.NDArray[np.int64]

LEAF = -1
NULL_BIN = 0


class Tree(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tree of a fixed depth, as a heap: the children of node i are 2i + 1 (left) and 2i + 2.

    Attributes:
        feature: what each node asks about, as an index; LEAF where rows stay.
        bin: the node's bin; 0 for leaves.
        value: what a row that stays here adds to the log-odds, the learning rate included.
    """

    feature: tuple[int, ...]
    bin: tuple[int, ...]
    value: tuple[float, ...]


class Ensemble(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All trees, and what they need to be applied to rows.

    Attributes:
        cuts: per feature, ascending, base units; bin b holds cuts[b-2] <= value < cuts[b-1]. Empty for a text.
        base: log-odds before the first tree.
    """

    cuts: tuple[tuple[int, ...], ...]
    base: float
    trees: tuple[Tree, ...] = ()

    def margins(self, features: Sequence[Feature], frame: pd.DataFrame) -> Floats:
        """Compute the log-odds of each row.

        Args:
            features: the plan's, in its order.
            frame: their columns, numbers in base units, texts, nulls.
        """
        places = bin_rows(features, self.cuts, frame)
        margins = np.full(len(frame), self.base)
        for tree in self.trees:
            margins += leaf_values(tree, find_leaves(tree, features, places))
        return margins

    def probabilities(self, features: Sequence[Feature], frame: pd.DataFrame) -> Floats:
        """Compute how likely each row's label is 1."""
        return models.probabilities(self.margins(features, frame))

    def to_arrays(self) -> tuple[Floats, ...]:
        """The base; how many cuts each feature has; all cuts; and features, bins and values, shape (trees, nodes)."""
        shape = (len(self.trees), len(self.trees[0].value) if self.trees else 0)
        trees = ([getattr(tree, name) for tree in self.trees] for name in ("feature", "bin", "value"))
        return (
            np.array([self.base]),
            np.array([len(feature) for feature in self.cuts], dtype=np.float64),
            np.array([cut for feature in self.cuts for cut in feature], dtype=np.float64),
            *(np.array(part, dtype=np.float64).reshape(shape) for part in trees),
        )

    @classmethod
    def from_arrays(cls, arrays: Sequence[Floats], features: Sequence[Feature]) -> Ensemble:
        """Read what `to_arrays` made.

        Raises:
            ValueError: the shapes do not fit, or `check` refuses it.
        """
        if len(arrays) != 6:
            raise ValueError("an ensemble is six arrays")
        base, lengths, cuts, feature, bin_, value = arrays
        if base.shape != (1,) or lengths.shape != (len(features),) or min(lengths) < 0 or cuts.shape != (sum(lengths),):
            raise ValueError("the bins do not fit the features")
        if feature.ndim != 2 or not feature.shape == bin_.shape == value.shape:
            raise ValueError("the trees' arrays differ in shape")
        ends = np.cumsum(_integers(lengths))
        ensemble = cls(
            cuts=tuple(tuple(part.tolist()) for part in np.split(_integers(cuts), ends[:-1])),
            base=float(base[0]),
            trees=tuple(
                Tree(feature=tuple(asked), bin=tuple(bins), value=tuple(values))
                for asked, bins, values in zip(
                    _integers(feature).tolist(), _integers(bin_).tolist(), value.tolist(), strict=True
                )
            ),
        )
        ensemble.check(features)
        return ensemble

    def check(self, features: Sequence[Feature]) -> None:
        """Refuse what is no ensemble over these features.

        Raises:
            ValueError: cuts that do not ascend, a base that is no number, or a tree that does not hold together.
        """
        if not math.isfinite(self.base):
            raise ValueError("the base is no number")
        check_cuts(features, self.cuts)
        for tree in self.trees:
            check_tree(tree, bin_sizes(features, self.cuts))


def check_cuts(features: Sequence[Feature], cuts: Sequence[Sequence[int]]) -> None:
    """Refuse cuts that do not ascend, are those of a text, or of another number of features.

    Raises:
        ValueError: see above.
    """
    if len(cuts) != len(features):
        raise ValueError("there are cuts for more or fewer features")
    for feature, between in zip(features, cuts, strict=True):
        if list(between) != sorted(set(between)) or (feature.values and between):
            raise ValueError("cuts do not ascend, or a text has some")


def check_tree(tree: Tree, sizes: Sequence[int]) -> None:
    """Refuse a tree that is no whole heap, or asks about a bin that is not there.

    Args:
        sizes: bins of each feature.

    Raises:
        ValueError: see above.
    """
    nodes = len(tree.value)
    if not nodes or nodes & (nodes + 1) or len(tree.feature) != nodes:
        raise ValueError("a tree of a fixed depth has one node less than a power of two")
    if not all(map(math.isfinite, tree.value)):
        raise ValueError("a leaf adds something that is no number")
    for node, (feature, bin_) in enumerate(zip(tree.feature, tree.bin, strict=True)):
        if feature == LEAF:
            continue
        if not (0 <= feature < len(sizes) and 0 <= bin_ < sizes[feature] and 2 * node + 2 < nodes):
            raise ValueError("a node asks about a bin that is not there, or has no children")


def bin_sizes(features: Sequence[Feature], cuts: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """How many bins each feature has, the one for nulls included."""
    return tuple(1 + (len(feature.values) or len(between) + 1) for feature, between in zip(features, cuts, strict=True))


def bin_rows(features: Sequence[Feature], cuts: Sequence[Sequence[int]], frame: pd.DataFrame) -> Places:
    """Find the bin of every value; shape (rows, features)."""
    places = np.empty((len(frame), len(features)), dtype=np.int64)
    for index, (feature, between) in enumerate(zip(features, cuts, strict=True)):
        column = frame[feature.column.name]
        if feature.values:
            # An unknown text is at -1: with a null, in the bin below the domain's first.
            places[:, index] = pd.Index(feature.values).get_indexer(pd.Index(column)) + 1
        else:
            places[:, index] = find_cells(feature, between, column)
    return places


def find_cells(feature: Feature, cuts: Sequence[int], column: pd.Series) -> Places:
    """Find each number's place between ascending cuts: 0 for a null, 1 below the first cut.

    Raises:
        DataError: the column holds something else than numbers.
    """
    numbers = read_numbers(column, feature.low, feature.high)
    cells = 1 + np.searchsorted(np.array(cuts, dtype=np.float64), numbers, "right")
    return np.where(np.isnan(numbers), NULL_BIN, cells)


def find_leaves(tree: Tree, features: Sequence[Feature], places: Places) -> Places:
    """Find the node in which each row ends, in a whole tree or in one that is being grown."""
    asked, bins = np.array(tree.feature), np.array(tree.bin)
    is_text = np.array([bool(feature.values) for feature in features])
    nodes = np.zeros(len(places), dtype=np.int64)
    rows = np.arange(len(places))
    for _ in range(len(asked).bit_length() - 1):
        feature = asked[nodes]
        bin_ = places[rows, feature]  # of a leaf that is the last feature's, and not looked at
        left = np.where(is_text[feature], bin_ == bins[nodes], bin_ <= bins[nodes])
        nodes = np.where(feature == LEAF, nodes, 2 * nodes + 2 - left)
    return nodes


def leaf_values(tree: Tree, leaves: Places) -> Floats:
    """What each row adds to its log-odds."""
    return np.array(tree.value)[leaves]


def _integers(array: Floats) -> Places:
    if (array != np.rint(array)).any() or (np.abs(array) > 2**53).any():
        raise ValueError("an array of whole numbers holds others")
    return array.astype(np.int64)
