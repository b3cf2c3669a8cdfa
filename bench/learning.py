"""Measure what protection costs in joint training, against the same training in clear, in one run.

    python bench/learning.py

Everything runs in this process, one party after another: no transport, signatures, journals or sealed boxes, whose
share `bench/run.py` shows for queries. Seconds are of processor time; only the ratios mean something elsewhere.

First a round of FedSGD with a perceptron of about 100,000 weights, its sum in clear, under masks, and under Paillier
(a part of the ciphertexts is measured, and scaled up). Then how a masked sum of 10,000 numbers grows with the number
of departments. Last, trees over the generator's six hospitals.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

import jincheng
from crypto import shamir
from crypto.encoding import SlotLayout
from crypto.masking import MaskKey, from_words, mask, to_words, unmask
from crypto.paillier import Encryptor, PrivateKey, multiply
from crypto.threshold import combine, deal, partial_decrypt
from federation.learning import lab
from federation.learning.artifact import encode_arrays
from federation.learning.features import Moment, standard_of
from federation.learning.models import first_arrays
from federation.learning.owner import Owner
from federation.learning.training import train
from federation.learning.work import Moments, Summed, Total, Update, Work, bounds, encode_work
from federation.plan import Column, Descent, Feature, Label, Perceptron, TrainPlan, Trees, survivors_needed

CIPHERTEXTS = 64
COHORTS = (3, 5, 10, 20, 50, 100, 200)
VALUES = 10_000
HOLDERS, OPENERS = 4, 3

P = ParamSpec("P")
Result = TypeVar("Result")


class Watch:
    """Adds up processor seconds by the name of a step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, step: str, action: Callable[P, Result], *args: P.args, **named: P.kwargs) -> Result:
        started = time.process_time()
        result = action(*args, **named)
        self.seconds[step] = self.seconds.get(step, 0.0) + time.process_time() - started
        return result


@dataclass(frozen=True, slots=True)
class Party:
    """What one department draws for a masked round, and the shares it has dealt of it."""

    key: MaskKey
    seed: bytes
    of_key: tuple[bytes, ...]
    of_seed: tuple[bytes, ...]


def masked_sum(
    vectors: Sequence[Sequence[int]], limits: Sequence[int], watch: Watch, *, gone: int = 0, context: bytes = b"bench"
) -> list[int]:
    """Add up as departments and the reader of a masked round do, the last `gone` departments dropping out in it."""
    cohort, needed = len(vectors), max(2, survivors_needed(len(vectors)))
    names = [f"d{index:03d}" for index in range(cohort)]

    def enter() -> Party:
        key, seed = MaskKey.generate(), secrets.token_bytes(32)
        shares = [shamir.split(secret, shares=cohort, threshold=needed) for secret in (key.to_bytes(), seed)]
        return Party(key, seed, *shares)

    parties = {name: watch("department: keys and shares", enter) for name in names}
    public = {name: party.key.public for name, party in parties.items()}

    def send(name: str, values: Sequence[int]) -> np.ndarray:
        party, peers = parties[name], {peer: key for peer, key in public.items() if peer != name}
        words = to_words(values, limits, cohort)
        return mask(words, name=name, key=party.key, own_seed=party.seed, peers=peers, context=context)

    staying = names[: cohort - gone]
    masked = [watch("department: mask", send, name, values) for name, values in zip(staying, vectors, strict=False)]

    def join(shares: Sequence[bytes]) -> bytes:
        return shamir.join({index + 1: shares[index] for index in range(needed)}, threshold=needed)

    def read() -> list[int]:
        seeds = {name: join(parties[name].of_seed) for name in staying}
        dropped = {name: join(parties[name].of_key) for name in names[cohort - gone :]}
        total = unmask(sum(masked), own_seeds=seeds, dropped=dropped, keys=public, context=context)
        return from_words(total, limits, len(staying))

    return watch("reader: add, join, unmask", read)


def masked_bytes(limits: Sequence[int], cohort: int) -> int:
    """What one department sends and gets: its vector, all public keys, its shares of two secrets each way, answers."""
    return (
        8 * len(to_words([0] * len(limits), limits, cohort)) + 32 * cohort + (2 + 2 + 1) * shamir.SHARE_BYTES * cohort
    )


# -- a round of FedSGD ------------------------------------------------------------------------------------------------


def perceptron_plan(departments: int) -> TrainPlan:
    names = tuple(f"d{index}" for index in range(departments))
    features = (Feature(column=Column(name=f"x{index}", type="integer"), low=0, high=1000) for index in range(100))
    return plan_of(names, tuple(features), "y", model=Perceptron(hidden=(980,)), descent=Descent(rounds=1))


