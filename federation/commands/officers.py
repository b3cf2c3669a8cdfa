"""Commands of the three separate roles: keys, what lies on a desk, and the officer's signed word on it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from federation import demo, operate
from federation.commands.frame import Command, command_of, passphrase_of, print_json, visible
from federation.errors import HomeError, SettingsError
from federation.governance.officers import create_officer, unlock
from federation.governance.roster import Roster
from federation.node.desk import DeskItem
from federation.officer import DEFAULT_HOURS, OfficerDesk, plan_of
from federation.plan import Plan

STATES = {
    "pending": ("待审批", "pending", "yellow"),
    "granted": ("已批准", "granted", "green"),
    "denied": ("已拒绝", "denied", "red"),
    "revoked": ("已撤回", "revoked", "red"),
    "expired": ("已过期", "expired", "dim"),
    "used": ("已执行", "run", "green"),
}
ROLES = {
    "operator": ("系统管理员", "operator"),
    "officer": ("安全管理员", "security officer"),
    "auditor": ("安全审计员", "auditor"),
}

EVERYONE = "everyone"
As = Annotated[str, typer.Option("--as", help="officer@tax")]
Request = Annotated[str, typer.Argument(help="请求编号 · the request, q-…")]
Piped = Annotated[bool, typer.Option("--passphrase-stdin", help="从标准输入读取口令 · read it from standard input")]
Reason = Annotated[str, typer.Option(help="理由（留在本部门，日志只存承诺）· why; the words stay with the department")]

officer = typer.Typer(no_args_is_help=True, help="三员：密钥与名册 · officers' keys and the roster")


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(officer, name="officer")
    for command in (requests, approve, reject, revoke):
        app.command()(command)


# -- the desk -----------------------------------------------------------------------------------------------------


def requests(context: typer.Context, name: As = "") -> None:
    """各部门审批台上的请求 · what lies on the desks; one desk with --as."""
    command = command_of(context)
    departments = [name.rpartition("@")[2]] if name else list(_roster(command).names("department"))
    items = {d: operate.desk_client(command.home, d).items() for d in departments}
    if command.json:
        print_json({d: [request_fields(item) for item in lying] for d, lying in items.items()})
        return
    _print_requests(command, items)


def approve(
    context: typer.Context,
    request: Request,
    name: As,
    hours: Annotated[float, typer.Option(help="有效小时数 · hours until it expires", min=0.01)] = DEFAULT_HOURS,
    live: Annotated[bool, typer.Option(help="按执行时的数据，不限于申请时 · the data as of the run")] = False,
    condition: Annotated[str, typer.Option(help="附加条件 · a condition for people to read")] = "",
    min_group: Annotated[
        int | None, typer.Option(help="脚本结果每组的最少行数 · of a script: only groups of so many rows", min=1)
    ] = None,
    piped: Piped = False,
) -> None:
    """批准一次执行 · grant one run of a request; `--as everyone` in a demonstration only."""
    command = command_of(context)
    names = [name]
    if name == EVERYONE:
        if not demo.is_demonstration(command.home):
            raise SettingsError("settings.everyone")
        names = [officer.name for officer in _roster(command).officers if officer.role == "officer"]
    for each in names:
        _, desk = _unlocked(context, each, piped=piped)
        if name != EVERYONE or desk.has_pending(request):
            desk.approve(request, hours=hours, frozen=not live, conditions=condition, minimum_group=min_group)
    _done(command, request, "已批准（限一次）", "granted, for one run")


def reject(context: typer.Context, request: Request, name: As, reason: Reason = "", piped: Piped = False) -> None:
    """拒绝请求 · deny a request."""
    command, desk = _unlocked(context, name, piped=piped)
    desk.reject(request, reason)
    _done(command, request, "已拒绝", "denied")


def revoke(context: typer.Context, request: Request, name: As, reason: Reason = "", piped: Piped = False) -> None:
    """撤回批准，执行中也立即生效 · take a grant back, in the middle of its run too."""
    command, desk = _unlocked(context, name, piped=piped)
    desk.revoke(request, reason)
    _done(command, request, "已撤回，立即生效", "revoked, from now on")


# -- keys and the roster ------------------------------------------------------------------------------------------


@officer.command()
def create(context: typer.Context, name: Annotated[str, typer.Argument(help="officer@tax")]) -> None:
    """由本人建立密钥，以口令保护 · make your keys, kept under your passphrase."""
    command = command_of(context)
    wanted = next((one for one in command.settings().officers if one.name == name), None)
    if wanted is None:
        raise SettingsError("settings.officer_unknown", officer=name)
    command.home.prepare()
    made = create_officer(
        command.home.officer(name),
        name=name,
        role=wanted.role,
        person=wanted.person,
        passphrase=passphrase_of(command, name, twice=True),
    )
    fingerprint = made.public.fingerprint
    if command.json:
        print_json({"officer": name, "role": made.role, "fingerprint": fingerprint})
        return
    role = command.say(*ROLES[made.role])
    command.out.print(command.say(f"{name}（{role}）指纹 {fingerprint}", f"{name} ({role}), fingerprint {fingerprint}"))


@officer.command()
def check(
    context: typer.Context, name: Annotated[str, typer.Argument(help="officer@tax")], piped: Piped = False
) -> None:
    """口令能否打开名册所列的密钥 · whether a passphrase opens the key that stands in the roster."""
    command = command_of(context)
    enrolled = _roster(command).officer(name)
    if enrolled is None:
        raise HomeError("home.officer_unknown", officer=name)
    if unlock(command.home.officer(name), name, passphrase_of(command, name, piped=piped)).public != enrolled.public:
        raise HomeError("home.officer_differs", officer=name)
    _done(command, name, "口令正确", "the passphrase opens it")


@officer.command(name="list")
def list_officers(context: typer.Context) -> None:
    """名册中的三员与指纹 · who stands in the roster."""
    command = command_of(context)
    roster = _roster(command)
    if command.json:
        print_json(
            {
                "roster": roster.hash,
                "officers": [
                    {"name": o.name, "role": o.role, "person": o.person, "fingerprint": o.public.fingerprint}
                    for o in roster.officers
                ],
            }
        )
        return
    table = Table(title=Text(command.say(f"名册 {roster.hash}", f"roster {roster.hash}")), title_justify="left")
    for pair in (("姓名", "person"), ("账号", "name"), ("角色", "role"), ("密钥指纹", "key fingerprint")):
        table.add_column(command.say(*pair))
    for one in roster.officers:
        table.add_row(Text(one.person), one.name, command.say(*ROLES[one.role]), one.public.fingerprint)
    command.out.print(table)


@officer.command()
def sign(context: typer.Context, name: As) -> None:
    """核对并共同签署名册 · compare the roster's hash, and co-sign it."""
    command, desk = _unlocked(context, name)
    desk.sign_roster()
    _done(command, _roster(command).hash, "名册已签署", "roster signed")


