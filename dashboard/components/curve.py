"""A training as it goes: the loss of every round against what the lab reached otherwise, and who is missing when.

Drawn in the browser by curve.js, which builds every node itself and sets text as text. It redraws only when its input
changes; nothing in it moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

import streamlit.components.v2 as components
from streamlit.components.v2.types import ComponentRenderer


class Reference(TypedDict):
    """A level to compare with.

    Attributes:
        tone: a colour of the palette.
    """

    name: str
    value: float
    tone: str


class Lane(TypedDict):
    """A department, and the rounds whose sum it is not in."""

    name: str
    absent: Sequence[int]


class Curve(TypedDict):
    """Everything the picture shows, in the visitor's language.

    Attributes:
        summary: the text alternative.
        x, y: what the axes are called.
        name: of the curve.
        points: round and loss.
        rounds: how many there will be at most.
        done: how many there are.
        none: what stands in the place of a curve that nobody has.
        lanes_name: heading of the lanes.
    """

    summary: str
    x: str
    y: str
    name: str
    points: Sequence[tuple[int, float]]
    rounds: int
    done: int
    references: Sequence[Reference]
    none: str
    lanes: Sequence[Lane]
    lanes_name: str


@lru_cache(maxsize=1)
def _component() -> ComponentRenderer:
    here = Path(__file__).parent
    return components.component(
        "keyong_curve",
        html='<div class="curve"></div>',
        css=(here / "curve.css").read_text(encoding="utf-8"),
        js=(here / "curve.js").read_text(encoding="utf-8"),
    )


def curve(shown: Curve, *, key: str) -> None:
    """Draw it."""
    _component()(data=shown, key=key)
