"""Recompute the whole record from its entries and believe nothing that is stored beside them.

The steps are those of docs/record.md, section 8, a file each in `federation.audit.rules`. What is verified is a home
(with everybody's pinned roster and journal) or a bundle (with the keys, the quorum and the heads that an evaluator
brings); every signature is checked once.

A home may be running: what was not sealed yet, or not signed for yet, is counted and told. It cannot show that a
coordinator and all departments together left something out; heads held outside are for that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from federation.audit.events import Event
from federation.audit.record import COORDINATOR, Record
from federation.audit.rules.chains import Chains, check_seen, read_entries, read_journal
from federation.audit.rules.checkpoints import (
    Checkpoint,
    Keys,
    Sealing,
    check_head,
    check_roots,
    find_sealed,
    read_checkpoints,
    roots_at,
    stated_size,
)
from federation.audit.rules.clock import check_times
from federation.audit.rules.findings import Written, in_log, wrong
from federation.audit.rules.jobs import Jobs
from federation.audit.rules.keys import Trust, check_pinned, check_trusted
from federation.audit.rules.ledger import Sums, check_ledgers
from federation.audit.rules.statements import Said, read_statements
from federation.governance.roster import Roster

# What trails the acts that it tells of: a ledger entry comes with the next answer, a receipt with the next seal.
TRAILING = frozenset({"egress", "receipt"})


class Witnessed(msgspec.Struct, frozen=True, kw_only=True):
    """How far one department has co-signed.

    Attributes:
        root: hex.
        age_s: seconds since then, by the verifier's clock.
    """

    size: int
    root: str
    age_s: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was recomputed and found right.

    Attributes:
        root: of the log, hex.
        checkpoints: how many the coordinator signed; `sealed` of them reached the quorum, the last at `sealed_size`.
        unsealed: entries after that; `unsealed_acts` of them are no mere ledger entries and receipts, which trail.
        witnesses: by department; without those that have never co-signed.
        quorum: how many departments seal now.
        suspended: departments that do not count now.
        departments: how many journals were compared, or ledgers in a bundle.
        outcomes: jobs by how they ended; "" for those that have not.
        granted: requests that an officer granted; `automatic` is how many a rule granted and no person.
        unapproved: jobs of any kind that ran without everybody's whole word: 0.
        ledger_bytes: sum over all departments' egress entries.
        counted_bytes: what the copy proxy counted as having left them.
        receipt_bytes: what the coordinator signed for.
        unsent: last ledger entries of killed processes whose bytes never left; each is named in the ledger.
        unrecorded_bytes: counted at a bundle's end, whose ledger entries came after it.
        unreceipted: frames recorded after the last receipt, and their bytes.
        late: events that came to the log after their time, when their party had been away.
        signatures: how many were checked, by algorithm.
        seconds: that it took.
    """

    size: int
    root: str
    checkpoints: int
    departments: int
    jobs: int
    ledger_bytes: int
    counted_bytes: int
    unsent: int
    sealed: int = 0
    sealed_size: int = 0
    unsealed: int = 0
    unsealed_acts: int = 0
    witnesses: dict[str, Witnessed] = {}
    quorum: int = 0
    suspended: tuple[str, ...] = ()
    outcomes: dict[str, int] = {}
    granted: int = 0
    automatic: int = 0
    denied: int = 0
    revoked: int = 0
    unapproved: int = 0
    receipt_bytes: int = 0
    unrecorded_bytes: int = 0
    unreceipted: int = 0
    unreceipted_bytes: int = 0
    late: int = 0
    signatures: dict[str, int] = {}
    seconds: float = 0.0


def verify_record(record: Record, trust: Trust | None = None, *, clock: Callable[[], float] = time.time) -> Verdict:
    """Check everything that a record holds.

    Args:
        trust: what the evaluator of a bundle brings; None for a home, in which everybody has pinned the roster.
        clock: POSIX seconds, for the age of cosignatures only.

    Raises:
        RecordError: names the first place that does not hold.
    """
    began = time.perf_counter()
    # (1) Whose keys count. Heads are read before the log, which in a running home grows meanwhile.
    pinned, given = record.rosters(), [*record.heads().items(), *(trust.heads.items() if trust else ())]
    roster = check_pinned(pinned) if trust is None else check_trusted(_only(pinned), trust)
    departments = roster.names("department")

    # (2) Every checkpoint is signed by the log; cosignatures that are there hold.
    entries, notes = record.log()
    keys, chains = Keys(roster), Chains(roster)
    checkpoints = read_checkpoints(notes, keys)

    # (3) The entries give every signed root.
    read = read_entries(entries, chains)
    heads = [(party, keys.read(note, f"head of {party}")) for party, note in given]
    sizes = {cp.size for cp in checkpoints} | {head.size for _, head in heads} | {e.seen.size for e in read.events}
    roots = roots_at(entries, sizes)
    check_roots(checkpoints, roots, len(entries), read.blame)

    # (4) What every department co-signed last is in the tree, and nothing was cut off behind it.
    for party, head in heads:
        check_head(party, head, roots, len(entries), read.blame)

    # (5) Every entry is signed, chained, and of this log; the journals go on where the log ends.
    read.blame(len(entries))
    check_seen(read.events, roots)
    tails = _compare_journals(record, entries, read.events, roster, chains) if trust is None else []
    if trust is None:
        # Looked at once more: meanwhile the witnesses of a running home went on with their journals.
        _check_witnesses(departments, record.heads(), chains)
    sealing = find_sealed(checkpoints, read.events, roster, wanted=trust.quorum if trust else None)

    # (6) Officers' statements; (7) jobs.
    everything = [*in_log(read.events), *tails]
    said = read_statements(everything, roster)
    jobs = Jobs(said, sealing.sealed, grants=roster.grants)
    for written in everything:
        jobs.follow(written)

    # (8) Ledger = receipts = counted bytes; (9) clocks.
    sums = check_ledgers(everything, record.sessions(), departments, whole=trust is None)
    late = check_times(read.events, sealing.sealed)
    return _tell(
        read.events,
        roots=roots | {len(entries): checkpoints[-1].root},
        checkpoints=checkpoints,
        heads=dict(heads),
        sealing=sealing,
        said=said,
        jobs=jobs,
        sums=sums,
        late=late,
        departments=departments,
        tails=len(tails),
        now=clock(),
        seconds=time.perf_counter() - began,
    )


