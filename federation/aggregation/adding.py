"""Adding up one round after the other, as the plan protects it: the coordinator's part, and the reader's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from crypto.paillier import PublicKey
from federation.aggregation.encrypted import read_encrypted, run_encrypted
from federation.aggregation.masked import Cohort, exchange_keys, read_masked, run_masked
from federation.aggregation.office import Progress, Seal
from federation.governance.identity import Identity
from federation.governance.roster import Roster
from federation.messages import Envelope
from federation.plan import Plan
from federation.wire import Wire

# Keys for so many rounds are exchanged at once.
BATCH = 256
# Under masks nobody but the departments themselves opens anything, and each hears its own officer before every answer;
# the record is sealed anew when the last seal is older than this.
RESEAL_S = 5.0


class Sum(NamedTuple):
    """One round, as it goes to its reader.

    Attributes:
        survivors: whose numbers are in it.
    """

    envelopes: tuple[bytes, ...]
    survivors: tuple[str, ...]


class Adder:
    """Adds up the rounds of one job; whoever disappears under masks is out for the rest of it."""

    def __init__(
        self,
        wire: Wire,
        plan: Plan,
        public_key: PublicKey,
        seal: Seal,
        progress: Progress,
        *,
        rounds: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            rounds: how many there will be at most.
            clock: seconds.
        """
        self._wire, self._plan, self._public_key = wire, plan, public_key
        self._seal, self._progress, self._clock = seal, progress, clock
        self._rounds, self._done = rounds, 0
        self._members: tuple[str, ...] = plan.contributors
        self._cohort: Cohort | None = None
        self._sealed: tuple[str, float] | None = None

    def add(self, name: str, given: bytes | None) -> Sum:
        """Add up one round.

        Args:
            given: what it works on, the same for everybody.

        Raises:
            NodeError: too few are there, or one answers wrongly.
            RefusedError: a party refused.
        """
        plan = self._plan
        if plan.protection == "paillier":
            envelopes = run_encrypted(self._wire, plan, self._public_key, name, given, self._seal, self._progress)
            return Sum(envelopes, plan.contributors)
        batch, index = divmod(self._done, BATCH)
        if plan.protection == "none":
            self._cohort = Cohort(batch, 0, {})
        if self._cohort is None or self._cohort.batch != batch:
            rounds = min(BATCH, self._rounds - self._done)
            self._cohort = exchange_keys(
                self._wire, plan, self._members, batch=batch, rounds=rounds, progress=self._progress
            )
            self._members = tuple(self._cohort.keys)
        masked = run_masked(
            self._wire, plan, self._cohort, self._members, name, given, self._seal_anew, self._progress, index=index
        )
        self._members, self._done = masked.there, self._done + 1
        return Sum(masked.envelopes, masked.survivors)

    def _seal_anew(self, members: Sequence[str]) -> str:
        if self._sealed is None or self._clock() - self._sealed[1] >= RESEAL_S:
            self._sealed = self._seal(members), self._clock()
        return self._sealed[0]


def read_sum(
    identity: Identity,
    roster: Roster,
    public_key: PublicKey,
    plan: Plan,
    job: str,
    name: str,
    given: bytes | None,
    envelopes: Sequence[Envelope],
    bounds: Sequence[int],
) -> list[int]:
    """Reader of a round: one total per bound.

    Args:
        envelopes: as `Adder.add` gave them, each verified to be of this job.

    Raises:
        NodeError: an envelope is not what its sender owes.
        RefusedError: they do not open the agreed sum, or a total lies outside its public bound.
    """
    if plan.protection == "paillier":
        return read_encrypted(identity, roster, public_key, plan, job, name, envelopes, bounds)
    return read_masked(identity, roster, plan, job, name, given, envelopes, bounds)
