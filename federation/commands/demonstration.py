"""The demonstration on a terminal, and the dashboard."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from federation import demo, operate
from federation.analyst import Result
from federation.commands.frame import Command, command_of, print_json
from federation.commands.query import print_answer
from federation.commands.running import print_isolation
from federation.drills.record import DrillReport
from federation.errors import KeyongError

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


def dashboard(context: typer.Context, port: Annotated[int, typer.Option(help="端口 · port")] = DEFAULT_PORT) -> None:
    """在本机提供仪表盘 · serve the dashboard on loopback."""
    command = command_of(context)
    _serve(command, port)


def _serve(command: Command, port: int) -> None:
    from dashboard.server import serve

    serve(command.home.path, port=port, language=command.language)


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
        report = demo.run(command.home, citizens=citizens, teller=_Teller(command))
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


class _Teller:
    """Tells the demonstration on the terminal; silent for --json."""

    def __init__(self, command: Command) -> None:
        self._command, self._stage = command, 0

    def _print(self, zh: str, en: str, style: str = "") -> None:
        if not self._command.json:
            self._command.out.print(Text(self._command.say(zh, en), style=style))

    def stage(self, zh: str, en: str) -> None:
        self._stage += 1
        self._print(f"\n{self._stage}. {zh}", f"\n{self._stage}. {en}", "bold")

    def ready(self, party: str) -> None:
        self._print(f"   ✔ {party} 就绪", f"   ✔ {party} is ready", "green")

    def asked(self, question: demo.Question, result: Result | None, asked: demo.Asked) -> None:
        if self._command.json:
            return
        self._print(f"\n   {question.zh}", f"\n   {question.en}")
        self._command.out.print(Text(f"   {question.sql}", style="dim"))
        if result is None:
            self._print(
                "   每个组都低于最小分组，闸门没有发布", "   every group is too small; the release gate let nothing out"
            )
            return
        print_answer(self._command, result)
        if asked.different:
            self._print(f"   ✖ {asked.different} 个数值与明文不同", f"   ✖ {asked.different} numbers differ", "red")
        else:
            self._print(
                f"   ✔ {asked.compared} 个数值与明文答案一致",
                f"   ✔ {asked.compared} numbers equal the clear answer",
                "green",
            )

    def refused(self, refusal: demo.Refusal, error: KeyongError | None) -> None:
        if error is None:
            self._print(f"   ✖ 未被拒绝：{refusal.zh}", f"   ✖ not refused: {refusal.en}", "red")
            return
        self._print(f"   ✔ 已拒绝：{refusal.zh}", f"   ✔ refused: {refusal.en}", "green")
        language = self._command.language
        self._print(f"     {error.message(language)}", f"     {error.message(language)}", "dim")

    def stopped(self, stopped: demo.Stopped, error: KeyongError | None) -> None:
        if error is None:
            self._print(f"   ✖ 未中止：{stopped.sql}", f"   ✖ not stopped: {stopped.sql}", "red")
            return
        language = self._command.language
        after = f"（{stopped.seconds} 秒）", f" ({stopped.seconds} s)"
        self._print(f"   ✔ {error.message(language)}{after[0]}", f"   ✔ {error.message(language)}{after[1]}", "green")

    def drilled(self, report: DrillReport) -> None:
        attacks = sum(one.expected for one in report.outcomes)
        style = "red" if report.failed else "green"
        mark = "✖" if report.failed else "✔"
        self._print(
            f"   {mark} {attacks} 次攻击发现 {report.caught} 次；另有 {report.missed} 次本来就发现不了："
            "keyong drill record 逐项列出",
            f"   {mark} {report.caught} of {attacks} attacks caught; {report.missed} that nothing can catch:"
            " keyong drill record lists them all",
            style,
        )

    def handed_over(self, handed: demo.HandedOver) -> None:
        self._print(
            f"   证据包 {handed.bundle}（{handed.bytes:,} 字节）", f"   bundle {handed.bundle} ({handed.bytes:,} bytes)"
        )
        self._print(f"   部门名片 {handed.cards}", f"   departments' cards {handed.cards}")
        mark, style = ("✔", "green") if handed.accepted else ("✖", "red")
        self._print(f"   {mark} {handed.said}", f"   {mark} {handed.said}", style)


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
