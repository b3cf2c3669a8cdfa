"""A department as witness: it co-signs a checkpoint of the log only after checking it (docs/record.md, section 4).

Roles and answers follow c2sp.org/tlog-witness; where that takes a consistency proof, this takes all new entries, works
the root out from its own mirror, and reads every one of them. HTTP is left out.

A mirror that is older than what the department's journal says it saw is refused, since it may have been restored. A
copy taken after the department's last event looks like the present: only never restoring it helps against that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, Self

from crypto.errors import SignatureError
from crypto.notes import append_lines, cosign, read_checkpoint, signature_lines, verify_note, vkey
from crypto.signing import HybridPublic
from federation.audit.events import MAX_ENTRY_BYTES, Event, Seen, read_event, timestamp
from federation.audit.log import signer_of
from federation.audit.mirror import Act, Head, Mirror, Refusal
from federation.errors import RecordError, WitnessError

# An event that the coordinator has had for longer must be in the log: only this shows that a *last* event was dropped.
MAX_MERGE_DELAY = timedelta(seconds=10)


class JournalView(Protocol):
    """What a witness reads of its department's journal."""

    def __len__(self) -> int:
        """How many events there are."""
        ...

    def entries(self, start: int = 0) -> Sequence[bytes]:
        """The entries from number `start` on."""
        ...


