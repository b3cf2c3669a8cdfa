"""A script, read before it runs: its leakage card, every file in full, and the same as it lies in PySyft's folder."""

from __future__ import annotations

import hashlib

from dashboard import blocks, boards, exhibits, words
from dashboard.i18n import _
from dashboard.services.shelves import Shelf
from federation.audit.record import Public
from federation.plan import ScriptPlan

LANGUAGES = {"py": "python", "sql": "sql", "json": "json", "toml": "toml", "sh": "bash"}


def leaks(plan: ScriptPlan, public: Public) -> None:
    """The leakage card: who could make what of a script's run; worst first."""
    place, bits = words.party_name(plan.owner, public), words.count(plan.capacity_bits)
    blocks.table(
        _("泄露卡：谁得到什么，哪种攻击由此开始，什么在挡；最坏的在前"),
        [(_("谁"), ""), (_("得到"), ""), (_("攻击"), ""), (_("防护，与它挡不住的"), "")],
        [
            (
                _("申请方"),
                _("放行的表：至多 {lines} 行 × {each} 个数").format(
                    lines=words.count(plan.group_count), each=len(plan.numbers)
                ),
                _("脚本把数据行藏进数的低位"),
                _("只留 {digits} 位有效数字，容量至多 {bits} 比特；挡不住用满这个容量，靠读代码").format(
                    digits=plan.digits, bits=bits
                ),
            ),
            (
                _("申请方"),
                _("两次结果之差"),
                _("数据变化前后各跑一次，相减得到个别人"),
                _("不足 {rows} 行的组不发布，批准只限一次；挡不住两次都获批").format(rows=plan.minimum_group),
            ),
            (
                _("所有人"),
                _("日志：跑了多久，怎样结束"),
                _("脚本按数据拖延或出错，传出几个比特"),
                _("限 {seconds} 秒，只记整秒与状态；没有放行的运行也记入额度；几个比特，不在上面的容量之内").format(
                    seconds=plan.seconds
                ),
            ),
            (
                place,
                _("脚本打印的一切"),
                _("打印数据行"),
                _("打印的内容不离开{place}，申请方得不到").format(place=place),
            ),
        ],
    )


def code(plan: ScriptPlan) -> None:
    """Every file that will run, in full."""
    size = sum(len(file.text.encode()) for file in plan.files)
    blocks.heading(
        _("将要运行的全部代码"),
        _("{n} 个文件，{size}；第一个是入口").format(n=len(plan.files), size=words.amount(size)),
    )
    for file in plan.files:
        remark = _("{n} 行代码").format(n=len(file.text.splitlines()))
        exhibits.file(file.name, remark, file.sha256, file.text, language=_highlighted(file.name))


def shelf(shelf: Shelf | None, public: Public) -> None:
    """The same as it lies in the owner's PySyft folder, and what PySyft would run there."""
    if shelf is None:
        return
    place = words.party_name(shelf.department, public)
    if shelf.differing:
        claim = _("{place}的 PySyft 文件夹与所签计划不同：{names}").format(
            place=place, names=words.listed(shelf.differing)
        )
        blocks.verdict("bad", claim, _("作业不会在该部门开始；以安全管理员的签名为准，请查是谁改了文件夹。"))
    else:
        same = _("{place}的 PySyft 文件夹：计划与全部代码逐字节相同；运行脚本如下，PySyft 自己的执行器从不使用。")
        boards.remark(same.format(place=place))
    if shelf.run_script:
        digest = hashlib.sha256(shelf.run_script.encode()).hexdigest()
        exhibits.file("run.sh", _("PySyft 的运行脚本"), digest, shelf.run_script, language="bash")


def _highlighted(name: str) -> str | None:
    return LANGUAGES.get(name.rpartition(".")[2])
