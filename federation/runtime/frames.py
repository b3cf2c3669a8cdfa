"""Frames on a stream: four bytes of length, big-endian, then the body."""

from __future__ import annotations

import socket
import struct

from federation.errors import NodeError
from federation.messages import MAX_MESSAGE_BYTES

HEADER = struct.Struct(">I")


def frame(body: bytes) -> bytes:
    """Put a length before the body."""
    return HEADER.pack(len(body)) + body


class FrameReader:
    """Collects what arrives until frames are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes in, return the bodies that are now complete.

        Raises:
            NodeError: a length that no message has; the stream is of no use any more.
        """
        self._buffer += data
        bodies = []
        while len(self._buffer) >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer)
            if length > MAX_MESSAGE_BYTES:
                raise NodeError("node.garbage", party="?")
            end = HEADER.size + length
            if len(self._buffer) < end:
                break
            bodies.append(bytes(self._buffer[HEADER.size : end]))
            del self._buffer[:end]
        return bodies


def receive(stream: socket.socket) -> bytes | None:
    """Wait for one frame; None when the other side has closed.

    Raises:
        NodeError: a length that no message has, or the stream ended within a frame.
    """
    head = _exactly(stream, HEADER.size)
    if head is None:
        return None
    (length,) = HEADER.unpack(head)
    if length > MAX_MESSAGE_BYTES:
        raise NodeError("node.garbage", party="?")
    body = _exactly(stream, length)
    if body is None:
        raise NodeError("node.garbage", party="?")
    return body


def _exactly(stream: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = stream.recv(min(count - len(parts), 1 << 20))
        if not part:
            if parts:
                raise NodeError("node.garbage", party="?")
            return None
        parts += part
    return bytes(parts)
