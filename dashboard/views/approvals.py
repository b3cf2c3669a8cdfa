"""授权审批: who asks for what, what everybody would see by it, who has said yes or no; and the officer's own word."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import approving, blocks, boards, codereview, deciding, frame, reviewing, sources, trying, words
from dashboard.approving import ALL, MINE
from dashboard.i18n import _, language
from dashboard.served import served
from dashboard.services import commands
from dashboard.services.health import pinned_roster
from dashboard.services.log import LogView
from dashboard.services.requests import Request, requests
from dashboard.services.rights import Visitor
from dashboard.services.rules import catalogue
from dashboard.services.sessions import touch
from dashboard.services.sessions import visitor as whoever
from federation.audit.record import RecordReader
from federation.errors import RecordError
from federation.plan import ScriptPlan

REFRESH_S = 2.0
MAX_REQUESTS = 60  # to choose from; older ones are in the log
MAX_ROWS = 8  # in the matrix

NEWEST = ""  # the selection that opens what waits, else the newest


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
    shown, request = choose(everything, visitor)
    matrix(shown, request, view)
    if request is None:
        blocks.typed(
            _("提出一个请求："),
            commands.typed(commands.keyong(home, "query", "SELECT COUNT(*) FROM hukou", "--purpose", "…")),
        )
    else:
        rules = catalogue(home, request.plan.catalogue) if request.plan else None
        reviewing.opened(request, rules, roster, view.public)
        left, right = st.columns([3, 2], gap="medium")
        with left:
            reviewing.details(request, rules, view.public)
        with right:
            deciding.decide(request, visitor, roster, desk)
            deciding.standing(request, roster, view.public)
            blocks.heading(_("经过"), _("来自日志，北京时间"))
            blocks.timeline(_("经过"), approving.life(request, view.public, roster))
        if request.plan is not None:
            reviewing.leakage_card(request.plan, view.public)
        if isinstance(request.plan, ScriptPlan):
            script(request, request.plan, visitor, view)
    frame.limits()


def script(request: Request, plan: ScriptPlan, visitor: Visitor, view: LogView) -> None:
    """All code that would run, and what it does to made-up rows."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        codereview.code(plan)
        codereview.shelf(sources.shelves(served().home).look(visitor, request), view.public)
    with right:
        trying.panel(plan, visitor)


def title() -> tuple[str, str]:
    """What this page is called, and what it shows."""
    return _("授权审批"), _("谁要什么、各方将看到什么、谁说了可以；每个决定由安全管理员本人签名。")


def choose(everything: Sequence[Request], visitor: Visitor) -> tuple[Sequence[Request], Request | None]:
    """What lies in this visitor's inbox, and which request of it is open; that one is in the address."""
    left, right = (
        st.columns([2, 5], vertical_alignment="center") if visitor.role == "officer" else (None, st.container())
    )
    shown = everything
    if left is not None and inbox(left) == MINE:
        shown = [one for one in everything if one.waits_for(visitor)]
    by_job = {one.job: one for one in shown}
    labels = (language(), visitor.account)
    if st.session_state["request"] not in by_job or st.session_state.get("labels in") != labels:
        # Said anew, even if it is the same: a browser goes on showing a choice's label as it was.
        known = st.session_state["request"] in by_job
        st.session_state["request"] = st.session_state["request"] if known else NEWEST
        st.session_state["labels in"] = labels
    job = right.selectbox(
        _("请求"),
        [NEWEST, *by_job],
        format_func=lambda name: approving.request_name(by_job[name]) if name else _("等待审批的，否则最新的"),
        key="request",
        on_change=to_address,
        label_visibility="collapsed",
    )
    if job in by_job:
        return shown, by_job[job]
    mine = (one for one in shown if one.waits_for(visitor))
    waiting = (one for one in shown if one.waits)
    return shown, next(mine, next(waiting, next(iter(shown), None)))


def inbox(place: DeltaGenerator) -> str | None:
    """What waits for this officer, or everything; nobody else has a box of their own."""
    st.session_state.setdefault("box", ALL if st.session_state["request"] else MINE)
    names = {MINE: _("等我审批"), ALL: _("全部请求")}
    return place.segmented_control(
        _("收件箱"),
        list(names),
        format_func=names.__getitem__,
        key="box",
        required=True,
        label_visibility="collapsed",
        width="stretch",
    )


def to_address() -> None:
    """Keep the choice in the address, so that it can be sent to somebody."""
    touch()
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
