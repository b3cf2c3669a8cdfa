"""The words of errors about accounts, tiers and who may do what."""

from __future__ import annotations

from federation.texts.text import Text

ACCOUNTS: dict[str, Text] = {}
