"""What commands that submit a plan show alike: on whose desks it lies, who will see what, how it is protected."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from federation.commands.frame import Command
from federation.plan import Plan, ScriptPlan, survivors_needed
from federation.settings import Settings

VERBS = {"q": "query", "t": "train", "p": "predict", "s": "run"}


def print_desks(command: Command, job: str, desks: Sequence[str]) -> None:
    """Say on whose desks a request lies: somebody has to act, so it is said in any case."""
    verb = VERBS[job[:1]]
    command.err.print(
        Text(
            command.say(
                f"请求 {job} 等待审批：{'、'.join(desks)}。批准：keyong approve {job} --as officer@{desks[0]}"
                f"；可按 Ctrl-C 离开，之后 keyong {verb} --resume {job}",
                f"request {job} lies on the desks of {', '.join(desks)}. To approve: keyong approve {job} --as"
                f" officer@{desks[0]}; Ctrl-C leaves it there, go on later with keyong {verb} --resume {job}",
            ),
            style="yellow",
        )
    )


def print_visibility(command: Command, settings: Settings, plan: Plan) -> None:
    """Print who will see what, and the line that names the protection."""
    labels = settings.labels(command.language)
    labels |= {"coordinator": command.say("协调方", "coordinator"), plan.requester: command.say("申请方", "analyst")}
    table = Table(title=command.say("谁将看到什么", "who will see what"), title_justify="left")
    for column in (
        command.say("参与方", "party"),
        command.say("看到", "sees"),
        command.say("可读数值", "readable numbers"),
    ):
        table.add_column(column, justify="right" if column.endswith(("数值", "numbers")) else "left", overflow="fold")
    for sight in plan.visibility():
        table.add_row(
            " ".join(dict.fromkeys((labels.get(sight.party, sight.party), sight.party))),
            command.say(sight.zh, sight.en),
            str(sight.numbers),
        )
    command.out.print(table)
    command.out.print(describe_protection(command, plan))


def describe_protection(command: Command, plan: Plan) -> str:
    """Name the protection and what it takes to break it."""
    if isinstance(plan, ScriptPlan):
        return command.say(
            "保护：代码到数据；安全管理员逐行审阅，沙箱无网络，只发布不少于最小分组的几位有效数字",
            "protection: code to data; officers read every line, the sandbox has no network, and a few digits about"
            " large enough groups are all that leaves",
        )
    cohort = len(plan.contributors)
    if plan.protection == "paillier":
        return command.say(
            f"保护：Paillier 门限加密，密钥份额 {plan.threshold}/{len(plan.holders)}；只打开合计",
            f"protection: threshold Paillier, key shares {plan.threshold} of {len(plan.holders)}; only sums are opened",
        )
    if plan.protection == "masks":
        return command.say(
            f"保护：成对掩码，至少 {survivors_needed(cohort)}/{cohort} 个部门在场才能解除；只读出合计",
            f"protection: pairwise masks, taken off with {survivors_needed(cohort)} of {cohort} departments there at"
            " the least; only sums can be read",
        )
    return command.say(
        "保护：无，协调方看到每个部门的数；仅限实验联邦",
        "protection: none, the coordinator sees every department's numbers; for a lab only",
    )
