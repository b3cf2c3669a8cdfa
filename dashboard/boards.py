"""Blocks of the approvals and the evidence page: who stands where. All text given to a block is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import streamlit as st

from dashboard.blocks import identifier

Cell = tuple[str, str]  # tone, or "" for none; and the text


def matrix(caption: str, columns: Sequence[str], rows: Iterable[tuple[Cell, Sequence[Cell]]]) -> None:
    """A row per request, a column per department.

    Args:
        columns: heading of the rows' names, then of the cells.
        rows: the row's name, "now" as its tone if it is the one that is open; and its cells.
    """
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = []
    for (tone, name), cells in rows:
        said = "".join(f'<td class="state {tone}"><b>{escape(text)}</b></td>' for tone, text in cells)
        current = ' class="now" aria-current="true"' if tone == "now" else ""
        body.append(f'<tr{current}><th scope="row">{escape(name)}</th>{said}</tr>')
    st.html(
        f'<div class="ky-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="ky-table ky-matrix"><caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def quorum(label: str, there: Sequence[str], absent: Sequence[str], needed: int, remark: str) -> None:
    """A bar with a part for each department that counts, and a mark where a quorum is reached."""
    parts = [("there", name) for name in there] + [("absent", name) for name in absent]
    bar = "".join(
        f'<li class="{state}{" mark" if number == needed else ""}"><b>{escape(name)}</b></li>'
        for number, (state, name) in enumerate(parts, 1)
    )
    st.html(f'<div class="ky-quorum"><ol aria-label="{escape(label)}">{bar}</ol><p>{escape(remark)}</p></div>')


def sql(text: str) -> None:
    """A query, as its asker wrote it."""
    st.html(f'<pre class="ky-sql" tabindex="0">{escape(text)}</pre>')


def hashes(label: str, found: Sequence[str]) -> None:
    """Hashes, below one another."""
    rows = "".join(f"<li>{identifier(one)}</li>" for one in found)
    st.html(f'<ol class="ky-hashes" start="0" aria-label="{escape(label)}">{rows}</ol>')


def remark(text: str) -> None:
    """A quiet line."""
    st.html(f'<p class="ky-remark">{escape(text)}</p>')


Estimate = tuple[str, str, float | None, float | None, float | None]  # name, colour, value, its interval


def estimates(label: str, rows: Sequence[Estimate], *, low: float, high: float, unknown: str) -> None:
    """Figures with their intervals on one scale, below one another.

    Args:
        low, high: ends of the scale.
        unknown: what stands for a figure that nobody has.
    """
    body = []
    for name, colour, value, least, most in rows:
        marks, said = "", unknown
        if value is not None:
            if least is not None and most is not None:
                left, right = _place(least, low, high), _place(most, low, high)
                marks = f'<i style="left:{left:.2f}%;width:{right - left:.2f}%"></i>'
            marks += f'<b style="left:{_place(value, low, high):.2f}%"></b>'
            said = f"{value:.4f}" + ("" if least is None or most is None else f" [{least:.3f}, {most:.3f}]")
        body.append(
            f'<li style="--tone:var(--ky-{colour})"><span>{escape(name)}</span>'
            f'<div aria-hidden="true">{marks}</div><span class="said">{escape(said)}</span></li>'
        )
    scale = f'<p class="scale" aria-hidden="true"><span>{low:g}</span><span>{high:g}</span></p>'
    st.html(f'<div class="ky-estimates"><ul aria-label="{escape(label)}">{"".join(body)}</ul>{scale}</div>')


def _place(value: float, low: float, high: float) -> float:
    return 100 * min(max((value - low) / (high - low), 0.0), 1.0)
