"""(1) Whose keys count: one roster, pinned by all that stand in it; before a bundle, the evaluator's own keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from crypto.errors import SignatureError
from crypto.notes import KeyKind, read_vkey
from crypto.signing import HybridPublic
from federation.audit.rules.findings import wrong
from federation.governance.roster import Roster


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What an evaluator brings, on another way than the record (docs/record.md, section 7).

    Attributes:
        origin: the log's.
        log_key: the coordinator's Ed25519 public key.
        witnesses: Ed25519 public keys by department.
        quorum: how many of the witnesses seal a checkpoint.
        signers: event keys of all other parties, Ed25519.
        officers: both keys of every officer.
        heads: checkpoints that departments co-signed and gave away, by department.
    """

    origin: str
    log_key: bytes
    witnesses: Mapping[str, bytes]
    quorum: int
    signers: Mapping[str, bytes]
    officers: Mapping[str, HybridPublic]
    heads: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a quorum that nobody or anybody reaches."""
        if not 0 < self.quorum <= len(self.witnesses):
            raise ValueError("a quorum is at least one and at most all of the witnesses")


def read_signers(text: str, origin: str) -> tuple[dict[str, bytes], dict[str, HybridPublic]]:
    """Read a signers file: one vkey per line, of type 0x01 for parties and of 0x01 and 0x06 for officers.

    Returns:
        The parties' event keys, and the officers' pairs, by name without the log's origin.

    Raises:
        SignatureError: a line is no vkey of such a kind, stands twice, or is of another log.
    """
    keys: dict[tuple[str, KeyKind], bytes] = {}
    for line in filter(None, text.splitlines()):
        full, kind, public = read_vkey(line)
        name = full.removeprefix(f"{origin}/") if full != origin else "coordinator"
        if name == full or kind is KeyKind.COSIGNATURE or (name, kind) in keys:
            raise SignatureError(f"{full!r} is no signer of this log, or stands twice")
        keys[name, kind] = public
    officers = {
        name: HybridPublic(ed25519=keys.get((name, KeyKind.NOTE), b""), mldsa44=public)
        for (name, kind), public in keys.items()
        if kind is KeyKind.MLDSA44_COSIGNATURE
    }
    parties = {name: public for (name, kind), public in keys.items() if kind is KeyKind.NOTE and name not in officers}
    return parties, officers


def check_pinned(pinned: Mapping[str, bytes]) -> Roster:
    """All that stand in the roster have pinned the same.

    Raises:
        RecordError: they have not.
    """
    if len(set(pinned.values())) != 1:
        raise wrong("roster", "the parties have pinned different rosters" if pinned else "no party has pinned one")
    roster = _read(next(iter(pinned.values())), "roster")
    missing = [party.name for party in roster.parties if party.role != "analyst" and party.name not in pinned]
    if missing:
        raise wrong("roster", f"{missing[0]} has not pinned it")
    return roster


def check_trusted(content: bytes, trust: Trust) -> Roster:
    """A bundle's roster has no other keys than the evaluator's; from then on its keys are as good as those.

    Raises:
        RecordError: it has.
    """
    where = "file data/roster.json"
    roster = _read(content, where)
    if roster.origin != trust.origin:
        raise wrong(where, "it is of another log")
    for name, ours, theirs in _pairs(roster, trust):
        if theirs is None:
            raise wrong(where, f"the evaluator has no key for {name}")
        if ours != theirs:
            raise wrong(where, f"its key for {name} is not the evaluator's")
    if set(trust.witnesses) != set(roster.names("department")):
        raise wrong(where, "its departments are not the evaluator's witnesses")
    return roster


def _pairs(roster: Roster, trust: Trust) -> Iterator[tuple[str, object, object]]:
    for party in roster.parties:
        known = trust.log_key if party.role == "coordinator" else trust.signers.get(party.name)
        yield party.name, party.signing, known
        if party.role == "department":
            yield f"{party.name} as a witness", party.witness, trust.witnesses.get(party.name)
    for officer in roster.officers:
        yield officer.name, officer.public, trust.officers.get(officer.name)


def _read(content: bytes, where: str) -> Roster:
    try:
        roster = Roster.from_bytes(content)
    except ValueError as exc:
        raise wrong(where, "it is not in its canonical form") from exc
    if len(roster.names("coordinator")) != 1:
        raise wrong(where, "it does not name one coordinator")
    return roster
