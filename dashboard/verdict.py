"""Verdicts, in words that claim no more than was compared: on the account of bytes, and on the record recomputed."""

from __future__ import annotations

from typing import NamedTuple

from dashboard import words
from dashboard.blocks import Tone
from dashboard.i18n import _
from dashboard.services.accounts import Account
from dashboard.services.log import LogView
from dashboard.services.verifier import Check, Outcome
from federation.audit.record import Public


class Verdict(NamedTuple):
    """What a banner says: whether it holds, and why, or what to do."""

    tone: Tone
    claim: str
    reason: str


def verdict(view: LogView) -> Verdict:
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


def _finding(account: Account, view: LogView) -> str:
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


def recomputed(check: Check, public: Public) -> Verdict:
    """Say what the verifier found, and whether that is about the record as it is now."""
    outcome = check.outcome
    if outcome is None:
        method = _("独立进程正从原始条目重新计算：签名、哈希链、默克尔树、检查点、作业次序、字节账目。")
        return Verdict("wait", _("正在重算全部记录"), words.sentences(method, _running(check)))
    run = _("{time}由独立进程重算，用时 {seconds} 秒。").format(
        time=words.moment(outcome.at), seconds=f"{outcome.seconds:.1f}"
    )
    if outcome.verdict is None:
        return _refused(outcome, public, run)
    verdict = outcome.verdict
    figures = {
        "size": words.count(verdict.size),
        "checkpoints": words.count(verdict.checkpoints),
        "departments": verdict.departments,
    }
    if not check.current:
        claim = _("前 {size} 条记录成立，其后的新记录有待重算")
        return Verdict("wait", claim.format(**figures), words.sentences(run, _running(check)))
    claim = _("记录成立：{size} 条日志、{checkpoints} 个签名检查点、{departments} 个部门的日志副本，逐条重算一致")
    bytes_ = _("账目 {ledger} 字节，代理计数 {counted} 字节，差额 {difference}。").format(
        ledger=words.count(verdict.ledger_bytes),
        counted=words.count(verdict.counted_bytes),
        difference=words.count(verdict.ledger_bytes - verdict.counted_bytes),
    )
    return Verdict("good", claim.format(**figures), words.sentences(run, bytes_, _running(check)))


def _refused(outcome: Outcome, public: Public, run: str) -> Verdict:
    """What does not hold and where, or why nobody can tell."""
    if outcome.error is None or not outcome.refuted:
        why = words.told(outcome.error) if outcome.error else ""
        return Verdict("warn", _("记录未能重算：没有结论"), words.sentences(run, why))
    details = outcome.error.details
    where, reason = str(details.get("where", "")), str(details.get("reason", ""))
    said = _("校验器原文：{where}: {reason}。").format(where=where, reason=reason)
    remedy = _("请保留现场，并请安全审计员比对各部门的副本。")
    claim = _("记录不成立：{place}").format(place=words.place(where, public))
    return Verdict("bad", claim, words.sentences(said, run, remedy))


def _running(check: Check) -> str:
    return "" if check.running_s is None else _("正在重算，已 {n} 秒。").format(n=int(check.running_s))
