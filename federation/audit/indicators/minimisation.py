"""How little was used and shown: columns, and the size of groups."""

from __future__ import annotations

from federation.audit.indicators import clauses
from federation.audit.indicators.material import Material
from federation.audit.indicators.values import Definition, Finding, Measure, Words, judged, unmeasured
from federation.plan import Plan, ScriptPlan, SumPlan, TrainPlan
from federation.settings import DataClass, TableCard

CLASSES: dict[DataClass, Words] = {
    "general": Words("一般数据的表", "tables of general data"),
    "important": Words("重要数据的表", "tables of important data"),
    "core": Words("核心数据的表", "tables of core data"),
}
# Uses that let nobody see a column's cells, not even added up.
HIDDEN = frozenset({"never", "join_key"})


def columns_used(material: Material) -> Finding:
    """Columns that jobs used, of those that their tables hold; hidden ones must not be among what came out."""
    starts = {placed.event.job: placed for placed in material.of_type("job.start")}
    if not starts:
        return unmeasured("记录中没有作业", "the record holds no job")
    measures: list[Measure] = []
    hidden = 0
    against = []
    for job, start in starts.items():
        plan = material.plans.get(str(start.event.data.get("plan", "")))
        card = material.catalogue.table(plan.table) if plan else None
        if plan is None or card is None:
            continue
        released = _released(plan)
        shown = sum(bool(HIDDEN & set(column.uses)) for column in card.columns if column.name in released)
        hidden += shown
        against += [start.index] if shown else []
        measures.append(_used(job, plan, card))
    shown_in_all = Measure(what=Words("发布的禁用列或连接键列", "never or join-key columns released"), value=hidden)
    known = Measure(what=Words("可见计划的作业", "jobs whose plan was at hand"), value=len(measures), of=len(starts))
    told = [shown_in_all, known, *measures]
    if len(measures) < len(starts) and not hidden:
        return unmeasured(
            "记录只含计划的哈希，并非每个作业的计划都已提供",
            "the record holds the plans' hashes only, and not every job's plan was at hand",
            told,
        )
    return judged(not hidden, told, entries=(start.index for start in starts.values()), against=against)


def _used(job: str, plan: Plan, card: TableCard) -> Measure:
    what = Words(f"{job}：{card.name} 表所用列", f"{job}: columns used of {card.name}")
    return Measure(what=what, value=len(plan.columns), of=len(card.columns))


def _released(plan: Plan) -> frozenset[str]:
    """The columns whose values or totals the analyst sees, or what a model or a script made of them.

    Of a prediction, bands only.
    """
    if isinstance(plan, ScriptPlan):
        return frozenset(plan.columns)
    if isinstance(plan, TrainPlan):
        return frozenset(column.name for column in (*(feature.column for feature in plan.features), plan.label.column))
    if not isinstance(plan, SumPlan):
        return frozenset()
    return frozenset(
        plan.local.group_by[int(output.argument)].column if output.function == "group" else output.argument
        for output in plan.outputs
    )


def minimum_group(material: Material) -> Finding:
    """The smallest k that a release was decided by, and answers without such a decision; a model has no groups.

    A script's k stands in its plan, by whose hash it was approved.
    """
    decided = {placed.event.job: placed for placed in material.of_type("release.decide")}
    starts = {placed.event.job: placed.event.data for placed in material.of_type("job.start")}
    plans = {job: material.plans.get(str(data.get("plan", ""))) for job, data in starts.items()}
    scripts = {job: plan.minimum_group for job, plan in plans.items() if isinstance(plan, ScriptPlan)}
    without = {
        job
        for job, data in starts.items()
        if data.get("kind") == "train" or (data.get("kind") == "script" and job not in scripts)
    }
    answered = {
        job: end
        for job, end in material.outcomes.items()
        if end.event.data.get("outcome") == "released" and job not in without
    }
    if not answered:
        return unmeasured("没有发布过结果", "nothing was released")
    wanted = material.catalogue.minimum_group
    applied = scripts | {job: int(placed.event.data.get("minimum_group", 0)) for job, placed in decided.items()}
    against = [end.index for job, end in answered.items() if applied.get(job, 0) < wanted]
    measures = [
        Measure(
            what=Words("所用规则中最小的 k（行）", "smallest k applied, rows"),
            value=min(applied.get(job, 0) for job in answered),
        ),
        Measure(what=Words("目录规定的 k（行）", "k by the catalogue, rows"), value=wanted),
        Measure(
            what=Words("未按此规则发布的作业", "jobs released by no such rule"), value=len(against), of=len(answered)
        ),
    ]
    behind = [placed.index for job, placed in decided.items() if job in answered]
    return judged(not against, measures, entries=behind, against=against)


