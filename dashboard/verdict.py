"""The verdict on the account of bytes, in words that claim no more than was compared."""

from __future__ import annotations

from typing import NamedTuple

from dashboard import words
from dashboard.i18n import _
from dashboard.services.accounts import Account
from dashboard.services.flow import FlowView
from dashboard.style import Tone


class Verdict(NamedTuple):
    """What a banner says: whether it holds, and why, or what to do."""

    tone: Tone
    claim: str
    reason: str


def verdict(view: FlowView) -> Verdict:
    """Say whether every byte that left is accounted for."""
    account = view.account
    if account.findings:
        remedy = _("请保留现场，运行 keyong audit verify，并请安全审计员比对各部门的副本。")
        return Verdict("bad", _finding(account, view), remedy)
    sums = {
        "recorded": words.count(account.recorded),
        "counted": words.count(account.counted),
        "pending": words.count(account.pending),
    }
    unchecked = _("本页只比对字节数；签名与哈希链由 keyong audit verify 重算。")
    if not account.counted:
        return Verdict("wait", _("尚无字节离开部门"), _("各部门入网后，本页开始显示账目。"))
    if not account.pending:
        claim = _("离开部门的每个字节都有签名账目：账目 {recorded} 字节 = 代理计数 {counted} 字节，差额 0")
        return Verdict("good", claim.format(**sums), unchecked)
    if account.resting:
        claim = _("账目与计数相符：代理计数 {counted} 字节 = 已入册 {recorded} 字节 + 尚未入册 {pending} 字节")
        why = _("尚未入册：各部门最后一条消息，签名账目随下一条送达，大小未超上限。")
        return Verdict("good", claim.format(**sums), words.sentences(why, unchecked))
    claim = _("正在入册：代理计数 {counted} 字节，已入册 {recorded} 字节，尚未入册 {pending} 字节")
    why = _("作业进行中或有部门中断：最后几条消息的签名账目随其后的消息送达，届时再核对。")
    return Verdict("wait", claim.format(**sums), words.sentences(why, unchecked))


def _finding(account: Account, view: FlowView) -> str:
    """The gravest thing that does not hold."""
    labels = words.departments(view.public)
    wrong = [balance for balance in account.balances if balance.unexplained]
    names = words.listed(labels.get(balance.party, balance.party) for balance in wrong)
    size = words.count(abs(sum(balance.unexplained for balance in wrong)))
    claims = {
        "shortened": _("日志变短或被替换：先前读到的条目已不在原处"),
        "unreadable": _("日志中有无法读取的条目"),
        "unlisted": _("日志中有未列入白名单的消息类别"),
        "surplus": _("账目与计数不符：{names} 有 {size} 字节离开而没有账目"),
        "shortfall": _("账目与计数不符：{names} 有 {size} 字节记了账而代理没有计数"),
    }
    return claims[account.findings[0]].format(names=names, size=size)
