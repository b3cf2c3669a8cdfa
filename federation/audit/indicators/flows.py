"""What left the departments: bytes, to whom, of which columns, in groups of which size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from federation.audit.indicators import clauses
from federation.audit.indicators.material import Material, Placed
from federation.audit.indicators.values import Definition, Finding, Measure, Words, judged, unmeasured

PROVISION = ("message", "to", "class", "bytes")


@dataclass(slots=True)
class Book:
    """One session of one department: its ledger entries and the receipts for it, in the log's order."""

    frames: list[Placed] = field(default_factory=list)
    receipts: list[Placed] = field(default_factory=list)


def ledger_balance(material: Material) -> Finding:
    """Three counters of the same bytes: the department's ledger, the coordinator's receipts, the copy proxy's count."""
    books, verdict = _books(material), material.verdict
    entries = [p.index for book in books.values() for p in (*book.frames, *book.receipts)]
    if not entries:
        return unmeasured("记录中没有出域条目", "nothing has left a department")
    differences = {index: off for book in books.values() for index, off in _differences(book).items() if off}
    off = Measure(
        what=Words("回执与所列帧之差", "receipts and the frames they name differ by"),
        value=sum(differences.values()),
        unit="B",
    )
    if differences or verdict is None:
        measures = [off, *_by_class(material)]
        if differences:
            return judged(False, measures, entries=entries, against=differences)
        return unmeasured("未提供线路计数", "the counts on the wire were not handed over", measures)
    on_wire = verdict.ledger_bytes + verdict.unrecorded_bytes - verdict.counted_bytes
    measures = [
        Measure(what=Words("账目", "ledgers"), value=verdict.ledger_bytes, unit="B"),
        Measure(what=Words("回执", "receipts"), value=verdict.receipt_bytes, unit="B"),
        Measure(
            what=Words("尚无回执的账目", "ledgers after the last receipt"), value=verdict.unreceipted_bytes, unit="B"
        ),
        Measure(what=Words("代理计数", "counted by the proxy"), value=verdict.counted_bytes, unit="B"),
        off,
        Measure(what=Words("账目与计数之差", "ledgers and counts differ by"), value=on_wire, unit="B"),
        Measure(what=Words("进程被杀而未发出的帧", "frames never sent, their process killed"), value=verdict.unsent),
        *_by_class(material),
    ]
    holds = on_wire == 0 or (on_wire > 0 and verdict.unsent > 0)
    return judged(holds, measures, entries=entries)


def _differences(book: Book) -> dict[int, int]:
    """By each receipt's index, how far its bytes are from those of the frames that it covers, in order."""
    found, at = {}, 0
    for number, receipt in enumerate(book.receipts):
        frames = int(receipt.event.data.get("frames", 0))
        part = book.frames[at : at + frames]
        at += frames
        # The last receipt may be for frames whose ledger entries travel with the next answer.
        if len(part) == frames or number + 1 < len(book.receipts):
            found[receipt.index] = abs(_bytes(receipt) - sum(map(_bytes, part)))
    return found


def _books(material: Material) -> dict[tuple[str, int], Book]:
    books: dict[tuple[str, int], Book] = {}
    session = dict.fromkeys(material.departments, 0)
    for placed in material.of_type("start", "egress", "receipt"):
        node, data = placed.event.node, placed.event.data
        if placed.event.type == "receipt":
            key = str(data.get("party", "")), int(data.get("session", 0))
            books.setdefault(key, Book()).receipts.append(placed)
        elif placed.event.type == "start" and node in session:
            session[node] = int(data.get("session", 0))
        elif placed.event.type == "egress":
            books.setdefault((node, session.get(node, 0)), Book()).frames.append(placed)
    return books


def _bytes(placed: Placed) -> int:
    return int(placed.event.data.get("bytes", 0))


def _by_class(material: Material) -> Iterable[Measure]:
    sums: Counter[tuple[str, str]] = Counter()
    for placed in material.of_type("egress"):
        sums[placed.event.node, str(placed.event.data.get("class", ""))] += _bytes(placed)
    return (
        Measure(what=Words(f"日志中 {party} 的 {kind}", f"{party}, {kind}, in the log"), value=size, unit="B")
        for (party, kind), size in sorted(sums.items())
    )


def provision(material: Material) -> Finding:
    """To whom how much went; whether every message is on record with what the clause asks for."""
    egress = list(material.of_type("egress"))
    if not egress:
        return unmeasured("记录中没有出域条目", "nothing has left a department")
    partial = [placed.index for placed in egress if any(key not in placed.event.data for key in PROVISION)]
    messages: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for placed in egress:
        to = str(placed.event.data.get("to", ""))
        messages[to] += 1
        size[to] += _bytes(placed)
    measures = [
        Measure(what=Words("要素齐全的条目", "complete entries"), value=len(egress) - len(partial), of=len(egress)),
        Measure(what=Words("接收方", "recipients"), value=len(messages)),
        Measure(what=Words("字节", "bytes"), value=sum(size.values()), unit="B"),
    ]
    for to in sorted(messages):
        measures += [
            Measure(what=Words(f"发往 {to} 的消息", f"messages to {to}"), value=messages[to]),
            Measure(what=Words(f"发往 {to}", f"to {to}"), value=size[to], unit="B"),
        ]
    return judged(not partial, measures, entries=(placed.index for placed in egress), against=partial)


