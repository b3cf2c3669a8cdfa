"""A list of log entries from which one is opened; Streamlit's own table is a canvas, which no screen reader reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypedDict

import streamlit.components.v2 as components
from streamlit.components.v2.types import ComponentRenderer


class Row(TypedDict):
    """One entry: its number, the colour of the toned cell, and the texts of the further cells."""

    number: int
    tone: Literal["", "good", "warn"]
    cells: Sequence[str]


class Entries(TypedDict):
    """Everything the list shows, in the visitor's language.

    Attributes:
        open: the word before a number, for those who hear the page.
        chosen: the entry that is open.
        toned: which of the further cells has the colour.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Row]
    open: str
    chosen: int
    toned: int


@lru_cache(maxsize=1)
def _component() -> ComponentRenderer:
    here = Path(__file__).parent
    return components.component(
        "keyong_entries",
        html='<div class="entries" tabindex="0" role="region"></div>',
        css=(here / "entries.css").read_text(encoding="utf-8"),
        js=(here / "entries.js").read_text(encoding="utf-8"),
    )


def entries(shown: Entries, *, key: str, choose: Callable[[], None]) -> None:
    """Draw the list.

    Args:
        choose: called when an entry is opened; its number is `st.session_state[key].chosen`.
    """
    _component()(data=shown, key=key, on_chosen_change=choose)
