"""Who said yes, who could say no, and how soon it counted."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from federation.audit.indicators import clauses
from federation.audit.indicators.material import Material, Placed, Said, milliseconds
from federation.audit.indicators.values import (
    Definition,
    Finding,
    Measure,
    Words,
    judged,
    percentile,
    unmeasured,
)
from federation.audit.seal import MAX_SEAL_AGE_S
from federation.governance.statements import Grant, moment

NO_JOB = ("记录中没有作业", "the record holds no job")
NO_APPROVAL = ("记录中没有审批", "the record holds no approval")


def approved_jobs(material: Material) -> Finding:
    """Jobs that began without the signed word of every department that takes part."""
    starts = list(material.of_type("job.start"))
    if not starts:
        return unmeasured(*NO_JOB)
    grants: dict[str, list[Said]] = {}
    for said in material.grants:
        grants.setdefault(said.event.job, []).append(said)
    behind, against = set[int](), set[int]()
    for start in starts:
        approved = {said.event.node: said.index for said in grants.get(start.event.job, ()) if _covers(said, start)}
        behind |= {start.index, *approved.values()}
        participants = set(str(start.event.data.get("participants", "")).split())
        if not participants or not participants <= set(approved):
            against.add(start.index)
    measure = Measure(what=Words("缺少审批的作业", "jobs that lack an approval"), value=len(against), of=len(starts))
    return judged(not against, [measure], entries=behind, against=against)


def _covers(said: Said, start: Placed) -> bool:
    """An officer had granted this very job to this requester, and the grant had not expired."""
    grant, job = said.statement, start.event
    return (
        isinstance(grant, Grant)
        and said.index < start.index
        and (grant.request, grant.plan, grant.requester) == (job.job, job.data.get("plan"), job.data.get("requester"))
        and moment(grant.expires) > moment(job.time)
    )


def officer_approvals(material: Material) -> Finding:
    """Approvals that a person signed, of all; the rest a rule gave by itself."""
    grants = material.grants
    if not grants:
        return unmeasured(*NO_APPROVAL)
    automatic = [said.index for said in grants if not isinstance(said.statement, Grant)]
    measures = [
        Measure(
            what=Words("安全管理员签名的审批", "approvals signed by an officer"),
            value=len(grants) - len(automatic),
            of=len(grants),
        ),
        Measure(what=Words("自动或无有效签名", "automatic, or no valid signature"), value=len(automatic)),
    ]
    return judged(not automatic, measures, entries=(said.index for said in grants), against=automatic)


def approval_scope(material: Material) -> Finding:
    """Approvals that are bound to one plan, one run and an end."""
    grants = material.grants
    if not grants:
        return unmeasured(*NO_APPROVAL)
    loose = [said.index for said in grants if not _is_bound(said)]
    measure = Measure(
        what=Words("限定计划、次数与期限的审批", "approvals bound to plan, run and expiry"),
        value=len(grants) - len(loose),
        of=len(grants),
    )
    return judged(not loose, [measure], entries=(said.index for said in grants), against=loose)


def _is_bound(said: Said) -> bool:
    grant = said.statement  # for one run: it can say nothing else
    return (
        isinstance(grant, Grant)
        and len(grant.plan) == 64
        and grant.plan == said.event.data.get("plan")
        and moment(grant.expires) > moment(grant.time)
    )


class Fate(NamedTuple):
    """What became of a request, and what it is called."""

    id: str
    name: Words


FATES = (
    Fate("released", Words("已发布结果", "answered")),
    Fate("denied", Words("被安全管理员拒绝", "denied by an officer")),
    Fate("revoked", Words("被安全管理员撤回", "revoked by an officer")),
    Fate("refused", Words("被规则拒绝", "refused by a rule")),
    Fate("failed", Words("因故障中止", "failed")),
    Fate("open", Words("尚无结果", "open")),
)


def refused_requests(material: Material) -> Finding:
    """What became of every request; none may be answered that an officer had denied."""
    fates: dict[str, str] = {}
    ended = {job: str(end.event.data.get("outcome", "")) for job, end in material.outcomes.items()}
    seen: dict[str, set[str]] = {}
    indexes: dict[str, int] = {}
    for index, event in enumerate(material.events):
        if event.job:
            code = str(event.data.get("code", event.data.get("reason", "")))
            seen.setdefault(event.job, set()).update((event.type, code.partition(".")[0] or event.type))
            indexes[event.job] = index
    if not seen:
        return unmeasured("记录中没有请求", "the record holds no request")
    for job, marks in seen.items():
        fates[job] = _fate(ended.get(job, ""), marks)
    counts = Counter(fates.values())
    measures = [Measure(what=Words("请求", "requests"), value=len(seen))]
    measures += [Measure(what=fate.name, value=counts[fate.id], of=len(seen)) for fate in FATES if counts[fate.id]]
    against = [
        material.outcomes[job].index
        for job, marks in seen.items()
        if "approval.deny" in marks and ended.get(job) == "released"
    ]
    return judged(not against, measures, entries=indexes.values(), against=against)


def _fate(outcome: str, marks: set[str]) -> str:
    """The first that fits: an answer that was given counts as given, whatever else was said."""
    if outcome == "released":
        return "released"
    if "approval.deny" in marks:
        return "denied"
    if "approval.revoke" in marks:
        return "revoked"
    if outcome.startswith("refused.") or "refused" in marks:
        return "refused"
    return "failed" if outcome else "open"


def revocation(material: Material) -> Finding:
    """From an officer's revocation to the first refusal that gives it as the reason."""
    revocations, waits, behind = list(material.of_type("approval.revoke")), list[int](), set[int]()
    refusals = [
        placed
        for placed in material.of_type("incident", "egress.deny", "job.end")
        if "refused.revoked" in (placed.event.data.get(key) for key in ("code", "reason", "outcome"))
    ]
    for revoked in revocations:
        later = [r for r in refusals if r.event.job == revoked.event.job and r.index > revoked.index]
        # The department's own refusal before another's: one clock measures both ends.
        later.sort(key=lambda refusal: (refusal.event.node != revoked.event.node, refusal.index))
        if later:
            waits.append(max(0, milliseconds(later[0].event) - milliseconds(revoked.event)))
            behind |= {revoked.index, later[0].index}
    total = Measure(what=Words("撤回", "revocations"), value=len(revocations))
    if not waits:
        return unmeasured("没有在作业执行中被撤回的审批", "no approval was revoked while its job ran", [total])
    measures = [
        total,
        Measure(what=Words("其中引起拒绝", "followed by a refusal"), value=len(waits), of=len(revocations)),
        Measure(what=Words("p50", "p50"), value=percentile(waits, 50), unit="ms"),
        Measure(what=Words("p95", "p95"), value=percentile(waits, 95), unit="ms"),
    ]
    return judged(percentile(waits, 95) <= MAX_SEAL_AGE_S * 1000, measures, entries=behind)


