"""Attacks on the desk: scripts that run or tell more than was granted, shelves that show something else, lone grants.

Most are forged by the department that holds the data, together with whoever it takes to seal that; only that it cannot
sign for its officers stands in its way.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from federation.audit.events import Event, EventType
from federation.drills.approvals import revoke, without_word
from federation.drills.scene import Item
from federation.drills.scripted import OWNER, make_script
from federation.drills.stage import SCRIPT, Caught, Drill, Stage, refusing, verifying
from federation.governance.statements import Deny, Grant

OFFICER, DEPUTY = f"officer@{OWNER}", f"deputy@{OWNER}"

Change = Callable[[Stage, list[Item]], list[Item]]


def _at(items: list[Item], kind: str, *, by: str = "", state: str = "") -> tuple[int, Event]:
    """Where the owner's first such event stands in the script's job."""
    for at, event in enumerate(items):
        if not isinstance(event, Event) or (event.type, event.node, event.job) != (kind, OWNER, SCRIPT):
            continue
        if by in ("", event.actor.name) and state in ("", event.data.get("state")):
            return at, event
    raise LookupError(kind)


def _without(items: list[Item], kind: str, *, by: str = "", state: str = "") -> list[Item]:
    at, _ = _at(items, kind, by=by, state=state)
    return [*items[:at], *items[at + 1 :]]


def _say(items: list[Item], kind: str, said: dict[str, int | str], *, state: str = "") -> list[Item]:
    """Something else in one event."""
    at, event = _at(items, kind, state=state)
    other = msgspec.structs.replace(event, data={**event.data, **said})
    return [*items[:at], other, *items[at + 1 :]]


# -- scripts ----------------------------------------------------------------------------------------------------------


def unapproved(stage: Stage, items: list[Item]) -> list[Item]:
    """A script runs that no officer has granted."""
    return without_word(items, OWNER, SCRIPT)


def twice(stage: Stage, items: list[Item]) -> list[Item]:
    """A script runs a second time on its one approval, over what is there then."""
    at, event = _at(items, "script")
    return [*items[: at + 1], event, *items[at + 1 :]]


def unreleased(stage: Stage, items: list[Item]) -> list[Item]:
    """What the release rules kept back leaves all the same."""
    return _say(items, "script", {"status": "refused.script_groups"})


def unrun(stage: Stage, items: list[Item]) -> list[Item]:
    """A table leaves that no run on record has made."""
    return _without(items, "script")


def other_step(stage: Stage, items: list[Item]) -> list[Item]:
    """Under the name of a script's job, numbers are committed to that its plan does not know."""
    at, event = _at(items, "script")
    kind: EventType = "commit"
    data = {"round": "counts", "digest": secrets.token_hex(32), "given": ""}
    return [*items[: at + 1], msgspec.structs.replace(event, type=kind, data=data), *items[at + 1 :]]


def revoked(stage: Stage, items: list[Item]) -> list[Item]:
    """An officer revokes while the script runs, and its table leaves."""
    return revoke(stage, items, _at(items, "job.join")[0], OWNER, job=SCRIPT)


# -- the shelf --------------------------------------------------------------------------------------------------------


def denied(stage: Stage, items: list[Item], *, by: str) -> list[Item]:
    """The past in which an officer denied the request instead of granting it."""
    at, event = _at(items, "approval.grant", by=by)
    statement = stage.town.state(Deny, OWNER, stage.plans[SCRIPT], job=SCRIPT, officer=by)
    no = msgspec.structs.replace(event, type="approval.deny", data={**event.data, "statement": statement})
    return [*items[:at], no, *items[at + 1 :]]


def shown_although_denied(stage: Stage, items: list[Item]) -> list[Item]:
    """An officer denies, and whoever keeps the shelf turns the request to approved."""
    return denied(stage, items, by=DEPUTY)


def exchanged(stage: Stage, items: list[Item]) -> list[Item]:
    """Other files lie on the shelf after the approval than when the officers looked."""
    return _say(items, "shelf", {"files": secrets.token_hex(32)}, state="approved")


def never_asked(stage: Stage, items: list[Item]) -> list[Item]:
    """Another plan lies on the shelf than the one that came in."""
    return _say(items, "shelf", {"plan": make_script(stage.town.roster).hash}, state="pending")


