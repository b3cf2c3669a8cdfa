"""The shelf: where a department's requests lie for its people to review; PySyft's folders behind `datasite`.

The officers' signed words decide, and the record holds those. The shelf shows the same to people who work with PySyft,
and must agree: a job does not begin at a department whose shelf says something else, or holds other files, than what
was laid there.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from federation.plan import AnyPlan

Standing = Literal["pending", "approved", "rejected", "done"]


class Lying(NamedTuple):
    """A request as the shelf shows it.

    Attributes:
        files: SHA-256 over everything that lies there of it, hex.
    """

    standing: Standing
    files: str


class Shelf(Protocol):
    """Where requests lie."""

    @property
    def software(self) -> str:
        """What keeps it, with its version; "" if nothing does."""
        ...

    def lay(self, job: str, plan: AnyPlan) -> Lying:
        """Lay a request there, if it does not lie there yet.

        Raises:
            HomeError: the folder cannot be written.
            RefusedError: another one lies there under this name (`refused.shelf`).
        """
        ...

    def turn(self, job: str, standing: Standing, reason: str = "") -> Lying:
        """Have the shelf show how a request stands now.

        Raises:
            HomeError: the folder cannot be written.
            RefusedError: it does not lie there, or the shelf does not let it stand so (`refused.shelf`).
        """
        ...

    def look(self, job: str) -> Lying | None:
        """Read how a request lies there; None if it does not."""
        ...


class NoShelf:
    """Nothing lies anywhere: for departments that agree automatically, and for who does without PySyft."""

    software = ""

    def lay(self, job: str, plan: AnyPlan) -> Lying:
        """Lay it nowhere."""
        return Lying("pending", "")

    def turn(self, job: str, standing: Standing, reason: str = "") -> Lying:
        """Show it nowhere."""
        return Lying(standing, "")

    def look(self, job: str) -> Lying | None:
        """Nothing lies there."""
        return None