RULES = (
    (
        Definition(
            id="approved-jobs",
            name=Words("缺少参与部门签名审批的作业", "jobs without every participant's signed approval"),
            clauses=(clauses.DATA_SECURITY_38_40, clauses.GOVERNMENT_SHARING),
            formula=Words(
                "job.start 中，至少一个参与部门在此之前没有针对同一计划、同一申请人且未过期的双签名审批的条数",
                "job.start entries before which a participant had not granted that plan to that requester, in a doubly"
                " signed statement not expired",
            ),
            threshold=Words("0", "0"),
            command="keyong evidence indicators",
            limits=Words(
                "不证明审批人看懂了请求；演示中的人员为虚构",
                "does not prove that whoever approved understood the request; the demonstration's persons are made up",
            ),
        ),
        approved_jobs,
    ),
    (
        Definition(
            id="officer-approvals",
            name=Words("由安全管理员签名的审批占比", "share of approvals signed by an officer"),
            clauses=(clauses.THREE_ROLES, clauses.CRYPTO_LEVEL_3),
            formula=Words(
                "带有有效 Ed25519 与 ML-DSA-44 双签名陈述的 approval.grant ÷ 全部 approval.grant",
                "approval.grant entries with a statement whose Ed25519 and ML-DSA-44 signatures both hold / all",
            ),
            threshold=Words("100 %", "100 %"),
            command="keyong evidence indicators",
            limits=Words(
                "不证明密钥只由本人掌握；演示口令公开",
                "does not prove that nobody else has the officer's key; the demonstration's passphrase is public",
            ),
        ),
        officer_approvals,
    ),
    (
        Definition(
            id="approval-scope",
            name=Words("限定计划、次数与期限的审批占比", "share of approvals bound to plan, run and expiry"),
            clauses=(clauses.PIPL_MINIMUM, clauses.DIGITAL_CONTRACT),
            formula=Words(
                "审批陈述含计划哈希（与条目一致）、次数 1、晚于签署时间的到期时间的条数 ÷ 全部 approval.grant",
                "grants whose statement names the plan's hash, one run, and an expiry after its time / all",
            ),
            threshold=Words("100 %", "100 %"),
            command="keyong evidence indicators",
            limits=Words(
                "不证明目的本身正当：目的只以加盐承诺入账，原文留在部门",
                "does not prove that the purpose is legitimate: the log holds a salted commitment only",
            ),
        ),
        approval_scope,
    ),
    (
        Definition(
            id="refused-requests",
            name=Words("请求的去向：拒绝与撤回", "what became of requests: denied, revoked, refused"),
            clauses=(clauses.USAGE_CONTROL, clauses.PIPL_MINIMUM),
            formula=Words(
                "按 job.end、approval.deny、approval.revoke、incident、egress.deny 归类全部请求；"
                "阈值：被拒绝却仍发布结果的请求数",
                "all requests by job.end, approval.deny, approval.revoke, incident and egress.deny; compared with the"
                " threshold: those denied and answered nevertheless",
            ),
            threshold=Words("0 个被拒绝的请求得到结果", "0 denied requests answered"),
            command="keyong evidence indicators",
            limits=Words(
                "分析方本机即被目录规则拦下的查询不进入记录，不在此数内",
                "queries that the analyst's own check refuses never reach the record and are not counted",
            ),
        ),
        refused_requests,
    ),
    (
        Definition(
            id="revocation-time",
            name=Words("从撤回到拒绝的时间", "time from revocation to refusal"),
            clauses=(clauses.THREE_ROLES,),
            formula=Words(
                "同一作业中，撤回之后第一个以 refused.revoked 为由的条目时间 − 撤回时间；p50、p95（最近秩）",
                "time of the first later entry of the job that gives refused.revoked - time of approval.revoke;"
                " p50 and p95, nearest rank",
            ),
            threshold=Words(
                f"p95 ≤ {MAX_SEAL_AGE_S} s（自定：封存检查点的最长时效）",
                f"p95 <= {MAX_SEAL_AGE_S} s (our own: how old a sealed checkpoint may be)",
            ),
            command="keyong evidence indicators",
            limits=Words(
                "时间取自各部门自己的时钟；含作业下一步到来之前的等待；已发布的结果无法收回",
                "times are by the departments' clocks and include the wait for the job's next step; an answer that was"
                " given cannot be taken back",
            ),
        ),
        revocation,
    ),
)
