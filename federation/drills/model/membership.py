"""Membership inference: who was learnt from, told from the finished model alone.

The likelihood-ratio attack of N. Carlini et al., IEEE S&P 2022: the attacker has cases, some of which were learnt from,
trains many shadow models on random halves of them in the way the job did, and asks of each case whether its log-odds
look like those of models that had it or of models that had not. The attacker may be whoever reads the model; how the
model was added up makes no difference to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from federation.drills.model.hospitals import Hospitals, Mask
from federation.learning import metrics, models
from federation.learning.artifact import Arrays, Artifact, Floats, Standard, decode_arrays
from federation.learning.features import make_inputs, read_label
from federation.learning.privacy import FRACTION_BITS, Noise, noise_for
from federation.plan import TrainPlan

SHADOWS = 32


class Cases(NamedTuple):
    """Cases as a model takes them in; one entry, or row, for each.

    Attributes:
        places: the index of its hospital.
        learnt: whether the job learnt from it.
    """

    inputs: Floats
    labels: Floats
    places: Floats
    learnt: Mask


def infer_members(hospitals: Hospitals, artifact: Artifact, *, shadows: int = SHADOWS) -> float:
    """Attack a model; tell the area under the curve of the attacker's score, members against others.

    One half is what guessing gives.
    """
    plan, arrays = hospitals.plan, decode_arrays(artifact.arrays)
    cases = cases_of(hospitals, artifact.standard)
    noise = noise_for(plan) if plan.privacy else None
    random = np.random.default_rng(plan.seed)
    halves = np.array([_draw_half(cases, random) for _ in range(shadows)])
    known = np.array([models.scores(_shadow(plan, cases, half, noise, random), cases.inputs) for half in halves])
    ratios = _log_ratio(models.scores(arrays, cases.inputs), known, halves)
    found = metrics.area_of_scores(ratios, cases.learnt.astype(np.float64))
    if found is None:
        raise ValueError("all cases were learnt from, or none")
    return found.value


def quality(hospitals: Hospitals, artifact: Artifact) -> float:
    """Tell what the model is worth: the area under the curve on cases that nobody learnt from."""
    cases = cases_of(hospitals, artifact.standard)
    outputs = models.scores(decode_arrays(artifact.arrays), cases.inputs[~cases.learnt])
    found = metrics.area_of_scores(outputs, cases.labels[~cases.learnt])
    if found is None:
        raise ValueError("all cases have one label")
    return found.value


def cases_of(hospitals: Hospitals, standard: Standard) -> Cases:
    """Lay all hospitals' cases end to end, learnt from or not."""
    plan, frame = hospitals.plan, pd.concat(hospitals.frames.values(), ignore_index=True)
    sizes = [len(one) for one in hospitals.frames.values()]
    return Cases(
        inputs=make_inputs(plan.features, standard, frame),
        labels=read_label(plan.label, frame[plan.label.column.name]),
        places=np.repeat(np.arange(len(sizes), dtype=np.float64), sizes),
        learnt=~np.concatenate([hospitals.held_out[name] for name in hospitals.frames]),
    )


def _draw_half(cases: Cases, random: np.random.Generator) -> Mask:
    """Draw as many cases of each hospital as were learnt from."""
    half = np.zeros(len(cases.labels), dtype=np.bool_)
    for place in np.unique(cases.places):
        here = np.flatnonzero(cases.places == place)
        half[random.permutation(here)[: int(cases.learnt[here].sum())]] = True
    return half


def _shadow(plan: TrainPlan, cases: Cases, half: Mask, noise: Noise | None, random: np.random.Generator) -> Arrays:
    """Train as the job did, on half of the cases."""
    model = models.network_of(plan.model)
    arrays = models.first_arrays(model, cases.inputs.shape[1], plan.seed)
    # Without noise the mean over hospitals is that over all cases; with it each hospital's is cut on its own.
    parts = [half & (cases.places == place) for place in np.unique(cases.places)] if noise else [half]
    for _ in range(plan.descent.rounds):
        means = []
        for part in parts:
            _, gradient = models.loss_and_gradient(model, arrays, cases.inputs[part], cases.labels[part])
            means.append(models.flatten(gradient) / part.sum())
        mean = _noisy_mean(means, noise, random) if noise else means[0]
        steps = models.unflatten(plan.descent.rate * mean, arrays)
        arrays = tuple(array - step for array, step in zip(arrays, steps, strict=True))
    return arrays


def _noisy_mean(means: Sequence[Floats], noise: Noise, random: np.random.Generator) -> Floats:
    """What the coordinator would get of these; the noise is the attacker's own, so any generator does."""
    clip, deviation = noise.sensitivity / 2**FRACTION_BITS, noise.share / 2**FRACTION_BITS
    cut = [one * min(1.0, clip / max(clip, float(np.linalg.norm(one)))) for one in means]
    total: Floats = np.sum(cut, axis=0) + random.normal(0.0, deviation * np.sqrt(len(cut)), cut[0].shape)
    return total / len(cut)


def _log_ratio(seen: Floats, known: Floats, halves: Mask) -> Floats:
    """How much likelier each case's log-odds are for models that had it: two normals, one spread each for all."""
    likelihoods = []
    for side in (halves, ~halves):
        counts = side.sum(axis=0).clip(1)
        means = np.where(side, known, 0.0).sum(axis=0) / counts
        spread = float((np.where(side, known - means, 0.0) ** 2).sum() / side.sum()) + 1e-12
        likelihoods.append(-((seen - means) ** 2) / (2 * spread))
    difference: Floats = likelihoods[0] - likelihoods[1]
    return difference
