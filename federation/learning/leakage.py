"""The leakage card of a training: who learns what, which published attack starts from it, and what stands against it.

Gradients are inverted by Zhu et al., NeurIPS 2019, and Geiping et al., NeurIPS 2020; sums are taken apart when the
cohort or the model varies by Lam et al., ICML 2021, and Pasquini et al., CCS 2022; membership is inferred by Shokri et
al., S&P 2017; a model is inverted by Fredrikson et al., CCS 2015. What is hidden and from whom is an argument about
this protocol, for parties that follow it; a department that lies about its own data is outside of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from federation.plan import TrainPlan, Trees


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the card, in both languages.

    Attributes:
        who: who learns it.
        what: what that is.
        attack: what it could be used for.
        defence: what the job's protection does against that, and what it does not.
    """

    who_zh: str
    who_en: str
    what_zh: str
    what_en: str
    attack_zh: str
    attack_en: str
    defence_zh: str
    defence_en: str


def leakage(plan: TrainPlan) -> tuple[Leak, ...]:
    """List what a training lets everybody learn beyond its own data, worst first."""
    return tuple(_lines(plan))


def _lines(plan: TrainPlan) -> Iterator[Leak]:
    yield _contribution(plan)
    yield _collusion(plan)
    yield _sums(plan)
    if not isinstance(plan.model, Trees):
        yield _models(plan)
    yield _membership(plan)
    yield _inversion()


def _contribution(plan: TrainPlan) -> Leak:
    """What is to be learnt of a single department's answers."""
    zh, en = {
        "masks": (
            "成对掩码：每轮只有全体之和可读，单个部门的数是均匀随机的；各部门只在看到同一模型时掩码才会抵消",
            "pairwise masks: only the sum over all can be read, one department's numbers are uniformly random; masks"
            " cancel only if all were given the same model",
        ),
        "paillier": (
            "门限加密：每轮只打开密文之和；单个密文从不解密",
            "threshold encryption: only the product of all ciphertexts is opened, a single one never",
        ),
        "none": (
            "没有保护：仅限实验联邦，攻击成立",
            "nothing: this is a lab, and the attack works",
        ),
    }[plan.protection]
    seen = plan.protection == "none"
    return Leak(
        who_zh="协调方",
        who_en="coordinator",
        what_zh="每个部门各轮的更新" if seen else "单个部门的更新：看不到",
        what_en="every department's update of every round" if seen else "no single department's update",
        attack_zh="梯度反演：由一个部门的梯度还原其数据行（2019、2020）",
        attack_en="gradient inversion: rows out of one department's gradient (2019, 2020)",
        defence_zh=zh,
        defence_en=en,
    )


def _collusion(plan: TrainPlan) -> Leak:
    """What parties learn that put their knowledge together."""
    cohort = len(plan.contributors)
    zh, en = {
        "masks": (
            f"协调方与最多 {2 * plan.needed - cohort - 1} 个部门串通，仍只得到其余部门之和；至少 {plan.needed}/{cohort}"
            " 个部门在场才解除掩码",
            f"the coordinator and up to {2 * plan.needed - cohort - 1} departments together still learn the sum of the"
            f" others only; nothing is unmasked with fewer than {plan.needed} of {cohort} departments there",
        ),
        "paillier": (
            f"少于 {plan.threshold} 个持钥方打不开任何密文；{plan.threshold} 个与协调方串通，可打开单个部门的",
            f"fewer than {plan.threshold} key holders open nothing; {plan.threshold} of them with the coordinator could"
            " open one department's",
        ),
        "none": ("没有保护", "nothing"),
    }[plan.protection]
    return Leak(
        who_zh="串通的各方",
        who_en="parties in collusion",
        what_zh="总和减去自己的部分：其余部门之和",
        what_en="the sum less their own share: the sum of the others",
        attack_zh="相减；只剩一个诚实部门时即得到它的数",
        attack_en="subtraction; if one honest department is left, its numbers",
        defence_zh=zh,
        defence_en=en,
    )


