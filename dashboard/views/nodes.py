"""节点与运维: every party, how it is and what it holds; what the federation is; and whether its parts fit together."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from crypto.signing import key_id
from dashboard import blocks, boards, diagnosis, frame, sources, words
from dashboard.i18n import _, language
from dashboard.served import served
from dashboard.services import commands, operation, sessions
from dashboard.services.health import SelfCheck, pinned_roster, self_checks
from dashboard.services.log import EVERYTHING, LogView
from dashboard.services.operation import Process, processes
from dashboard.services.parties import Party
from dashboard.services.proposals import settings_file
from dashboard.services.rights import Right, may
from dashboard.verdict import Verdict
from federation.audit.record import COORDINATOR, RecordReader
from federation.errors import KeyongError, RecordError
from federation.governance.roster import Roster

REFRESH_S = 2.0

Fact = tuple[str, str, str]


def page() -> None:
    """The whole page."""
    st.fragment(show, run_every=REFRESH_S)()


def show() -> None:
    """What is looked at anew every other second."""
    home = served().home
    try:
        view = sources.log(home).look(EVERYTHING)
        rosters = RecordReader(home).rosters()
    except RecordError as error:
        frame.nothing_yet(*title(), error)
        return
    running, roster = processes(home), pinned_roster(rosters)
    checks = self_checks(home, view, rosters, running)
    frame.head(*title(), view.public)
    blocks.verdict(*diagnosis.summary(checks, running=bool(running)))
    if not running:
        blocks.typed(_("启动联邦："), commands.typed(commands.keyong(home, "up")))
    operate(running=bool(running))
    parties(view, roster, running)
    left, right = st.columns(2, gap="medium")
    with left:
        self_check(checks, view)
    with right:
        federation(view, roster)
    frame.limits()


def title() -> tuple[str, str]:
    """What this page is called, and what it shows."""
    return _("节点与运维"), _("每一方现在如何、持有什么；各部分是否相互吻合。")


def operate(*, running: bool) -> None:
    """The operator's buttons, and what became of the last one."""
    if not may(sessions.visitor(), Right.OPERATE):
        return
    if said := st.session_state.pop("operated", None):
        blocks.verdict(*said)
    if running:
        with st.popover(_("停止联邦")):
            boards.remark(_("正在执行的作业会随之中断；记录与密钥都保留。"))
            st.button(_("确认停止"), key="down", on_click=act, args=("down",))
    elif settings_file(served().home, Path.cwd()):
        st.button(_("启动联邦"), key="up", type="primary", on_click=act, args=("up",))


def act(what: str) -> None:
    """Start or stop."""
    home, visitor = served().home, sessions.acting()
    settings = settings_file(home, Path.cwd())
    try:
        if what == "down":
            operation.stop(visitor, home, language=language())
        elif settings is not None:
            operation.start(visitor, home, settings, language=language())
    except KeyongError as error:
        st.session_state["operated"] = Verdict("bad", _("没有做到"), words.told(error))


def parties(view: LogView, roster: Roster | None, running: dict[str, Process]) -> None:
    """A card each: the coordinator, then every department."""
    labels = {COORDINATOR: _("市大数据局（协调方）"), **words.departments(view.public)}
    cards = []
    for name in (COORDINATOR, *view.public.departments):
        process, party = running.get(name), view.parties.get(name, Party(name=name))
        tone, state, remark = diagnosis.process(process, labels[name])
        facts = coordinator() if name == COORDINATOR else department(party, view, roster)
        cards.append((labels[name], tone, state, remark, [*live(process), *facts, *common(party, roster)]))
    blocks.heading(_("各方"), _("状态来自启动器，其余来自日志与名册"))
    blocks.parties(cards)


def live(process: Process | None) -> list[Fact]:
    """What only the launcher knows."""
    if process is None:
        return []
    text = _("内存 {memory} MB，重启 {restarts} 次")
    return [(_("进程"), text.format(memory=process.rss_mb, restarts=process.restarts), "")]


def coordinator() -> list[Fact]:
    """What the coordinator holds, which is nothing."""
    return [
        (_("数据"), _("不持有"), ""),
        (_("密钥份额"), _("不持有"), ""),
        (_("职责"), _("转交、密文相乘、排定日志次序"), ""),
    ]


def department(party: Party, view: LogView, roster: Roster | None) -> list[Fact]:
    """What a department holds, and what it has done."""
    stores = view.public.stores.get(party.name, {})
    took = [
        words.part_count(role, party.parts[role]) for role in ("contributor", "holder", "gate") if party.parts[role]
    ]
    consent = _("{n}（自动 {automatic}）").format(n=party.grants, automatic=party.automatic)
    holders = len(roster.holders) if roster else 0
    share = _("第 {n} 份，共 {holders} 份").format(n=party.share, holders=holders) if party.share else _("无")
    return [
        (_("数据表"), words.listed(f"{table} ({adapter})" for table, adapter in stores.items()) or "–", ""),
        (_("职责"), words.listed(took) or _("尚未参与作业"), ""),
        (_("同意次数"), consent, ""),
        (_("密钥份额"), share, ""),
        (_("联合公钥指纹"), party.key, "id"),
        (_("启动"), _("第 {n} 次").format(n=party.session) if party.session else "–", ""),
    ]


def common(party: Party, roster: Roster | None) -> list[Fact]:
    """What every party has."""
    enrolled = roster.party(party.name) if roster else None
    return [
        (_("签名密钥编号"), key_id(enrolled.signing) if enrolled else "", "id"),
        (_("最近记录"), words.moment(party.time) if party.time else "–", ""),
    ]


def self_check(checks: tuple[SelfCheck, ...], view: LogView) -> None:
    """Every check and what it found."""
    blocks.heading(_("自检"))
    blocks.checklist(
        _("自检"),
        [
            (
                check.holds,
                _("通过") if check.holds else _("未通过"),
                diagnosis.name(check),
                diagnosis.found(check, view.public),
            )
            for check in checks
        ],
    )


def federation(view: LogView, roster: Roster | None) -> None:
    """What all parties share."""
    versions = sorted({party.version for party in view.parties.values() if party.version})
    facts: list[Fact] = [(_("隔离"), diagnosis.isolation(view.public), "")]
    if roster is None:
        facts.append((_("名册"), _("没有可读的名册"), ""))
    else:
        threshold = _("任意 {t} 个持钥部门合作才能打开，共 {n} 份；少于 {t} 个打不开")
        facts += [
            (_("门限"), threshold.format(t=roster.threshold, n=len(roster.holders)), ""),
            (_("密钥纪元"), _("第 {n} 纪元；成员或密钥更换即开始新纪元").format(n=roster.epoch), ""),
            (_("名册摘要"), roster.hash, "id"),
            (_("日志来源"), roster.origin, ""),
        ]
    key = next((party.key for party in view.parties.values() if party.key), "")
    started = view.parties[COORDINATOR].started if COORDINATOR in view.parties else ""
    facts += [
        (_("联合公钥指纹"), key, "id"),
        (_("最近启动"), words.moment(started) if started else "–", ""),
        (_("版本"), words.listed(versions) or "–", ""),
    ]
    blocks.heading(_("联邦"))
    blocks.facts(facts)


page()
