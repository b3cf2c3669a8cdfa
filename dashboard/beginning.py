"""The part of the training page in which one begins: a job file, what everybody would learn by it, and the button."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from crypto.paillier import MINIMUM_KEY_BITS
from dashboard import blocks, boards, learning, sources, words
from dashboard.i18n import _, language
from dashboard.served import served
from dashboard.services import commands, sessions
from dashboard.services.log import LogView
from dashboard.services.operation import processes
from dashboard.services.proposals import Proposal, choose, proposals, settings_file
from dashboard.services.rights import Right, may
from dashboard.services.runs import Run
from federation.errors import KeyongError
from federation.learning.card_text import describe_model
from federation.learning.estimate import expected_bytes
from federation.learning.leakage import leakage
from federation.plan import TrainPlan, Trees

HERE = Path.cwd()  # whose federation.toml counts, as for the command


def show(home: Path, view: LogView) -> None:
    """The whole part."""
    visitor = sessions.visitor()
    if not may(visitor, Right.ASK):
        blocks.verdict("wait", _("提出训练要先登录为申请方"), _("看板不持有密钥：申请由申请方自己的程序签名。"))
        blocks.typed(_("或在终端："), typed("examples/jobs/readmission-logistic.toml"))
        return
    try:
        found = proposals(visitor, home)
    except KeyongError as error:
        blocks.verdict("warn", _("还不能提出训练"), words.told(error))
        return
    if not found:
        blocks.verdict("wait", _("没有作业文件"), _("把 TOML 作业文件放进 {folder}。").format(folder=home / "jobs"))
        return
    proposal = choose(found, select(found))
    if proposal is None or proposal.plan is None:
        why = words.told(proposal.error) if proposal is not None and proposal.error is not None else ""
        blocks.verdict("warn", _("这个作业在此联邦不能提出"), why)
        return
    blocks.verdict("wait", _("提交之前，先看清楚谁会知道什么"), learning.protection(proposal.plan))
    left, right = st.columns([2, 3], gap="medium")
    with left:
        facts(proposal.plan)
        submit(home, proposal)
        with st.expander(_("作业文件原文（随计划送到每个审批台）")):
            boards.sql(proposal.plan.job_file)
    with right:
        learning.sights(proposal.plan, view.public)
    learning.leaks(leakage(proposal.plan))


def said(runs: Sequence[Run]) -> None:
    """What became of the last attempt, where no list of trainings shows it: it never got as far as a request."""
    last = next(iter(runs), None)
    if last is not None and not last.job:
        if last.alive:
            blocks.verdict("wait", _("正在提交申请：{about}").format(about=last.about), _("申请方的程序正在启动。"))
        elif last.error is not None:
            blocks.verdict("bad", _("没有提交：{about}").format(about=last.about), words.told(last.error))


def select(found: Sequence[Proposal]) -> str:
    """Which job file; those that this federation cannot do come last, and say so."""
    by_file = {str(one.file): one for one in found}
    chosen = st.selectbox(
        _("作业文件"),
        list(by_file),
        format_func=lambda file: _name(by_file[file]),
        key="job file",
    )
    return chosen or ""


def _name(proposal: Proposal) -> str:
    said = f"{proposal.title} · {proposal.file.name}"
    return said if proposal.plan is not None else _("{job}（不能提出）").format(job=said)


def facts(plan: TrainPlan) -> None:
    """What is asked, in short."""
    trees = isinstance(plan.model, Trees)
    rounds = _("{n} 轮").format(n=words.count(plan.rounds))
    strategy = (
        _("逐层生长，至多 {n} 个合计直方图").format(n=plan.rounds) if trees else f"{plan.descent.strategy}，{rounds}"
    )
    blocks.heading(plan.title)
    blocks.facts(
        [
            (_("用途"), plan.purpose, ""),
            (_("数据"), f"{plan.table}: {words.listed(one.column.name for one in plan.features)}", ""),
            (_("预测"), plan.label.column.name, ""),
            (_("模型"), describe_model(plan.model, language()), ""),
            (_("策略"), strategy, ""),
            (_("差分隐私"), learning.privacy(plan), ""),
            (_("留出"), _("{n}% 的行只用于评估").format(n=plan.holdout), ""),
            (_("预计流量"), _traffic(plan), ""),
            (_("申请方"), plan.requester, ""),
        ]
    )


def _traffic(plan: TrainPlan) -> str:
    try:
        return _("全体共约 {size}（不含信封与一次性消息）").format(
            size=words.amount(expected_bytes(plan, key_bits=MINIMUM_KEY_BITS))
        )
    except KeyongError as error:
        return words.told(error)


def submit(home: Path, proposal: Proposal) -> None:
    """The button, or what is missing for it; and the line that does the same."""
    if not processes(home):
        boards.remark(_("联邦没有在运行，不能提交。"))
        blocks.typed(_("启动联邦："), commands.typed(commands.keyong(home, "up")))
    elif settings_file(home, HERE) is None:
        boards.remark(_("找不到 federation.toml：请在它所在的目录启动看板，或在终端提交。"))
    else:
        st.button(
            _("以申请方的名义提交申请"), type="primary", key="submit", width="stretch", on_click=begin, args=(proposal,)
        )
        boards.remark(_("提交后等各部门的安全管理员批准；他们所签的计划另有随机数，摘要以“授权审批”页为准。"))
    blocks.typed(_("或在终端："), typed(str(proposal.file)))


def typed(file: str) -> str:
    """The line that begins a training."""
    account = sessions.visitor().account
    return commands.typed(commands.keyong(served().home, "train", file, *(["--as", account] if account else ())))


def begin(proposal: Proposal) -> None:
    """Begin it, and go where one sees it."""
    _run(str(proposal.file), about=proposal.title)


def resume(job: str) -> None:
    """Ask again for what was asked before."""
    _run("--resume", job, about=job)


def _run(*said: str, about: str) -> None:
    home, visitor = served().home, sessions.acting()
    settings = settings_file(home, HERE)
    if settings is not None:
        command = commands.train(settings, home, visitor.account, language(), *said)
        try:
            sources.trainings(home).runs.begin(visitor, command, about=about)
        except KeyongError as error:  # the session may have ended since the button was drawn
            st.toast(words.told(error))
            return
        st.session_state["part"] = "course"
        st.query_params.pop("view", None)
        st.session_state["training"] = said[-1] if "--resume" in said else ""
