"""Dirty identity numbers and credit codes, as real registers have them: for tests of what joins must bear."""

from dataclasses import dataclass

import numpy as np

from jincheng.cards import Rows
from jincheng.draws import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Dirt:
    """Which parts of a table's rows go wrong.

    Attributes:
        untidy: letters in lower case, or spaces around a number without any: the same person still.
        mistyped: a wrong digit, which the check symbol betrays: no person at all.
        missing: no number.
        duplicated: the row stands there twice.
    """

    untidy: float = 0.01
    mistyped: float = 0.003
    missing: float = 0.02
    duplicated: float = 0.005

    def soil(self, rng: np.random.Generator, rows: Rows, *, id_column: str) -> Rows:
        """Soil the numbers in one column, and repeat some rows."""
        ids = rows[id_column].copy()
        limits = np.cumsum([self.untidy, self.mistyped, self.missing])
        fate = np.digitize(rng.random(len(ids)), limits)  # 3: nothing happens
        untidy, mistyped = _untidy(ids[fate == 0]), _mistype(rng, ids[fate == 1])
        soiled = ids.astype("U20")
        soiled[fate == 0], soiled[fate == 1] = untidy, mistyped
        masked = {**rows, id_column: np.ma.masked_array(soiled, mask=fate == 2)}
        order = np.repeat(np.arange(len(ids)), 1 + (rng.random(len(ids)) < self.duplicated))
        return {name: values[order] for name, values in masked.items()}


def _untidy(ids: Texts) -> Texts:
    lower = np.char.lower(ids)
    return np.where(lower == ids, np.char.add(np.char.add(" ", ids), " "), lower)


def _mistype(rng: np.random.Generator, ids: Texts) -> Texts:
    """Change one digit of the area code, which stands in the same place in numbers and credit codes."""
    symbols = ids.view("U1").reshape(len(ids), ids.itemsize // 4)
    row, place = np.arange(len(ids)), rng.integers(2, 6, len(ids))
    symbols[row, place] = (symbols[row, place].astype(np.int64) + 1) % 10
    return ids
