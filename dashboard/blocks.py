"""The few blocks of which every page is made. All text given to a block is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

import streamlit as st

Tone = Literal["good", "wait", "warn", "bad"]


def brand(name: str, motto: str) -> None:
    """Name the product, in the sidebar."""
    st.html(f'<div class="ky-brand"><b>{escape(name)}</b><span>{escape(motto)}</span></div>')


def head(title: str, sentence: str, tags: Sequence[tuple[str, bool]] = ()) -> None:
    """Begin a page.

    Args:
        tags: short facts at the right; True marks one that weakens what the page says.
    """
    marks = "".join(f'<span class="ky-tag{" warn" if weak else ""}">{escape(text)}</span>' for text, weak in tags)
    st.html(
        f'<header class="ky-head"><div><h1>{escape(title)}</h1><p>{escape(sentence)}</p></div>'
        f'<div class="ky-tags">{marks}</div></header>'
    )


def verdict(tone: Tone, claim: str, reason: str) -> None:
    """Say in one line whether it holds, and in the next why, and what to do if not."""
    role = "alert" if tone == "bad" else "status"
    st.html(
        f'<div class="ky-verdict {tone}" role="{role}">'
        f"<div><strong>{escape(claim)}</strong><span>{escape(reason)}</span></div></div>"
    )


def cards(figures: Iterable[tuple[str, str, str, str]]) -> None:
    """A row of figures: colour, label, figure, remark."""
    st.html(
        '<div class="ky-cards">'
        + "".join(
            f'<dl class="ky-card" style="--tone:var(--ky-{colour})"><dt>{escape(label)}</dt>'
            f'<dd>{escape(figure)}</dd><dd class="remark">{escape(remark)}</dd></dl>'
            for colour, label, figure, remark in figures
        )
        + "</div>"
    )


def steps(label: str, named: Iterable[tuple[str, str]]) -> None:
    """The steps of a protocol: name, and one of done, now, next, failed."""
    st.html(
        f'<ol class="ky-steps" aria-label="{escape(label)}">'
        + "".join(
            f'<li class="{state}"{" aria-current=step" if state == "now" else ""}><b>{escape(name)}</b></li>'
            for name, state in named
        )
        + "</ol>"
    )


def table(
    caption: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[str]],
    *,
    colours: Sequence[str] = (),
    tall: bool = False,
) -> None:
    """A table that a screen reader can walk through.

    Args:
        columns: heading, and one of "", number, hash, class.
        colours: of the "class" cells, one per row.
        tall: give it a height of its own, to scroll in.
    """
    heads = "".join(f'<th scope="col" class="{kind}">{escape(name)}</th>' for name, kind in columns)
    body = []
    for number, row in enumerate(rows):
        cells = "".join(
            f'<td class="class" style="--tone:var(--ky-{colours[number]})"><b>{escape(text)}</b></td>'
            if kind == "class"
            else f'<td class="{kind}">{escape(text)}</td>'
            for text, (_, kind) in zip(row, columns, strict=True)
        )
        body.append(f"<tr>{cells}</tr>")
    # tabindex: a region that scrolls must be reachable by keyboard.
    st.html(
        f'<div class="ky-scroll{" tall" if tall else ""}" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="ky-table"><caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def claim(tone: Tone, name: str, state: str, figure: str, lines: Iterable[tuple[str, str]]) -> None:
    """One promise: its name, whether it holds, on what figure; and labelled lines of what that rests on."""
    said = "".join(f"<p><b>{escape(label)}</b>{escape(text)}</p>" for label, text in lines)
    st.html(
        f'<section class="ky-claim {tone}"><header><h2>{escape(name)}</h2><span class="ky-state">{escape(state)}</span>'
        f'</header><strong class="figure">{escape(figure)}</strong>{said}</section>'
    )


def heading(text: str, remark: str = "") -> None:
    """Begin a part of a page."""
    st.html(f'<div class="ky-heading"><h2>{escape(text)}</h2><span>{escape(remark)}</span></div>')


def passage(label: str, stations: Sequence[tuple[str, Sequence[str]]], ways: Sequence[str]) -> None:
    """A picture of who passes what to whom: stations from left to right, and what stands on the ways between."""
    parts = []
    for number, (name, lines) in enumerate(stations):
        if number:
            parts.append(f'<div class="way"><span>{escape(ways[number - 1])}</span></div>')
        said = "".join(f"<span>{escape(line)}</span>" for line in lines)
        parts.append(f'<div class="station"><b>{escape(name)}</b>{said}</div>')
    st.html(f'<div class="ky-passage" role="group" aria-label="{escape(label)}">{"".join(parts)}</div>')


def shares(label: str, parts: Sequence[tuple[str, str, int, str]]) -> None:
    """A bar in proportion, and its legend. Parts: colour, name, size, what is written for it."""
    total = sum(size for _, _, size, _ in parts) or 1
    bar = "".join(
        f'<i style="--tone:var(--ky-{colour});flex-grow:{size / total:.4f}"></i>'
        for colour, _, size, _ in parts
        if size
    )
    legend = "".join(
        f'<li style="--tone:var(--ky-{colour})"><b>{escape(name)}</b><span>{escape(text)}</span></li>'
        for colour, name, _, text in parts
    )
    st.html(
        f'<div class="ky-shares" role="group" aria-label="{escape(label)}"><div class="bar" aria-hidden="true">{bar}'
        f"</div><ul>{legend}</ul></div>"
    )


def timeline(label: str, happened: Iterable[tuple[str, str, str]]) -> None:
    """What happened, oldest first. Each: time, one of "", good, warn, and the sentence."""
    st.html(
        f'<ol class="ky-timeline" aria-label="{escape(label)}">'
        + "".join(
            f'<li class="{tone}"><time>{escape(time)}</time><span>{escape(sentence)}</span></li>'
            for time, tone, sentence in happened
        )
        + "</ol>"
    )


def tour(steps_: Iterable[tuple[str, str, str]]) -> None:
    """A walk through the pages. Steps: where, what to do there, and a line to type or "" for none."""
    st.html(
        '<ol class="ky-tour">'
        + "".join(
            f"<li><b>{escape(where)}</b> {escape(sentence)}{f'<br>{line(command)}' if command else ''}</li>"
            for where, sentence, command in steps_
        )
        + "</ol>"
    )


def line(command: str) -> str:
    """Markup of a line to type: one click selects all of it."""
    return f'<code class="ky-line">{escape(command)}</code>'


def typed(label: str, command: str) -> None:
    """A line to type, and what it is for."""
    st.html(f'<div class="ky-typed"><span>{escape(label)}</span>{line(command)}</div>')


def parties(cards_: Iterable[tuple[str, Tone | Literal["off"], str, str, Sequence[tuple[str, str, str]]]]) -> None:
    """A card per party: name, tone and word of its state, what is to be said of it, and its facts.

    A fact is a label, a text, and "" or "id": an identifier, shown in part, whole when pointed at or copied.
    """
    made = []
    for name, tone, state, remark, facts in cards_:
        rows = "".join(
            f"<dt>{escape(label)}</dt><dd>{identifier(text) if kind == 'id' and text else escape(text)}</dd>"
            for label, text, kind in facts
        )
        said = f'<p class="remark">{escape(remark)}</p>' if remark else ""
        made.append(
            f'<article class="ky-party {tone}"><header><h3>{escape(name)}</h3><span class="ky-state">{escape(state)}'
            f"</span></header>{said}<dl>{rows}</dl></article>"
        )
    st.html(f'<div class="ky-parties">{"".join(made)}</div>')


def identifier(text: str) -> str:
    """Markup of a long identifier: cut by the style sheet, so that what is copied is whole."""
    return f'<code class="ky-id" title="{escape(text)}">{escape(text)}</code>'


def facts(named: Iterable[tuple[str, str, str]]) -> None:
    """Label, text, and "" or "id", below one another."""
    rows = "".join(
        f"<dt>{escape(label)}</dt><dd>{identifier(text) if kind == 'id' and text else escape(text)}</dd>"
        for label, text, kind in named
    )
    st.html(f'<dl class="ky-facts">{rows}</dl>')


def checklist(label: str, checks: Iterable[tuple[bool, str, str, str]]) -> None:
    """Checks: whether it holds, that in a word, what was checked, what was found."""
    st.html(
        f'<ul class="ky-checks" aria-label="{escape(label)}">'
        + "".join(
            f'<li class="{"good" if holds else "bad"}"><i>{escape(word)}</i>'
            f"<b>{escape(name)}</b><span>{escape(found)}</span></li>"
            for holds, word, name, found in checks
        )
        + "</ul>"
    )


def notes(lines: Iterable[str]) -> None:
    """What limits everything above; always visible."""
    st.html('<footer class="ky-notes">' + "".join(f"<p>{escape(line)}</p>" for line in lines) + "</footer>")
