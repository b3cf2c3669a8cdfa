"""The SuperLink and the SuperNodes as the launcher keeps them: started, admitted, replaced, seen out.

The copy proxy stays where it is, before every department; behind it stands the department's SuperNode instead of the
coordinator. A department and its SuperNode live and die together; without the SuperLink everybody begins anew.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from federation.errors import NodeError
from federation.runtime.local_grid import Notice
from federation.runtime.superlink.notices import (
    Admit,
    Admitted,
    Garbage,
    Joined,
    LinkUp,
    NodeKey,
    NodeUp,
    Serve,
    Word,
    from_carriers,
)

if TYPE_CHECKING:
    from federation.runtime.launcher import Party, Starter

SUPERLINK = "superlink"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriers:
    """How to run them.

    Attributes:
        link: the SuperLink.
        node: a SuperNode, from its end of the department's link and what the SuperLink said of itself.
    """

    link: Starter
    node: Callable[[socket.socket, LinkUp], Starter]


class Fleet:
    """One SuperLink, and a SuperNode for every department that is linked."""

    def __init__(
        self,
        carriers: Carriers,
        *,
        new: Callable[[str, str], Party],
        start: Callable[[Party, Starter], None],
        say: Callable[[Party, Word], None],
        tell: Callable[[Word | Notice], None],
    ) -> None:
        """Begin with nobody started.

        Args:
            new: makes a party of a name and a role.
            start: forks it.
            say: tells it something.
            tell: tells the coordinator.
        """
        self._carriers, self._new, self._start, self._say, self._tell = carriers, new, start, say, tell
        self.link = new(SUPERLINK, "superlink")
        self.up: LinkUp | None = None
        self.nodes: dict[str, Party] = {}
        self._departments: dict[str, Party] = {}
        self._ids: dict[str, int] = {}
        self._online: set[str] = set()

    def everybody(self) -> list[Party]:
        """The SuperLink and the SuperNodes there are or were last."""
        return [self.link, *self.nodes.values()]

    def begin(self, coordinator: bytes) -> None:
        """Start the SuperLink, or again if it ended, to serve this coordinator."""
        self._ids.clear()
        self._start(self.link, self._carriers.link)
        self._say(self.link, Serve(coordinator=coordinator))

    def carry(self, department: Party, end: socket.socket) -> None:
        """Put a SuperNode behind a department.

        Args:
            end: of the copy proxy before the department.
        """
        if self.up is None:
            raise RuntimeError("a SuperNode needs a SuperLink")
        node = self._new(f"node-{department.name}", "supernode")
        self.nodes[department.name], self._departments[node.name] = node, department
        self._online.discard(department.name)
        self._start(node, self._carriers.node(end, self.up))

    def heard(self, party: Party, body: bytes) -> bool:
        """Take in what the SuperLink or a SuperNode says; True if it is now up.

        Raises:
            NodeError: it said something out of turn.
        """
        try:
            word = from_carriers.decode(body)
        except msgspec.MsgspecError as exc:
            raise NodeError("node.protocol", party=party.name) from exc
        department = self._departments.get(party.name)
        match word:
            case LinkUp() if party is self.link:
                self.up = word
                return True
            case Admitted() if party is self.link and word.party in self.nodes:
                self._ids[word.party] = word.node
                self._say(self.nodes[word.party], word)
                return False
            case NodeKey() if department is not None:
                replaces = self._ids.pop(department.name, 0)
                self._say(self.link, Admit(party=department.name, public=word.public, replaces=replaces))
                return False
            case NodeUp() if department is not None and department.session is not None:
                self._online.add(department.name)
                enrolment = tuple(department.enrolment)
                number, node = department.session.number, self._ids[department.name]
                self._tell(Joined(party=department.name, session=number, node=node, enrolment=enrolment))
                return True
            case Garbage() if department is not None:
                # Now, not when it has ended: the department's end would be heard of first, and taken for the reason.
                self._tell(Notice(party=department.name, code="node.garbage"))
                return False
        raise NodeError("node.protocol", party=party.name)

    def lost(self) -> None:
        """Take note that the SuperLink has ended."""
        self.up = None

    def introduce(self) -> None:
        """Tell a coordinator that has just come up where the SuperLink is."""
        if self.up is not None:
            self._tell(self.up)

    def carries(self, department: str) -> bool:
        """Whether a department's SuperNode is online."""
        return department in self._online

    def is_leaving(self, department: str) -> bool:
        """Whether the SuperNode of a department's life before has still to end."""
        node = self.nodes.get(department)
        return node is not None and node.pid != 0
