"""Ended key epochs on disk: set aside inside each party's own folder, and looked up when the next roster is pinned.

Everything of epoch n that a party has goes to `epochs/<n>` in its own folder, where only it sees it, together with
`succession.json`, which says how the epoch ended. The home's `epochs/<n>` has the layout of a home: what the launcher
had, and links to the parties' folders.

Files move by renaming, in an order that can be gone through again: whoever is killed in the middle runs it once more.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from federation.audit.events import peek_event
from federation.audit.mirror import Mirror
from federation.audit.seal import Sealed
from federation.errors import HomeError, RefusedError
from federation.governance.epochs import LEDGER, Succession, check_mandate, follow
from federation.governance.identity import write_whole
from federation.governance.roster import Roster

IDENTITY, NEXT, ROSTER = "identity.key", "next", "roster.json"
SUCCESSION = "succession.json"
# While this lies in the launcher's folder, an epoch is being set aside and nothing may start.
UNFINISHED = "ending.json"
# What is of one epoch; anything else in a party's folder, its data among it, stays where it is.
GOES = frozenset({ROSTER, "share.key", "desk", "datasite", "jobs", "requests", "scripts"})
DATABASES = ("journal.db", "witness.db", "log.db")


def old_epochs(home: Path) -> list[Path]:
    """The folders of ended epochs, oldest first; each can be read as a home."""
    ended = [file.parent.parent for file in home.glob(f"epochs/[0-9]*/launcher/{SUCCESSION}")]
    return sorted(ended, key=lambda folder: int(folder.name))


def ended_by(folder: Path) -> Succession:
    """How the epoch of one of `old_epochs` ended.

    Raises:
        HomeError: what is there does not say.
    """
    return _read_succession(folder / "launcher" / SUCCESSION)


def unfinished(home: Path) -> Succession | None:
    """The succession that is under way; None if none is.

    Raises:
        HomeError: what is there is none.
    """
    file = home / "launcher" / UNFINISHED
    return _read_succession(file) if file.exists() else None


def begin_ending(home: Path, succession: Succession) -> None:
    """Write down that the epoch ends: from now on it can only be gone through with."""
    write_whole(home / "launcher" / UNFINISHED, succession.to_bytes())


def set_aside(home: Path, succession: Succession) -> None:
    """Set aside what every party has of the epoch that ends. Nothing may be running."""
    ended = str(succession.change.epoch - 1)
    view = home / "epochs" / ended
    for kind in ("parties", "analysts"):
        for folder in sorted((home / kind).glob("*")):
            aside = folder / "epochs" / ended
            if not (folder / ROSTER).exists() and not aside.exists():
                # Joins only now, or left long ago, or is an analyst who never came to the desk.
                _change_keys(folder, succession, None)
                continue
            _set_party_aside(folder, aside, succession)
            link = view / kind / folder.name
            link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not link.is_symlink():
                link.symlink_to(Path("..", "..", "..", kind, folder.name, "epochs", ended))
    _set_launcher_aside(home / "launcher", view / "launcher")


def _set_party_aside(folder: Path, aside: Path, succession: Succession) -> None:
    aside.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(aside / SUCCESSION, succession.to_bytes())
    for file in sorted(folder.iterdir()):
        if file.name in GOES or file.name.startswith(DATABASES):
            _move(file, aside)
    _change_keys(folder, succession, aside)


def _change_keys(folder: Path, succession: Succession, aside: Path | None) -> None:
    """Take away the keys of who leaves or takes new ones; without a folder to set them aside in, they were never used.

    As long as the next identity has not taken its place, whatever lies there is the old one.
    """
    rotates = folder.name in {party.name for party in succession.change.rotated}
    follows = rotates and (folder / NEXT / IDENTITY).exists()
    if follows or folder.name in succession.change.left:
        if aside is None:
            (folder / IDENTITY).unlink(missing_ok=True)
        else:
            _move(folder / IDENTITY, aside)
    if follows:
        _move(folder / NEXT / IDENTITY, folder)


def _set_launcher_aside(launcher: Path, aside: Path) -> None:
    aside.mkdir(parents=True, exist_ok=True, mode=0o700)
    for file in sorted(launcher.iterdir()):
        if file.name != UNFINISHED and not file.name.startswith("log.txt"):
            _move(file, aside)
    # With this the epoch has ended.
    (launcher / UNFINISHED).rename(aside / SUCCESSION)


def _move(file: Path, into: Path) -> None:
    if file.exists():
        file.rename(into / file.name)


def check_past(folder: Path, roster: Roster, party: str) -> dict[str, int | str]:
    """Check that a roster follows on the one that a party had pinned in the epoch before, if it had one.

    Args:
        folder: the party's own.

    Returns:
        What its `enrol` event states of the log before; nothing if this is its first epoch, or its first again after
        it had left.

    Raises:
        RefusedError: the roster does not follow, or the log is said to have ended before what we co-signed.
        HomeError: what was set aside cannot be read.
    """
    ended = sorted((folder / "epochs").glob("[0-9]*"), key=lambda epoch: int(epoch.name))
    if not ended:
        return {}
    succession = _read_succession(ended[-1] / SUCCESSION)
    try:
        old = Roster.from_bytes((ended[-1] / ROSTER).read_bytes())
    except (OSError, ValueError) as exc:
        raise HomeError("home.storage", file=ROSTER) from exc
    if party in succession.change.left:
        check_mandate(old, succession.change, succession.statements)
        return {}
    sealed, stated = follow(old, succession, roster)
    if (ended[-1] / "witness.db").exists():
        with closing(Mirror(ended[-1] / "witness.db", origin=old.origin, party=party)) as mirror:
            _check_end(mirror, sealed, party)
    return stated


def _check_end(mirror: Mirror, sealed: Sealed, party: str) -> None:
    """The log's end is one of what we mirrored, and cuts off no act that we have co-signed."""
    if mirror.head().size < sealed.size:
        return  # a quorum saw more than we did
    beyond = {peek_event(entry).type for entry in mirror.entries(sealed.size)}
    if mirror.root(sealed.size) != sealed.root.hex() or not beyond <= LEDGER:
        raise RefusedError("refused.change", reason=f"the log did not end where {party} saw it last")


def _read_succession(file: Path) -> Succession:
    try:
        return Succession.from_bytes(file.read_bytes())
    except (OSError, ValueError) as exc:
        raise HomeError("home.storage", file=file.name) from exc
