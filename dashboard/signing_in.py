"""The box in the sidebar in which one signs in: who one is here, in which role, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st

from dashboard import blocks, sources, words
from dashboard.i18n import _, language
from dashboard.served import served
from dashboard.services import sessions
from dashboard.services.commands import typed
from dashboard.services.entrance import IDLE_S, Account, Session
from dashboard.services.rights import Role, Visitor
from federation.demo.city import DEMO_PASSPHRASE, is_demonstration
from federation.errors import KeyongError, RecordError
from federation.runtime.home import Home

REFRESH_S = 5.0  # an open page notices within this time that a session is over
CHANGED, SAID = "visitor changed", "sign-in said"


def box() -> None:
    """The whole box, in the sidebar."""
    st.fragment(_box, run_every=REFRESH_S)()


def _box() -> None:
    if st.session_state.pop(CHANGED, False):
        st.rerun(scope="app")  # the page beside the box is another visitor's now
    session = sessions.current()
    if session is not None:
        _signed_in(session)
        return
    over = st.session_state.get(sessions.ENDED, False)
    _card(_("未登录"), _("会话已结束，请重新登录") if over else _("看公开的记录不用登录"))
    accounts = {one.name: one for one in _accounts()}
    if accounts:
        with st.popover(_("登录"), width="stretch"), st.container(key="ky-sign-in"):
            _form(accounts)


def _accounts() -> tuple[Account, ...]:
    try:
        return sources.entrance(served().home).accounts()
    except RecordError:
        return ()


def _signed_in(session: Session) -> None:
    visitor = session.visitor
    wrong = [_("上次登录以来错误 {n} 次").format(n=session.failures)] if session.failures else []
    _card(role_name(visitor), visitor.account, *wrong)
    st.button(_("退出"), key="sign out", width="stretch", on_click=_leave)


def role_name(visitor: Visitor) -> str:
    """What a visitor is called by role; an analyst of a county by the tier, too, since it limits what may be asked."""
    name = _role(visitor.role)
    return _("{role}（县级）").format(role=name) if visitor.role == "analyst" and visitor.tier == "county" else name


def _role(role: Role) -> str:
    return {"guest": _("访客"), "analyst": _("申请方")}.get(role) or words.account_role(role)


def _form(accounts: Mapping[str, Account]) -> None:
    """The account outside the form, since what it has to show depends on it."""
    if st.session_state.get("accounts in") != language():  # see the data flows' list of jobs
        chosen = st.session_state.get("sign-in account")
        st.session_state["sign-in account"] = chosen if chosen in accounts else next(iter(accounts))
        st.session_state["accounts in"] = language()
    labels = {name: f"{_role(account.role)} · {name}" for name, account in accounts.items()}
    name = st.selectbox(_("账号"), list(labels), format_func=labels.__getitem__, key="sign-in account")
    account = accounts[name]
    analyst = account.role == "analyst"
    with st.form("sign in", clear_on_submit=True, border=False):
        label = _("登录码") if analyst else _("{person} 的口令").format(person=account.person)
        st.text_input(label, type="password", autocomplete="off", key="sign-in secret")
        st.form_submit_button(_("登录"), key="sign in", width="stretch", on_click=_enter, args=(account.name,))
    if said := st.session_state.get(SAID):
        st.html(f'<p class="ky-visitor bad" role="alert">{escape(said)}</p>')
    _where_from(account)
    idle = _("{n} 分钟不操作即退出").format(n=round(IDLE_S / 60))
    st.html(f'<p class="ky-visitor">{escape(idle)}</p>')


def _where_from(account: Account) -> None:
    """Where one has it from."""
    home = served().home
    if account.role == "analyst":
        try:
            file = sources.entrance(home).code_file(account.name)
        except KeyongError as error:
            st.html(f'<p class="ky-visitor bad" role="alert">{escape(words.told(error))}</p>')
            return
        blocks.typed(_("登录码在申请方自己的目录里，只有本机的这个用户读得到："), typed(["cat", str(file)]))
        if is_demonstration(Home(home)):
            blocks.typed(_("演示中公开："), file.read_text().strip())
    elif is_demonstration(Home(home)):
        blocks.typed(_("演示口令，公开的："), DEMO_PASSPHRASE)


def _enter(account: str) -> None:
    secret = st.session_state["sign-in secret"]
    st.session_state["sign-in secret"] = ""  # the visit keeps it no longer than this
    st.session_state.pop(SAID, None)
    entrance = sources.entrance(served().home)
    try:
        sessions.begin(entrance.enter(account, secret, language=language()))
        st.session_state[CHANGED] = True
    except KeyongError as error:
        failures = entrance.attempts.failures(account)
        counted = _("（连续错误 {n} 次）").format(n=failures) if failures else ""
        st.session_state[SAID] = words.sentences(words.told(error), counted)


def _leave() -> None:
    sessions.end()
    st.session_state[CHANGED] = True


def _card(name: str, *remarks: str) -> None:
    lines = "".join(f"<span>{escape(remark)}</span>" for remark in remarks)
    st.html(f'<div class="ky-visitor"><b>{escape(name)}</b>{lines}</div>')
