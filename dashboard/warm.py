"""Does before the first visit what the first visit would wait for: importing what pages use, and reading the log.

Both take about a second for a log of a hundred thousand entries, in which a browser is only starting.
"""

from __future__ import annotations

import contextlib
from importlib import import_module
from pathlib import Path

from federation.errors import RecordError

# What pages import beside what the server itself does.
USED_BY_PAGES = (
    "dashboard.claims",
    "dashboard.diagnosis",
    "dashboard.drawing",
    "dashboard.learning",
    "dashboard.story",
    "dashboard.verdict",
)


def warm(home: Path) -> None:
    """Get ready for the first visit. What goes wrong here goes wrong again, and is told, on the page."""
    for module in USED_BY_PAGES:
        import_module(module)
    sources = import_module("dashboard.sources")
    with contextlib.suppress(RecordError):
        sources.log(home).look()
        sources.verifier(home).look()
