"""Words of joint training: how a training stands, how good its model is, who learns what; and its picture."""

from __future__ import annotations

from collections.abc import Iterable

from dashboard import blocks, words
from dashboard.blocks import Tone
from dashboard.components.curve import Curve, Lane, Reference
from dashboard.i18n import _, language
from dashboard.services.trainings import State, Training
from dashboard.verdict import Verdict
from federation.audit.record import Public
from federation.learning.card import ModelCard
from federation.learning.leakage import Leak
from federation.learning.metrics import Measures
from federation.plan import Plan, TrainPlan, Trees, survivors_needed

TONES: dict[State, Tone] = {
    "beginning": "wait",
    "waiting": "wait",
    "running": "wait",
    "done": "good",
    "interrupted": "warn",
    "refused": "warn",
    "failed": "bad",
}


def state_name(state: State) -> str:
    """How far a training is."""
    names: dict[State, str] = {
        "beginning": _("提交中"),
        "waiting": _("等待审批"),
        "running": _("训练中"),
        "done": _("已完成"),
        "interrupted": _("已中断"),
        "refused": _("被拒绝"),
        "failed": _("未完成"),
    }
    return names[state]


def name(training: Training) -> str:
    """How the list of trainings names one."""
    when = words.shanghai(training.time, date=True)[:16]
    return " · ".join(filter(None, (training.title, state_name(training.state), when, training.job)))


def summary(training: Training, public: Public) -> Verdict:
    """How a training stands, in one sentence, and what may be made of it."""
    tone = TONES[training.state]
    done, planned = len(training.rounds), training.planned
    figures = {"done": done, "planned": planned or "?", "n": len(training.contributors)}
    match training.state:
        case "done" if training.card is not None:
            return Verdict(tone, _quality(training.card), words.sentences(_compared(training.card), _measured_on()))
        case "beginning":
            return Verdict(tone, _("正在提交申请"), _("申请方的程序正在签名并提交；钥匙只在它手里，看板没有。"))
        case "waiting":
            names = words.listed(words.party_name(one, public) for one in (training.run.desks if training.run else ()))
            claim = _("等待 {names} 的安全管理员审批").format(names=names) if names else _("等待安全管理员审批")
            return Verdict(tone, claim, _("全部批准之前，没有一个部门读自己的数据；审批在“授权审批”页。"))
        case "running":
            claim = _("正在训练：第 {done} / {planned} 轮，{n} 个部门").format(**figures)
            return Verdict(tone, claim, protection(training.plan) if training.plan else "")
        case "interrupted":
            kept = _("已完成轮次的模型已交给申请方。") if training.partial else _("没有留下模型。")
            claim = _("训练在第 {done} 轮后中断").format(**figures)
            return Verdict(tone, claim, words.sentences(kept, _why(training)))
        case "refused":
            return Verdict(tone, _("有部门的安全管理员说了不：没有训练，或已立即停止"), _why(training))
        case _:
            return Verdict(tone, _("训练没有完成，没有模型"), _why(training))


def _why(training: Training) -> str:
    if training.run is not None and training.run.error is not None:
        return words.told(training.run.error)
    return words.outcome(training.outcome) if training.outcome else ""


def metric(measures: Measures | None) -> tuple[str, float | None, float | None, float | None]:
    """The figure by which a model is judged, with its interval: its name, and nothing if nobody has it."""
    if measures is None or (measures.auc is None and measures.r2 is None):
        return "", None, None, None
    if measures.auc is not None:
        return "AUC", measures.auc, measures.auc_low, measures.auc_high
    return "R²", measures.r2, None, None


def _quality(card: ModelCard) -> str:
    kind, value, low, high = metric(card.measures)
    if value is None:
        return _("联合模型已训练完成；没有留出行可供评估")
    interval = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
    return _("联合模型已训练完成：留出行上 {kind} {value}{interval}").format(
        kind=kind, value=f"{value:.4f}", interval=interval
    )


def _compared(card: ModelCard) -> str:
    """What the lab says of the same model learnt otherwise."""
    if card.lab is None:
        return _("没有与“各自训练”“明文汇总”比较：作业文件没有 [lab]。")
    alone = [value for _kind, value, *_rest in map(metric, card.lab.alone.values()) if value is not None]
    kind, pooled, *_interval = metric(card.lab.pooled)
    if not alone or pooled is None:
        return ""
    said = _("各部门单独训练 {low}–{high}，明文汇总 {pooled}（{kind}，实验对照，数据来自生成器或测试文件）。")
    return said.format(low=f"{min(alone):.4f}", high=f"{max(alone):.4f}", pooled=f"{pooled:.4f}", kind=kind)


