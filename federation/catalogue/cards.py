"""The data card of a dataset: what everybody may know of it, as Markdown, in Chinese and English.

After Gebru et al., "Datasheets for Datasets", CACM 64(12), 2021: motivation, collection and maintenance are the
owner's to write in its summary; the rest is taken from the catalogue. Nothing in it was counted from rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from federation.messages import Dataset
from federation.plan import in_unit
from federation.settings import Catalogue, ColumnCard, DataClass, Settings, TableCard, Use

DATA_CLASSES: dict[DataClass, tuple[str, str]] = {
    "general": ("一般数据", "general data"),
    "important": ("重要数据", "important data"),
    "core": ("核心数据", "core data"),
}
USES: dict[Use, tuple[str, str]] = {
    "never": ("从不使用", "never used"),
    "join_key": ("只用于求交", "intersection only"),
    "filter": ("筛选", "filter"),
    "group_by": ("分组", "group by"),
    "aggregate": ("求和与平均", "sums and means"),
    "feature": ("建模", "models"),
    "plain": ("明文字段", "in clear"),
}
# The demonstration's name says that nobody is in it.
SYNTHETIC = "合成数据"
# What would be Markdown, or a formula, in the words of a catalogue.
MARKDOWN = re.compile(r"([\\`*\[\]<>#|$~])")


def offered(settings: Settings, department: str) -> tuple[Dataset, ...]:
    """The datasets of a department as an analyst sees them: cards and mock rows, made without looking at a row."""
    from federation.catalogue.mock import mock_file

    return tuple(
        Dataset(name=f"{department}.{card.name}", card=data_card(settings, card, department), mock=mock_file(card))
        for card in settings.catalogue.tables
        if department in card.departments
    )


def data_card(settings: Settings, card: TableCard, department: str) -> str:
    """Write the card of one department's table."""
    catalogue = settings.catalogue
    owner = _both(settings.labels("zh")[department], settings.labels("en")[department])
    lines = [f"# {_plain(department)}.{_plain(card.name)}", "", _both(card.label, card.label_en), ""]
    if SYNTHETIC in catalogue.federation:
        lines += ["**合成数据：其中没有任何真实的人 · synthetic data: nobody in it is real**", ""]
    lines += [line for text in (card.summary, card.summary_en) if text for line in (_plain(text), "")]
    lines += [*_facts(catalogue, card, owner), ""]
    lines += ["## 列 · Columns", "", "| 列 column | 含义 meaning | 类型 type | 用途 uses | 公开取值 public values |"]
    lines += ["|---|---|---|---|---|", *(_line(column) for column in card.columns), ""]
    lines += ["样例行由本卡编造，不含任何真实取值。· The mock rows are made up from this card, and hold no true value."]
    return "\n".join(lines) + "\n"


def public_domain(column: ColumnCard) -> str:
    """What everybody may know of a column's values, numbers in its own unit; "-" for nothing."""
    scale = column.as_column.scale
    parts = []
    if column.values:
        parts.append(" ".join(column.values))
    if column.cuts:
        parts.append(" < ".join(in_unit(cut, scale) if isinstance(cut, int) else cut for cut in column.cuts))
    if column.low is not None and column.high is not None:
        parts.append(f"[{in_unit(column.low, scale)}, {in_unit(column.high, scale)}]")
    return "; ".join(parts) or "-"


def _facts(catalogue: Catalogue, card: TableCard, owner: str) -> Iterator[str]:
    scripts = ("可以，经批准", "yes, each one approved") if card.scripts else ("不可以", "no")
    yield f"- 数据所有者 owner: {owner}"
    yield f"- 数据分级 data class: {' · '.join(DATA_CLASSES[card.data_class])}"
    yield f"- 标识列 identifier: {_plain(card.id) or '-'}"
    yield f"- 可运行脚本 scripts: {' · '.join(scripts)}"
    yield f"- 最小组 minimum group: {catalogue.minimum_group}"


def _line(column: ColumnCard) -> str:
    unit = f" ({column.unit})" if column.unit else ""
    uses = ", ".join(" ".join(USES[use]) for use in column.uses)
    meaning = _both(column.label, column.label_en + unit)
    return f"| {_plain(column.name)} | {meaning} | {column.type} | {uses} | {_plain(public_domain(column))} |"


def _both(zh: str, en: str) -> str:
    """A name in both languages, once where it is the same."""
    return _plain(en) if zh == en else f"{_plain(zh)} · {_plain(en)}"


def _plain(text: str) -> str:
    """Words of the catalogue as text: no Markdown, and on one line."""
    return MARKDOWN.sub(r"\\\1", " ".join(text.split()))
