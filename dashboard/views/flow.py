"""数据流向: what has left each department, of which class, to whom, and whether the account of it adds up."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import blocks, frame, words
from dashboard.components.flowmap import flowmap
from dashboard.drawing import drawing
from dashboard.i18n import _, language
from dashboard.served import served
from dashboard.services.jobs import CLASSES, RAW, JobLine, JobView
from dashboard.services.log import EVERYTHING, LogView
from dashboard.sources import log
from dashboard.verdict import verdict
from federation.errors import RecordError

REFRESH_S = 0.5  # a job may be over within a second: slower, and nobody sees it run
MAX_JOBS = 200  # in the list; older ones by their address
MAX_ROWS = 500  # in the table; a browser gets slow beyond

FOLLOW = ""  # the selection that moves on to every new job


def page() -> None:
    """The whole page."""
    st.session_state.setdefault("job", st.query_params.get("job", FOLLOW))
    asked = st.query_params.get("view", "map")
    st.session_state.setdefault("view", asked if asked in ("map", "table") else "map")
    following = st.session_state["job"] == FOLLOW
    st.fragment(show, run_every=REFRESH_S if following else None)(following)


def show(following: bool) -> None:
    """What is looked at anew all the time while the newest job is followed."""
    try:
        view = log(served().home).look(st.session_state["job"])
    except RecordError as error:
        frame.nothing_yet(*title(), error)
        return
    frame.head(*title(), view.public)
    blocks.verdict(*verdict(view))
    select(view)
    if (st.session_state["job"] == FOLLOW) != following:
        st.rerun()  # only a new fragment can begin or stop to refresh itself
    figures(view)
    if view.job is not None:
        progress(view.job)
    if st.session_state["view"] == "table":
        frames(view)
    else:
        flowmap(drawing(view), key="flowmap")
    details(view)
    frame.limits()


def title() -> tuple[str, str]:
    """What this page is called, and what it shows."""
    return _("数据流向"), _("离开每个部门的每一个字节：多少、哪一类、给谁。")


def select(view: LogView) -> None:
    """Choose a job and how to look at it; both are in the address."""
    newest = view.jobs[:MAX_JOBS]
    lines = {line.name: line for line in view.jobs}
    chosen = st.session_state["job"]
    known = chosen in (FOLLOW, EVERYTHING) or chosen in lines
    if not known or st.session_state.get("labels in") != language():
        # Said anew, even if it is the same: a browser goes on showing a choice's label in the language before.
        st.session_state["job"] = chosen if known else FOLLOW
        st.session_state["labels in"] = language()
    options = [FOLLOW, *(line.name for line in newest), EVERYTHING]
    if chosen in lines and chosen not in options:
        options.insert(-1, chosen)
    views = ["map", "table"]
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.selectbox(
        _("作业"),
        options,
        label_visibility="collapsed",
        format_func=lambda name: job_label(name, lines, view),
        key="job",
        on_change=lambda: to_address("job", options),
    )
    right.segmented_control(
        _("视图"),
        views,
        format_func=lambda name: {"map": _("流向图"), "table": _("明细表")}[name],
        key="view",
        required=True,
        label_visibility="collapsed",
        on_change=lambda: to_address("view", views),
        width="stretch",
    )


def to_address(name: str, options: Sequence[str]) -> None:
    """Keep a choice in the address, so that it can be sent to somebody; the first option goes without saying."""
    chosen = st.session_state[name]
    if chosen not in options:
        # A browser answers with labels. One that has changed since, with the job's state or the language, is no choice.
        st.session_state[name] = st.query_params.get(name, options[0])
    elif chosen == options[0]:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = chosen


def job_label(name: str, lines: dict[str, JobLine], view: LogView) -> str:
    """How the list names a choice."""
    if name == EVERYTHING:
        return _("全部往来（含入网与存证）")
    line = lines.get(name) if name else next(iter(view.jobs), None)
    if line is None:
        return _("跟随最新作业（还没有作业）") if name == FOLLOW else name
    label = f"{line.name} · {words.moment(line.time)} · {words.state_name(line.state)}"
    return label if name else _("跟随最新作业：{job}").format(job=label)


def figures(view: LogView) -> None:
    """Bytes and messages per class, of the selection."""
    sizes = {kind: sum(flow.size for flow in view.flows if flow.kind == kind) for kind in (*CLASSES, RAW)}
    messages = {kind: sum(flow.messages for flow in view.flows if flow.kind == kind) for kind in (*CLASSES, RAW)}
    script = view.job is not None and view.job.kind == "script"  # nothing of it is encrypted to be added up
    always = ("output", "control") if script else ("ciphertext", "sealed", "control")
    shown = [kind for kind in CLASSES if messages[kind] or kind in always]
    blocks.cards(
        [
            *(
                (kind, words.class_name(kind), words.amount(sizes[kind]), _("{n} 条消息").format(n=messages[kind]))
                for kind in shown
            ),
            (
                RAW if messages[RAW] else "quiet",  # red is for what must not be
                words.class_name(RAW),
                words.amount(sizes[RAW]),
                _("网关拦下 {n} 条").format(n=view.denied),
            ),
        ]
    )


def progress(job: JobView) -> None:
    """The protocol's steps, and how far the job is."""
    if job.steps:
        blocks.steps(_("协议步骤"), [(words.step_name(step), state) for step, state in job.steps])
    if job.state == "failed":
        blocks.verdict("warn", _("作业 {job} 未放行结果").format(job=job.name), words.outcome(job.outcome))
    elif job.state == "interrupted":
        blocks.verdict(
            "warn", _("作业 {job} 已中断").format(job=job.name), _("日志中没有它的结束记录；再次申请即为一次新的作业。")
        )


