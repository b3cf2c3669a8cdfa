"""The officers' part of one request: who has said what, whether PySyft shows the same, and the officer's own word."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import blocks, boards, sources, words
from dashboard.approving import ALL, TONES
from dashboard.i18n import _, language
from dashboard.served import served
from dashboard.services import commands, signing
from dashboard.services.desks import Desk
from dashboard.services.requests import Request, Shelved
from dashboard.services.rights import Visitor
from dashboard.services.sessions import acting
from dashboard.verdict import Verdict
from federation.audit.record import Public
from federation.demo.city import DEMO_PASSPHRASE, is_demonstration
from federation.errors import KeyongError
from federation.governance.roster import Roster
from federation.plan import ScriptPlan
from federation.runtime.home import Home


def decide(request: Request, visitor: Visitor, roster: Roster | None, desk: Desk) -> None:
    """The officer's word."""
    blocks.heading(_("决定"))
    about, said = st.session_state.get("said", (None, None))
    if said is not None and about == (request.job, visitor.account):
        blocks.verdict(*said)
    reason = _why_not(visitor, roster, request, desk)
    if reason or roster is None:
        boards.remark(reason)
        return
    form(request, visitor, roster, signing.possible(visitor, roster, request))


def _why_not(visitor: Visitor, roster: Roster | None, request: Request, desk: Desk) -> str:
    """Why there is nothing to sign here; "" if there is."""
    if roster is None:
        return _("名册无法读取，因此不能签署")
    if visitor.role != "officer":
        return {
            "guest": _("只看。要签署，请安全管理员先在左侧登录。"),
            "analyst": _("申请方：看得到自己的请求，不能审批。"),
            "auditor": _("安全审计员：看得到一切，不能审批。"),
            "operator": _("系统管理员：负责启停，不能审批。"),
        }[visitor.role]
    if visitor.department in desk.silent:
        return _("该部门的审批台此刻不应答，不能签署。")
    if not signing.possible(visitor, roster, request):
        return _("这个请求此刻没有可由该账号作出的决定。")
    return ""


def form(request: Request, visitor: Visitor, roster: Roster, possible: Sequence[signing.Decision]) -> None:
    """Conditions, reason, passphrase, and a button for each possible decision."""
    names: dict[signing.Decision, str] = {"approve": _("批准"), "reject": _("拒绝"), "revoke": _("撤回")}
    # Enter must not approve: the first button would be pressed.
    with st.form("decision", clear_on_submit=True, enter_to_submit=False):
        if "approve" in possible:
            _conditions(request)
        if {"reject", "revoke"} & {*possible}:
            said = _("理由（拒绝或撤回时；留在本部门，日志只存承诺）")
            st.text_input(said, max_chars=signing.MAX_REASON, key="reason")
        st.text_input(
            _("{name} 的口令").format(name=visitor.account), type="password", autocomplete="off", key="passphrase"
        )
        for column, decision in zip(st.columns(3), possible, strict=False):
            column.form_submit_button(
                names[decision],
                type="primary" if decision == "approve" else "secondary",
                width="stretch",
                key=f"say-{decision}",
                on_click=say,
                args=(decision, request, roster),
            )
    _elsewhere(request, visitor, possible)


def _conditions(request: Request) -> None:
    st.text_input(_("附加条件（批准时；写入签名的批准书，进入日志）"), max_chars=signing.MAX_REASON, key="conditions")
    left, right = st.columns(2)
    left.number_input(
        _("有效小时数"), min_value=1, max_value=signing.MAX_HOURS, value=signing.DEFAULT_HOURS, step=1, key="hours"
    )
    plan = request.plan
    if isinstance(plan, ScriptPlan):
        right.number_input(
            _("最小分组（行），不低于 {n}").format(n=plan.minimum_group),
            min_value=plan.minimum_group,
            max_value=signing.MAX_GROUP,
            value=plan.minimum_group,
            step=1,
            key="minimum group",
        )


