"""Six hospitals with few cases each, a training over them, and everything that its coordinator gets to see.

The cases are the synthetic city's, half of them readmitted, so that a model has something to learn by heart. Training
is the real one (`federation.learning`), and so are the masks; only processes and signatures are left out.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, reduce

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.masking import MaskKey, Words, from_words, mask, to_words, unmask
from federation.learning.owner import Owner
from federation.learning.training import Trained, train
from federation.learning.work import Summed, Update, Vector, Work, encode_work
from federation.plan import Column, Descent, Feature, Label, Model, Privacy, Protection, TrainPlan

SEED = 7

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hospitals:
    """Who takes part in a job, and with which cases.

    Attributes:
        frames: the plan's columns, by hospital, base units.
        held_out: of each frame, the rows that are not learnt from.
    """

    plan: TrainPlan
    frames: Mapping[str, pd.DataFrame]
    held_out: Mapping[str, Mask]

    def under(self, protection: Protection, privacy: Privacy | None = None) -> Hospitals:
        """The same job under another protection."""
        plan = msgspec.structs.replace(self.plan, protection=protection, privacy=privacy)
        return Hospitals(plan=plan, frames=self.frames, held_out=self.held_out)

    def run(self) -> tuple[Trained, Coordinator]:
        """Train, and keep what the coordinator saw."""
        coordinator = Coordinator(
            plan=self.plan,
            owners={
                name: Owner(self.plan, frame, name=name, held_out_rows=self.held_out[name])
                for name, frame in self.frames.items()
            },
        )
        return train(self.plan, coordinator.total, lambda _: None), coordinator


@dataclass(slots=True, kw_only=True)
class Coordinator:
    """Relays works, adds up answers, and forgets nothing.

    Attributes:
        asked: the last work it sent.
        sent: the words that each hospital answered to it, masked if the plan says so.
        summed: their total.
        answers: what is in the words; each hospital knows its own only.
    """

    plan: TrainPlan
    owners: Mapping[str, Owner]
    asked: Update | None = None
    sent: Mapping[str, Words] = field(default_factory=dict)
    answers: Mapping[str, Vector] = field(default_factory=dict)
    summed: Summed = field(default_factory=lambda: Summed([], ()))

    def total(self, name: str, work: Work) -> Summed:
        """Ask everybody and add up: the `Total` of a training."""
        answers = {hospital: owner.answer(name, work) for hospital, owner in self.owners.items()}
        bounds = next(iter(answers.values())).bounds
        words = {hospital: to_words(answer.values, bounds, len(answers)) for hospital, answer in answers.items()}
        if self.plan.protection == "masks":
            sent, opened = mask_and_sum(words, context=name.encode() + hashlib.sha256(encode_work(work)).digest())
        else:
            sent, opened = words, add(words)
        summed = Summed(from_words(opened, bounds, len(answers)), tuple(sorted(answers)))
        if isinstance(work, Update):
            self.asked, self.sent, self.answers, self.summed = work, sent, answers, summed
        return summed


def mask_and_sum(words: Mapping[str, Words], *, context: bytes) -> tuple[dict[str, Words], Words]:
    """Mask everybody's words with fresh keys; give what is sent, and the total once the masks are off."""
    keys = {name: MaskKey.generate() for name in words}
    seeds = {name: secrets.token_bytes(32) for name in words}
    public = {name: key.public for name, key in keys.items()}
    sent = {
        name: mask(
            words[name],
            name=name,
            key=keys[name],
            own_seed=seeds[name],
            peers={peer: public[peer] for peer in public if peer != name},
            context=context,
        )
        for name in words
    }
    return sent, unmask(add(sent), own_seeds=seeds, dropped={}, keys=public, context=context)


def add(words: Mapping[str, Words]) -> Words:
    """Add up modulo 2**64."""
    return reduce(lambda total, one: total + one, words.values())


def make_hospitals(model: Model, descent: Descent, *, cases: int, held_out: int = 0) -> Hospitals:
    """Give every hospital cases to learn from, of as many different diseases as there are, and some that it keeps.

    Args:
        cases: of each hospital, to learn from; `held_out` beside them.
    """
    features, label = _columns()
    frames = {name: _choose(pool, cases + held_out) for name, pool in _pools().items()}
    aside = np.arange(cases + held_out) >= cases
    names = tuple(sorted(frames))
    plan = TrainPlan(
        nonce="00" * 16,
        requester="analyst@health",
        purpose="drill",
        contributors=names,
        gate=names[0],
        holders=names,
        threshold=len(names) // 2 + 1,
        minimum_group=5,
        minimum_contributors=3,
        catalogue="",
        roster="",
        epoch=0,
        protection="none",
        title="readmission",
        job_file="",
        source="admissions",
        id=Column(name="case_id", type="text"),
        features=features,
        label=label,
        holdout=30 if held_out else 0,
        model=model,
        descent=descent,
        seed=SEED,
    )
    return Hospitals(plan=plan, frames=frames, held_out=dict.fromkeys(frames, aside))


def _columns() -> tuple[tuple[Feature, ...], Label]:
    import jincheng

    features, labels = [], []
    for card in jincheng.HOSPITALS[0].tables[0].columns:
        column = Column(name=card.name, type=card.type)
        low, high = card.bounds or (0, 1)
        if card.target:
            labels.append(Label(column=column, low=low, high=high))
        elif card.values:
            features.append(Feature(column=column, values=card.values))
        elif "feature" in card.uses:
            features.append(Feature(column=column, low=low, high=high))
    return tuple(features), labels[0]


@cache
def _pools() -> Mapping[str, pd.DataFrame]:
    """Every hospital's cases, shuffled, readmitted ones and others in turn."""
    from jincheng import lab

    random, (_, label) = np.random.default_rng(SEED), _columns()
    study = lab.readmission(citizens=2000, seed=SEED)
    pools = {}
    for number, (hospital, features) in enumerate(study.features.items()):
        answers = study.label.loc[features.index].to_numpy()
        # Every other hospital begins with one that was readmitted: a single case of each is not all of one label.
        sides = [random.permutation(np.flatnonzero(answers == (side + number) % 2)) for side in (0, 1)]
        places = np.stack([side[: min(map(len, sides))] for side in sides], axis=1).ravel()
        frame = features.iloc[places].astype({"lives_alone": np.int64})
        frame[label.column.name] = answers[places]
        pools[hospital] = frame.reset_index(names="case_id")
    return pools


def _choose(pool: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Take rows off the top, one of each disease before a second of any."""
    turn = pool.groupby("disease").cumcount()
    return pool.iloc[turn.argsort(kind="stable").to_numpy()[:rows]].reset_index(drop=True)
