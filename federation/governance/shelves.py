"""Whether every department's shelf shows, now, what the record says of it: for the check of a home.

A bundle holds no shelves, and a stranger cannot do this. What he can, that the events about shelves agree with the
officers' words, is a rule of the record: `federation.audit.rules.shelves`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from federation.audit.events import Event, peek_event, read_event
from federation.audit.record import RecordReader
from federation.errors import RecordError, RefusedError
from federation.governance.datasite import FOLDER, Datasite
from federation.governance.roster import Roster
from federation.governance.shelf import Lying

Place = tuple[str, str]
"""A department and a job."""


def verify_shelves(home: Path) -> int:
    """Compare every shelf of a home with what its department put on record; returns how many requests lie there.

    Raises:
        RecordError: a request lies there otherwise, or not, or in no record; names the department and the job.
    """
    said = read_said(home)
    found = read_found(home)
    compare(said, found)
    return len(found)


def compare(said: Mapping[Place, Lying], found: Mapping[Place, Lying | None]) -> None:
    """Hold shelves against the record.

    Args:
        said: the last event about each.
        found: what lies there; None for what cannot be read.

    Raises:
        RecordError: they differ.
    """
    for party, job in sorted({*said, *found}):
        there, recorded = found.get((party, job)), said.get((party, job))
        if there != recorded or recorded is None:
            changed = bool(there and recorded and there.files != recorded.files)
            shown = there.standing if there else "unreadable" if (party, job) in found else "absent"
            raise RecordError(
                "record.shelf_files" if changed else "record.shelf",
                party=party,
                request=job,
                found=shown,
                said=recorded.standing if recorded else "absent",
            )


def read_said(home: Path) -> dict[Place, Lying]:
    """What departments last wrote about their shelves, out of their own journals: the log may lag behind.

    Raises:
        RecordError: a journal cannot be read, or an entry of it is not its department's.
    """
    record = RecordReader(home)
    rosters = {party: Roster.from_bytes(content) for party, content in record.rosters().items()}
    said: dict[Place, Lying] = {}
    for party, roster in rosters.items():
        if party in roster.names("department"):
            own = {party: roster.signers[party]}
            shown = (read_event(entry, own) for entry in record.journal(party) if peek_event(entry).type == "shelf")
            said |= _last(party, shown)
    return said


def read_found(home: Path) -> dict[Place, Lying | None]:
    """How requests lie on all shelves of a home. Without any, PySyft is not loaded."""
    found: dict[Place, Lying | None] = {}
    for folder in sorted(home.glob(f"parties/*/{FOLDER}")):
        party = folder.parent.name
        datasite = Datasite(folder, party)
        for job in datasite.jobs():
            try:
                found[party, job] = datasite.look(job)
            except RefusedError:
                found[party, job] = None
    return found


def _last(party: str, events: Iterable[Event]) -> dict[Place, Lying]:
    return {
        (party, event.job): Lying(event.data["state"], event.data["files"])  # type: ignore[arg-type]  # a standing
        for event in events
    }
