"""The log itself: whether it is whole, sealed, copied and kept."""

from __future__ import annotations

from federation.audit.events import EventType
from federation.audit.indicators import clauses
from federation.audit.indicators.material import Material, milliseconds
from federation.audit.indicators.values import Definition, Finding, Measure, Words, judged, percentile, unmeasured
from federation.audit.seal import MAX_SEAL_AGE_S

EMPTY = ("记录为空", "the record is empty")
KEPT_DAYS = 180

# What an event of a type has to state besides who, when and what kind: its object and its outcome.
STATED: dict[EventType, tuple[str, ...]] = {
    "enrol": ("roster",),
    "start": ("version",),
    "request.submit": ("plan",),
    "request.receive": ("plan", "requester"),
    "approval.grant": ("plan", "requester"),
    "approval.deny": ("plan", "statement"),
    "approval.revoke": ("plan", "statement"),
    "member.sign": ("statement",),
    "member.suspend": ("party", "statement"),
    "member.resume": ("party", "statement"),
    "job.start": ("plan", "requester", "participants"),
    "job.join": ("plan",),
    "job.end": ("outcome",),
    "commit": ("round", "digest"),
    "open": ("round", "reader"),
    "release.decide": ("minimum_group", "commitment"),
    "mask.keys": ("cohort", "digest"),
    "mask": ("round", "digest"),
    "survivors": ("round", "survivors"),
    "round": ("round", "survivors"),
    "model": ("digest", "rounds"),
    "predict": ("digest",),
    "egress": ("to", "class", "bytes", "commitment"),
    "egress.deny": ("class", "reason"),
    "receipt": ("party", "frames", "bytes"),
    "result.read": ("commitment",),
    "incident": ("code",),
}

# Decisions and steps of jobs. Ledger entries and receipts follow from sealing itself: of them some are always open.
ACTS: tuple[EventType, ...] = (
    "request.submit", "request.receive", "approval.grant", "approval.deny", "approval.revoke",
    "member.sign", "member.suspend", "member.resume",
    "job.start", "job.join", "job.end", "commit", "release.decide", "open",
    "mask.keys", "mask", "survivors", "round", "model", "predict",
)  # fmt: skip


def _gaps(material: Material) -> list[int]:
    """Where a party's chain does not go on with the next number."""
    following: dict[str, int] = {}
    broken = []
    for index, event in enumerate(material.events):
        if event.seq != following.get(event.node, 0):
            broken.append(index)
        following[event.node] = event.seq + 1
    return broken


def chain_gaps(material: Material) -> Finding:
    """Places where an entry is missing, doubled or out of order."""
    if not material.events:
        return unmeasured(*EMPTY)
    broken = _gaps(material)
    measures = [
        Measure(what=Words("缺口", "gaps"), value=len(broken)),
        Measure(what=Words("链", "chains"), value=len({event.node for event in material.events})),
        Measure(what=Words("条目", "entries"), value=len(material.events)),
    ]
    return judged(not broken, measures, entries=range(len(material.events)), against=broken)


def completeness(material: Material) -> Finding:
    """Entries that say who, in which role, when, what, and with what outcome."""
    if not material.events:
        return unmeasured(*EMPTY)
    partial = []
    for index, event in enumerate(material.events):
        try:
            milliseconds(event)
        except ValueError:
            partial.append(index)
            continue
        if not event.actor.name or any(event.data.get(key) in (None, "") for key in STATED.get(event.type, ())):
            partial.append(index)
    total = len(material.events)
    measure = Measure(what=Words("要素齐全的条目", "complete entries"), value=total - len(partial), of=total)
    return judged(not partial, [measure], entries=range(total), against=partial)