def _only(rosters: Mapping[str, bytes]) -> bytes:
    if len(rosters) != 1:
        raise wrong("file data/roster.json", "there is not exactly one roster")
    return next(iter(rosters.values()))


def _compare_journals(
    record: Record, entries: Sequence[bytes], events: Sequence[Event], roster: Roster, chains: Chains
) -> list[Written]:
    """What the coordinator and the departments have written and the log does not hold yet."""
    tails: list[Written] = []
    parties = (COORDINATOR, *roster.names("department"))
    logged: dict[str, list[bytes]] = {party: [] for party in parties}
    for entry, event in zip(entries, events, strict=True):
        if event.node in logged:
            logged[event.node].append(entry)
    for party in parties:
        tails += read_journal(party, record.journal(party) or [], logged[party], chains)
    return tails


def _check_witnesses(departments: Sequence[str], heads: Mapping[str, str], chains: Chains) -> None:
    """No department's witness database is lost, or older than what its own chain says that it had co-signed."""
    for party in departments:
        seen = chains.links[party].seen if party in chains.links else 0
        if seen and party not in heads:
            raise wrong(f"head of {party}", f"its witness database is lost: it had co-signed {seen} entries")
        if seen and stated_size(heads[party]) < seen:
            size = stated_size(heads[party])
            raise wrong(f"head of {party}", f"it covers {size} entries, but {party} had co-signed {seen}")


def _tell(
    events: Sequence[Event],
    *,
    roots: Mapping[int, bytes],
    checkpoints: Sequence[Checkpoint],
    heads: Mapping[str, Checkpoint],
    sealing: Sealing,
    said: Said,
    jobs: Jobs,
    sums: Sums,
    late: int,
    departments: Sequence[str],
    tails: int,
    now: float,
    seconds: float,
) -> Verdict:
    sealed_size = max(sealing.sealed, default=0)
    notes = [*checkpoints, *heads.values()]
    pairs = sum(len(note.pairs) for note in notes)
    ed25519 = len(events) + tails + len(notes) + sum(len(note.times) for note in notes) + said.statements
    return Verdict(
        size=len(events),
        root=roots[len(events)].hex(),
        checkpoints=len(checkpoints),
        departments=len(departments),
        jobs=len(jobs.jobs),
        ledger_bytes=sums.ledger,
        counted_bytes=sums.counted,
        unsent=sums.unsent,
        sealed=len(sealing.sealed),
        sealed_size=sealed_size,
        unsealed=len(events) - sealed_size,
        unsealed_acts=sum(event.type not in TRAILING for event in events[sealed_size:]),
        witnesses=_witnesses(departments, notes, now),
        quorum=sealing.quorum,
        suspended=tuple(sorted(sealing.suspended)),
        outcomes=jobs.outcomes,
        granted=said.counts.get("approval.grant", 0) - said.automatic,
        automatic=said.automatic,
        denied=said.counts.get("approval.deny", 0),
        revoked=said.counts.get("approval.revoke", 0),
        unapproved=jobs.unapproved,
        receipt_bytes=sums.receipts,
        unrecorded_bytes=sums.unrecorded,
        unreceipted=sums.unreceipted,
        unreceipted_bytes=sums.unreceipted_bytes,
        late=late,
        signatures={"Ed25519": ed25519, "ML-DSA-44": pairs + said.statements},
        seconds=round(seconds, 3),
    )


def _witnesses(departments: Sequence[str], notes: Sequence[Checkpoint], now: float) -> dict[str, Witnessed]:
    """The largest checkpoint of each department, in the log or in its own database."""
    found: dict[str, Witnessed] = {}
    for note in sorted(notes, key=lambda note: note.size):
        for party, at in note.times.items():
            found[party] = Witnessed(size=note.size, root=note.root.hex(), age_s=max(0, int(now - at)))
    return {party: found[party] for party in departments if party in found}
