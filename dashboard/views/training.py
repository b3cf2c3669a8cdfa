"""联合训练: every training, how it goes or went, the card of its model, the attacks on it, and how to begin one."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor

import streamlit as st

from dashboard import beginning, blocks, boards, drilling, frame, learning, modelcard, sources, words
from dashboard.components.curve import curve
from dashboard.i18n import _, language
from dashboard.served import served
from dashboard.services import sessions
from dashboard.services.log import LogView
from dashboard.services.operation import processes
from dashboard.services.proposals import settings_file
from dashboard.services.rights import Right, may
from dashboard.services.trainings import Training
from federation.demo.city import is_demonstration
from federation.errors import KeyongError, RecordError
from federation.runtime.home import Home

REFRESH_S = 1.0
MAX_REQUESTS = 200  # of the log; older trainings are still in the analysts' folders
MAX_ROWS = 10  # in the list

NEWEST = ""  # the selection that follows the newest
VIEWS = ("course", "card", "drills", "new")


def page() -> None:
    """The whole page."""
    st.session_state.setdefault("training", st.query_params.get("training", NEWEST))
    asked = st.query_params.get("view", "course")
    st.session_state.setdefault("part", asked if asked in VIEWS else "course")
    st.fragment(show, run_every=REFRESH_S)()


def show() -> None:
    """What is looked at anew every second."""
    home = served().home
    try:
        reader = sources.log(home)
        view = reader.look()
    except RecordError as error:
        frame.nothing_yet(*title(), error)
        return
    known, visitor = sources.trainings(home), sessions.visitor()
    everything = known.look(visitor, reader.requests(MAX_REQUESTS))
    frame.head(*title(), view.public)
    chosen = choose(everything)
    beginning.said(known.runs.look(visitor))
    match st.session_state["part"]:
        case "new":
            beginning.show(home, view)
        case "drills":
            drilling.show(home)
        case _ if chosen is None:
            blocks.verdict("wait", _("还没有训练"), _("在“新训练”里选一个作业文件，或在终端执行下面这一行。"))
            blocks.typed(_("在终端："), beginning.typed("examples/jobs/readmission-logistic.toml"))
        case "card":
            modelcard.show(chosen, view, synthetic=is_demonstration(Home(home)))
        case _:
            course(chosen, reader.look(chosen.job))
            listed(everything, chosen)
    frame.limits()


def title() -> tuple[str, str]:
    """What this page is called, and what it shows."""
    return _("联合训练"), _("各部门的数据不动，一起训练一个模型；谁会知道什么，写在泄露卡上。")


def choose(everything: Sequence[Training]) -> Training | None:
    """Which training, and what of it; both are in the address."""
    by_job = {one.job: one for one in everything}
    known = st.session_state["training"] in by_job
    if not known or st.session_state.get("labels in") != language():
        st.session_state["training"] = st.session_state["training"] if known else NEWEST
        st.session_state["part"] = st.session_state["part"] or VIEWS[0]
        st.session_state["labels in"] = language()
    newest = next(iter(everything), None)
    left, right = st.columns([5, 4], vertical_alignment="center")
    job = left.selectbox(
        _("训练"),
        [NEWEST, *by_job],
        format_func=lambda name: learning.name(by_job[name]) if name else _following(newest),
        label_visibility="collapsed",
        key="training",
        on_change=to_address,
        args=("training", "training"),
    )
    names = {"course": _("过程"), "card": _("模型卡"), "drills": _("攻击演练"), "new": _("新训练")}
    right.segmented_control(
        _("视图"),
        VIEWS,
        format_func=names.__getitem__,
        key="part",
        required=True,
        label_visibility="collapsed",
        on_change=to_address,
        args=("part", "view"),
        width="stretch",
    )
    return by_job.get(job or NEWEST, newest)


def _following(newest: Training | None) -> str:
    return _("最新：{training}").format(training=learning.name(newest) if newest else "–")


def to_address(key: str, parameter: str) -> None:
    """Keep a choice in the address, so that it can be sent to somebody; the first option goes without saying."""
    sessions.touch()
    chosen = st.session_state[key]
    if chosen in (NEWEST, VIEWS[0]):
        st.query_params.pop(parameter, None)
    else:
        st.query_params[parameter] = chosen


# -- how it goes ------------------------------------------------------------------------------------------------------


def course(training: Training, view: LogView) -> None:
    """One training, while it runs or after it."""
    blocks.verdict(*learning.summary(training, view.public))
    if training.live and training.run is None and not processes(served().home):
        boards.remark(_("联邦没有在运行，训练不会继续。"))
    act(training)
    figures(training, view)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        blocks.heading(_("每一轮"), _("训练行上的平均损失，越低越好"))
        curve(learning.picture(training, view.public), key="curve")
    with right:
        compared(training, view)


def act(training: Training) -> None:
    """Stop what runs, or go on with what waits for nobody any more."""
    requester = training.run.requester if training.run else training.plan.requester if training.plan else ""
    if not requester or not may(sessions.visitor(), Right.ASK, requester=requester):
        return
    if training.live and training.run is not None and training.run.alive:
        left, right = st.columns([1, 6], vertical_alignment="center")
        left.button(_("停止"), key="stop", width="stretch", on_click=stop, args=(training.job,))
        with right:
            boards.remark(
                _("停止即断开：协调方在下一步之前停下；请求留在审批台上，可以再次提交。")
                if training.state == "waiting"
                else _("停止即断开：协调方在下一步之前停下，批准已用掉，不能接着这一次继续。")
            )
    elif training.state == "waiting" and training.plan is not None and settings_file(served().home, beginning.HERE):
        left, right = st.columns([1, 6], vertical_alignment="center")
        left.button(_("继续等待"), key="resume", width="stretch", on_click=beginning.resume, args=(training.job,))
        with right:
            boards.remark(_("没有程序在等这个请求：批准之后，要由申请方再次提交同一份请求。"))


def stop(job: str) -> None:
    """End the program that watches it."""
    try:
        sources.trainings(served().home).runs.stop(sessions.acting(), job)
    except KeyongError as error:  # the session may have ended since the button was drawn
        st.toast(words.told(error))


def figures(training: Training, view: LogView) -> None:
    """The numbers one asks for first."""
    card, done = training.card, max((one.number for one in training.rounds), default=0)
    losses = [one.loss for one in training.rounds if one.loss is not None]
    gone = {party for one in training.rounds for party in one.absent}
    kind, value, low, high = learning.metric(card.measures if card else None)
    sent = sum(flow.size for flow in view.flows) if view.job and view.job.name == training.job else 0
    interval = _("95%：{low}–{high}").format(low=f"{low:.3f}", high=f"{high:.3f}") if low and high else ""
    spent, claimed = _epsilon(training)
    blocks.cards(
        [
            ("good", kind or _("指标"), f"{value:.4f}" if value is not None else "–", interval or _("训练完才评估")),
            ("ciphertext", _("轮数"), f"{done} / {training.planned or '–'}", ""),
            ("ciphertext", _("损失"), f"{losses[-1]:.4f}" if losses else "–", _fallen(losses)),
            ("sealed" if claimed else "quiet", "ε", spent, claimed or _("没有差分隐私")),
            ("record", _("离开各部门"), words.amount(sent) if sent else "–", _("签名账目")),
            (
                "warn" if gone else "good",
                _("缺席"),
                _("{n} 个部门").format(n=len(gone)) if gone else _("无"),
                _("{n} 轮").format(n=sum(bool(one.absent) for one in training.rounds)) if gone else "",
            ),
        ]
    )


def _fallen(losses: Sequence[float]) -> str:
    return _("第 1 轮 {loss}").format(loss=f"{losses[0]:.4f}") if len(losses) > 1 else ""


def _epsilon(training: Training) -> tuple[str, str]:
    """Spent so far, and what was claimed; "" without privacy."""
    privacy = training.plan.privacy if training.plan else training.card.privacy if training.card else None
    if privacy is None:
        return "–", ""
    spent = next((one.epsilon for one in reversed(training.rounds) if one.epsilon is not None), None)
    if training.card is not None:
        spent = privacy.epsilon
    return f"{spent:.3g}" if spent is not None else "–", _("上限 {epsilon}").format(epsilon=f"{privacy.epsilon:g}")


def compared(training: Training, view: LogView) -> None:
    """The same model learnt by each alone, together, and from all rows in one place."""
    card = training.card
    blocks.heading(_("联合值不值"), _("同一批留出行，逐行评估"))
    if card is None:
        boards.remark(_("训练完成后，若作业文件有 [lab]，这里把它与“各自训练”和“明文汇总”并排。"))
        return
    if card.lab is None:
        boards.remark(_("作业文件没有 [lab]，没有比较。比较只用生成器或测试文件，从不向部门要明文。"))
        return
    rows: list[boards.Estimate] = [
        (words.party_name(name, view.public), "quiet", *learning.metric(measures)[1:])
        for name, measures in card.lab.alone.items()
    ]
    rows += [
        (_("联邦"), "ciphertext", *learning.metric(card.lab.federated)[1:]),
        (_("明文汇总"), "good", *learning.metric(card.lab.pooled)[1:]),
    ]
    kind = learning.metric(card.lab.pooled)[0]
    low, high = _scale(rows)
    boards.estimates(_("{kind}，越高越好").format(kind=kind), rows, low=low, high=high, unknown=_("学不出模型"))
    boards.remark(_("{kind}，越高越好；横线是 95% 区间。灰：各部门只用自己的数据。").format(kind=kind))
    if is_demonstration(Home(served().home)):
        boards.remark(_("合成数据：这里的增益是设定值，不说明真实城市能提高多少。"))


def _scale(rows: Sequence[boards.Estimate]) -> tuple[float, float]:
    """A scale in twentieths that holds all figures and their intervals."""
    found = [value for _name, _colour, *values in rows for value in values if value is not None]
    low, high = min(found, default=0.0), max(found, default=1.0)
    return floor(low * 20) / 20, min(ceil(high * 20) / 20, 1.0)


def listed(everything: Sequence[Training], chosen: Training) -> None:
    """Every training, newest first."""
    rows = everything[:MAX_ROWS]
    boards.matrix(
        _("全部训练：最新在上，共 {n} 个").format(n=len(everything)),
        [_("作业"), _("题目"), _("状态"), _("保护"), _("轮数"), _("指标"), _("提出时间")],
        [
            (
                ("now" if one is chosen else "", one.job),
                [
                    ("plain", one.title or "–"),
                    (learning.TONES[one.state], learning.state_name(one.state)),
                    ("plain", _protection(one)),
                    ("plain", f"{max((each.number for each in one.rounds), default=0)} / {one.planned or '–'}"),
                    ("plain", _figure(one)),
                    ("plain", words.shanghai(one.time, date=True)[:16]),
                ],
            )
            for one in rows
        ],
    )


def _protection(training: Training) -> str:
    source = training.plan or training.card
    if source is None:
        return "–"
    names = {"masks": _("成对掩码"), "paillier": _("门限加密"), "none": _("无（实验）")}
    return names[source.protection] + (f" + ε {source.privacy.epsilon:g}" if source.privacy else "")


def _figure(training: Training) -> str:
    kind, value, *_interval = learning.metric(training.card.measures if training.card else None)
    return f"{kind} {value:.4f}" if value is not None else "–"


page()
