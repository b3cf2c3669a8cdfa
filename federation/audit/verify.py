"""Recompute the whole record from its entries and believe nothing that is stored beside them.

(1) everybody has pinned the same roster; (2) every checkpoint is signed and its root follows from the entries; (3)
every event is signed by its party and chained to the one before; (4) the log holds each party's journal from its
beginning, in order, once; (5) every department agreed to a job before it computed for it, everybody committed before
anybody revealed, nothing was opened twice; (6) the bytes in each department's ledger are those the copy proxy counted.

It cannot show that a coordinator and all departments together left something out; witnesses and heads held outside
are for that.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import msgspec

from crypto.errors import SignatureError
from crypto.merkle import leaf_hash, node_hash
from crypto.notes import verify_note
from federation.audit.events import FIRST_PREV, Event, read_event
from federation.audit.log import read_checkpoint
from federation.audit.record import COORDINATOR, RecordReader, Session
from federation.errors import RecordError
from federation.governance.roster import Roster


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was recomputed and found right.

    Attributes:
        root: of the log, hex.
        departments: how many journals were compared.
        ledger_bytes: sum over all departments' egress entries.
        counted_bytes: what the copy proxy counted as having left them.
        unsent: last ledger entries of killed processes whose bytes never left; each is named in the ledger.
    """

    size: int
    root: str
    checkpoints: int
    departments: int
    jobs: int
    ledger_bytes: int
    counted_bytes: int
    unsent: int


def verify_record(record: RecordReader) -> Verdict:
    """Check everything that one home holds.

    Raises:
        RecordError: names the first place that does not hold.
    """
    roster = _one_roster(record.rosters())
    entries = record.entries()
    events = _check_events(entries, roster)
    root, checkpoints = _check_tree(entries, record.checkpoints(), roster)
    ledger = counted = unsent = 0
    departments = roster.names("department")
    journals = {party: record.journal(party) for party in (COORDINATOR, *departments)}
    sessions = record.sessions()
    for party, journal in journals.items():
        logged = [(entry, event) for entry, event in zip(entries, events, strict=True) if event.node == party]
        later = _check_journal(party, journal, [entry for entry, _ in logged], roster)
        mine = [*(event for _, event in logged), *later]
        if party != COORDINATOR:
            own = [session for session in sessions if session.party == party]
            more = _check_ledger(party, mine, own)
            ledger, counted, unsent = ledger + more[0], counted + more[1], unsent + more[2]
    _check_jobs(events)
    return Verdict(
        size=len(entries),
        root=root.hex(),
        checkpoints=checkpoints,
        departments=len(departments),
        jobs=len({event.job for event in events if event.type == "job.start"}),
        ledger_bytes=ledger,
        counted_bytes=counted,
        unsent=unsent,
    )


def _wrong(where: str, reason: str) -> RecordError:
    return RecordError("record.invalid", where=where, reason=reason)


def _number(event: Event, name: str, where: str) -> int:
    """A number that an event of this type has to state."""
    number = event.data.get(name)
    if not isinstance(number, int):
        raise _wrong(where, f"it does not state {name} as a number")
    return number


def _one_roster(pinned: dict[str, bytes]) -> Roster:
    """(1) One roster, pinned by all that stand in it."""
    if len(set(pinned.values())) != 1:
        raise _wrong("roster", "the parties have pinned different rosters" if pinned else "no party has pinned one")
    try:
        roster = Roster.from_bytes(next(iter(pinned.values())))
    except ValueError as exc:
        raise _wrong("roster", "it is not in its canonical form") from exc
    missing = [p.name for p in roster.parties if p.role != "analyst" and p.name not in pinned]
    if missing:
        raise _wrong("roster", f"{missing[0]} has not pinned it")
    return roster


def _check_tree(entries: Sequence[bytes], notes: Sequence[str], roster: Roster) -> tuple[bytes, int]:
    """(2) Fold the leaves once from the left; at each checkpoint's size the root must be the signed one."""
    coordinator = roster.party(COORDINATOR)
    if coordinator is None:
        raise _wrong("roster", "it names no coordinator")
    signed: dict[int, bytes] = {}
    for number, note in enumerate(notes):
        try:
            origin, size, root = read_checkpoint(verify_note(note, roster.origin, coordinator.signing))
        except (SignatureError, ValueError) as exc:
            raise _wrong(f"checkpoint {number}", "it is not signed by the coordinator") from exc
        if origin != roster.origin or size in signed:
            raise _wrong(f"checkpoint {number}", "it is of another log, or there are two of one size")
        signed[size] = root
    if max(signed, default=0) != len(entries):
        raise _wrong(
            "log", f"the last checkpoint is of size {max(signed, default=0)}, but there are {len(entries)} entries"
        )
    edge: list[tuple[int, bytes]] = []
    root = b""
    for size, entry in enumerate(entries, 1):
        edge.append((1, leaf_hash(entry)))
        while len(edge) > 1 and edge[-1][0] == edge[-2][0]:
            (width, right), (_, left) = edge.pop(), edge.pop()
            edge.append((2 * width, node_hash(left, right)))
        if size in signed:
            root = edge[-1][1]
            for _, left in reversed(edge[:-1]):
                root = node_hash(left, root)
            if root != signed[size]:
                raise _wrong(f"log, up to entry {size - 1}", "the entries do not give the signed root")
    return root, len(signed)


