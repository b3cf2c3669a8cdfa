"""Whether an adapter keeps the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from federation import operate
from federation.adapters import conformance
from federation.adapters.checks import CHECKS, Store
from federation.commands.frame import Command, command_of, print_json
from federation.errors import SettingsError
from federation.governance.identity import write_whole

adapter = typer.Typer(no_args_is_help=True, help="数据适配器 · adapters")


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(adapter, name="adapter")


@adapter.command()
def check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="csv | … | ./mine.py:Class")],
    department: Annotated[str, typer.Option(help="部门：只读检查其真实数据表 · whose own table")] = "",
    table: Annotated[str, typer.Option(help="数据表 · its table")] = "",
) -> None:
    """按接口约定检查数据适配器 · hold an adapter against the contract."""
    command = command_of(context)
    file = Path(name.rpartition(":")[0]).resolve() if ".py:" in name else None
    store = None
    if department or table:
        store, file = _store_to_check(command, name, department, table)
    report = conformance.run(name, file, store)
    command.home.prepare()
    written = operate.conformance_report(command.home, name)
    written.parent.mkdir(exist_ok=True, mode=0o700)
    write_whole(written, msgspec.json.format(msgspec.json.encode(report), indent=1))
    if command.json:
        print_json(msgspec.to_builtins(report))
    else:
        _print_conformance(command, report, written)
    if not report.passed:
        raise typer.Exit(1)


def _store_to_check(command: Command, name: str, department: str, table: str) -> tuple[Store, Path | None]:
    settings = command.settings()
    owners = (owner for owner in settings.departments if owner.name == department)
    stores = (store for owner in owners for store in owner.stores if store.table == table and store.adapter == name)
    store, card = next(stores, None), settings.catalogue.table(table)
    if store is None or card is None:
        raise SettingsError("settings.adapter_table", department=department or "?", table=table or "?", adapter=name)
    folder = command.home.party(department)
    command.home.prepare()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    checked = Store(
        subject=f"{department}/{table}",
        settings=store.options,
        columns=store.columns,
        query=conformance.general_query(card),
        folder=str(folder),
    )
    return checked, store.code_file


def _print_conformance(command: Command, report: conformance.Report, written: Path) -> None:
    subject = command.say("虚构数据", "made-up rows") if report.subject == "specimens" else report.subject
    table = Table(title=Text(f"{report.adapter}  {subject}"), title_justify="left")
    for index, pair in enumerate((("检查", "check"), ("", ""), ("秒", "seconds"), ("说明", "found"))):
        table.add_column(command.say(*pair), justify="right" if index == 2 else "left", overflow="fold")
    for outcome in report.outcomes:
        zh, en, *_ = CHECKS[outcome.check]
        mark, style = {True: ("✔", "green"), False: ("✖", "red"), None: ("–", "dim")}[outcome.passed]
        seconds = f"{outcome.seconds:.2f}" if outcome.seconds else ""
        table.add_row(command.say(zh, en), Text(mark, style=style), seconds, Text(command.say(outcome.zh, outcome.en)))
    command.out.print(table)
    said = command.say(
        "符合约定" if report.passed else "不符合约定", "conforms" if report.passed else "does not conform"
    )
    command.out.print(Text(f"{said}  {report.seconds:.1f} s  {written}", style="green" if report.passed else "red"))
