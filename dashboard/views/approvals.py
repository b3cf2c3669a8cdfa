"""授权审批: who asks for what, what everybody would see by it, who has said yes or no; and the officer's own word."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import approving, blocks, boards, frame, learning, sources, words
from dashboard.i18n import _, language
from dashboard.served import served
from dashboard.services import commands, signing
from dashboard.services.desks import Desk
from dashboard.services.health import pinned_roster
from dashboard.services.log import LogView
from dashboard.services.requests import Request, requests
from dashboard.services.rules import asked, catalogue
from dashboard.verdict import Verdict
from federation.audit.record import RecordReader
from federation.demo.city import DEMO_PASSPHRASE, is_demonstration
from federation.errors import KeyongError, RecordError
from federation.governance.roster import Officer, Roster
from federation.learning.leakage import leakage
from federation.plan import Plan, TrainPlan
from federation.runtime.home import Home

REFRESH_S = 2.0
MAX_REQUESTS = 60  # to choose from; older ones are in the log
MAX_ROWS = 8  # in the matrix

NEWEST = ""  # the selection that opens what waits, else the newest
NOBODY = ""  # looks, and signs nothing


def page() -> None:
    """The whole page."""
    st.session_state.setdefault("request", st.query_params.get("request", NEWEST))
    st.fragment(show, run_every=REFRESH_S)()


def show() -> None:
    """What is looked at anew every other second."""
    home = served().home
    try:
        reader = sources.log(home)
        view = reader.look()
        roster = pinned_roster(RecordReader(home).rosters())
    except RecordError as error:
        frame.nothing_yet(*title(), error)
        return
    desk = sources.desks(home).look(view.public.departments)
    everything = requests(reader.requests(MAX_REQUESTS), desk, view.public.departments)
    frame.head(*title(), view.public)
    blocks.verdict(*approving.summary(everything, desk, view.public))
    officer, request = choose(everything, roster, view)
    matrix(everything, request, view)
    if request is None:
        blocks.typed(
            _("提出一个请求："),
            commands.typed(commands.keyong(home, "query", "SELECT COUNT(*) FROM hukou", "--purpose", "…")),
        )
    else:
        left, right = st.columns([3, 2], gap="medium")
        with left:
            what(request, officer, view)
        with right:
            act(request, officer, roster, desk)
            blocks.heading(_("经过"), _("来自日志，北京时间"))
            blocks.timeline(_("经过"), approving.life(request, view.public, roster))
    frame.limits()


def title() -> tuple[str, str]:
    """What this page is called, and what it shows."""
    return _("授权审批"), _("谁要什么、各方将看到什么、谁说了可以；每个决定由安全管理员本人签名。")


def choose(
    everything: Sequence[Request], roster: Roster | None, view: LogView
) -> tuple[Officer | None, Request | None]:
    """Whose desk one stands at, and which request is open."""
    officers = {one.name: one for one in roster.officers} if roster else {}
    by_job = {one.job: one for one in everything}
    if st.session_state["request"] not in by_job or st.session_state.get("labels in") != language():
        known = st.session_state["request"] in by_job
        st.session_state["request"] = st.session_state["request"] if known else NEWEST
        st.session_state["labels in"] = language()
        st.session_state["account"] = st.session_state.get("account", NOBODY)
    left, right = st.columns(2, gap="medium")
    account = left.selectbox(
        _("以谁的身份"),
        [NOBODY, *officers],
        format_func=lambda name: approving.officer_name(officers[name], view.public) if name else _("只看，不签署"),
        key="account",
    )
    job = right.selectbox(
        _("请求"),
        [NEWEST, *by_job],
        format_func=lambda name: approving.request_name(by_job[name]) if name else _("等待审批的，否则最新的"),
        key="request",
        on_change=to_address,
    )
    officer = officers.get(account or "")
    if job in by_job:
        return officer, by_job[job]
    mine = (one for one in everything if officer and one.states.get(officer.department) == "pending" and one.waits)
    waiting = (one for one in everything if one.waits)
    return officer, next(mine, next(waiting, next(iter(everything), None)))


def to_address() -> None:
    """Keep the choice in the address, so that it can be sent to somebody."""
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
            [_("请求"), *(labels[name] for name in view.public.departments), _("作业")],
            [
                (
                    ("now" if one is opened else "", f"{one.job}  {words.shanghai(one.time, date=True)[5:16]}"),
                    [
                        *(approving.cell(one, name) for name in view.public.departments),
                        approving.fate(one),
                    ],
                )
                for one in rows
            ],
        )


def what(request: Request, officer: Officer | None, view: LogView) -> None:
    """What is asked, against what is allowed, and what everybody would see."""
    blocks.heading(_("请求 {job}").format(job=request.job))
    plan, lying = request.plan, request.lying
    facts = [(_("申请方"), request.requester, ""), (_("计划摘要（所签的就是它）"), request.hash, "id")]
    if plan is None or lying is None:
        blocks.facts(facts)
        blocks.verdict("wait", _("计划原文在各部门的审批台上，日志只存摘要"), _("联邦运行时在此显示。"))
        return
    received = words.moment(min(lying.received.values()))
    place = officer.department if officer and officer.department in lying.snapshots else next(iter(lying.snapshots))
    facts[:1] = [(_("申请方"), plan.requester, ""), (_("用途"), plan.purpose, "")]
    facts += [
        (_("送达"), received, ""),
        (
            _("数据快照（{name}，加盐）").format(name=words.party_name(place, view.public)),
            lying.snapshots[place] or "–",
            "id",
        ),
        (
            _("最小分组"),
            _("{rows} 行、{n} 个部门；更小的组不发布").format(rows=plan.minimum_group, n=plan.minimum_contributors),
            "",
        ),
    ]
    boards.sql(plan.subject)
    blocks.facts(facts)
    if lying.differing:
        names = words.listed(words.party_name(name, view.public) for name in lying.differing)
        blocks.verdict(
            "bad", _("各部门审批台上的计划不同：{names}").format(names=names), _("不要签署；请比对计划摘要。")
        )
    compare(plan)
    sights(plan, view)


def compare(plan: Plan) -> None:
    """Asked against allowed, column by column."""
    rules = catalogue(served().home, plan.catalogue)
    rows = asked(plan, rules)
    if not rows:
        blocks.facts([(_("用到的列"), _("无：只数行数"), "")])
        return
    zh = language() == "zh"
    blocks.table(
        _("所要与所许：每一列怎么用，数据主人允许什么"),
        [(_("列"), ""), (_("本请求"), ""), (_("具体"), "hash"), (_("目录允许"), ""), (_("结论"), "class")],
        [
            (
                f"{one.label if zh else one.label_en} ({one.column})" if one.label != one.column else one.column,
                words.listed(map(words.use_name, one.uses)) or _("只用其散列，不读入模型"),
                one.how,
                _("目录不在此处") if one.allowed is None else words.listed(map(words.use_name, one.allowed)),
                _("未比对") if one.allowed is None else _("允许") if one.fits else _("超出"),
            )
            for one in rows
        ],
        colours=["quiet" if one.allowed is None else "good" if one.fits else "bad" for one in rows],
    )


def sights(plan: Plan, view: LogView) -> None:
    """What every party would see."""
    learning.sights(plan, view.public)
    if isinstance(plan, TrainPlan):
        learning.leaks(leakage(plan))


def act(request: Request, officer: Officer | None, roster: Roster | None, desk: Desk) -> None:
    """The officer's word."""
    blocks.heading(_("决定"))
    about, said = st.session_state.get("said", (None, None))
    if said is not None and about == (request.job, officer.name if officer else ""):
        blocks.verdict(*said)
    if roster is None:
        boards.remark(_("名册无法读取，因此没有账号可选"))
        return
    if officer is None:
        boards.remark(_("只看。要签署，请在上方选择安全管理员的账号。"))
        return
    if officer.role != "officer":
        words_ = {
            "auditor": _("安全审计员：看得到一切，不能审批。"),
            "operator": _("系统管理员：负责启停，不能审批。"),
        }
        boards.remark(words_[officer.role])
        return
    possible = signing.possible(roster, officer.name, request)
    if not possible:
        boards.remark(_("这个请求此刻没有可由该账号作出的决定。"))
        return
    if officer.department in desk.silent:
        boards.remark(_("该部门的审批台此刻不应答，不能签署。"))
        return
    form(request, officer, roster, possible)