class Witness:
    """One department's mirror and cosigner. One thread uses it at a time."""

    def __init__(
        self,
        path: Path,
        *,
        origin: str,
        party: str,
        clock: Callable[[], datetime],
        journal: JournalView,
        parties: Mapping[str, bytes],
    ) -> None:
        """Open the witness that `create` made.

        Args:
            origin: the log's.
            party: the department; in notes it signs as `<origin>/<party>`.
            journal: the department's own.
            parties: public event keys of everybody in the roster, the department among them.

        Raises:
            WitnessError: `witness.lost`: there is no such database, or no key in it; `witness.rolled_back`: the
                journal has seen another or a longer log than the mirror's, or the mirror more events than the journal.
            HomeError: another process uses it, or SQLite cannot read it.
            RecordError: `record.damaged`: it is of another log or party, or its entries are not those of the head;
                `record.invalid`: the journal's last event is not the department's.
        """
        self._origin, self._party, self._clock = origin, party, clock
        self._journal, self._parties = journal, parties
        self._mirror = Mirror(path, origin=origin, party=party)
        try:
            self._check_journal()
        except BaseException:
            self._mirror.close()
            raise

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        origin: str,
        party: str,
        clock: Callable[[], datetime],
        journal: JournalView,
        parties: Mapping[str, bytes],
    ) -> Self:
        """Draw a key, and begin an empty mirror; the arguments are those of the constructor.

        Raises:
            WitnessError: `witness.lost`: the journal says that this department has co-signed before.
            HomeError: the disk is full or the file cannot be written.
            ValueError: there is a witness here.
        """
        if _last_seen(journal, party, parties).size:
            raise WitnessError("witness.lost", party=party)
        Mirror.create(path, origin=origin, party=party)
        return cls(path, origin=origin, party=party, clock=clock, journal=journal, parties=parties)

    @property
    def public(self) -> HybridPublic:
        """The key that checks its cosignatures."""
        return self._mirror.key.public

    def cosign(self, note: str, log_key: bytes, start: int, entries: Sequence[bytes]) -> tuple[str, ...]:
        r"""Check a checkpoint against the mirror, the journal and the clock, take its entries in, and co-sign it.

        Either everything is on disk when this returns, or nothing has changed but the list of refusals.

        Args:
            note: the checkpoint, signed by the coordinator; lines of others are ignored.
            log_key: the coordinator's Ed25519 public key.
            start: from which index `entries` go on.
            entries: all of the log from there to the checkpoint's size.

        Returns:
            The Ed25519 and the ML-DSA-44 line, each ended by "\n".

        Raises:
            WitnessError: `witness.behind`: entries are wanted from the detail `size` on; any other code of this family
                is a refusal, of which the note is kept.
            HomeError: the disk is full or the file cannot be written; nothing was co-signed.
        """
        known = self._mirror.head()
        try:
            with self._mirror.changing():
                text, size, root = self._signed_by_log(note, log_key)
                self._check_size(known, size, root)
                if start != known.size:
                    raise WitnessError("witness.behind", party=self._party, size=known.size)
                self._take(known, entries, size, root)
                events = self._read_events(known, entries)
                own = known.own + self._own_in_order(known, events, entries)
                self._none_late(own)
                lines = cosign(self._mirror.key, self._name, text, time_s=int(self._clock().timestamp()))
                self._mirror.move(Head(size, root, own, append_lines(self._alone(note, log_key), lines)))
        except WitnessError as refusal:
            if refusal.code != "witness.behind":
                # Half a character cannot have been signed, nor can it be stored.
                kept = note.encode(errors="replace").decode()
                self._mirror.keep(Refusal(timestamp(self._clock()), refusal.code, kept, known.note))
            raise
        return lines

    def head(self) -> Seen:
        """Size and root of the checkpoint co-signed last; size 0 and root "" before the first."""
        head = self._mirror.head()
        return Seen(size=head.size, root=head.root)

    def head_note(self) -> str:
        """The checkpoint co-signed last, with the coordinator's line and ours; "" before the first."""
        return self._mirror.head().note

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Read the mirror's entries `start` to `end`, the latter not included; to the last one by default."""
        return self._mirror.entries(start, end)

    def acts(self, job: str) -> list[Act]:
        """Approvals, denials and revocations of a job, oldest first; of no job (""), suspensions and resumptions."""
        return self._mirror.acts(job)

    def refused(self) -> list[Refusal]:
        """What it did not co-sign, oldest first."""
        return self._mirror.refused()

    def close(self) -> None:
        """Close the file."""
        self._mirror.close()

    # --- the rules, in the order of docs/record.md, section 4 ---

    def _signed_by_log(self, note: str, log_key: bytes) -> tuple[str, int, str]:
        """The coordinator signed it, and it is of our log."""
        try:
            text = verify_note(note, self._origin, log_key)
            origin, size, root = read_checkpoint(text)
        except SignatureError as exc:
            raise WitnessError("witness.log_signature", party=self._party) from exc
        if origin != self._origin:
            raise WitnessError("witness.log_signature", party=self._party)
        return text, size, root.hex()

    def _check_size(self, known: Head, size: int, root: str) -> None:
        """The log did not shrink, and has one root only for the size co-signed last."""
        if size < known.size:
            raise WitnessError("witness.shrunk", party=self._party)
        if size == known.size and known.root not in ("", root):
            raise WitnessError("witness.forked", party=self._party)

    def _take(self, known: Head, entries: Sequence[bytes], size: int, root: str) -> None:
        """The root follows from the mirror and the entries; a refusal takes them back."""
        for index, entry in enumerate(entries, known.size):
            if len(entry) > MAX_ENTRY_BYTES:
                raise WitnessError("witness.entry", party=self._party, index=index)
        if self._mirror.extend(entries) != (size, root):
            raise WitnessError("witness.root", party=self._party)

    def _read_events(self, known: Head, entries: Sequence[bytes]) -> list[Event]:
        """Every entry is an event of this log, signed by a party we know."""
        events = []
        for index, entry in enumerate(entries, known.size):
            try:
                event = read_event(entry, self._parties)
            except (SignatureError, ValueError) as exc:
                raise WitnessError("witness.entry", party=self._party, index=index) from exc
            if event.log != self._origin:
                raise WitnessError("witness.entry", party=self._party, index=index)
            events.append(event)
        self._mirror.index(known.size, events)
        return events

    def _own_in_order(self, known: Head, events: Sequence[Event], entries: Sequence[bytes]) -> int:
        """Our own events in the log go on with our journal, byte for byte; returns how many came."""
        mine = [at for at, event in enumerate(events) if event.node == self._party]
        journal = self._journal.entries(known.own) if mine else []
        for number, at in enumerate(mine):
            if number >= len(journal) or journal[number] != entries[at]:
                raise WitnessError("witness.dropped", party=self._party, index=known.size + at)
        return len(mine)

    def _none_late(self, own: int) -> None:
        """No event of ours that is not in the log is older than the maximum merge delay."""
        now = self._clock()
        for entry in self._journal.entries(own):
            written = datetime.fromisoformat(_read_own(entry, self._party, self._parties).time)
            if now - written > MAX_MERGE_DELAY:
                raise WitnessError("witness.late", party=self._party, seconds=MAX_MERGE_DELAY.seconds)

    def _check_journal(self) -> None:
        """Neither the mirror nor the journal came from a backup: none is ahead of the other."""
        head, seen = self._mirror.head(), _last_seen(self._journal, self._party, self._parties)
        newer = seen.size > head.size or head.own > len(self._journal)
        if newer or (seen.size and self._mirror.root(seen.size) != seen.root):
            raise WitnessError("witness.rolled_back", party=self._party)

    def _alone(self, note: str, log_key: bytes) -> str:
        """The note with the coordinator's line only: nobody has checked the others."""
        text, _, _ = note.rpartition("\n\n")
        log = (self._origin, vkey(self._origin, log_key).split("+")[1])
        return f"{text}\n\n" + "".join(line for line in signature_lines(note) if signer_of(line) == log)

    @property
    def _name(self) -> str:
        return f"{self._origin}/{self._party}"


def _last_seen(journal: JournalView, party: str, parties: Mapping[str, bytes]) -> Seen:
    """What the department had co-signed when it wrote its last event; it never has seen less later."""
    if not len(journal):
        return Seen()
    (last,) = journal.entries(len(journal) - 1)
    return _read_own(last, party, parties).seen


def _read_own(entry: bytes, party: str, parties: Mapping[str, bytes]) -> Event:
    try:
        return read_event(entry, {party: parties[party]})
    except (SignatureError, ValueError) as exc:
        reason = "an event in it is not signed by its party, or was altered"
        raise RecordError("record.invalid", where=f"journal of {party}", reason=reason) from exc
