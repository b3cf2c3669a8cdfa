"""Attacks on what leaves: the three counters against each other, and raw cells in what passes the gateway."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from federation.audit.events import Event
from federation.drills.scene import Item
from federation.drills.stage import SECOND, Caught, Drill, Perform, Stage, refusing, verifying
from federation.drills.town import COORDINATOR
from federation.messages import Commitment, Failure
from federation.node.fingerprints import Cell, Fingerprints
from federation.node.gateway import Gateway
from federation.node.positive_control import BEYOND, LEAKS, demonstrate

NAME = "tax"
CELLS = 16


def _change_each(stage: Stage, wanted: Callable[[Event], bool], **data: int | str) -> Caught | None:
    """Say something else in the first event that is wanted."""

    def change(items: list[Item]) -> list[Item]:
        at = next(i for i, item in enumerate(items) if isinstance(item, Event) and wanted(item))
        event = items[at]
        if not isinstance(event, Event):
            raise TypeError("an event was to be found")
        return [*items[:at], msgspec.structs.replace(event, data={**event.data, **data}), *items[at + 1 :]]

    return verifying(stage.scene().forged(change))


def _is_frame(event: Event) -> bool:
    return (event.type, event.node, event.job, event.data.get("class")) == ("egress", NAME, SECOND, "ciphertext")


def _is_receipt(event: Event) -> bool:
    return event.type == "receipt" and event.data.get("party") == NAME


def understated(stage: Stage) -> Caught | None:
    """A department's ledger tells fewer bytes than it sent; the proxy's count is forged to match."""
    return _change_each(stage, _is_frame, bytes=1)


def renamed(stage: Stage) -> Caught | None:
    """A department's ledger names another message than the one it sent."""
    return _change_each(stage, _is_frame, message=secrets.token_hex(16))


def receipt_short(stage: Stage) -> Caught | None:
    """The coordinator signs for fewer bytes than it got."""
    return _change_each(stage, _is_receipt, bytes=1)


def receipt_frames(stage: Stage) -> Caught | None:
    """The coordinator signs for a frame that never was."""
    return _change_each(stage, _is_receipt, frames=1_000)


def beside(stage: Stage) -> Caught | None:
    """A department sends bytes past its ledger; the proxy counts them."""
    scene = stage.scene()
    scene.counted = [row._replace(sent=row.sent + 1_000 * (row.party == NAME)) for row in scene.counted]
    return verifying(scene)


def never_sent(stage: Stage) -> Caught | None:
    """A ledger entry whose bytes never left."""
    scene = stage.scene()
    scene.counted = [row._replace(sent=row.sent - 1_000 * (row.party == NAME)) for row in scene.counted]
    return verifying(scene)


def uncounted(stage: Stage) -> Caught | None:
    """The proxy's counts of a department are thrown away."""
    scene = stage.scene()
    scene.counted = [row for row in scene.counted if row.party != NAME]
    return verifying(scene)


def _fingerprints() -> Fingerprints:
    """Cells as long as an identity number, of nobody."""
    digits = ("".join(secrets.choice("123456789") for _ in range(18)) for _ in range(CELLS))
    return Fingerprints([Cell(table="drill", column="id", text=text) for text in digits])


def raw_cell(stage: Stage) -> Caught | None:
    """An adapter puts a raw cell into what it answers; the gateway looks at it."""
    fingerprints, plan = _fingerprints(), stage.plans[SECOND].hash
    with stage.department(NAME) as department:
        gateway = Gateway(department.journal, NAME, fingerprints)
        gateway.permit = department.approvals.check
        header = stage.town.header(NAME, COORDINATOR, plan=plan, job=SECOND)
        leak = Commitment(round="counts", digest=fingerprints.cells[0].text)
        return refusing("fingerprints", f"egress of {NAME}", lambda: gateway.admit(header, leak))


def raw_cell_in_error(stage: Stage) -> Caught | None:
    """An error that quotes a row, which may leave without any approval."""
    fingerprints = _fingerprints()
    with stage.department(NAME) as department:
        gateway = Gateway(department.journal, NAME, fingerprints)
        header = stage.town.header(NAME, COORDINATOR)
        leak = Failure(code=f"no such row: {fingerprints.cells[0].text}")
        return refusing("fingerprints", f"egress of {NAME}", lambda: gateway.admit(header, leak))


def every_encoding(stage: Stage) -> Caught | None:
    """The leaky adapter: cells in every form that libraries write; all of them have to be found, and nothing else."""
    del stage
    lines = {line.leak: line for line in demonstrate(_fingerprints())}
    found = all(lines[leak].planted == lines[leak].found for leak in LEAKS)
    planted = sum(lines[leak].planted for leak in LEAKS)
    if not found or not planted or lines["nothing planted"].found:
        return None
    return Caught(by="fingerprints", where=f"{planted} frames in {len(LEAKS)} forms", code="refused.fingerprint")


def disguised(stage: Stage) -> Caught | None:
    """The same by somebody who hides it on purpose."""
    del stage
    lines = {line.leak: line for line in demonstrate(_fingerprints())}
    if not any(lines[leak].found for leak in BEYOND):
        return None
    return Caught(by="fingerprints", where=" ".join(BEYOND), code="refused.fingerprint")


LIAR = ("部门伪造账目，全部见证附和", "a department forges its ledger, all witnesses go along")
COORDINATES = ("协调方伪造回执，全部见证附和", "the coordinator forges receipts, all witnesses go along")
INSIDE = ("部门内部的程序", "a program inside the department")
LAUNCHES = ("能改写复制代理的计数", "can write the copy proxy's counts")


def _drill(name: str, zh: str, en: str, can: tuple[str, str], perform: Perform, **miss: str) -> Drill:
    return Drill(name=name, zh=zh, en=en, can=can[0], can_en=can[1], perform=perform, **miss)


DRILLS = (
    _drill("understated", "账目少记字节", "the ledger tells fewer bytes", LIAR, understated),
    _drill("renamed", "账目改记消息", "the ledger names another message", LIAR, renamed),
    _drill("receipt-short", "回执少签字节", "a receipt is for fewer bytes", COORDINATES, receipt_short),
    _drill("receipt-frames", "回执多签一帧", "a receipt is for more frames", COORDINATES, receipt_frames),
    _drill("beside-ledger", "绕过账目出域", "bytes leave beside the ledger", INSIDE, beside),
    _drill("never-sent", "虚记出域", "a ledger entry was never sent", INSIDE, never_sent),
    _drill("uncounted", "丢弃代理计数", "the proxy's counts are thrown away", LAUNCHES, uncounted),
    _drill("raw-cell", "回答里夹带原始单元格", "a raw cell is in an answer", INSIDE, raw_cell),
    _drill("raw-error", "报错里夹带原始单元格", "a raw cell is in an error", INSIDE, raw_cell_in_error),
    _drill("leaky-adapter", "泄露适配器，各种编码", "the leaky adapter, in every encoding", INSIDE, every_encoding),
    _drill(
        "disguised",
        "蓄意伪装的泄露",
        "a leak that is disguised on purpose",
        INSIDE,
        disguised,
        miss="指纹只能发现失误，发现不了蓄意加密或多重编码；防它靠隔离与字节账目",
        miss_en="fingerprints find accidents, not what is disguised on purpose; confinement and the ledger are for it",
    ),
)
