"""The words of errors about scripts, their sandbox and what is released of them."""

from __future__ import annotations

from federation.texts.text import Text

SCRIPTING: dict[str, Text] = {}
