"""Words in the visitor's language: Chinese in the source, English out of locale/en.po, compiled when first needed.

The language is a visit's own: `?lang=` in the address, else what `serve` was told. Call `_` while rendering, never at
import: a module is imported once and would keep the first visitor's language.
"""

from __future__ import annotations

import gettext
import io
from functools import lru_cache
from pathlib import Path

import streamlit as st
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from dashboard.served import served

LANGUAGES = {"zh": "中文", "en": "English"}
CATALOGUE = Path(__file__).parent / "locale" / "en.po"


@lru_cache(maxsize=1)
def english() -> gettext.NullTranslations:
    """The English words."""
    compiled = io.BytesIO()
    with CATALOGUE.open("rb") as file:
        write_mo(compiled, read_po(file, locale="en"))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def language() -> str:
    """The visitor's language, zh or en."""
    return str(st.session_state.get("lang", served().language))


def _(text: str) -> str:
    """Say `text` in the visitor's language."""
    return english().gettext(text) if language() == "en" else text


def enter() -> None:
    """Settle the visit's language, and keep the address in step with it."""
    asked = st.query_params.get("lang", "")
    st.session_state.setdefault("lang", asked if asked in LANGUAGES else served().language)
    # Not bind="query-params": it writes the label, and a link would break with the language.
    st.query_params["lang"] = st.session_state["lang"]


def choose() -> None:
    """Render the choice of language."""
    st.segmented_control(
        "语言 / Language",
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        key="lang",
        required=True,
        on_change=lambda: st.query_params.update(lang=st.session_state["lang"]),
    )
