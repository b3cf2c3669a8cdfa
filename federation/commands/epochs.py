"""Commands of a new key epoch: propose who joins, leaves or takes new keys; sign it; begin."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from federation import operate, succession
from federation.commands.frame import Command, command_of, passphrase_of, print_json
from federation.governance.epochs import Change, departments_after, majority, names_after, officers_changed
from federation.governance.roster import Roster

epoch = typer.Typer(no_args_is_help=True, help="成员变更与密钥纪元 · joining, leaving, new keys")


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(epoch, name="epoch")


@epoch.command()
def propose(
    context: typer.Context,
    rotate: Annotated[list[str] | None, typer.Option(help="更换密钥的参与方 · a party that takes new keys")] = None,
    reason: Annotated[str, typer.Option(help="理由（不进入日志）· why; the words do not go into the log")] = "",
) -> None:
    """比较 federation.toml 与名册，提出变更 · work out what federation.toml changes, for the officers to sign."""
    command = command_of(context)
    succession.propose(command.settings(), command.home, rotate=rotate or (), reason=reason)
    _show(command)


@epoch.command()
def show(context: typer.Context) -> None:
    """已提出的变更，以及谁已签署 · the change that was proposed, and who has signed it."""
    _show(command_of(context))


@epoch.command()
def sign(
    context: typer.Context,
    name: Annotated[str, typer.Option("--as", help="officer@tax")],
    reason: Annotated[str, typer.Option(help="理由（留在本部门）· why; the words stay with the department")] = "",
    piped: Annotated[bool, typer.Option("--passphrase-stdin", help="从标准输入读取口令 · read it from stdin")] = False,
) -> None:
    """核对并签署变更 · compare the change, and sign it for your department."""
    command = command_of(context)
    change, stated = succession.proposed(command.home)
    desk = operate.open_desk(command.home, name)
    if not command.json:
        _print_change(command, succession.pinned(command.home), change, stated)
    desk.unlock(passphrase_of(command, name, piped=piped))
    desk.sign_change(change, reason or stated)
    _done(command, {"done": "change signed", "about": change.hash}, "变更已签署", "change signed")


@epoch.command()
def begin(context: typer.Context) -> None:
    """停止联邦，保存旧记录，以新密钥与新日志开始新纪元 · stop, set the record aside, start with new keys."""
    command = command_of(context)
    seconds = succession.begin(command.settings(), command.home)
    number = command.home.epoch
    fields = {"epoch": number, "log": command.home.origin, "seconds": round(seconds, 2)}
    _done(command, fields, f"第 {number} 纪元已开始", f"epoch {number} has begun")


def _show(command: Command) -> None:
    change, reason = succession.proposed(command.home)
    roster = succession.pinned(command.home)
    said = sorted(succession.signed(command.home, change))
    if not command.json:
        _print_change(command, roster, change, reason)
        there = ", ".join(said) or "–"
        needed = majority(roster)
        command.out.print(
            command.say(f"已签署：{there}（需要 {needed} 个部门）", f"signed by: {there} ({needed} needed)")
        )
        return
    come, go = officers_changed(roster, change)
    print_json(
        {
            "change": change.hash,
            "previous": change.previous,
            "epoch": change.epoch,
            "log": change.log,
            "joined": [party.name for party in change.joined],
            "left": list(change.left),
            "rotated": [party.name for party in change.rotated],
            "departments": list(departments_after(roster, change)),
            "analysts": list(names_after(roster, change, "analyst")),
            "officers": {"joined": [one.name for one in come], "left": [one.name for one in go]},
            "threshold": change.threshold,
            "officers_needed": change.grants,
            "reason": reason,
            "signed": said,
            "needed": majority(roster),
        }
    )


def _print_change(command: Command, roster: Roster, change: Change, reason: str) -> None:
    come, go = officers_changed(roster, change)
    title = command.say(f"第 {change.epoch} 纪元的变更 {change.hash}", f"change to epoch {change.epoch}: {change.hash}")
    table = Table(title=Text(title), title_justify="left", show_header=False)
    for zh, en, what in (
        ("加入", "join", [_with_key(party.name, party.signing) for party in change.joined]),
        ("退出", "leave", list(change.left)),
        ("更换密钥", "take new keys", [_with_key(party.name, party.signing) for party in change.rotated]),
        ("新任三员", "officers that come", [f"{one.name}（{one.person}）{one.public.fingerprint}" for one in come]),
        ("卸任三员", "officers that go", [f"{one.name}（{one.person}）" for one in go]),
        ("解密门限", "shares that open", [f"{change.threshold} / {len(departments_after(roster, change))}"]),
        ("每个部门须批准的安全管理员", "officers of a department that must grant", [str(change.grants)]),
        ("理由", "reason", [reason] if reason else []),
    ):
        if what:
            table.add_row(command.say(zh, en), Text("\n".join(what)))
    command.out.print(table)


def _with_key(name: str, signing: bytes) -> str:
    return f"{name}  Ed25519 {signing.hex()}"


def _done(command: Command, fields: dict[str, object], zh: str, en: str) -> None:
    if command.json:
        print_json(fields)
    else:
        command.out.print(Text(f"✔ {command.say(zh, en)}", style="green"))
