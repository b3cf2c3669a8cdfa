"""The sum over departments that hold the same table, in two rounds.

Round "counts" opens rows per group to the release gate, a department, which decides what is suppressed. Round "sums"
opens the totals of the rest to the analyst. How a round adds up without anybody seeing a department's own numbers is
told in `federation.aggregation`: under the joint key, or under masks if the plan says so. Left out: noise (epsilon).

`run_sum` is the whole story, told by the coordinator, who relays and can read nothing. The other roles follow, a block
each: contributor (what it adds), release gate (decide), analyst (read_totals).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from crypto.errors import CryptoError
from crypto.paillier import PublicKey
from crypto.sealing import open_box, seal
from federation.adapters import Cells
from federation.aggregation.adding import Adder, read_sum
from federation.aggregation.agreement import begin_all
from federation.aggregation.office import Act, Job, Office, Progress, Seal, box_context, of_job, read_payload
from federation.errors import NodeError, RefusedError
from federation.governance.identity import Identity
from federation.governance.roster import Roster
from federation.messages import Decide, Decision
from federation.plan import PredictPlan, SumPlan
from federation.queries.suppression import Count, suppressed_groups
from federation.wire import Wire

COUNTS, SUMS = "counts", "sums"

Grouped = SumPlan | PredictPlan
"""Jobs that count and add up per group."""


class SealedTotals(NamedTuple):
    """What the analyst gets: signed envelopes whose contents only the analyst can open.

    Attributes:
        shares: what opens the totals.
    """

    decision: bytes
    shares: tuple[bytes, ...]


# -- the story: the coordinator's part --------------------------------------------------------------------------------


def run_sum(
    wire: Wire,
    plan: Grouped,
    agreements: Mapping[str, bytes],
    public_key: PublicKey,
    seal: Seal,
    progress: Progress,
) -> SealedTotals:
    """Run a sum that everybody has agreed to.

    Args:
        agreements: as `propose` gave them, one of every participant.
        seal: brings the record to a quorum of witnesses; returns the checkpoint with their cosignatures.
        progress: called with the name of every step that begins.

    Returns:
        Envelopes sealed to the analyst.

    Raises:
        NodeError: a party is gone, late or answers wrongly; nothing has been released.
        RefusedError: a party refused.
    """
    # Everybody: verifies everybody's approval, and that a quorum has it on record.
    begin_all(wire, plan, agreements, seal, progress)

    # Contributors and key holders: rows per group, opened to the gate alone.
    adder = Adder(wire, plan, public_key, seal, progress, rounds=2)
    counts = adder.add(COUNTS, None)

    # Release gate: reads the counts and decides which groups are suppressed.
    progress("decide")
    decision = wire.ask({plan.gate: Decide(shares=counts.envelopes)})[plan.gate].envelope

    # Contributors and key holders: the totals, zero where suppressed, opened to the analyst alone.
    return SealedTotals(decision=decision, shares=adder.add(SUMS, decision).envelopes)


# -- contributor ------------------------------------------------------------------------------------------------------


class SumProgramme:
    """What a department adds to a query: its counts, then its sums of the groups that are shown."""

    def __init__(self, plan: Grouped) -> None:
        self.plan = plan
        self._cells: Cells | None = None

    def check(self, office: Office, job: Job, name: str, given: bytes | None) -> None:
        """Two rounds there are; the sums need the gate's signed decision, the counts must not have one."""
        self._decision(office, job, name, given)

    def bounds(self, name: str, given: bytes | None) -> tuple[int, ...]:
        """Slots of a round: public, fixed by the plan."""
        return self.plan.local.count_bounds if name == COUNTS else self.plan.local.sum_bounds

    def reader(self, name: str) -> str:
        """The gate reads the counts, the analyst the sums."""
        return self.plan.gate if name == COUNTS else self.plan.requester

    def values(self, office: Office, job: Job, name: str, given: bytes | None) -> list[int]:
        """Compute in the store; once for both rounds, since the sums must be of the rows that were counted."""
        decision = self._decision(office, job, name, given)
        if self._cells is None:
            self._cells = self.count(office, job)
            # Here, since once encrypted a raw number passed off as a sum could not be told from one.
            office.check_cells(job.job, job.attempt, self._cells)
            office.approvals.check_snapshot(job.job, self._cells)
        if decision is None:
            return _count_slots(self.plan, self._cells)
        dropped = _read_decision(office.identity, self.plan, job.job, decision)
        return _sum_slots(self.plan, self._cells, dropped)

    def count(self, office: Office, job: Job) -> Cells:
        """Count and add up in the store, per group."""
        return office.stores[self.plan.table].aggregate(self.plan.local)

    def _decision(self, office: Office, job: Job, name: str, given: bytes | None) -> Decision | None:
        if name not in (COUNTS, SUMS) or (name == COUNTS) != (given is None):
            raise RefusedError("refused.order")
        if given is None:
            return None
        envelope = of_job(office, job, given)
        payload = read_payload(envelope)
        if envelope.header.sender != self.plan.gate or not isinstance(payload, Decision):
            raise RefusedError("refused.decision")
        return payload