def form(request: Request, officer: Officer, roster: Roster, possible: Sequence[signing.Decision]) -> None:
    """Passphrase, reason, and a button for each possible decision."""
    names: dict[signing.Decision, str] = {"approve": _("批准"), "reject": _("拒绝"), "revoke": _("撤回")}
    # Enter must not approve: the first button would be pressed.
    with st.form("decision", clear_on_submit=True, enter_to_submit=False):
        st.text_input(
            _("{name} 的口令").format(name=officer.name), type="password", autocomplete="off", key="passphrase"
        )
        st.text_input(_("理由（拒绝或撤回时；留在本部门，日志只存承诺）"), max_chars=signing.MAX_REASON, key="reason")
        for column, decision in zip(st.columns(3), possible, strict=False):
            column.form_submit_button(
                names[decision],
                type="primary" if decision == "approve" else "secondary",
                width="stretch",
                key=f"say-{decision}",
                on_click=say,
                args=(officer.name, decision, request, roster),
            )
    blocks.typed(
        _("或在自己的终端："),
        commands.typed(commands.keyong(served().home, possible[0], request.job, "--as", officer.name)),
    )
    if is_demonstration(Home(served().home)):
        open_secret = _("演示口令：{passphrase}（所有演示账号相同；数据是合成的，真实部署中口令只有本人知道）")
        boards.remark(open_secret.format(passphrase=DEMO_PASSPHRASE))
        if "approve" in possible:
            everybody = commands.keyong(served().home, "approve", request.job, "--as", "everyone")
            blocks.typed(_("仅演示，所有部门一次批准："), commands.typed(everybody))


def say(account: str, decision: signing.Decision, request: Request, roster: Roster) -> None:
    """Have it signed, and tell what became of it."""
    home, passphrase, reason = served().home, st.session_state["passphrase"], st.session_state["reason"]
    st.session_state["passphrase"] = ""  # the visit keeps it no longer than this
    word = signing.Word(account=account, decision=decision, job=request.job, reason=reason)
    done = {"approve": _("已批准（限一次）"), "reject": _("已拒绝"), "revoke": _("已撤回，立即生效")}
    try:
        signing.decide(home, roster, word, request, passphrase, language=language())
        said = Verdict("good", done[decision], f"{account} · {word.job}")
    except KeyongError as error:
        said = Verdict("bad", _("没有签署"), words.told(error))
    st.session_state["said"] = ((word.job, account), said)
    sources.desks(home).forget()


page()
