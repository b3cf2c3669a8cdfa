"""Array types of the generator, and the few pieces of chance that all its formulas use."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]
Texts = NDArray[np.str_]


class Stream(IntEnum):
    """What a chunk's further random streams are for; its residents are drawn from the chunk's own.

    Part of the city's definition: what is drawn from one stream never depends on what is drawn from another.
    """

    FAMILIES = 1
    CLAIMS = 2
    REGISTERS = 3
    FIRMS = 4
    LOANS = 5
    LINKS = 6
    ELIGIBILITY = 7
    CASES = 8
    DIRT = 9


def sigmoid(x: Floats) -> Floats:
    """Turn log-odds into probabilities."""
    return 1 / (1 + np.exp(-x))


def happens(rng: np.random.Generator, probability: Floats) -> Booleans:
    """Draw one yes or no for each probability."""
    return rng.random(probability.shape) < probability
