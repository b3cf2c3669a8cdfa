"""From a script to a plan: the table, the columns it is given, and the result's shape, found by a trial."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from federation.errors import RequestError
from federation.governance.policy import readable_columns
from federation.governance.roster import Roster
from federation.plan import MAX_SCRIPT_MB, MAX_SCRIPT_S, ScriptFile, ScriptPlan, release_gate
from federation.sandbox.limits import Limits
from federation.scripting.trial import try_script
from federation.settings import Catalogue, TableCard

SECONDS, MEMORY_MB, DIGITS = 20, 2048, 4
ON_OUR_OWN_MACHINE = Limits(seconds=MAX_SCRIPT_S, memory_mb=MAX_SCRIPT_MB)


def plan_script(
    files: Mapping[str, str],
    dataset: str,
    *,
    purpose: str,
    requester: str,
    catalogue: Catalogue,
    roster: Roster,
    nonce: str,
    basis: str = "",
    digits: int = DIGITS,
    seconds: int = SECONDS,
    memory_mb: int = MEMORY_MB,
) -> ScriptPlan:
    """Make the plan of a script for exactly this catalogue and roster; it is tried on made-up rows first.

    Args:
        files: the text of every file by name; the first one is run.
        dataset: department.table.
        basis: the law or rule that the request rests on.
        nonce: 32 random hex digits.

    Raises:
        RequestError: no such dataset, or the script does not give a result that could be released.
        RefusedError: there is no sandbox on this machine to try it in.
    """
    owner, table = find_dataset(dataset, catalogue)
    frozen = _files(files)
    trial = try_script(files, table, ON_OUR_OWN_MACHINE)
    if trial.shape is None:
        raise RequestError("request.script_trial", code=trial.reason.code if trial.reason else "")
    return ScriptPlan(
        nonce=nonce,
        requester=requester,
        purpose=purpose,
        contributors=(owner,),
        gate=release_gate((owner,), requester),
        holders=roster.holders,
        threshold=roster.threshold,
        minimum_group=catalogue.rules(requester).minimum_group,
        minimum_contributors=catalogue.minimum_contributors,
        catalogue=catalogue.hash,
        roster=roster.hash,
        epoch=roster.epoch,
        source=table.name,
        view=readable_columns(table),
        files=frozen,
        group_by=trial.shape.group_by,
        numbers=trial.shape.numbers,
        digits=digits,
        basis=basis,
        seconds=seconds,
        memory_mb=memory_mb,
    )


def _files(files: Mapping[str, str]) -> tuple[ScriptFile, ...]:
    try:
        return msgspec.convert([{"name": name, "text": text} for name, text in files.items()], tuple[ScriptFile, ...])
    except msgspec.ValidationError as exc:
        raise RequestError("request.script_names", names=", ".join(files)) from exc


def find_dataset(dataset: str, catalogue: Catalogue) -> tuple[str, TableCard]:
    """Find the department and the table of a dataset.

    Raises:
        RequestError: there is none of this name, or no script may be given its rows.
    """
    owner, _, name = dataset.rpartition(".")
    table = catalogue.table(name)
    if table is None or owner not in table.departments or not table.scripts:
        offered = [f"{one}.{table.name}" for table in catalogue.tables if table.scripts for one in table.departments]
        raise RequestError("request.dataset_unknown", dataset=dataset, known=", ".join(offered) or "-")
    return owner, table
