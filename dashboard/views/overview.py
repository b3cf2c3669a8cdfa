"""总览: whether the record holds, recomputed just now; which promises hold on what; and what has happened lately."""

from __future__ import annotations

import streamlit as st

from dashboard import blocks, claims, frame, sources, story, words
from dashboard.i18n import _
from dashboard.served import served
from dashboard.services import commands
from dashboard.services.demonstration import Demonstration, demonstration
from dashboard.services.jobs import CLASSES
from dashboard.services.log import EVERYTHING, LogView
from dashboard.services.promises import NAMES, Name, judge
from dashboard.services.verifier import Check
from dashboard.verdict import recomputed
from federation.audit.record import COORDINATOR, Public
from federation.errors import RecordError

REFRESH_S = 1.0
MAX_MILESTONES = 9  # from request to result, a job has as many

# The page that shows what a promise rests on.
EVIDENCE: dict[Name, str] = {
    "usable": "views/flow.py",
    "invisible": "views/flow.py",
    "controllable": "views/approvals.py",
    "auditable": "views/audit.py",
}


def page() -> None:
    """The whole page."""
    st.fragment(show, run_every=REFRESH_S)()


def show() -> None:
    """What is looked at anew every second."""
    home = served().home
    try:
        view = sources.log(home).look(EVERYTHING)
    except RecordError as error:
        frame.nothing_yet(*title(), error)
        return
    check = sources.verifier(home).look()
    shown = demonstration(home, view)
    frame.head(*title(), view.public)
    blocks.verdict(*recomputed(check, view.public))
    invite()
    tour(view.public)
    promises(shown, check, view)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        picture(view, check)
    with right:
        lately(view)
    comparison(shown)
    frame.limits()


def title() -> tuple[str, str]:
    """What this page is called, and what it shows."""
    return _("总览"), _("现在成立什么，还不成立什么，各凭什么。")


def invite() -> None:
    """How to make the verdict oneself."""
    left, right = st.columns([6, 1], vertical_alignment="center")
    with left:
        line = commands.typed(commands.verify(served().home))
        blocks.typed(_("不必相信本页。在启动看板的目录中执行："), line)
    right.button(_("重新计算"), key="again", width="stretch", on_click=again)


def again() -> None:
    """Recompute, though nothing has changed."""
    sources.verifier(served().home).look(again=True)


def tour(public: Public) -> None:
    """Ten minutes for somebody who has never seen this."""
    home = served().home

    def typed(*said: str) -> str:
        return commands.typed(commands.keyong(home, *said))

    table = next((table for stores in public.stores.values() for table in stores), "hukou")
    query = f"SELECT COUNT(*) FROM {table}"  # noqa: S608 - to be read by a person, who may change it
    with st.expander(_("十分钟导览：看哪里，试什么"), expanded=st.query_params.get("tour") == "1", key="tour"):
        blocks.tour(
            [
                (
                    _("总览，1 分钟。"),
                    _("读最上面的结论，再在终端自己执行它下面的那一行：两处应给出同样的条数。"),
                    "",
                ),
                (
                    _("数据流向，1 分钟。"),
                    _("看每个部门送出了几类字节、协调方读得懂哪些，再换到“明细表”看每条消息的承诺值。"),
                    "",
                ),
                (
                    _("终端，1 分钟。"),
                    _("先问谁将看到什么：每一方在这个查询里能读到几个数值。"),
                    typed("query", query, "--explain"),
                ),
                (
                    _("终端与授权审批，2 分钟。"),
                    _("再真的提出这个查询：它停在各部门的审批台上。以一个部门的安全管理员身份批准，看矩阵逐格变绿。"),
                    typed("query", query, "--purpose", _("导览")),
                ),
                (
                    _("审计存证，2 分钟。"),
                    _("打开一条批准，改动它的一处：从叶到根变红，结论说出是哪一层；再恢复。"),
                    "",
                ),
                (
                    _("终端，1 分钟。"),
                    _("试一个不该答的请求：它被拒绝，并说明可以怎么问。"),
                    typed("query", f"SELECT * FROM {table}", "--purpose", _("导览")),  # noqa: S608
                ),
                (
                    _("节点与运维，1 分钟。"),
                    _("逐项看自检，并比对两个部门卡片上的联合公钥指纹是否相同。"),
                    "",
                ),
                (_("带走，1 分钟。"), _("打印本页（Ctrl+P）：A4，浅色，含重算时间与命令。"), ""),
            ]
        )