def _check_events(
    entries: Sequence[bytes], roster: Roster, *, what: str = "entry", after: Sequence[bytes] = ()
) -> list[Event]:
    """(3) Signatures, and every party's chain.

    Args:
        what: how to name one of the entries.
        after: entries of one party, already checked, that these go on from.
    """
    chains: dict[str, tuple[int, str]] = {}
    events, signers = [], roster.signers
    for index, entry in enumerate([*after[-1:], *entries], len(after[:-1])):
        where = f"{what} {index}"
        try:
            event = read_event(entry, signers)
        except (SignatureError, ValueError) as exc:
            raise _wrong(where, "it is not signed by its party, or was altered") from exc
        if event.log != roster.origin:
            raise _wrong(where, "it is of another log")
        follows = (event.seq, event.prev) == chains.get(event.node, (0, FIRST_PREV))
        if not follows and index >= len(after):
            raise _wrong(where, f"it does not follow the event before it in the chain of {event.node}")
        chains[event.node] = (event.seq + 1, hashlib.sha256(entry).hexdigest())
        events.append(event)
    return events[len(after[-1:]) :]


def _check_journal(party: str, journal: Sequence[bytes], logged: Sequence[bytes], roster: Roster) -> list[Event]:
    """(4) The log is a prefix of the journal; returns what is not there yet, chained and signed like the rest."""
    if list(journal[: len(logged)]) != list(logged):
        at = next((i for i, (a, b) in enumerate(zip(journal, logged, strict=False)) if a != b), len(journal))
        raise _wrong(f"journal of {party}, event {at}", "the log has another one in its place")
    later = _check_events(journal[len(logged) :], roster, what=f"journal of {party}, event", after=logged)
    for index, event in enumerate(later, len(logged)):
        if event.node != party:
            raise _wrong(f"journal of {party}, event {index}", f"it is an event of {event.node}")
    return later


def _check_jobs(events: Sequence[Event]) -> None:
    """(5) Agree, then commit, then reveal; open once."""
    agreed: set[tuple[str, str]] = set()
    contributors: dict[str, int] = {}
    commits: Counter[tuple[str, int | str]] = Counter()
    revealed: Counter[tuple[str, str]] = Counter()
    seen: set[tuple[str, str, str, int | str]] = set()
    for index, event in enumerate(events):
        where = f"entry {index}"
        if event.type == "job.start":
            asked = _number(event, "contributors", where)
            contributors[event.job] = max(asked, contributors.get(event.job, 0))
        elif event.type == "approval.grant":
            agreed.add((event.node, event.job))
        elif event.type in ("commit", "open", "release.decide"):
            step = (event.type, event.node, event.job, event.data.get("round", ""))
            if (event.node, event.job) not in agreed:
                raise _wrong(where, f"{event.node} worked on a job it had not agreed to")
            if step in seen:
                raise _wrong(where, f"{event.node} did the same step of a job twice")
            seen.add(step)
            if event.type == "commit":
                commits[event.job, event.data.get("round", "")] += 1
        elif event.type == "egress" and event.job and event.data.get("class") != "error":
            if (event.node, event.job) not in agreed:
                raise _wrong(where, f"something left {event.node} for a job it had not agreed to")
            if event.job not in contributors:
                raise _wrong(where, f"something left {event.node} for a job that had not begun")
            if event.data.get("class") == "ciphertext":
                name = "counts" if not revealed[event.node, event.job] else "sums"
                revealed[event.node, event.job] += 1
                if commits[event.job, name] < contributors[event.job]:
                    raise _wrong(where, f"{event.node} revealed its ciphertexts before everybody had committed")


def _check_ledger(party: str, journal: Sequence[Event], sessions: Sequence[Session]) -> tuple[int, int, int]:
    """(6) Per life of the process: ledger = counted; a killed process may have recorded one frame it never sent."""
    ledger: dict[int, list[int]] = {}
    number = 0
    for event in journal:
        if event.type == "start":
            number = _number(event, "session", f"journal of {party}, event {event.seq}")
            ledger[number] = []
        elif event.type == "egress":
            ledger.setdefault(number, []).append(_number(event, "bytes", f"journal of {party}, event {event.seq}"))
    counted = {session.number: session for session in sessions}
    total = sent = unsent = 0
    for number, frames in ledger.items():
        session = counted.get(number)
        if session is None:
            raise _wrong(f"ledger of {party}, session {number}", "the copy proxy has no count for it")
        missing = sum(frames) - session.sent
        if missing and not (session.ended and frames and 0 < missing <= frames[-1]):
            raise _wrong(
                f"ledger of {party}, session {number}",
                f"{sum(frames)} bytes are recorded and {session.sent} were counted leaving",
            )
        unsent += bool(missing)
        total, sent = total + sum(frames), sent + session.sent
    for number, session in counted.items():
        if number not in ledger and session.sent:
            raise _wrong(f"ledger of {party}, session {number}", f"{session.sent} bytes left that no entry records")
    return total, sent, unsent
