"""The part of the training page that shows attacks on the model: each performed with the protection off and on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dashboard import blocks, boards
from dashboard.i18n import _, language
from dashboard.services import commands
from dashboard.services.attacks import FILE, attacks

if TYPE_CHECKING:
    from federation.drills.model import ModelOutcome


def show(home: Path) -> None:
    """The whole part."""
    report = attacks(home)
    if report is None:
        blocks.verdict("wait", _("还没有演练结果"), _("攻击在模拟的医院上真的执行两遍：无保护与有保护。约一分钟。"))
        line = commands.typed(commands.keyong(home, "--json", "drill", "model"))
        made = f"mkdir -p {commands.typed([str(home / FILE.parent)])} && {line} > {commands.typed([str(home / FILE)])}"
        blocks.typed(_("在终端："), made)
        return
    figures = {"stopped": report.stopped, "missed": report.missed, "failed": len(report.failed)}
    why = _("每个攻击在无保护时必须成功，否则什么也证明不了；挡不住的照实列出。合成病例。")
    if report.failed:
        blocks.verdict("bad", _("有 {failed} 个攻击的结果与预期不符").format(**figures), why)
    else:
        claim = _("{stopped} 个攻击被挡住；{missed} 个如预期挡不住，照实列出").format(**figures)
        blocks.verdict("good", claim, why)
    blocks.table(
        _("攻击者做了什么，量到什么；数越大对攻击者越有利"),
        [
            *((_("攻击"), ""), (_("量"), ""), (_("瞎猜"), "number"), (_("无保护"), "number")),
            *((_("有保护"), "number"), (_("保护"), ""), (_("结果"), "class")),
        ],
        [
            (
                _said(one, "title"),
                _said(one, "metric"),
                f"{one.guess:g}",
                f"{one.off:.3g}",
                f"{one.on:.3g}",
                _said(one, "protection"),
                _result(one),
            )
            for one in report.outcomes
        ],
        colours=[_tone(one) for one in report.outcomes],
    )
    blocks.table(
        _("为什么挡得住或挡不住，以及没有说明什么"),
        [(_("攻击"), ""), (_("攻击者能做什么"), ""), (_("为什么"), ""), (_("没有说明的"), "")],
        [tuple(_said(one, part) for part in ("title", "can", "stops", "limit")) for one in report.outcomes],
    )
    costs = [one.cost.zh if language() == "zh" else one.cost.en for one in report.outcomes if one.cost is not None]
    if costs:
        boards.remark("；".join(costs))


def _said(outcome: ModelOutcome, part: str) -> str:
    words = getattr(outcome, part)
    return str(words.zh if language() == "zh" else words.en)


def _result(outcome: ModelOutcome) -> str:
    if not outcome.good:
        return _("与预期不符")
    return _("挡住") if outcome.stopped else _("挡不住，如预期")


def _tone(outcome: ModelOutcome) -> str:
    return "bad" if not outcome.good else "good" if outcome.stopped else "warn"
