"""One request, opened: what is asked and what it may cost, in a sentence; then all that the sentence rests on."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard import blocks, boards, codereview, learning, words
from dashboard.blocks import Tone
from dashboard.cataloguing import CLASS_TONES
from dashboard.i18n import _, language
from dashboard.services.requests import Outline, Request
from dashboard.services.rules import asked, refusal, unseen
from dashboard.verdict import Verdict
from federation.audit.record import Public
from federation.errors import KeyongError
from federation.governance.roster import Roster
from federation.learning.leakage import leakage
from federation.plan import AnyPlan, Plan, PredictPlan, ScriptPlan, TrainPlan, Trees
from federation.settings import Catalogue


def opened(request: Request, rules: Catalogue | None, roster: Roster | None, public: Public) -> None:
    """What is asked and what it may cost, before anything else.

    Args:
        rules: the catalogue that the plan was made against; None if it is not at hand.
    """
    blocks.heading(_("请求 {job}").format(job=request.job), words.kind_name(request.kind))
    plan = request.plan
    if plan is None:
        blocks.verdict(*closed(request))
        return
    blocks.verdict(*lead(plan, rules, public))
    warnings(request, plan, rules, roster, public)
    blocks.cards(figures(plan, rules))


def details(request: Request, rules: Catalogue | None, public: Public) -> None:
    """What the first sentences rest on: asked against allowed, and what every party would see."""
    plan = request.plan
    if plan is None:
        lines = [(_("申请方"), request.requester, ""), (_("计划摘要（所签的就是它）"), request.hash, "id")]
        blocks.facts([*lines, *(_counts(request.outline) if request.outline else ())])
        return
    facts(request, plan, rules, public)
    if not isinstance(plan, ScriptPlan):
        boards.sql(plan.subject)
    compare(plan, rules)
    learning.sights(plan, public)


def leakage_card(plan: Plan, public: Public) -> None:
    """Which attacks start from what is learnt, where somebody has thought about it."""
    if isinstance(plan, TrainPlan):
        learning.leaks(leakage(plan))
    if isinstance(plan, ScriptPlan):
        codereview.leaks(plan, public)


def closed(request: Request) -> Verdict:
    """What anybody may know of a request, in a sentence."""
    if request.outline is None:
        return Verdict("wait", _("计划原文在各部门的审批台上，日志只存摘要"), _("联邦运行时在此显示。"))
    claim = _("{who} 提出一个{kind}请求：{n} 个部门，{columns} 列").format(
        who=request.requester,
        kind=words.kind_name(request.kind),
        n=request.outline.participants,
        columns=request.outline.columns,
    )
    why = _("用途、内容与代码只给参与部门的安全管理员、安全审计员和申请方看；请先登录。")
    return Verdict("wait", claim, why)


def _counts(outline: Outline) -> Iterator[tuple[str, str, str]]:
    yield _("最小分组"), _("{n} 行").format(n=outline.minimum_group), ""
    if outline.code:
        yield _("代码摘要"), outline.code, "id"
        yield _("代码文件"), _("{n} 个").format(n=outline.files), ""
        yield _("泄露容量"), _("至多 {bits} 比特").format(bits=words.count(outline.capacity_bits)), ""


# -- what is asked, and what it may cost ------------------------------------------------------------------------------


def lead(plan: Plan, rules: Catalogue | None, public: Public) -> Verdict:
    """The first sentence: what is asked; and the second: what it may cost."""
    tier = words.tier_name(rules.tier(plan.requester)) if rules else ""
    who = _("{tier}申请方 {account}").format(tier=tier, account=plan.requester)
    table = rules.table(plan.table) if rules else None
    label = (table.label if language() == "zh" else table.label_en) if table else plan.table
    common = {"who": who, "table": label, "n": len(plan.contributors)}
    match plan:
        case ScriptPlan():
            return _script_lead(plan, common, public)
        case TrainPlan():
            rounds = plan.model.trees if isinstance(plan.model, Trees) else plan.descent.rounds
            claim = _("{who} 要用 {n} 个部门的“{table}”联合训练模型：{features} 个特征，{rounds} 轮")
            cost = _("代价：模型归申请方；{privacy}。{protection}。").format(
                privacy=learning.privacy(plan), protection=learning.protection(plan)
            )
            return Verdict(_tone(plan), claim.format(**common, features=len(plan.features), rounds=rounds), cost)
        case PredictPlan():
            claim = _("{who} 要用模型给 {n} 个部门“{table}”里的人打分，各部门看自己的结果")
        case _:
            claim = _("{who} 要对 {n} 个部门的“{table}”求合计，至多 {numbers} 个数")
    cost = _("代价：不足 {rows} 行或 {least} 个部门的组不发布；{protection}。").format(
        rows=plan.minimum_group, least=plan.minimum_contributors, protection=learning.protection(plan)
    )
    return Verdict(_tone(plan), claim.format(**common, numbers=words.count(readable(plan))), cost)


def _script_lead(plan: ScriptPlan, common: dict[str, object], public: Public) -> Verdict:
    place = words.party_name(plan.owner, public)
    claim = _("{who} 要在{place}的“{table}”上运行脚本：读 {columns} 列的全部行，交出至多 {lines} 行 × {each} 个数")
    cost = _(
        "代价：审批时没看出的恶意代码，最多可借这些数带走 {bits} 比特；不足 {rows} 行的组不发布，日志不离开{place}。"
    )
    return Verdict(
        "warn",
        claim.format(
            **common, place=place, columns=len(plan.view), lines=words.count(plan.group_count), each=len(plan.numbers)
        ),
        cost.format(bits=words.count(plan.capacity_bits), rows=plan.minimum_group, place=place),
    )


def _tone(plan: Plan) -> Tone:
    return "warn" if plan.protection == "none" else "wait"


def readable(plan: Plan) -> int:
    """How many numbers the requester would be able to read."""
    return sum(sight.numbers for sight in plan.visibility() if sight.party == plan.requester)


def figures(plan: Plan, rules: Catalogue | None) -> Iterator[tuple[str, str, str, str]]:
    """The numbers that one asks for first."""
    table = rules.table(plan.table) if rules else None
    if table is not None:
        tone = CLASS_TONES[table.data_class]
        yield tone, _("数据分级"), words.data_class_name(table.data_class), table.name
    if isinstance(plan, ScriptPlan):
        yield "ciphertext", _("读取"), _("{n} 列").format(n=len(plan.view)), _("全部行")
        yield "output", _("交出"), f"{words.count(plan.group_count)} × {len(plan.numbers)}", _("个数")
        yield "warn", _("泄露容量"), words.count(plan.capacity_bits), _("比特，至多")
        yield "quiet", _("最小分组"), words.count(plan.minimum_group), _("行")
        return
    yield "ciphertext", _("部门"), words.count(len(plan.contributors)), _("{n} 列").format(n=len(plan.columns))
    yield "sealed", _("申请方可读"), words.count(readable(plan)), _("个数")
    yield "quiet", _("最小分组"), words.count(plan.minimum_group), _("行")


def warnings(request: Request, plan: Plan, rules: Catalogue | None, roster: Roster | None, public: Public) -> None:
    """What speaks against signing, if anything does."""
    if request.differing:
        names = words.listed(words.party_name(name, public) for name in request.differing)
        claim = _("各部门审批台上的计划不同：{names}").format(names=names)
        blocks.verdict("bad", claim, _("不要签署；请比对计划摘要。"))
    if isinstance(plan, ScriptPlan) and (files := unseen(plan)):
        claim = _("代码里有看不见的或改变书写方向的字符：{names}").format(names=words.listed(files))
        blocks.verdict("bad", claim, _("读到的可能不是运行的（Trojan Source）；不要签署，请申请方去掉这些字符。"))
    refused = _refused(plan, rules, roster)
    if refused is not None:
        blocks.verdict("bad", _("按公开规则，这个请求会被每个部门拒绝"), words.told(refused))


def _refused(plan: Plan, rules: Catalogue | None, roster: Roster | None) -> KeyongError | None:
    if rules is None or roster is None or not isinstance(plan, AnyPlan):
        return None
    return refusal(plan, rules, roster)


def facts(request: Request, plan: Plan, rules: Catalogue | None, public: Public) -> None:
    """Who, why, on what ground, and the hash that is signed."""
    place = next(iter(request.snapshots), "")
    lines = [
        (_("用途"), plan.purpose, ""),
        *(((_("法定依据"), plan.basis or _("未填写"), ""),) if isinstance(plan, ScriptPlan) else ()),
        (_("申请方"), plan.requester, ""),
        (_("送达"), words.moment(request.received), ""),
        (_("计划摘要（所签的就是它）"), plan.hash, "id"),
    ]
    if isinstance(plan, ScriptPlan):
        lines.append((_("代码摘要"), plan.code, "id"))
    elif request.snapshots.get(place):
        label = _("数据快照（{name}，加盐）").format(name=words.party_name(place, public))
        lines.append((label, request.snapshots[place], "id"))
    blocks.facts(lines)


def compare(plan: Plan, rules: Catalogue | None) -> None:
    """Asked against allowed: rule by rule, then column by column."""
    lines = [*_rules(plan, rules)] if rules is not None else []
    zh = language() == "zh"
    for one in asked(plan, rules):
        name = one.label if zh else one.label_en
        unused = _("脚本读它的值") if isinstance(plan, ScriptPlan) else _("只用其散列，不读入模型")
        lines.append(
            (
                f"{name} ({one.column})" if name != one.column else one.column,
                words.listed(map(words.use_name, one.uses)) or unused,
                one.how,
                _("目录不在此处") if one.allowed is None else words.listed(map(words.use_name, one.allowed)),
                None if one.allowed is None else one.fits,
            )
        )
    said = {None: (_("未比对"), "quiet"), True: (_("允许"), "good"), False: (_("超出"), "bad")}
    blocks.table(
        _("所要与所许：请求要的，与公开规则、数据主人允许的"),
        [(_("项目"), ""), (_("本请求"), ""), (_("具体"), "hash"), (_("所许"), ""), (_("结论"), "class")],
        [(*line, said[fits][0]) for *line, fits in lines],
        colours=[said[line[-1]][1] for line in lines],
    )


def _rules(plan: Plan, rules: Catalogue) -> Iterator[tuple[str, str, str, str, bool | None]]:
    """The rules that hold for a whole request."""
    level, table = rules.rules(plan.requester), rules.table(plan.table)
    tier = words.tier_name(rules.tier(plan.requester))
    allowed = words.listed(map(words.kind_name, level.requests))
    yield (
        _("类型（{tier}申请方）").format(tier=tier),
        words.kind_name(plan.kind),
        "",
        allowed,
        plan.kind in level.requests,
    )
    least = _("不少于 {n} 行").format(n=level.minimum_group)
    fits = plan.minimum_group >= level.minimum_group
    yield _("最小分组"), _("{n} 行").format(n=plan.minimum_group), "", least, fits
    if table is not None:
        open_to = {"general": _("市级与县级申请方"), "important": _("市级申请方"), "core": _("不向任何人开放")}
        name = words.data_class_name(table.data_class)
        yield _("数据分级"), name, "", open_to[table.data_class], rules.lets(plan.requester, table)
    if isinstance(plan, ScriptPlan):
        is_open = table is not None and table.scripts
        yield _("数据集"), plan.dataset, "", _("开放给经审批的脚本") if is_open else _("不开放脚本"), is_open
