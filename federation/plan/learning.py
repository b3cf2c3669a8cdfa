"""A joint training, and a prediction with what came of one, as values."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import msgspec

from federation.plan.base import Plan, Sight, survivors_needed
from federation.plan.query import Column, Condition, GroupKey, LocalQuery, Measure

Positive = Annotated[float, msgspec.Meta(gt=0)]

# A round asks every department three times; nobody waits for more of them than this.
MAX_ROUNDS = 5_000


class Feature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column that a model takes in, with its public domain.

    Numbers are clipped to [low, high], filled with the global mean where null, and standardised. Texts become one
    indicator for each value of the domain but the first; a null, or a value that is not in the domain, none of them.
    Trees split numbers as they are, and give nulls a bin of their own.

    Attributes:
        low, high: of a number, in base units.
        values: of a text; empty for a number.
    """

    column: Column
    low: int = 0
    high: int = 0
    values: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many inputs of the model it makes."""
        return max(1, len(self.values) - 1)


class Label(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The column to predict: 0 or 1 for classifiers, a number in [low, high] base units for regressions.

    Rows in which it is null take no part.
    """

    column: Column
    low: int = 0
    high: int = 1


class Linear(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="model", tag="linear"):
    """Linear regression.

    Attributes:
        l2: weight of half the squared norm of the coefficients (not of the intercept) beside the mean loss.
    """

    l2: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Logistic(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="model", tag="logistic"
):
    """Logistic regression; `l2` as in `Linear`."""

    l2: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Perceptron(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="model", tag="mlp"):
    """A multilayer perceptron: tanh layers of these widths, then one sigmoid; `l2` of all weights."""

    hidden: tuple[Annotated[int, msgspec.Meta(ge=1, le=4096)], ...] = (16,)
    l2: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Trees(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="model", tag="trees"):
    """Histogram gradient-boosted trees for a 0/1 label (Chen and Guestrin, KDD 2016), grown level by level.

    Attributes:
        bins: per number, between quantiles of all departments' values together.
        l2: lambda, beside the sum of the hessians.
        minimum_rows: of a leaf, over all departments; never below the plan's minimum group.
    """

    trees: Annotated[int, msgspec.Meta(ge=1, le=500)] = 20
    depth: Annotated[int, msgspec.Meta(ge=1, le=8)] = 3
    bins: Annotated[int, msgspec.Meta(ge=2, le=256)] = 32
    rate: Positive = 0.3
    l2: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    minimum_rows: int = 10


Model = Linear | Logistic | Perceptron | Trees


class Descent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the departments and the coordinator take turns; of no use to trees.

    FedSGD: one gradient over all rows, one step of the coordinator. FedAvg (McMahan et al., AISTATS 2017): local epochs
    of mini-batches, then the mean weighted by rows. FedProx (Li et al., MLSys 2020): the same, held back by mu.

    Attributes:
        rate: learning rate.
        batch: rows of a mini-batch; 0 takes all rows at once.
    """

    strategy: Literal["fedsgd", "fedavg", "fedprox"] = "fedsgd"
    rounds: Annotated[int, msgspec.Meta(ge=1, le=MAX_ROUNDS)] = 100
    rate: Positive = 0.3
    epochs: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    batch: Annotated[int, msgspec.Meta(ge=0)] = 0
    mu: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Privacy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Differential privacy of whole departments: one more or one fewer cannot be told but for (epsilon, delta).

    Attributes:
        epsilon, delta: of the whole job, every sum of it together.
        clip: Euclidean norm to which each department's contribution to a round is cut.
    """

    epsilon: Positive
    delta: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 1e-5
    clip: Positive = 1.0


