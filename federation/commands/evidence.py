"""Commands that make evidence for outside: the bundle, the cards that departments hand out, and checking a bundle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from federation import evidence, operate
from federation.commands.frame import command_of, print_json
from federation.commands.indicators import indicators
from federation.errors import RecordError

bundle = typer.Typer(no_args_is_help=True, help="证据：导出、核验、指标 · evidence: export, verify, indicators")

Out = Annotated[Path | None, typer.Option(help="写到哪里 · where to write it")]


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    bundle.command()(indicators)
    app.add_typer(bundle, name="evidence")


@bundle.command()
def export(context: typer.Context, out: Out = None) -> None:
    """导出证据包（文件夹与 .zip），可离线核验 · write a bundle that can be checked offline."""
    command = command_of(context)
    operate.seal(command.home)
    folder = out or Path(f"keyong-evidence-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    exported = evidence.export(command.home, folder)
    if command.json:
        print_json(msgspec.to_builtins(exported))
        return
    command.out.print(
        Text(
            command.say(
                f"✔ {exported.archive}（{exported.bytes:,} 字节）：{exported.entries} 条，"
                f"{exported.checkpoints} 个封存检查点",
                f"✔ {exported.archive} ({exported.bytes:,} bytes): {exported.entries} entries,"
                f" {exported.checkpoints} sealed checkpoints",
            ),
            style="green",
        )
    )
    if exported.left_out:
        command.out.print(
            command.say(
                f"另有 {exported.left_out} 条尚未封存，不在包内",
                f"{exported.left_out} more entries are not sealed yet and not in it",
            )
        )
    command.out.print(
        command.say(
            "请另行向各部门索取名片（keyong evidence cards），再核验：keyong evidence verify；"
            "或不装本软件：python verify.py、open-me.html",
            "get the departments' cards on another way (keyong evidence cards), then: keyong evidence verify; or"
            " without this program: python verify.py, open-me.html",
        ),
        style="dim",
    )


@bundle.command()
def verify(
    context: typer.Context,
    place: Annotated[Path, typer.Argument(metavar="BUNDLE", help="证据包文件夹或 .zip · folder or .zip")],
    trusted: Annotated[Path, typer.Option("--cards", help="各部门亲手给的名片文件夹 · the departments' own cards")],
) -> None:
    """核验证据包，只信名片上的公钥与树头 · check a bundle; only the cards' keys and heads are trusted."""
    command = command_of(context)
    try:
        verdict = evidence.verify(place, trusted)
    except RecordError as error:
        where, reason = error.details.get("where", place), error.details.get("reason", error.message(command.language))
        if command.json:
            print_json({"verdict": "REJECT", "where": str(where), "reason": str(reason), "code": error.code})
        else:
            command.out.print(Text(f"REJECT {where}: {reason}", style="red"))
        raise typer.Exit(1) from None
    if command.json:
        print_json({"verdict": "ACCEPT", **msgspec.to_builtins(verdict)})
        return
    command.out.print(
        Text(
            f"ACCEPT size={verdict.size} root={verdict.root} cosignatures={len(verdict.witnesses)}"
            f" quorum={verdict.quorum} sealed={verdict.sealed} jobs={verdict.jobs} approvals={verdict.granted}"
            f" automatic={verdict.automatic} bytes_out={verdict.ledger_bytes} seconds={verdict.seconds}",
            style="green",
        )
    )
    signatures = "、".join(f"{name} {count:,}" for name, count in verdict.signatures.items())
    command.out.print(
        command.say(
            f"核验签名 {signatures}；只说明记录与名片相符：各部门在同一主机、由同一团队运行时，独立性是模拟的",
            f"signatures checked: {signatures}. It says that the record agrees with the cards; where one team runs all"
            " departments on one host, independence is simulated",
        ),
        style="dim",
    )


@bundle.command()
def cards(context: typer.Context, out: Out = None) -> None:
    """各部门写出自己的名片：公钥、法定数、树头 · each department's keys, quorum and head."""
    command = command_of(context)
    folder = out or Path("keyong-cards")
    written = evidence.write_cards(command.home, folder)
    if command.json:
        print_json({"files": [str(file) for file in written]})
        return
    command.out.print(Text(f"✔ {folder}/<department>/policy signers head", style="green"))
    command.out.print(
        command.say(
            "演示中由一台机器代写；实际部署时由各部门在自己的机器上写出并亲手交给评审",
            "in the demonstration one machine writes them all; in an installation each department does so itself",
        ),
        style="dim",
    )
