"""What there is to be asked about: datasets, their cards, and rows made up from these."""

from __future__ import annotations

import json
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from federation.catalogue.cards import DATA_CLASSES, USES, data_card
from federation.catalogue.mock import ROWS, mock_rows
from federation.commands.frame import Command, command_of, print_json
from federation.errors import RequestError
from federation.settings import Settings, TableCard

Name = Annotated[str, typer.Argument(help="部门.表 · department.table", metavar="[NAME]")]
Mock = Annotated[int, typer.Option(help="显示几行模拟样例 · how many made-up rows to show", min=0, max=10_000)]


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(catalogue)


def catalogue(context: typer.Context, name: Name = "", mock: Mock = 0) -> None:
    """数据目录：数据集、数据卡与模拟样例 · the datasets, their cards, and made-up rows."""
    command = command_of(context)
    settings = command.settings()
    if not name:
        _list(command, settings)
        return
    department, card = _find(settings, name)
    text = data_card(settings, card, department)
    rows = _mock(card, mock) if mock else []
    if command.json:
        table = msgspec.to_builtins(card)
        print_json({"dataset": name, "owner": department, "table": table, "card": text, "mock": rows})
        return
    from rich.markdown import Markdown  # what it is made of takes as long to load as the command

    command.out.print(Markdown(text))
    if rows:
        title = command.say(
            "模拟样例：由目录编造，没有任何真实取值", "mock rows: made up from the catalogue, no true value"
        )
        shown = Table(*rows[0], title=Text(title), title_justify="left")
        for row in rows:
            shown.add_row(*(Text("–" if cell is None else str(cell)) for cell in row.values()))
        command.out.print(shown)


def _list(command: Command, settings: Settings) -> None:
    public = settings.catalogue
    if command.json:
        datasets = [f"{owner}.{card.name}" for card in public.tables for owner in card.departments]
        fields = msgspec.to_builtins(public)
        print_json({"hash": public.hash, "datasets": datasets, "mock_rows": ROWS, **fields})
        return
    labels = settings.labels(command.language)
    table = Table()
    for pair in (("数据集", "dataset"), ("内容", "what"), ("所有者", "owner"), ("分级", "class"), ("脚本", "scripts"),
                 ("样例行", "mock rows"), ("允许的用途", "allowed uses")):  # fmt: skip
        table.add_column(command.say(*pair), overflow="fold")
    for card in public.tables:
        uses = [use for use in USES if any(use in column.uses for column in card.columns) and use != "never"]
        said = command.say("、", ", ").join(command.say(*USES[use]) for use in uses)
        scripts = command.say("可以", "yes") if card.scripts else "–"
        kept = (command.say(*DATA_CLASSES[card.data_class]), scripts, str(ROWS), said or "–")
        for owner in card.departments:
            what = command.say(card.label, card.label_en)
            table.add_row(*map(Text, (f"{owner}.{card.name}", what, labels[owner], *kept)))
    command.out.print(table)


def _find(settings: Settings, name: str) -> tuple[str, TableCard]:
    department, _, table = name.partition(".")
    card = settings.catalogue.table(table)
    if card is None or department not in card.departments:
        known = [f"{owner}.{card.name}" for card in settings.catalogue.tables for owner in card.departments]
        raise RequestError("request.no_dataset", dataset=name, known=", ".join(known))
    return department, card


def _mock(card: TableCard, count: int) -> list[dict[str, object]]:
    """Mock rows as JSON has them: a day without its midnight, and None for a missing cell."""
    frame = mock_rows(card, count)
    for name in frame.select_dtypes("datetime").columns:
        frame[name] = frame[name].dt.strftime("%Y-%m-%d")
    rows: list[dict[str, object]] = json.loads(frame.to_json(orient="records"))
    return rows