class TrainPlan(Plan, frozen=True, kw_only=True, tag="train"):
    """A joint training over departments that hold the same table.

    Attributes:
        job_file: what the analyst wrote, for the people who must agree.
        source: the table, in the catalogue.
        id: the table's id column: decides which rows are held out, and is not used otherwise.
        holdout: percent of the rows, drawn by a hash of id and nonce, that are kept to measure the model.
        privacy: None for none.
        seed: of the first weights and of the order of rows; simulation only, no secret depends on it.
        start: a model to go on from, in the bytes of `federation.learning.artifact`; empty to begin.
    """

    title: str
    job_file: str
    source: str
    id: Column
    features: tuple[Feature, ...]
    label: Label
    where: tuple[Condition, ...] = ()
    holdout: Annotated[int, msgspec.Meta(ge=0, le=90)] = 30
    model: Model
    descent: Descent = Descent()
    privacy: Privacy | None = None
    seed: int = 0
    start: bytes = b""

    @property
    def subject(self) -> str:
        """The job file as it was written."""
        return self.job_file

    @property
    def table(self) -> str:
        """The table that is learnt from."""
        return self.source

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""
        read = [feature.column.name for feature in self.features]
        read += [self.label.column.name, self.id.name, *(condition.column for condition in self.where)]
        return tuple(dict.fromkeys(read))

    @property
    def width(self) -> int:
        """How many inputs the model has."""
        return sum(feature.width for feature in self.features)

    @property
    def rounds(self) -> int:
        """How many sums there are that move the model: rounds of descent, or levels of trees."""
        return self.model.trees * self.model.depth if isinstance(self.model, Trees) else self.descent.rounds

    @property
    def parameters(self) -> int:
        """How many numbers a model is made of; of trees, all nodes there may be."""
        model = self.model
        if isinstance(model, Trees):
            return model.trees * ((1 << model.depth + 1) - 1)
        hidden = model.hidden if isinstance(model, Perceptron) else ()
        return sum((before + 1) * width for before, width in pairwise((self.width, *hidden, 1)))

    @property
    def summed(self) -> int:
        """How many numbers, each summed over all departments, the rounds show to whoever moves the model."""
        if isinstance(self.model, Trees):
            cells = sum(1 + (len(feature.values) or self.model.bins) for feature in self.features)
            return self.model.trees * ((1 << self.model.depth) - 1) * 3 * cells
        return self.rounds * self.parameters

    @property
    def needed(self) -> int:
        """How many must be there to the end of a sum; under masks, a job goes on without those that disappear."""
        return survivors_needed(len(self.contributors)) if self.protection == "masks" else len(self.contributors)

    def visibility(self) -> tuple[Sight, ...]:
        """What every party will learn, to the size."""
        rounds = self.rounds
        seen = self.parameters if isinstance(self.model, Trees) else rounds * self.parameters
        return (
            Sight(
                party="coordinator",
                zh=f"本计划；全体部门合计的特征统计、{rounds} 轮合计更新与评估及所得模型；看不到单个部门的数",
                en=f"this plan; statistics, {rounds} updates and measures summed over all departments, so the model;"
                " no single department's numbers",
                numbers=self.summed,
            ),
            *(
                Sight(
                    party=name,
                    zh="本计划；每轮的模型（由全体合计得出）；自己的数据",
                    en="this plan; each round's model, made of everybody's sum; its own data",
                    numbers=seen,
                )
                for name in self.contributors
            ),
            *(
                Sight(
                    party=name,
                    zh="（持钥方）本计划与密文；每轮给出一份密封的解密份额",
                    en="(key holder) this plan and ciphertexts; gives one sealed partial decryption a round",
                    numbers=0,
                )
                for name in self.openers
                if name not in self.contributors
            ),
            Sight(
                party=self.requester,
                zh="模型、每轮的合计损失、全体测试行上的指标",
                en="the model, each round's summed loss, and its measures over all rows held out",
                numbers=self.parameters + rounds,
            ),
        )


class PredictPlan(Plan, frozen=True, kw_only=True, tag="predict"):
    """Every department applies a model to its own people; bands stay with it, and only counts per band leave, summed.

    Attributes:
        artifact: the model, in the bytes of `federation.learning.artifact`.
        bands: ascending cut points of the score; n of them make n + 1 bands.
        budget: how often one person may be scored by models trained on this table; who was scored as often is left out.
    """

    source: str
    id: Column
    artifact: bytes
    features: tuple[Feature, ...]
    where: tuple[Condition, ...] = ()
    bands: tuple[float, ...]
    budget: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 12

    @property
    def subject(self) -> str:
        """What is asked."""
        return f"PREDICT {self.source} BANDS {', '.join(f'{cut:g}' for cut in self.bands)}"

    @property
    def table(self) -> str:
        """The table whose people are scored."""
        return self.source

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""
        read = [feature.column.name for feature in self.features] + [self.id.name]
        return tuple(dict.fromkeys([*read, *(condition.column for condition in self.where)]))

    @property
    def local(self) -> LocalQuery:
        """What leaves of it, as a query: how many people are in each band."""
        edges = [f"{cut:g}" for cut in self.bands]
        labels = (f"< {edges[0]}", *(f"[{low}, {high})" for low, high in pairwise(edges)), f">= {edges[-1]}")
        band = GroupKey(column="band", values=labels)
        rows = (Measure(kind="rows"),)
        return LocalQuery(table=self.source, columns=(), where=self.where, group_by=(band,), measures=rows)

    def visibility(self) -> tuple[Sight, ...]:
        """What every party will learn, to the size."""
        return (
            Sight(
                party="coordinator",
                zh="本计划与模型、各方签名与密文；无可读结果",
                en="this plan and the model, signatures and ciphertexts; no readable result",
                numbers=0,
            ),
            *(
                Sight(
                    party=name,
                    zh="本计划与模型；本部门自己人员的分档，留在本部门",
                    en="this plan and the model; the bands of its own people, which stay with it",
                    numbers=0,
                )
                for name in self.contributors
            ),
            Sight(
                party=self.gate,
                zh="（发布闸门）各档合计人数与有数部门数，用于抑制小档",
                en="(release gate) people and departments per band, to suppress small ones",
                numbers=2 * (len(self.bands) + 1),
            ),
            Sight(
                party=self.requester,
                zh=f"不少于 {self.minimum_group} 人且不少于 {self.minimum_contributors} 个部门有数的各档合计人数",
                en=f"people in bands of >= {self.minimum_group} from >= {self.minimum_contributors} departments",
                numbers=len(self.bands) + 1,
            ),
        )
