"""A text in both languages, as the tables of drills have them."""

from __future__ import annotations

import msgspec


class Wording(msgspec.Struct, frozen=True):
    """One text in both languages."""

    zh: str
    en: str
