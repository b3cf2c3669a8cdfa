"""The flow map: departments at the left, the coordinator in the middle, the analyst at the right.

The picture is drawn in the browser by flowmap.js, which builds every node itself and sets text as text, so that no
name out of a record can become markup. It redraws only when its input changes, and stands still for visitors who
have asked for reduced motion.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

import streamlit.components.v2 as components
from streamlit.components.v2.types import ComponentRenderer


class Strand(TypedDict):
    """Messages of one class from one department.

    Attributes:
        text: what stands on the strand.
        size: bytes; sets the width.
        live: whether it is moving right now.
    """

    kind: str
    text: str
    size: int
    live: bool


class Box(TypedDict):
    """A department.

    Attributes:
        badges: what it does in the selected job.
        absent: it has sent nothing in the selection; `note` says so.
    """

    name: str
    badges: Sequence[str]
    note: str
    absent: bool
    strands: Sequence[Strand]


class Party(TypedDict):
    """Somebody who receives."""

    name: str
    lines: Sequence[str]


class Map(TypedDict):
    """Everything the picture shows, in the visitor's language.

    Attributes:
        summary: the text alternative.
        zones: headings of the three columns.
        launcher: where enrolment goes; None if the selection has none.
        handover: what goes on to the analyst; released says whether it has.
    """

    summary: str
    zones: Sequence[str]
    boxes: Sequence[Box]
    coordinator: Party
    launcher: Party | None
    analyst: Party
    handover: str
    released: bool


@lru_cache(maxsize=1)
def _component() -> ComponentRenderer:
    here = Path(__file__).parent
    return components.component(
        "keyong_flowmap",
        html='<div class="map"></div>',
        css=(here / "flowmap.css").read_text(encoding="utf-8"),
        js=(here / "flowmap.js").read_text(encoding="utf-8"),
    )


def flowmap(shown: Map, *, key: str) -> None:
    """Draw the map."""
    _component()(data=shown, key=key)
