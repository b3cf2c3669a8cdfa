"""The command. Chinese by default, English with --lang en, one JSON object with --json.

Exit status: 0 only if what it says holds; 1 refused, failed or not so; 2 the command line is wrong; 130 interrupted.
The options --home, --config, --lang, --json and --debug may stand anywhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import click
import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from federation import demo, operate
from federation.adapters import conformance
from federation.adapters.checks import CHECKS, Store
from federation.analyst import DEFAULT, Result, job_name
from federation.audit.events import Event, read_event
from federation.audit.record import RecordReader
from federation.commands import officers
from federation.commands.frame import Command, command_of, print_json
from federation.errors import HomeError, KeyongError, SettingsError
from federation.governance.identity import write_whole
from federation.governance.roster import Roster
from federation.plan import Plan, in_unit
from federation.runtime.home import Home
from federation.settings import ColumnCard, Settings

SCREEN_ZONE = ZoneInfo("Asia/Shanghai")
DEFAULT_PORT = 8501
INTERRUPTED = 130

STEPS = {
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


app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Keyong 可用")
audit = typer.Typer(no_args_is_help=True, help="审计记录 · the record")
app.add_typer(audit, name="audit")
adapter = typer.Typer(no_args_is_help=True, help="数据适配器 · adapters")
app.add_typer(adapter, name="adapter")
officers.register(app)


@app.callback()
def options(
    context: typer.Context,
    home: Annotated[Path, typer.Option(help="联邦目录 · the federation's folder")] = Path(".keyong"),
    config: Annotated[Path | None, typer.Option(help="配置文件 · settings file")] = None,
    lang: Annotated[str, typer.Option(help="zh | en")] = "zh",
    json: Annotated[bool, typer.Option("--json", help="JSON")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="出错时显示调用栈 · show tracebacks")] = False,
) -> None:
    """数据可用不可见：各部门联合计算，原始数据不出域 · departments compute together on data none of them shows."""
    if lang not in ("zh", "en"):
        raise SettingsError("settings.language", language=lang)
    context.obj = Command(
        home=Home(home),
        config=config,
        language=lang,
        json=json,
        debug=debug,
        out=Console(highlight=False, soft_wrap=True),
        err=Console(stderr=True, highlight=False, soft_wrap=True),
    )


# -- up, down, status, reset ------------------------------------------------------------------------------------------


@app.command()
def up(context: typer.Context) -> None:
    """启动联邦 · start the federation."""
    command = command_of(context)
    settings = command.settings()
    if operate.status(command.home) is not None:
        raise HomeError("home.in_use", home=command.home.path)
    seconds = _start(command, settings)
    if command.json:
        print_json({"ready": True, "seconds": round(seconds, 2), "parties": len(settings.departments) + 1})
        return
    _print_parties(command, settings)


@app.command()
def down(context: typer.Context) -> None:
    """停止联邦 · stop the federation."""
    command = command_of(context)
    stopped = operate.down(command.home)
    if command.json:
        print_json({"stopped": stopped})
    else:
        command.out.print(command.say("已停止", "stopped") if stopped else command.say("没有在运行", "was not running"))


@app.command()
def status(context: typer.Context) -> None:
    """各方状态 · how the parties are; exit 1 if not all are ready."""
    command = command_of(context)
    said = operate.status(command.home)
    if command.json:
        print_json(said or {"ready": False, "parties": []})
    elif said is None:
        command.out.print(command.say("没有在运行；启动：keyong up", "not running; start it with keyong up"))
    else:
        _print_parties(command, None)
    parties = said["parties"] if said else []
    if not isinstance(parties, list) or not parties or any(party["state"] != "ready" for party in parties):
        raise typer.Exit(1)


@app.command()
def reset(context: typer.Context) -> None:
    """停止，并把整个目录移到一旁后重新开始；不删除任何内容 · stop and set the home aside; nothing is deleted."""
    command = command_of(context)
    operate.down(command.home)
    aside = None
    if command.home.exists():
        with command.home.lock():
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            aside = command.home.path.with_name(f"{command.home.path.name}-{stamp}")
            command.home.path.rename(aside)
    if command.json:
        print_json({"moved_to": str(aside) if aside else None})
    elif aside:
        command.out.print(command.say(f"原目录已移到 {aside}", f"the old home is now {aside}"))
    else:
        command.out.print(command.say("这里没有联邦", "there is no federation here"))


def _start(command: Command, settings: Settings) -> float:
    labels = settings.labels(command.language) | {"coordinator": command.say("协调方", "coordinator")}
    total = len(settings.departments) + 1
    if command.json or not command.err.is_terminal:
        return operate.up(settings, command.home)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=command.err, transient=True) as progress:
        task = progress.add_task(command.say("启动各方", "starting the parties"), total=total)
        return operate.up(
            settings,
            command.home,
            progress=lambda party: progress.update(task, advance=1, description=labels.get(party, party)),
        )


def _print_parties(command: Command, settings: Settings | None) -> None:
    said = operate.status(command.home)
    if said is None:
        raise HomeError("home.not_running")
    public = RecordReader(command.home.path).public()
    labels = public.labels if command.language == "zh" else public.labels_en
    zh, en = (
        ("部门", "状态", "发出", "收到", "内存", "重启"),
        ("party", "state", "sent", "received", "memory", "restarts"),
    )
    table = Table(title=public.name, title_justify="left")
    for index, pair in enumerate(zip(zh, en, strict=True)):
        table.add_column(command.say(*pair), justify="left" if index < 2 else "right")
    parties = said["parties"]
    for party in parties if isinstance(parties, list) else []:
        label = labels.get(party["name"], command.say("协调方", "the coordinator"))
        state = party["state"] + (f" ({party['code']})" if party["code"] else "")
        numbers = (f"{party['sent']:,} B", f"{party['received']:,} B", f"{party['rss_mb']} MB", str(party["restarts"]))
        table.add_row(label, state, *numbers)
    command.out.print(table)
    _print_isolation(command, public.unconfined, [labels[name] for name in public.networked])


def _print_isolation(command: Command, unconfined: str, networked: Sequence[str] = ()) -> None:
    if networked and not unconfined:
        names = command.say("、", ", ").join(networked)
        zh, en = f"仅进程隔离：{names}（经 TCP 访问数据库）", f"process isolation only: {names} (database over TCP)"
        command.out.print(Text(command.say(f"{zh}；其余各方如下", f"{en}; the others as follows"), style="yellow"))
    if unconfined:
        text = command.say(f"仅进程隔离：{unconfined}", f"process isolation only: {unconfined}")
        command.out.print(Text(text, style="yellow"))
    else:
        command.out.print(
            command.say(
                "各方隔离：独立网络命名空间（无网络）、仅见自己的目录；同一主机、同一团队，独立性为模拟",
                "isolation: own network namespace without network, own home only; one host, one team: simulated",
            )
        )


# -- catalogue and adapters -------------------------------------------------------------------------------------------


@app.command()
def catalogue(context: typer.Context) -> None:
    """数据目录：数据表、列、类型与允许的用途 · tables, columns, types and allowed uses."""
    command = command_of(context)
    settings = command.settings()
    if command.json:
        print_json({"hash": settings.catalogue.hash, **msgspec.to_builtins(settings.catalogue)})
        return
    labels = settings.labels(command.language)
    for card in settings.catalogue.tables:
        holders = command.say("、", ", ").join(labels[name] for name in card.departments)
        title = f"{card.name}  {command.say(card.label, card.label_en)}"
        table = Table(title=Text(title), caption=Text(holders), title_justify="left", caption_justify="left")
        for pair in (("列", "column"), ("含义", "meaning"), ("类型", "type"), ("允许的用途", "allowed uses"),
                     ("取值、分界点、界限", "values, cut points, bounds")):  # fmt: skip
            table.add_column(command.say(*pair), overflow="fold")
        for column in card.columns:
            unit = f" ({column.unit})" if column.unit else ""
            cells = (column.name, command.say(column.label, column.label_en) + unit, column.type)
            table.add_row(*map(Text, (*cells, " ".join(column.uses) or "-", _public_domain(column))))
        command.out.print(table)


def _public_domain(column: ColumnCard) -> str:
    """What everybody may know of a column's values, numbers in its own unit."""
    scale = column.as_column.scale
    parts = []
    if column.values:
        parts.append(" ".join(column.values))
    if column.cuts:
        parts.append(" < ".join(in_unit(cut, scale) if isinstance(cut, int) else cut for cut in column.cuts))
    if column.low is not None and column.high is not None:
        parts.append(f"[{in_unit(column.low, scale)}, {in_unit(column.high, scale)}]")
    return "; ".join(parts) or "-"


