"""A party's own keys, made by the party itself and kept in its home."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from crypto.sealing import BoxKey
from crypto.signing import SigningKey
from federation.messages import Envelope, Header, Payload, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who I am, and the keys that prove it.

    Attributes:
        name: the party's name, as in federation.toml.
        signing: Ed25519, for messages and events.
        box: X25519, for what is sealed to me.
    """

    name: str
    signing: SigningKey
    box: BoxKey

    @classmethod
    def in_home(cls, name: str, home: Path) -> Identity:
        """Load the party's keys, or make them if this is its first start."""
        file = home / "identity.key"
        if not file.exists():
            write_secret(file, SigningKey.generate().to_bytes() + BoxKey.generate().to_bytes())
        raw = file.read_bytes()
        return cls(name=name, signing=SigningKey.from_bytes(raw[:32]), box=BoxKey.from_bytes(raw[32:]))

    def sign(self, header: Header, payload: Payload) -> bytes:
        """Sign a payload under its header; returns the envelope's bytes."""
        unsigned = Envelope(header=header, payload=encode(payload), signature=b"")
        signature = self.signing.sign(unsigned.signed_bytes())
        return Envelope(header=header, payload=unsigned.payload, signature=signature).to_bytes()


def write_secret(file: Path, content: bytes) -> None:
    """Write a file only its owner may read, whole or not at all."""
    write_whole(file, content, mode=0o600)


def write_whole(file: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace a file so that a crash leaves the old one or the new one, on disk."""
    new = file.with_name(file.name + ".new")
    new.unlink(missing_ok=True)  # a draft left by a crash has its own mode, whatever we ask for
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)
