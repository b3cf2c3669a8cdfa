"""数据目录: which datasets there are, what they hold and may be used for, and what made-up rows of them look like."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import blocks, cataloguing, frame, sources, words
from dashboard.i18n import _, language
from dashboard.served import served
from dashboard.services.catalogue import Dataset, choose, datasets, public_rules
from federation.audit.record import Public, RecordReader
from federation.errors import RecordError


def page() -> None:
    """The whole page: of the last start, and nothing in it moves."""
    st.session_state.setdefault("dataset", st.query_params.get("dataset", ""))
    home = served().home
    try:
        public = sources.log(home).look().public
        rules = public_rules(RecordReader(home))
    except RecordError as error:
        frame.nothing_yet(*title(), error)
        return
    frame.head(*title(), public)
    found = datasets(rules)
    blocks.verdict("good", _("{n} 个数据集，来自 {m} 个部门").format(**_counts(found)), _promise())
    opened = select(found, public)
    if opened is not None:
        cataloguing.card(opened, public)
        left, right = st.columns([5, 3], gap="medium")
        with left:
            cataloguing.columns(opened)
        with right:
            cataloguing.access(opened, rules)
        cataloguing.mock(opened)
    cataloguing.listing(found, opened, public)
    frame.limits()


def title() -> tuple[str, str]:
    """What this page is called, and what it shows."""
    return _("数据目录"), _("有哪些数据、归谁、能做什么用；看得到的只有模拟样例。")


def _promise() -> str:
    return _("目录是公开的规则，各方一致，以摘要为准；数据行不在目录里，也不在看板里。")


def _counts(found: Sequence[Dataset]) -> dict[str, int]:
    return {"n": len(found), "m": len({one.department for one in found})}


def select(found: Sequence[Dataset], public: Public) -> Dataset | None:
    """Which dataset is open; it is in the address."""
    by_name = {one.name: one for one in found}
    if not found:
        return None
    chosen = choose(found, st.session_state["dataset"] or "")
    if chosen is not None and (
        st.session_state["dataset"] not in by_name or st.session_state.get("labels in") != language()
    ):
        # Said anew, even if it is the same: a browser goes on showing a choice's label in the language before.
        st.session_state["dataset"], st.session_state["labels in"] = chosen.name, language()
    picked = st.selectbox(
        _("数据集"),
        list(by_name),
        format_func=lambda key: _label(by_name[key], public),
        key="dataset",
        label_visibility="collapsed",
        on_change=to_address,
    )
    return by_name.get(picked or "", chosen)


def _label(one: Dataset, public: Public) -> str:
    label = one.card.label if language() == "zh" else one.card.label_en
    return f"{words.party_name(one.department, public)} · {label} ({one.name})"


def to_address() -> None:
    """Keep the choice in the address, so that it can be sent to somebody."""
    st.query_params["dataset"] = st.session_state["dataset"]


page()