def plan_of(names: tuple[str, ...], features: tuple[Feature, ...], label: str, **more: object) -> TrainPlan:
    fields = {
        **dict.fromkeys(("requester", "purpose", "catalogue", "roster", "title", "job_file"), "bench"),
        "nonce": "0",
        "contributors": names,
        "gate": names[0],
        "holders": names,
        "threshold": OPENERS,
        "minimum_group": 10,
        "minimum_contributors": 3,
        "epoch": 0,
        "protection": "masks",
        "source": "admissions",
        "id": Column(name="case_id", type="text"),
        "features": features,
        "label": Label(column=Column(name=label, type="boolean")),
    }
    return TrainPlan(**(fields | more))


def made_up(plan: TrainPlan, rows: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({feature.column.name: draw.integers(0, 1001, rows) for feature in plan.features})
    frame["case_id"] = [f"{seed}-{index}" for index in range(rows)]
    frame["y"] = (frame.x0 + draw.integers(0, 1001, rows) > 1000).astype(int)
    return frame


def perceptron() -> None:
    plan, watch = perceptron_plan(HOLDERS), Watch()
    owners = [Owner(plan, made_up(plan, 1_000, seed), name=name) for seed, name in enumerate(plan.contributors)]
    moments = added([owner.answer("moments", Moments()).values for owner in owners])
    numbers = [Moment(*moments[at : at + 3]) for at in range(4, len(moments), 3)]
    arrays = first_arrays(plan.model, plan.width, seed=0)
    work = Update(standard=standard_of(plan, numbers, None), rows=moments[0], arrays=encode_arrays(arrays))
    answers = [watch("gradient", owner.answer, "update.1", work).values for owner in owners]
    limits, model_bytes = bounds(plan, work, None), len(encode_work(work))
    clear = watch("clear", added, answers)
    gradient, in_clear = watch.seconds["gradient"] / len(owners), 8 * len(limits)
    print(f"\n## FedSGD, a perceptron of {sum(array.size for array in arrays):,} weights, {len(owners)} departments")
    print(f"model to each department {model_bytes:,} bytes; gradient of 700 rows, with its encoding, {gradient:.2f} s")
    print(f"in clear: sum {watch.seconds['clear']:.2f} s, {in_clear:,} bytes a department")

    masks, paillier = Watch(), Watch()
    assert masked_sum(answers, limits, masks) == clear
    ciphertexts = paillier_sum(answers, limits, clear, paillier)
    # Each opener gets all products, and sends as many partial decryptions.
    under_paillier = 512 * ciphertexts * (len(owners) + 2 * OPENERS) // len(owners)
    for name, seconds, size in (
        ("masks", masks.seconds, masked_bytes(limits, len(owners))),
        ("Paillier, 2048 bits", paillier.seconds, under_paillier),
    ):
        own = sum(seconds[step] for step in seconds if step.startswith("department")) / len(owners)
        other = sum(seconds[step] for step in seconds if not step.startswith("department"))
        factor = (gradient + own + other) / (gradient + watch.seconds["clear"])
        print(f"{name}: a department {own:.2f} s, coordinator and reader {other:.2f} s, {size:,} bytes a department;")
        print(f"   round {factor:.1f} times clear in seconds, {size / in_clear:.1f} times in bytes")


def added(vectors: Sequence[Sequence[int]]) -> list[int]:
    return [sum(values) for values in zip(*vectors, strict=True)]


def paillier_sum(answers: Sequence[Sequence[int]], limits: Sequence[int], clear: Sequence[int], watch: Watch) -> int:
    """Sum a part of the vector under the joint key, scale the seconds up to all of it; how many ciphertexts it has."""
    keys = json.loads((Path(__file__).parents[1] / "tests/vectors/paillier_2048.json").read_text())
    private = PrivateKey(p=int(keys["keys"][0]["p"], 16), q=int(keys["keys"][0]["q"], 16))
    public, shares = private.public, deal(private, holders=HOLDERS, threshold=OPENERS)
    whole = SlotLayout(bounds=tuple(limits), addends=len(answers), plaintext_bits=public.plaintext_bits)
    part = len(limits) * CIPHERTEXTS // whole.plaintexts
    layout = SlotLayout(bounds=tuple(limits[:part]), addends=len(answers), plaintext_bits=public.plaintext_bits)
    measured = Watch()
    encryptors = [Encryptor(public) for _ in answers]
    packed = [layout.pack(values[:part]) for values in answers]
    for encryptor in encryptors:
        encryptor.encrypt_vector([0])  # the table of its base is made once a job
    vectors = [
        measured("department: encrypt", encryptor.encrypt_vector, plaintexts)
        for encryptor, plaintexts in zip(encryptors, packed, strict=True)
    ]
    product = measured("coordinator: multiply", multiply, public, vectors)
    opened = {
        share.index: measured("department: open", partial_decrypt, public, share, product) for share in shares[:OPENERS]
    }
    plain = measured("reader: combine", combine, public, opened, holders=HOLDERS, threshold=OPENERS)
    assert layout.unpack(plain) == list(clear[:part])
    for step, seconds in measured.seconds.items():
        watch.seconds[step] = seconds * whole.plaintexts / layout.plaintexts
    return whole.plaintexts


# -- growth with departments ------------------------------------------------------------------------------------------


def growth() -> None:
    print(f"\n## masked sum of {VALUES:,} numbers of 32 bits, seconds; a tenth drops out in the second part")
    print("departments   each department   reader   bytes each | each   reader")
    limits, draw = [2**32 - 1] * VALUES, np.random.default_rng(7)
    for cohort in COHORTS:
        vectors = draw.integers(0, 2**32, (cohort, VALUES)).tolist()
        cells = []
        for gone in (0, cohort // 10):
            watch = Watch()
            total = masked_sum(vectors, limits, watch, gone=gone)
            assert total == added(vectors[: cohort - gone])
            reader = watch.seconds.pop("reader: add, join, unmask")
            cells.append((sum(watch.seconds.values()) / cohort, reader))
        (own, reader), (own_gone, reader_gone) = cells
        size = masked_bytes(limits, cohort)
        print(f"{cohort:11} {own:17.3f} {reader:8.3f} {size:12,} | {own_gone:.3f} {reader_gone:8.3f}")


# -- trees ------------------------------------------------------------------------------------------------------------


def hospitals() -> tuple[TrainPlan, dict[str, pd.DataFrame]]:
    card = jincheng.HOSPITALS[0].tables[0]
    features = tuple(
        Feature(
            column=Column(name=column.name, type=column.type),
            low=column.bounds[0] if column.bounds else 0,
            high=column.bounds[1] if column.bounds else 1,
            values=column.values or (),
        )
        for column in card.columns
        if "feature" in column.uses and not column.target
    )
    pooled = jincheng.tables(citizens=100_000, departments=jincheng.HOSPITALS)["admissions"]
    frames = {str(name): frame.drop(columns="county") for name, frame in pooled.groupby("county")}
    return plan_of(tuple(sorted(frames)), features, "readmitted_30d", model=Trees(trees=20, depth=3, bins=32)), frames


def trees() -> None:
    plan, frames = hospitals()
    watch, under_masks = Watch(), Watch()
    aside = {name: lab.draw_held_out(plan, frame) for name, frame in frames.items()}
    together = {"pooled": pd.concat(frames.values())}
    all_aside = {"pooled": np.concatenate(list(aside.values()))}
    lab.train_in_clear(plan, frames, aside)  # what runs first is slower
    pooled = watch("pooled in clear", lab.train_in_clear, plan, together, all_aside)
    clear = watch("federated in clear", lab.train_in_clear, plan, frames, aside)
    sizes: list[int] = []
    total = masked_total(plan, [Owner(plan, frame, name=name) for name, frame in frames.items()], under_masks, sizes)
    masked = watch("federated under masks", train, plan, total, lambda step: None)
    assert masked.artifact == clear.artifact == pooled.artifact
    rows = sum(map(len, frames.values()))
    print(f"\n## {plan.model.trees} trees, {len(frames)} hospitals, {rows:,} rows, {len(sizes)} sums")
    print("the three ensembles are equal to the last bit; area under the curve", f"{masked.measures.auc:.4f}")
    for name, seconds in watch.seconds.items():
        print(f"{name}: {seconds:.2f} s, {seconds / watch.seconds['pooled in clear']:.1f} times pooled")
    print(f"masked numbers: {sum(sizes):,} bytes a department, at most {max(sizes):,} in one sum")


def masked_total(plan: TrainPlan, owners: Sequence[Owner], watch: Watch, sizes: list[int]) -> Total:
    def total(name: str, work: Work) -> Summed:
        answers, limits = [owner.answer(name, work).values for owner in owners], bounds(plan, work, None)
        sizes.append(masked_bytes(limits, len(owners)))
        return Summed(masked_sum(answers, limits, watch, context=name.encode()), plan.contributors)

    return total


if __name__ == "__main__":
    perceptron()
    growth()
    trees()
