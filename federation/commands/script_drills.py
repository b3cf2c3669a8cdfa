"""The table of the script's drills, for people."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from federation.commands.frame import Command
from federation.drills.script import Part, ScriptDrillReport, ScriptOutcome
from federation.drills.wording import Wording

PARTS: dict[Part, Wording] = {
    "reach": Wording("在沙箱里够什么", "what it tries to get at in the sandbox"),
    "bomb": Wording("耗尽什么（各跑一次）", "what it tries to use up, a run each"),
    "result": Wording(
        "拿结果做什么（同样的人，老实的结果都放行）",
        "what it makes of its result (an honest one of the same people leaves)",
    ),
}
SEEN: dict[Part, Wording] = {
    "reach": Wording("尝试数与内核的回答", "attempts, and the kernel's answers"),
    "bomb": Wording("结局与秒数", "how it ended, seconds"),
    "result": Wording("代码或现象", "code, or how it showed"),
}


def print_report(command: Command, report: ScriptDrillReport) -> None:
    """Print what was tried, what stopped it, and that it does succeed where nothing stops it."""
    for part in PARTS:
        command.out.print(_table(command, part, [one for one in report.outcomes if one.part == part]))
    expected = sum(one.expected for one in report.outcomes)
    missed = len(report.outcomes) - expected
    said = command.say(
        f"{report.attempts} 次尝试，{expected} 种攻击挡住 {report.stopped} 种；{missed} 种挡不住，照样列出；"
        f"这一形状的结果最多带出 {report.capacity_bits} 比特；{report.seconds} 秒",
        f"{report.attempts} attempts: {report.stopped} of {expected} attacks stopped; {missed} that nothing can stop"
        f" are listed as such; a result of this shape tells up to {report.capacity_bits} bits; {report.seconds} s",
    )
    command.out.print(Text(said, style="red" if report.failed else "green"))


def _table(command: Command, part: Part, outcomes: list[ScriptOutcome]) -> Table:
    table = Table(show_lines=False, title=_say(command, PARTS[part]), title_justify="left")
    headings = [Wording("攻击", "attack"), Wording("", ""), Wording("被什么挡住", "stopped by"), SEEN[part]]
    # Of results it is the same honest table each time.
    controls = [Wording("沙箱之外", "outside")] if part == "reach" else []
    for heading in (*headings, *controls):
        table.add_column(_say(command, heading), overflow="fold")
    for one in outcomes:
        stops = Text(_say(command, one.stops), style="" if one.expected else "dim")
        row = [Text(_say(command, one.title)), _mark(one), stops, Text(_seen(command, one))]
        table.add_row(*row, *(Text(_control(command, one)) for _ in controls))
    return table


def _mark(one: ScriptOutcome) -> Text:
    if not one.good:
        return Text("✖", style="red")
    return Text("✔", style="green") if one.expected else Text("○", style="yellow")


def _seen(command: Command, one: ScriptOutcome) -> str:
    if one.part != "reach":
        return one.seen if one.took is None else f"{one.seen}, {one.took:.2f} s"
    if one.came_through:
        return command.say("未挡住：", "came through: ") + ", ".join(one.came_through)
    return f"{one.tried}: {one.seen}"


def _control(command: Command, one: ScriptOutcome) -> str:
    """How many of the attempts that do no harm succeed where nothing stops them."""
    if one.control is None:
        return command.say("不试：有害", "not tried: harmful")
    return command.say("成功 ", "reached ") + f"{one.control.reached}/{one.control.tried}"


def _say(command: Command, wording: Wording) -> str:
    return command.say(wording.zh, wording.en)
