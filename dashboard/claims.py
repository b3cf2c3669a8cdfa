"""The four promises in words: what is said of each, on what figure, and what that rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dashboard import words
from dashboard.blocks import Tone
from dashboard.i18n import _
from dashboard.services.demonstration import Demonstration
from dashboard.services.log import LogView
from dashboard.services.promises import Judgement, Name, State
from dashboard.services.verifier import Outcome

TONES: dict[State, Tone] = {"holds": "good", "broken": "bad", "unbuilt": "warn", "unknown": "wait"}


class Claim(NamedTuple):
    """What stands on a promise's card; see `blocks.claim`."""

    tone: Tone
    name: str
    state: str
    figure: str
    lines: Sequence[tuple[str, str]]


def claim(
    name: Name, judgement: Judgement, shown: Demonstration | None, outcome: Outcome | None, view: LogView
) -> Claim:
    """Put one judgement into words."""
    names = {
        "usable": _("可用"),
        "invisible": _("不可见"),
        "controllable": _("可控"),
        "auditable": _("可查"),
    }
    states = {
        "holds": _("成立"),
        "broken": _("不成立"),
        "unbuilt": _("尚未建成"),
        "unknown": _("尚无结论"),
    }
    figure, basis = {
        "usable": lambda: _usable(shown),
        "invisible": lambda: _invisible(outcome, view),
        "controllable": lambda: _controllable(shown, view),
        "auditable": lambda: _auditable(shown, outcome, view),
    }[name]()
    lines = []
    if judgement.missing:
        lines.append((_("尚未建成"), words.listed(words.missing(part) for part in judgement.missing)))
    return Claim(TONES[judgement.state], names[name], states[judgement.state], figure, [*lines, (_("依据"), basis)])


def demonstrated(shown: Demonstration) -> str:
    """When the demonstration was made, and of what."""
    return _("演示（{time}），{citizens} 居民的合成城市").format(
        time=words.moment(shown.at), citizens=words.count(shown.report.citizens)
    )


def _usable(shown: Demonstration | None) -> tuple[str, str]:
    if shown is None:
        return _("此处没有明文答案可比"), _("各部门不汇集明文，因此无从比对；keyong demo 在合成城市上逐个数值比对。")
    figure = _("{compared} 个数值，{different} 个与明文不同").format(
        compared=words.count(shown.compared), different=words.count(shown.different)
    )
    basis = _("{demonstration}；{n} 个查询逐个数值比对。合成数据，对真实城市不说明任何问题。")
    return figure, basis.format(demonstration=demonstrated(shown), n=len(shown.report.queries))


def _invisible(outcome: Outcome | None, view: LogView) -> tuple[str, str]:
    if outcome is None:
        return _("正在重算账目"), _("各部门签名账目与代理计数的逐次比对")
    basis = _("刚才的重算：各部门签名账目与代理计数逐次相等。网关未观测到原始数据出域；不能证明没有旁路。")
    if outcome.verdict is None:
        return _("记录未通过重算，账目不足为凭"), _("见上方结论")
    if view.account.findings:
        return _("账目与代理计数不符"), _("见数据流向页的逐部门对账")
    figure = _("{counted} 字节离开，{difference} 字节未入账").format(
        counted=words.count(outcome.verdict.counted_bytes),
        difference=words.count(max(outcome.verdict.counted_bytes - outcome.verdict.ledger_bytes, 0)),
    )
    return figure, basis


def _controllable(shown: Demonstration | None, view: LogView) -> tuple[str, str]:
    grants = sum(party.grants for party in view.parties.values())
    automatic = sum(party.automatic for party in view.parties.values())
    approvals = _("日志中 {n} 次同意，{automatic} 次为自动批准，未经安全管理员签名。").format(
        n=words.count(grants), automatic=words.count(automatic)
    )
    if shown is None:
        return _("{n} 次同意，{automatic} 次为自动").format(n=words.count(grants), automatic=automatic), approvals
    figure = _("{n} 个禁止的请求，{refused} 个被拒绝").format(n=len(shown.report.refused), refused=shown.refused)
    return figure, words.sentences(_("{demonstration}。").format(demonstration=demonstrated(shown)), approvals)


def _auditable(shown: Demonstration | None, outcome: Outcome | None, view: LogView) -> tuple[str, str]:
    basis = _("刚才的重算。")
    if shown is not None and shown.report.tampered:
        altered = _("演示中改动副本的一个字节，校验器在{place}发现。")
        basis = words.sentences(basis, altered.format(place=words.place(shown.report.tampered, view.public)))
    if outcome is None:
        return _("正在重算记录"), basis
    if outcome.verdict is None:
        return _("记录未通过重算"), _("见上方结论")
    return _("{size} 条日志重算一致").format(size=words.count(outcome.verdict.size)), basis
