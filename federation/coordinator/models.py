"""The last model of every training, sealed to its analyst: what is left of one that did not end well."""

from __future__ import annotations

from pathlib import Path

from federation.errors import HomeError
from federation.governance.approvals import FILE_NAME
from federation.governance.identity import write_whole
from federation.messages import Envelope


class KeptModels:
    """One file a job, overwritten round after round."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, job: str, envelope: bytes) -> None:
        """Keep a job's last envelope.

        Raises:
            HomeError: it cannot be written.
        """
        try:
            self._folder.mkdir(exist_ok=True, mode=0o700)
            write_whole(self._folder / job, envelope, mode=0o600)
        except OSError as exc:
            raise HomeError("home.disk_full" if exc.errno == 28 else "home.storage", file=self._folder.name) from exc

    def find(self, job: str, analyst: str) -> tuple[bytes, ...]:
        """Find the envelope of an analyst's own job; none if there is none."""
        if not FILE_NAME.fullmatch(job):
            return ()
        try:
            envelope = (self._folder / job).read_bytes()
            return (envelope,) if Envelope.from_bytes(envelope).header.recipient == analyst else ()
        except (OSError, ValueError):
            return ()
