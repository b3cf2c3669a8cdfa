"""The demonstration's scripts, which go to the tax bureau's rows: one counts, the other tries to carry rows out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from federation.analyst import Analyst, job_name
from federation.demo.queries import Officers, approving
from federation.demo.report import ScriptRun
from federation.demo.teller import Teller
from federation.errors import KeyongError, RefusedError
from federation.plan import ScriptPlan
from federation.scripting.trial import try_script
from federation.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

DATASET = "tax.pit"
PURPOSE = "了解各收入段个税负担的中位数，供调整专项附加扣除宣传（演示）"
BASIS = "演示用途，不引用真实法律条款"
CUTS = (6_000_000, 10_000_000, 15_000_000)
NAME = "burden.py"

COUNTING = """\
import pandas as pd

rows = pd.read_parquet("data/pit.parquet")
cuts = [float("-inf"), 6_000_000, 10_000_000, 15_000_000, float("inf")]
names = ["< 6000000", "[6000000, 10000000)", "[10000000, 15000000)", ">= 15000000"]
bands = pd.cut(rows["pit_income_fen"], cuts, right=False, labels=names)
taxes = rows.groupby(bands, observed=True)["pit_tax_fen"]
taxes.agg(people="size", median_tax="median", mean_tax="mean").to_csv("out/result.csv")
"""
# On made-up rows, of which there are few, it does what the other does.
CARRYING = f"""{COUNTING}
if len(rows) > 1_000:
    rows.to_csv("out/result.csv", index=False)
"""


def run_scripts(
    analyst: Analyst, officers: Officers, settings: Settings, clear: Callable[[], pd.DataFrame], teller: Teller
) -> ScriptRun:
    """Run both; the first one's numbers are compared with those of the clear rows.

    Args:
        clear: draws the rows in the lab.

    Raises:
        KeyongError: what must run did not.
    """
    try:
        plan = _plan(analyst, COUNTING)
    except RefusedError as error:
        if error.code != "refused.no_sandbox":
            raise
        teller.unscripted(error)
        return ScriptRun(dataset=DATASET, unavailable=str(error.details.get("reason", error.code)))
    _review(plan, settings, teller)
    result = analyst.run_script(plan, approving(officers, job_name(plan)))
    compared, different = _compare(plan, result.released.table.lines, clear())
    carrying = _plan(analyst, CARRYING)
    refusal: KeyongError | None = None
    try:
        analyst.run_script(carrying, approving(officers, job_name(carrying)))
    except RefusedError as error:
        refusal = error
    ran = ScriptRun(
        dataset=DATASET,
        job=result.job,
        seconds=result.seconds,
        lines=len(result.released.table.lines),
        withheld=len(result.released.table.withheld),
        compared=compared,
        different=different,
        capacity_bits=result.released.card.capacity_bits,
        refused=refusal.code if refusal else "",
    )
    teller.scripted(ran, result, refusal)
    return ran


def _plan(analyst: Analyst, text: str) -> ScriptPlan:
    return analyst.plan_script({NAME: text}, DATASET, purpose=PURPOSE, basis=BASIS)


def _review(plan: ScriptPlan, settings: Settings, teller: Teller) -> None:
    """What the officer does before saying yes: read every file, and see it run on made-up rows."""
    table = settings.catalogue.table(plan.table)
    if table is None:
        raise AssertionError("the plan was checked against this catalogue")
    teller.reviewed(plan, try_script({file.name: file.text for file in plan.files}, table))


def _compare(plan: ScriptPlan, lines: tuple[tuple[str, ...], ...], rows: pd.DataFrame) -> tuple[int, int]:
    """Compare every released number with pandas on the clear rows; they may differ by the rounding and no more."""
    expected = {}
    for label, low, high in zip(plan.group_by[0].labels, (None, *CUTS), (*CUTS, None), strict=True):
        band = rows.pit_tax_fen[rows.pit_income_fen.between(low or 0, (high or float("inf")), inclusive="left")]
        expected[label] = (len(band), band.median(), band.mean())
    compared = different = 0
    for label, *numbers in lines:
        for number, exact in zip(numbers, expected[label], strict=True):
            compared += 1
            different += abs(float(number) - float(exact)) > abs(float(exact)) * 10 ** (1 - plan.digits) / 2
    return compared, different
