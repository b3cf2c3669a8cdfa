"""Attacks on approvals: in a record that all parties forged together, and live at a department's desk and gateway."""

from __future__ import annotations

import secrets
from datetime import timedelta

import msgspec

from federation.audit.events import Actor, Event
from federation.drills.scene import Item, Mark, find
from federation.drills.stage import FIRST, SECOND, Caught, Drill, Perform, Stage, refusing, verifying
from federation.drills.town import BEGINNING, COORDINATOR, make_plan, written
from federation.governance.statements import Grant, Revoke
from federation.messages import Commitment

NAME = "tax"
THEIRS = "officer@hukou"


def _at(items: list[Item], kind: str, node: str, *, job: str = SECOND, **data: object) -> tuple[int, Event]:
    at = find(items, kind, node, job=job, **data)
    event = items[at]
    if not isinstance(event, Event):
        raise TypeError("an event was to be found")
    return at, event


def without_word(items: list[Item], node: str, job: str) -> list[Item]:
    """The past in which no officer of a department ever spoke of a job, and its shelf did not show that one had."""
    said = ("approval.grant", "shelf")
    return [
        item
        for item in items
        if not (isinstance(item, Event) and (item.node, item.job) == (node, job) and item.type in said)
    ]


def _swap_statement(
    stage: Stage, statement: str, *, officer: str = "", role: str = "officer", plan: str = ""
) -> Caught | None:
    """Another statement in place of the department's grant; the event says the same as the statement."""

    def change(items: list[Item]) -> list[Item]:
        at, event = _at(items, "approval.grant", NAME)
        data = {**event.data, "statement": statement, **({"plan": plan} if plan else {})}
        actor = Actor(name=officer or f"officer@{NAME}", role=role)  # type: ignore[arg-type]  # a role of officers
        return [*items[:at], msgspec.structs.replace(event, data=data, actor=actor), *items[at + 1 :]]

    return verifying(stage.scene().forged(change))


def _statement(stage: Stage, **more: str) -> str:
    return stage.town.state(Grant, NAME, stage.plans[SECOND], job=SECOND, **more)


def replayed(stage: Stage) -> Caught | None:
    """The first job's grant once more, for the second."""
    _, event = _at(stage.scene().unfold(), "approval.grant", NAME, job=FIRST)
    return _swap_statement(stage, str(event.data["statement"]))


def expired(stage: Stage) -> Caught | None:
    """A grant that had expired when the job began."""
    return _swap_statement(stage, _statement(stage, expires=written(BEGINNING - timedelta(days=1))))


def other_plan(stage: Stage) -> Caught | None:
    """A grant for another plan, under this job's name."""
    plan = make_plan(stage.town.roster)
    statement = stage.town.state(Grant, NAME, plan, job=SECOND)
    return _swap_statement(stage, statement, plan=plan.hash)


def other_officer(stage: Stage) -> Caught | None:
    """Another department's officer grants for this one."""
    return _swap_statement(stage, _statement(stage, officer=THEIRS), officer=THEIRS)


def by_auditor(stage: Stage) -> Caught | None:
    """The department's auditor grants, who may only read."""
    auditor = f"auditor@{NAME}"
    return _swap_statement(stage, _statement(stage, officer=auditor), officer=auditor, role="auditor")


def says_otherwise(stage: Stage) -> Caught | None:
    """A genuine grant for another plan, in an event that names this one."""
    return _swap_statement(stage, stage.town.state(Grant, NAME, make_plan(stage.town.roster), job=SECOND))


def unapproved(stage: Stage) -> Caught | None:
    """The job runs although one department never granted it."""
    return verifying(stage.scene().forged(lambda items: without_word(items, NAME, SECOND)))


def unsealed(stage: Stage) -> Caught | None:
    """Departments join on a checkpoint that no quorum has seen."""

    def change(items: list[Item]) -> list[Item]:
        join = find(items, "job.join", "housing", job=SECOND)
        at = max(i for i, item in enumerate(items[:join]) if isinstance(item, Mark) and item.times)
        mark = items[at]
        if not isinstance(mark, Mark):
            raise TypeError("a checkpoint was to be found")
        return [*items[:at], mark._replace(times={NAME: mark.times[NAME]}), *items[at + 1 :]]

    return verifying(stage.scene().forged(change))


def revoke(stage: Stage, items: list[Item], after: int, name: str, *, job: str = SECOND) -> list[Item]:
    """The past with a revocation in it."""
    _, grant = _at(items, "approval.grant", name, job=job)
    before = items[after]
    if not isinstance(before, Event):
        raise TypeError("an event was to be found")
    statement = stage.town.state(Revoke, name, stage.plans[job], job=job)
    data = {**grant.data, "statement": statement}
    event = msgspec.structs.replace(grant, type="approval.revoke", time=before.time, seen=before.seen, data=data)
    return [*items[: after + 1], event, *items[after + 1 :]]


def revoked(stage: Stage) -> Caught | None:
    """An officer revokes in the middle, and the department goes on."""

    def change(items: list[Item]) -> list[Item]:
        return revoke(stage, items, _at(items, "commit", NAME)[0], NAME)

    return verifying(stage.scene().forged(change))


def revoked_elsewhere(stage: Stage) -> Caught | None:
    """One department's officer revokes, all have sealed that, and another department opens all the same."""

    def change(items: list[Item]) -> list[Item]:
        left = {"class": "ciphertext"}
        return revoke(stage, items, _at(items, "egress", NAME, **left)[0], NAME)

    return verifying(stage.scene().forged(change))


