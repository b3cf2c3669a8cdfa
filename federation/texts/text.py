"""The shape of an error's words."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """What is wrong, and the next step, in both languages."""

    zh: str
    next_zh: str
    en: str
    next_en: str
