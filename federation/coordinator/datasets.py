"""What departments offer, asked once of each while the coordinator runs: cards and mock rows, public."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from federation.messages import Dataset, Datasets, Describe

if TYPE_CHECKING:  # it brings Flower along, and every command knows the control socket
    from federation.coordinator.grid_wire import GridWire

logger = logging.getLogger(__name__)


class Offers:
    """The datasets of all departments, as far as these have said which."""

    def __init__(self, departments: Sequence[str], wire: Callable[[], GridWire]) -> None:
        """Prepare.

        Args:
            wire: makes a wire outside any job.
        """
        self._departments, self._wire = tuple(departments), wire
        self._kept: dict[str, tuple[Dataset, ...]] = {}

    @property
    def is_complete(self) -> bool:
        """Whether every department has said what it offers."""
        return len(self._kept) == len(self._departments)

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """All that is known, department by department."""
        return tuple(dataset for name in self._departments for dataset in self._kept.get(name, ()))

    def gather(self) -> None:
        """Ask the departments that are there and have not said."""
        wire = self._wire()
        lacking = [name for name in wire.there() if name not in self._kept]
        for name, said in wire.ask_each({name: Describe() for name in lacking}).items():
            if isinstance(said, Exception) or not isinstance(said.payload, Datasets):
                logger.warning("%s does not say what it offers: %s", name, said)
            elif all(dataset.name.partition(".")[0] == name for dataset in said.payload.datasets):
                self._kept[name] = said.payload.datasets
            else:
                logger.warning("%s offers what is another's", name)
