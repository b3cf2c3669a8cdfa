"""The chain of logs: every epoch's log begins where the sealed log before it ended, by a mandate (docs/record.md).

What the departments pinned, signed and logged is compared with what is kept of each epoch. That each of the logs is
right in itself is not looked at here (see `verify`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crypto.errors import SignatureError
from federation.audit.events import Event, read_event
from federation.audit.record import RecordReader
from federation.audit.rules.checkpoints import roots_at
from federation.audit.rules.findings import wrong
from federation.audit.rules.keys import check_pinned
from federation.audit.seal import Sealed
from federation.errors import RefusedError
from federation.governance.epochs import LEDGER, Succession, check_last_seal, follow
from federation.governance.roster import Roster

STATED = ("change", "previous_log", "previous_root", "previous_size")


class Link(NamedTuple):
    """Where one epoch ended and the next began.

    Attributes:
        epoch: the one that ended.
        log: its origin.
        size: of its last sealed checkpoint.
        root: of that, hex.
        change: hash of what was changed.
        parties: how many parties of the next epoch state this.
    """

    epoch: int
    log: str
    size: int
    root: str
    change: str
    parties: int


def verify_links(ended: Sequence[tuple[RecordReader, Succession]], current: RecordReader) -> tuple[Link, ...]:
    """Check that each epoch follows on the one before.

    Args:
        ended: what is kept of each ended epoch, oldest first, and how it ended.
        current: the record of the epoch that goes on.

    Raises:
        RecordError: names the first place that does not hold.
    """
    records = [*(record for record, _ in ended), current]
    rosters = [check_pinned(record.rosters()) for record in records]
    if (rosters[0].epoch, rosters[0].previous) != (1, ""):
        raise wrong("epochs", "the first one that is kept is not the first")
    links = []
    for index, (record, succession) in enumerate(ended):
        old, new = rosters[index : index + 2]
        where = f"end of epoch {old.epoch}"
        try:
            sealed, stated = follow(old, succession, new)
        except RefusedError as exc:
            raise wrong(where, f"the next roster does not follow: {exc.message()}") from exc
        _check_ended(record, old, succession, sealed)
        parties = _check_begun(records[index + 1], new, succession, stated)
        links.append(
            Link(old.epoch, old.origin, sealed.size, sealed.root.hex(), succession.change.hash, parties),
        )
    return tuple(links)


def _check_ended(record: RecordReader, old: Roster, succession: Succession, sealed: Sealed) -> None:
    """The checkpoint is of this log, the last that was sealed, and what was done and said is under it."""
    where = f"end of epoch {old.epoch}"
    entries = record.entries()
    if roots_at(entries, {sealed.size}).get(sealed.size) != sealed.root:
        raise wrong(where, "the checkpoint it names is not one of its log")
    for size, note in reversed(record.cosigned()):
        if size <= sealed.size:
            break
        try:
            check_last_seal(old, succession.change, note)
        except RefusedError:
            continue
        raise wrong(where, f"the log was sealed once more, at size {size}")
    events = _read(entries, old)
    for index, event in enumerate(events[sealed.size :], sealed.size):
        if event.type not in LEDGER:
            raise wrong(where, f"entry {index} of its log is not under the last seal")
    said = {
        (event.node, event.data.get("statement")) for event in events[: sealed.size] if event.type == "member.change"
    }
    for department, text in succession.statements.items():
        if (department, text) not in said:
            raise wrong(where, f"the statement of {department} is not in the log")


def _check_begun(record: RecordReader, new: Roster, succession: Succession, stated: dict[str, int | str]) -> int:
    """Everybody that stays states where the log before ended; returns how many do."""
    joined = {party.name for party in succession.change.joined}
    staying = {party.name for party in new.parties if party.role != "analyst" and party.name not in joined}
    heard: set[str] = set()
    for index, event in enumerate(_read(record.entries(), new)):
        if event.type != "enrol":
            continue
        said = {name: event.data[name] for name in STATED if name in event.data}
        if said != (stated if event.node in staying else {}):
            where = f"epoch {new.epoch}, entry {index}"
            raise wrong(where, f"what {event.node} states of the log before is not how that ended")
        heard.add(event.node)
    if staying - heard:
        raise wrong(f"epoch {new.epoch}", f"{min(staying - heard)} has not enrolled in it")
    return len(staying)


def _read(entries: Sequence[bytes], roster: Roster) -> list[Event]:
    events = []
    for index, entry in enumerate(entries):
        try:
            events.append(read_event(entry, roster.signers))
        except (SignatureError, ValueError) as exc:
            reason = "it is not signed by its party, or was altered"
            raise wrong(f"epoch {roster.epoch}, entry {index}", reason) from exc
    return events