def sealed_entries(material: Material) -> Finding:
    """Entries below the last checkpoint that a quorum co-signed; acts that are not, although not new."""
    total = len(material.events)
    if not total:
        return unmeasured(*EMPTY)
    size = min(material.seals[-1].size, total) if material.seals else 0
    late = material.now.timestamp() * 1000 - MAX_SEAL_AGE_S * 1000
    open_acts = [
        placed.index for placed in material.of_type(*ACTS) if placed.index >= size and milliseconds(placed.event) < late
    ]
    measures = [
        Measure(what=Words("已封存条目", "entries sealed"), value=size, of=total),
        Measure(what=Words("封存检查点", "sealed checkpoints"), value=len(material.seals)),
        Measure(what=Words("逾时未封存的行为", "acts unsealed for too long"), value=len(open_acts)),
    ]
    return judged(not open_acts and size > 0, measures, entries=range(size), against=open_acts)


def seal_lag(material: Material) -> Finding:
    """From an act to the moment at which a quorum had co-signed a checkpoint that holds it."""
    waits, behind = [], []
    seals = iter(material.seals)
    seal = next(seals, None)
    for index, event in enumerate(material.events):
        while seal is not None and seal.size <= index:
            seal = next(seals, None)
        if seal is None:
            break
        if event.type in ACTS:
            waits.append(max(0, (seal.time_s + 1) * 1000 - milliseconds(event)))
            behind.append(index)
    if not waits:
        return unmeasured("尚无封存的行为", "no act is sealed yet")
    measures = [
        Measure(what=Words("p50", "p50"), value=percentile(waits, 50), unit="ms"),
        Measure(what=Words("p95", "p95"), value=percentile(waits, 95), unit="ms"),
        Measure(what=Words("已封存的行为", "acts sealed"), value=len(waits)),
    ]
    return judged(percentile(waits, 95) <= MAX_SEAL_AGE_S * 1000, measures, entries=behind)


def mirrors(material: Material) -> Finding:
    """Departments that held the whole log when they co-signed its last sealed checkpoint."""
    if not material.seals:
        return unmeasured("尚无封存检查点", "no checkpoint is sealed yet")
    last = material.seals[-1]
    everyone = len(material.departments)
    measures = [
        Measure(
            what=Words("持有完整镜像的部门", "departments with a full mirror"), value=len(last.witnesses), of=everyone
        ),
        Measure(what=Words("法定数", "quorum"), value=last.quorum),
        Measure(what=Words("镜像条目", "entries mirrored"), value=last.size),
    ]
    return judged(len(last.witnesses) == everyone, measures, entries=range(last.size))


def retention(material: Material) -> Finding:
    """How old the oldest entry is, and whether any was taken away."""
    if not material.events:
        return unmeasured(*EMPTY)
    broken = _gaps(material)
    oldest = min(milliseconds(event) for event in material.events)
    days = int(material.now.timestamp() * 1000 - oldest) // 86_400_000
    measures = [
        Measure(what=Words("最早条目距今", "age of the oldest entry"), value=days, unit="d"),
        Measure(what=Words("缺口", "gaps"), value=len(broken)),
    ]
    if broken:
        return judged(False, measures, entries=[0], against=broken)
    if days < KEPT_DAYS:
        return unmeasured(
            f"记录不足 {KEPT_DAYS} 天，期限尚不能显示；无缺口，程序没有删除日志的功能",
            f"the record is younger than {KEPT_DAYS} days; no chain has a gap, and no function deletes entries",
            measures,
        )
    return judged(True, measures, entries=[0])


