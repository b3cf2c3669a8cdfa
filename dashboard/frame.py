"""What every page begins and ends with."""

from __future__ import annotations

from dashboard import blocks, words
from dashboard.i18n import _
from federation.audit.record import Public
from federation.errors import RecordError


def head(title: str, sentence: str, public: Public) -> None:
    """What this page is, of what federation, and how its parties are kept apart."""
    if public.unconfined:
        isolation = _("各方未隔离，仅为普通进程：{reason}").format(reason=public.unconfined)
    elif public.networked:
        others = _("其余各方：独立网络命名空间 + Landlock 隔离（模拟：同一主机、同一团队）")
        isolation = words.sentences(words.networked(public), others)
    else:
        isolation = _("各方：独立网络命名空间 + Landlock 隔离（模拟：同一主机、同一团队）")
    weak = bool(public.unconfined or public.networked)
    tags = [(_("联邦：{name}").format(name=public.name), False), (isolation, weak)]
    blocks.head(title, sentence, tags)


def nothing_yet(title: str, sentence: str, error: RecordError) -> None:
    """Greet somebody who came before the first record, or say what is wrong with the files."""
    blocks.head(title, sentence)
    if error.code == "record.empty":
        blocks.verdict(
            "wait",
            _("这里还没有审计记录"),
            _("请在终端执行 keyong up 启动联邦（或 keyong demo 走完整个演示）；一有记录，本页会自动显示。"),
        )
    else:
        blocks.verdict("bad", _("记录无法读取"), words.told(error))
    limits()


def limits() -> None:
    """What nobody may read out of any page."""
    blocks.notes(
        (
            _("模拟：各方在同一主机上由同一团队运行，独立性是模拟的；主机管理员能看到主机上的一切。"),
            _("自动批准时“可控”不成立；网关只证明观测到的字节，不能证明没有旁路，也不评价密文之外的推断。"),
        )
    )
