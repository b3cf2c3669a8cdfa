"""Attacks that must be caught, performed live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from federation.commands.frame import Command, command_of, print_json
from federation.drills.record import DRILLS, DrillReport, drill_record

drill = typer.Typer(no_args_is_help=True, help="攻防演练 · attacks that must be caught")


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(drill, name="drill")


@drill.callback()
def about() -> None:
    """攻防演练：逐个实施攻击，看被什么发现 · perform attacks, and see what catches them."""


@drill.command()
def record(context: typer.Context) -> None:
    """对审计记录的攻击：改、删、换、重放、截尾、伪造、越权…… · attacks on the record and on approvals."""
    command = command_of(context)
    with _following(command, len(DRILLS)) as follow:
        report = drill_record(progress=lambda one: follow(one.zh, one.en))
    if command.json:
        print_json(msgspec.to_builtins(report))
    else:
        _print(command, report)
    if report.failed:
        raise typer.Exit(1)


@drill.command()
def model(context: typer.Context) -> None:
    """对联合训练的攻击：梯度反演、成员推断、ε 审计，防护关与开 · attacks on training, protection off and on."""
    # Flower and numpy take a second to load, which no other command should wait for.
    from federation.commands.model_drills import print_report
    from federation.drills.model import DRILLS as MODEL_DRILLS
    from federation.drills.model import run_model_drills

    command = command_of(context)
    with _following(command, len(MODEL_DRILLS)) as follow:
        report = run_model_drills(progress=lambda one: follow(one.title.zh, one.title.en))
    if command.json:
        print_json(msgspec.to_builtins(report))
    else:
        print_report(command, report)
    if report.failed:
        raise typer.Exit(1)


@drill.command()
def script(context: typer.Context) -> None:
    """恶意脚本：在沙箱里够不该够的、耗尽资源、用结果夹带 · a hostile script, in the sandbox and with its result."""
    # The fingerprints bring numpy, which no other command should wait for.
    from federation.commands.script_drills import print_report
    from federation.drills.script import COUNT, run_script_drills

    command = command_of(context)
    with _following(command, COUNT) as follow:
        report = run_script_drills(progress=lambda one: follow(one.title.zh, one.title.en))
    if command.json:
        print_json(msgspec.to_builtins(report))
    else:
        print_report(command, report)
    if report.failed:
        raise typer.Exit(1)


@contextmanager
def _following(command: Command, total: int) -> Iterator[Callable[[str, str], None]]:
    """Show how far the drills are, on a terminal only; told of each that is done, in both languages."""
    if command.json or not command.err.is_terminal:
        yield lambda zh, en: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=command.err, transient=True) as progress:
        task = progress.add_task(command.say("演练", "drills"), total=total)
        yield lambda zh, en: progress.update(task, advance=1, description=command.say(zh, en))


def _print(command: Command, report: DrillReport) -> None:
    table = Table(show_lines=False)
    for pair in (("攻击", "attack"), ("", ""), ("被什么发现", "caught by"), ("位置", "where"), ("代码", "code")):
        table.add_column(command.say(*pair), overflow="fold")
    for one in report.outcomes:
        name = Text(command.say(one.zh, one.en))
        if not one.good:
            mark, style = "✖", "red"
        else:
            mark, style = ("✔", "green") if one.expected else ("○", "yellow")
        if one.caught is None:
            table.add_row(name, Text(mark, style=style), Text(command.say(one.miss, one.miss_en), style="dim"), "", "")
        else:
            table.add_row(name, Text(mark, style=style), one.caught.by, one.caught.where, one.caught.code)
    command.out.print(table)
    expected = sum(one.expected for one in report.outcomes)
    missed = len(report.outcomes) - expected
    command.out.print(
        Text(
            command.say(
                f"{expected} 次攻击发现 {report.caught} 次；{missed} 次本来就发现不了，照样列出；{report.seconds} 秒",
                f"{report.caught} of {expected} attacks caught; {missed} that nothing can catch are listed as such;"
                f" {report.seconds} s",
            ),
            style="red" if report.failed else "green",
        )
    )
