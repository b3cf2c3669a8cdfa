"""What desks would show of a request, for homes in which nothing runs."""

from __future__ import annotations

from dashboard.services.desks import Desk, gather
from federation.node.desk import DeskItem
from federation.plan import Column, GroupKey, LocalQuery, Measure, Output, Plan, SumPlan
from federation.settings import Catalogue, ColumnCard, TableCard
from tests.dashboard.records import DEPARTMENTS, WAITING

CARD = ColumnCard(
    name="sex", type="text", unit="", label="性别", label_en="sex", low=None, high=None,
    uses=("group_by", "filter"), values=("f", "m"), cuts=(),
)  # fmt: skip
TABLE = TableCard(name="hukou", label="户籍", label_en="hukou", id="id", columns=(CARD,), departments=DEPARTMENTS)
CATALOGUE = Catalogue(
    federation="x", minimum_group=10, minimum_contributors=3, threshold=2, approvals="officers",
    departments=DEPARTMENTS, tables=(TABLE,),
)  # fmt: skip


def plan(**changes: object) -> SumPlan:
    fields = {
        "nonce": "00" * 16,
        "requester": "analyst@city",
        "purpose": "核对户籍人口 <b>",
        "sql": "SELECT sex, COUNT(*) FROM hukou GROUP BY sex",
        "contributors": DEPARTMENTS,
        "gate": "zezhou",
        "holders": DEPARTMENTS,
        "threshold": 2,
        "minimum_group": 10,
        "minimum_contributors": 3,
        "catalogue": CATALOGUE.hash,
        "roster": "",
        "epoch": 1,
        "local": LocalQuery(
            table="hukou",
            columns=(Column(name="sex", type="text"),),
            where=(),
            group_by=(GroupKey(column="sex", values=("f", "m")),),
            measures=(Measure(kind="rows"),),
        ),
        "outputs": (Output(name="sex", function="group", argument="0"), Output(name="n", function="count")),
    }
    return SumPlan(**{**fields, **changes})


def item(
    state: str = "pending", job: str = WAITING, of: Plan | None = None, granted_by: tuple[str, ...] = ()
) -> DeskItem:
    asked = of or plan()
    return DeskItem(
        job=job,
        plan=asked.to_bytes(),
        received="2026-11-22T01:03:00.000Z",
        snapshot="5a" * 32,
        state=state,
        statement="",
        granted_by=granted_by,
    )


def desk(*, silent: tuple[str, ...] = (), **states: str) -> Desk:
    """All desks with one request, pending unless it is said otherwise."""
    items = {name: (item(states.get(name, "pending")),) for name in DEPARTMENTS if name not in silent}
    return Desk(requests=gather(items), heads={}, silent=dict.fromkeys(silent, "home.not_running"))
