"""The copy proxy between each department and the coordinator: forwards bytes and counts them, and nothing else passes.

It is the observer that is neither sender nor receiver: its counts stand beside the departments' own ledgers. It knows
nothing of frames or messages. `recv`, unlike `recvmsg`, takes no descriptors: what a party passes along with its bytes
is closed by the kernel.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from federation.governance.identity import write_whole

CHUNK = 1 << 16
MAX_BUFFER = 8 << 20  # stop reading from one side when the other lags by this much


@dataclass(slots=True, kw_only=True)
class Session:
    """One life of one department's process, and the bytes that passed between it and everybody else."""

    party: str
    number: int
    sent: int = 0
    received: int = 0
    ended: bool = False


class Counts:
    """Every session there ever was in this home, and the file they are kept in."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._dirty = False
        rows = json.loads(file.read_text()) if file.exists() else []
        self._sessions = [
            Session(party=r["party"], number=r["session"], sent=r["sent"], received=r["received"], ended=True)
            for r in rows
        ]

    @property
    def dirty(self) -> bool:
        """Whether there is something to save."""
        return self._dirty

    def begin(self, party: str) -> Session:
        """Begin a party's next session."""
        session = Session(party=party, number=1 + sum(s.party == party for s in self._sessions))
        self._sessions.append(session)
        return session

    def add(self, session: Session, *, sent: int = 0, received: int = 0) -> None:
        """Count bytes that a party sent or received."""
        session.sent += sent
        session.received += received
        self._dirty = True

    def end(self, session: Session) -> None:
        """Mark a session as over."""
        session.ended = self._dirty = True

    def save(self) -> None:
        """Write the counts down if they changed."""
        if not self._dirty:
            return
        rows = [
            {"party": s.party, "session": s.number, "sent": s.sent, "received": s.received, "ended": s.ended}
            for s in self._sessions
        ]
        # A full disk must not end the launcher: the counts stay in memory and are written when there is room.
        with contextlib.suppress(OSError):
            write_whole(self._file, json.dumps(rows).encode())
            self._dirty = False


@dataclass(slots=True, kw_only=True)
class Link:
    """A department's two ends: its own socket, and the one whose other end the coordinator holds.

    Attributes:
        outward: read from the department, not yet written to the coordinator.
        inward: the other way round.
    """

    session: Session
    inner: socket.socket
    outer: socket.socket
    outward: bytearray = field(default_factory=bytearray)
    inward: bytearray = field(default_factory=bytearray)


class CopyProxy:
    """All links, driven by the launcher's one selector."""

    def __init__(self, selector: selectors.BaseSelector, counts: Counts, deserted: Callable[[str], None]) -> None:
        """Begin without links.

        Args:
            deserted: called with a department's name when the coordinator has closed its side.
        """
        self._selector, self._counts, self._deserted = selector, counts, deserted
        self._links: dict[str, Link] = {}

    def __contains__(self, party: str) -> bool:
        return party in self._links

    def join(self, session: Session, inner: socket.socket) -> socket.socket:
        """Link a department up; returns the end for the coordinator."""
        outer, far = socket.socketpair()
        for stream in (inner, outer):
            stream.setblocking(False)
        link = Link(session=session, inner=inner, outer=outer)
        self._links[session.party] = link
        self._watch(link)
        return far

    def drain(self, party: str) -> None:
        """Bring on what a department that has ended still had to say."""
        link = self._links.get(party)
        if link is not None:
            self._read(link, link.inner, link.outward, outward=True)
            self._flush(link)

    def part(self, party: str) -> None:
        """Close the coordinator's side of a link; the department's socket is its process's affair."""
        link = self._links.pop(party, None)
        if link is not None:
            self._forget(link)
            link.outer.close()

    def part_all(self) -> None:
        """End every link."""
        for party in list(self._links):
            self.drain(party)
            self.part(party)

    def _watch(self, link: Link) -> None:
        """Ask for what each end can do next: take more in, or give more out."""
        for stream, taken, given in ((link.inner, link.outward, link.inward), (link.outer, link.inward, link.outward)):
            wanted = selectors.EVENT_READ if len(taken) < MAX_BUFFER else 0
            wanted |= selectors.EVENT_WRITE if given else 0
            known = self._selector.get_map().get(stream)
            if known is not None and known.events != wanted:
                self._selector.unregister(stream)
            if wanted and (known is None or known.events != wanted):
                self._selector.register(stream, wanted, lambda: self._move(link))

    def _move(self, link: Link) -> None:
        if self._links.get(link.session.party) is not link:
            return
        alive = self._read(link, link.inner, link.outward, outward=True)
        wanted = self._read(link, link.outer, link.inward, outward=False)
        self._flush(link)
        if alive and wanted:
            self._watch(link)
            return
        self._forget(link)  # the end of whoever closed is the launcher's to notice
        if alive:
            self._deserted(link.session.party)

    def _read(self, link: Link, source: socket.socket, buffer: bytearray, *, outward: bool) -> bool:
        """Take in what is there, up to the limit; False at the end of the stream."""
        while len(buffer) < MAX_BUFFER:
            try:
                data = source.recv(CHUNK)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not data:
                return False
            buffer += data
            self._counts.add(link.session, **{"sent" if outward else "received": len(data)})
        return True

    def _flush(self, link: Link) -> None:
        for stream, buffer in ((link.outer, link.outward), (link.inner, link.inward)):
            with contextlib.suppress(OSError):  # full for now, or closed: the reading side will tell
                while buffer:
                    del buffer[: stream.send(buffer[: 1 << 20])]

    def _forget(self, link: Link) -> None:
        for stream in (link.inner, link.outer):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(stream)