def _elsewhere(request: Request, visitor: Visitor, possible: Sequence[signing.Decision]) -> None:
    """The same, typed; and what only a demonstration has."""
    home = served().home
    command = commands.keyong(home, possible[0], request.job, "--as", visitor.account)
    blocks.typed(_("或在自己的终端："), commands.typed(command))
    if is_demonstration(Home(home)):
        open_secret = _("演示口令：{passphrase}（所有演示账号相同；数据是合成的，真实部署中口令只有本人知道）")
        boards.remark(open_secret.format(passphrase=DEMO_PASSPHRASE))
        if "approve" in possible:
            everybody = commands.keyong(home, "approve", request.job, "--as", "everyone")
            blocks.typed(_("仅演示，所有部门一次批准："), commands.typed(everybody))


def say(decision: signing.Decision, request: Request, roster: Roster) -> None:
    """Have it signed by whoever is signed in at this moment, and tell what became of it."""
    home, passphrase, visitor = served().home, st.session_state["passphrase"], acting()
    st.session_state["passphrase"] = ""  # the visit keeps it no longer than this
    word = _word(decision, request)
    done = {"approve": _("已批准（限一次）"), "reject": _("已拒绝"), "revoke": _("已撤回，立即生效")}
    try:
        attempts = sources.entrance(home).attempts
        signing.decide(visitor, home, roster, word, request, passphrase, attempts=attempts, language=language())
        said = Verdict("good", done[decision], f"{visitor.account} · {word.job}")
    except KeyongError as error:
        said = Verdict("bad", _("没有签署"), words.told(error))
    st.session_state["said"] = ((word.job, visitor.account), said)
    # It no longer waits for this officer, and is to stay in sight.
    st.session_state["box"], st.session_state["request"] = ALL, word.job
    sources.desks(home).forget()


def _word(decision: signing.Decision, request: Request) -> signing.Word:
    typed = st.session_state
    if decision != "approve":
        return signing.Word(decision=decision, job=request.job, reason=typed.get("reason", ""))
    asked = request.plan.minimum_group if request.plan else 0
    least = int(typed.get("minimum group", asked))
    return signing.Word(
        decision=decision,
        job=request.job,
        conditions=typed.get("conditions", ""),
        hours=int(typed.get("hours", signing.DEFAULT_HOURS)),
        minimum_group=least if least > asked else 0,
    )


# -- who has said what ------------------------------------------------------------------------------------------------


def standing(request: Request, roster: Roster | None, public: Public) -> None:
    """Department by department: our log and desks, PySyft's folder, and whose yes there is."""
    needed = roster.grants if roster else 1
    labels = words.departments(public)
    shelved = {name: request.shelves.get(name) for name in request.states}
    with_shelf = any(shelved.values())
    rows = []
    for name, state in request.states.items():
        said = "automatic" if name in request.automatic else state
        line = [(TONES.get(said, ""), words.standing(said)), ("plain", _granted(request, name, needed, roster))]
        if with_shelf:
            line.insert(1, _shown(shelved[name]))
        rows.append((("", labels.get(name, name)), line))
    heads = [_("部门"), _("安全管理员"), *([_("PySyft")] if with_shelf else []), _("已同意")]
    blocks.heading(_("各部门"), _("每个部门要 {n} 名安全管理员同意").format(n=needed))
    boards.matrix(_("每个部门怎样说，PySyft 里是否一致"), heads, rows)
    disagreeing = [labels.get(name, name) for name, one in shelved.items() if one and one.agrees is False]
    if disagreeing:
        claim = _("PySyft 与日志不一致：{names}").format(names=words.listed(disagreeing))
        blocks.verdict("bad", claim, _("作业不会在该部门开始；以安全管理员的签名为准，请查是谁改了文件夹。"))


def _shown(one: Shelved | None) -> tuple[str, str]:
    """How PySyft shows it, and whether it should."""
    if one is None:
        return "quiet", "–"
    said = {None: ("quiet", _("待读回")), True: ("good", _("一致")), False: ("bad", _("不一致"))}
    tone, word = said[one.agrees]
    return tone, f"{words.shelf_name(one.standing)} · {word}"


def _granted(request: Request, department: str, needed: int, roster: Roster | None) -> str:
    names = request.granted_by.get(department, ())
    if department in request.automatic:
        return "–"
    persons = [officer.person if (officer := roster.officer(name) if roster else None) else name for name in names]
    return f"{len(names)}/{needed} {words.listed(persons)}".strip()
