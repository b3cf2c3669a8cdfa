"""Who has co-signed what: the last sealed checkpoint, every department's head, and proofs that somebody pastes.

Every signature shown as valid was verified here, with the keys of the pinned roster, when it was looked at.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from crypto.errors import ProofError, SignatureError
from crypto.merkle import leaf_hash, verify_inclusion
from crypto.notes import read_checkpoint, verify_note
from dashboard.services.evidence import Evidence
from federation.audit.record import COORDINATOR
from federation.audit.seal import Sealed, quorum, read_cosigned
from federation.errors import RecordError, RefusedError
from federation.governance.roster import Roster

PROOF_HEAD = "c2sp.org/tlog-proof@v1"
MAX_PROOF_CHARACTERS = 200_000
MOST_TRIED = 20  # the newest checkpoint may still be on its way round the witnesses


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One checkpoint, and who co-signed it.

    Attributes:
        root: hex.
        times: POSIX seconds, of every department whose two signatures, Ed25519 and ML-DSA-44, verify.
        counted: departments that count, which is all but the suspended.
        needed: how many of them seal a checkpoint.
    """

    size: int
    root: str
    note: str
    times: Mapping[str, int]
    counted: tuple[str, ...]
    needed: int

    @property
    def there(self) -> tuple[str, ...]:
        """The departments that count and have co-signed."""
        return tuple(name for name in self.counted if name in self.times)

    @property
    def holds(self) -> bool:
        """Whether it is sealed."""
        return len(self.there) >= self.needed


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessHead:
    """The checkpoint that one department co-signed last.

    Attributes:
        own_word: told by the department's own desk; else the coordinator's copy.
        agrees: the log has this root at this size.
    """

    party: str
    size: int
    root: str
    time: int
    own_word: bool
    agrees: bool


def seal(evidence: Evidence, roster: Roster, size: int, suspended: Iterable[str]) -> Seal:
    """Verify one checkpoint with its cosignatures.

    Raises:
        RecordError: not a checkpoint of this log, or not signed by the coordinator.
    """
    note = evidence.note(size)
    cosigned = _cosigned(note, roster)
    counted = tuple(name for name in roster.names("department") if name not in suspended)
    return Seal(
        size=cosigned.size,
        root=cosigned.root.hex(),
        note=note,
        times=cosigned.times,
        counted=counted,
        needed=quorum(len(counted)),
    )


def last_sealed(evidence: Evidence, roster: Roster, suspended: Iterable[str]) -> Seal | None:
    """The newest checkpoint that a quorum has co-signed; None if none of the newest is."""
    for size in evidence.sealed_sizes(most=MOST_TRIED):
        found = seal(evidence, roster, size, suspended)
        if found.holds:
            return found
    return None


def heads(evidence: Evidence, roster: Roster, told: Mapping[str, str]) -> tuple[WitnessHead, ...]:
    """Every department's head, as its desk tells it, else as the coordinator has kept it.

    Args:
        told: by department, the note its own desk gave.
    """
    newest = [_cosigned(evidence.note(size), roster) for size in evidence.sealed_sizes(most=MOST_TRIED)]
    found = []
    for party in roster.names("department"):
        own = _own(told.get(party, ""), roster, party)
        kept = next((one for one in newest if party in one.times), None)
        head = own or kept
        if head is not None:
            found.append(
                WitnessHead(
                    party=party,
                    size=head.size,
                    root=head.root.hex(),
                    time=head.times[party],
                    own_word=own is not None,
                    agrees=head.size <= evidence.size and evidence.root_at(head.size) == head.root.hex(),
                )
            )
    return tuple(found)


def _own(note: str, roster: Roster, party: str) -> Sealed | None:
    try:
        head = _cosigned(note, roster) if note else None
    except RecordError:
        return None
    return head if head is not None and party in head.times else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a pasted proof shows.

    Attributes:
        number: of the entry in the log.
        cosigned: departments whose Ed25519 and ML-DSA-44 lines are on the proof's checkpoint and verify.
        departments: how many there are; `needed` of them are a quorum.
    """

    number: int
    size: int
    root: str
    cosigned: tuple[str, ...]
    departments: int
    needed: int


def check_tlog_proof(text: str, evidence: Evidence, roster: Roster) -> Proven:
    """Check a c2sp.org/tlog-proof of one of this log's entries: that very entry leads to a root the coordinator signed.

    Raises:
        RecordError: `where` is tlog-proof; `reason` one of format, signature, entry, path.
    """
    try:
        head, _, note = text.strip().replace("\r\n", "\n").partition("\n\n")
        first, index, *lines = head.split("\n")
        number = int(index.removeprefix("index "))
        proof = [base64.b64decode(line, validate=True) for line in lines]
        if len(text) > MAX_PROOF_CHARACTERS or first != PROOF_HEAD or index != f"index {number}" or number < 0:
            raise ValueError("not the form of a proof")
    except (ValueError, binascii.Error) as exc:
        raise _wrong("format") from exc
    coordinator = roster.party(COORDINATOR)
    try:
        signed = verify_note(f"{note}\n", roster.origin, coordinator.signing if coordinator else b"")
        origin, size, root = read_checkpoint(signed)
    except (SignatureError, ValueError) as exc:
        raise _wrong("signature") from exc
    entry = evidence.entry(number)
    if origin != roster.origin or entry is None:
        raise _wrong("entry")
    try:
        verify_inclusion(leaf_hash(entry), index=number, size=size, proof=proof, root=root)
    except ProofError as exc:
        raise _wrong("path") from exc
    departments = len(roster.names("department"))
    return Proven(
        number=number,
        size=size,
        root=root.hex(),
        cosigned=tuple(_cosigned(f"{note}\n", roster).times),
        departments=departments,
        needed=quorum(departments),
    )


def write_tlog_proof(evidence: Evidence, number: int, size: int) -> str:
    """Write the proof of an entry under a checkpoint, to take away."""
    way = evidence.way(number, size)
    lines = "".join(base64.b64encode(bytes.fromhex(step.sibling)).decode() + "\n" for step in way.steps)
    return f"{PROOF_HEAD}\nindex {number}\n{lines}\n{evidence.note(size)}"


def _wrong(reason: str) -> RecordError:
    return RecordError("record.invalid", where="tlog-proof", reason=reason)


@lru_cache(maxsize=64)  # pages look every few seconds, and a dozen ML-DSA-44 signatures take milliseconds each
def _cosigned(note: str, roster: Roster) -> Sealed:
    try:
        return read_cosigned(note, roster)
    except RefusedError as exc:
        raise RecordError("record.invalid", where="checkpoint", reason="it is not signed by the coordinator") from exc
