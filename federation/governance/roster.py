"""The roster: parties, officers, their public keys, and the joint key; pinned by all, known by its hash.

Whoever enrols the parties (the operator's launcher) hands the same roster to all of them; every party pins it and
from then on believes no other. Departments co-sign it by their `enrol` event, officers by a statement of theirs, and
every approval names its hash.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from crypto.errors import SignatureError
from crypto.paillier import PublicKey
from crypto.signing import HybridPublic, verify
from federation.errors import HomeError, NodeError
from federation.governance.identity import write_whole
from federation.messages import Envelope

Role = Literal["coordinator", "department", "analyst"]
# There is one, and it is called that.
COORDINATOR = "coordinator"
OfficerRole = Literal["operator", "officer", "auditor"]


class Party(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One party's public side.

    Attributes:
        signing: Ed25519 public key, 32 bytes.
        box: X25519 public key, 32 bytes.
        witness: a department's Ed25519 key for co-signing checkpoints, 32 bytes.
        witness_mldsa: and its ML-DSA-44 key, 1312 bytes.
    """

    name: str
    role: Role
    signing: bytes
    box: bytes
    witness: bytes = b""
    witness_mldsa: bytes = b""

    @property
    def cosigner(self) -> HybridPublic:
        """The key pair it co-signs checkpoints with.

        Raises:
            SignatureError: it is no witness.
        """
        return HybridPublic(ed25519=self.witness, mldsa44=self.witness_mldsa)


class Officer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person in one of the three separate roles (三员分立).

    Attributes:
        name: officer@tax; behind the @ stands the department the officer acts for.
        role: operator runs, officer approves and revokes, auditor reads and verifies.
        person: who it is, as the operator enrolled them; nobody may hold two roles.
        signing: Ed25519 public key, 32 bytes.
        signing_mldsa: ML-DSA-44 public key, 1312 bytes.
    """

    name: str
    role: OfficerRole
    person: str
    signing: bytes
    signing_mldsa: bytes

    @property
    def department(self) -> str:
        """The department the officer acts for."""
        return self.name.rpartition("@")[2]

    @property
    def public(self) -> HybridPublic:
        """The key pair of the officer's statements."""
        return HybridPublic(ed25519=self.signing, mldsa44=self.signing_mldsa)


class Roster(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All parties of a federation in one key epoch.

    Attributes:
        origin: the log's origin, unique to this federation and epoch.
        previous: hash of the roster of the epoch before; "" in the first.
        holders: departments with a share of the joint key, in the order of the shares' indexes from 1.
        threshold: how many of them open.
        public_key: the joint Paillier key.
        grants: how many officers of a department must grant a request before it counts.
    """

    version: Literal[2] = 2
    origin: str
    epoch: int
    previous: str = ""
    parties: tuple[Party, ...]
    officers: tuple[Officer, ...] = ()
    holders: tuple[str, ...]
    threshold: int
    public_key: bytes
    grants: Literal[1, 2] = 1

    def __post_init__(self) -> None:
        """Refuse two of one name, one person or key in two roles."""
        names = [party.name for party in self.parties] + [officer.name for officer in self.officers]
        persons = [officer.person for officer in self.officers]
        # An Ed25519 cosignature does not name its signer: one key must never have two names.
        keys = [officer.signing for officer in self.officers] + [party.signing for party in self.parties]
        keys += [party.witness for party in self.parties if party.witness]
        keys += [officer.signing_mldsa for officer in self.officers]
        keys += [party.witness_mldsa for party in self.parties if party.witness_mldsa]
        for what, listed in (("name", names), ("person", persons), ("key", keys)):
            if len(set(listed)) < len(listed):
                raise ValueError(f"a {what} stands twice in the roster")

    def party(self, name: str) -> Party | None:
        """Find a party by name."""
        return next((party for party in self.parties if party.name == name), None)

    def names(self, role: Role) -> tuple[str, ...]:
        """Name the parties of one role."""
        return tuple(party.name for party in self.parties if party.role == role)

    def officer(self, name: str) -> Officer | None:
        """Find an officer by name."""
        return next((officer for officer in self.officers if officer.name == name), None)

    def cosigner_name(self, party: str) -> str:
        """A party's key name in signed notes."""
        return f"{self.origin}/{party}"

    @property
    def signers(self) -> dict[str, bytes]:
        """Public signing keys by party."""
        return {party.name: party.signing for party in self.parties}

    def paillier(self, *, minimum_bits: int) -> PublicKey:
        """The joint key, refused if it is smaller than `minimum_bits`."""
        return PublicKey.from_bytes(self.public_key, minimum_bits=minimum_bits)

    def to_bytes(self) -> bytes:
        """Canonical bytes."""
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Roster:
        """Read a roster.

        Raises:
            ValueError: not a roster, or not its canonical bytes.
        """
        roster = msgspec.json.decode(data, type=cls)
        if roster.to_bytes() != data:
            raise ValueError("not the canonical bytes of a roster")
        return roster

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical bytes, hex."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def open(self, data: bytes) -> Envelope:
        """Read an envelope that one of our parties signed, under this roster and epoch, for this log.

        Raises:
            NodeError: garbage, an unknown sender, a foreign signature, or another federation, roster or epoch.
        """
        try:
            envelope = Envelope.from_bytes(data)
        except (ValueError, msgspec.MsgspecError) as exc:
            raise NodeError("node.garbage", party="?") from exc
        sender = self.party(envelope.header.sender)
        if sender is None:
            raise NodeError("node.foreign", party="?")
        try:
            verify(sender.signing, envelope.signed_bytes(), envelope.signature)
        except SignatureError as exc:
            raise NodeError("node.foreign", party=sender.name) from exc
        header = envelope.header
        if (header.origin, header.roster, header.epoch) != (self.origin, self.hash, self.epoch):
            raise NodeError("node.other_roster", party=sender.name)
        return envelope


def pin(roster: Roster, home: Path) -> None:
    """Keep the first roster a party is given, for good.

    Raises:
        HomeError: another one was pinned.
    """
    pinned, content = home / "roster.json", roster.to_bytes()
    if not pinned.exists():
        write_whole(pinned, content)
    elif pinned.read_bytes() != content:
        raise HomeError("home.roster_differs", party=home.name)
