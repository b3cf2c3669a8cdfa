"""Joint training, from the job file to the model card."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
import msgspec
import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from federation import operate
from federation.analyst import DEFAULT, Analyst, job_name
from federation.commands.frame import Command, command_of, print_json
from federation.commands.running import start
from federation.commands.showing import print_desks, print_visibility
from federation.errors import RequestError
from federation.learning.artifact import Artifact
from federation.learning.card_text import describe_model, render_card, render_leakage
from federation.learning.job import read_job
from federation.learning.leakage import leakage
from federation.plan import TrainPlan
from federation.settings import Settings

if TYPE_CHECKING:  # they bring pandas and flwr along, which takes two seconds
    from federation.learning.card import TrainResult
    from federation.learning.steps import Step

# Where nobody looks at a terminal, a line for each of so many parts of a training is enough.
PLAIN_LINES = 20
MEGABYTE = 1_000_000


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(train)


def train(
    context: typer.Context,
    job_file: Annotated[Path | None, typer.Argument(metavar="JOB.toml", help="作业文件 · job file")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="只显示谁将看到什么 · only who would see what")] = False,
    name: Annotated[str, typer.Option("--as", help="以谁的身份 · who asks")] = DEFAULT,
    resume: Annotated[str, typer.Option(help="继续此前的请求 t-… · go on with an earlier request")] = "",
    begin_with: Annotated[
        Path | None, typer.Option("--from", metavar="MODEL.keyong", help="从此模型继续 · a model to go on from")
    ] = None,
) -> None:
    """联合建模：提交作业，等待审批，逐轮训练 · joint training: submit, wait for the officers, round by round."""
    command = command_of(context)
    if (job_file is None) == (not resume):
        raise click.UsageError("JOB.toml, or --resume t-…")
    job, folder = (read_job(job_file), job_file.parent) if job_file else (None, Path())
    model = read_model(begin_with) if begin_with else b""
    settings = command.settings()
    if operate.status(command.home) is None:
        start(command, settings)
    analyst = operate.open_analyst(settings, command.home, name)
    if job is None:
        with _progress(command, resume, rounds=None) as told:
            result = analyst.resume_training(resume, told)
        _print_result(command, result)
        return
    plan = analyst.plan_training(job, start=model)
    if explain:
        _explain(command, settings, plan)
        return
    if job.lab is None:
        result = _run(command, analyst, plan)
    else:
        from federation.commands import lab

        frames = lab.read_lab(command, settings, plan, job.lab, folder)
        result = lab.compare(plan, _run(command, analyst, plan), frames)
    _print_result(command, result)


def _run(command: Command, analyst: Analyst, plan: TrainPlan) -> TrainResult:
    # Rounds are numbered through a model's whole life.
    before = Artifact.from_bytes(plan.start).rounds if plan.start else 0
    with _progress(command, job_name(plan), rounds=before + plan.rounds) as told:
        return analyst.train(plan, told)


def read_model(path: Path) -> bytes:
    """Read a model file.

    Raises:
        RequestError: there is none.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise RequestError("request.model_missing", path=path) from exc


def _print_result(command: Command, result: TrainResult) -> None:
    if command.json:
        print_json({**msgspec.to_builtins(result), "steps": dict(result.steps)})
        return
    command.out.print(Text(render_card(result.card, command.language)))
    command.out.print(
        command.say(
            f"模型 {result.artifact}；作业 {result.job}，{result.seconds:.2f} 秒",
            f"model {result.artifact}; job {result.job}, {result.seconds:.2f} s",
        ),
        style="dim",
    )
    if command.is_synthetic():
        words = command.say(
            "合成数据，无真实个人；增益为设定值", "synthetic data, no real person; what is gained was set by design"
        )
        command.out.print(Text(words, style="dim"))


# -- before it is approved --------------------------------------------------------------------------------------------


def _explain(command: Command, settings: Settings, plan: TrainPlan) -> None:
    """Print what the officers will be asked to approve."""
    from federation.learning.estimate import expected_bytes

    expected = expected_bytes(plan, key_bits=settings.key_bits)
    if command.json:
        fields = {
            "plan": msgspec.to_builtins(plan),
            "hash": plan.hash,
            "protection": plan.protection,
            "visibility": msgspec.to_builtins(plan.visibility()),
            "leakage": msgspec.to_builtins(leakage(plan)),
            "rounds": plan.rounds,
            "expected_bytes": expected,
        }
        print_json(fields)
        return
    print_visibility(command, settings, plan)
    command.out.print(Text(command.say("泄露卡：谁得到什么，哪种攻击由此开始，什么在挡", "leakage card")))
    command.out.print(Text("\n".join(render_leakage(leakage(plan), command.language))))
    described = describe_model(plan.model, command.language)
    size = f"{expected / 1e6:,.1f} MB" if expected >= MEGABYTE else f"{expected / 1e3:,.1f} kB"
    command.out.print(
        Text(
            command.say(
                f"计划 {plan.hash[:16]}…：{described}；{plan.rounds} 轮，全体共约 {size}（不含一次性消息）",
                f"plan {plan.hash[:16]}…: {described}; {plan.rounds} rounds, about {size} in all, without what is"
                " sent once",
            )
        )
    )


# -- while it runs ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _progress(command: Command, job: str, *, rounds: int | None) -> Iterator[Callable[[str | Step], None]]:
    """Show every round: on one live line of a terminal, elsewhere on some lines that stay, with --json each event."""

    def wait(event: str | Step) -> None:
        if isinstance(event, str) and event.startswith("wait "):
            print_desks(command, job, event.split(" ")[1:])

    if command.json:
        _print_event(command, {"job": job, "rounds": rounds})
        yield lambda event: _print_event(
            command, {"step": event} if isinstance(event, str) else msgspec.to_builtins(event)
        )
        return
    begun = time.monotonic()
    if not command.err.is_terminal:
        every = max(1, (rounds or 0) // PLAIN_LINES)

        def say(event: str | Step) -> None:
            wait(event)
            if not isinstance(event, str) and (event.round % every == 0 or event.round in (1, rounds)):
                command.err.print(Text(_round(command, event, rounds, time.monotonic() - begun)))

        yield say
        return
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), console=command.err) as progress:
        task = progress.add_task(job, total=rounds)

        def show(event: str | Step) -> None:
            wait(event)
            if not isinstance(event, str):
                line = _round(command, event, rounds, time.monotonic() - begun)
                progress.update(task, completed=event.round, description=line)

        yield show


def _print_event(command: Command, fields: object) -> None:
    """Write a line of JSON where a program that watches can read it before the result is there."""
    command.err.file.write(json.dumps(fields) + "\n")
    command.err.file.flush()


def _round(command: Command, step: Step, rounds: int | None, seconds: float) -> str:
    """Write one round: which, the loss, who is there, the time since the beginning."""
    number = f"{step.round}/{rounds}" if rounds else str(step.round)
    parts = [command.say(f"第 {number} 轮", f"round {number}")]
    if step.loss is not None:
        parts.append(command.say(f"损失 {step.loss:.5f}", f"loss {step.loss:.5f}"))
    parts.append(command.say(f"{len(step.survivors)} 个部门在场", f"{len(step.survivors)} departments"))
    if step.epsilon is not None:
        parts.append(f"ε {step.epsilon:.3f}")
    parts.append(command.say(f"{seconds:.1f} 秒", f"{seconds:.1f} s"))
    return command.say("，", ", ").join(parts)
