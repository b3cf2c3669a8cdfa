"""The roster: every party's name, role and public keys, and the joint key; pinned by all, known by its hash.

Whoever enrols the parties (the operator's launcher) hands the same roster to all of them; every party pins it and
from then on believes no other. Co-signing by officers comes with approvals.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from crypto.errors import SignatureError
from crypto.paillier import PublicKey
from crypto.signing import verify
from federation.errors import HomeError, NodeError
from federation.governance.identity import write_whole
from federation.messages import Envelope

Role = Literal["coordinator", "department", "analyst"]


class Party(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One party's public side.

    Attributes:
        signing: Ed25519 public key, 32 bytes.
        box: X25519 public key, 32 bytes.
    """

    name: str
    role: Role
    signing: bytes
    box: bytes


class Roster(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All parties of a federation in one key epoch.

    Attributes:
        origin: the log's origin, unique to this federation.
        holders: departments with a share of the joint key, in the order of the shares' indexes from 1.
        threshold: how many of them open.
        public_key: the joint Paillier key.
    """

    version: Literal[1] = 1
    origin: str
    epoch: int
    parties: tuple[Party, ...]
    holders: tuple[str, ...]
    threshold: int
    public_key: bytes

    def party(self, name: str) -> Party | None:
        """Find a party by name."""
        return next((party for party in self.parties if party.name == name), None)

    def names(self, role: Role) -> tuple[str, ...]:
        """Name the parties of one role."""
        return tuple(party.name for party in self.parties if party.role == role)

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
