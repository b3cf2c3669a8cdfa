"""From one key epoch to the next: what changes, who has to have said so, and what the next roster may be.

A roster never changes within a log. Who joins, leaves or takes new keys, departments and analysts' accounts alike, is
written down as a `Change` of the roster that all have pinned; officers of a majority of its departments sign the
change's hash; then a new epoch begins, with a new joint key, new witness keys, a new log and a roster that names the
one before. Whatever was signed or dealt before names the old log and the old roster, and counts no more.

Whoever leaves need not agree. Left out: a change that a smaller or a larger part of the departments may decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from federation.audit.seal import Sealed, check_sealed
from federation.errors import RefusedError, SettingsError
from federation.governance.roster import Officer, Party, Role, Roster
from federation.governance.statements import SignChange, read_statement
from federation.settings import CITY

KEY_BYTES = 32
# Those that come and go; the coordinator stays.
JOINING: tuple[Role, ...] = ("department", "analyst")
# What may stand in a log after its last seal: an answer's own ledger entry travels with the next answer, so there is
# always some of it.
LEDGER = frozenset({"egress", "receipt"})


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the next roster is, as far as it can be known before its keys are dealt. Officers sign its hash.

    Attributes:
        previous: hash of the roster that it changes.
        epoch: of the next roster.
        log: origin of the next log.
        joined: departments and analysts that come, with their public keys; by name.
        left: departments and analysts that go; by name.
        rotated: parties that take new keys, with these; by name.
        officers: all officers, as they will be.
        threshold: how many shares will open.
        grants: how many officers of a department will have to grant a request.
    """

    previous: str
    epoch: int
    log: str
    joined: tuple[Party, ...] = ()
    left: tuple[str, ...] = ()
    rotated: tuple[Party, ...] = ()
    officers: tuple[Officer, ...]
    threshold: int
    grants: Literal[1, 2] = 1

    def to_bytes(self) -> bytes:
        """Canonical bytes."""
        return msgspec.json.encode(self, order="sorted")

    @classmethod
    def from_bytes(cls, data: bytes) -> Change:
        """Read a change.

        Raises:
            ValueError: not a change, or not its canonical bytes.
        """
        change = msgspec.json.decode(data, type=cls)
        if change.to_bytes() != data:
            raise ValueError("not the canonical bytes of a change")
        return change

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical bytes, hex: what is signed."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


