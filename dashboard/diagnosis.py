"""What self-checks are called, and what they found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dashboard import words
from dashboard.blocks import Tone
from dashboard.i18n import _, language
from dashboard.services.health import SelfCheck
from dashboard.services.operation import Process
from dashboard.verdict import Verdict
from federation.audit.record import COORDINATOR, Public
from federation.errors import from_code


def name(check: SelfCheck) -> str:
    """What was checked."""
    return {
        "rosters": _("各方固定的名册相同"),
        "checkpoint": _("日志长度等于最后一个检查点"),
        "journals": _("日志与各方自己的副本相接"),
        "ledger": _("账目等于代理计数"),
        "catalogue": _("各部门的目录相同"),
        "isolation": _("各方被内核隔离"),
        "restarts": _("没有部门反复重启"),
        "disk": _("磁盘余量超过 1 GB"),
        "permissions": _("目录只有所有者可进入"),
    }[check.name]


def found(check: SelfCheck, public: Public) -> str:
    """What the check compared, and with whom it went wrong."""
    figures = {key: words.count(value) if isinstance(value, int) else value for key, value in check.figures.items()}
    free_gb = int(check.figures.get("free", 0)) / 10**9
    templates = {
        "rosters": _("{n} 份名册"),
        "checkpoint": _("日志 {size} 条，检查点 {signed} 条"),
        "journals": _("日志取自副本 {logged} 条，副本共 {written} 条（其余随下一条消息送达）"),
        "ledger": _("账目 {recorded} 字节，代理计数 {counted} 字节，尚未入册 {pending} 字节"),
        "catalogue": _("启动时的目录摘要"),
        "isolation": _("{n} 个部门启动时的记录"),
        "restarts": _("本次启动以来共重启 {n} 次"),
        "disk": _("余 {gb} GB"),
        "permissions": _("权限 {mode}"),
    }
    text = templates[check.name].format(**figures, gb=f"{free_gb:,.1f}")
    labels = {**words.departments(public), COORDINATOR: _("市大数据局")}
    if check.wrong:
        names = words.listed(labels.get(party, party) for party in check.wrong)
        return _("{found}；不符：{names}").format(found=text, names=names)
    if check.name == "isolation" and public.unconfined:
        return _("未隔离：{reason}").format(reason=public.unconfined)
    return text


def summary(checks: Sequence[SelfCheck], *, running: bool) -> Verdict:
    """All checks in one sentence."""
    failed = [check for check in checks if not check.holds]
    state = _("联邦正在运行。") if running else _("联邦没有在运行；下面是它最后的状态。")
    quick = _("自检每次打开都重做，不验签名；签名与哈希链由总览页的重算验证。")
    if not failed:
        return Verdict("good", _("{n} 项自检全部通过").format(n=len(checks)), words.sentences(state, quick))
    claim = _("{n} 项自检未通过：{names}").format(n=len(failed), names=words.listed(name(check) for check in failed))
    # Weak is not false: what these say is not that the record or the federation is wrong.
    mild = all(check.name in ("isolation", "restarts", "disk", "permissions") for check in failed)
    return Verdict("warn" if mild else "bad", claim, words.sentences(state, quick))


def isolation(public: Public) -> str:
    """What the isolation label means; if it is off, what to do."""
    reason = public.unconfined
    if public.networked and not reason:
        others = _("其余各方在自己的网络命名空间中运行：没有网络，看不到别人的目录，没有特权（bubblewrap、Landlock）。")
        return words.sentences(words.networked(public), others)
    if not reason:
        return _("每一方在自己的网络命名空间中运行：没有网络，看不到别人的目录，没有特权（bubblewrap、Landlock）。")
    effect = _("各方只是普通进程，同一用户的进程能读到彼此的文件。")
    remedies = {
        "not Linux": _("内核隔离只在 Linux 上可用；此处仅供演示。"),
        "bubblewrap is not installed": _("请安装 bubblewrap，再执行 keyong down 与 keyong up。"),
    }
    otherwise = _("内核或容器不允许建立命名空间：请管理员放行非特权用户命名空间，再执行 keyong down 与 keyong up。")
    return words.sentences(effect, remedies.get(reason, otherwise))


def process(process: Process | None, label: str) -> tuple[Tone | Literal["off"], str, str]:
    """A party's state: its tone, its word, and the reason of its last end."""
    if process is None:
        return "off", _("未运行"), ""
    ended = from_code(process.code, party=label).message(language()) if process.code else ""
    tones: dict[str, Tone] = {"ready": "good", "down": "bad"}
    remark = _("上次结束：{why}").format(why=ended) if ended else ""
    return tones.get(process.state, "wait"), words.process_state(process.state), remark
