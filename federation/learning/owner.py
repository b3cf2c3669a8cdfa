"""A department's part in training: what it computes of its own rows when it is asked for a work.

Whatever leaves is one vector of integers within public bounds, which is masked or encrypted before it does. Without
differential privacy it is the department's *share* of what all rows together would give, so that the sum is the whole:
its gradient summed and divided by the number of everybody's training rows, and beside it its count of rows and its
share of the loss. With it (`federation.learning.privacy`) every department weighs the same and sends no counts.

The rows are put in the order of their ids: batches, and floating-point sums, do not depend on how a store returns them.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from crypto.errors import SlotOverflowError
from federation.errors import DataError, RefusedError
from federation.learning import metrics, models, work
from federation.learning.artifact import Arrays, Floats, Standard, decode_arrays
from federation.learning.ensemble import Ensemble
from federation.learning.features import fits, make_inputs, moment_of, read_label, read_numbers
from federation.learning.histograms import FineHistogram, Histograms, NodeHistograms
from federation.learning.privacy import Meter, noise_for
from federation.learning.split import Mask, held_out, identifiers, split_nonce
from federation.learning.work import SHARES, Measure, Moments, Update, Vector, Work
from federation.plan import Linear, TrainPlan, Trees


class Rows:
    """Rows that are labelled, and their inputs as long as the standard stays the same."""

    def __init__(self, plan: TrainPlan, frame: pd.DataFrame) -> None:
        """Keep the rows."""
        self._plan, self.frame = plan, frame
        self.labels = read_label(plan.label, frame[plan.label.column.name])
        self._known: tuple[Standard, Floats] | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def inputs(self, standard: Standard) -> Floats:
        """The inputs, shape (rows, width)."""
        if self._known is None or self._known[0] != standard:
            self._known = standard, make_inputs(self._plan.features, standard, self.frame)
        return self._known[1]

    def targets(self, standard: Standard) -> Floats:
        """The labels, standardised where the standard says so."""
        return (self.labels - standard.label_mean) / standard.label_deviation


class Owner:
    """One department's data for one training, and what it answers."""

    def __init__(self, plan: TrainPlan, frame: pd.DataFrame, *, name: str, held_out_rows: Mask | None = None) -> None:
        """Take the rows.

        Args:
            frame: the plan's columns of the rows that match its conditions: numbers in base units, texts, nulls. Rows
                whose label or id is null take no part.
            name: of the department; its batches are drawn by it.
            held_out_rows: which rows are held out, in the order of the frame; drawn by their ids if None.

        Raises:
            DataError: a column holds something that is not of its type.
            RequestError, RefusedError: the plan asks for a privacy that cannot be had.
        """
        self._plan, self._name = plan, name
        used = (frame[plan.label.column.name].notna() & frame[plan.id.name].notna()).to_numpy()
        ids = identifiers(frame[plan.id.name][used])
        order = ids.argsort(kind="stable").to_numpy()
        if held_out_rows is None:
            aside = held_out(ids, nonce=split_nonce(plan), percent=plan.holdout)
        else:
            aside = held_out_rows[used]
        frame, aside = frame[used].iloc[order], aside[order]
        self._training, self._held_out = Rows(plan, frame[~aside]), Rows(plan, frame[aside])
        self._meter = Meter(noise_for(plan)) if plan.privacy else None
        self._histograms = (
            Histograms(plan.features, self._training.frame, self._training.labels.astype(np.int64))
            if isinstance(plan.model, Trees)
            else None
        )

    def answer(self, round_name: str, asked: Work) -> Vector:
        """Do a work.

        Args:
            round_name: such as "update.12"; draws the batches, so that they differ from round to round.

        Returns:
            The vector that is to be summed with the others'; never to be shown unmasked.

        Raises:
            DataError: the update is no number any more, or too large: training has exploded.
            RefusedError: the work does not fit the plan, or the privacy budget is spent.
        """
        bounds = work.bounds(self._plan, asked, self._meter.noise if self._meter else None)
        return Vector(self._values(round_name, asked), bounds)

    def _values(self, round_name: str, asked: Work) -> list[int]:
        match asked:
            case FineHistogram() | NodeHistograms() if self._histograms:
                return self._histograms.answer(asked)
            case Moments() if not self._meter:
                return self._moments()
            case Update() if not self._histograms and self._is_mean(asked, self._training):
                return self._update(round_name, asked)
            case Measure() if self._is_mean(asked, self._held_out):
                return self._measure(asked)
        raise RefusedError("refused.work")

    def _is_mean(self, asked: Update | Measure, rows: Rows) -> bool:
        """Shares of a mean over fewer rows than one has add up to something else; private ones are of its own."""
        return self._meter is not None or asked.rows >= max(1, len(rows))

    def _moments(self) -> list[int]:
        label = moment_of(self._training.labels, self._plan.label.low)
        values = [label.known, label.total, label.squares, len(self._held_out)]
        for feature in self._plan.features:
            if not feature.values:
                column = self._training.frame[feature.column.name]
                moment = moment_of(read_numbers(column, feature.low, feature.high), feature.low)
                values += [moment.known, moment.total, moment.squares]
        return values

    def _update(self, round_name: str, asked: Update) -> list[int]:
        arrays, inputs, targets = self._given(asked, self._training)
        model, rows = models.network_of(self._plan.model), len(self._training)
        with np.errstate(over="ignore", invalid="ignore"):
            loss, gradient = models.loss_and_gradient(model, arrays, inputs, targets)
            if self._plan.descent.strategy == "fedsgd":
                change = models.flatten(gradient)
            else:
                random = np.random.default_rng(_draw(self._plan.seed, self._name, round_name))
                moved = models.local_steps(model, self._plan.descent, arrays, inputs, targets, random)
                change = rows * models.flatten(moved)
        if self._meter:
            return self._meter.protect(change / max(1, rows))
        return [rows, *_encode_shares(np.concatenate([[loss], change]) / asked.rows)]

    def _measure(self, asked: Measure) -> list[int]:
        rows = len(self._held_out)
        if isinstance(self._plan.model, Trees):
            outputs, targets = self._margins(asked), self._held_out.labels
        else:
            arrays, inputs, targets = self._given(asked, self._held_out)
            outputs = models.scores(arrays, inputs)
        if self._meter:
            # A single number, stretched as far as clipping allows: noise goes on each, and drowns what is small.
            told = metrics.quality(outputs, targets, regression=isinstance(self._plan.model, Linear))
            return self._meter.protect(np.array([told * work.private_reach(self._meter.noise)]))
        loss = float(models.losses(self._plan.model, outputs, targets).sum())
        if isinstance(self._plan.model, Linear):
            return [rows, *_encode_shares(np.array([loss, targets.sum(), (targets**2).sum()]) / asked.rows)]
        histogram = metrics.score_histogram(outputs, targets, work.SCORE_BINS)
        return [rows, *_encode_shares(np.array([loss]) / asked.rows), *histogram.astype(np.int64).tolist()]

    def _given(self, asked: Update | Measure, rows: Rows) -> tuple[Arrays, Floats, Floats]:
        """The model, and the rows to apply it to; nothing that is not of the plan's shape."""
        model = models.network_of(self._plan.model)
        arrays = _decode(asked)
        shapes = tuple(array.shape for array in arrays)
        if shapes != models.shapes_of(model, self._plan.width) or not fits(self._plan.features, asked.standard):
            raise RefusedError("refused.work")
        return arrays, rows.inputs(asked.standard), rows.targets(asked.standard)

    def _margins(self, asked: Measure) -> Floats:
        try:
            ensemble = Ensemble.from_arrays(_decode(asked), self._plan.features)
        except ValueError as exc:
            raise RefusedError("refused.work") from exc
        return ensemble.margins(self._plan.features, self._held_out.frame)


def _decode(asked: Update | Measure) -> Arrays:
    try:
        return decode_arrays(asked.arrays)
    except ValueError as exc:
        raise RefusedError("refused.work") from exc


def _encode_shares(shares: Floats) -> list[int]:
    try:
        return SHARES.encode(shares)
    except SlotOverflowError as exc:
        raise DataError("learning.not_finite") from exc


def _draw(seed: int, name: str, round_name: str) -> list[int]:
    """Seed a department's batches of one round; the same again when it is run again."""
    return [seed, *hashlib.sha256(f"{name}\n{round_name}".encode()).digest()]
