"""What a department and its bench say to each other, over a SOCK_SEQPACKET pair.

An errand travels with one descriptor for each file that it names; its answer is a `Ran` in a descriptor of its own,
since a packet may be smaller than a result. Whatever else the department says, or its end, means to stop. Every errand
has one answer.
"""

from __future__ import annotations

import os
import socket

import msgspec

from federation.errors import NodeError
from federation.sandbox.descriptors import in_memory
from federation.sandbox.limits import Limits, Ran

STOP = b"stop"
MAX_PACKET = 1 << 16
# What the kernel passes in one packet (SCM_MAX_FD).
MAX_DESCRIPTORS = 253


class Errand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One script to run.

    Attributes:
        files: names of its files in the order of their descriptors; the first one is run.
        data: names of what it is given to read, whose descriptors follow.
    """

    files: tuple[str, ...]
    data: tuple[str, ...]
    limits: Limits


def send_ran(stream: socket.socket, ran: Ran) -> None:
    """Answer an errand."""
    with in_memory({"ran": msgspec.msgpack.encode(ran)}) as made:
        socket.send_fds(stream, [b"ran"], list(made.values()))


def receive_ran(stream: socket.socket) -> Ran:
    """Wait for the answer to an errand.

    Raises:
        NodeError: the bench is gone.
    """
    try:
        _, descriptors, _, _ = socket.recv_fds(stream, MAX_PACKET, 1)
    except ConnectionError:
        descriptors = []
    if not descriptors:
        raise NodeError("node.gone", party="bench")
    with os.fdopen(descriptors[0], "rb") as file:
        file.seek(0)
        return msgspec.msgpack.decode(file.read(), type=Ran)
