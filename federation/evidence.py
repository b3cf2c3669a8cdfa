"""Evidence for outside: a bundle of everything up to the last sealed checkpoint, and each department's own card.

What goes into a bundle is read from the files of a home as they are; nothing is signed here, and no key is read. What
an evaluator must bring from elsewhere, each department writes out of its own pinned roster and its own witness.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from federation.audit.bundle import BundleContents, pack, write_bundle
from federation.audit.record import RecordReader
from federation.audit.seal import quorum, read_cosigned
from federation.audit.trust import policy_text, signers_text
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


def export(home: Home, folder: Path, *, indicators: Callable[[RecordReader], bytes] = lambda _: b"[]") -> Exported:
    """Write a bundle beside whatever else there is, and a .zip of it.

    Args:
        indicators: works the figures out.

    Raises:
        RecordError: there is nothing sealed yet.
        HomeError: the place is taken or cannot be written; nothing is left half.
    """
    record = RecordReader(home.path)
    contents = collect(record, indicators(record))
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


def collect(record: RecordReader, indicators: bytes) -> BundleContents:
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
        indicators=indicators,
    )


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