@adapter.command()
def check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="csv | … | ./mine.py:Class")],
    department: Annotated[str, typer.Option(help="部门：只读检查其真实数据表 · whose own table")] = "",
    table: Annotated[str, typer.Option(help="数据表 · its table")] = "",
) -> None:
    """按接口约定检查数据适配器 · hold an adapter against the contract."""
    command = command_of(context)
    file = Path(name.rpartition(":")[0]).resolve() if ".py:" in name else None
    store = None
    if department or table:
        store, file = _store_to_check(command, name, department, table)
    report = conformance.run(name, file, store)
    command.home.prepare()
    written = operate.conformance_report(command.home, name)
    written.parent.mkdir(exist_ok=True, mode=0o700)
    write_whole(written, msgspec.json.format(msgspec.json.encode(report), indent=1))
    if command.json:
        print_json(msgspec.to_builtins(report))
    else:
        _print_conformance(command, report, written)
    if not report.passed:
        raise typer.Exit(1)


def _store_to_check(command: Command, name: str, department: str, table: str) -> tuple[Store, Path | None]:
    settings = command.settings()
    owners = (owner for owner in settings.departments if owner.name == department)
    stores = (store for owner in owners for store in owner.stores if store.table == table and store.adapter == name)
    store, card = next(stores, None), settings.catalogue.table(table)
    if store is None or card is None:
        raise SettingsError("settings.adapter_table", department=department or "?", table=table or "?", adapter=name)
    folder = command.home.party(department)
    command.home.prepare()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    checked = Store(
        subject=f"{department}/{table}",
        settings=store.options,
        columns=store.columns,
        query=conformance.general_query(card),
        folder=str(folder),
    )
    return checked, store.code_file