def data_cards(material: Material) -> Finding:
    """Tables whose owner has written a card: what the table holds, beside its class."""
    tables = material.catalogue.tables
    carded = [table for table in tables if table.summary]
    count = Measure(what=Words("有数据卡的表", "tables with a data card"), value=len(carded), of=len(tables))
    classes = [
        Measure(what=words, value=sum(table.data_class == data_class for table in tables), of=len(tables))
        for data_class, words in CLASSES.items()
    ]
    return judged(len(carded) == len(tables), [count, *classes])


RULES = (
    (
        Definition(
            id="columns-used",
            name=Words("所用列与所持列（最小必要）", "columns used of columns held"),
            clauses=(clauses.PIPL_MINIMUM,),
            formula=Words(
                "每个作业：计划所用列数 ÷ 该表声明列数；结果或模型中用途为 never 或 join_key 的列数",
                "per job: columns of the plan / columns declared of its table; columns in the answer, or of the model,"
                " whose use is never or join_key",
            ),
            threshold=Words("never、join_key 列 0", "0 never or join-key columns"),
            command="keyong evidence indicators",
            limits=Words(
                "记录只含计划哈希：须由申请人或部门出示计划，哈希相符才计入；不判断所用列是否必要",
                "the record holds a plan's hash only: the requester or a department shows the plan, and it counts if"
                " the hash fits; whether a column was necessary is not judged",
            ),
        ),
        columns_used,
    ),
    (
        Definition(
            id="minimum-group",
            name=Words("发布的最小分组", "smallest group released"),
            clauses=(clauses.DEIDENTIFICATION,),
            formula=Words(
                "已发布作业（训练除外）的 release.decide 所记或脚本计划所定 minimum_group 的最小值；"
                "无此决定而发布的作业数",
                "least minimum_group of the release.decide entries of jobs released, or of a script's plan, apart from"
                " trainings; jobs released without one",
            ),
            threshold=Words("≥ 目录规定的 k", ">= the catalogue's k"),
            command="keyong evidence indicators",
            limits=Words(
                "记录的是所用规则；实际行数不入账（加盐承诺）；不加噪声，不防止多次查询相减；训练发布模型而非分组，不计入；未出示计划的脚本不计入",
                "the record tells the rule; the rows themselves are a salted commitment; no noise is added, and"
                " differences of several answers are not prevented; a training releases a model and no groups; a script"
                " whose plan nobody shows is not counted",
            ),
        ),
        minimum_group,
    ),
    (
        Definition(
            id="data-classification",
            name=Words("数据集分类分级", "data sets with a classification"),
            clauses=(clauses.DATA_SECURITY_21_27, clauses.CLASSIFICATION),
            formula=Words(
                "有持有部门所写数据卡的表 ÷ 目录中全部表；各级别的表数",
                "tables with a data card of their owner's / tables of the catalogue; tables of each class",
            ),
            threshold=Words("100 %", "100 %"),
            command="keyong evidence indicators",
            limits=Words(
                "级别由持有部门声明，未声明者按一般数据计；是否恰当不作判断",
                "the class is what the owner declares, general if it declares none; whether it fits is not judged",
            ),
        ),
        data_cards,
    ),
)
