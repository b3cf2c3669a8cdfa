"""The only way out of a department. Deny by default; the ledger entry is on disk before the bytes leave.

An answer passes in two steps, because the ledger states the size and the commitment of the bytes that really leave:
`admit` decides and signs the events that travel with the answer, `release` signs the ledger entry for the finished
frame and commits everything to disk in one transaction. The link sends what `release` returns, and nothing else.

Fingerprints of raw cells are searched in both: in `admit`, so that a failure can still be answered instead, and in
`release`, over the whole frame as it leaves. What is encrypted on the way is shown to `check_cells` before, what a
script wrote to `check_text`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from federation.adapters import Cells
from federation.audit.events import Actor
from federation.audit.journal import Batch, Draft, Journal
from federation.errors import RefusedError
from federation.messages import (
    Agreement,
    Bare,
    Begun,
    Ciphertexts,
    Commitment,
    Cosigned,
    Datasets,
    Decision,
    Enrolled,
    Failure,
    Header,
    Identity,
    Masked,
    MaskKeys,
    MaskShares,
    MasksKept,
    Payload,
    Pending,
    ScriptOutput,
    Share,
    Survivors,
    Synced,
    Unmask,
    Unready,
    encode,
)
from federation.node.fingerprints import NO_FINGERPRINTS, Fingerprints, Found

# The payload's type fixes what kind of thing leaves; a type that is not here does not leave.
CLASSES: dict[type[Payload], str] = {
    Identity: "enrolment",
    Enrolled: "enrolment",
    Unready: "enrolment",
    Agreement: "control",
    Pending: "desk",
    Begun: "control",
    Commitment: "control",
    Ciphertexts: "ciphertext",
    MaskKeys: "control",
    MaskShares: "sealed",
    MasksKept: "control",
    Masked: "masked",
    Survivors: "control",
    Unmask: "unmask",
    Bare: "clear",
    Share: "sealed",
    Decision: "sealed",
    ScriptOutput: "output",
    Datasets: "catalogue",
    Synced: "record",
    Cosigned: "record",
    Failure: "error",
}

# Classes that may leave without an approval by this department.
OUTSIDE_JOBS = frozenset({"enrolment", "record", "catalogue", "desk", "error"})


# Raises RefusedError unless the department's word for a job and a plan's hash stands at this moment.
Permit = Callable[[str, str], None]


def nothing_approved(job: str, plan: str) -> None:
    """Refuse everything: what a gateway does before it knows its officers."""
    raise RefusedError("refused.egress")


class Gateway:
    """Decides, records and lets go.

    Attributes:
        permit: asks the officers' word before anything leaves for a job.
    """

    def __init__(self, journal: Journal, name: str, fingerprints: Fingerprints = NO_FINGERPRINTS) -> None:
        self._journal, self._fingerprints = journal, fingerprints
        self._actor = Actor(name=name, role="node")
        self._batch: Batch | None = None
        self._pending: tuple[Header, str, str] | None = None
        self.permit: Permit = nothing_approved

    def admit(self, header: Header, payload: Payload, drafts: Sequence[Draft] = ()) -> list[bytes]:
        """Decide whether `payload` may leave; return the signed entries of `drafts`, to travel with it.

        Raises:
            RefusedError: unknown class, no approval of this very plan that stands now, or a raw cell in the payload
                or in an entry; the denial is on disk.
        """
        self._batch = self._pending = None  # whatever was admitted before and not released stays
        kind = CLASSES.get(type(payload))
        if kind is None:
            self._deny(header.job, header.attempt, "-", "class")
            raise RefusedError("refused.egress")
        if kind not in OUTSIDE_JOBS:
            try:
                self.permit(header.job, header.plan)
            except RefusedError as refusal:
                self._deny(header.job, header.attempt, kind, refusal.code)
                raise
        batch = self._journal.begin()
        entries = batch.add(drafts)
        fields = _bytes_in(msgspec.to_builtins(payload, builtin_types=(bytes,)))
        found = self._fingerprints.search(b"".join((encode(payload), *entries)), fields)
        self._refuse_raw(header.job, header.attempt, kind, found)
        self._batch = batch
        self._pending = (header, kind, type(payload).__struct_config__.tag or "")  # type: ignore[assignment]  # str
        return entries

    def release(self, frame: bytes) -> bytes:
        """Record the frame in the ledger, put everything on disk, and hand the frame back to be sent.

        Raises:
            HomeError: the ledger cannot be written; nothing may leave.
            RefusedError: nothing was admitted, or there is a raw cell in the frame.
        """
        if self._batch is None or self._pending is None:
            raise RefusedError("refused.egress")
        batch, (header, kind, payload) = self._batch, self._pending
        self._batch = self._pending = None
        self._refuse_raw(header.job, header.attempt, kind, self._fingerprints.search(frame))
        data: dict[str, int | str] = {
            "message": header.number,
            "to": header.recipient,
            "class": kind,
            "payload": payload,
            "bytes": len(frame),
        }
        batch.add([self._draft("egress", header.job, header.attempt, data, body=frame)])
        self._journal.commit(batch)
        return frame

    def check_cells(self, job: str, attempt: int, cells: Cells) -> None:
        """Look at the group sums that a store hands to the protocol, before they are encrypted.

        Raises:
            RefusedError: one of them is a raw number of this department; the denial is on disk.
        """
        self._refuse_raw(job, attempt, "ciphertext", self._fingerprints.search_cells(cells))

    def check_text(self, job: str, attempt: int, text: bytes) -> None:
        """Look at what a script wrote, before it is rounded and sealed.

        Raises:
            RefusedError: there is a raw cell of this department in it; the denial is on disk.
        """
        self._refuse_raw(job, attempt, "output", self._fingerprints.search(text, (text,)))

    def _refuse_raw(self, job: str, attempt: int, kind: str, found: Found | None) -> None:
        if found is not None:
            self._deny(job, attempt, kind, "fingerprint", **found._asdict())
            raise RefusedError("refused.fingerprint")

    def _deny(self, job: str, attempt: int, kind: str, reason: str, **more: str) -> None:
        self._journal.write([self._draft("egress.deny", job, attempt, {"class": kind, "reason": reason, **more})])

    def _draft(self, kind: str, job: str, attempt: int, data: dict[str, int | str], body: bytes | None = None) -> Draft:
        return Draft(
            type=kind,  # type: ignore[arg-type]  # one of two literals
            actor=self._actor,
            job=job,
            attempt=attempt,
            data=data,
            body=body,
        )


def _bytes_in(value: object) -> Iterator[bytes]:
    """The byte strings of a payload: each may hide a compressed stream that has no header."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _bytes_in(part)
