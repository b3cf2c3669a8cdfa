"""A department's own copy of the record, as its gateway and key holder ask it, and its answer as a witness."""

from __future__ import annotations

from federation.audit.events import read_event
from federation.audit.witness import Witness
from federation.errors import WitnessError
from federation.governance.members import suspended
from federation.governance.roster import Roster
from federation.messages import Attest, Cosigned


class RecordMirror:
    """Implements `federation.queries.sums.Mirror` over a witness."""

    def __init__(self, witness: Witness, roster: Roster) -> None:
        self._witness, self._roster = witness, roster
        self._log_key = next(party.signing for party in roster.parties if party.role == "coordinator")

    def attest(self, ask: Attest) -> Cosigned:
        """Co-sign a checkpoint, or say from where on entries are wanted.

        Raises:
            WitnessError: it is not co-signed; the note is kept as evidence.
            HomeError: the mirror cannot be written.
        """
        try:
            lines = self._witness.cosign(ask.note, self._log_key, ask.start, ask.entries)
        except WitnessError as error:
            if error.code != "witness.behind":
                raise
            lines = ()
        return Cosigned(size=self._witness.head().size, lines=lines)

    def head(self) -> str:
        """The checkpoint co-signed last, with its lines."""
        return self._witness.head_note()

    def revoked(self, job: str) -> tuple[str, ...]:
        """The departments whose officers have denied or revoked a job."""
        no = ("approval.deny", "approval.revoke")
        return tuple(dict.fromkeys(act.node for act in self._witness.acts(job) if act.type in no))

    def is_over(self, job: str) -> bool:
        """Whether the coordinator has written down how a job ended."""
        ends = (act.node for act in self._witness.acts(job) if act.type == "job.end")
        return any(node in self._roster.names("coordinator") for node in ends)

    def suspended(self) -> frozenset[str]:
        """The departments that do not count at the moment."""
        acts = self._witness.acts("")
        entries = (entry for act in acts for entry in self._witness.entries(act.entry, act.entry + 1))
        events = (read_event(entry, self._roster.signers) for entry in entries)
        return suspended(events, self._roster.names("department"))
