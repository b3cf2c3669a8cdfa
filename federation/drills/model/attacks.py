"""The table of attacks on joint training."""

from __future__ import annotations

from federation.drills.model import inversion, membership, presence
from federation.drills.model.drill import Measured, ModelDrill
from federation.drills.model.stage import AUDITED, BUDGET, ModelStage, Sent
from federation.drills.wording import Wording


def _invert_single(stage: ModelStage) -> Measured:
    return _inverted(stage.single)


def _invert_batch(stage: ModelStage) -> Measured:
    return _inverted(stage.batch)


def _inverted(sent: Sent) -> Measured:
    return Measured(inversion.recovered(sent.hospitals, sent.off), inversion.recovered(sent.hospitals, sent.on))


def _guess(stage: ModelStage) -> Measured:
    sent = stage.single
    return Measured(inversion.guesses(sent.off, masked=False), inversion.guesses(sent.on, masked=True))


def _collude(stage: ModelStage) -> Measured:
    sent = stage.single
    off, on = (inversion.recovered_by_collusion(sent.hospitals, seen) for seen in (sent.off, sent.on))
    return Measured(off, on)


def _infer_masked(stage: ModelStage) -> Measured:
    return Measured(membership.infer_members(*stage.open), membership.infer_members(*stage.masked))


def _infer_private(stage: ModelStage) -> Measured:
    before, after = membership.quality(*stage.useful), membership.quality(*stage.useful_private)
    return Measured(
        membership.infer_members(*stage.open),
        membership.infer_members(*stage.private),
        cost=Wording(
            f"代价：一个正常的模型（逻辑回归，每家一百例，三轮）在新病例上的 AUC 由 {before:.2f} 变为 {after:.2f}"
            "（0.5 为瞎猜）",
            f"the price: AUC on new cases of a sensible model (logistic, 100 cases a hospital, 3 rounds) goes from"
            f" {before:.2f} to {after:.2f}, where 0.5 is guessing",
        ),
    )


def _audit(stage: ModelStage) -> Measured:
    return Measured(presence.audit_unprotected(stage.audited), presence.audit(stage.audited))


_RECORDS = Wording("完整还原的病例占比", "share of cases read out completely")
_AREA = Wording("成员推断 AUC", "AUC of the membership score")
_MASKS = Wording("安全求和（双重掩码）", "secure sums (double masking)")

