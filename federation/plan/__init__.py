"""Jobs as values: query, joint training, prediction, script; what is asked, of whom, and what everybody learns."""

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
from federation.plan.script import (
    LEAST_SCRIPT_MB,
    MAX_DIGITS,
    MAX_FILES,
    MAX_NUMBERS,
    MAX_RELEASED,
    MAX_SCRIPT_BYTES,
    MAX_SCRIPT_MB,
    MAX_SCRIPT_S,
    ScriptFile,
    ScriptPlan,
)

__all__ = [
    "LEAST_SCRIPT_MB",
    "MAX_DIGITS",
    "MAX_FILES",
    "MAX_GROUPS",
    "MAX_NUMBERS",
    "MAX_RANGE_BITS",
    "MAX_RELEASED",
    "MAX_ROWS",
    "MAX_SCRIPT_BYTES",
    "MAX_SCRIPT_MB",
    "MAX_SCRIPT_S",
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
    "ScriptFile",
    "ScriptPlan",
    "Sight",
    "SumPlan",
    "TrainPlan",
    "Trees",
    "in_unit",
    "read_plan",
    "release_gate",
    "survivors_needed",
]

AnyPlan = SumPlan | TrainPlan | PredictPlan | ScriptPlan

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
