"""The only way out of a department. Deny by default; the ledger entry is on disk before the bytes leave.

An answer passes in two steps, because the ledger states the size and the commitment of the bytes that really leave:
`admit` decides and signs the events that travel with the answer, `release` signs the ledger entry for the finished
frame and commits everything to disk in one transaction. The link sends what `release` returns, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from federation.audit.events import Actor
from federation.audit.journal import Batch, Draft, Journal
from federation.errors import RefusedError
from federation.messages import (
    Agreement,
    Ciphertexts,
    Commitment,
    Decision,
    Enrolled,
    Failure,
    Header,
    Identity,
    Payload,
    Share,
    Synced,
    Unready,
)

# The payload's type fixes what kind of thing leaves; a type that is not here does not leave.
CLASSES: dict[type[Payload], str] = {
    Identity: "enrolment",
    Enrolled: "enrolment",
    Unready: "enrolment",
    Agreement: "control",
    Commitment: "control",
    Ciphertexts: "ciphertext",
    Share: "sealed",
    Decision: "sealed",
    Synced: "record",
    Failure: "error",
}

# Classes that may leave without an agreement of this department to the job.
OUTSIDE_JOBS = frozenset({"enrolment", "record", "error"})


class Gateway:
    """Decides, records and lets go."""

    def __init__(self, journal: Journal, name: str) -> None:
        self._journal = journal
        self._actor = Actor(name=name, role="node")
        self._batch: Batch | None = None
        self._pending: tuple[Header, str, str] | None = None

    def admit(self, header: Header, payload: Payload, drafts: Sequence[Draft] = ()) -> list[bytes]:
        """Decide whether `payload` may leave; return the signed entries of `drafts`, to travel with it.

        Raises:
            RefusedError: unknown class, or no agreement of this department to the job; the denial is on disk.
        """
        self._batch = self._pending = None  # whatever was admitted before and not released stays
        kind = CLASSES.get(type(payload))
        granted = any(draft.type == "approval.grant" and draft.job == header.job for draft in drafts)
        if kind is None or (
            kind not in OUTSIDE_JOBS and not granted and not self._journal.holds("approval.grant", header.job)
        ):
            reason = "class" if kind is None else "no agreement"
            self._journal.write([self._draft("egress.deny", header, {"class": kind or "-", "reason": reason})])
            raise RefusedError("refused.egress")
        self._batch = self._journal.begin()
        self._pending = (header, kind, type(payload).__struct_config__.tag or "")  # type: ignore[assignment]  # str
        return self._batch.add(drafts)

    def release(self, frame: bytes) -> bytes:
        """Record the frame in the ledger, put everything on disk, and hand the frame back to be sent.

        Raises:
            HomeError: the ledger cannot be written; nothing may leave.
            RefusedError: nothing was admitted.
        """
        if self._batch is None or self._pending is None:
            raise RefusedError("refused.egress")
        batch, (header, kind, payload) = self._batch, self._pending
        self._batch = self._pending = None
        data: dict[str, int | str] = {
            "message": header.number,
            "to": header.recipient,
            "class": kind,
            "payload": payload,
            "bytes": len(frame),
        }
        batch.add([self._draft("egress", header, data, body=frame)])
        self._journal.commit(batch)
        return frame

    def _draft(self, kind: str, header: Header, data: dict[str, int | str], body: bytes | None = None) -> Draft:
        return Draft(
            type=kind,  # type: ignore[arg-type]  # one of two literals
            actor=self._actor,
            job=header.job,
            attempt=header.attempt,
            data=data,
            body=body,
        )
