"""What the launcher, the SuperLink, the SuperNodes and the coordinator tell each other on the launcher's sockets.

None of it is a message of the protocol: it says who is there, on which address, under which key.
"""

from __future__ import annotations

import socket
from typing import TypeVar

import msgspec

from federation.errors import NodeError
from federation.runtime.frames import frame, receive
from federation.runtime.local_grid import Notice

T = TypeVar("T")


class Word(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Anything of it."""


class Serve(Word, frozen=True, kw_only=True, tag="serve"):
    """To the SuperLink: begin, and open to this key.

    Attributes:
        coordinator: its Ed25519 public key.
    """

    coordinator: bytes


class LinkUp(Word, frozen=True, kw_only=True, tag="link-up"):
    """From the SuperLink, and on to the coordinator: it serves.

    Attributes:
        address: host and port, on this machine's loopback.
        certificate: its own, PEM; nothing else is to be trusted on that address.
    """

    address: str
    certificate: bytes


class NodeKey(Word, frozen=True, kw_only=True, tag="node-key"):
    """From a SuperNode: the public key of this life of it, PEM."""

    public: bytes


class Admit(Word, frozen=True, kw_only=True, tag="admit"):
    """To the SuperLink: let this SuperNode in; `replaces` is the node id of its life before, or 0."""

    party: str
    public: bytes
    replaces: int


class Admitted(Word, frozen=True, kw_only=True, tag="admitted"):
    """From the SuperLink, and on to the SuperNode: it may come online under this node id."""

    party: str
    node: int


class NodeUp(Word, frozen=True, kw_only=True, tag="node-up"):
    """From a SuperNode: it is online."""


class Garbage(Word, frozen=True, kw_only=True, tag="garbage"):
    """From a SuperNode, its last: its department sent bytes that answer nothing."""


class Joined(Word, frozen=True, kw_only=True, tag="joined"):
    """To the coordinator: a department can be reached.

    Attributes:
        session: which life of the department's process this is.
        node: the node id of its SuperNode.
        enrolment: the bodies of the frames it sent to enrol, for the coordinator to sign for.
    """

    party: str
    session: int
    node: int
    enrolment: tuple[bytes, ...] = ()


FROM_CARRIERS = LinkUp | NodeKey | Admitted | NodeUp | Garbage
TO_COORDINATOR = LinkUp | Joined | Notice

from_carriers = msgspec.msgpack.Decoder(FROM_CARRIERS)
to_link = msgspec.msgpack.Decoder(Serve | Admit)
to_node = msgspec.msgpack.Decoder(Admitted)
to_coordinator = msgspec.msgpack.Decoder(TO_COORDINATOR)


def encode(word: Word) -> bytes:
    """Serialise."""
    return msgspec.msgpack.encode(word)


def say(stream: socket.socket, word: Word) -> None:
    """Send one to the launcher."""
    stream.sendall(frame(encode(word)))


def hear(stream: socket.socket, decoder: msgspec.msgpack.Decoder[T]) -> T | None:
    """Wait for one from the launcher; None when it has closed.

    Raises:
        NodeError: something else came.
    """
    body = receive(stream)
    if body is None:
        return None
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as exc:
        raise NodeError("node.protocol", party="launcher") from exc
