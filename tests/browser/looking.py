"""What is asked of every page."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe finds."""
    page.evaluate(AXE)
    found = page.evaluate("async () => (await axe.run(document)).violations")
    return [(one["id"], one["nodes"][0]["html"][:160]) for one in found]


def wider_than_the_window(page: Page) -> int:
    """How many elements would have to be scrolled sideways."""
    return page.evaluate("[...document.querySelectorAll('*')].filter(e => e.scrollWidth > innerWidth).length")
