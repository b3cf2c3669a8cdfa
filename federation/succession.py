"""A new key epoch from outside: work out what changes, and, once a majority has signed it, begin.

The federation of the old epoch keeps running, with its old settings, until `begin`; officers sign at their desks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crypto.paillier import MINIMUM_KEY_BITS
from federation import operate
from federation.audit.events import Event, read_event
from federation.audit.record import RecordReader
from federation.errors import HomeError, RefusedError, SettingsError
from federation.governance import epochs as rules
from federation.governance.epochs import Change, Succession
from federation.governance.identity import Identity, write_whole
from federation.governance.roster import Party, Role, Roster
from federation.runtime import epochs as folders
from federation.runtime.home import Home
from federation.settings import Settings


def propose(settings: Settings, home: Home, *, rotate: Sequence[str] = (), reason: str = "") -> Change:
    """Work out what the settings change in the pinned roster, and lay it before the officers.

    Keys of parties that join or take new ones are made here, in their own folders, so that officers sign the very
    keys that will count.

    Args:
        rotate: parties that shall take new keys.
        reason: the operator's, for people to read; officers commit to it unless they state their own.

    Raises:
        HomeError: never started, or a change is under way.
        SettingsError: nothing changes, or somebody cannot take new keys.
    """
    roster = pinned(home)
    change = _work_out(settings, home, roster, rotate)
    rules.check_change(roster, change)
    write_whole(home.change.with_name("reason.txt"), reason.encode(), mode=0o600)
    write_whole(home.change, change.to_bytes())
    return change


def proposed(home: Home) -> tuple[Change, str]:
    """The change that was proposed last, and the operator's reason.

    Raises:
        HomeError: none was.
    """
    try:
        return Change.from_bytes(home.change.read_bytes()), home.change.with_name("reason.txt").read_text("utf-8")
    except (OSError, ValueError) as exc:
        raise HomeError("home.nothing_proposed") from exc


def pinned(home: Home) -> Roster:
    """The roster that counts now.

    Raises:
        HomeError: never started, or an epoch is half set aside.
    """
    if folders.unfinished(home.path) is not None:
        raise HomeError("home.epoch_unfinished")
    if not home.roster.exists():
        raise HomeError("home.not_running")
    return Roster.from_bytes(home.roster.read_bytes())


def signed(home: Home, change: Change) -> dict[str, str]:
    """By department, the first statement of an officer for a change that the log holds."""
    return _statements(_read(RecordReader(home.path).entries(), pinned(home)), change)


def begin(
    settings: Settings,
    home: Home,
    *,
    minimum_key_bits: int = MINIMUM_KEY_BITS,
    progress: Callable[[str], None] = lambda _: None,
) -> float:
    """Stop the federation, set its record aside, and start it in the new epoch.

    Killed in the middle it goes on where it was when it is called again.

    Returns:
        Seconds until all were ready.

    Raises:
        RefusedError: too few departments' officers have signed.
        HomeError: nothing was proposed, or what was signed is not sealed.
        SettingsError: the settings are not those that the change was worked out from.
        KeyongError: what kept a party from starting; `operate.up` tries again.
    """
    succession = folders.unfinished(home.path)
    if succession is None:
        change, _ = proposed(home)
        roster = pinned(home)
        if _work_out(settings, home, roster, [party.name for party in change.rotated]) != change:
            raise SettingsError("settings.change_outdated")
        _seal(home, roster, change)
        operate.down(home, forget=False)
        with home.lock(wait_s=operate.LOCK_WAIT_S):
            succession = _ending(home, roster, change)  # again: now nothing can follow any more
            folders.begin_ending(home.path, succession)
    with home.lock(wait_s=operate.LOCK_WAIT_S):
        folders.set_aside(home.path, succession)
    return operate.up(settings, home, minimum_key_bits=minimum_key_bits, progress=progress)


def _work_out(settings: Settings, home: Home, roster: Roster, rotate: Sequence[str]) -> Change:
    def draw(name: str, role: Role) -> Party:
        folder = home.analyst(name) if role == "analyst" else home.party(name)
        if roster.party(name) is not None:
            folder = folder / folders.NEXT
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        identity = Identity.in_home(name, folder)
        return Party(name=name, role=role, signing=identity.signing.public, box=identity.box.public)

    return rules.work_out(
        roster,
        departments=[department.name for department in settings.departments],
        analysts=settings.analysts,
        officers=operate.officers_of(settings, home),
        threshold=settings.catalogue.threshold,
        grants=settings.officers_needed,
        rotate=rotate,
        draw=draw,
    )


def _seal(home: Home, roster: Roster, change: Change) -> None:
    """Bring what officers have signed at their desks into the log, and have it sealed."""
    record = RecordReader(home.path)
    there = [name for name in roster.names("department") if (home.party(name) / "journal.db").exists()]
    at_desks = [entry for name in there for entry in record.journal(name)]
    rules.check_mandate(roster, change, _statements(_read(at_desks, roster), change))
    operate.seal(home)
    _ending(home, roster, change)


def _ending(home: Home, roster: Roster, change: Change) -> Succession:
    """What the record says now: who has signed, and where it was sealed last.

    Raises:
        RefusedError: too few have signed.
        HomeError: something that was done is not sealed.
    """
    record = RecordReader(home.path)
    events = _read(record.entries(), roster)
    statements = _statements(events, change)
    rules.check_mandate(roster, change, statements)
    acts = max((size for size, event in enumerate(events, 1) if event.type not in rules.LEDGER), default=0)
    for size, note in reversed(record.cosigned()):
        try:
            rules.check_last_seal(roster, change, note)
        except RefusedError:
            continue
        if size < acts:
            break
        return Succession(change=change, statements=statements, checkpoint=note)
    raise HomeError("home.epoch_unsealed")


def _read(entries: Sequence[bytes], roster: Roster) -> list[Event]:
    return [read_event(entry, roster.signers) for entry in entries]


def _statements(events: Sequence[Event], change: Change) -> dict[str, str]:
    said: dict[str, str] = {}
    for event in events:
        if event.type == "member.change" and event.data.get("change") == change.hash:
            said.setdefault(event.node, str(event.data.get("statement", "")))
    return said
