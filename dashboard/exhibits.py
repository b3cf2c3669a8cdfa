"""Blocks of the review and the catalogue: files, columns, made-up rows. All text given to a block is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import streamlit as st

from dashboard.blocks import identifier

Chip = tuple[str, str]  # tone of the design system; and the text


def chips(found: Iterable[Chip]) -> str:
    """Markup of short marks beside one another."""
    made = "".join(f'<b style="--tone:var(--ky-{tone})">{escape(text)}</b>' for tone, text in found)
    return f'<span class="ky-chips">{made}</span>'


def titled(name: str, code: str, marks: Iterable[Chip], summary: str) -> None:
    """What is opened: its name, what a request calls it, marks, and a few words."""
    said = f"<p>{escape(summary)}</p>" if summary else ""
    st.html(
        f'<section class="ky-titled"><header><h2>{escape(name)}</h2><code>{escape(code)}</code>{chips(marks)}</header>'
        f"{said}</section>"
    )


def columns(caption: str, heads: Sequence[str], rows: Iterable[tuple[Sequence[str], Sequence[Chip]]]) -> None:
    """A table whose last cells hold chips.

    Args:
        heads: of the texts, then of the chips.
        rows: the texts, the first of which names the row; and the chips.
    """
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = []
    for (first, *texts), found in rows:
        cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
        body.append(f'<tr><th scope="row">{escape(first)}</th>{cells}<td>{chips(found)}</td></tr>')
    st.html(
        f'<div class="ky-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="ky-table ky-columns"><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def made_up(banner: str, caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows that nobody is in: nobody who sees a picture of them may take them for true ones."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    cells = (map(escape, (cell or "–" for cell in row)) for row in rows)
    body = "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in cells)
    st.html(
        f'<figure class="ky-mock"><figcaption>{escape(banner)}</figcaption>'
        f'<div class="ky-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="ky-table"><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></figure>"
    )


def file(name: str, remark: str, sha256: str, text: str, *, language: str | None) -> None:
    """A file in full, under its name and hash."""
    st.html(
        f'<div class="ky-file"><h3>{escape(name)}</h3><span>{escape(remark)}</span>'
        f"<span>SHA-256 {identifier(sha256)}</span></div>"
    )
    # Wrapped: nothing may hide beyond the right edge.
    st.code(text, language=language, line_numbers=True, wrap_lines=True)


def printed(label: str, text: str) -> None:
    """What a program printed."""
    st.html(f'<pre class="ky-sql" tabindex="0" role="region" aria-label="{escape(label)}">{escape(text)}</pre>')
