"""A roster of five departments with their officers, the next one, and what officers sign in between."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from crypto.notes import append_lines, cosign, sign_note
from crypto.paillier import generate
from crypto.sealing import BoxKey
from crypto.signing import HybridKey, SigningKey
from federation.audit.log import checkpoint_text
from federation.governance.epochs import Change, Succession, departments_after, work_out
from federation.governance.identity import Identity
from federation.governance.roster import Officer, Party, Roster
from federation.governance.statements import SignChange, sign_statement
from tests.support.memory import small_key

DEPARTMENTS = ("east", "north", "south", "up", "west")
NAMES = ("coordinator", *DEPARTMENTS, "analyst@city")
COMMON = {"nonce": "ab" * 16, "time": "2026-03-01T08:00:00Z"}


def identity(name: str) -> Identity:
    return Identity(name=name, signing=SigningKey.generate(), box=BoxKey.generate())


def party(who: Identity, witness: HybridKey | None = None) -> Party:
    role = "coordinator" if who.name == "coordinator" else "analyst" if "@" in who.name else "department"
    keys = {} if witness is None else {"witness": witness.public.ed25519, "witness_mldsa": witness.public.mldsa44}
    return Party(name=who.name, role=role, signing=who.signing.public, box=who.box.public, **keys)


def officer(name: str, role: str, key: HybridKey) -> Officer:
    return Officer(name=name, role=role, person=name, signing=key.public.ed25519, signing_mldsa=key.public.mldsa44)


IDENTITIES = {name: identity(name) for name in NAMES}
WITNESSES = {name: HybridKey.generate() for name in DEPARTMENTS}
NEXT = {name: identity(name) for name in (*NAMES, "hills", "analyst@west")}
NEXT_WITNESSES = {name: HybridKey.generate() for name in (*DEPARTMENTS, "hills")}
OFFICER_KEYS = {f"officer@{name}": HybridKey.generate() for name in (*DEPARTMENTS, "hills")}
OFFICER_KEYS["auditor@city"] = HybridKey.generate()
OLD_KEY, NEW_KEY = small_key(), generate(512, minimum_bits=512)


def officers(departments: Iterable[str]) -> tuple[Officer, ...]:
    names = [f"officer@{name}" for name in departments]
    return (
        officer("auditor@city", "auditor", OFFICER_KEYS["auditor@city"]),
        *(officer(name, "officer", OFFICER_KEYS[name]) for name in names),
    )


OLD = Roster(
    origin="keyong.test/epochs",
    epoch=1,
    parties=tuple(party(who, WITNESSES.get(name)) for name, who in IDENTITIES.items()),
    officers=officers(DEPARTMENTS),
    holders=DEPARTMENTS,
    threshold=3,
    public_key=OLD_KEY.public.to_bytes(),
)


def change_to(
    departments: Iterable[str] = ("east", "hills", "north", "south", "up"),
    rotate: Iterable[str] = ("north",),
    *,
    analysts: Iterable[str] = ("analyst@city",),
    grants: int = 1,
) -> Change:
    """West leaves, the hills join, north takes new keys; unless it is said otherwise."""
    names = tuple(departments)
    return work_out(
        OLD,
        departments=names,
        analysts=analysts,
        officers=officers(names),
        threshold=3,
        grants=grants,
        rotate=tuple(rotate),
        draw=lambda name, role: party(NEXT[name]),
    )


def next_roster(change: Change, **changes: object) -> Roster:
    replaced = {one.name: one for one in (*change.joined, *change.rotated)}
    staying = {one.name: one for one in OLD.parties if one.name not in change.left} | replaced
    departments = departments_after(OLD, change)
    parties = []
    for name, one in staying.items():
        if name in departments:
            public = NEXT_WITNESSES[name].public
            one = msgspec.structs.replace(one, witness=public.ed25519, witness_mldsa=public.mldsa44)
        parties.append(one)
    fields = {
        "origin": change.log,
        "epoch": change.epoch,
        "previous": OLD.hash,
        "parties": tuple(parties),
        "officers": change.officers,
        "holders": departments,
        "threshold": change.threshold,
        "grants": change.grants,
        "public_key": NEW_KEY.public.to_bytes(),
    }
    return Roster(**{**fields, **changes})


def signs(department: str, agreed: Change, *, roster: Roster = OLD, by: str = "", **fields: object) -> str:
    """What an officer of a department signs for a change."""
    name = by or f"officer@{department}"
    common = {**COMMON, "log": roster.origin, "roster": roster.hash, "officer": name, "department": department}
    return sign_statement(SignChange(**{**common, "change": agreed.hash, **fields}), OFFICER_KEYS[name])


def mandate(change: Change, departments: Iterable[str] = ("east", "north", "south")) -> dict[str, str]:
    return {name: signs(name, change) for name in departments}


def checkpoint(root: bytes = b"r" * 32, *, size: int = 9, by: Iterable[str] = DEPARTMENTS, roster: Roster = OLD) -> str:
    """A checkpoint of a log, co-signed by these with their old keys."""
    text = checkpoint_text(roster.origin, size, root)
    note = sign_note(IDENTITIES["coordinator"].signing, roster.origin, text)
    for name in by:
        note = append_lines(note, cosign(WITNESSES[name], roster.cosigner_name(name), text, time_s=1_700_000_000))
    return note


def succession(change: Change, **fields: object) -> Succession:
    return Succession(**{"change": change, "statements": mandate(change), "checkpoint": checkpoint(), **fields})
