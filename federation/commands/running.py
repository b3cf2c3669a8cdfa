"""Commands that start, stop and look at a federation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from federation import evidence, operate
from federation.audit.record import Public, RecordReader
from federation.commands.frame import Command, command_of, print_json
from federation.errors import HomeError, RecordError
from federation.settings import Settings


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (up, down, status, reset):
        app.command()(command)


def up(
    context: typer.Context,
    runtime: Annotated[
        operate.Runtime | None,
        typer.Option(help="消息由谁传递；默认与上次相同，`down` 之后为 local · what carries the messages"),
    ] = None,
) -> None:
    """启动联邦 · start the federation."""
    command = command_of(context)
    settings = command.settings()
    if operate.status(command.home) is not None:
        raise HomeError("home.in_use", home=command.home.path)
    seconds = start(command, settings, runtime)
    if command.json:
        parties = len(settings.departments) + 1
        print_json(
            {
                "ready": True,
                "seconds": round(seconds, 2),
                "parties": parties,
                "runtime": operate.remembered_runtime(command.home),
            }
        )
        return
    _print_parties(command, settings)


def down(context: typer.Context) -> None:
    """停止联邦 · stop the federation."""
    command = command_of(context)
    stopped = operate.down(command.home)
    if command.json:
        print_json({"stopped": stopped})
    else:
        command.out.print(command.say("已停止", "stopped") if stopped else command.say("没有在运行", "was not running"))


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


def reset(context: typer.Context) -> None:
    """停止，导出证据，把整个目录移到一旁；不删除任何内容 · stop, export, set the home aside; nothing is deleted."""
    command = command_of(context)
    operate.seal(command.home)
    operate.down(command.home)
    if not command.home.exists():
        _tell_reset(command, aside=None, bundle=None, reason="")
        return
    with command.home.lock():
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        aside = command.home.path.with_name(f"{command.home.path.name}-{stamp}")
        bundle, reason = None, ""
        try:
            bundle = evidence.export(command.home, aside.with_name(f"{aside.name}-evidence")).archive
        except RecordError as error:
            # Nothing is sealed yet, or an older Keyong wrote it: the home itself is kept whole in any case.
            reason = error.message(command.language)
        command.home.path.rename(aside)
    _tell_reset(command, aside=aside, bundle=bundle, reason=reason)


def _tell_reset(command: Command, *, aside: Path | None, bundle: str | None, reason: str) -> None:
    if command.json:
        print_json({"moved_to": str(aside) if aside else None, "bundle": bundle})
        return
    if aside is None:
        command.out.print(command.say("这里没有联邦", "there is no federation here"))
        return
    if bundle:
        command.out.print(command.say(f"证据包 {bundle}", f"the evidence is in {bundle}"))
    else:
        command.out.print(command.say(f"未导出证据包：{reason}", f"no bundle was written: {reason}"))
    command.out.print(command.say(f"原目录已移到 {aside}", f"the old home is now {aside}"))


def start(command: Command, settings: Settings, runtime: operate.Runtime | None = None) -> float:
    """Start a federation, showing who is ready."""
    labels = settings.labels(command.language) | {"coordinator": command.say("协调方", "coordinator")}
    total = len(settings.departments) + 1
    if command.json or not command.err.is_terminal:
        return operate.up(settings, command.home, runtime=runtime)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=command.err, transient=True) as progress:
        task = progress.add_task(command.say("启动各方", "starting the parties"), total=total)
        return operate.up(
            settings,
            command.home,
            runtime=runtime,
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
    if public.runtime == "flower":
        _print_carriers(command, said["carriers"], public)
    print_isolation(command, public.unconfined, [labels[name] for name in public.networked])


def _print_carriers(command: Command, carriers: object, public: Public) -> None:
    """Say what carries the messages, and what of it is counted."""
    listed = carriers if isinstance(carriers, list) else []
    memory = sum(carrier["rss_mb"] for carrier in listed)
    there = sum(carrier["state"] == "ready" for carrier in listed)
    zh = f"运行方式：Flower，SuperLink 与各部门的 SuperNode，TLS 与节点认证；{there}/{len(listed)} 就绪，共 {memory} MB"
    en = f"runtime: Flower, a SuperLink and a SuperNode each, TLS and node keys; {there}/{len(listed)} up, {memory} MB"
    command.out.print(command.say(zh, en))
    zh = "字节仍在各部门的门口计数；SuperNode 与 SuperLink 之间的 HTTPS 不计：其中没有未经门口的内容"
    en = "bytes are counted at each department's door as ever; the HTTPS behind it is not: all in it came by that door"
    command.out.print(command.say(zh, en))
    zh, en = "只有回环的独立网络", "a network of their own that has only a loopback"
    if public.unconfined or public.networked:
        zh, en = "本机的网络，只监听回环", "this machine's network, and listen on its loopback only"
    who = command.say("协调方、SuperLink、SuperNode 在", "coordinator, SuperLink and SuperNodes are in ")
    command.out.print(f"{who}{command.say(zh, en)}")


def print_isolation(command: Command, unconfined: str, networked: Sequence[str] = ()) -> None:
    """Say how the parties are kept apart, and why not better."""
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