def unshown(stage: Stage, items: list[Item]) -> list[Item]:
    """A department that declares a shelf joins a job that was never shown there as approved."""
    return _without(items, "shelf", state="approved")


# -- two of two officers ----------------------------------------------------------------------------------------------


def alone(stage: Stage, items: list[Item]) -> list[Item]:
    """One officer has granted where two must; the shelf is silent about it."""
    return _without(_without(items, "approval.grant", by=DEPUTY), "shelf", state="approved")


def one_for_two(stage: Stage, items: list[Item]) -> list[Item]:
    """The same officer grants twice, by two statements."""
    at, _ = _at(items, "approval.grant", by=DEPUTY)
    _, first = _at(items, "approval.grant", by=OFFICER)
    statement = stage.town.state(Grant, OWNER, stage.plans[SCRIPT], job=SCRIPT)
    second = msgspec.structs.replace(first, data={**first.data, "statement": statement})
    return [*items[:at], second, *items[at + 1 :]]


def denied_by_one(stage: Stage, items: list[Item]) -> list[Item]:
    """One officer grants, the other denies, and the job begins; the shelf is silent about it."""
    return _without(denied(stage, items, by=DEPUTY), "shelf", state="approved")


def twice_at_the_desk(stage: Stage) -> Caught | None:
    """One officer's second grant is handed in at the desk for that of the other."""
    plan, job = make_script(stage.town.roster), "drill-4"
    with stage.department(OWNER) as department:
        department.journal.write(department.approvals.lodge(job, plan, b"", None))
        first, second = (stage.town.state(Grant, OWNER, plan, job=job) for _ in range(2))
        department.approvals.hear(first, {})
        return refusing("desk", f"desk of {OWNER}", lambda: department.approvals.hear(second, {}))


TOGETHER = ("该部门、协调方与全部见证串通记账", "the department, the coordinator and all witnesses together")
DESK = ("能接触一个诚实部门的审批席", "can reach an honest department's desk")

# By name: what is changed in the past, and what it is called.
FORGERIES: dict[str, tuple[Change, str, str]] = {
    "script-unapproved": (unapproved, "未获批准而运行脚本", "a script runs without an approval"),
    "script-twice": (twice, "一次批准运行两次脚本", "a script runs twice on one approval"),
    "output-unreleased": (unreleased, "未放行的脚本输出出域", "an output leaves that was not released"),
    "output-unrun": (unrun, "没有运行记录的输出出域", "an output leaves of no run on record"),
    "script-other-step": (other_step, "借脚本任务之名做别的计算", "a script's job does something else"),
    "script-revoked": (revoked, "脚本运行中撤销仍输出", "an output leaves after a revocation"),
    "shelf-denied": (shown_although_denied, "已拒绝而申请架显示已批准", "a shelf shows what was denied as approved"),
    "shelf-exchanged": (exchanged, "批准后调换申请架上的文件", "files on the shelf are exchanged after approval"),
    "shelf-never-asked": (never_asked, "申请架上是另一方案", "another plan lies on the shelf"),
    "shelf-unshown": (unshown, "未在申请架显示批准即加入", "a job is joined that the shelf does not show"),
    "grant-alone": (alone, "应有两人批准只有一人", "one officer grants where two must"),
    "grant-twice": (one_for_two, "同一人批准两次", "one officer grants twice where two must"),
    "grant-denied": (denied_by_one, "一人批准一人拒绝仍运行", "it runs although one of two officers denied"),
}


def forge(stage: Stage, name: str) -> Callable[[list[Item]], list[Item]]:
    """One of the forgeries, for a scene of the stage."""
    change, _, _ = FORGERIES[name]
    return lambda items: change(stage, items)


def _drill(name: str) -> Drill:
    _, zh, en = FORGERIES[name]

    def perform(stage: Stage) -> Caught | None:
        return verifying(stage.scene().forged(forge(stage, name)))

    return Drill(name=name, zh=zh, en=en, can=TOGETHER[0], can_en=TOGETHER[1], perform=perform)


DRILLS = (
    *(_drill(name) for name in FORGERIES),
    Drill(
        name="desk-twice",
        zh="同一人在审批席批准两次",
        en="one officer grants twice at the desk",
        can=DESK[0],
        can_en=DESK[1],
        perform=twice_at_the_desk,
    ),
)
