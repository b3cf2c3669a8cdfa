"""The part of the training page that is a model's card: what it is, how good, what it lets be learnt. Prints on A4."""

from __future__ import annotations

from dashboard import blocks, boards, learning, words
from dashboard.i18n import _, language
from dashboard.services.log import LogView
from dashboard.services.trainings import Training
from federation.learning.card import ModelCard, Phase
from federation.learning.card_text import PROTECTIONS, describe_measures, describe_model

SHOWN_ABSENCES = 6


def show(training: Training, view: LogView, *, synthetic: bool) -> None:
    """The whole card, or why there is none."""
    card = training.card
    if card is None:
        blocks.verdict(*learning.summary(training, view.public))
        boards.remark(_("模型卡在训练完成后生成。"))
        return
    blocks.heading(_("模型卡：{title}").format(title=card.title), _("Ctrl+P 打印为 A4"))
    honest = [_("各方运行在同一主机、由同一团队运行：独立性为模拟。")] if card.simulated else []
    honest += [_("合成数据，无真实个人；增益为设定值。")] if synthetic else []
    if honest:
        blocks.verdict("warn", _("读数之前"), words.sentences(*honest))
    _facts(card, training, view)
    _compared(card, view)
    learning.leaks(card.leakage)
    _phases(card.phases)


def _facts(card: ModelCard, training: Training, view: LogView) -> None:
    zh = language() == "zh"
    kinds = words.listed(words.party_name(name, view.public) for name in card.took_part)
    privacy = card.privacy
    bound = (
        _("ε = {epsilon}，δ = {delta}；第二套核算 {again}").format(
            epsilon=f"{privacy.epsilon:g}",
            delta=f"{privacy.delta:g}",
            again="–" if card.epsilon_recomputed is None else f"{card.epsilon_recomputed:.4g}",
        )
        if privacy
        else _("无：合计与模型本身不加噪，没有可证明的上界")
    )
    rows = _("未公布") if card.rows_train is None else words.count(card.rows_train)
    cost = (
        _("{seconds} 秒，从提交到模型（含等待审批）").format(seconds=f"{training.seconds:.1f}")
        if training.seconds
        else "–"
    )
    if card.factor is not None:
        cost += _("；为同一训练明文执行的 {factor} 倍").format(factor=f"{card.factor:.1f}")
    blocks.facts(
        [
            (_("用途"), card.purpose, ""),
            (_("数据"), f"{card.table}: {words.listed(card.features)} → {card.label}", ""),
            (_("模型"), describe_model(card.model, language()), ""),
            (_("策略"), f"{card.descent.strategy}, {card.descent.rate:g}" if card.descent else "–", ""),
            (_("保护"), PROTECTIONS[card.protection][0 if zh else 1], ""),
            (_("差分隐私"), bound, ""),
            (_("参与"), kinds, ""),
            (_("缺席"), _absences(card, view), ""),
            (_("轮数"), str(card.rounds), ""),
            (_("训练行"), rows, ""),
            (_("留出行上"), describe_measures(card.measures, language()) or _("未留出"), ""),
            (_("用时"), cost, ""),
            (_("完成于"), words.moment(card.made_at), ""),
            (_("计划摘要（所签的就是它）"), card.plan_hash, "id"),
            (_("模型文件摘要"), card.model_hash, "id"),
            (_("作业"), card.job, ""),
        ]
    )


def _absences(card: ModelCard, view: LogView) -> str:
    if not card.drop_outs:
        return _("无")
    said = [
        _("第 {n} 轮 {names}").format(
            n=one.round, names=words.listed(words.party_name(name, view.public) for name in one.departments)
        )
        for one in card.drop_outs[:SHOWN_ABSENCES]
    ]
    more = len(card.drop_outs) - len(said)
    return "；".join(said) + (_("；另有 {n} 轮").format(n=more) if more else "")


def _compared(card: ModelCard, view: LogView) -> None:
    if card.lab is None:
        boards.remark(_("单独与汇总：未比较（作业文件没有 [lab]）。"))
        return
    lines = {
        **{words.party_name(name, view.public): one for name, one in card.lab.alone.items()},
        _("联邦"): card.lab.federated,
        _("明文汇总"): card.lab.pooled,
    }
    blocks.table(
        _("实验对照：同一模型，同一批留出行；数据来自生成器或测试文件，从不向部门要明文"),
        [(_("由谁训练"), ""), (_("留出行上"), "")],
        [(name, describe_measures(one, language()) or "–") for name, one in lines.items()],
    )


def _phases(phases: tuple[Phase, ...]) -> None:
    if phases:
        blocks.table(
            _("用时与流量：各阶段全部轮次合计"),
            [(_("阶段"), ""), (_("秒"), "number"), (_("字节"), "number")],
            [(one.name, f"{one.seconds:.2f}", "–" if one.bytes is None else words.count(one.bytes)) for one in phases],
        )
