"""The design system's colours and type; `dashboard.blocks` has what pages are made of.

A colour is a CSS variable with a light and a dark value (`light-dark()` follows the theme that Streamlit has set), so
that blocks and components, which live in shadow roots, share one palette.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import streamlit as st

# name: (on white, on near-black); each at least 4.5 : 1 against the page and against its own tint.
PALETTE = {
    "output": ("#9A4A00", "#FFB070"),
    "ciphertext": ("#0B57A8", "#6DB1FF"),
    "sealed": ("#6B3FA0", "#C39BF5"),
    "masked": ("#3D4FA1", "#98A8F5"),
    "unmask": ("#7A3E8F", "#D49AE8"),
    "clear": ("#B3261E", "#FF8A80"),
    "control": ("#4C5A68", "#A9B7C5"),
    "desk": ("#8A2A6B", "#F09AD0"),
    "catalogue": ("#4F6410", "#B4CF62"),
    "record": ("#0B6E63", "#55CBB9"),
    "enrolment": ("#7A5600", "#E0B64A"),
    "error": ("#A8480B", "#FFA56B"),
    "raw": ("#B3261E", "#FF8A80"),
    "good": ("#0A6B4B", "#5FD3A6"),
    "wait": ("#0B57A8", "#6DB1FF"),
    "warn": ("#8A5300", "#F2B84B"),
    "bad": ("#B3261E", "#FF8A80"),
    "ink": ("#17202B", "#E6EDF3"),
    "quiet": ("#4A5663", "#A9B4C0"),
    "line": ("#D5DCE5", "#2F3C49"),
    "panel": ("#F5F7FA", "#151E28"),
    "page": ("#FFFFFF", "#0E141B"),
}

SANS = "'Noto Sans SC', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'Source Han Sans SC', sans-serif"
MONO = "'Noto Sans Mono CJK SC', 'Cascadia Mono', Consolas, 'DejaVu Sans Mono', monospace"

# Streamlit's own theme; `dashboard.server` adds it to the options.
THEME: dict[str, object] = {
    "font": SANS,
    "codeFont": MONO,
    "baseFontSize": 15,
    "baseRadius": "6px",
    "showWidgetBorder": True,
    "paddingTop": "1rem",
    "paddingBottom": "1.5rem",
    "light.primaryColor": "#0B57A8",
    "light.backgroundColor": PALETTE["page"][0],
    "light.secondaryBackgroundColor": PALETTE["panel"][0],
    "light.textColor": PALETTE["ink"][0],
    "light.borderColor": PALETTE["line"][0],
    "light.sidebar.backgroundColor": "#0B2545",
    "light.sidebar.secondaryBackgroundColor": "#14335F",
    "light.sidebar.textColor": "#E8EEF6",
    "light.sidebar.primaryColor": "#8CC0FF",
    "light.sidebar.borderColor": "#2B4A78",
    "dark.primaryColor": "#6DB1FF",
    "dark.backgroundColor": PALETTE["page"][1],
    "dark.secondaryBackgroundColor": PALETTE["panel"][1],
    "dark.textColor": PALETTE["ink"][1],
    "dark.borderColor": PALETTE["line"][1],
    "dark.sidebar.backgroundColor": "#0A1A30",
    "dark.sidebar.secondaryBackgroundColor": "#12294A",
    "dark.sidebar.textColor": "#E8EEF6",
    "dark.sidebar.primaryColor": "#8CC0FF",
    "dark.sidebar.borderColor": "#243F66",
}

_SHAPES = {
    "good": "M5 16.5l7 7L27 8",
    "wait": "M16 9v7l5 3M27 16a11 11 0 1 1-22 0a11 11 0 1 1 22 0",
    "warn": "M16 5L28 27H4zM16 14v5M16 23v.5",
    "bad": "M11 11l10 10M21 11L11 21M28 16a12 12 0 1 1-24 0a12 12 0 1 1 24 0",
}


def _icon(shape: str) -> str:
    """A tone and a mask in its shape: markup given to `st.html` may hold no SVG of its own."""
    drawn = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32' fill='none' stroke='black' stroke-width='3' "
        f"stroke-linecap='round' stroke-linejoin='round'><path d='{_SHAPES[shape]}'/></svg>"
    )
    toned = f".{shape}:is(.ky-verdict,.ky-claim,.ky-party,.ky-checks li)"
    return f'{toned}{{--tone:var(--ky-{shape});--icon:url("data:image/svg+xml,{quote(drawn)}")}}'


@lru_cache(maxsize=1)
def _sheet() -> str:
    variables = "".join(f"--ky-{name}:light-dark({light},{dark});" for name, (light, dark) in PALETTE.items())
    icons = "".join(_icon(shape) for shape in _SHAPES)
    rules = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
    return f"<style>:root{{{variables}--ky-mono:{MONO}}}{rules}{icons}</style>"


def sheet() -> None:
    """Bring in the style sheet; once per page."""
    st.html(_sheet())
