"""Sealing the record: everybody's events and the receipts in, the checkpoint out, the witnesses' cosignatures back.

The coordinator only orders; that nothing of a department's is missing, doubled or altered is what each department
checks before it co-signs. A department that does not answer is left out, as long as a quorum is reached.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from crypto.errors import SignatureError
from crypto.notes import append_lines, verify_cosignature
from federation.audit.log import Log
from federation.audit.seal import check_sealed
from federation.coordinator.grid_wire import ABSENT, GridWire
from federation.coordinator.receipts import Receipts
from federation.coordinator.sequencer import Sequencer
from federation.errors import KeyongError, NodeError, WitnessError
from federation.governance.members import suspended
from federation.governance.roster import Roster
from federation.messages import Attest, Cosigned, Sync

logger = logging.getLogger(__name__)

# A witness refuses when an event of its own is missing for 10 s: whoever was not heard for less is asked first.
STALE_S = 3.0
# A department that did not answer in time keeps the others waiting no second time for so long.
SILENCE_S = 60.0
# A mirror that lags far is brought up in portions: a message holds 64 MB at most.
PORTION_BYTES = 48 << 20


class Sealer:
    """Brings checkpoints to the witnesses."""

    def __init__(
        self,
        *,
        log: Log,
        sequencer: Sequencer,
        receipts: Receipts,
        roster: Roster,
        wire: Callable[[], GridWire],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            wire: makes a wire outside any job.
        """
        self._log, self._sequencer, self._receipts, self._roster = log, sequencer, receipts, roster
        self._wire, self._clock = wire, clock
        # Taken to be where the log is; a mirror that is not says where it is, and gets what it lacks.
        self._mirrors = dict.fromkeys(roster.names("department"), len(log))
        self._silent: dict[str, float] = {}
        self._sealed = 0

    def gather(self, members: Sequence[str] = (), *, everybody: bool = False) -> None:
        """Bring in the rest of the journal of every department not heard from lately, and of `members` in any case.

        What an officer of theirs said a moment ago must be in the record that their job goes on with.

        Args:
            everybody: of all, however lately: somebody says that an officer has spoken.
        """
        wire = self._wire()
        now = self._clock()
        there = self._answering(wire, members)
        quiet = [
            name for name in there if everybody or name in members or now - wire.heard.get(name, -STALE_S) >= STALE_S
        ]
        for name, said in wire.ask_each({name: Sync() for name in quiet}).items():
            if isinstance(said, Exception):
                self._note_silence(name, said)
                logger.warning("could not gather the journal of %s: %s", name, said)

    def seal(self, *, members: tuple[str, ...] = ()) -> str:
        """Seal the log as it is now.

        Args:
            members: departments whose cosignature is asked for in particular.

        Returns:
            The checkpoint with all cosignatures.

        Raises:
            NodeError, WitnessError: why one of `members` did not co-sign; nothing may go on.
            RefusedError: no quorum.
            HomeError: the log cannot be written.
        """
        self.gather(members)
        for draft in self._receipts.drafts():
            self._sequencer.record(draft)
        size = len(self._log)
        refusals = self._collect(size, members)
        for name, refusal in refusals.items():
            logger.warning("%s does not co-sign size %d: %s", name, size, refusal)
        wanting = [refusals[name] for name in members if name in refusals]
        if wanting:
            # Whoever is not there is the reason; that others have grown late over it is the consequence.
            raise next((refusal for refusal in wanting if refusal.code in ABSENT), wanting[0])
        sealed = self._log.cosigned(size)
        check_sealed(sealed, self._roster, members=members, suspended=sorted(self.suspended()))
        self._sealed = size
        return sealed

    def _answering(self, wire: GridWire, members: Sequence[str] = ()) -> list[str]:
        """The departments that are there, without those that were silent just now and are not needed."""
        now = self._clock()
        there = [n for n in wire.there() if now - self._silent.get(n, -SILENCE_S) >= SILENCE_S]
        return [*there, *(name for name in members if name not in there)]  # of who is gone, the wire says why

    def _note_silence(self, name: str, error: Exception) -> None:
        if getattr(error, "code", "") == "node.late":
            self._silent[name] = self._clock()

    def _collect(self, size: int, members: Sequence[str]) -> dict[str, KeyongError]:
        """Bring every mirror up to a size and keep the cosignatures; returns who did not co-sign, and why."""
        wire = self._wire()
        missing, refusals = set(self._answering(wire, members)), dict[str, KeyongError]()
        while missing:
            for name, said in wire.ask_each({name: self._attest(name, size) for name in sorted(missing)}).items():
                if isinstance(said, Exception) or not isinstance(said.payload, Cosigned):
                    if isinstance(said, Exception):
                        self._note_silence(name, said)
                    refusals[name] = said if isinstance(said, KeyongError) else NodeError("node.protocol", party=name)
                    missing.discard(name)
                    continue
                moved, self._mirrors[name] = said.payload.size != self._mirrors[name], said.payload.size
                if said.payload.size == size and self._keep(name, size, said.payload.lines):
                    missing.discard(name)
                elif not moved or said.payload.size > size:
                    refusals[name] = WitnessError("witness.behind", party=name, size=said.payload.size)
                    missing.discard(name)
        return refusals

    def _attest(self, name: str, size: int) -> Attest:
        """What a mirror needs next on its way to a size."""
        start = self._mirrors[name]
        end, entries = self._portion(start, size)
        return Attest(note=self._log.checkpoint_at(end), start=start, entries=entries)

    def _portion(self, start: int, size: int) -> tuple[int, tuple[bytes, ...]]:
        """The entries from `start` to the last checkpoint up to `size` that one message can hold, and its size."""
        entries: list[bytes] = []
        room = PORTION_BYTES
        for entry in self._log.entries(start, size):
            room -= len(entry)
            if room < 0:
                end = self._log.batch_end(start + len(entries))
                return end, tuple(entries[: end - start])
            entries.append(entry)
        return size, tuple(entries)

    def _keep(self, name: str, size: int, lines: tuple[str, ...]) -> bool:
        """Keep a department's cosignatures beside the checkpoint if they are what they should be."""
        party = self._roster.party(name)
        if party is None or not lines:
            return False
        try:
            cosigned = append_lines(self._log.checkpoint_at(size), lines)
            verify_cosignature(cosigned, self._roster.cosigner_name(name), party.cosigner)
        except SignatureError:
            logger.warning("%s sent a cosignature that does not hold", name)
            return False
        self._log.cosign(size, lines)
        return True

    def seal_acts(self) -> None:
        """Seal if anything was done since the last seal; a missing quorum is told to the operator only.

        Sealing itself leaves traces, egress of cosignatures and receipts; alone they are no reason to seal again.
        """
        try:
            if self._sequencer.acts_end > self._sealed:
                self.seal()
        except KeyongError as error:
            logger.warning("the record is not sealed: %s", error)

    def suspended(self) -> frozenset[str]:
        """The departments that do not count, by the log."""
        return suspended(self._sequencer.member_acts, self._roster.names("department"))
