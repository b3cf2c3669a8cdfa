"""The record: its latest events, and the whole of it recomputed."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.text import Text

from federation import demo
from federation.audit.events import Event, read_event
from federation.audit.links import verify_links
from federation.audit.record import RecordReader
from federation.audit.verify import Verdict, verify_record
from federation.commands.frame import Command, command_of, print_json
from federation.governance.roster import Roster
from federation.governance.shelves import read_found, verify_shelves
from federation.runtime.epochs import ended_by, old_epochs

SCREEN_ZONE = ZoneInfo("Asia/Shanghai")

audit = typer.Typer(no_args_is_help=True, help="审计记录 · the record")


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(audit, name="audit")


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
    ended = [(RecordReader(folder), ended_by(folder)) for folder in old_epochs(command.home.path)]
    for record, _ in ended:
        verify_record(record)
    for folder in old_epochs(command.home.path):
        verify_shelves(folder)
    links = verify_links(ended, RecordReader(command.home.path))
    shelved = len(read_found(command.home.path))
    if command.json:
        epochs = [link._asdict() for link in links]
        print_json({"valid": True, **msgspec.to_builtins(verdict), "shelved": shelved, "ended_epochs": epochs})
        return
    _print_verdict(command, verdict)
    if shelved:
        command.out.print(
            command.say(
                f"✔ 各部门的 PySyft 目录与记录一致：{shelved} 份申请，状态与文件都相同",
                f"✔ the PySyft folders show what is on record: {shelved} requests, as they stand and with their files",
            ),
            style="green",
        )
    for link in links:
        command.out.print(
            command.say(
                f"✔ 第 {link.epoch} 纪元的日志完整（{link.size} 条），由本纪元 {link.parties} 方的首条记录接续",
                f"✔ the log of epoch {link.epoch} holds ({link.size} entries); {link.parties} parties of the next one"
                " go on from it",
            ),
            style="green",
        )


def _print_verdict(command: Command, verdict: Verdict) -> None:
    difference = verdict.ledger_bytes - verdict.counted_bytes
    lines = [
        (
            f"✔ 记录一致：{verdict.size} 条，{verdict.checkpoints} 个签名检查点，{verdict.departments} 个部门的账目，"
            f"{verdict.jobs} 个作业",
            f"✔ the record holds: {verdict.size} entries, {verdict.checkpoints} signed checkpoints, ledgers of"
            f" {verdict.departments} departments, {verdict.jobs} jobs",
        ),
        (
            f"封存到第 {verdict.sealed_size} 条：{verdict.sealed} 个检查点达法定数 {verdict.quorum}，"
            f"{len(verdict.witnesses)} 个部门见证；其后 {verdict.unsealed} 条尚未封存",
            f"sealed up to entry {verdict.sealed_size}: {verdict.sealed} checkpoints with the quorum of"
            f" {verdict.quorum}, {len(verdict.witnesses)} departments as witnesses; {verdict.unsealed} entries after it"
            " are not sealed yet",
        ),
        (
            f"批准 {verdict.granted} 份（自动 {verdict.automatic}），拒绝 {verdict.denied}，撤回 {verdict.revoked}；"
            f"未经批准的作业 {verdict.unapproved}",
            f"{verdict.granted} grants by officers ({verdict.automatic} automatic), {verdict.denied} denials,"
            f" {verdict.revoked} revocations; jobs without approval: {verdict.unapproved}",
        ),
        (
            f"账目 {verdict.ledger_bytes:,} 字节；回执 {verdict.receipt_bytes:,}，"
            f"尚待签收 {verdict.unreceipted_bytes:,}；代理计数 {verdict.counted_bytes:,}，差额 {difference:,}"
            + (f"（{verdict.unsent} 个已记账、进程被杀而未发出的帧）" if verdict.unsent else ""),
            f"ledgers {verdict.ledger_bytes:,} bytes; receipts {verdict.receipt_bytes:,}, not yet signed for"
            f" {verdict.unreceipted_bytes:,}; counted by the proxy {verdict.counted_bytes:,}, difference {difference:,}"
            + (f" ({verdict.unsent} frames recorded and, their process killed, never sent)" if verdict.unsent else ""),
        ),
    ]
    for number, line in enumerate(lines):
        command.out.print(Text(command.say(*line), style="green" if number == 0 else ""))
    command.out.print(f"root {verdict.root}", style="dim")
    command.out.print(
        command.say(
            "局限：三个计数器由同一团队写成，各部门在同一主机上；截去末尾要靠主机之外的树头：keyong evidence cards",
            "limits: three counters by one team, departments on one host; a cut tail shows only against a head held"
            " elsewhere: keyong evidence cards",
        ),
        style="dim",
    )
