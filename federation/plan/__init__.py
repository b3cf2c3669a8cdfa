"""Jobs as values: a query, a joint training, a prediction; what is asked, of whom, and what everybody learns by it."""

from __future__ import annotations

import msgspec

from federation.plan.base import MAX_ROWS, Plan, Protection, Sight, release_gate, survivors_needed
from federation.plan.learning import (
    Descent,
    Feature,
    Label,
    Linear,
    Logistic,
    Model,
    Perceptron,
    PredictPlan,
    Privacy,
    TrainPlan,
    Trees,
)
from federation.plan.query import (
    MAX_GROUPS,
    MAX_RANGE_BITS,
    Column,
    Condition,
    GroupKey,
    LocalQuery,
    Measure,
    Output,
    SumPlan,
    in_unit,
)

__all__ = [
    "MAX_GROUPS",
    "MAX_RANGE_BITS",
    "MAX_ROWS",
    "AnyPlan",
    "Column",
    "Condition",
    "Descent",
    "Feature",
    "GroupKey",
    "Label",
    "Linear",
    "LocalQuery",
    "Logistic",
    "Measure",
    "Model",
    "Output",
    "Perceptron",
    "Plan",
    "PredictPlan",
    "Privacy",
    "Protection",
    "Sight",
    "SumPlan",
    "TrainPlan",
    "Trees",
    "in_unit",
    "read_plan",
    "release_gate",
    "survivors_needed",
]

AnyPlan = SumPlan | TrainPlan | PredictPlan

_decoder = msgspec.json.Decoder(AnyPlan)


def read_plan(data: bytes) -> AnyPlan:
    """Read a plan of any kind back.

    Raises:
        ValueError: not a plan, or not its canonical bytes.
    """
    plan: AnyPlan = _decoder.decode(data)
    if plan.to_bytes() != data:
        raise ValueError("not the canonical bytes of a plan")
    return plan
