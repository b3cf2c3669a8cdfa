"""(8) Three counters per department and session: ledger = receipts, frame by frame, = bytes that the proxy counted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from federation.audit.record import Session
from federation.audit.rules.findings import Written, wrong

# Frames of enrolment bear no message's name for whoever passes them on.
ENROLMENT = "enrolment"


class Frame(NamedTuple):
    """One entry of a ledger."""

    name: str
    size: int


class Sums(NamedTuple):
    """What the three counters say, summed over departments and sessions; bytes unless it says frames.

    Attributes:
        unsent: frames recorded by killed processes whose bytes never left whole.
        unrecorded: counted at the end of a bundle, whose ledger entries would travel with the next answer.
        unreceipted: frames recorded after the last receipt.
        unreceipted_bytes: of these.
    """

    ledger: int = 0
    counted: int = 0
    receipts: int = 0
    unsent: int = 0
    unrecorded: int = 0
    unreceipted: int = 0
    unreceipted_bytes: int = 0

    def plus(self, more: Sums) -> Sums:
        """Add two of them up."""
        return Sums(*(ours + theirs for ours, theirs in zip(self, more, strict=True)))


@dataclass(slots=True)
class Book:
    """One session of one department: its ledger and the coordinator's receipts for it."""

    frames: list[Frame] = field(default_factory=list)
    receipts: list[Written] = field(default_factory=list)


def check_ledgers(
    events: Iterable[Written], sessions: Sequence[Session], departments: Sequence[str], *, whole: bool
) -> Sums:
    """Compare the three for all.

    Args:
        events: the log's, and for a home what only the journals hold.
        whole: every ledger entry is there; in a bundle the last one of each department is still to come.

    Raises:
        RecordError: two of the counters differ.
    """
    books: dict[str, dict[int, Book]] = {name: {} for name in departments}
    current = dict.fromkeys(departments, 0)
    for written in events:
        event = written.event
        if event.type == "start" and event.node in books:
            number = written.number("session")
            if number <= current[event.node]:
                raise wrong(f"ledger of {event.node}, session {number}", f"it began twice: {written.where}")
            current[event.node] = number
            books[event.node].setdefault(number, Book())
        elif event.type == "egress" and event.node in books:
            name = ENROLMENT if written.text("class") == ENROLMENT else written.text("message")
            book = books[event.node].setdefault(current[event.node], Book())
            book.frames.append(Frame(name, written.number("bytes")))
        elif event.type == "receipt":
            if written.text("party") not in books:
                raise wrong(written.where, "it is for nobody that we know")
            books[written.text("party")].setdefault(written.number("session"), Book()).receipts.append(written)
    total = Sums()
    for party, mine in books.items():
        counted = {session.number: session for session in sessions if session.party == party}
        for number in sorted({*mine, *counted}):
            where, book = f"ledger of {party}, session {number}", mine.get(number, Book())
            last = not whole and number >= current[party]
            total = total.plus(_compare_counted(where, book, counted.get(number), last=last))
            total = total.plus(_compare_receipts(where, book, last=last))
    return total


def _compare_counted(where: str, book: Book, session: Session | None, *, last: bool) -> Sums:
    """Ledger = counted; a killed process may have recorded one frame that it never sent, or not all of."""
    recorded = sum(frame.size for frame in book.frames)
    if session is None:
        if not book.frames:
            return Sums()
        raise wrong(where, "the copy proxy has no count for it")
    missing = recorded - session.sent
    if missing < 0 and last:
        return Sums(ledger=recorded, counted=session.sent, unrecorded=-missing)
    if missing and not (session.ended and book.frames and 0 < missing <= book.frames[-1].size):
        if not book.frames:
            raise wrong(where, f"{session.sent} bytes left that no entry records")
        raise wrong(where, f"{recorded} bytes are recorded and {session.sent} were counted leaving")
    return Sums(ledger=recorded, counted=session.sent, unsent=int(missing > 0))


def _compare_receipts(where: str, book: Book, *, last: bool) -> Sums:
    """The receipts, in their order, name a prefix of the ledger's frames."""
    at = total = 0
    for number, receipt in enumerate(book.receipts):
        frames, size = receipt.number("frames"), receipt.number("bytes")
        part = book.frames[at : at + frames]
        recorded = sum(frame.size for frame in part)
        names = hashlib.sha256(b"".join(frame.name.encode() + b"\n" for frame in part)).hexdigest()
        # Received, but its ledger entry was to travel with an answer that is not in the bundle.
        is_open = last and number + 1 == len(book.receipts) and len(part) < frames and recorded <= size
        if not is_open and (len(part), recorded) != (frames, size):
            got, told = f"{frames} frames of {size} bytes", f"{len(part)} of {recorded}"
            raise wrong(where, f"the receipt in {receipt.where} is for {got}, the ledger has {told}")
        if not is_open and receipt.text("messages") != names:
            raise wrong(where, f"the receipt in {receipt.where} is for other messages than the ledger has")
        at, total = at + len(part), total + size
    rest = book.frames[at:]
    return Sums(receipts=total, unreceipted=len(rest), unreceipted_bytes=sum(frame.size for frame in rest))
