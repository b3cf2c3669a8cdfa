"""Code to data, played by a town: one department runs an approved script; its result is random bytes in a seal."""

from __future__ import annotations

import secrets

from federation.drills.town import ANALYST, DEPARTMENTS, OPENERS, Town
from federation.governance.roster import Roster
from federation.messages import ScriptOutput
from federation.plan import Column, ScriptFile, ScriptPlan

OWNER = "tax"
RESULT_BYTES = 512


def make_script(roster: Roster) -> ScriptPlan:
    """A plan that no policy has looked at: one number of everybody."""
    return ScriptPlan(
        nonce=secrets.token_hex(16),
        requester=ANALYST,
        purpose="drill",
        contributors=(OWNER,),
        gate=OWNER,
        holders=DEPARTMENTS,
        threshold=len(OPENERS),
        minimum_group=3,
        minimum_contributors=3,
        catalogue="0" * 64,
        roster=roster.hash,
        epoch=1,
        source="drill",
        view=(Column(name="x", type="integer"),),
        files=(ScriptFile(name="main.py", text="print('drill')\n"),),
        numbers=("mean",),
    )


def run_script(town: Town, job: str) -> ScriptPlan:
    """A whole job: granted by the one department's officers, run, released, sealed."""
    plan = make_script(town.roster)
    town.submit(job, plan)
    town.agree(job, plan)
    town.begin(job, plan)
    table = secrets.token_bytes(RESULT_BYTES)
    told: dict[str, int | str] = {"code": plan.code, "status": "done", "digits": plan.digits}
    told |= {"bits": plan.capacity_bits, "milliseconds": 1_000}
    ran = town.draft("script", OWNER, job, told, table)
    town.send(OWNER, ScriptOutput(box=table), (ran,), plan=plan.hash, job=job)
    town.coordinate("job.end", job, {"outcome": "released"})
    town.seal()
    town.seal()  # what the department has seen of the first one, its shelf shows in the second
    return plan
