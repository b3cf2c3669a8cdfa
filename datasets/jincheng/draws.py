"""Array types of the generator, and the two pieces of chance that all its formulas use."""

import numpy as np
from numpy.typing import NDArray

Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]
Texts = NDArray[np.str_]


def sigmoid(x: Floats) -> Floats:
    """Turn log-odds into probabilities."""
    return 1 / (1 + np.exp(-x))


def happens(rng: np.random.Generator, probability: Floats) -> Booleans:
    """Draw one yes or no for each probability."""
    return rng.random(probability.shape) < probability
