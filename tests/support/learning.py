"""Plans, rows and a sum in clear, to train with no wire and no masks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from federation.learning.owner import Owner
from federation.learning.privacy import noise_for
from federation.learning.steps import Trained
from federation.learning.training import train
from federation.learning.work import Summed, Vector, Work, bounds, decode_work, encode_work
from federation.plan import Column, Descent, Feature, Label, Logistic, TrainPlan

NAMES = ("bohai", "gaoping", "lingchuan", "qinshui", "yangcheng", "zezhou")

AGE = Feature(column=Column(name="age", type="integer"), low=0, high=100)
INCOME = Feature(column=Column(name="income", type="decimal(2)"), low=-100_000, high=1_000_000)
TRADE = Feature(column=Column(name="trade", type="text"), values=("farm", "shop", "mine"))
ILL = Label(column=Column(name="ill", type="boolean"))


def train_plan(**changes: object) -> TrainPlan:
    """A logistic regression on rows of `people`, but for the changes."""
    plan = {
        "nonce": "0123456789abcdef0123456789abcdef",
        "requester": "analyst@zezhou",
        "purpose": "test",
        "contributors": NAMES[:4],
        "gate": NAMES[0],
        "holders": (),
        "threshold": 3,
        "minimum_group": 5,
        "minimum_contributors": 3,
        "catalogue": "",
        "roster": "",
        "epoch": 1,
        "protection": "masks",
        "title": "",
        "job_file": "",
        "source": "people",
        "id": Column(name="id", type="text"),
        "features": (AGE, INCOME, TRADE),
        "label": ILL,
        "model": Logistic(l2=0.01),
        "descent": Descent(rounds=60, rate=0.5),
    }
    return TrainPlan(**(plan | changes))


def people(rows: int, seed: int) -> pd.DataFrame:
    """Rows with nulls, a text outside its domain, and a label that depends on everything."""
    draw = np.random.default_rng(seed)
    age = draw.integers(0, 101, rows)
    income = draw.normal(300_000 + 50_000 * seed, 150_000, rows).astype(np.int64)
    trade = draw.choice(["farm", "shop", "mine", "sea"], rows)
    score = (age - 50) / 15 - income / 2e5 + (trade == "mine") + 1
    frame = pd.DataFrame(
        {
            "id": [f"{seed}-{number}" for number in range(rows)],
            "age": pd.array(age, dtype="Int64"),
            "income": pd.array(income, dtype="Int64"),
            "trade": trade.astype(object),
            "ill": pd.array(draw.random(rows) < 1 / (1 + np.exp(-score)), dtype="boolean").astype("Int64"),
        }
    )
    frame.loc[draw.random(rows) < 0.05, "age"] = pd.NA
    frame.loc[draw.random(rows) < 0.05, "trade"] = None
    return frame


def owners_of(plan: TrainPlan, frames: Mapping[str, pd.DataFrame]) -> dict[str, Owner]:
    return {name: Owner(plan, frame, name=name) for name, frame in frames.items()}


def cohort(plan: TrainPlan, rows: int = 120) -> dict[str, pd.DataFrame]:
    """Frames of the plan's departments, of different sizes and different people."""
    return {name: people(rows + 30 * seed, seed) for seed, name in enumerate(plan.contributors)}


def check(vector: Vector) -> Vector:
    """What a department sends are integers within its public bounds."""
    assert len(vector.values) == len(vector.bounds)
    assert all(type(value) is int for value in vector.values)
    assert all(0 <= value <= bound for value, bound in zip(vector.values, vector.bounds, strict=True))
    return vector


def summing(
    plan: TrainPlan, owners: Mapping[str, Owner], gone: Callable[[str], Iterable[str]] = lambda name: ()
) -> Callable[[str, Work], Summed]:
    """Add up in clear what a secure sum adds up unseen.

    Args:
        gone: who drops out of a round.
    """
    noise = noise_for(plan) if plan.privacy else None

    def total(name: str, work: Work) -> Summed:
        work = decode_work(encode_work(work))
        there = sorted(set(owners) - set(gone(name)))
        vectors = [check(owners[party].answer(name, work)) for party in there]
        assert {vector.bounds for vector in vectors} == {bounds(plan, work, noise)}
        return Summed([sum(column) for column in zip(*(v.values for v in vectors), strict=True)], tuple(there))

    return total


def train_on(plan: TrainPlan, frames: Mapping[str, pd.DataFrame], **more) -> Trained:
    return train(plan, summing(plan, owners_of(plan, frames)), lambda step: None, **more)
