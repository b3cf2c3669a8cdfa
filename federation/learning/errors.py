"""What training adds to the tree of `federation.errors`."""

from __future__ import annotations

from federation.errors import RequestError
from federation.learning.steps import Trained


class DivergedError(RequestError):
    """The loss exploded; the analyst has to take smaller steps. What was good before is kept."""

    def __init__(self, *, round: int, kept: Trained) -> None:
        """Keep the model.

        Args:
            round: in which it was noticed.
            kept: as training would have ended in the round before the least loss was seen; without measures.
        """
        super().__init__("learning.diverged", round=round)
        self.kept = kept
