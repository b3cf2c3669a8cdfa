"""The encrypted query, from the request to the printed answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Annotated

import click
import msgspec
import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from federation import operate
from federation.analyst import DEFAULT, Result, job_name
from federation.commands.frame import Command, command_of, print_json
from federation.commands.running import start
from federation.commands.showing import print_desks, print_visibility
from federation.plan import Protection, SumPlan
from federation.settings import Settings

ENCRYPTED = {
    "agree": ("各部门按策略审核计划", "owners hold the plan against their policy"),
    "begin": ("各部门核对全部批准与已封存的记录", "everybody checks all approvals and the sealed record"),
    "counts.encrypt": ("人数：本地统计、加密、承诺", "counts: local SQL, encryption, commitment"),
    "counts.collect": ("人数：收集密文", "counts: collecting ciphertexts"),
    "counts.multiply": ("人数：密文相乘", "counts: multiplying"),
    "counts.seal": ("人数：记录封存，查看撤回", "counts: the record is sealed; has anyone revoked?"),
    "counts.open": ("人数：门限打开给闸门", "counts: opened to the release gate"),
    "decide": ("闸门决定哪些组被抑制", "the release gate decides what is suppressed"),
    "sums.encrypt": ("合计：加密、承诺", "sums: encryption, commitment"),
    "sums.collect": ("合计：收集密文", "sums: collecting ciphertexts"),
    "sums.multiply": ("合计：密文相乘", "sums: multiplying"),
    "sums.seal": ("合计：记录封存，查看撤回", "sums: the record is sealed; has anyone revoked?"),
    "sums.open": ("合计：门限打开给申请方", "sums: opened to the analyst"),
    "end": ("完成", "done"),
}
MASKED = {
    "agree": ENCRYPTED["agree"],
    "begin": ENCRYPTED["begin"],
    "masks": ("各部门交换一次性掩码密钥", "departments exchange the keys of their masks"),
    "counts.mask": ("人数：本地统计、加掩码", "counts: local SQL, masking"),
    "counts.survivors": ("人数：各部门确认谁在场", "counts: everybody signs who is still there"),
    "counts.unmask": ("人数：解除合计的掩码，交给闸门", "counts: the sum is unmasked for the release gate"),
    "decide": ENCRYPTED["decide"],
    "sums.mask": ("合计：加掩码", "sums: masking"),
    "sums.survivors": ("合计：各部门确认谁在场", "sums: everybody signs who is still there"),
    "sums.unmask": ("合计：解除合计的掩码，交给申请方", "sums: the sum is unmasked for the analyst"),
    "end": ENCRYPTED["end"],
}
SCRIPT = {
    "agree": ENCRYPTED["agree"],
    "begin": ENCRYPTED["begin"],
    "script": ("脚本在数据所在部门的沙箱中运行", "the script runs in a sandbox beside the data"),
    "end": ENCRYPTED["end"],
}
STEPS: dict[str, dict[str, tuple[str, str]]] = {"paillier": ENCRYPTED, "masks": MASKED}
WORDS = {**ENCRYPTED, **MASKED, **SCRIPT}


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(query)


def query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(help="SELECT ...")] = "",
    purpose: Annotated[str, typer.Option(help="用途 · what it is for")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="只显示谁将看到什么 · only who would see what")] = False,
    name: Annotated[str, typer.Option("--as", help="以谁的身份 · who asks")] = DEFAULT,
    protection: Annotated[
        Protection, typer.Option(help="如何保护各部门的数 · what hides each department")
    ] = "paillier",
    resume: Annotated[str, typer.Option(help="继续此前的请求 q-… · go on with an earlier request")] = "",
) -> None:
    """密文统计查询：提交申请，等待审批，执行 · an encrypted query: ask, wait for the officers, run."""
    command = command_of(context)
    if bool(sql) == bool(resume):
        raise click.UsageError("SQL, or --resume q-…")
    settings = command.settings()
    if operate.status(command.home) is None:
        start(command, settings)
    analyst = operate.open_analyst(settings, command.home, name)
    if resume:
        with show_steps(command, resume, steps=None) as step:
            result = analyst.resume(resume, step)
    else:
        plan = analyst.plan(sql, purpose or ("EXPLAIN" if explain else ""), protection)
        if explain:
            _print_plan(command, settings, plan)
            return
        with show_steps(command, job_name(plan), steps=len(STEPS.get(plan.protection, WORDS))) as step:
            result = analyst.ask(plan, step)
    print_result(command, result)


def print_result(command: Command, result: Result) -> None:
    """Print an answer, or the object that machines read."""
    if command.json:
        print_json(_result_fields(result))
        return
    print_answer(command, result)
    if command.is_synthetic():
        command.out.print(Text(command.say("合成数据，无真实个人", "synthetic data, no real person"), style="dim"))


def _result_fields(result: Result) -> dict[str, object]:
    return {
        "columns": result.answer.columns,
        "rows": result.answer.rows,
        "suppressed_groups": len(result.answer.suppressed),
        "suppressed": result.answer.suppressed,
        "job": result.job,
        "seconds": result.seconds,
        "bytes": result.bytes,
        "steps": dict(result.steps),
    }


@contextlib.contextmanager
def show_steps(command: Command, job: str, *, steps: int | None) -> Iterator[Callable[[str], None]]:
    """Show how far a job is.

    Args:
        steps: how many there will be; None if that is not known.
    """

    def tell(name: str) -> None:
        if name.startswith("wait "):
            print_desks(command, job, name.split(" ")[1:])

    if command.json or not command.err.is_terminal:
        yield tell
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
    with Progress(*columns, console=command.err, transient=True) as progress:
        task = progress.add_task("", total=steps)

        def step(name: str) -> None:
            tell(name)
            if name in WORDS:
                progress.update(task, advance=1, description=command.say(*WORDS[name]))

        yield step


def print_answer(command: Command, result: Result) -> None:
    """Print the released rows and what was suppressed."""
    table = Table()
    first = result.answer.rows[0] if result.answer.rows else ()
    for index, column in enumerate(result.answer.columns):
        number = index < len(first) and isinstance(first[index], int | float)
        table.add_column(Text(column), justify="right" if number else "left", overflow="fold")
    for row in result.answer.rows:
        table.add_row(*(Text(_shown(cell)) for cell in row))
    command.out.print(table)
    count = len(result.answer.suppressed)
    if count:
        names = "、".join("/".join(group) for group in result.answer.suppressed[:8])
        command.out.print(command.say(f"{count} 个小组被抑制：{names}", f"{count} groups are suppressed: {names}"))
    command.out.print(
        command.say(
            f"作业 {result.job}，{result.seconds:.2f} 秒，收到 {result.bytes:,} 字节密封结果",
            f"job {result.job}, {result.seconds:.2f} s, {result.bytes:,} bytes of sealed result",
        ),
        style="dim",
    )


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.4f}"
    return f"{cell:,}" if isinstance(cell, int) else "null" if cell is None else str(cell)


def _print_plan(command: Command, settings: Settings, plan: SumPlan) -> None:
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
            f"计划 {plan.hash[:16]}…：{plan.local.group_count} 组 × {len(plan.local.measures)} 个量；"
            "数值先按公开界限截断。没有加噪，多次查询相减的风险仍在。",
            f"plan {plan.hash[:16]}…: {plan.local.group_count} groups x {len(plan.local.measures)} measures; values are"
            " clipped to public bounds. Without noise, answers to several queries can still be subtracted.",
        )
    )
