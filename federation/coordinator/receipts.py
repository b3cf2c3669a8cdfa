"""What the coordinator has received from each department, frame by frame, to be signed for in the log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from federation.audit.events import Actor
from federation.audit.journal import Draft

# Frames of enrolment bear no message name: the launcher passes them on as they came.
ENROLMENT = "enrolment"


@dataclass(slots=True)
class _Open:
    frames: int = 0
    bytes: int = 0
    names: hashlib._Hash = field(default_factory=hashlib.sha256)


class Receipts:
    """Frames not yet signed for."""

    def __init__(self, coordinator: str) -> None:
        self._actor = Actor(name=coordinator, role="coordinator")
        self._open: dict[tuple[str, int], _Open] = {}

    def take(self, party: str, session: int, name: str, size: int) -> None:
        """Note one frame.

        Args:
            session: which life of the party's process it came from.
            name: the message's number, or `ENROLMENT`.
            size: bytes, its length field included.
        """
        receipt = self._open.setdefault((party, session), _Open())
        receipt.frames, receipt.bytes = receipt.frames + 1, receipt.bytes + size
        receipt.names.update(name.encode() + b"\n")

    def drafts(self) -> list[Draft]:
        """Return one receipt per party and session for all frames since the last call, and begin anew."""
        drafts = [
            Draft(
                type="receipt",
                actor=self._actor,
                data={
                    "party": party,
                    "session": session,
                    "frames": receipt.frames,
                    "bytes": receipt.bytes,
                    "messages": receipt.names.hexdigest(),
                },
            )
            for (party, session), receipt in sorted(self._open.items())
        ]
        self._open.clear()
        return drafts
