"""Puts everybody's signed events into the log, each party's in its own order, each once."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence

from crypto.errors import SignatureError
from federation.audit.events import FIRST_PREV, Event, peek_event, read_event
from federation.audit.journal import Draft, Journal
from federation.audit.log import Log
from federation.errors import NodeError
from federation.governance.roster import Roster

# What departments send to keep the log, as opposed to doing something.
HOUSEKEEPING = frozenset({"record", "desk"})


class Sequencer:
    """The only writer of the log. Thread-safe: the job's thread and the control socket's both bring events."""

    def __init__(self, log: Log, journal: Journal, roster: Roster) -> None:
        self._log, self._journal, self._roster = log, journal, roster
        self._keys = roster.signers
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, str]] = {}
        self._members: list[Event] = []
        self._jobs: dict[str, list[tuple[int, str, str]]] = {}
        self._begun: dict[str, str] = {}
        self._size = 0
        self.acts_end = 0  # the log's size up to its last entry that tells of more than the keeping of the log
        # Every entry was verified when it came in; whoever changed the file since is caught by the witnesses.
        for entry in log.entries():
            self._learn(peek_event(entry), entry)
        self._jobs.clear()  # whatever ran when the coordinator stopped is over

    def _learn(self, event: Event, entry: bytes) -> None:
        self._known[event.node] = (event.seq + 1, hashlib.sha256(entry).hexdigest())
        self._size += 1
        if event.type != "receipt" and not (event.type == "egress" and event.data.get("class") in HOUSEKEEPING):
            self.acts_end = self._size
        if event.type in ("member.suspend", "member.resume"):
            self._members.append(event)
        if event.type == "job.start" and event.node in self._roster.names("coordinator"):
            self._begun[event.job] = str(event.data.get("plan", ""))
        if event.job and event.type not in ("egress", "egress.deny"):
            self._jobs.setdefault(event.job, []).append((self._size - 1, event.type, event.node))

    @property
    def member_acts(self) -> tuple[Event, ...]:
        """What officers said about departments' membership, in the log's order."""
        return tuple(self._members)

    def begun(self, job: str) -> str:
        """Hash of the plan of a job that has begun before, in this process or another; "" if none of this name has."""
        return self._begun.get(job, "")

    def end_job(self, job: str) -> list[tuple[int, str, str]]:
        """Return a job's entries in the log, besides the ledger's, and forget them: index, type, party."""
        return self._jobs.pop(job, [])

    def known(self, party: str) -> int:
        """How many of a party's events the log has."""
        return self._known.get(party, (0, FIRST_PREV))[0]

    def accept(self, party: str, entries: Sequence[bytes]) -> None:
        """Append a party's next events; those the log has already are passed over.

        Raises:
            NodeError: an event of somebody else, out of order, or not signed by the party.
            HomeError: the log cannot be written.
        """
        with self._lock:
            size, prev = self._known.get(party, (0, FIRST_PREV))
            fresh: list[tuple[Event, bytes]] = []
            for entry in entries:
                try:
                    event = read_event(entry, self._keys)
                except (SignatureError, ValueError) as exc:
                    raise NodeError("node.bad_event", party=party) from exc
                if event.node == party and event.log == self._roster.origin and event.seq < size:
                    continue
                if (event.node, event.log, event.seq, event.prev) != (party, self._roster.origin, size, prev):
                    raise NodeError("node.bad_event", party=party)
                size, prev = size + 1, hashlib.sha256(entry).hexdigest()
                fresh.append((event, entry))
            if fresh:
                self._log.append([entry for _, entry in fresh])
                for event, entry in fresh:
                    self._learn(event, entry)

    def record(self, draft: Draft) -> None:
        """Write an event of the coordinator's own and append it.

        Raises:
            HomeError: the journal or the log cannot be written.
        """
        self._journal.write([draft])
        mine = self._roster.names("coordinator")[0]
        self.accept(mine, self._journal.entries(self.known(mine)))
