"""The four promises: on which figures each of them holds."""

from __future__ import annotations

from federation.audit.verify import Verdict
from federation.demo.report import Asked, HandedOver, Promise, Refused, ScriptRun, Stopped, Trained
from federation.drills.record import DrillReport

# The drills that plant raw cells.
LEAKS = frozenset({"raw-cell", "raw-error", "leaky-adapter"})


def promises(
    queries: list[Asked],
    refused: tuple[Refused, ...],
    stopped: tuple[Stopped, ...],
    trained: Trained,
    scripted: ScriptRun,
    verdict: Verdict,
    tampered: str,
    drills: DrillReport,
    handed: HandedOver,
) -> dict[str, Promise]:
    """Say of each promise whether it holds, and on what figure.

    Args:
        tampered: where the verifier noticed the altered copy; "" if it did not.
    """
    compared, different = sum(q.compared for q in queries), sum(q.different for q in queries)
    different += scripted.different
    compared += scripted.compared
    usable = different == 0 and compared > 0 and trained.holds
    apart = verdict.ledger_bytes - verdict.counted_bytes
    unsigned = verdict.ledger_bytes - verdict.receipt_bytes - verdict.unreceipted_bytes
    leaks = [one for one in drills.outcomes if one.name in LEAKS]
    found = sum(one.caught is not None for one in leaks)
    invisible = apart == 0 and unsigned == 0 and 0 < len(leaks) == found
    kept = sum(r.code == r.expected for r in refused)
    controlled = (
        kept == len(refused)
        and all(stop.code == stop.expected for stop in stopped)
        and (verdict.automatic, verdict.unapproved) == (0, 0)
        and verdict.granted > 0
        and scripted.holds
    )
    auditable = bool(tampered) and not drills.failed and handed.accepted and verdict.unsealed_acts == 0
    attacks = sum(one.expected for one in drills.outcomes)
    return {
        "usable": Promise(
            holds=usable,
            figure=f"{compared - different} of {compared} released numbers equal the clear answer; AUC of the joint"
            f" model {_auc(trained.federated)}, of one learnt from pooled rows {_auc(trained.pooled)}",
            figure_zh=f"{compared} 个发布数值中 {compared - different} 个与明文答案一致；联合模型 AUC"
            f" {_auc(trained.federated)}，汇总明文训练 {_auc(trained.pooled)}",
            reason="" if usable else "a released number, or the joint model, differs from the clear answer",
        ),
        "invisible": Promise(
            holds=invisible,
            figure=f"ledger {verdict.ledger_bytes} B = counted {verdict.counted_bytes} B = receipts"
            f" {verdict.receipt_bytes} B and {verdict.unreceipted_bytes} B not yet signed for, difference {apart};"
            f" planted leaks of raw cells found: {found} of {len(leaks)}",
            figure_zh=f"账目 {verdict.ledger_bytes} 字节 = 代理计数 {verdict.counted_bytes} 字节 = 回执"
            f" {verdict.receipt_bytes} 字节与尚待签收的 {verdict.unreceipted_bytes} 字节，差额 {apart}；"
            f"故意泄露原始单元格 {len(leaks)} 次，发现 {found} 次",
            reason="" if invisible else "bytes left that the ledgers do not record, or a planted leak was not found",
        ),
        "controllable": Promise(
            holds=controlled,
            figure=f"{verdict.granted} grants signed by officers, {verdict.automatic} automatic,"
            f" {verdict.unapproved} jobs without approval; {kept} of {len(refused)} forbidden requests refused;"
            f" one denied, one revoked halfway and stopped after {stopped[-1].seconds} s;"
            f" a script that copies rows out: {scripted.refused or scripted.unavailable or 'let through'}",
            figure_zh=f"安全管理员签署批准 {verdict.granted} 份，自动批准 {verdict.automatic} 份，未经批准的作业"
            f" {verdict.unapproved} 个；{len(refused)} 个禁止的请求拒绝了 {kept} 个；拒绝一次，执行中撤回一次"
            f"（{stopped[-1].seconds} 秒后中止）；"
            f"试图带出明细的脚本：{scripted.refused or scripted.unavailable or '未被拦下'}",
            reason="" if controlled else "a request that must be refused or stopped was not, or a job ran unapproved",
        ),
        "auditable": Promise(
            holds=auditable,
            figure=f"{verdict.size} entries recomputed, {verdict.sealed} checkpoints sealed by"
            f" {len(verdict.witnesses)} departments; {drills.caught} of {attacks} attacks caught; altered copy caught"
            f" at {tampered or 'no place'}; the bundle's own verifier: {handed.said.partition(' ')[0]}",
            figure_zh=f"重算 {verdict.size} 条，{verdict.sealed} 个检查点由 {len(verdict.witnesses)} 个部门见证封存；"
            f"{attacks} 次攻击发现 {drills.caught} 次；改动的副本在 {tampered or '（未发现）'} 处被发现；"
            f"证据包离线核验：{handed.said.partition(' ')[0]}",
            reason="" if auditable else "an attack was not caught, or the bundle does not verify",
        ),
    }


def _auc(area: float | None) -> str:
    return "–" if area is None else f"{area:.4f}"
