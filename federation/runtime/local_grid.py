"""A Flower Grid over socket pairs: every department is a process, every message is serialised.

The launcher hands over one end of a socket pair when a department has come up, and says why one went down. Between
the two ends stands the launcher's copy proxy, which counts bytes and forwards nothing but bytes.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterable, Sequence
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

import msgspec
from flwr.app import Message, RecordDict
from flwr.serverapp import Grid

from federation.coordinator.receipts import ENROLMENT, Receipts
from federation.errors import NodeError
from federation.messages import Envelope
from federation.node.client_app import unpack
from federation.runtime import flower
from federation.runtime.frames import HEADER, FrameReader, frame

if TYPE_CHECKING:
    from flwr.supercore.run import Run

logger = logging.getLogger(__name__)

RUN_ID = 1
CHUNK = 1 << 20


class Notice(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="notice"):
    """The launcher's word about a department.

    Attributes:
        code: "" when it is up (its socket comes along), else the code of the error that ended it.
        session: which life of its process this is.
        enrolment: the bodies of the frames it sent to enrol, for the coordinator to sign for.
    """

    party: str
    code: str = ""
    session: int = 0
    enrolment: tuple[bytes, ...] = ()


class _Link:
    def __init__(self, stream: socket.socket, session: int) -> None:
        self.stream, self.reader, self.session = stream, FrameReader(), session


class LocalGrid(Grid):
    """The coordinator's side of every department's socket."""

    def __init__(self, parties: Sequence[str], notices: socket.socket, receipts: Receipts) -> None:
        """Begin with nobody there.

        Args:
            parties: the departments; their node ids are 2, 3, ... in this order.
            notices: a packet socket on which the launcher sends `Notice`s.
            receipts: told of every frame that arrives.
        """
        self._receipts = receipts
        self._nodes = {party: node for node, party in enumerate(parties, flower.COORDINATOR_NODE + 1)}
        self._names = {node: party for party, node in self._nodes.items()}
        self._notices = notices
        self._links: dict[str, _Link] = {}
        self._gone: dict[str, str] = {}
        self._waiting: dict[str, int] = {}
        self._arrived: dict[str, Message] = {}
        flower.identify_task(RUN_ID)
        self._run = flower.empty_run(RUN_ID)

    # -- departments by name --------------------------------------------------------------------------------------

    def node_of(self, party: str) -> int | None:
        """The node id of a department that is there now."""
        self._poll(0)
        return self._nodes[party] if party in self._links else None

    def why_gone(self, party: str) -> str:
        """The code of what became of a department since the last request to it; "" if it is only slow."""
        return self._gone.get(party, "")

    def wait_for(self, parties: Iterable[str], deadline_s: float) -> None:
        """Wait until these departments are there, or the deadline has passed."""
        end, missing = time.monotonic() + deadline_s, set(parties)
        while (missing := missing - self._links.keys()) and time.monotonic() < end:
            self._poll(end - time.monotonic())

    # -- flwr.serverapp.Grid --------------------------------------------------------------------------------------

    def set_run(self, run: Run) -> None:
        """Take the run to serve."""
        self._run = run

    @property
    def run(self) -> Run:
        """The run that is served."""
        return self._run

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Make a request."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> list[int]:
        """The departments that are there."""
        self._poll(0)
        return [self._nodes[party] for party in self._links]

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        """Send requests; returns their ids."""
        ids = []
        for message in messages:
            flower.stamp(message, RUN_ID)
            node, name = message.metadata.dst_node_id, message.metadata.message_id
            self._waiting[name] = node
            ids.append(name)
            self._gone.pop(self._names[node], None)
            self._send(self._names[node], frame(flower.to_bytes(message)))
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> list[Message]:
        """Return the replies that have come to these requests."""
        self._poll(0)
        return [self._arrived.pop(name) for name in message_ids if name in self._arrived]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        """Send requests and wait for their replies, until the timeout or until all who miss are gone."""
        ids = self.push_messages(messages)
        end = time.monotonic() + (3600.0 if timeout is None else timeout)
        while self._still_waiting(ids) and time.monotonic() < end:
            self._poll(max(0.0, end - time.monotonic()))
        for name in ids:
            self._waiting.pop(name, None)  # a reply that comes later belongs to nobody
        return [self._arrived.pop(name) for name in ids if name in self._arrived]

    # -- sockets --------------------------------------------------------------------------------------------------

    def _still_waiting(self, ids: Sequence[str]) -> bool:
        return any(name in self._waiting and self._names[self._waiting[name]] in self._links for name in ids)

    def _send(self, party: str, data: bytes) -> None:
        link = self._links.get(party)
        if link is None:
            return
        try:
            link.stream.sendall(data)
        except OSError:
            self._drop(party, "node.gone")

    def _poll(self, timeout: float) -> None:
        """Take in what has arrived; waits up to `timeout` seconds for the first of it."""
        streams = {party: link.stream for party, link in self._links.items()}
        ready = wait([self._notices, *streams.values()], max(0.0, timeout))
        for party, stream in streams.items():
            if stream in ready and party in self._links:
                self._take(party)
        # After the streams: a department's last words come before the notice of its end.
        if self._notices in ready:
            self._take_notice()

    def _take(self, party: str) -> None:
        link = self._links[party]
        try:
            data = link.stream.recv(CHUNK)
            bodies = link.reader.feed(data)
            if not data:
                self._drop(party, "node.gone")
            for body in bodies:
                reply = flower.from_bytes(body)
                self._receipts.take(party, link.session, message_number(reply), HEADER.size + len(body))
                self._arrive(party, reply)
        except NodeError as error:
            # What comes after garbage cannot be told from garbage: the link is closed for good.
            logger.warning("%s sent bytes that are no message", party)
            self._drop(party, error.code)
        except OSError:
            self._drop(party, "node.gone")

    def _arrive(self, party: str, reply: Message) -> None:
        name = reply.metadata.reply_to_message_id
        if self._waiting.get(name) == self._nodes[party]:
            del self._waiting[name]
            # The node is who the socket says it is, not who the message says.
            reply.metadata.__dict__["_src_node_id"] = self._nodes[party]
            self._arrived[name] = reply
        else:
            logger.warning("%s sent a reply that nobody waits for", party)

    def _drop(self, party: str, code: str) -> None:
        link = self._links.pop(party, None)
        if link is not None:
            link.stream.close()
        # The first reason is the cause, what follows is the consequence; but any reason is better than none.
        if self._gone.get(party, "node.gone") == "node.gone":
            self._gone[party] = code

    def _take_notice(self) -> None:
        data, descriptors, _, _ = socket.recv_fds(self._notices, 65536, 1)
        if not data:
            raise SystemExit(0)  # the launcher is gone, and we with it
        notice = msgspec.msgpack.decode(data, type=Notice)
        if notice.code and notice.session:
            self._gone[notice.party] = notice.code  # its next life ended before it was linked: that is why now
        elif notice.code:
            self._drop(notice.party, notice.code)
        for body in notice.enrolment:
            self._receipts.take(notice.party, notice.session, ENROLMENT, HEADER.size + len(body))
        for descriptor in descriptors:
            self._links[notice.party] = _Link(socket.socket(fileno=descriptor), notice.session)


def message_number(reply: Message) -> str:
    """The number of the message that a frame carries; "?" if it carries none of ours."""
    try:
        return Envelope.from_bytes(unpack(reply.content).envelope).header.number
    except (NodeError, ValueError):
        return "?"
