"""Words and parts of the catalogue: a dataset's card, its columns, who may ask what, and its made-up rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard import blocks, boards, exhibits, words
from dashboard.exhibits import Chip
from dashboard.i18n import _, language
from dashboard.services.catalogue import Dataset, entitled, mock_table
from federation.audit.record import Public
from federation.catalogue.cards import public_domain
from federation.settings import Catalogue, ColumnCard, DataClass, JobKind, Use

CLASS_TONES: Mapping[DataClass, str] = {"general": "good", "important": "warn", "core": "bad"}
USE_TONES: Mapping[Use, str] = {
    "never": "bad",
    "join_key": "sealed",
    "filter": "control",
    "group_by": "wait",
    "aggregate": "good",
    "feature": "record",
    "plain": "warn",
}


def listing(found: Sequence[Dataset], opened: Dataset | None, public: Public) -> None:
    """Every dataset, department by department."""
    zh, labels = language() == "zh", words.departments(public)
    boards.matrix(
        _("全部数据集：{n} 个").format(n=len(found)),
        [_("数据集"), _("部门"), _("名称"), _("分级"), _("列数"), _("可提的作业")],
        [
            (
                ("now" if one is opened else "", one.name),
                [
                    ("plain", labels.get(one.department, one.department)),
                    ("plain", one.card.label if zh else one.card.label_en),
                    (CLASS_TONES[one.card.data_class], words.data_class_name(one.card.data_class)),
                    ("plain", str(len(one.card.columns))),
                    ("plain", kinds(one.kinds)),
                ],
            )
            for one in found
        ],
    )


def kinds(found: Sequence[JobKind]) -> str:
    """Names of kinds of jobs."""
    return words.listed(map(words.kind_name, found)) or _("无")


def card(one: Dataset, public: Public) -> None:
    """What a dataset is."""
    zh = language() == "zh"
    name, summary = (one.card.label, one.card.summary) if zh else (one.card.label_en, one.card.summary_en)
    place = words.party_name(one.department, public)
    exhibits.titled(
        f"{place} · {name}",
        one.name,
        [
            (CLASS_TONES[one.card.data_class], words.data_class_name(one.card.data_class)),
            ("output", _("可运行经审批的脚本")) if one.card.scripts else ("quiet", _("不开放脚本")),
        ],
        summary or _("数据主人没有写说明。"),
    )


def columns(one: Dataset) -> None:
    """The columns, and what their owner allows."""
    exhibits.columns(
        _("列：含义、单位、公开取值，数据主人允许的用途；未列出的用途一律拒绝"),
        [_("列"), _("含义"), _("类型"), _("公开取值"), _("允许的用途")],
        [(_texts(column, identifies=column.name == one.card.id), _chips(column.uses)) for column in one.card.columns],
    )


def _texts(column: ColumnCard, *, identifies: bool) -> tuple[str, ...]:
    label = column.label if language() == "zh" else column.label_en
    mark = _("标识")
    meaning = f"{label} ({mark})" if identifies else label
    kind = f"{column.type} · {column.unit}" if column.unit else column.type
    return column.name, meaning, kind, public_domain(column)


def _chips(uses: Sequence[Use]) -> list[Chip]:
    return [(USE_TONES[use], words.use_name(use)) for use in uses]


def access(one: Dataset, rules: Catalogue) -> None:
    """Who may ask what about it, and what they see of it."""
    lines = entitled(one, rules)
    blocks.table(
        _("哪一级的申请方可以提什么；每一个请求都要由数据主人的安全管理员批准"),
        [(_("申请方"), ""), (_("可提的作业"), ""), (_("最小分组"), "number")],
        [
            (
                words.tier_name(line.tier) if len(lines) > 1 else _("全部"),
                kinds(line.kinds),
                words.count(line.minimum_group),
            )
            for line in lines
        ],
    )
    holders = [name for name in one.card.departments if name != one.department]
    if holders:
        boards.remark(_("另有 {n} 个部门持有同样的表；查询与训练总是对全部一起。").format(n=len(holders)))
    if one.card.data_class == "core":
        boards.remark(_("核心数据：任何结果都不离开部门，也没有脚本读得到它。"))


def mock(one: Dataset) -> None:
    """Made-up rows."""
    table = mock_table(one.card)
    exhibits.made_up(
        _("模拟样例，非真实数据：只按公开目录编造，没有读过任何一行"),
        _("{dataset} 的模拟样例，前 {n} 行；“–”为缺失").format(dataset=one.name, n=len(table.rows)),
        table.columns,
        table.rows,
    )
    boards.remark(_("申请方能看到的只有模拟样例：列与类型是真的，取值与分布不是。脚本先在它上面试运行。"))