RULES = (
    (
        Definition(
            id="chain-gaps",
            name=Words("日志链的缺口", "gaps in the chains of the log"),
            clauses=(clauses.CYBERSECURITY_21, clauses.SECURITY_AUDIT),
            formula=Words(
                "各方链中序号不等于前一条加一（首条为 0）的条目数",
                "entries whose number is not the one before it in the party's chain plus one (0 for the first)",
            ),
            threshold=Words("0", "0"),
            command="keyong audit verify",
            limits=Words(
                "看不出末尾被整体截去：须与各部门自己的树头比对；也不证明应记的都记了",
                "does not show that the tail was cut off, departments' heads do; nor that all was written that should",
            ),
        ),
        chain_gaps,
    ),
    (
        Definition(
            id="entry-completeness",
            name=Words("条目要素齐全率", "complete entries"),
            clauses=(clauses.SECURITY_AUDIT, clauses.FINANCE_MPC_LOGS),
            formula=Words(
                "含主体与角色、时间、类型及该类型必备字段（对象、结果）的条目 ÷ 全部条目",
                "entries with actor and role, time, type, and what the type has to state (object, outcome) / all",
            ),
            threshold=Words("100 %", "100 %"),
            command="keyong evidence indicators",
            limits=Words(
                "不证明所记属实，只证明由谁签名", "does not prove that what is written is true, only who signed it"
            ),
        ),
        completeness,
    ),
    (
        Definition(
            id="sealed-entries",
            name=Words("经法定数部门封存的条目", "entries sealed by a quorum"),
            clauses=(clauses.CRYPTO_LEVEL_3, clauses.SECURITY_AUDIT),
            formula=Words(
                "最后一个达到法定数的检查点的大小 ÷ 条目数；其后早于 30 秒的审批、成员与作业行为数",
                "size of the last checkpoint with a quorum / entries; later acts of approval, members and jobs older"
                " than 30 s",
            ),
            threshold=Words(
                f"逾 {MAX_SEAL_AGE_S} s 未封存的行为 0（自定）；封存本身的账目与回执留待下次",
                f"0 acts unsealed after {MAX_SEAL_AGE_S} s (our own); what sealing itself writes waits for the next",
            ),
            command="keyong evidence indicators",
            limits=Words(
                "可发现篡改，不能防止篡改；演示中见证方同在一台机器，独立性为模拟",
                "tamper-evident, not tamper-proof; all witnesses run on one machine: their independence is simulated",
            ),
        ),
        sealed_entries,
    ),
    (
        Definition(
            id="seal-lag",
            name=Words("从行为到封存的时间", "lag from an act to its seal"),
            clauses=(clauses.CENTRAL_AUDIT,),
            formula=Words(
                "首个包含该行为的封存检查点达到法定数的时间 − 条目时间；p50、p95（最近秩）",
                "time at which the first sealed checkpoint that holds it reached its quorum - the entry's time; p50 and"
                " p95, nearest rank",
            ),
            threshold=Words(f"p95 ≤ {MAX_SEAL_AGE_S} s（自定）", f"p95 <= {MAX_SEAL_AGE_S} s (our own)"),
            command="keyong evidence indicators",
            limits=Words(
                "联署时间只到整秒，按该秒之末计，高估至多 1 秒；时间取自各方自己的时钟",
                "cosignatures tell whole seconds, taken at their end: up to 1 s too much; clocks are the parties'",
            ),
        ),
        seal_lag,
    ),
    (
        Definition(
            id="mirrors",
            name=Words("日志镜像（备份）数", "mirrors of the log, which are its backups"),
            clauses=(clauses.SECURITY_AUDIT, clauses.FINANCE_MPC_LOGS),
            formula=Words(
                "联署最后一个封存检查点的部门数：联署前须已持久保存全部条目",
                "departments that co-signed the last sealed checkpoint: each had stored every entry before",
            ),
            threshold=Words("全部部门", "all departments"),
            command="keyong evidence indicators",
            limits=Words(
                "不证明镜像此刻仍在；演示中全部镜像在同一块磁盘上",
                "does not prove that the mirrors are still there now; in the demonstration all are on one disk",
            ),
        ),
        mirrors,
    ),
    (
        Definition(
            id="retention",
            name=Words("日志留存天数", "days that logs are kept"),
            clauses=(clauses.CYBERSECURITY_21,),
            formula=Words("当前时间 − 最早条目时间；链的缺口数", "now - time of the oldest entry; gaps in the chains"),
            threshold=Words(f"≥ {KEPT_DAYS} 天且缺口 0", f">= {KEPT_DAYS} days and 0 gaps"),
            command="keyong evidence indicators",
            limits=Words(
                "不证明今后仍会留存；留存策略与介质由部署方负责",
                "does not prove that they will be kept; the policy and the media are the operator's",
            ),
        ),
        retention,
    ),
)
