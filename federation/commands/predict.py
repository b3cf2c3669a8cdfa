"""Prediction with a model that was trained together: bands stay with the departments, counts per band are released."""

from __future__ import annotations

from math import isfinite
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
from federation.commands.query import ENCRYPTED, show_steps
from federation.commands.running import start
from federation.commands.showing import print_visibility
from federation.commands.train import read_model
from federation.plan import PredictPlan
from federation.settings import Settings

if TYPE_CHECKING:  # it brings pandas along, which takes a second
    from federation.learning.card import PredictResult


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(predict)


def predict(
    context: typer.Context,
    model: Annotated[Path | None, typer.Argument(metavar="MODEL.keyong", help="模型文件 · model file")] = None,
    bands: Annotated[str, typer.Option(help="分档点，如 0.2,0.5 · cut points of the score")] = "",
    purpose: Annotated[str, typer.Option(help="用途 · what it is for")] = "",
    where: Annotated[str, typer.Option(help="哪些人，同 WHERE · which people, as behind WHERE")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="只显示谁将看到什么 · only who would see what")] = False,
    name: Annotated[str, typer.Option("--as", help="以谁的身份 · who asks")] = DEFAULT,
    resume: Annotated[str, typer.Option(help="继续此前的请求 p-… · go on with an earlier request")] = "",
) -> None:
    """用模型预测：每个部门给自己的人分档，只发布各档合计 · every department scores its own, counts are released."""
    command = command_of(context)
    if (model is None) == (not resume):
        raise click.UsageError("MODEL.keyong, or --resume p-…")
    cuts = read_bands(bands) if model else ()
    artifact = read_model(model) if model else b""
    settings = command.settings()
    if operate.status(command.home) is None:
        start(command, settings)
    analyst = operate.open_analyst(settings, command.home, name)
    if resume:
        with show_steps(command, resume, steps=None) as step:
            result = analyst.resume_prediction(resume, step)
    else:
        wanted = purpose or ("EXPLAIN" if explain else "")
        plan = analyst.plan_prediction(artifact, bands=cuts, purpose=wanted, where=where)
        if explain:
            _explain(command, settings, plan)
            return
        with show_steps(command, job_name(plan), steps=len(ENCRYPTED)) as step:
            result = analyst.predict(plan, step)
    _print_result(command, result)


def read_bands(text: str) -> tuple[float, ...]:
    """Read the option --bands: numbers with commas between them.

    Raises:
        click.UsageError: something else.
    """
    try:
        cuts = tuple(float(part) for part in text.split(","))
    except ValueError:
        cuts = ()
    if not cuts or not all(map(isfinite, cuts)):
        raise click.UsageError("--bands 0.2,0.5")
    return cuts


def _print_result(command: Command, result: PredictResult) -> None:
    if command.json:
        print_json({**msgspec.to_builtins(result), "steps": dict(result.steps)})
        return
    table = Table()
    table.add_column(command.say("分档", "band"))
    table.add_column(command.say("人数", "people"), justify="right")
    for band in result.bands:
        people = command.say("被抑制", "suppressed") if band.people is None else f"{band.people:,}"
        table.add_row(Text(band.label), people)
    command.out.print(table)
    command.out.print(
        command.say(
            f"作业 {result.job}，{result.seconds:.2f} 秒；每人的分档留在所属部门",
            f"job {result.job}, {result.seconds:.2f} s; everybody's own band stays with the department",
        ),
        style="dim",
    )


def _explain(command: Command, settings: Settings, plan: PredictPlan) -> None:
    """Print what the officers will be asked to approve."""
    if command.json:
        fields = {
            "plan": msgspec.to_builtins(plan),
            "hash": plan.hash,
            "protection": plan.protection,
            "visibility": msgspec.to_builtins(plan.visibility()),
        }
        print_json(fields)
        return
    print_visibility(command, settings, plan)
    command.out.print(
        command.say(
            f"计划 {plan.hash[:16]}…：{len(plan.bands) + 1} 档；每人的分档留在所属部门，至多被预测 {plan.budget} 次",
            f"plan {plan.hash[:16]}…: {len(plan.bands) + 1} bands; everybody's own band stays with the department,"
            f" nobody is scored more than {plan.budget} times",
        )
    )