def _print_conformance(command: Command, report: conformance.Report, written: Path) -> None:
    subject = command.say("虚构数据", "made-up rows") if report.subject == "specimens" else report.subject
    table = Table(title=Text(f"{report.adapter}  {subject}"), title_justify="left")
    for index, pair in enumerate((("检查", "check"), ("", ""), ("秒", "seconds"), ("说明", "found"))):
        table.add_column(command.say(*pair), justify="right" if index == 2 else "left", overflow="fold")
    for outcome in report.outcomes:
        zh, en, *_ = CHECKS[outcome.check]
        mark, style = {True: ("✔", "green"), False: ("✖", "red"), None: ("–", "dim")}[outcome.passed]
        seconds = f"{outcome.seconds:.2f}" if outcome.seconds else ""
        table.add_row(command.say(zh, en), Text(mark, style=style), seconds, Text(command.say(outcome.zh, outcome.en)))
    command.out.print(table)
    said = command.say(
        "符合约定" if report.passed else "不符合约定", "conforms" if report.passed else "does not conform"
    )
    command.out.print(Text(f"{said}  {report.seconds:.1f} s  {written}", style="green" if report.passed else "red"))


# -- query ------------------------------------------------------------------------------------------------------------


@app.command()
def query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(help="SELECT ...")] = "",
    purpose: Annotated[str, typer.Option(help="用途 · what it is for")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="只显示谁将看到什么 · only who would see what")] = False,
    name: Annotated[str, typer.Option("--as", help="以谁的身份 · who asks")] = DEFAULT,
    resume: Annotated[str, typer.Option(help="继续此前的请求 q-… · go on with an earlier request")] = "",
) -> None:
    """密文统计查询：提交申请，等待审批，执行 · an encrypted query: ask, wait for the officers, run."""
    command = command_of(context)
    if bool(sql) == bool(resume):
        raise SettingsError("settings.usage", reason="SQL, or --resume q-…")
    settings = command.settings()
    if operate.status(command.home) is None:
        _start(command, settings)
    analyst = operate.open_analyst(settings, command.home, name)
    if resume:
        with _progress(command, resume) as step:
            result = analyst.resume(resume, step)
    else:
        plan = analyst.plan(sql, purpose or ("EXPLAIN" if explain else ""))
        if explain:
            _print_plan(command, settings, plan)
            return
        with _progress(command, job_name(plan)) as step:
            result = analyst.ask(plan, step)
    if command.json:
        print_json(_result_fields(result))
        return
    _print_answer(command, result)
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
def _progress(command: Command, job: str) -> Iterator[Callable[[str], None]]:
    """Show how far a job is; on whose desk it lies is said in any case, since somebody has to act."""

    def tell(name: str) -> None:
        if name.startswith("wait "):
            _print_desks(command, job, name.split(" ")[1:])

    if command.json or not command.err.is_terminal:
        yield tell
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
    with Progress(*columns, console=command.err, transient=True) as progress:
        task = progress.add_task("", total=len(STEPS))

        def step(name: str) -> None:
            tell(name)
            if name in STEPS:
                progress.update(task, advance=1, description=command.say(*STEPS[name]))

        yield step