def opened_twice(stage: Stage) -> Caught | None:
    """A key holder opens the same round a second time."""

    def change(items: list[Item]) -> list[Item]:
        at, event = _at(items, "open", "housing", round="counts")
        return [*items[: at + 1], event, *items[at + 1 :]]

    return verifying(stage.scene().forged(change))


def ran_twice(stage: Stage) -> Caught | None:
    """A department runs the same job a second time on its one approval."""

    def change(items: list[Item]) -> list[Item]:
        at, event = _at(items, "job.join", NAME)
        return [*items[: at + 1], event, *items[at + 1 :]]

    return verifying(stage.scene().forged(change))


def commit_after_reveal(stage: Stage) -> Caught | None:
    """A department commits only after it has seen the others' ciphertexts."""

    def change(items: list[Item]) -> list[Item]:
        at, event = _at(items, "commit", NAME, round="counts")
        without = [*items[:at], *items[at + 1 :]]
        later, _ = _at(without, "egress", NAME, **{"class": "ciphertext"})
        return [*without[:later], event, *without[later:]]

    return verifying(stage.scene().forged(change))


def at_the_desk(stage: Stage) -> Caught | None:
    """The first job's grant is handed in at the desk once more."""
    _, event = _at(stage.scene().unfold(), "approval.grant", NAME, job=FIRST)
    with stage.department(NAME) as department:
        return refusing("desk", f"desk of {NAME}", lambda: department.approvals.hear(str(event.data["statement"]), {}))


def auditor_at_the_desk(stage: Stage) -> Caught | None:
    """The auditor grants what lies on the desk."""
    plan, job = make_plan(stage.town.roster), "drill-3"
    statement = stage.town.state(Grant, NAME, plan, job=job, officer=f"auditor@{NAME}")
    with stage.department(NAME) as department:
        department.journal.write(department.approvals.lodge(job, plan, b"", None))
        return refusing("desk", f"desk of {NAME}", lambda: department.approvals.hear(statement, {}))


def at_the_gateway(stage: Stage) -> Caught | None:
    """Something is to leave for a job that nobody has approved."""
    with stage.department(NAME) as department:
        header = stage.town.header(NAME, COORDINATOR, plan=make_plan(stage.town.roster).hash, job="drill-3")
        payload = Commitment(round="counts", digest=secrets.token_hex(32))
        return refusing("gateway", f"egress of {NAME}", lambda: department.gateway.admit(header, payload))


def unapproved_egress(stage: Stage) -> Caught | None:
    """The same past the gateway, and into the record."""

    def change(items: list[Item]) -> list[Item]:
        at, event = _at(items, "egress", NAME, **{"class": "ciphertext"})
        return [*items[: at + 1], msgspec.structs.replace(event, job="drill-3"), *items[at + 1 :]]

    return verifying(stage.scene().forged(change))


def officer_key_unknown(stage: Stage) -> Caught | None:
    """A grant in the officer's name with the signatures of another officer."""
    grant, other = (msgspec.json.decode(_statement(stage, officer=name)) for name in ("", THEIRS))
    return _swap_statement(stage, msgspec.json.encode({**grant, "signatures": other["signatures"]}).decode())


TOGETHER = ("该部门、协调方与全部见证串通记账", "the department, the coordinator and all witnesses together")
DESK = ("能接触一个诚实部门的审批席", "can reach an honest department's desk")
INSIDE = ("部门内部的程序", "a program inside the department")


def _drill(name: str, zh: str, en: str, can: tuple[str, str], perform: Perform) -> Drill:
    return Drill(name=name, zh=zh, en=en, can=can[0], can_en=can[1], perform=perform)


DRILLS = (
    _drill("grant-replayed", "批准被重放", "an approval is replayed", TOGETHER, replayed),
    _drill("grant-expired", "批准已过期", "an approval had expired", TOGETHER, expired),
    _drill("grant-other-plan", "批准的是另一方案", "an approval is of another plan", TOGETHER, other_plan),
    _drill("grant-other-officer", "他部门安全员批准", "another department's officer grants", TOGETHER, other_officer),
    _drill("grant-auditor", "审计员批准", "an auditor grants", TOGETHER, by_auditor),
    _drill("grant-otherwise", "声明与事件不一致", "a statement says something else", TOGETHER, says_otherwise),
    _drill("grant-forged", "冒签批准", "an approval's signature is forged", TOGETHER, officer_key_unknown),
    _drill("unapproved", "未获批准而运行", "a job runs without an approval", TOGETHER, unapproved),
    _drill("unsealed", "未封存即开始", "a job begins on an unsealed record", TOGETHER, unsealed),
    _drill("revoked", "中途撤销仍继续", "a department goes on after its revocation", TOGETHER, revoked),
    _drill("revoked-other", "他方已撤销仍开启", "it is opened after another's revocation", TOGETHER, revoked_elsewhere),
    _drill("opened-twice", "同一轮开启两次", "a round is opened twice", TOGETHER, opened_twice),
    _drill("ran-twice", "一次批准运行两次", "a job runs twice on one approval", TOGETHER, ran_twice),
    _drill("late-commit", "看过密文后才承诺", "a commitment comes after a reveal", TOGETHER, commit_after_reveal),
    _drill("egress-recorded", "未批准的出域入账", "an unapproved egress is on record", TOGETHER, unapproved_egress),
    _drill("desk-replayed", "在审批席重放批准", "an approval is replayed at the desk", DESK, at_the_desk),
    _drill("desk-auditor", "审计员在审批席批准", "an auditor grants at the desk", DESK, auditor_at_the_desk),
    _drill("gateway", "未批准的内容出网关", "something unapproved is to pass the gateway", INSIDE, at_the_gateway),
)
