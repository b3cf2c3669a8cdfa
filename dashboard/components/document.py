"""Tells the browser the page's language; Streamlit ships every page as English, which screen readers believe."""

from __future__ import annotations

from functools import lru_cache

import streamlit.components.v2 as components
from streamlit.components.v2.types import ComponentRenderer

_SCRIPT = """
export default function ({ data }) {
  document.documentElement.lang = data === "zh" ? "zh-CN" : data;
}
"""


@lru_cache(maxsize=1)
def _component() -> ComponentRenderer:
    return components.component("keyong_document", html="<span hidden></span>", js=_SCRIPT)


def speak(language: str) -> None:
    """Set the document's language, zh or en."""
    _component()(data=language, key="document", height=1)
