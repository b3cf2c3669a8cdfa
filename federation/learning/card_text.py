"""A model card as text that a person reads, in Chinese or English."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from federation.learning.leakage import Leak
from federation.plan import Linear, Logistic, Model, Perceptron, Trees

if TYPE_CHECKING:  # they bring pandas along, which takes a command a second to begin with
    from federation.learning.card import DropOut, ModelCard, Phase
    from federation.learning.metrics import Measures

PROTECTIONS = {
    "masks": ("成对掩码", "pairwise masks"),
    "paillier": ("Paillier 门限加密", "threshold Paillier encryption"),
    "none": ("无保护（实验联邦）", "none (a lab)"),
}
# More rounds than this are shown by the first and the last of them.
SHOWN_LOSSES = 6


def render_card(card: ModelCard, language: str) -> str:
    """Write a card out, a line per fact."""
    zh = language == "zh"
    lines = _facts_zh(card) if zh else _facts_en(card)
    width = 2
    text = [f"{card.title}（{card.job}）" if zh else f"{card.title} ({card.job})"]
    text += [f"{' ' * width}{name}{'：' if zh else ': '}{value}" for name, value in lines if value]
    text.append("泄露卡：" if zh else "leakage card:")
    text += render_leakage(card.leakage, language)
    if card.simulated:
        text.append(
            "各方运行在同一主机、由同一团队运行：独立性为模拟"
            if zh
            else "all parties ran on one host, under one team: their independence is simulated"
        )
    return "\n".join(text)


def render_leakage(leaks: Iterable[Leak], language: str) -> list[str]:
    """Write a leakage card out: who learns what; which attack starts from it; what stands against that."""
    lines = []
    for leak in leaks:
        if language == "zh":
            lines += [f"  {leak.who_zh}：{leak.what_zh}", f"    攻击：{leak.attack_zh}", f"    防护：{leak.defence_zh}"]
        else:
            lines += [f"  {leak.who_en}: {leak.what_en}", f"    attack: {leak.attack_en}"]
            lines += [f"    defence: {leak.defence_en}"]
    return lines


def describe_model(model: Model, language: str) -> str:
    """Name a model with what it was set to."""
    zh = language == "zh"
    match model:
        case Linear(l2=l2):
            return f"线性回归，L2 {l2:g}" if zh else f"linear regression, L2 {l2:g}"
        case Logistic(l2=l2):
            return f"逻辑回归，L2 {l2:g}" if zh else f"logistic regression, L2 {l2:g}"
        case Perceptron(hidden=hidden, l2=l2):
            widths = "-".join(map(str, hidden))
            return f"多层感知机 {widths}，L2 {l2:g}" if zh else f"multilayer perceptron {widths}, L2 {l2:g}"
        case Trees(trees=trees, depth=depth, rate=rate):
            return (
                f"梯度提升树，至多 {trees} 棵，深 {depth}，学习率 {rate:g}"
                if zh
                else f"gradient-boosted trees, up to {trees} of depth {depth}, rate {rate:g}"
            )


def describe_measures(measures: Measures | None, language: str) -> str:
    """Write the measures that apply, with the interval of the area under the curve."""
    if measures is None:
        return ""
    found = []
    if measures.auc is not None:
        interval = ""
        if measures.auc_low is not None and measures.auc_high is not None:
            interval = f" [{measures.auc_low:.4f}, {measures.auc_high:.4f}]"
        found.append(f"AUC {measures.auc:.4f}{interval}")
    for name, value in (("RMSE", measures.rmse), ("R²", measures.r2)):
        if value is not None:
            found.append(f"{name} {value:,.4g}")
    if measures.accuracy is not None:
        found.append(f"{'准确率' if language == 'zh' else 'accuracy'} {measures.accuracy:.4f}")
    if measures.rows is not None:
        found.append(f"{measures.rows:,} 行" if language == "zh" else f"{measures.rows:,} rows")
    return ("，" if language == "zh" else ", ").join(found)


def _facts_zh(card: ModelCard) -> Iterator[tuple[str, str]]:
    yield "用途", card.purpose
    yield "数据", f"{card.table}：{'、'.join(card.features)} → {card.label}"
    yield "模型", describe_model(card.model, "zh")
    yield "策略", f"{card.descent.strategy}，学习率 {card.descent.rate:g}" if card.descent else ""
    yield "保护", PROTECTIONS[card.protection][0]
    yield "差分隐私", _privacy(card) or "无"
    yield "参与", "、".join(card.took_part)
    yield "缺席", _missing(card.drop_outs, "第 {} 轮 {}", "；") or "无"
    yield "轮数", f"{card.rounds}；损失 {_losses(card.history)}"
    yield "训练行", f"{card.rows_train:,}" if card.rows_train is not None else "未公布"
    noisy = "（含噪声，区间未计入它）" if card.privacy and card.measures else ""
    yield "留出行上", (describe_measures(card.measures, "zh") or "未留出") + noisy
    if card.lab:
        yield "汇总明文（仅实验）", describe_measures(card.lab.pooled, "zh")
        yield "联邦（逐行）", describe_measures(card.lab.federated, "zh")
        for name, measures in card.lab.alone.items():
            yield f"{name} 单独", describe_measures(measures, "zh")
    else:
        yield "单独与汇总", "未比较（作业文件没有 [lab]）"
    yield "用时与流量", _phases(card.phases, "；")
    yield "为明文训练的", f"{card.factor:.1f} 倍" if card.factor is not None else ""
    yield "计划", card.plan_hash
    yield "模型文件", card.model_hash
    yield "完成于", card.made_at


def _facts_en(card: ModelCard) -> Iterator[tuple[str, str]]:
    yield "purpose", card.purpose
    yield "data", f"{card.table}: {', '.join(card.features)} -> {card.label}"
    yield "model", describe_model(card.model, "en")
    yield "strategy", f"{card.descent.strategy}, rate {card.descent.rate:g}" if card.descent else ""
    yield "protection", PROTECTIONS[card.protection][1]
    yield "differential privacy", _privacy(card) or "none"
    yield "took part", ", ".join(card.took_part)
    yield "drop-outs", _missing(card.drop_outs, "round {}: {}", "; ") or "none"
    yield "rounds", f"{card.rounds}; loss {_losses(card.history)}"
    yield "training rows", f"{card.rows_train:,}" if card.rows_train is not None else "not published"
    noisy = " (with noise, which the interval leaves out)" if card.privacy and card.measures else ""
    yield "on rows held out", (describe_measures(card.measures, "en") or "none were") + noisy
    if card.lab:
        yield "pooled in the clear (lab only)", describe_measures(card.lab.pooled, "en")
        yield "federated, row by row", describe_measures(card.lab.federated, "en")
        for name, measures in card.lab.alone.items():
            yield f"{name} alone", describe_measures(measures, "en")
    else:
        yield "alone and pooled", "not compared (the job file has no [lab])"
    yield "time and traffic", _phases(card.phases, "; ")
    yield "over plaintext", f"{card.factor:.1f} times" if card.factor is not None else ""
    yield "plan", card.plan_hash
    yield "model file", card.model_hash
    yield "made at", card.made_at


def _privacy(card: ModelCard) -> str:
    """Write epsilon as claimed and as worked out again."""
    if card.privacy is None:
        return ""
    again = f" ({card.epsilon_recomputed:.4f})" if card.epsilon_recomputed is not None else ""
    return f"ε = {card.privacy.epsilon:g}{again}, δ = {card.privacy.delta:g}, clip {card.privacy.clip:g}"


def _missing(drop_outs: Sequence[DropOut], line: str, between: str) -> str:
    return between.join(line.format(one.round, " ".join(one.departments)) for one in drop_outs)


def _losses(history: Sequence[float | None]) -> str:
    shown = ["-" if loss is None else f"{loss:.4f}" for loss in history]
    if len(shown) > SHOWN_LOSSES:
        shown = [*shown[: SHOWN_LOSSES // 2], "…", *shown[-SHOWN_LOSSES // 2 :]]
    return " ".join(shown)


def _phases(phases: Sequence[Phase], between: str) -> str:
    return between.join(
        f"{phase.name} {phase.seconds:.2f} s" + (f" {phase.bytes:,} B" if phase.bytes is not None else "")
        for phase in phases
    )