def promises(shown: Demonstration | None, check: Check, view: LogView) -> None:
    """A card for each, and a link to what it rests on."""
    parties = [view.parties[name] for name in view.public.departments if name in view.parties]
    watched = bool(parties) and all(party.fingerprints for party in parties)
    judged = judge(shown, check.outcome, balanced=not view.account.findings, watched=watched)
    links = {
        "usable": _("看这些作业的流向"),
        "invisible": _("看逐部门对账"),
        "controllable": _("看每个请求的审批"),
        "auditable": _("看日志与封存的根"),
    }
    for column, name in zip(st.columns(len(NAMES), gap="small"), NAMES, strict=True):
        with column.container(border=True, height="stretch", key=f"ky-promise-{name}"):
            blocks.claim(*claims.claim(name, judged[name], shown, check.outcome, view))
            st.page_link(EVIDENCE[name], label=links[name], icon=":material/arrow_forward:")


def picture(view: LogView, check: Check) -> None:
    """Who passes what to whom, in one line; and how much, by class."""
    verdict = check.outcome.verdict if check.outcome else None
    released = sum(line.state == "released" for line in view.jobs)
    sizes = {kind: sum(flow.size for flow in view.flows if flow.kind == kind) for kind in CLASSES}
    messages = sum(flow.messages for flow in view.flows)
    blocks.heading(_("数据往来"), _("自首次启动以来，已入册的"))
    to_coordinator = sum(flow.size for flow in view.flows if flow.recipient == COORDINATOR)
    blocks.passage(
        _("部门把密文送给协调方，协调方把密封的结果转交申请方"),
        [
            (_("{n} 个部门").format(n=len(view.public.departments)), [_("各有各的数据库"), _("数据行留在原处")]),
            (_("市大数据局"), [_("只见密文，无密钥"), _("相乘，转交")]),
            (_("申请方"), [_("只有它读到结果"), _("已放行 {n} 个作业").format(n=released)]),
        ],
        [words.amount(to_coordinator), _("密封转交")],
    )
    blocks.shares(
        _("离开部门的字节，按类别"),
        [(kind, words.class_name(kind), size, words.amount(size)) for kind, size in sizes.items() if size],
    )
    blocks.cards(
        [
            ("quiet", _("作业数"), words.count(len(view.jobs)), _("放行 {n}").format(n=released)),
            ("quiet", _("消息"), words.count(messages), _("离开部门")),
            ("quiet", _("日志条目"), words.count(view.size), _("各方合计")),
            (
                "quiet",
                _("封存"),
                words.count(verdict.sealed_size) if verdict else "–",
                _("{k}/{n} 个部门").format(k=len(verdict.witnesses), n=verdict.departments) if verdict else _("未证实"),
            ),
        ]
    )


def lately(view: LogView) -> None:
    """The latest milestones, oldest first, so that they read as a story."""
    latest = view.milestones[-MAX_MILESTONES:]
    today = words.shanghai(latest[-1].time, date=True)[:10] if latest else ""
    blocks.heading(_("最近发生的事"), _("{date} 北京时间，最新在下").format(date=today))
    blocks.timeline(
        _("最近发生的事"),
        [
            (
                words.shanghai(one.time, date=True).removeprefix(f"{today} "),
                story.tone(one),
                story.sentence(one, view.public),
            )
            for one in latest
        ],
    )


def comparison(shown: Demonstration | None) -> None:
    """The demonstration's queries and refusals, one by one."""
    if shown is None:
        return
    with st.expander(_("逐项：与明文答案的比对，和被拒绝的请求"), key="comparison"):
        blocks.table(
            _("{demonstration}。合成数据，无真实个人。").format(demonstration=claims.demonstrated(shown)),
            [
                (_("查询"), "hash"),
                (_("比对的数值"), "number"),
                (_("不同"), "number"),
                (_("被抑制的组"), "number"),
                (_("作业"), "hash"),
            ],
            [
                (
                    asked.sql,
                    words.count(asked.compared),
                    words.count(asked.different),
                    words.count(asked.suppressed_groups),
                    asked.job,
                )
                for asked in shown.report.queries
            ],
        )
        blocks.table(
            _("必须被拒绝的请求"),
            [(_("请求"), "hash"), (_("结果"), "")],
            [
                (
                    refused.sql,
                    _("已拒绝（{code}）").format(code=refused.code)
                    if refused.code == refused.expected
                    else _("未按预期拒绝（{code}）").format(code=refused.code),
                )
                for refused in shown.report.refused
            ],
        )


page()