def _print_desks(command: Command, job: str, desks: Sequence[str]) -> None:
    command.err.print(
        Text(
            command.say(
                f"请求 {job} 等待审批：{'、'.join(desks)}。批准：keyong approve {job} --as officer@{desks[0]}"
                f"；可按 Ctrl-C 离开，之后 keyong query --resume {job}",
                f"request {job} lies on the desks of {', '.join(desks)}. To approve: keyong approve {job} --as"
                f" officer@{desks[0]}; Ctrl-C leaves it there, go on later with keyong query --resume {job}",
            ),
            style="yellow",
        )
    )


def _print_answer(command: Command, result: Result) -> None:
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


def _print_plan(command: Command, settings: Settings, plan: Plan) -> None:
    if command.json:
        fields = {
            "plan": msgspec.to_builtins(plan),
            "hash": plan.hash,
            "visibility": msgspec.to_builtins(plan.visibility()),
        }
        print_json(fields)
        return
    labels = settings.labels(command.language)
    labels |= {"coordinator": command.say("协调方", "coordinator"), plan.requester: command.say("申请方", "analyst")}
    table = Table(title=command.say("谁将看到什么", "who will see what"), title_justify="left")
    for column in (
        command.say("参与方", "party"),
        command.say("看到", "sees"),
        command.say("可读数值", "readable numbers"),
    ):
        table.add_column(column, justify="right" if column.endswith(("数值", "numbers")) else "left")
    for sight in plan.visibility():
        table.add_row(
            " ".join(dict.fromkeys((labels.get(sight.party, sight.party), sight.party))),
            command.say(sight.zh, sight.en),
            str(sight.numbers),
        )
    command.out.print(table)
    command.out.print(
        command.say(
            f"计划 {plan.hash[:16]}…：{plan.local.group_count} 组 × {len(plan.local.measures)} 个量；"
            f"密钥份额 {plan.threshold}/{len(plan.holders)}；数值先按公开界限截断。没有加噪，多次查询相减的风险仍在。",
            f"plan {plan.hash[:16]}…: {plan.local.group_count} groups x {len(plan.local.measures)} measures; key shares"
            f" {plan.threshold} of {len(plan.holders)}; values are clipped to public bounds. Without noise, answers to"
            " several queries can still be subtracted.",
        )
    )


# -- audit ------------------------------------------------------------------------------------------------------------


@audit.command()
def tail(
    context: typer.Context,
    lines: Annotated[int, typer.Option("-n", help="最后几条 · how many")] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="持续显示 · keep following")] = False,
) -> None:
    """最近的审计事件 · the latest events."""
    command = command_of(context)
    record = RecordReader(command.home.path)
    signers = Roster.from_bytes(command.home.roster.read_bytes()).signers
    start = max(0, record.size() - max(lines, 0))
    while True:
        for index, entry in enumerate(record.entries(start), start):
            event = read_event(entry, signers)
            if command.json:
                sys.stdout.write(json.dumps({"index": index, **msgspec.to_builtins(event)}, ensure_ascii=False) + "\n")
            else:
                command.out.print(_event_line(command, index, event))
            start = index + 1
        if not follow:
            return
        sys.stdout.flush()
        time.sleep(0.3)  # there is nothing to wait on: the log is a file of another process


def _event_line(command: Command, index: int, event: Event) -> Text:
    at = datetime.fromisoformat(event.time).astimezone(SCREEN_ZONE).strftime("%m-%d %H:%M:%S")
    data = " ".join(f"{k}={str(v)[:16]}" for k, v in sorted(event.data.items()))
    line = Text(f"{index:>6} ")
    line.append(f"{at} {command.say('北京时间', 'Beijing time')} ", style="dim")
    line.append(f"{event.actor.name}({event.actor.role}) ", style="cyan")
    line.append(f"{event.type} ", style="bold")
    return line.append(f"{event.job} {data}")


