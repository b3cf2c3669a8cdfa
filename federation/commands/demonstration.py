"""The demonstration on a terminal, and the dashboard."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from federation import demo, operate
from federation.commands.frame import Command, command_of, print_json
from federation.commands.running import print_isolation
from federation.commands.telling import telling_on

DEFAULT_PORT = 8501
PROMISES = {
    "usable": ("可用", "usable"),
    "invisible": ("不可见", "not visible"),
    "controllable": ("可控", "controllable"),
    "auditable": ("可查", "auditable"),
}
MISSING_ZH = {
    "receipts signed by receivers": "接收方签名回执",
    "fingerprints of raw cells": "原始单元格指纹检测",
    "officers' approvals": "安全管理员审批",
    "revocation": "撤销",
    "departments as witnesses": "部门见证共签",
    "evidence bundle": "证据包",
}


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(dashboard)
    app.command(name="demo")(run_demo)


def dashboard(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="端口 · port")] = DEFAULT_PORT,
    origin: Annotated[str, typer.Option(help="反向代理的 https://… 地址 · the reverse proxy's origin")] = "",
) -> None:
    """在本机提供仪表盘 · serve the dashboard on loopback."""
    _serve(command_of(context), port, origin)


def _serve(command: Command, port: int, origin: str = "") -> None:
    from dashboard.server import serve

    serve(command.home.path, port=port, language=command.language, origin=origin)


def run_demo(
    context: typer.Context,
    serve: Annotated[bool, typer.Option(help="结束后提供仪表盘 · then serve the dashboard")] = True,
    citizens: Annotated[int, typer.Option(help="合成城市居民数 · citizens")] = demo.CITIZENS,
    port: Annotated[int, typer.Option(help="端口 · port")] = DEFAULT_PORT,
) -> None:
    """完整演示 · the whole story on the synthetic city."""
    command = command_of(context)
    was_running = operate.status(command.home) is not None
    serving = serve and not command.json and sys.stdout.isatty()
    try:
        report = demo.run(command.home, citizens=citizens, teller=telling_on(command))
        if command.json:
            print_json(msgspec.to_builtins(report))
        else:
            _print_promises(command, report)
        if serving:
            _serve(command, port)
    finally:
        if not was_running:
            operate.down(command.home)
    if report.failed:
        raise typer.Exit(1)


def _print_promises(command: Command, report: demo.Report) -> None:
    command.out.print(Text(command.say("\n四项承诺", "\nthe four promises"), style="bold"))
    for key, promise in report.promises.items():
        name = command.say(*PROMISES[key])
        figure = command.say(promise.figure_zh, promise.figure)
        name += command.say("：", ": ")
        if promise.holds:
            command.out.print(Text(f"   ✔ {name}{figure}", style="green"))
        elif promise.reason == "not built":
            missing = command.say("、".join(MISSING_ZH[m] for m in promise.missing), ", ".join(promise.missing))
            note = command.say(
                f"（尚未建成：{missing}，因此不声称成立）", f" (not built: {missing}; so it is not claimed)"
            )
            command.out.print(Text(f"   ○ {name}{figure}{note}", style="yellow"))
        else:
            command.out.print(Text(f"   ✖ {name}{figure} — {promise.reason}", style="red"))
    print_isolation(command, "" if report.isolation == "confined" else report.isolation)
    command.out.print(
        command.say(
            f"合成数据，{report.citizens:,} 居民；启动 {report.start_seconds} 秒，全程 {report.seconds} 秒",
            f"synthetic data, {report.citizens:,} citizens; start {report.start_seconds} s, in all {report.seconds} s",
        ),
        style="dim",
    )