def _count_slots(plan: Grouped, cells: Mapping[int, tuple[int, ...]]) -> list[int]:
    nothing = (0,) * len(plan.local.measures)
    counts = [cells.get(group, nothing)[i] for group in range(plan.local.group_count) for i in plan.local.counting]
    return [slot for count in counts for slot in (count, int(count > 0))]


def _sum_slots(plan: Grouped, cells: Mapping[int, tuple[int, ...]], dropped: frozenset[int]) -> list[int]:
    # Suppressed groups are sent as zero, so that the layout, and with it the traffic, tells nobody which they are.
    nothing = (0,) * len(plan.local.measures)
    groups = range(plan.local.group_count)
    return [value for group in groups for value in (nothing if group in dropped else cells.get(group, nothing))]


# -- release gate -----------------------------------------------------------------------------------------------------


def decide(office: Office, job: Job, plan: Grouped, ask: Decide) -> Act:
    """Gate: read the counts, decide what is suppressed, tell the contributors and the analyst; nobody else.

    Raises:
        RefusedError: not the gate, decided before, or every group would be dropped.
        NodeError: a share is not what a holder owes.
    """
    if office.name != plan.gate:
        raise RefusedError("refused.order")
    job.once("decide", "")
    opened = [of_job(office, job, data) for data in ask.shares]
    key, bounds = office.public_key, plan.local.count_bounds
    slots = read_sum(office.identity, office.roster, key, plan, job.job, COUNTS, None, opened, bounds)
    width = len(plan.local.counting)
    pairs = [Count(rows, departments) for rows, departments in zip(slots[::2], slots[1::2], strict=True)]
    counts = [pairs[start : start + width] for start in range(0, len(pairs), width)]
    dropped = suppressed_groups(
        counts,
        shape=[len(key.labels) for key in plan.local.group_by],
        minimum_group=plan.minimum_group,
        minimum_contributors=plan.minimum_contributors,
    )
    filled = {group for group, measures in enumerate(counts) if measures[0].rows}
    if filled and filled <= dropped:
        alone = all(measures[0].departments < plan.minimum_contributors for measures in counts if measures[0].rows)
        raise RefusedError("refused.by_holder" if alone else "refused.too_small")
    body = msgspec.msgpack.encode(sorted(dropped))
    readers = [office.roster.party(name) for name in (*plan.contributors, plan.requester)]
    boxes = {
        to.name: seal(to.box, body, context=box_context("decision", job.job, "", plan.gate, to.name))
        for to in readers
        if to is not None
    }
    decided = job.draft(
        "release.decide",
        office,
        {"groups": plan.local.group_count, "minimum_group": plan.minimum_group},
        # How many groups are small is itself a finding: the log holds a salted commitment only.
        body=body,
    )
    return Act(Decision(boxes=boxes), (decided,))


def _read_decision(identity: Identity, plan: Grouped, job: str, decision: Decision) -> frozenset[int]:
    box = decision.boxes.get(identity.name)
    if box is None:
        raise RefusedError("refused.decision")
    try:
        body = open_box(identity.box, box, context=box_context("decision", job, "", plan.gate, identity.name))
        return frozenset(msgspec.msgpack.decode(body, type=list[int]))
    except (CryptoError, msgspec.MsgspecError) as exc:
        raise RefusedError("refused.decision") from exc


# -- analyst ----------------------------------------------------------------------------------------------------------


class Totals(NamedTuple):
    """What the analyst learns.

    Attributes:
        groups: per shown, non-empty group, the measures' totals.
        dropped: indexes of suppressed groups.
    """

    groups: dict[int, tuple[int, ...]]
    dropped: frozenset[int]


def read_totals(
    identity: Identity, roster: Roster, public_key: PublicKey, plan: Grouped, job: str, sealed: SealedTotals
) -> Totals:
    """Analyst: verify every envelope, open the boxes, combine, unpack.

    Raises:
        NodeError: an envelope is foreign or of another job.
        RefusedError: the shares do not open the agreed totals, or a total lies outside its public bound.
    """
    envelopes = [roster.open(data) for data in (sealed.decision, *sealed.shares)]
    for envelope in envelopes:
        if (envelope.header.job, envelope.header.plan) != (job, plan.hash):
            raise NodeError("node.replayed", party=envelope.header.sender)
    decision = read_payload(envelopes[0])
    if envelopes[0].header.sender != plan.gate or not isinstance(decision, Decision):
        raise NodeError("node.protocol", party=envelopes[0].header.sender)
    dropped = _read_decision(identity, plan, job, decision)
    bounds = plan.local.sum_bounds
    slots = read_sum(identity, roster, public_key, plan, job, SUMS, sealed.decision, envelopes[1:], bounds)
    width = len(plan.local.measures)
    groups = {group: tuple(slots[group * width : (group + 1) * width]) for group in range(plan.local.group_count)}
    return Totals({group: totals for group, totals in groups.items() if totals[0] and group not in dropped}, dropped)


def new_nonce() -> str:
    """128 random bits in hex."""
    return secrets.token_hex(16)
