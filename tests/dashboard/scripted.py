"""A script's request on one department's desk, for homes in which nothing runs; and the rules that it was made for."""

from __future__ import annotations

from dashboard.services.desks import Desk, gather
from federation.plan import Column, GroupKey, ScriptFile, ScriptPlan
from federation.settings import Catalogue, ColumnCard, TableCard, TierRules
from tests.dashboard.desks import CATALOGUE as CITY
from tests.dashboard.desks import item
from tests.dashboard.records import RecordedHome

OWNER = "chengqu"
JOB = "s-0000000000ee"

SEX = ColumnCard(
    name="sex", type="text", unit="", label="性别", label_en="sex", low=None, high=None,
    uses=("group_by", "filter"), values=("f", "m"), cuts=(),
)  # fmt: skip
TAX = ColumnCard(
    name="tax_fen", type="integer", unit="分", label="应纳税额", label_en="tax due", low=0, high=50_000_000,
    uses=("aggregate", "feature"), values=(), cuts=(),
)  # fmt: skip
PERSON = ColumnCard(
    name="person_id", type="text", unit="", label="身份证号", label_en="person id", low=None, high=None,
    uses=("join_key",), values=(), cuts=(),
)  # fmt: skip
PIT = TableCard(
    name="pit", label="个人所得税", label_en="personal income tax", id="person_id", columns=(PERSON, SEX, TAX),
    departments=(OWNER,), data_class="important", scripts=True,
    summary="汇算清缴的个人所得税，每人每年一行。", summary_en="Annual settlements of personal income tax, a row each.",
)  # fmt: skip
SECRETS = TableCard(
    name="secrets", label="核心表", label_en="core table", id="person_id", columns=(PERSON, SEX),
    departments=("zezhou",), data_class="core",
)  # fmt: skip
RULES = Catalogue(
    federation="晋城联邦", minimum_group=10, minimum_contributors=3, threshold=2, approvals="officers",
    departments=CITY.departments, tables=(*CITY.tables, PIT, SECRETS), counties=("zezhou",),
    county=TierRules(requests=("sum",), minimum_group=20),
)  # fmt: skip

CODE = """import pandas as pd

from helpers import median

rows = pd.read_parquet("data/pit.parquet")
print("rows", len(rows))
table = rows.groupby("sex").agg(people=("tax_fen", "size"), median_tax=("tax_fen", median))
table.to_csv("out/result.csv")
"""
HELPERS = "def median(values):\n    return values.median()\n"


def script_plan(home: RecordedHome | None = None, text: str = CODE, **changes: object) -> ScriptPlan:
    """Medians of tax by sex, of the one department that has the rows; under the roster of a home, if one is given."""
    fields = {
        "nonce": "00" * 6 + "ee" + "00" * 9,
        "requester": "analyst@city",
        "purpose": "评估减税政策 <b>",
        "basis": "《个人所得税法》第十九条",
        "contributors": (OWNER,),
        "gate": OWNER,
        "holders": CITY.departments,
        "threshold": 2,
        "minimum_group": 10,
        "minimum_contributors": 3,
        "catalogue": RULES.hash,
        "roster": home.roster.hash if home else "",
        "epoch": 1,
        "source": "pit",
        "view": (Column(name="sex", type="text"), Column(name="tax_fen", type="integer")),
        "files": (ScriptFile(name="medians.py", text=text), ScriptFile(name="helpers.py", text=HELPERS)),
        "group_by": (GroupKey(column="sex", values=("f", "m")),),
        "numbers": ("people", "median_tax"),
    }
    return ScriptPlan(**{**fields, **changes})


def script_desk(plan: ScriptPlan, state: str = "pending", granted_by: tuple[str, ...] = ()) -> Desk:
    """All desks, with the script on its owner's."""
    lying = gather({OWNER: (item(state, JOB, plan, granted_by),)})
    return Desk(requests=lying, heads={}, silent={})
