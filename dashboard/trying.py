"""Trying a script on made-up rows, in the sandbox: a button, and what came of it."""

from __future__ import annotations

import streamlit as st

from dashboard import blocks, boards, exhibits, sources, words
from dashboard.i18n import _
from dashboard.served import served
from dashboard.services.rights import Right, Visitor, may
from dashboard.services.sessions import acting
from dashboard.services.trials import Trial, Tried
from dashboard.verdict import Verdict
from federation.errors import KeyongError
from federation.plan import ScriptPlan


def panel(plan: ScriptPlan, visitor: Visitor) -> None:
    """The button, and the last try of this very code."""
    blocks.heading(_("试运行"), _("沙箱中，只用模拟样例"))
    if may(visitor, Right.TRY, departments=plan.participants, requester=plan.requester):
        st.button(_("在模拟样例上试运行"), key="try", width="stretch", on_click=begin, args=(plan,))
        boards.remark(
            _("同一个沙箱、同样的限制（{seconds} 秒，{memory} MiB，无网络）；没有任何真实数据行。").format(
                seconds=plan.seconds, memory=plan.memory_mb
            )
        )
    else:
        boards.remark(_("参与部门的安全管理员和申请方可以试运行。"))
    if (said := st.session_state.get("trial said")) is not None:
        blocks.verdict("bad", _("没有试运行"), said)
    trial = sources.trials(served().home).look(visitor, plan)
    if trial is not None:
        came(trial)


def begin(plan: ScriptPlan) -> None:
    """Begin a try for whoever is signed in at this moment."""
    st.session_state["trial said"] = None
    try:
        sources.trials(served().home).begin(acting(), plan)
    except KeyongError as error:
        st.session_state["trial said"] = words.told(error)


def came(trial: Trial) -> None:
    """What came of it: how it ended, what it made, what it printed."""
    tried = trial.tried
    if tried is None:
        blocks.verdict("wait", _("正在沙箱中试运行"), _("结果会自动出现在这里。"))
        return
    blocks.verdict(*_ending(tried, fits=trial.fits))
    if tried.columns:
        exhibits.made_up(
            _("试运行的结果：来自模拟样例，非真实数据"),
            _("脚本写出的 {n} 行，显示 {m} 行；正式运行时还要过放行检查").format(n=tried.size, m=len(tried.lines)),
            tried.columns,
            tried.lines,
        )
    if tried.status:
        blocks.heading(_("脚本打印的内容"), _("正式运行时不离开部门"))
        exhibits.printed(_("脚本打印的内容"), tried.log or _("（没有打印任何内容）"))


def _ending(tried: Tried, *, fits: bool) -> Verdict:
    took = _("用时 {seconds} 秒；真实数据上的结果会不同。").format(seconds=f"{tried.seconds:.1f}")
    error = tried.error
    if not tried.status:
        return Verdict("warn", _("没有试运行"), words.told(error) if error else "")
    ended = _("试运行：{status}").format(status=words.script_status(tried.status))
    if error is not None:
        return Verdict("warn", ended, words.sentences(words.told(error), took))
    if not fits:
        return Verdict("bad", _("试运行：结果的列与请求所写的不同"), _("不要签署；请申请方重新提出。"))
    return Verdict("good", _("试运行正常结束，结果的列与请求相符"), took)
