"""When a checkpoint is sealed: a quorum of departments has seen it, and said when.

With n departments of which up to f = floor((n - 1) / 3) may be dishonest, any two quorums of floor((n + f) / 2) + 1
share at least one honest department, so that no two sealed checkpoints of one log contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from crypto.errors import SignatureError
from crypto.notes import read_checkpoint, verify_cosignature, verify_note
from federation.errors import RefusedError
from federation.governance.roster import Roster

# A job begins, and a round is opened, only on a record that was sealed just now.
MAX_SEAL_AGE_S = 30
# Clocks of departments may differ by this much.
MAX_SKEW_S = 5


class Sealed(NamedTuple):
    """A checkpoint that a quorum co-signed.

    Attributes:
        times: POSIX seconds at which each witness co-signed.
    """

    size: int
    root: bytes
    times: dict[str, int]


def quorum(witnesses: int) -> int:
    """How many of so many departments seal a checkpoint."""
    return (witnesses + (witnesses - 1) // 3) // 2 + 1


@lru_cache(maxsize=8)  # the rounds of a training come on one checkpoint for some seconds: thirty signatures each
def read_cosigned(note: str, roster: Roster) -> Sealed:
    """Read a checkpoint of our log with whatever valid cosignatures of our departments it bears.

    Raises:
        RefusedError: not a checkpoint of our log, or not signed by the coordinator.
    """
    coordinator = next(party for party in roster.parties if party.role == "coordinator")
    try:
        origin, size, root = read_checkpoint(verify_note(note, roster.origin, coordinator.signing))
    except (SignatureError, ValueError) as exc:
        raise RefusedError("refused.seal") from exc
    if origin != roster.origin:
        raise RefusedError("refused.seal")
    times: dict[str, int] = {}
    for party in roster.parties:
        if party.role == "department":
            try:
                times[party.name] = verify_cosignature(note, roster.cosigner_name(party.name), party.cosigner)
            except SignatureError:
                continue  # absent or wrong counts the same: not there
    return Sealed(size, root, times)


def check_sealed(
    note: str, roster: Roster, *, members: Sequence[str], suspended: Sequence[str] = (), now: datetime | None = None
) -> Sealed:
    """Check that a checkpoint is sealed, by all of `members` among others, and not old.

    A cosignature of another age counts as none: one department's wrong clock stops only what it takes part in.

    Args:
        members: departments that take part in the job.
        suspended: departments that do not count.
        now: None to accept any age.

    Raises:
        RefusedError: too few cosignatures, one of the members is not among them, or it is too old.
    """
    sealed = read_cosigned(note, roster)
    counted = [name for name in roster.names("department") if name not in suspended]
    there = [name for name in counted if name in sealed.times]
    if len(there) < quorum(len(counted)) or not set(members) <= set(there):
        raise RefusedError("refused.unsealed", count=len(there), quorum=quorum(len(counted)))
    if now is not None:
        ages = {name: now.timestamp() - sealed.times[name] for name in there}
        fresh = {name for name, age in ages.items() if -MAX_SKEW_S <= age <= MAX_SEAL_AGE_S}
        if len(fresh) < quorum(len(counted)) or not set(members) <= fresh:
            raise RefusedError("refused.seal_age", seconds=MAX_SEAL_AGE_S)
    return sealed
