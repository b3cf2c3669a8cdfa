"""What may be asked, and whether an adapter keeps the contract."""

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
from federation.plan import in_unit
from federation.settings import ColumnCard

adapter = typer.Typer(no_args_is_help=True, help="数据适配器 · adapters")


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(catalogue)
    app.add_typer(adapter, name="adapter")


def catalogue(context: typer.Context) -> None:
    """数据目录：数据表、列、类型与允许的用途 · tables, columns, types and allowed uses."""
    command = command_of(context)
    settings = command.settings()
    if command.json:
        print_json({"hash": settings.catalogue.hash, **msgspec.to_builtins(settings.catalogue)})
        return
    labels = settings.labels(command.language)
    for card in settings.catalogue.tables:
        holders = command.say("、", ", ").join(labels[name] for name in card.departments)
        title = f"{card.name}  {command.say(card.label, card.label_en)}"
        table = Table(title=Text(title), caption=Text(holders), title_justify="left", caption_justify="left")
        for pair in (("列", "column"), ("含义", "meaning"), ("类型", "type"), ("允许的用途", "allowed uses"),
                     ("取值、分界点、界限", "values, cut points, bounds")):  # fmt: skip
            table.add_column(command.say(*pair), overflow="fold")
        for column in card.columns:
            unit = f" ({column.unit})" if column.unit else ""
            cells = (column.name, command.say(column.label, column.label_en) + unit, column.type)
            table.add_row(*map(Text, (*cells, " ".join(column.uses) or "-", _public_domain(column))))
        command.out.print(table)


def _public_domain(column: ColumnCard) -> str:
    """What everybody may know of a column's values, numbers in its own unit."""
    scale = column.as_column.scale
    parts = []
    if column.values:
        parts.append(" ".join(column.values))
    if column.cuts:
        parts.append(" < ".join(in_unit(cut, scale) if isinstance(cut, int) else cut for cut in column.cuts))
    if column.low is not None and column.high is not None:
        parts.append(f"[{in_unit(column.low, scale)}, {in_unit(column.high, scale)}]")
    return "; ".join(parts) or "-"


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
