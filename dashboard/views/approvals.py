"""授权审批: who asks for what, what everybody would see by it, who has said yes or no; and the officer's own word."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import approving, blocks, boards, deciding, frame, reviewing, sources, trying, words
from dashboard.i18n import _, language
from dashboard.served import served
from dashboard.services import commands
from dashboard.services.health import pinned_roster
from dashboard.services.log import LogView
from dashboard.services.requests import Request, requests
from dashboard.services.rights import Visitor
from dashboard.services.rules import catalogue
from dashboard.services.sessions import visitor as whoever
from federation.audit.record import RecordReader
from federation.errors import RecordError
from federation.plan import ScriptPlan

REFRESH_S = 2.0
MAX_REQUESTS = 60  # to choose from; older ones are in the log
MAX_ROWS = 8  # in the matrix

NEWEST = ""  # the selection that opens what waits, else the newest
MINE, ALL = "mine", "all"


def page() -> None:
    """The whole page."""
    st.session_state.setdefault("request", st.query_params.get("request", NEWEST))
    st.fragment(show, run_every=REFRESH_S)()


def show() -> None:
    """What is looked at anew every other second."""
    home, visitor = served().home, whoever()
    try:
        reader = sources.log(home)
        view = reader.look()
        roster = pinned_roster(RecordReader(home).rosters())
    except RecordError as error:
        frame.nothing_yet(*title(), error)
        return
    desk, departments = sources.desks(home).look(view.public.departments), view.public.departments
    grants = roster.grants if roster else 1
    everything = requests(reader.requests(MAX_REQUESTS), desk, departments, visitor=visitor, grants=grants)
    frame.head(*title(), view.public)
    blocks.verdict(*approving.summary(everything, desk, view.public, visitor))
    shown = inbox(everything, visitor)
    request = choose(shown, visitor)
    if request is None:
        matrix(shown, request, view)
        blocks.typed(
            _("提出一个请求："),
            commands.typed(commands.keyong(home, "query", "SELECT COUNT(*) FROM hukou", "--purpose", "…")),
        )
        frame.limits()
        return
    matrix(shown, request, view)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        blocks.heading(_("请求 {job}").format(job=request.job), words.kind_name(request.kind))
        rules = catalogue(home, request.plan.catalogue) if request.plan else None
        reviewing.review(request, rules, roster, view.public)
    with right:
        deciding.decide(request, visitor, roster, desk)
        deciding.standing(request, roster, view.public)
        blocks.heading(_("经过"), _("来自日志，北京时间"))
        blocks.timeline(_("经过"), approving.life(request, view.public, roster))
    if isinstance(request.plan, ScriptPlan):
        script(request.plan, visitor)
    frame.limits()


def script(plan: ScriptPlan, visitor: Visitor) -> None:
    """All code that would run, and what it does to made-up rows."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        reviewing.code(plan)
    with right:
        trying.panel(plan, visitor)


def title() -> tuple[str, str]:
    """What this page is called, and what it shows."""
    return _("授权审批"), _("谁要什么、各方将看到什么、谁说了可以；每个决定由安全管理员本人签名。")


def inbox(everything: Sequence[Request], visitor: Visitor) -> Sequence[Request]:
    """What waits for this officer, or everything; nobody else has a box of their own."""
    if visitor.role != "officer":
        return everything
    st.session_state.setdefault("box", ALL if st.session_state["request"] else MINE)
    names = {MINE: _("等我审批"), ALL: _("全部请求")}
    box = st.segmented_control(
        _("收件箱"), list(names), format_func=names.__getitem__, key="box", required=True, label_visibility="collapsed"
    )
    return [one for one in everything if one.waits_for(visitor)] if box == MINE else everything


def choose(shown: Sequence[Request], visitor: Visitor) -> Request | None:
    """Which request is open; it is in the address."""
    by_job = {one.job: one for one in shown}
    labels = (language(), visitor.account)
    if st.session_state["request"] not in by_job or st.session_state.get("labels in") != labels:
        # Said anew, even if it is the same: a browser goes on showing a choice's label as it was.
        known = st.session_state["request"] in by_job
        st.session_state["request"] = st.session_state["request"] if known else NEWEST
        st.session_state["labels in"] = labels
    job = st.selectbox(
        _("请求"),
        [NEWEST, *by_job],
        format_func=lambda name: approving.request_name(by_job[name]) if name else _("等待审批的，否则最新的"),
        key="request",
        on_change=to_address,
        label_visibility="collapsed",
    )
    if job in by_job:
        return by_job[job]
    mine = (one for one in shown if one.waits_for(visitor))
    waiting = (one for one in shown if one.waits)
    return next(mine, next(waiting, next(iter(shown), None)))


def to_address() -> None:
    """Keep the choice in the address, so that it can be sent to somebody."""
    chosen = st.session_state["request"]
    if chosen:
        st.query_params["request"] = chosen
    else:
        st.query_params.pop("request", None)


def matrix(everything: Sequence[Request], opened: Request | None, view: LogView) -> None:
    """Every department's state on the newest requests."""
    labels = words.departments(view.public)
    rows = list(everything[:MAX_ROWS])
    if opened is not None and opened not in rows:
        rows.append(opened)
    if rows:
        boards.matrix(
            _("请求与部门：最新在上，共 {n} 个").format(n=len(everything)),
            [_("请求"), _("类型"), *(labels[name] for name in view.public.departments), _("作业")],
            [
                (
                    ("now" if one is opened else "", f"{one.job}  {words.shanghai(one.time, date=True)[5:16]}"),
                    [
                        ("plain", words.kind_name(one.kind)),
                        *(approving.cell(one, name) for name in view.public.departments),
                        approving.fate(one),
                    ],
                )
                for one in rows
            ],
        )


page()
