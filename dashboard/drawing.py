"""Fills the flow map: what stands on each box and strand, in the visitor's language."""

from __future__ import annotations

from dashboard import words
from dashboard.components.flowmap import Box, Map
from dashboard.i18n import _
from dashboard.services.jobs import CLASSES, RAW, JobView
from dashboard.services.log import LogView
from federation.audit.record import COORDINATOR

# What moves during a step. Multiplying and deciding happen inside a party.
MOVING = {
    "agree": "control",
    "counts.encrypt": "control",
    "counts.collect": "ciphertext",
    "counts.open": "sealed",
    "decide": "sealed",
    "sums.encrypt": "control",
    "sums.collect": "ciphertext",
    "sums.open": "sealed",
    "script.deliver": "output",
}

# What the coordinator passes on unread.
OPAQUE = frozenset({"output", "ciphertext", "sealed", "masked", "unmask"})


def drawing(view: LogView) -> Map:
    """The picture's contents."""
    job, labels = view.job, words.departments(view.public)
    step = next((name for name, state in job.steps if state == "now"), "") if job else ""
    enrolled = any(flow.recipient != COORDINATOR for flow in view.flows)
    released = [line.name for line in view.jobs if line.state == "released" and (job is None or line.name == job.name)]
    return Map(
        summary=_summary(view),
        zones=(_("部门（各有各的数据库）"), _("协调方"), _("申请方")),
        boxes=[_box(party, labels.get(party, party), step, view) for party in view.public.departments],
        coordinator={"name": _("市大数据局"), "lines": _coordinator(view, step)},
        launcher={"name": _("启动器"), "lines": (_("只收公钥与名册摘要"),)} if enrolled else None,
        analyst={"name": _("申请方"), "lines": _analyst(job, len(released))},
        handover=_("密封转交") if released else "",
        released=bool(released),
    )


def _coordinator(view: LogView, step: str) -> tuple[str, ...]:
    """What stands in the coordinator's box: how much of what it relays it can read."""
    relayed = [flow for flow in view.flows if flow.recipient == COORDINATOR]
    opaque = sum(flow.size for flow in relayed if flow.kind in OPAQUE)
    legible = sum(flow.size for flow in relayed) - opaque
    return (
        _("只见密文，无密钥"),
        _("不可读 {size}").format(size=words.amount(opaque)),
        _("可读 {size}（同意、承诺、账目）").format(size=words.amount(legible)),
        *([_("▶ {step}").format(step=words.step_name(step))] if step else []),
    )


def _analyst(job: JobView | None, released: int) -> tuple[str, ...]:
    """What stands in the analyst's box."""
    if job is None:
        return (_("已放行 {n} 个作业").format(n=released),)
    rows = "" if job.rows is None else _("已读取结果 {n} 行").format(n=job.rows)
    return tuple(line for line in (job.requester, rows or words.state_name(job.state)) if line)


def _box(party: str, label: str, step: str, view: LogView) -> Box:
    """One department in the picture."""
    flows = sorted(
        (flow for flow in view.flows if flow.party == party), key=lambda flow: (*CLASSES, RAW).index(flow.kind)
    )
    roles = view.job.roles.get(party, ()) if view.job else ()
    return Box(
        name=label,
        badges=[words.role_name(role) for role in roles],
        note="" if flows else _("本作业中尚无消息离开") if view.job else "",
        absent=not flows,
        strands=[
            {
                "kind": flow.kind,
                "text": f"{words.class_name(flow.kind)} {words.amount(flow.size)}",
                "size": flow.size,
                "live": MOVING.get(step) == flow.kind,
            }
            for flow in flows
        ],
    )


def _summary(view: LogView) -> str:
    """The picture in one sentence, for those who do not see it."""
    labels = words.departments(view.public)
    parts = []
    for party in view.public.departments:
        sums = [
            f"{words.class_name(flow.kind)} {words.amount(flow.size)}" for flow in view.flows if flow.party == party
        ]
        parts.append(f"{labels.get(party, party)}: {', '.join(sums) or '0 B'}")
    return _("流向图：各部门发往协调方的字节。{parts}。同样的内容见明细表。").format(parts="; ".join(parts))