class Succession(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an epoch ended: kept by every party beside what it has of that epoch.

    Attributes:
        statements: officers' words for the change, one of each department that gave one.
        checkpoint: the last sealed one of the log that ended, with its cosignatures.
    """

    change: Change
    statements: dict[str, str]
    checkpoint: str

    def to_bytes(self) -> bytes:
        """Canonical bytes."""
        return msgspec.json.encode(self, order="sorted")

    @classmethod
    def from_bytes(cls, data: bytes) -> Succession:
        """Read a succession.

        Raises:
            ValueError: not a succession, or not its canonical bytes.
        """
        succession = msgspec.json.decode(data, type=cls)
        if succession.to_bytes() != data:
            raise ValueError("not the canonical bytes of a succession")
        return succession


def log_of(base: str, epoch: int) -> str:
    """The origin of an epoch's log; of the first one, as it was made with the home."""
    return base if epoch == 1 else f"{base}/{epoch}"


# -- what changes -----------------------------------------------------------------------------------------------------


def work_out(
    old: Roster,
    *,
    departments: Sequence[str],
    analysts: Sequence[str],
    officers: Sequence[Officer],
    threshold: int,
    grants: Literal[1, 2],
    rotate: Sequence[str],
    draw: Callable[[str, Role], Party],
) -> Change:
    """Work out what a federation's settings change in its roster.

    Args:
        departments: all there shall be.
        analysts: all there shall be.
        officers: all there shall be, with their public keys.
        rotate: parties that shall take new keys.
        draw: makes a party's next keys, or finds those it made before; returns the public side.

    Raises:
        SettingsError: nothing changes, or keys shall be changed of somebody who is not in both rosters.
    """
    before = {name for role in JOINING for name in old.names(role)}
    roles: dict[str, Role] = {**dict.fromkeys(departments, JOINING[0]), **dict.fromkeys(analysts, JOINING[1])}
    joined, left = sorted({*roles} - before), sorted(before - {*roles})
    staying = {party.name: party.role for party in old.parties if party.name not in left}
    for name in rotate:
        if name not in staying:
            raise SettingsError("settings.rotate_unknown", party=name)
    rest = tuple(officers), threshold, grants
    if not (joined or left or rotate) and rest == (old.officers, old.threshold, old.grants):
        raise SettingsError("settings.nothing_changes")
    return Change(
        previous=old.hash,
        epoch=old.epoch + 1,
        log=_next_log(old),
        joined=tuple(draw(name, roles[name]) for name in joined),
        left=tuple(left),
        rotated=tuple(draw(name, staying[name]) for name in sorted(set(rotate))),
        officers=tuple(officers),
        threshold=threshold,
        grants=grants,
    )


def names_after(old: Roster, change: Change, role: Role) -> tuple[str, ...]:
    """Name the departments or the analysts of the next roster."""
    staying = {*old.names(role)} - {*change.left}
    return tuple(sorted(staying | {party.name for party in change.joined if party.role == role}))


def departments_after(old: Roster, change: Change) -> tuple[str, ...]:
    """Name the departments of the next roster."""
    return names_after(old, change, "department")


def officers_changed(old: Roster, change: Change) -> tuple[tuple[Officer, ...], tuple[Officer, ...]]:
    """The officers that come and those that go; one whose keys or role are others does both."""
    come = tuple(officer for officer in change.officers if officer not in old.officers)
    go = tuple(officer for officer in old.officers if officer not in change.officers)
    return come, go


def check_change(old: Roster, change: Change) -> None:
    """Check that a change is one of this very roster, and that its parts do not contradict each other.

    Raises:
        RefusedError: it is not.
    """
    _require((change.previous, change.epoch) == (old.hash, old.epoch + 1), "it is of another roster or epoch")
    _require(change.log == _next_log(old), "it names another log")
    known = {party.name for party in old.parties} | {officer.name for officer in old.officers}
    joined = [party.name for party in change.joined]
    rotated = [party.name for party in change.rotated]
    for names in (joined, change.left, rotated):
        _require(list(names) == sorted(set(names)), "its names are not in order, or stand twice")
    _require(not known & {*joined}, "somebody joins who is there")
    going = {name for role in JOINING for name in old.names(role)}
    _require({*change.left} <= going, "somebody leaves who is no department and no analyst")
    used = {key for party in old.parties for key in (party.signing, party.box, party.witness)}
    for party in (*change.joined, *change.rotated):
        fresh = len(party.signing) == len(party.box) == KEY_BYTES and not used & {party.signing, party.box}
        _require(fresh and not party.witness and not party.witness_mldsa, f"the keys of {party.name} are not new ones")
    joins = all(party.role in JOINING for party in change.joined)
    _require(joins, "somebody joins who is no department and no analyst")
    for party in change.rotated:
        before = old.party(party.name)
        stays = before is not None and party.name not in change.left and before.role == party.role
        _require(stays, f"{party.name} takes new keys and is not there, or leaves, or becomes something else")
    departments = departments_after(old, change)
    _require(2 <= change.threshold <= len(departments), "so many departments cannot open")
    accounts = (*names_after(old, change, "analyst"), *(officer.name for officer in change.officers))
    places = {account.rpartition("@")[2] for account in accounts}
    _require(places <= {*departments, CITY}, "an account stands at a department that is not there")


# -- who has said so --------------------------------------------------------------------------------------------------


def majority(old: Roster) -> int:
    """Of how many departments officers must have signed; those that leave may, and count."""
    return len(old.names("department")) // 2 + 1


def check_mandate(old: Roster, change: Change, statements: Mapping[str, str]) -> None:
    """Check that officers of a majority of the departments have signed a change, under the roster it changes.

    Args:
        statements: by department, as its officer signed it.

    Raises:
        RefusedError: too few, or one of the statements is no word for this change.
    """
    check_change(old, change)
    departments = old.names("department")
    for department, text in statements.items():
        statement, _ = read_statement(text, old, department=department)
        says_so = isinstance(statement, SignChange) and statement.change == change.hash
        _require(says_so and department in departments, f"what an officer of {department} signed is something else")
    if len(statements) < majority(old):
        raise RefusedError("refused.mandate", count=len(statements), needed=majority(old))


def check_last_seal(old: Roster, change: Change, checkpoint: str) -> Sealed:
    """Check that the log that ends is sealed.

    Departments that leave do not count: they may be gone, and the majority that lets them go has said so.

    Raises:
        RefusedError: it is not.
    """
    return check_sealed(checkpoint, old, members=(), suspended=change.left)


# -- what the next roster is ------------------------------------------------------------------------------------------


def verify_succession(old: Roster, change: Change, statements: Mapping[str, str], new: Roster) -> None:
    """Check that a roster is the one that a change of ours leads to, and that a majority wanted it.

    What the change cannot say, since it is drawn afterwards: the joint key and the witnesses' keys must be new ones.

    Raises:
        RefusedError: names what does not follow.
    """
    check_mandate(old, change, statements)
    _require((new.previous, new.epoch) == (old.hash, change.epoch), "the roster names another one before it")
    _require(new.origin == change.log, "the roster is of another log")
    replaced = {party.name: party for party in (*change.joined, *change.rotated)}
    staying = {party.name: party for party in old.parties if party.name not in change.left}
    expected, found = {**staying, **replaced}, {party.name: party for party in new.parties}
    _require(set(found) == set(expected), "the roster has other parties")
    for name, party in expected.items():
        _require(_identity(found[name]) == _identity(party), f"the keys of {name} are not those that were agreed to")
    used = {b"", *(key for party in old.parties for key in (party.witness, party.witness_mldsa))}
    for name in (departments := departments_after(old, change)):
        keys = {found[name].witness, found[name].witness_mldsa}
        _require(not keys & used, f"{name} has no new key as a witness")
    _require(new.officers == change.officers, "the roster has other officers")
    _require(new.threshold == change.threshold, "the roster has another threshold")
    _require(new.grants == change.grants, "the roster asks for another number of officers")
    _require(sorted(new.holders) == list(departments), "the roster has other key holders")
    _require(new.public_key != old.public_key, "the joint key is the old one")


def follow(old: Roster, succession: Succession, new: Roster) -> tuple[Sealed, dict[str, int | str]]:
    """Check that a roster follows on ours, and tell where the log before it ended.

    Returns:
        The last sealed checkpoint, and what a party's first event in the new log states of it.

    Raises:
        RefusedError: it does not follow.
    """
    verify_succession(old, succession.change, succession.statements, new)
    sealed = check_last_seal(old, succession.change, succession.checkpoint)
    return sealed, {
        "change": succession.change.hash,
        "previous_log": old.origin,
        "previous_root": sealed.root.hex(),
        "previous_size": sealed.size,
    }


def _identity(party: Party) -> tuple[Role, bytes, bytes]:
    return party.role, party.signing, party.box


def _next_log(old: Roster) -> str:
    base = old.origin.removesuffix(f"/{old.epoch}") if old.epoch > 1 else old.origin
    return log_of(base, old.epoch + 1)


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise RefusedError("refused.change", reason=reason)