@audit.command()
def verify(context: typer.Context) -> None:
    """从原始条目重算全部记录 · recompute the whole record."""
    command = command_of(context)
    verdict = demo.verify_settled(command.home)
    if command.json:
        print_json({"valid": True, **msgspec.to_builtins(verdict)})
        return
    command.out.print(
        Text(
            command.say(
                f"✔ 记录一致：{verdict.size} 条，{verdict.checkpoints} 个签名检查点，"
                f"{verdict.departments} 个部门的账目，{verdict.jobs} 个作业",
                f"✔ the record holds: {verdict.size} entries, {verdict.checkpoints} signed checkpoints, ledgers of "
                f"{verdict.departments} departments, {verdict.jobs} jobs",
            ),
            style="green",
        )
    )
    difference = verdict.ledger_bytes - verdict.counted_bytes
    command.out.print(
        command.say(
            f"账目 {verdict.ledger_bytes:,} 字节，代理计数 {verdict.counted_bytes:,} 字节，差额 {difference:,}"
            + (f"（{verdict.unsent} 个已记账、进程被杀而未发出的帧）" if verdict.unsent else ""),
            f"ledgers {verdict.ledger_bytes:,} bytes, counted by the proxy {verdict.counted_bytes:,},"
            f" difference {difference:,}"
            + (f" ({verdict.unsent} frames recorded and, their process killed, never sent)" if verdict.unsent else ""),
        )
    )
    command.out.print(f"root {verdict.root}", style="dim")
    command.out.print(
        command.say(
            "局限：协调方与全部部门合谋删去末尾时，此处看不出；需要外部见证（尚未建成）。",
            "limit: a coordinator and all departments together could drop the tail unseen; outside witnesses are not"
            " built yet.",
        ),
        style="dim",
    )


# -- dashboard and demo -----------------------------------------------------------------------------------------------


@app.command()
def dashboard(context: typer.Context, port: Annotated[int, typer.Option(help="端口 · port")] = DEFAULT_PORT) -> None:
    """在本机提供仪表盘 · serve the dashboard on loopback."""
    command = command_of(context)
    _serve(command, port)


def _serve(command: Command, port: int) -> None:
    from dashboard.server import serve

    serve(command.home.path, port=port, language=command.language)


@app.command(name="demo")
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
        _print_answer(self._command, result)
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
    _print_isolation(command, "" if report.isolation == "confined" else report.isolation)
    command.out.print(
        command.say(
            f"合成数据，{report.citizens:,} 居民；启动 {report.start_seconds} 秒，全程 {report.seconds} 秒",
            f"synthetic data, {report.citizens:,} citizens; start {report.start_seconds} s, in all {report.seconds} s",
        ),
        style="dim",
    )


# -- the end of every command -----------------------------------------------------------------------------------------


def _gather_global_options(arguments: Sequence[str]) -> list[str]:
    """Move the global options to the front, where they may stand anywhere."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return [*front, *rest, word, *words]
        if word in ("--json", "--debug"):
            front.append(word)
        elif word in ("--home", "--config", "--lang"):
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word.startswith(("--home=", "--config=", "--lang=")):
            front.append(word)
        else:
            rest.append(word)
    return [*front, *rest]


def main() -> NoReturn:
    """Run the command."""
    arguments = _gather_global_options(sys.argv[1:])
    _speak_utf8()
    language = "en" if ("--lang", "en") in pairwise(arguments) or "--lang=en" in arguments else "zh"
    if sys.version_info < (3, 11) or sys.version_info >= (3, 13):
        _stop(SettingsError("settings.python", found=".".join(map(str, sys.version_info[:2]))), language, arguments)
    try:
        status = app(arguments, standalone_mode=False)  # without standalone mode an Exit comes back as its number
        if status == INTERRUPTED:  # how typer passes a Ctrl-C on
            raise KeyboardInterrupt
    except KeyongError as error:
        if "--debug" in arguments:
            raise
        _stop(error, language, arguments)
    except click.ClickException as error:
        _stop(SettingsError("settings.usage", reason=error.format_message()), language, arguments, status=2)
    except (KeyboardInterrupt, click.Abort):
        _stop(SettingsError("settings.interrupted"), language, arguments, status=INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except Exception as error:
        if "--debug" in arguments:
            raise
        _stop(HomeError("home.internal", kind=type(error).__name__), language, arguments)
    raise SystemExit(status if isinstance(status, int) else 0)


def _speak_utf8() -> None:
    """Chinese must come out whole under LANG=C too."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")


def _stop(error: KeyongError, language: str, arguments: Sequence[str], status: int = 1) -> NoReturn:
    if "--json" in arguments:
        print_json({"code": error.code, "message": error.message(language), "next": error.next_step(language)})
    else:
        mark = "错误" if language == "zh" else "error"
        tip = "下一步" if language == "zh" else "next"
        sys.stderr.write(f"{mark} [{error.code}] {error.message(language)}\n{tip}: {error.next_step(language)}\n")
    raise SystemExit(status)
