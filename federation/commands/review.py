"""The command that shows an officer everything a request would run, and tries a script on made-up rows."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from federation import operate
from federation.catalogue.cards import DATA_CLASSES
from federation.commands.accounts import TIERS, running_catalogue
from federation.commands.frame import Command, command_of, print_json, visible
from federation.commands.officers import STATES, As, Request, request_fields
from federation.commands.showing import print_visibility
from federation.errors import RefusedError
from federation.governance.roster import Roster
from federation.governance.shelf import Lying
from federation.node.desk import DeskItem
from federation.plan import Plan, ScriptPlan
from federation.sandbox.limits import Limits
from federation.scripting.trial import Trial, try_script

# On the shelf beside the script and the plan, which are shown as they were signed for.
OWN_FILES = ("code/plan.json", "code/request.json")


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(review)


def review(
    context: typer.Context,
    request: Request,
    name: As,
    try_it: Annotated[bool, typer.Option("--try", help="在编造的样例行上试运行 · try the script on mock rows")] = False,
) -> None:
    """审阅一份请求：将要运行的一切 · everything that a request would run; signs nothing."""
    command = command_of(context)
    desk = operate.open_desk(command.home, name)
    item, plan = desk.find(request)
    shown = _Reviewed(command, item, plan, desk.officer.department)
    trial = shown.tried() if try_it else None
    if command.json:
        print_json(shown.fields(trial))
    else:
        shown.print(trial)


class _Reviewed:
    """One request on one desk."""

    def __init__(self, command: Command, item: DeskItem, plan: Plan, department: str) -> None:
        self._command, self._item, self._plan = command, item, plan
        self._catalogue = running_catalogue(command)
        roster = Roster.from_bytes(command.home.roster.read_bytes())
        self._needed = roster.grants
        self._software, self._lying, self._run = _shelf(command, department, item.job, plan)

    def tried(self) -> Trial:
        """Run the script on made-up rows, in the sandbox that the true ones would be in.

        Raises:
            RefusedError: there is nothing of the requester's to run, the catalogue is another one, or no sandbox.
        """
        table = self._catalogue.table(self._plan.table)
        if not isinstance(self._plan, ScriptPlan):
            raise RefusedError("refused.no_script", request=self._item.job)
        if table is None or self._catalogue.hash != self._plan.catalogue:
            raise RefusedError("refused.other_catalogue")
        files = {file.name: file.text for file in self._plan.files}
        return try_script(files, table, Limits(seconds=self._plan.seconds, memory_mb=self._plan.memory_mb))

    def fields(self, trial: Trial | None) -> dict[str, object]:
        """What machines read."""
        plan, catalogue = self._plan, self._catalogue
        table = catalogue.table(plan.table)
        files = plan.files if isinstance(plan, ScriptPlan) else ()
        fields = {
            **request_fields(self._item),
            "kind": plan.kind,
            "tier": catalogue.tier(plan.requester),
            "basis": plan.basis if isinstance(plan, ScriptPlan) else "",
            "table": plan.table,
            "data_class": table.data_class if table else "",
            "minimum_group": plan.minimum_group,
            "officers_needed": self._needed,
            "code": plan.code if isinstance(plan, ScriptPlan) else "",
            "files": [{"name": file.name, "sha256": file.sha256, "text": file.text} for file in files],
            "shelf": None,
            "trial": None,
        }
        if self._lying is not None:
            standing, digest = self._lying
            run = [{"name": name, "text": text} for name, text in self._run.items()]
            fields["shelf"] = {"software": self._software, "state": standing, "files": digest, "run": run}
        if trial is not None:
            fields["trial"] = {
                "status": trial.ran.status,
                "seconds": round(trial.ran.seconds, 2),
                "code": trial.reason.code if trial.reason else "",
                "as_planned": self._has_shape(trial),
                "output": trial.ran.output.decode("utf-8", "replace"),
                "log": trial.ran.log.decode("utf-8", "replace"),
            }
        return fields

    def print(self, trial: Trial | None) -> None:
        """What people read."""
        command, plan, fields = self._command, self._plan, self.fields(trial)
        catalogue = self._catalogue
        card = catalogue.table(plan.table)
        zh, en, style = STATES[self._item.state]
        granted = ", ".join(self._item.granted_by) or "–"
        tier = command.say(*TIERS[catalogue.tier(plan.requester)])
        table = Table(title=Text(self._item.job), title_justify="left", show_header=False)
        for pair, what in (
            (("状态", "state"), command.say(zh, en)),
            (("已批准", "granted by"), f"{granted}  ({len(self._item.granted_by)}/{self._needed})"),
            (("申请方", "requester"), f"{plan.requester}（{tier}）"),
            (("用途", "purpose"), plan.purpose),
            (("依据", "legal basis"), str(fields["basis"]) or "–"),
            (("内容", "asks for"), plan.subject),
            (("数据分级", "data class"), command.say(*DATA_CLASSES[card.data_class]) if card else "–"),
            (("最小组", "minimum group"), str(plan.minimum_group)),
            (("计划哈希", "plan"), plan.hash),
            (("数据快照", "snapshot"), self._item.snapshot or "–"),
        ):
            table.add_row(command.say(*pair), Text(visible(what), style=style if pair[1] == "state" else ""))
        command.out.print(table)
        print_visibility(command, command.settings(), plan)
        for file in plan.files if isinstance(plan, ScriptPlan) else ():
            self._print_text(f"{file.name}  SHA-256 {file.sha256}", file.text)
        for name, text in self._run.items():
            self._print_text(f"{self._software}  {name}", text)
        if trial is not None:
            self._print_trial(trial)

    def _print_text(self, title: str, text: str) -> None:
        self._command.out.print(Text(f"── {title}", style="bold"))
        self._command.out.print(Text(visible(text.rstrip("\n"))))

    def _print_trial(self, trial: Trial) -> None:
        command = self._command
        status = trial.reason.message(command.language) if trial.reason else trial.ran.status
        planned = command.say("与计划所述一致", "as the plan says") if self._has_shape(trial) else ""
        words = ", ".join(filter(None, (status, f"{trial.ran.seconds:.1f} s", planned)))
        self._print_text(
            command.say(f"在样例行上试运行：{words}", f"tried on mock rows: {words}"),
            trial.ran.output.decode("utf-8", "replace") + trial.ran.log.decode("utf-8", "replace"),
        )

    def _has_shape(self, trial: Trial) -> bool:
        """Whether the result has the columns that the plan says; on other rows it may have others."""
        plan = self._plan
        return isinstance(plan, ScriptPlan) and trial.shape is not None and trial.shape == (plan.group_by, plan.numbers)


def _shelf(command: Command, department: str, job: str, plan: Plan) -> tuple[str, Lying | None, dict[str, str]]:
    """What lies on the shelf: its software, how the request lies there, and what there is besides plan and script.

    Raises:
        RefusedError: what lies there is not what the plan says (`refused.shelf`).
    """
    folder = command.home.party(department) / "datasite"
    if not folder.exists():
        return "", None, {}
    from federation.governance.datasite import Datasite  # PySyft takes its time, and most homes have none

    shelf = Datasite(folder, department)
    lying = shelf.look(job)
    found = dict(shelf.read(job)) if lying else {}
    script = {f"code/script/{file.name}": file.text.encode() for file in getattr(plan, "files", ())}
    laid = {name: text for name, text in found.items() if name.startswith("code/script/")}
    if lying and (laid != script or found.get("code/plan.json") != plan.to_bytes()):
        raise RefusedError("refused.shelf", party=department, request=job)
    rest = {name: text for name, text in found.items() if name not in {*laid, *OWN_FILES}}
    return shelf.software, lying, {name: text.decode("utf-8", "replace") for name, text in rest.items()}
