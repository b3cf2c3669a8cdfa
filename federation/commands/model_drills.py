"""The table of the model's drills, for people."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from federation.commands.frame import Command
from federation.drills.model import ModelDrillReport, ModelOutcome, Wording

HEADINGS = (
    Wording("攻击", "attack"),
    Wording("指标", "measured"),
    Wording("防护", "protection"),
    Wording("关", "off"),
    Wording("开", "on"),
    Wording("", ""),
    Wording("为什么；代价；局限", "why; price; limit"),
)


def print_report(command: Command, report: ModelDrillReport) -> None:
    """Print what was tried, how far it came with the protection off and on, and what stopped it."""
    table = Table(show_lines=True)
    for heading in HEADINGS:
        table.add_column(_say(command, heading), overflow="fold")
    for one in report.outcomes:
        table.add_row(
            _say(command, one.title),
            _say(command, one.metric),
            _say(command, one.protection),
            Text(f"{one.off:.2f}", style="red" if one.succeeded else "dim"),
            Text(f"{one.on:.2f}", style="green" if one.stopped else "yellow"),
            _mark(one),
            _reasons(command, one),
        )
    command.out.print(table)
    stoppable = sum(one.expected for one in report.outcomes)
    missed = len(report.outcomes) - stoppable
    said = command.say(
        f"{stoppable} 种攻击挡住 {report.stopped} 种；{missed} 种该防护本来就挡不住，照样列出；{report.seconds} 秒",
        f"{report.stopped} of {stoppable} attacks stopped; {missed} that the protection cannot stop are listed as such;"
        f" {report.seconds} s",
    )
    command.out.print(Text(said, style="red" if report.failed else "green"))


def _mark(one: ModelOutcome) -> Text:
    if not one.good:
        return Text("✖", style="red")
    return Text("✔", style="green") if one.expected else Text("○", style="yellow")


def _reasons(command: Command, one: ModelOutcome) -> Text:
    text = Text(_say(command, one.stops))
    for more in (one.cost, one.limit):
        if more is not None:
            text.append(f"\n{_say(command, more)}", style="dim")
    return text


def _say(command: Command, wording: Wording) -> str:
    return command.say(wording.zh, wording.en)
