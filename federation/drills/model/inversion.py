"""Gradient inversion: patients read out of what one hospital sends in one round, exactly, or not at all.

The gradient of one case in the weights of a layer is that case times its gradient in the biases, so a division gives
the case (L. Phong et al., IEEE TIFS 2018; J. Geiping et al., NeurIPS 2020, proposition 3.1). Of a few cases and a
hidden layer it spans the same space as the cases, and public facts find them in it: the input of the biases is 1, and
indicators are 0 or 1 (cf. D. Dimitrov et al., NeurIPS 2024). No optimisation, and nothing is left to chance.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np
import pandas as pd

from crypto.errors import TamperedPlaintextError
from crypto.masking import Words, from_words, to_words
from federation.drills.model.hospitals import Coordinator, Hospitals, mask_and_sum
from federation.learning.artifact import Floats, decode_arrays
from federation.learning.models import unflatten
from federation.learning.work import SHARES
from federation.plan import Feature

# How far from zero what must be zero may be: shares are rounded to 2**-40.
TOLERANCE = 1e-6

Record = dict[str, object]


def recovered(hospitals: Hospitals, coordinator: Coordinator) -> float:
    """Tell which share of all hospitals' cases the coordinator can read out of everything that was sent to it.

    A case counts if every one of its inputs is right to the last digit.
    """
    bounds = next(iter(coordinator.answers.values())).bounds
    views = [as_sent(words, bounds) for words in coordinator.sent.values()] + [coordinator.summed.values]
    found = [record for view in views for record in invert(coordinator, view)]
    return _share(found, pd.concat(hospitals.frames.values()), hospitals.plan.features)


def recovered_by_collusion(hospitals: Hospitals, coordinator: Coordinator) -> float:
    """Tell which share of one hospital's cases the others can read if they all take their own off the total."""
    victim, *colluders = sorted(hospitals.frames)
    known = np.sum([np.array(coordinator.answers[name].values, dtype=object) for name in colluders], axis=0)
    rest = np.array(coordinator.summed.values, dtype=object) - known
    return _share(invert(coordinator, rest.tolist()), hospitals.frames[victim], hospitals.plan.features)


def guesses(coordinator: Coordinator, *, masked: bool, rounds: int = 200) -> float:
    """Tell how often the coordinator finds out which of two hospitals' vectors one hospital has sent.

    Easier than reading anything: both vectors are known to it. One in two is what guessing gives.
    """
    first, second, *_ = coordinator.answers.values()
    choices = [to_words(vector.values, vector.bounds, len(coordinator.owners)) for vector in (first, second)]
    hospital, *peers = coordinator.owners
    zeros = dict.fromkeys(peers, np.zeros_like(choices[0]))
    right = 0
    for number in range(rounds):
        truth = secrets.randbelow(2)
        words = {hospital: choices[truth], **zeros}
        sent = mask_and_sum(words, context=number.to_bytes(4))[0] if masked else words
        apart = [np.abs((sent[hospital] - choice).astype(np.int64).astype(np.float64)).sum() for choice in choices]
        right += int(np.argmin(apart)) == truth
    return right / rounds


def as_sent(words: Words, bounds: Sequence[int]) -> list[int]:
    """Read one hospital's words; the low half of each where they are no answer, for want of anything better."""
    try:
        return from_words(words, bounds, 1)
    except TamperedPlaintextError:
        halves = from_words(words & np.uint64(0xFFFFFFFF), (0xFFFFFFFF,) * len(words), 1)
        rest = iter(halves)
        return [next(rest) + (next(rest) << 32 if bound >> 32 else 0) for bound in bounds]


def invert(coordinator: Coordinator, values: Sequence[int]) -> list[Record]:
    """Read cases out of an update: as many as it can tell apart, perhaps none."""
    asked = coordinator.asked
    if asked is None:
        return []
    rows, _, *shares = values
    shifted = np.array([share - SHARES.largest for share in shares], dtype=np.float64)
    weights, biases, *deeper = unflatten(shifted, decode_arrays(asked.arrays))
    span = np.concatenate([weights, biases[None, :]])
    inputs = _divide(span) if not deeper else _find(span, int(rows), coordinator.plan.features)
    return [_as_record(row, coordinator) for row in inputs]


def _divide(span: Floats) -> list[Floats]:
    """One case: each input is the gradient of its weight over that of the bias."""
    with np.errstate(divide="ignore", invalid="ignore"):
        row = span[:-1, 0] / span[-1, 0]
    return [row] if np.isfinite(row).all() else []


def _find(span: Floats, rows: int, features: Sequence[Feature]) -> list[Floats]:
    """Several cases: the points of the space they span where the bias is 1 and the indicators are as texts make them.

    It takes as many hidden units as cases, and no two cases with the same texts.
    """
    if not 0 < rows <= min(span.shape):
        return []
    left, strength, _ = np.linalg.svd(span, full_matrices=False)
    if strength[rows - 1] <= 0 or not np.isfinite(strength).all():
        return []
    basis = left[:, :rows]
    places, patterns = _patterns(features)
    found = []
    for pattern in patterns:
        mixed, *_ = np.linalg.lstsq(basis[places], pattern, rcond=None)
        row = basis @ mixed
        if np.abs(row[places] - pattern).max() < TOLERANCE:
            found.append(row[:-1])
    return found


def _patterns(features: Sequence[Feature]) -> tuple[list[int], list[Floats]]:
    """Where the indicators of the first text and the bias are, and what stands there for each of its values."""
    at = 0
    for feature in features:
        if feature.values:
            places = [*range(at, at + feature.width), sum(f.width for f in features)]
            zeros = np.zeros(feature.width)
            return places, [np.append(one, 1.0) for one in (zeros, *np.eye(feature.width))]
        at += feature.width
    return [at], [np.ones(1)]


def _as_record(row: Floats, coordinator: Coordinator) -> Record:
    """Undo the standardisation, which every party knows."""
    record: Record = {}
    standard = coordinator.asked.standard if coordinator.asked else None
    at = number = 0
    for feature in coordinator.plan.features:
        part = row[at : at + feature.width]
        at += feature.width
        if feature.values:
            record[feature.column.name] = feature.values[1 + int(part.argmax()) if part.max() > 0.5 else 0]
        elif standard:
            value = part[0] * standard.deviations[number] + standard.means[number]
            record[feature.column.name] = round(float(np.clip(value, feature.low, feature.high)))
            number += 1
    return record


def _share(found: Sequence[Record], frame: pd.DataFrame, features: Sequence[Feature]) -> float:
    names = [feature.column.name for feature in features]
    truths = frame[names].to_dict("records")
    return sum(truth in found for truth in truths) / len(truths)
