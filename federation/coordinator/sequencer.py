"""Puts everybody's signed events into the log, each party's in its own order, each once."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence

from crypto.errors import SignatureError
from federation.audit.events import FIRST_PREV, read_event
from federation.audit.journal import Draft, Journal
from federation.audit.log import Log
from federation.errors import NodeError
from federation.governance.roster import Roster


class Sequencer:
    """The only writer of the log. Thread-safe: the job's thread and the control socket's both bring events."""

    def __init__(self, log: Log, journal: Journal, roster: Roster) -> None:
        self._log, self._journal, self._roster = log, journal, roster
        self._keys = roster.signers
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, str]] = {}
        for entry in log.entries():
            event = read_event(entry, self._keys)
            self._known[event.node] = (event.seq + 1, hashlib.sha256(entry).hexdigest())

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
            fresh = []
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
                fresh.append(entry)
            if fresh:
                self._log.append(fresh)
                self._known[party] = (size, prev)

    def record(self, draft: Draft) -> None:
        """Write an event of the coordinator's own and append it.

        Raises:
            HomeError: the journal or the log cannot be written.
        """
        self._journal.write([draft])
        mine = self._roster.names("coordinator")[0]
        self.accept(mine, self._journal.entries(self.known(mine)))
