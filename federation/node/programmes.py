"""What each kind of job adds up at a department."""

from __future__ import annotations

from collections.abc import Callable

from federation.adapters import Cells
from federation.aggregation.agreement import Preview
from federation.aggregation.office import Office, Programme
from federation.plan import AnyPlan, PredictPlan, ScriptPlan, SumPlan, TrainPlan
from federation.queries.sums import SumProgramme
from federation.scripting.job import NothingToAdd


def programme_of(plan: AnyPlan) -> Programme:
    """Make what a job of this plan adds up."""
    match plan:
        case SumPlan():
            return SumProgramme(plan)
        case TrainPlan():
            from federation.learning.programme import TrainProgramme  # numpy and pandas, only where they are needed

            return TrainProgramme(plan)
        case PredictPlan():
            from federation.learning.prediction import PredictProgramme

            return PredictProgramme(plan)
        case ScriptPlan():
            return NothingToAdd()


def preview(office: Office) -> Preview:
    """What computes the numbers that this department would add, for its officer to approve just these.

    Only a query has such numbers before it runs: what a training or a prediction adds comes of rounds and models, and
    a script adds nothing.
    """

    def of(plan: AnyPlan) -> Callable[[], Cells] | None:
        if not isinstance(plan, SumPlan) or office.name not in plan.contributors:
            return None
        return lambda: office.stores[plan.table].aggregate(plan.local)

    return of
