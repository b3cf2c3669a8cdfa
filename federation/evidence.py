"""Evidence for outside: a bundle of everything up to the last sealed checkpoint, and each department's own card.

What goes into a bundle is read from the files of a home as they are; nothing is signed here, and no key is read. What
an evaluator must bring from elsewhere, each department writes out of its own pinned roster and its own witness.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from federation.audit.bagged import BundleRecord, read_trust
from federation.audit.bundle import BundleContents, pack, read_bundle, write_bundle
from federation.audit.indicators.compute import to_json
from federation.audit.indicators.gather import figures, read_plans
from federation.audit.indicators.material import Drills
from federation.audit.record import RecordReader
from federation.audit.seal import quorum, read_cosigned
from federation.audit.trust import policy_text, signers_text
from federation.audit.verify import Verdict, verify_record
from federation.errors import HomeError, RecordError
from federation.governance.identity import write_whole
from federation.governance.roster import Roster
from federation.runtime.home import Home


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle that was written.

    Attributes:
        entries: how many it holds: all up to the last sealed checkpoint.
        left_out: entries of the log that no quorum has co-signed yet.
        bytes: of the archive.
    """

    folder: str
    archive: str
    entries: int
    left_out: int
    checkpoints: int
    bytes: int


def export(home: Home, folder: Path, *, drills: Drills | None = None) -> Exported:
    """Write a bundle beside whatever else there is, and a .zip of it.

    A record that does not verify is exported as it is: that too is evidence.

    Args:
        drills: what became of attacks on purpose, for the indicators.

    Raises:
        RecordError: there is nothing sealed yet, or it cannot be read.
        HomeError: the place is taken or cannot be written; nothing is left half.
    """
    record = RecordReader(home.path)
    contents = collect(record, home, drills)
    archive = folder.with_name(folder.name + ".zip")
    if folder.exists() or archive.exists():
        raise HomeError("home.taken", place=folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_bundle(folder, contents)
        pack(folder, archive)
    except FileExistsError as exc:
        raise HomeError("home.taken", place=folder) from exc
    except OSError as exc:
        raise HomeError("home.unwritable", home=folder, reason=exc.strerror or "") from exc
    return Exported(
        folder=str(folder),
        archive=str(archive),
        entries=len(contents.entries),
        left_out=record.size() - len(contents.entries),
        checkpoints=len(contents.checkpoints),
        bytes=archive.stat().st_size,
    )


def collect(record: RecordReader, home: Home, drills: Drills | None) -> BundleContents:
    """Gather what a bundle holds.

    Raises:
        RecordError: no checkpoint is sealed yet.
    """
    roster = one_roster(record)
    needed = quorum(len(roster.names("department")))
    sealed = [(size, note) for size, note in record.cosigned() if len(read_cosigned(note, roster).times) >= needed]
    if not sealed:
        raise RecordError("record.unsealed")
    size = sealed[-1][0]
    heads = {party: note for party, note in record.heads().items() if note and _size(note) <= size}
    return BundleContents(
        origin=roster.origin,
        entries=record.entries()[:size],
        checkpoints=sealed,
        roster=roster.to_bytes(),
        catalogue=record.catalogue(),
        policy=policy_text(roster),
        signers=signers_text(roster),
        heads=heads,
        jobs=record.attestations(),
        wire=record.wire(),
        indicators=_indicators(record, home, size, drills),
    )


def _indicators(record: RecordReader, home: Home, size: int, drills: Drills | None) -> bytes:
    verdict = None
    with contextlib.suppress(RecordError):  # what does not verify has no figures that rest on a verdict
        verdict = verify_record(record)
    with contextlib.suppress(RecordError):
        return to_json(figures(record, verdict=verdict, size=size, plans=read_plans(home.path), drills=drills))
    return b"[]"


def verify(place: Path, cards: Path) -> Verdict:
    """Check a bundle against what the departments handed out.

    Raises:
        RecordError: it does not hold; names the first place.
        SettingsError: the cards are missing or contradict each other.
    """
    return verify_record(BundleRecord(read_bundle(place)), read_trust(cards))


def one_roster(record: RecordReader) -> Roster:
    """The roster that everybody has pinned.

    Raises:
        RecordError: nobody has, or not all the same.
    """
    pinned = set(record.rosters().values())
    if len(pinned) != 1:
        raise RecordError("record.invalid", where="roster", reason="the parties have pinned different rosters")
    return Roster.from_bytes(pinned.pop())


def write_cards(home: Home, folder: Path) -> list[Path]:
    """Let every department write its card: policy, signers, and its own head, out of its own files.

    In an installation each does so on its own machine and hands it to the evaluator itself.

    Returns:
        The files written.

    Raises:
        RecordError: a department has pinned nothing or co-signed nothing yet.
        HomeError: the folder cannot be written.
    """
    record = RecordReader(home.path)
    rosters, heads = record.rosters(), record.heads()
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for party, head in heads.items():
            if not head or party not in rosters:
                raise RecordError("record.unsealed")
            roster = Roster.from_bytes(rosters[party])
            place = folder / party
            place.mkdir(exist_ok=True)
            for name, text in (("policy", policy_text(roster)), ("signers", signers_text(roster)), ("head", head)):
                write_whole(place / name, text.encode())
                written.append(place / name)
    except OSError as exc:
        raise HomeError("home.unwritable", home=folder, reason=exc.strerror or "") from exc
    return written


def _size(note: str) -> int:
    return int(note.split("\n", 2)[1])
