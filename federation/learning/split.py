"""Which rows are held out to measure a model: a public draw by a hash of the id.

A person of whom several departments hold rows is on the same side everywhere, so no department's training rows tell of
another's held-out ones; and the draw is the same again whenever a job is run again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from federation.learning.artifact import start_of
from federation.plan import TrainPlan

Mask = npt.NDArray[np.bool_]


def split_nonce(plan: TrainPlan) -> str:
    """The nonce of the job that drew first: a job that goes on from a model holds out the same rows."""
    start = start_of(plan)
    return start.split if start else plan.nonce


def identifiers(ids: pd.Series) -> pd.Series:
    """Write ids as texts, alike at every department: pandas turns whole numbers into floats where one is missing."""
    return (ids.astype("Int64") if pd.api.types.is_float_dtype(ids) else ids).astype(str)


def held_out(ids: Iterable[str], *, nonce: str, percent: int) -> Mask:
    """Draw the rows that are held out.

    Args:
        ids: one for each row.
        nonce: see `split_nonce`.
    """
    # 64 bits against a threshold: percent / 100 of all hashes lie below it.
    threshold = (percent << 64) // 100
    draws = (hashlib.sha256(f"{nonce}\n{identifier}".encode()).digest()[:8] for identifier in ids)
    return np.array([int.from_bytes(draw) < threshold for draw in draws], dtype=np.bool_)
