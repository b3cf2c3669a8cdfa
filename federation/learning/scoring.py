"""A finished model applied to rows."""

from __future__ import annotations

import pandas as pd

from federation.errors import RequestError
from federation.learning import models
from federation.learning.artifact import Artifact, Floats, decode_arrays
from federation.learning.ensemble import Ensemble
from federation.learning.features import fits, make_inputs
from federation.plan import Linear, Trees


def score(artifact: Artifact, frame: pd.DataFrame) -> Floats:
    """Score each row: how likely the label is 1, or the number that is expected, in the label's base units.

    Args:
        frame: the columns of the model's features: numbers in base units, texts, nulls.

    Raises:
        DataError: a column holds something that is not of its type.
        RequestError: the model's numbers are not those of its kind and features.
    """
    features, standard = artifact.features, artifact.standard
    try:
        arrays = decode_arrays(artifact.arrays)
        if isinstance(artifact.model, Trees):
            return Ensemble.from_arrays(arrays, features).probabilities(features, frame)
    except ValueError as exc:
        raise RequestError("request.model_differs", what="features") from exc
    width = sum(feature.width for feature in features)
    if tuple(array.shape for array in arrays) != models.shapes_of(artifact.model, width):
        raise RequestError("request.model_differs", what="features")
    if not fits(features, standard):
        raise RequestError("request.model_differs", what="features")
    outputs = models.scores(arrays, make_inputs(features, standard, frame))
    if isinstance(artifact.model, Linear):
        return outputs * standard.label_deviation + standard.label_mean
    return models.probabilities(outputs)
