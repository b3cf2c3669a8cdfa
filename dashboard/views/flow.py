"""数据流向: what has left each department, of which class, to whom, and whether the account of it adds up."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import style, words
from dashboard.components.flowmap import flowmap
from dashboard.drawing import drawing
from dashboard.i18n import _
from dashboard.served import served
from dashboard.services.flow import EVERYTHING, FlowReader, FlowView
from dashboard.services.jobs import CLASSES, RAW, JobLine, JobView
from dashboard.verdict import verdict
from federation.audit.record import RecordReader
from federation.errors import RecordError

REFRESH_S = 1.0
MAX_JOBS = 200  # in the list; older ones by their address
MAX_ROWS = 500  # in the table; a browser gets slow beyond

FOLLOW = ""  # the selection that moves on to every new job


@st.cache_resource(show_spinner=False)
def follow(home: Path) -> FlowReader:
    """The one reader of a home, shared by all visits: the log is read once."""
    return FlowReader(RecordReader(home))


def page() -> None:
    """The whole page."""
    st.session_state.setdefault("job", st.query_params.get("job", FOLLOW))
    asked = st.query_params.get("view", "map")
    st.session_state.setdefault("view", asked if asked in ("map", "table") else "map")
    following = st.session_state["job"] == FOLLOW
    st.fragment(show, run_every=REFRESH_S if following else None)(following)


def show(following: bool) -> None:
    """What is looked at anew every second while the newest job is followed."""
    try:
        view = follow(served().home).look(st.session_state["job"])
    except RecordError as error:
        nothing_yet(error)
        return
    head(view)
    style.verdict(*verdict(view))
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
    limits()


def nothing_yet(error: RecordError) -> None:
    """Greet somebody who came before the first record, or say what is wrong with the files."""
    style.head(_("数据流向"), _("离开每个部门的每一个字节：多少、哪一类、给谁。"))
    if error.code == "record.empty":
        style.verdict(
            "wait",
            _("这里还没有审计记录"),
            _("请在终端执行 keyong up 启动联邦（或 keyong demo 走完整个演示）；一有记录，本页会自动显示。"),
        )
    else:
        style.verdict("bad", _("记录无法读取"), words.told(error))
    limits()


def head(view: FlowView) -> None:
    """What this page is, and of what federation."""
    public = view.public
    if public.unconfined:
        isolation = _("各方未隔离，仅为普通进程：{reason}").format(reason=public.unconfined)
    else:
        isolation = _("各方：独立网络命名空间 + Landlock 隔离（模拟：同一主机、同一团队）")
    tags = [(_("联邦：{name}").format(name=public.name), False), (isolation, bool(public.unconfined))]
    style.head(_("数据流向"), _("离开每个部门的每一个字节：多少、哪一类、给谁。"), tags)


def select(view: FlowView) -> None:
    """Choose a job and how to look at it; both are in the address."""
    newest = view.jobs[:MAX_JOBS]
    lines = {line.name: line for line in view.jobs}
    chosen = st.session_state["job"]
    if chosen not in (FOLLOW, EVERYTHING) and chosen not in lines:
        st.session_state["job"] = FOLLOW
    options = [FOLLOW, *(line.name for line in newest), EVERYTHING]
    if chosen in lines and chosen not in options:
        options.insert(-1, chosen)
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.selectbox(
        _("作业"),
        options,
        label_visibility="collapsed",
        format_func=lambda name: job_label(name, lines, view),
        key="job",
        on_change=lambda: to_address("job", FOLLOW),
    )
    right.segmented_control(
        _("视图"),
        ["map", "table"],
        format_func=lambda name: {"map": _("流向图"), "table": _("明细表")}[name],
        key="view",
        required=True,
        label_visibility="collapsed",
        on_change=lambda: to_address("view", "map"),
        width="stretch",
    )


def to_address(name: str, default: str) -> None:
    """Keep a choice in the address, so that it can be sent to somebody."""
    if st.session_state[name] == default:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = st.session_state[name]


def job_label(name: str, lines: dict[str, JobLine], view: FlowView) -> str:
    """How the list names a choice."""
    if name == EVERYTHING:
        return _("全部往来（含入网与存证）")
    line = lines.get(name) if name else next(iter(view.jobs), None)
    if line is None:
        return _("跟随最新作业（还没有作业）") if name == FOLLOW else name
    label = f"{line.name} · {words.shanghai(line.time, date=True)} · {words.state_name(line.state)}"
    return label if name else _("跟随最新作业：{job}").format(job=label)


def figures(view: FlowView) -> None:
    """Bytes and messages per class, of the selection."""
    sizes = {kind: sum(flow.size for flow in view.flows if flow.kind == kind) for kind in (*CLASSES, RAW)}
    messages = {kind: sum(flow.messages for flow in view.flows if flow.kind == kind) for kind in (*CLASSES, RAW)}
    shown = [kind for kind in CLASSES if messages[kind] or kind in ("ciphertext", "sealed", "control")]
    style.cards(
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
    style.steps(_("协议步骤"), [(words.step_name(step), state) for step, state in job.steps])
    if job.state == "failed":
        style.verdict("warn", _("作业 {job} 未放行结果").format(job=job.name), words.outcome(job.outcome))
    elif job.state == "interrupted":
        style.verdict(
            "warn", _("作业 {job} 已中断").format(job=job.name), _("日志中没有它的结束记录；再次申请即为一次新的作业。")
        )


def frames(view: FlowView) -> None:
    """Every egress entry of the selection, newest first."""
    labels = words.departments(view.public)
    shown = view.frames[:MAX_ROWS]
    caption = _("离开部门的每条消息，按日志顺序，最新在前；时间为北京时间（Asia/Shanghai）。共 {n} 条，显示 {m} 条。")
    style.table(
        caption.format(n=len(view.frames), m=len(shown)),
        [
            (_("时间"), "time"),
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
                words.count(frame.index),
            )
            for frame in shown
        ],
        colours=[frame.kind for frame in shown],
        tall=True,
    )


def details(view: FlowView) -> None:
    """What the classes mean, who can read what, and the account department by department."""
    labels = words.departments(view.public)
    with st.expander(_("各类别的含义，协调方能读什么")):
        style.table(
            _("消息类别"),
            [(_("类别"), "class"), (_("内容"), ""), (_("协调方能否读懂"), "")],
            [
                (words.class_name(kind), words.class_meaning(kind), words.coordinator_reads(kind))
                for kind in (*CLASSES, RAW)
            ],
            colours=(*CLASSES, RAW),
        )
    with st.expander(_("逐部门对账：账目与代理计数")):
        style.table(
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


def limits() -> None:
    """What nobody may read out of this page."""
    style.notes(
        (
            _("模拟：各方在同一主机上由同一团队运行，独立性是模拟的；主机管理员能看到主机上的一切。"),
            _("自动批准时“可控”不成立；网关只证明观测到的字节，不能证明没有旁路，也不评价密文之外的推断。"),
        )
    )


page()