def _measured_on() -> str:
    return _("区间为 95%。")


def protection(plan: Plan) -> str:
    """What hides one department's numbers, and what it takes to break it."""
    n = len(plan.contributors)
    forms = {
        "masks": _("成对掩码：每轮至少 {least}/{n} 个部门在场才能读出合计；单个部门的更新是随机数"),
        "paillier": _("Paillier 门限加密：任意 {threshold}/{holders} 个密钥份额合作，只打开合计"),
        "none": _("没有保护：协调方看到每个部门的数，仅限实验联邦"),
    }
    return forms[plan.protection].format(
        least=survivors_needed(n), n=n, threshold=plan.threshold, holders=len(plan.holders)
    )


def privacy(plan: TrainPlan) -> str:
    """The bound that noise gives, or that there is none."""
    if plan.privacy is None:
        return _("无：合计与模型本身不加噪，没有可证明的上界")
    form = _("ε = {epsilon}，δ = {delta}，隐私单位是整个部门")
    return form.format(epsilon=f"{plan.privacy.epsilon:g}", delta=f"{plan.privacy.delta:g}")


def sights(plan: Plan, public: Public) -> None:
    """Show what every party would see."""
    zh = language() == "zh"
    blocks.table(
        _("每一方将看到什么；此外什么都看不到"),
        [(_("谁"), ""), (_("看到"), ""), (_("可读数值"), "number")],
        [
            (words.party_name(one.party, public), one.zh if zh else one.en, words.count(one.numbers))
            for one in plan.visibility()
        ],
    )


def leaks(card: Iterable[Leak]) -> None:
    """Show the leakage card."""
    zh = language() == "zh"
    blocks.table(
        _("泄露卡：谁得到什么，哪种攻击由此开始，什么在挡；最坏的在前"),
        [(_("谁"), ""), (_("得到"), ""), (_("攻击"), ""), (_("防护，与它挡不住的"), "")],
        [
            (one.who_zh, one.what_zh, one.attack_zh, one.defence_zh)
            if zh
            else (one.who_en, one.what_en, one.attack_en, one.defence_en)
            for one in card
        ],
    )


def picture(training: Training, public: Public) -> Curve:
    """Fill the curve."""
    points = [(one.number, one.loss) for one in training.rounds if one.loss is not None]
    done = max((one.number for one in training.rounds), default=0)
    trees = _is_trees(training)
    last = _("最后一轮损失 {loss}").format(loss=f"{points[-1][1]:.4f}") if points else ""
    gone = sum(bool(one.absent) for one in training.rounds)
    return Curve(
        summary=words.sentences(
            _("训练曲线：{done} / {planned} 轮；{gone} 轮有部门缺席。").format(
                done=done, planned=training.planned, gone=gone
            ),
            last,
        ),
        x=_("第几棵树") if trees else _("轮"),
        y=_("损失"),
        name=_("训练损失"),
        points=points,
        rounds=training.planned,
        done=done,
        references=_references(training.card) if points else (),
        none=_no_curve(training, trees=trees),
        lanes=[
            Lane(
                name=words.party_name(party, public),
                absent=[one.number for one in training.rounds if party in one.absent],
            )
            for party in training.contributors
        ],
        lanes_name=_("每轮的合计里有谁：绿为在场，橙为缺席"),
    )


def _references(card: ModelCard | None) -> list[Reference]:
    """Losses on the rows held out, of the same model learnt otherwise."""
    if card is None or card.lab is None:
        return []
    alone = [one.loss for one in card.lab.alone.values() if one.loss is not None]
    levels = [
        (_("单独最差（留出行）"), max(alone, default=None), "bad"),
        (_("单独最好（留出行）"), min(alone, default=None), "warn"),
        (_("联邦（留出行）"), card.lab.federated.loss, "sealed"),
        (_("明文汇总（留出行）"), card.lab.pooled.loss, "good"),
    ]
    return [Reference(name=name, value=value, tone=tone) for name, value, tone in levels if value is not None]


def _no_curve(training: Training, *, trees: bool) -> str:
    if trees:
        return _("树逐层生长，每轮没有损失可报；好坏看留出行上的指标")
    if (training.plan and training.plan.privacy) or (training.card and training.card.privacy):
        return _("差分隐私：损失也会泄露，因此一轮也不公布")
    if training.rounds:
        return _("损失只有申请方自己读得到；日志里只有轮次与在场名单")
    return _("还没有完成的轮次")


def _is_trees(training: Training) -> bool:
    model = training.plan.model if training.plan else training.card.model if training.card else None
    return isinstance(model, Trees)