def _sums(plan: TrainPlan) -> Leak:
    kind_zh, kind_en = ("直方图", "histograms") if isinstance(plan.model, Trees) else ("更新", "updates")
    zh, en = {
        "masks": (
            "每轮缺席的部门经签名入账；但某部门缺席一轮时，与相邻轮之差近似于它的数",
            "who is missing from a round is signed and logged; yet where a department misses one, the difference to the"
            " round beside it comes near its numbers",
        ),
        "paillier": ("每轮都是全体之和，缺一不可", "every round is the sum over all of them, or there is none"),
        "none": ("没有保护", "nothing"),
    }[plan.protection]
    noise_zh, noise_en = _noise(plan, zh="和中没有噪声", en="the sum has no noise")
    return Leak(
        who_zh="协调方",
        who_en="coordinator",
        what_zh=f"全体合计的特征统计、{plan.rounds} 轮合计{kind_zh}与指标，以及每轮的模型",
        what_en=f"statistics, {kind_en} of {plan.rounds} rounds and measures, summed over all, and every round's model",
        attack_zh="合计反演：由各轮之和推断行，或推断某个部门的份额（2021、2022）",
        attack_en="sum inversion: rows, or a department's share, out of the sums of many rounds (2021, 2022)",
        defence_zh=f"{zh}；{noise_zh}",
        defence_en=f"{en}; {noise_en}",
    )


def _models(plan: TrainPlan) -> Leak:
    zh, en = _noise(plan, zh="那是至少两个部门之和", en="it is a sum of at least two departments")
    return Leak(
        who_zh="每个参与部门",
        who_en="every department",
        what_zh=f"{plan.rounds} 轮的模型；两轮之差减去自己的份额，是其余部门的合计更新",
        what_en=f"the models of {plan.rounds} rounds; their differences, less its own share, are the others' summed"
        " update",
        attack_zh="对其余部门之和做合计反演",
        attack_en="sum inversion of the others' sum",
        defence_zh=zh,
        defence_en=en,
    )


def _membership(plan: TrainPlan) -> Leak:
    zh, en = _noise(
        plan,
        zh="对和的保护在此不起作用；行数多、参数少时攻击弱",
        en="to protect sums does nothing here; many rows and few parameters make the attack weak",
    )
    return Leak(
        who_zh="持有模型者：申请方、协调方、各部门",
        who_en="whoever has the model: analyst, coordinator, departments",
        what_zh="模型",
        what_en="the model",
        attack_zh="成员推断：某人是否在训练数据中（2017）",
        attack_en="membership inference: was a person among the training rows (2017)",
        defence_zh=zh,
        defence_en=en,
    )


def _inversion() -> Leak:
    return Leak(
        who_zh="持有模型者",
        who_en="whoever has the model",
        what_zh="模型给出的分数",
        what_en="the scores it gives",
        attack_zh="模型反演：由分数推断一个人的某个特征（2015）",
        attack_en="model inversion: one feature of a person out of a score (2015)",
        defence_zh="预测须另行审批，只给出分档合计，每人有次数上限；直接拿到模型的人不受此限",
        defence_en="prediction is approved by itself, gives counts per band only and has a budget per person; none of"
        " that binds who has the model",
    )


def _noise(plan: TrainPlan, *, zh: str, en: str) -> tuple[str, str]:
    """Say what bounds the attack: noise, or else the circumstances given."""
    privacy = plan.privacy
    if privacy is None:
        return f"{zh}，没有可证明的上界", f"{en}, and no bound can be proven"
    budget = f"ε = {privacy.epsilon:g}, δ = {privacy.delta:g}"
    return (
        f"各部门加噪，全程对整个部门（因而对其中每个人）差分隐私，{budget}",
        f"noise of every department's: differential privacy of a whole department, so of everybody in it, {budget}",
    )