@officer.command()
def suspend(context: typer.Context, party: Annotated[str, typer.Argument()], name: As, reason: Reason = "") -> None:
    """停用失联部门（需多数部门）· hold that a department is gone; counts when a majority does."""
    command, desk = _unlocked(context, name)
    desk.suspend(party, reason)
    _done(command, party, "已签署停用", "suspension signed")


@officer.command()
def resume(context: typer.Context, party: Annotated[str, typer.Argument()], name: As, reason: Reason = "") -> None:
    """恢复被停用的部门 · let a suspended department count again."""
    command, desk = _unlocked(context, name)
    desk.resume(party, reason)
    _done(command, party, "已签署恢复", "resumption signed")


# -- shared ---------------------------------------------------------------------------------------------------------


def _unlocked(context: typer.Context, name: str, *, piped: bool = False) -> tuple[Command, OfficerDesk]:
    command = command_of(context)
    desk = operate.open_desk(command.home, name)
    desk.unlock(passphrase_of(command, name, piped=piped))
    return command, desk


def _roster(command: Command) -> Roster:
    if not command.home.roster.exists():
        raise HomeError("home.not_running")
    return Roster.from_bytes(command.home.roster.read_bytes())


def _done(command: Command, what: str, zh: str, en: str) -> None:
    if command.json:
        print_json({"done": en, "about": what})
    else:
        command.out.print(Text(f"✔ {what}  {command.say(zh, en)}", style="green"))


def request_fields(item: DeskItem) -> dict[str, object]:
    """A request as machines read it."""
    plan = plan_of(item)
    return {
        "request": item.job,
        "state": item.state,
        "granted_by": list(item.granted_by),
        "plan": plan.hash,
        "requester": plan.requester,
        "purpose": plan.purpose,
        "sql": plan.subject,
        "received": item.received,
        "snapshot": item.snapshot,
        "sees": [{"party": s.party, "zh": s.zh, "en": s.en, "numbers": s.numbers} for s in plan.visibility()],
    }


def _print_requests(command: Command, items: dict[str, tuple[DeskItem, ...]]) -> None:
    plans: dict[str, Plan] = {}
    lying_at: dict[str, dict[str, DeskItem]] = {}
    received: dict[str, str] = {}
    for department, lying in items.items():
        for item in lying:
            plans[item.job] = plan_of(item)
            received.setdefault(item.job, item.received)
            lying_at.setdefault(item.job, {})[department] = item
    if not plans:
        command.out.print(command.say("审批台上没有请求", "nothing lies on the desks"))
        return
    table = Table()
    for pair in (("请求", "request"), ("申请方与用途", "who asks, and what for"), ("各部门", "departments")):
        table.add_column(command.say(*pair), overflow="fold")
    for job, plan in plans.items():
        at = datetime.fromisoformat(received[job]).strftime("%m-%d %H:%M UTC")
        asked = Text(visible(f"{plan.requester}  {at}\n{plan.purpose}\n"))
        asked.append(visible(plan.subject), style="dim")
        said = Text()
        for department, item in lying_at[job].items():
            zh, en, style = STATES[item.state]
            # Who has granted while others are awaited; after that it is in the state.
            already = ", ".join(item.granted_by) if item.state == "pending" else ""
            said.append(f"{department} ")
            said.append(command.say(zh, en) + (f" ({already} ✔)" if already else "") + "\n", style=style)
        table.add_row(f"{job}\n{plan.hash[:16]}", asked, said)
    command.out.print(table)
