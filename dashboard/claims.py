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
        "controllable": lambda: _controllable(shown, outcome),
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
    basis = _("{demonstration}；{n} 个查询与一个脚本逐个数值比对。").format(
        demonstration=demonstrated(shown), n=len(shown.report.queries)
    )
    trained, model = shown.report.trained, ""
    if trained.federated is not None and trained.pooled is not None:
        model = _("联合模型 AUC {federated}，汇总明文训练 {pooled}。").format(
            federated=f"{trained.federated:.4f}", pooled=f"{trained.pooled:.4f}"
        )
    return figure, words.sentences(basis, model, _("合成数据，对真实城市不说明任何问题。"))


def _invisible(outcome: Outcome | None, view: LogView) -> tuple[str, str]:
    if outcome is None:
        return _("正在重算账目"), _("各部门签名账目与代理计数的逐次比对")
    if outcome.verdict is None:
        return _("记录未通过重算，账目不足为凭"), _("见上方结论")
    if view.account.findings:
        return _("账目与代理计数不符"), _("见数据流向页的逐部门对账")
    verdict = outcome.verdict
    figure = _("{counted} 字节离开，{difference} 字节未入账").format(
        counted=words.count(verdict.counted_bytes),
        difference=words.count(max(verdict.counted_bytes - verdict.ledger_bytes, 0)),
    )
    receipts = _("账目 = 代理计数；协调方已签收 {receipts} 字节。").format(receipts=words.count(verdict.receipt_bytes))
    departments = [view.parties[name] for name in view.public.departments if name in view.parties]
    searching = sum(bool(party.fingerprints) for party in departments)
    caught = sum(party.caught for party in departments)
    searched = _("{n} 个部门的网关在每条外发消息中搜索原始单元格指纹，拦下 {caught} 次。").format(
        n=searching, caught=caught
    )
    limit = _("网关未观测到原始数据出域；不能证明没有旁路。")
    return figure, words.sentences(receipts, searched, limit)


def _controllable(shown: Demonstration | None, outcome: Outcome | None) -> tuple[str, str]:
    if outcome is None:
        return _("正在重算审批"), _("每次执行之前的签名批准，逐一重验")
    if outcome.verdict is None:
        return _("记录未通过重算，审批不足为凭"), _("见上方结论")
    verdict = outcome.verdict
    figure = _("{jobs} 次执行，未经批准的 {unapproved} 次").format(
        jobs=words.count(verdict.jobs), unapproved=words.count(verdict.unapproved)
    )
    if verdict.automatic:
        figure = _("{n} 次自动同意：没有人审批").format(n=words.count(verdict.automatic))
    said = _("安全管理员签名批准 {granted} 次、拒绝 {denied} 次、撤回 {revoked} 次；自动同意 {automatic} 次。").format(
        granted=words.count(verdict.granted),
        denied=words.count(verdict.denied),
        revoked=words.count(verdict.revoked),
        automatic=words.count(verdict.automatic),
    )
    refused = ""
    if shown is not None:
        refused = _("演示中 {n} 个禁止的请求，拒绝了 {refused} 个。").format(
            n=len(shown.report.refused), refused=shown.refused
        )
        if shown.report.scripted.refused:
            refused = words.sentences(refused, _("一个想带出明细的脚本被拦下。"))
    return figure, words.sentences(said, refused)


def _auditable(shown: Demonstration | None, outcome: Outcome | None, view: LogView) -> tuple[str, str]:
    altered = ""
    if shown is not None and shown.report.tampered:
        text = _("演示中改动副本的一个字节，校验器在{place}发现。")
        altered = text.format(place=words.place(shown.report.tampered, view.public))
        drills = _("演练 {n} 次攻击，发现 {caught} 次；另有 {missed} 次无法发现，已如实列出。")
        done = shown.report.drills
        altered = words.sentences(altered, drills.format(n=done.expected, caught=done.caught, missed=done.missed))
    if outcome is None:
        return _("正在重算记录"), altered or _("签名、哈希链、默克尔树与各部门的共签")
    if outcome.verdict is None:
        return _("记录未通过重算"), _("见上方结论")
    verdict = outcome.verdict
    if not verdict.sealed_size:
        return _("{size} 条日志重算一致，尚未封存").format(size=words.count(verdict.size)), altered or "–"
    figure = _("{size} 条日志，前 {sealed} 条由 {k}/{n} 个部门封存").format(
        size=words.count(verdict.size),
        sealed=words.count(verdict.sealed_size),
        k=len(verdict.witnesses),
        n=verdict.departments,
    )
    quorum = _("法定数 {q}；同一团队、同一主机：见证的独立性是模拟的。").format(q=verdict.quorum)
    return figure, words.sentences(quorum, altered)
