"""A joint training as a job: every sum that `federation.learning.training` asks for, under the plan's protection.

The coordinator runs it, since Flower's strategies move the model there: it reads each round's sum over all departments,
and so the model; no department's own numbers, which nothing but the sum of all of them ever leaves the masks or the
joint key of. Its visibility table says so. The analyst gets the model sealed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from crypto.paillier import PublicKey
from federation.aggregation.adding import Adder, read_sum
from federation.aggregation.agreement import begin_all
from federation.aggregation.office import Progress, Seal, digest_of
from federation.errors import NodeError
from federation.governance.identity import Identity
from federation.governance.roster import Roster
from federation.learning.artifact import Artifact
from federation.learning.errors import DivergedError
from federation.learning.privacy import noise_for
from federation.learning.report import Report
from federation.learning.split import split_nonce
from federation.learning.steps import Step
from federation.learning.training import train
from federation.learning.trees import PASSES
from federation.learning.work import Summed, Update, Work, bounds, encode_work
from federation.plan import TrainPlan, Trees
from federation.wire import Wire

Record = Callable[[str, dict[str, int | str]], None]
"""Writes an event of the coordinator about the job."""


class Desk(NamedTuple):
    """What the coordinator runs a training with.

    Attributes:
        record: writes an event about the job.
        keep: takes what there is before each round, in case no further one comes.
        told: is told of every round.
    """

    identity: Identity
    roster: Roster
    public_key: PublicKey
    seal: Seal
    record: Record
    keep: Callable[[Report], None]
    progress: Progress
    told: Callable[[Step], None]


def run_training(wire: Wire, plan: TrainPlan, job: str, agreements: Mapping[str, bytes], desk: Desk) -> Report:
    """Run a training that everybody has agreed to.

    Args:
        agreements: as `propose` gave them, one of every participant.

    Returns:
        The model and how it came about, for the analyst.

    Raises:
        NodeError: too few departments are left, or one answers wrongly.
        RefusedError: a party refused.
        RequestError: what all departments together have cannot be learnt from.
    """
    # Everybody: verifies everybody's approval, and that a quorum has it on record.
    begin_all(wire, plan, agreements, desk.seal, desk.progress)

    # Contributors, round by round: their numbers, of which only the sum is read. The record says who was in it.
    noise = noise_for(plan) if plan.privacy else None
    adder = Adder(wire, plan, desk.public_key, desk.seal, desk.progress, rounds=_most_sums(plan))
    sums, rows, history = 0, None, list[Step]()

    def total(name: str, work: Work) -> Summed:
        nonlocal sums, rows
        if isinstance(work, Update):
            rows = None if plan.privacy else work.rows
            model = _as_it_is(plan, work, int(name.rpartition(".")[2]) - 1)
            desk.keep(Report(artifact=model.to_bytes(), history=tuple(history), rows=rows, sums=sums))
        given, asked = encode_work(work), bounds(plan, work, noise)
        added = adder.add(name, given)
        envelopes = [desk.roster.open(data) for data in added.envelopes]
        for envelope in envelopes:
            if (envelope.header.job, envelope.header.plan) != (job, plan.hash):
                raise NodeError("node.replayed", party=envelope.header.sender)
        values = read_sum(desk.identity, desk.roster, desk.public_key, plan, job, name, given, envelopes, asked)
        data: dict[str, int | str] = {"round": name, "survivors": " ".join(added.survivors), "values": len(values)}
        desk.record("round", {**data, "given": digest_of(given)})
        sums += 1
        return Summed(values, added.survivors)

    def told(step: Step) -> None:
        history.append(step)
        desk.told(step)

    # Coordinator: moves the model, as Flower's strategy or the growing of trees says.
    try:
        trained = train(plan, total, told)
    except DivergedError as error:
        desk.keep(Report(artifact=error.kept.artifact.to_bytes(), history=tuple(history), rows=rows, sums=sums))
        raise
    model = trained.artifact.to_bytes()
    survivors = history[-1].survivors if history else plan.contributors
    digest = hashlib.sha256(model).hexdigest()
    desk.record("model", {"digest": digest, "rounds": sums, "survivors": " ".join(survivors)})
    return Report(
        artifact=model,
        history=tuple(history),
        rows=rows,
        measures=trained.measures,
        epsilon=trained.epsilon,
        recomputed=noise.recomputed() if noise else None,
        sums=sums,
        traffic=dict(wire.traffic),
    )


def _as_it_is(plan: TrainPlan, work: Update, rounds: int) -> Artifact:
    """The model that a round begins with."""
    return Artifact(
        source=plan.source,
        split=split_nonce(plan),
        model=plan.model,
        features=plan.features,
        label=plan.label,
        standard=work.standard,
        rounds=rounds,
        arrays=work.arrays,
    )


def _most_sums(plan: TrainPlan) -> int:
    """How many sums a training may take: moments or bins, every round, and measures in between."""
    if isinstance(plan.model, Trees):
        return 2 + PASSES + plan.rounds
    return 2 + 2 * plan.descent.rounds
