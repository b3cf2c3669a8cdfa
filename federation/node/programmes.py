"""What each kind of job adds up at a department."""

from __future__ import annotations

from collections.abc import Callable

from federation.adapters import Cells
from federation.aggregation.office import Office, Programme
from federation.plan import AnyPlan, PredictPlan, SumPlan, TrainPlan
from federation.queries.sums import SumProgramme


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


def preview(office: Office) -> Callable[[AnyPlan], Cells]:
    """What computes the numbers that this department would add, for its officer to approve just these.

    Only a query has such numbers: what a training adds depends on the rounds before, so that its data is pinned by the
    rows it counts.
    """

    def cells(plan: AnyPlan) -> Cells:
        return office.stores[plan.table].aggregate(plan.local) if isinstance(plan, SumPlan) else {}

    return cells
