"""`keyong evidence indicators`: figures worked out from the record, with what they rest on and do not prove."""

from __future__ import annotations

import sys

import typer
from rich.table import Table
from rich.text import Text

from federation import demo
from federation.audit.indicators.compute import to_json
from federation.audit.indicators.gather import figures, read_plans
from federation.audit.indicators.values import Clause, Indicator, Measure, Spans, Words
from federation.audit.record import RecordReader
from federation.commands.frame import Command, command_of

STATUSES = {
    "met": ("达到", "met", "green"),
    "not met": ("未达到", "not met", "red"),
    "not measured": ("未测", "not measured", "yellow"),
    "not applicable": ("不适用", "not applicable", "dim"),
}
TO_CHECK = {
    "title": (
        "仅见标题，须与官方文本核对",
        "title only, check against the official text",
    ),
    "memory": ("凭记忆，须与官方文本核对", "from memory, check against the official text"),
}
# More runs of entries, or measures, than this are told by their number: all of them are in the JSON.
RUNS_SHOWN, MEASURES_SHOWN = 4, 10


def indicators(context: typer.Context) -> None:
    """可量化指标：公式、阈值、数值、依据、局限 · figures with formula, threshold, value, evidence and limits."""
    command = command_of(context)
    verdict = demo.verify_settled(command.home)
    home = command.home.path
    found = figures(RecordReader(home), verdict=verdict, plans=read_plans(home))
    if command.json:
        sys.stdout.write(to_json(found).decode() + "\n")
        return
    _print(command, found)


def _print(command: Command, found: tuple[Indicator, ...]) -> None:
    table = Table(show_lines=True)
    for zh, en in (("指标", "indicator"), ("数值与阈值", "value and threshold"), ("依据与局限", "evidence and limits")):
        table.add_column(command.say(zh, en), overflow="fold")
    for indicator in found:
        table.add_row(_what(command, indicator), _value(command, indicator), _basis(command, indicator))
    command.out.print(table)
    command.out.print(
        command.say(
            "以上为“可提供的证据”，不是合规结论：等级保护测评与密码应用安全性评估由有资质的机构对已部署系统进行。"
            "演示中全部部门在一台机器上由一个团队运行，为模拟。",
            "this is evidence available for the clauses named, not a finding of compliance: evaluations are made on a"
            " deployed system by licensed bodies. In this demonstration one team runs all departments on one machine:"
            " they are simulated.",
        ),
        style="dim",
    )


def _say(command: Command, words: Words) -> str:
    return command.say(words.zh, words.en)


def _what(command: Command, indicator: Indicator) -> Text:
    definition = indicator.definition
    text = Text(_say(command, definition.name), style="bold")
    text.append(f"\n{definition.id}", style="dim not bold")
    if not definition.clauses:
        text.append("\n" + command.say("自定指标，不对应条款", "our own measure, no clause"), style="dim not bold")
    for clause in definition.clauses:
        text.append("\n" + command.say("可为此提供证据：", "evidence available for: "), style="not bold")
        text.append(_clause(command, clause), style="not bold")
    return text


def _clause(command: Command, clause: Clause) -> str:
    if clause.mark == "source":
        source = _say(command, clause.source)
        mark = command.say(f"读自{source}，非官方文本", f"read in {source}")
    else:
        mark = command.say(*TO_CHECK[clause.mark])
    return _say(command, clause.name) + command.say(f"【{mark}】", f" [{mark}]")


def _value(command: Command, indicator: Indicator) -> Text:
    finding = indicator.finding
    zh, en, style = STATUSES[finding.status]
    text = Text(command.say(zh, en), style=f"bold {style}")
    if finding.reason.en:
        text.append(command.say("：", ": ") + _say(command, finding.reason), style="not bold default")
    for measure in finding.measures[:MEASURES_SHOWN]:
        text.append(f"\n{_measure(command, measure)}", style="not bold default")
    more = len(finding.measures) - MEASURES_SHOWN
    if more > 0:
        text.append(
            "\n" + command.say(f"…… 另有 {more} 项，见 --json", f"... {more} more in --json"), style="not bold dim"
        )
    threshold = _say(command, indicator.definition.threshold)
    text.append("\n" + command.say(f"阈值：{threshold}", f"threshold: {threshold}"), style="not bold dim")
    return text


def _measure(command: Command, measure: Measure) -> str:
    value = f"{measure.value:,}" if isinstance(measure.value, int) else measure.value
    share = ""
    if measure.of is not None:
        value += f" / {measure.of:,}"
        share = f" = {100 * int(measure.value) / measure.of:.1f} %" if measure.of else ""
    unit = f" {measure.unit}" if measure.unit else ""
    return _say(command, measure.what) + command.say("：", ": ") + value + unit + share


def _basis(command: Command, indicator: Indicator) -> Text:
    definition, finding = indicator.definition, indicator.finding
    lines = [command.say("公式：", "formula: ") + _say(command, definition.formula)]
    if finding.entries:
        lines.append(command.say("条目：", "entries: ") + _runs(command, finding.entries))
    lines.append(command.say("重算：", "recompute: ") + definition.command)
    lines.append(command.say("局限：", "limits: ") + _say(command, definition.limits))
    text = Text("\n".join(lines))
    if finding.against:
        text.append(
            command.say("\n不符的条目：", "\nentries against it: ") + _runs(command, finding.against), style="red"
        )
    return text


def _runs(command: Command, runs: Spans) -> str:
    shown = ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in runs[:RUNS_SHOWN])
    if len(runs) <= RUNS_SHOWN:
        return shown
    total = sum(last - first + 1 for first, last in runs)
    return shown + command.say(f" …… 共 {total} 条", f" ... {total} in all")