def frames(view: LogView) -> None:
    """Every egress entry of the selection, newest first."""
    labels = words.departments(view.public)
    shown = view.frames[:MAX_ROWS]
    caption = _("离开部门的每条消息，按日志顺序，最新在前；时间为北京时间（Asia/Shanghai）。共 {n} 条，显示 {m} 条。")
    blocks.table(
        caption.format(n=len(view.frames), m=len(shown)),
        [
            (_("时间（北京时间）"), "time"),
            (_("部门"), ""),
            (_("类别"), "class"),
            (_("字节"), "number"),
            (_("承诺值"), "hash"),
            (_("日志序号"), "number"),
        ],
        [
            (
                words.shanghai(frame.time),
                labels.get(frame.party, frame.party),
                words.class_name(frame.kind),
                words.count(frame.size),
                f"{frame.commitment[:16]}…",
                words.count(frame.entry),
            )
            for frame in shown
        ],
        colours=[frame.kind for frame in shown],
        tall=True,
    )


def details(view: LogView) -> None:
    """What the classes mean, who can read what, and the account department by department."""
    labels = words.departments(view.public)
    with st.expander(_("各类别的含义，协调方能读什么")):
        blocks.table(
            _("消息类别"),
            [(_("类别"), "class"), (_("内容"), ""), (_("协调方能否读懂"), "")],
            [
                (words.class_name(kind), words.class_meaning(kind), words.coordinator_reads(kind))
                for kind in (*CLASSES, RAW)
            ],
            colours=(*CLASSES, RAW),
        )
    with st.expander(_("逐部门对账：账目与代理计数")):
        blocks.table(
            _("自首次启动以来的全部字节；日志共 {n} 条").format(n=words.count(view.size)),
            [
                (_("部门"), ""),
                (_("已入册（字节）"), "number"),
                (_("尚未入册（字节）"), "number"),
                (_("代理计数（字节）"), "number"),
                (_("差额（字节）"), "number"),
            ],
            [
                (
                    labels.get(balance.party, balance.party),
                    words.count(balance.recorded),
                    words.count(balance.pending),
                    words.count(balance.counted),
                    words.count(balance.unexplained),
                )
                for balance in view.account.balances
            ],
        )


page()
