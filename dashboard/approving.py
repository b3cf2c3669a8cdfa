"""Words of the approvals page: how all requests stand, and the life of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard import words
from dashboard.i18n import _, language
from dashboard.services.acts import Act
from dashboard.services.desks import Desk
from dashboard.services.requests import Request
from dashboard.services.rights import Visitor
from dashboard.verdict import Verdict
from federation.audit.record import Public
from federation.governance.roster import Roster

# What an officer's inbox shows.
MINE, ALL = "mine", "all"

TONES: Mapping[str, str] = {
    "pending": "wait",
    "granted": "good",
    "used": "good",
    "denied": "bad",
    "revoked": "bad",
    "expired": "quiet",
    "automatic": "warn",
}


def summary(requests: Sequence[Request], desk: Desk, public: Public, visitor: Visitor) -> Verdict:
    """All requests in one sentence, and those that wait for whoever looks."""
    mine = [one for one in requests if one.waits_for(visitor)]
    waiting = [one for one in requests if one.waits]
    rule = _("批准只对这一份计划有效，限一次、有期限；执行途中撤回，立即生效。")
    if len(desk.silent) == len(public.departments):
        claim = _("联邦没有在运行，审批台不应答")
        return Verdict("warn", claim, _("以下来自日志；签署请先执行 keyong up。"))
    if desk.silent:
        names = words.listed(words.party_name(name, public) for name in desk.silent)
        return Verdict("warn", _("{names}的审批台没有应答").format(names=names), _("正在执行作业的部门稍后应答。"))
    if any(one.automatic for one in requests) and not any(one.received for one in requests):
        return Verdict(
            "warn", _("自动批准：没有人审批过任何请求"), _("“可控”因此不成立；试用之外请改为由安全管理员审批。")
        )
    if mine:
        claim = _("{n} 个请求等您审批，共 {m} 个等待审批").format(n=len(mine), m=len(waiting))
        return Verdict("wait", claim, rule)
    if waiting:
        return Verdict("wait", _("{n} 个请求等待审批").format(n=len(waiting)), rule)
    return Verdict("good", _("没有等待审批的请求"), rule)


def request_name(request: Request) -> str:
    """How the list of requests names one."""
    said = f"{request.job} · {words.kind_name(request.kind)} · {words.shanghai(request.time, date=True)[5:16]}"
    return f"{said} · {request.plan.purpose}" if request.plan else said


def cell(request: Request, department: str) -> tuple[str, str]:
    """Tone and word of one department's state."""
    state = "automatic" if department in request.automatic else request.states.get(department)
    if state is None:
        return "quiet", "–"
    # Nobody has to say anything any more on what somebody has stopped.
    idle = state == "pending" and request.stopped
    return "quiet" if idle else TONES.get(state, ""), words.standing(state)


def fate(request: Request) -> tuple[str, str]:
    """Tone and word of what has become of the job."""
    if request.told.state == "waiting" and request.stopped:
        return "bad", _("不执行")
    tones = {"released": "good", "failed": "bad", "interrupted": "warn"}
    return tones.get(request.told.state, "quiet"), words.state_name(request.told.state)


def life(request: Request, public: Public, roster: Roster | None) -> list[tuple[str, str, str]]:
    """The life of a request, oldest first, for `blocks.timeline`; what departments did alike is one line."""
    lines: list[tuple[Act, list[str]]] = []
    for act in request.told.acts:
        alike = next((names for one, names in lines if _alike(one, act)), None)
        if alike is None:
            lines.append((act, [act.party]))
        elif act.party not in alike:
            alike.append(act.party)
    labels = words.departments(public)
    no = next((act.party for act in request.told.acts if act.kind in ("approval.deny", "approval.revoke")), "")
    stopper = labels.get(no, no)
    return [
        (words.shanghai(act.time, date=True)[5:], _tone(act), _sentence(act, names, public, roster, stopper))
        for act, names in lines
    ]


def _alike(one: Act, other: Act) -> bool:
    """Whether two acts are told as one: an officer's word never is."""
    return (one.kind, one.role, one.outcome) == (other.kind, other.role, other.outcome) and one.role != "officer"


def _tone(act: Act) -> str:
    if act.kind in ("approval.deny", "approval.revoke") or act.role == "automatic":
        return "warn"
    if act.kind == "script":
        return "good" if act.outcome == "done" else "warn"
    if act.kind == "job.end":
        return "good" if act.outcome == "released" else "warn"
    return "good" if act.kind == "approval.grant" else ""


def _sentence(act: Act, parties: Sequence[str], public: Public, roster: Roster | None, stopper: str) -> str:
    labels = words.departments(public)
    everybody = len(parties) == len(public.departments) and len(parties) > 1
    all_of_them = _("全部 {n} 个部门").format(n=len(parties))
    who = all_of_them if everybody else words.listed(labels.get(name, name) for name in parties)
    officer = roster.officer(act.actor) if roster else None
    person = f"{officer.person} ({act.actor})" if officer else act.actor
    templates = {
        "request.submit": _("{person} 提出申请并签名"),
        "request.receive": _("请求送达{who}的审批台"),
        "shelf": _("{who}的 PySyft 文件夹：{shown}"),
        "approval.grant": _("{who}自动同意，未经人审批") if act.role == "automatic" else _("{who}批准：{person}签署"),
        "approval.deny": _("{who}拒绝：{person}签署"),
        "approval.revoke": _("{who}撤回批准：{person}签署"),
        "job.start": _("作业开始"),
        "job.join": _("{who}核对全部批准与封存的检查点后，开始执行"),
        "script": _("{who}在沙箱中执行脚本：{ran}，{seconds} 秒"),
        "open": _("{who}合作打开合计值"),
        "job.end": _("结果放行，密封转交申请方") if act.outcome == "released" else _("作业结束，未放行：{why}"),
        "result.read": _("{person} 读取结果"),
    }
    failed = act.kind == "job.end" and act.outcome != "released"
    told = templates[act.kind].format(
        who=who,
        person=person,
        why=words.outcome(act.outcome, stopper) if failed else "",
        shown=words.shelf_name(act.outcome),
        ran=words.script_status(act.outcome) if act.kind == "script" else "",
        seconds=f"{act.milliseconds / 1000:.1f}",
    )
    return _granted(act, told)


def _granted(act: Act, told: str) -> str:
    """What a yes says beside yes."""
    if act.kind != "approval.grant" or not act.expires:
        return told
    until = _("有效至 {time}").format(time=words.shanghai(act.expires, date=True)[5:16])
    conditions = _("条件：{conditions}").format(conditions=act.conditions) if act.conditions else ""
    return ("；" if language() == "zh" else "; ").join(filter(None, (told, until, conditions)))
