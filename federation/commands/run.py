"""Code to data: a pandas script goes to the department that holds the rows; a small table comes back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
import msgspec
import typer
from rich.table import Table
from rich.text import Text

from federation import operate
from federation.analyst import DEFAULT, job_name
from federation.commands.frame import Command, command_of, print_json
from federation.commands.query import SCRIPT, show_steps
from federation.commands.running import start
from federation.commands.showing import print_visibility
from federation.errors import RequestError
from federation.plan import ScriptPlan
from federation.scripting.planning import DIGITS, MEMORY_MB, SECONDS, find_dataset
from federation.settings import Settings

if TYPE_CHECKING:
    from federation.scripting.result import Card, ScriptResult
    from federation.scripting.trial import Trial

MAX_NAMED = 8


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(run)


def run(
    context: typer.Context,
    script: Annotated[Path | None, typer.Argument(metavar="SCRIPT.py", help="脚本 · the script")] = None,
    dataset: Annotated[str, typer.Option(metavar="DEPARTMENT.TABLE", help="数据集 · such as tax.pit")] = "",
    beside: Annotated[
        list[Path] | None, typer.Option("--with", metavar="FILE", help="一并送去的文件 · a file to go with it")
    ] = None,
    purpose: Annotated[str, typer.Option(help="用途 · what it is for")] = "",
    basis: Annotated[str, typer.Option(help="法律依据 · the law or rule it rests on")] = "",
    digits: Annotated[int, typer.Option(help="每个数的有效数字 · significant digits of each number")] = DIGITS,
    seconds: Annotated[int, typer.Option(help="至多运行几秒 · how long it may run")] = SECONDS,
    memory: Annotated[int, typer.Option(help="至多内存，MiB · how much memory it may take")] = MEMORY_MB,
    trying: Annotated[bool, typer.Option("--try", help="只在编造的行上试运行 · only try it on made-up rows")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="只显示谁将看到什么 · only who would see what")] = False,
    name: Annotated[str, typer.Option("--as", help="以谁的身份 · who asks")] = DEFAULT,
    resume: Annotated[str, typer.Option(help="继续此前的请求 s-… · go on with an earlier request")] = "",
) -> None:
    """代码到数据：脚本在持有数据的部门的沙箱中运行，只发布小表 · a script runs where the rows are."""
    command = command_of(context)
    if (script is None) == (not resume) or (script is not None and not dataset):
        raise click.UsageError("SCRIPT.py --dataset DEPARTMENT.TABLE, or --resume s-…")
    files = read_files(script, beside or []) if script else {}
    settings = command.settings()
    if trying:
        _try(command, settings, files, dataset)
        return
    if operate.status(command.home) is None:
        start(command, settings)
    analyst = operate.open_analyst(settings, command.home, name)
    if resume:
        with show_steps(command, resume, steps=None) as step:
            result = analyst.resume_script(resume, step)
    else:
        plan = analyst.plan_script(
            files,
            dataset,
            purpose=purpose or ("EXPLAIN" if explain else ""),
            basis=basis,
            digits=digits,
            seconds=seconds,
            memory_mb=memory,
        )
        if explain:
            _explain(command, settings, plan)
            return
        with show_steps(command, job_name(plan), steps=len(SCRIPT)) as step:
            result = analyst.run_script(plan, step)
    print_result(command, result)


def read_files(script: Path, beside: list[Path]) -> dict[str, str]:
    """Read a script and what goes with it; the script comes first.

    Raises:
        RequestError: a file is not there or no UTF-8 text, or two have the same name.
    """
    files: dict[str, str] = {}
    for path in (script, *beside):
        if path.name in files:
            raise RequestError("request.script_file", path=path)
        try:
            files[path.name] = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as exc:
            raise RequestError("request.script_file", path=path) from exc
    return files


# -- on made-up rows --------------------------------------------------------------------------------------------------


def _try(command: Command, settings: Settings, files: dict[str, str], dataset: str) -> None:
    from federation.scripting.trial import try_script

    _, table = find_dataset(dataset, settings.catalogue)
    trial = try_script(files, table)
    if command.json:
        print_json(_trial_fields(trial))
    else:
        _print_trial(command, trial)
    if trial.shape is None:
        raise typer.Exit(1)


def _print_trial(command: Command, trial: Trial) -> None:
    for title, content in (
        (("out/result.csv", "out/result.csv"), trial.ran.output),
        (("日志", "log"), trial.ran.log),
    ):
        if content:
            command.out.print(Text(f"── {command.say(*title)}", style="dim"))
            command.out.print(Text(content.decode(errors="replace").rstrip()))
    if trial.shape is None and trial.reason is not None:
        command.out.print(Text(f"{trial.reason.code}: {trial.reason.message(command.language)}", style="yellow"))
        return
    command.out.print(
        command.say(
            f"编造的行，{trial.ran.seconds:.1f} 秒；结果：{_shape(trial)}",
            f"made-up rows, {trial.ran.seconds:.1f} s; the result: {_shape(trial)}",
        ),
        style="dim",
    )


def _shape(trial: Trial) -> str:
    if trial.shape is None:
        return "-"
    keys = [f"{key.column} ({len(key.labels)})" for key in trial.shape.group_by]
    return " × ".join(keys) + (": " if keys else "") + ", ".join(trial.shape.numbers)


def _trial_fields(trial: Trial) -> dict[str, object]:
    return {
        "status": trial.ran.status,
        "seconds": trial.ran.seconds,
        "output": trial.ran.output.decode(errors="replace"),
        "log": trial.ran.log.decode(errors="replace"),
        "keys": [key.column for key in trial.shape.group_by] if trial.shape else [],
        "numbers": trial.shape.numbers if trial.shape else [],
        "code": trial.reason.code if trial.reason else "",
    }


# -- before it is approved, and after ---------------------------------------------------------------------------------


def _explain(command: Command, settings: Settings, plan: ScriptPlan) -> None:
    """Print what the officers will be asked to approve."""
    if command.json:
        fields = {
            "plan": msgspec.to_builtins(plan),
            "hash": plan.hash,
            "code": plan.code,
            "files": {file.name: file.sha256 for file in plan.files},
            "capacity_bits": plan.capacity_bits,
            "protection": plan.protection,
            "visibility": msgspec.to_builtins(plan.visibility()),
        }
        print_json(fields)
        return
    print_visibility(command, settings, plan)
    for file in plan.files:
        command.out.print(Text(f"{file.sha256}  {file.name}"))
    command.out.print(
        command.say(
            f"计划 {plan.hash[:16]}…：{plan.group_count} 组 × {len(plan.numbers)} 个数，各 {plan.digits} 位有效数字；"
            f"恶意脚本最多可借此夹带 {plan.capacity_bits} 比特，审阅代码的人是唯一的防线。",
            f"plan {plan.hash[:16]}…: {plan.group_count} groups x {len(plan.numbers)} numbers of {plan.digits}"
            f" significant digits; a hostile script could hide up to {plan.capacity_bits} bits in them, and only who"
            " reads the code can tell.",
        )
    )


def print_result(command: Command, result: ScriptResult) -> None:
    """Print a released table, or the object that machines read."""
    if command.json:
        print_json({**msgspec.to_builtins(result), "steps": dict(result.steps)})
        return
    released, shown = result.released.table, Table()
    for index, column in enumerate(released.columns):
        shown.add_column(Text(column), justify="left" if index < released.keys else "right", overflow="fold")
    for line in released.lines:
        shown.add_row(*map(Text, line))
    command.out.print(shown)
    withheld = released.withheld
    if withheld:
        names = "、".join("/".join(group) for group in withheld[:MAX_NAMED])
        command.out.print(
            command.say(f"{len(withheld)} 个小组未发布：{names}", f"{len(withheld)} groups are withheld: {names}")
        )
    command.out.print(describe_card(command, result.released.card))
    command.out.print(
        command.say(
            f"作业 {result.job}，{result.seconds:.2f} 秒，收到 {result.bytes:,} 字节密封结果",
            f"job {result.job}, {result.seconds:.2f} s, {result.bytes:,} bytes of sealed result",
        ),
        style="dim",
    )
    if command.is_synthetic():
        command.out.print(Text(command.say("合成数据，无真实个人", "synthetic data, no real person"), style="dim"))


def describe_card(command: Command, card: Card) -> str:
    """Say what bounds a hostile script, in one line."""
    return command.say(
        f"泄露卡：代码 {card.code[:16]}…，{card.digits} 位有效数字，结果最多可夹带 {card.capacity_bits} 比特；"
        f"运行 {card.seconds} 秒（时长也能传递几个比特）",
        f"leakage card: code {card.code[:16]}..., {card.digits} significant digits, the table could hide up to"
        f" {card.capacity_bits} bits; ran {card.seconds} s (which can tell a few more)",
    )