def fingerprint_hits(material: Material) -> Finding:
    """Raw cells found in what was about to leave, of so many that were looked for."""
    cells = forms = 0
    unread = [name for name in material.departments if name not in material.last_starts]
    for name, start in material.last_starts.items():
        drawn = 0
        for said in str(start.event.data.get("fingerprints", "")).split():
            numbers = said.rpartition("=")[2].partition("/")
            if not (numbers[0].isdecimal() and numbers[2].isdecimal()):
                unread.append(name)
                continue
            drawn, forms = drawn + int(numbers[0]), forms + int(numbers[2])
        cells += drawn
        unread += [name] if not drawn else []
    if not cells:
        return unmeasured("没有部门抽取指纹", "no department has drawn fingerprints")
    denied = list(material.of_type("egress.deny"))
    hits = [placed.index for placed in denied if placed.event.data.get("reason") == "fingerprint"]
    measures = [
        Measure(what=Words("命中", "hits"), value=len(hits)),
        Measure(what=Words("查找的单元格", "cells looked for"), value=cells),
        Measure(what=Words("其全部形式", "in all their forms"), value=forms),
        Measure(what=Words("被网关拒绝的出域", "attempts the gateway refused"), value=len(denied)),
        Measure(
            what=Words("全部表均已抽取的部门", "departments all of whose tables were sampled"),
            value=len(material.departments) - len(set(unread)),
            of=len(material.departments),
        ),
    ]
    starts = (start.index for start in material.last_starts.values())
    return judged(not hits and not unread, measures, entries=(*starts, *(p.index for p in denied)), against=hits)


RULES = (
    (
        Definition(
            id="ledger-balance",
            name=Words("账目 = 回执 = 线路计数", "ledger = receipts = counted bytes"),
            clauses=(clauses.TWENTY_ARTICLES,),
            formula=Words(
                "逐部门逐会话：Σ|回执字节 − 其所含账目帧字节|；Σ 账目 − Σ 代理计数；按部门与类别列出账目字节",
                "per department and session: sum |receipt - the ledger frames it covers|; ledgers - the proxy's counts;"
                " ledger bytes by department and class",
            ),
            threshold=Words(
                "差额 0 B（被杀进程记了账而未发出的最后一帧另列）",
                "difference 0 B (apart from a killed process's last frame, recorded and never sent)",
            ),
            command="keyong audit verify",
            limits=Words(
                "证明没有未记账的字节经此线路离开，不说明密文内容；其他出口由隔离负责；本机演示",
                "shows that no unrecorded byte left by this wire, not what ciphertexts hold; other ways out are the"
                " confinement's matter; all on one machine",
            ),
        ),
        ledger_balance,
    ),
    (
        Definition(
            id="provision-records",
            name=Words("对外提供的记录", "records of provision"),
            clauses=(clauses.NETWORK_DATA_12,),
            formula=Words(
                "含消息、接收方、类别、字节数的 egress 条目 ÷ 全部 egress；接收方、消息、字节合计",
                "egress entries with message, recipient, class and bytes / all; recipients, messages and bytes in all",
            ),
            threshold=Words("100 %", "100 %"),
            command="keyong evidence indicators",
            limits=Words(
                "直接接收方多为转发密文的协调方；三年保存期尚不能显示",
                "the direct recipient is mostly the coordinator, who relays ciphertexts; three years kept cannot be"
                " shown yet",
            ),
        ),
        provision,
    ),
    (
        Definition(
            id="fingerprint-hits",
            name=Words("出域内容中的原始单元格", "raw cells in what was about to leave"),
            clauses=(clauses.TWENTY_ARTICLES,),
            formula=Words(
                "以 fingerprint 为由的 egress.deny 条数；K = 各部门最近一次启动时抽取的单元格（向下取 2 的幂）",
                "egress.deny entries with the reason fingerprint; K = cells drawn at each department's last start,"
                " rounded down to powers of two",
            ),
            threshold=Words("命中 0，且全部表均已抽取", "0 hits, every table sampled"),
            command="keyong evidence indicators",
            limits=Words(
                "只能发现意外泄漏：抽样之外的、加密或改写过的单元格发现不了；命中即被拒绝，未出域",
                "finds accidents only: not cells outside the sample, encrypted or rewritten; a hit was refused and did"
                " not leave",
            ),
        ),
        fingerprint_hits,
    ),
)
