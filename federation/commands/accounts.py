"""The command that lists accounts: who may ask for what, and who may sign what."""

from __future__ import annotations

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from federation.audit.record import RecordReader
from federation.commands.frame import Command, command_of, print_json
from federation.commands.officers import ROLES
from federation.errors import HomeError
from federation.governance.accounts import Account, list_accounts
from federation.governance.roster import Roster
from federation.settings import Catalogue, JobKind, Tier

TIERS: dict[Tier, tuple[str, str]] = {"city": ("市级", "city"), "county": ("县级", "county")}
KINDS: dict[JobKind, tuple[str, str]] = {
    "sum": ("统计查询", "sums"),
    "train": ("联合训练", "training"),
    "predict": ("预测", "prediction"),
    "script": ("脚本", "scripts"),
}
SIGNS = {
    "grant": ("批准", "grant"),
    "deny": ("拒绝", "deny"),
    "revoke": ("撤回", "revoke"),
    "sign-roster": ("签署名册", "the roster"),
    "suspend": ("停用部门", "suspend"),
    "resume": ("恢复部门", "resume"),
    "change": ("成员变更", "changes of the roster"),
}


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(accounts)


def running_catalogue(command: Command) -> Catalogue:
    """The catalogue that departments hold requests against: that of the last start, however the file was edited since.

    Raises:
        KeyongError: never started.
    """
    return msgspec.json.decode(RecordReader(command.home.path).catalogue(), type=Catalogue)


def accounts(context: typer.Context) -> None:
    """账号：谁能申请什么、谁能签署什么 · accounts: who may ask for what, and who may sign what."""
    command = command_of(context)
    if not command.home.roster.exists():
        raise HomeError("home.not_running")
    roster = Roster.from_bytes(command.home.roster.read_bytes())
    listed = list_accounts(roster, running_catalogue(command))
    if command.json:
        found = [{**msgspec.to_builtins(account), "place": account.place} for account in listed]
        print_json({"roster": roster.hash, "epoch": roster.epoch, "officers_needed": roster.grants, "accounts": found})
        return
    title = command.say(
        f"名册 {roster.hash}：每个部门须由 {roster.grants} 名安全管理员批准",
        f"roster {roster.hash}: {roster.grants} security officer(s) of a department must grant",
    )
    table = Table(title=Text(title), title_justify="left")
    for pair in (("账号", "account"), ("级别", "level"), ("角色", "role"), ("可以", "may"), ("密钥指纹", "key")):
        table.add_column(command.say(*pair), overflow="fold")
    for account in listed:
        role = ("数据分析员", "analyst") if account.role == "analyst" else ROLES[account.role]
        table.add_row(
            Text("\n".join(filter(None, (account.name, account.person)))),
            command.say(*TIERS[account.tier]),
            command.say(*role),
            Text(_may(command, account)),
            account.fingerprint,
        )
    command.out.print(table)


def _may(command: Command, account: Account) -> str:
    if account.role != "analyst":
        signs = ", ".join(command.say(*SIGNS[kind]) for kind in account.signs)
        if not signs:
            return command.say("查看与核验", "read and verify")
        return command.say(f"签署：{signs}", f"sign: {signs}")
    kinds, tables = ", ".join(command.say(*KINDS[kind]) for kind in account.requests), ", ".join(account.tables)
    if not (kinds and tables):
        return command.say("不能申请", "ask for nothing")
    return command.say(
        f"申请：{kinds}；数据表：{tables}；每组至少 {account.minimum_group} 行",
        f"ask for: {kinds}; about: {tables}; groups of {account.minimum_group} rows or more",
    )
