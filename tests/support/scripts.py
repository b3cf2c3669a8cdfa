"""Script plans over the departments' table, and who runs them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from federation.governance.policy import readable_columns
from federation.governance.roster import Party, Roster
from federation.plan import GroupKey, ScriptFile, ScriptPlan
from federation.sandbox import run_script
from federation.sandbox.limits import Limits, Ran
from tests.support.memory import ANALYST, NAMES, MemoryFederation, MemoryStore, catalogue

OWNER, OTHERS = NAMES[0], NAMES[1:3]
AGE = GroupKey(column="age", values=("young", "middle", "old"))
SEX = GroupKey(column="sex", values=("f", "m"))
# Without keys: for what is planned and checked only.
ROSTER = Roster(
    origin="keyong.test/scripts",
    epoch=1,
    parties=(
        *(Party(name=name, role="department", signing=name.encode(), box=b"") for name in NAMES),
        Party(name=ANALYST, role="analyst", signing=ANALYST.encode(), box=b""),
    ),
    holders=NAMES[:3],
    threshold=2,
    public_key=b"",
)

MEDIANS = """\
import pandas as pd

rows = pd.read_parquet("data/insured.parquet")
rows.groupby("age")["months"].agg(people="size", median="median").to_csv("out/result.csv")
"""

# For what is planned, checked and released without anybody to run it.
PUBLIC = catalogue(NAMES, scripts=True)
PLAN = ScriptPlan(
    nonce="0" * 32,
    requester=ANALYST,
    purpose="test",
    contributors=("gaoping",),
    gate="gaoping",
    holders=ROSTER.holders,
    threshold=2,
    minimum_group=3,
    minimum_contributors=3,
    catalogue=PUBLIC.hash,
    roster=ROSTER.hash,
    epoch=1,
    source="insured",
    view=readable_columns(PUBLIC.tables[0]),
    files=(ScriptFile(name="medians.py", text=MEDIANS),),
    group_by=(AGE,),
    numbers=("people", "median"),
)


class Sandboxed:
    """Runs scripts in the real sandbox, in the tests' own process."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def run(self, job: str, files: Mapping[str, str], limits: Limits) -> Ran:
        return run_script(files, self._home / "scripts" / job / "data", limits)


class Wrote:
    """Runs nothing, and says that this was written: whatever a script could write."""

    def __init__(self, output: str | bytes = b"", **ran: object) -> None:
        text = output.encode() if isinstance(output, str) else output
        self.ran = Ran(**{"status": "done", "seconds": 0.2, "output": text, **ran})

    def __call__(self, _: Path) -> Wrote:
        return self

    def run(self, job: str, files: Mapping[str, str], limits: Limits) -> Ran:
        return self.ran


def rows(**ages: int) -> list[dict[str, object]]:
    """So many people of each age, all else made up."""
    return [
        {
            "person_id": f"14050019800101{n:04}",
            "name": f"somebody number {n}",
            "sex": "fm"[n % 2],
            "age": age,
            "area": f"area {n % 7:03}",
            "active": int(n % 3 == 0),
            "months": n % 30,
            "income": 100_000 + 1_234 * n,
            "since": f"20{n % 20:02}-01-01",
            "城镇": "是否"[n % 2],
        }
        for n, age in enumerate(age for age, count in ages.items() for _ in range(count))
    ]


def federation_of(home: Path, table: list[dict[str, object]], **wishes: object) -> MemoryFederation:
    """Three departments, the first of which holds these rows and lets scripts run."""
    stores = {name: MemoryStore(table if name == OWNER else table[:3]) for name in (OWNER, *OTHERS)}
    return MemoryFederation(home, stores, **{"scripts": True, "runner": Sandboxed, **wishes})


def script_plan(federation: MemoryFederation, text: str = MEDIANS, **changes: object) -> ScriptPlan:
    """The plan of a script of one file that writes people and median by age, but for the changes."""
    base = federation.plan("SELECT COUNT(*) FROM insured")
    plan = {
        **{name: getattr(base, name) for name in ("nonce", "requester", "purpose", "holders", "threshold")},
        **{name: getattr(base, name) for name in ("minimum_group", "minimum_contributors", "catalogue", "roster")},
        "epoch": 1,
        "contributors": (OWNER,),
        "gate": OWNER,
        "source": "insured",
        "view": readable_columns(federation.catalogue.tables[0]),
        "files": (ScriptFile(name="medians.py", text=text),),
        "group_by": (AGE,),
        "numbers": ("people", "median"),
    }
    return ScriptPlan(**{**plan, **changes})
