"""An entry's inclusion proof, folded level by level up to a checkpoint's root in the visitor's own browser.

The browser computes every hash itself, from the entry's bytes; what the server says of the result is not asked. One
field, or one hash of the proof, can be altered there: in that tab's copy only, since nothing is sent back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

import streamlit.components.v2 as components
from streamlit.components.v2.types import ComponentRenderer


class Step(TypedDict):
    """One level: the hash beside the way, hex, and whether it stands at the left."""

    sibling: str
    left: bool


class Proof(TypedDict):
    """Everything the picture shows.

    Attributes:
        number: of the entry.
        entry: its exact text, an envelope in canonical JSON.
        key: the Ed25519 key of the party that it names, base64; "" if there is none.
        root: of the checkpoint, hex.
        under: what stands beside the root.
        words: in the visitor's language, by their names in proof.js.
    """

    number: int
    entry: str
    key: str
    steps: Sequence[Step]
    root: str
    under: str
    words: Mapping[str, str]


@lru_cache(maxsize=1)
def _component() -> ComponentRenderer:
    here = Path(__file__).parent
    return components.component(
        "keyong_proof",
        html='<div class="proof"></div>',
        css=(here / "proof.css").read_text(encoding="utf-8"),
        js=(here / "proof.js").read_text(encoding="utf-8"),
    )


def proof(shown: Proof, *, key: str) -> None:
    """Draw the proof."""
    _component()(data=shown, key=key)
