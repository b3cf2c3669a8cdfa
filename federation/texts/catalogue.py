"""The words of errors about the catalogue and the shelf of requests."""

from __future__ import annotations

from federation.texts.text import Text

CATALOGUE: dict[str, Text] = {}
