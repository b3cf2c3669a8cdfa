"""Which home this process shows and the language a visit begins in: set once by `serve`, read by every page.

In the process and not in the environment, so that nobody else's shell can point a page at another record.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Served(NamedTuple):
    """What this process serves."""

    home: Path
    language: str


_served: Served | None = None


def serve_this(home: Path, language: str) -> None:
    """Say what every page of this process is about."""
    global _served
    _served = Served(home.resolve(), language)


def served() -> Served:
    """What every page of this process is about.

    Raises:
        RuntimeError: nobody has said.
    """
    if _served is None:
        raise RuntimeError("call serve_this first")
    return _served
