"""Milestones told as sentences."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard import words
from dashboard.i18n import _
from dashboard.services.milestones import Milestone
from federation.audit.record import COORDINATOR, Public

NAMED = 2  # as many departments are named; more are counted


def sentence(milestone: Milestone, public: Public) -> str:
    """Tell one milestone."""
    who = _who(milestone.parties, public)
    counts = milestone.round == "counts"
    templates = {
        "start": _("{who}启动"),
        "request.submit": _("{who}提出申请 {job}"),
        "request.receive": _("请求送达{who}的审批台"),
        "approval.grant": _("{who}同意（自动批准）") if milestone.automatic else _("{who}的安全管理员签名批准"),
        "approval.deny": _("{who}的安全管理员签名拒绝"),
        "approval.revoke": _("{who}的安全管理员签名撤回批准"),
        "commit": _("{who}对各组人数的密文作出承诺") if counts else _("{who}对合计的密文作出承诺"),
        "open": _("{who}合作打开人数，只有放行闸门（{reader}）能读")
        if counts
        else _("{who}合作打开合计，只有申请方能读"),
        "script": _("{who}在沙箱中执行了脚本：{ran}"),
        "release.decide": _("放行闸门（{who}）决定哪些组可以发布"),
        "job.end": _("结果放行，密封转交申请方") if milestone.outcome == "released" else _("作业结束，未放行：{why}"),
        "result.read": _("{who}读取结果 {rows} 行"),
        "egress.deny": _("{who}的网关拦下一条消息"),
        "incident": _("{who}报告异常"),
    }
    return templates[milestone.kind].format(
        who=who,
        job=milestone.job,
        reader=words.departments(public).get(milestone.reader, milestone.reader),
        why=words.outcome(milestone.outcome, words.departments(public).get(milestone.stopper, ""))
        if milestone.kind == "job.end" and milestone.outcome != "released"
        else "",
        ran=words.script_status(milestone.outcome) if milestone.kind == "script" else "",
        rows=words.count(milestone.rows),
    )


def tone(milestone: Milestone) -> str:
    """Whether it is the good end of something, or a thing to look at."""
    if milestone.kind in ("approval.deny", "approval.revoke", "egress.deny", "incident"):
        return "warn"
    if milestone.kind == "job.end":
        return "good" if milestone.outcome == "released" else "warn"
    if milestone.kind == "script" and milestone.outcome != "done":
        return "warn"
    return ""


def _who(parties: Sequence[str], public: Public) -> str:
    """Name a few, count many."""
    labels = words.departments(public)
    departments = [party for party in parties if party in labels]
    analyst = _("申请方 {name} ")
    others = [
        _("市大数据局") if party == COORDINATOR else analyst.format(name=party)
        for party in parties
        if party not in labels
    ]
    if len(departments) > NAMED:
        everybody = len(departments) == len(public.departments)
        counted = _("全部 {n} 个部门") if everybody else _("{n} 个部门")
        return words.listed([*others, counted.format(n=len(departments))])
    return words.listed([*others, *(labels[party] for party in departments)])
