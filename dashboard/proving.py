"""Words of the evidence page: who has sealed the log, what an entry says, what a pasted proof shows."""

from __future__ import annotations

import base64
import time

from crypto.errors import SignatureError
from dashboard import words
from dashboard.components.proof import Proof
from dashboard.i18n import _
from dashboard.services.evidence import Way
from dashboard.services.seals import Proven, Seal
from dashboard.verdict import Verdict
from federation.audit.events import Event, read_event
from federation.audit.record import Public
from federation.errors import RecordError, RefusedError
from federation.governance.roster import Roster
from federation.governance.statements import Grant, read_statement

Fact = tuple[str, str, str]


def ago(at: int) -> str:
    """How long ago a POSIX time is, roughly."""
    seconds = max(int(time.time()) - at, 0)
    if seconds < 120:
        return _("{n} 秒前").format(n=seconds)
    if seconds < 7200:
        return _("{n} 分钟前").format(n=seconds // 60)
    return _("{n} 小时前").format(n=words.count(seconds // 3600))


def sealed(seal: Seal | None, size: int) -> str:
    """How much of the log is sealed, and by whom."""
    if seal is None:
        return _("还没有封存的检查点：最近的检查点都未达到法定数")
    figures = {"k": len(seal.there), "n": len(seal.counted), "q": seal.needed, "size": words.count(seal.size)}
    text = _("前 {size} 条由 {k}/{n} 个部门共签封存（法定数 {q}），每个部门 Ed25519 与 ML-DSA-44 两种签名刚刚验过。")
    rest = _("其后 {n} 条等待下一次封存。").format(n=words.count(size - seal.size)) if size > seal.size else ""
    return words.sentences(text.format(**figures), rest)


def signature(entry: bytes, roster: Roster | None) -> tuple[bool, str]:
    """Whether the entry is signed by the very party that it names."""
    try:
        event = read_event(entry, roster.signers if roster else {})
    except (SignatureError, ValueError):
        return False, _("不成立：不是所称一方的签名，或内容被改动")
    return True, _("成立：{party} 的 Ed25519 签名，按名册中的公钥").format(party=event.node)


def facts(event: Event, public: Public) -> list[Fact]:
    """An event's own fields."""
    found: list[Fact] = [
        (_("类型"), f"{words.event_name(event.type)} ({event.type})", ""),
        (_("时间"), words.moment(event.time), ""),
        (_("所在链"), _("{party}，第 {n} 条").format(party=words.party_name(event.node, public), n=event.seq), ""),
        (_("行为人"), f"{event.actor.name} ({event.actor.role})", ""),
    ]
    if event.job:
        found.append((_("作业"), event.job, ""))
    found += [
        (name, str(value), "id" if len(str(value)) > 24 else "")
        for name, value in event.data.items()
        if name != "statement"
    ]
    found.append((_("前一条的摘要"), event.prev, "id"))
    if event.seen.size:
        found.append((_("写下时已共签到"), _("第 {n} 条").format(n=words.count(event.seen.size)), ""))
    return found


def statement(event: Event, roster: Roster | None) -> list[Fact]:
    """The officer's statement in an event, verified; empty if it has none."""
    text = str(event.data.get("statement", ""))
    if not text or roster is None:
        return []
    try:
        said, officer = read_statement(text, roster, department=event.node)
    except RefusedError as error:
        return [(_("签署意见"), words.told(error), "")]
    both = _("{person}（{name}），Ed25519 与 ML-DSA-44 两个签名均成立")
    found = [(_("签署意见"), both.format(person=officer.person, name=officer.name), "")]
    if isinstance(said, Grant):
        found += [
            (_("有效期至"), words.moment(said.expires), ""),
            (_("限定的数据快照"), said.snapshot or _("不限：按执行时的数据"), "id" if said.snapshot else ""),
        ]
        if said.conditions:
            found.append((_("附加条件"), said.conditions, ""))
    return found


def proof(way: Way, event: Event | None, roster: Roster | None, seal: Seal | None) -> Proof:
    """The picture's contents."""
    party = roster.party(event.node) if roster and event else None
    under = _("{size} 条日志的检查点").format(size=words.count(way.size))
    return Proof(
        number=way.number,
        entry=way.entry.decode("utf-8", "replace"),
        key=base64.b64encode(party.signing).decode() if party else "",
        steps=[{"sibling": step.sibling, "left": step.left} for step in way.steps],
        root=way.root,
        under=under,
        words={
            "label": _("自下而上的折叠"),
            "leaf": _("叶"),
            "level": _("第 {n} 层"),
            "entry": _("SHA-256(0x00 ‖ 条目)"),
            "left": _("左"),
            "right": _("右"),
            "legend": _("灰：证明带来的兄弟哈希，在左或在右；黑：下面一层刚算出的。每层为 SHA-256(0x01 ‖ 左 ‖ 右)。"),
            "same": _("相符"),
            "differs": _("不符"),
            "sealed": _("封存的根") if seal is not None and seal.holds else _("签名的根"),
            "equal": _("相等"),
            "unequal": _("不等"),
            "holds": _("成立：这一条在日志里，折叠所得的根与检查点的根相等"),
            "broken": _("不成立：自{where}起不再相符，根与检查点的根不等"),
            "untouched": _("每个哈希都由您的浏览器刚刚算出。"),
            "changed": _("已改动：{what}：{before} → {after}。只改了这个浏览器标签页里的副本，日志本身没有动。"),
            "signed": _("签名成立。"),
            "unsigned": _("签名也不再成立。"),
            "tamper": _("改动副本的一处："),
            "choose": _("改动哪一处"),
            "sibling": _("证明中第 {n} 层的兄弟哈希"),
            "alter": _("改动"),
            "restore": _("恢复"),
        },
    )


def proven(found: Proven) -> Verdict:
    """What a pasted proof shows."""
    figures = {
        "n": words.count(found.number),
        "size": words.count(found.size),
        "k": len(found.cosigned),
        "all": found.departments,
    }
    claim = _("证明成立：第 {n} 条在 {size} 条日志的检查点之下").format(**figures)
    if len(found.cosigned) < found.needed:
        why = _("但证明所附的检查点只有 {k}/{all} 个部门以两种签名共签，不足法定数。").format(**figures)
        return Verdict("warn", claim, why)
    return Verdict("good", claim, _("检查点有协调方签名，并由 {k}/{all} 个部门以两种签名共签。").format(**figures))


def unproven(error: RecordError) -> Verdict:
    """Why a pasted proof shows nothing."""
    reasons = {
        "format": _("不是 c2sp.org/tlog-proof 的格式：首行、index、各层哈希、空行、检查点"),
        "signature": _("检查点没有本日志协调方的有效签名"),
        "entry": _("本日志没有这一条，或是另一份日志的证明"),
        "path": _("本日志的这一条折叠不到检查点的根：条目或证明被改动过"),
    }
    reason = str(error.details.get("reason", ""))
    return Verdict("bad", _("证明不成立"), reasons.get(reason, words.told(error)))