DRILLS: tuple[ModelDrill, ...] = (
    ModelDrill(
        name="invert-single",
        title=Wording(
            "梯度反演：每家医院一例，逻辑回归", "gradient inversion: one case a hospital, logistic regression"
        ),
        can=Wording(
            "协调方看到每家医院发来的一轮更新，以及合计",
            "the coordinator sees what each hospital sends in one round, and the total",
        ),
        metric=_RECORDS,
        guess=0.0,
        works=1.0,
        harmless=0.0,
        protection=_MASKS,
        stops=Wording(
            "单家医院的向量与随机数无异；合计混有六例，除不出任何一例",
            "one hospital's vector looks random, and the total mixes six cases, of which none can be divided out",
        ),
        limit=Wording(
            "协调方若下发特制的模型，仍能从合计中分离出个别行（Fowl 等，ICLR 2022）；"
            "掩码只保证各方拿到同一个模型，能界定泄露的只有差分隐私",
            "a coordinator that sends out a crafted model can isolate rows even in the total (Fowl et al., ICLR 2022);"
            " masks only make sure that all get the same model, and differential privacy alone bounds what it tells",
        ),
        perform=_invert_single,
    ),
    ModelDrill(
        name="invert-batch",
        title=Wording(
            "梯度反演：每家医院四例，神经网络", "gradient inversion: four cases a hospital, a neural network"
        ),
        can=Wording(
            "同上；用线性代数在一次梯度张成的空间里找出病例",
            "the same; finds the cases in the space that one gradient spans, by linear algebra",
        ),
        metric=_RECORDS,
        guess=0.0,
        works=1.0,
        harmless=0.0,
        protection=_MASKS,
        stops=Wording(
            "单家医院的向量与随机数无异；合计有二十四例，超过了隐藏单元数，张不成可解的空间",
            "one hospital's vector looks random, and the total is of 24 cases, more than there are hidden units",
        ),
        limit=Wording(
            "合计行数少于隐藏单元数的大网络不受此保护：请要求足够多的行，或加差分隐私",
            "a network with more hidden units than there are rows in all is not safe: it takes more rows, or privacy",
        ),
        perform=_invert_batch,
    ),
    ModelDrill(
        name="guess-sender",
        title=Wording(
            "二选一：一家医院发的是两个已知向量中的哪一个", "one of two: which of two known vectors did a hospital send"
        ),
        can=Wording(
            "协调方知道两个候选向量，只需猜是哪一个；200 次",
            "the coordinator knows both candidates and only has to choose; 200 times",
        ),
        metric=Wording(
            "猜对的占比",
            "share of right guesses",
        ),
        guess=0.5,
        works=1.0,
        # 200 fair coins give more than 140 heads less than once in 10**8 runs.
        harmless=0.7,
        protection=_MASKS,
        stops=Wording(
            "掩码使每个字在 2^64 上均匀分布，与内容无关",
            "masks make every word uniform modulo 2^64, whatever is in it",
        ),
        limit=Wording(
            "计算意义上的保证：X25519、HKDF 与 ChaCha20 未被攻破",
            "computational: as long as X25519, HKDF and ChaCha20 hold",
        ),
        perform=_guess,
    ),
    ModelDrill(
        name="collude",
        title=Wording(
            "合谋：其余五家与协调方从合计中减去自己的",
            "collusion: the other five and the coordinator take their own off the total",
        ),
        can=Wording(
            "除一家之外全部合谋",
            "everybody but one hospital colludes",
        ),
        metric=_RECORDS,
        guess=0.0,
        works=1.0,
        harmless=0.0,
        protection=_MASKS,
        stops=Wording(
            "任何求和都挡不住：合计减去其余各方，就是剩下的一方；至少要有两家诚实",
            "no sum can: the total less everybody else's is the last one's; at least two must be honest",
        ),
        limit=Wording(
            "差分隐私能减轻：每家自己那份噪声无人可减；但合谋者超过容忍数时，ε 大于所声称的",
            "differential privacy softens it: nobody can subtract a hospital's own noise; but with more colluders than"
            " are tolerated, epsilon is larger than claimed",
        ),
        perform=_collude,
        expected=False,
    ),
    ModelDrill(
        name="members-masked",
        title=Wording(
            "成员推断（似然比）：对安全求和得到的模型",
            "membership inference (likelihood ratio) on a model from secure sums",
        ),
        can=Wording(
            "读到最终模型的人，手里有一批病例，想知道哪些被用来训练",
            "who reads the finished model, has some cases, and wants to know which were learnt from",
        ),
        metric=_AREA,
        guess=0.5,
        works=0.75,
        harmless=0.65,
        protection=_MASKS,
        stops=Wording(
            "挡不住：安全求和给出的模型一字不差，记住了病例的模型就会说出来",
            "it cannot: the model from secure sums is the same to the bit, and one that knows cases by heart tells",
        ),
        limit=Wording(
            "模型故意过拟合（每家二十例）；行数多、正则强的模型泄露少得多，但没有保证",
            "overfitted on purpose, 20 cases a hospital; more rows and a penalty leak less, but no bound is known",
        ),
        perform=_infer_masked,
        expected=False,
    ),
    ModelDrill(
        name="members-private",
        title=Wording(
            "成员推断（似然比）：对差分隐私的模型",
            "membership inference (likelihood ratio) on a model with differential privacy",
        ),
        can=Wording(
            "同上；影子模型也加同样的噪声",
            "the same; the shadow models have the same noise",
        ),
        metric=_AREA,
        guess=0.5,
        works=0.75,
        harmless=0.65,
        protection=Wording(
            f"差分隐私 ε={BUDGET.epsilon:g}",
            f"differential privacy, epsilon {BUDGET.epsilon:g}",
        ),
        stops=Wording(
            "每家的贡献被裁剪，合计被噪声淹没：有没有任何一例，模型都差不多",
            "contributions are clipped and drowned in noise: the model is much alike with and without any one case",
        ),
        limit=Wording(
            "隐私单位是整个部门：只有六家时，噪声比学到的还大；要有用，需要多得多的部门、少数几轮和小模型",
            "the unit is a whole department: among six the noise is larger than what is learnt; to be of use it takes"
            " many more departments, few rounds and a small model",
        ),
        perform=_infer_private,
    ),
    ModelDrill(
        name="presence",
        title=Wording("审计 ε：一家医院是否参加过", "an audit of epsilon: did one hospital take part"),
        can=Wording(
            "知道其余所有人的贡献，自选受害者的最长贡献，看到每一轮的合计；合谋者减去自己的噪声",
            "knows everybody else's part, chose the victim's, the longest there is, and sees every sum; colluders"
            " subtract their noise",
        ),
        metric=Wording(
            f"ε 的实测下界（99.9% 置信；声称 {AUDITED.epsilon:g}）",
            f"measured lower bound of epsilon (99.9% confidence; {AUDITED.epsilon:g} is claimed)",
        ),
        guess=0.0,
        works=AUDITED.epsilon,
        harmless=AUDITED.epsilon,
        protection=Wording(
            f"差分隐私 ε={AUDITED.epsilon:g}",
            f"differential privacy, epsilon {AUDITED.epsilon:g}",
        ),
        stops=Wording(
            "实测下界不超过声称的 ε",
            "the measured lower bound is no more than what is claimed",
        ),
        limit=Wording(
            "下界不是证明：证明在机制与两套核算里；一千次试验测不到更高",
            "a lower bound is no proof: that is in the mechanism and two accounts; a thousand trials cannot show more",
        ),
        perform=_audit,
    ),
)
