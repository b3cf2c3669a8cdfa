"""The coordinator's side: one Flower run that lasts, on Flower's own grid, with departments known by name."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

import httpx
from flwr.app import ConfigRecord, Message, RecordDict
from flwr.serverapp import Grid

from crypto.signing import SigningKey
from federation.coordinator.receipts import ENROLMENT, Receipts
from federation.errors import NodeError
from federation.runtime import flower
from federation.runtime.frames import HEADER
from federation.runtime.local_grid import Notice, message_number
from federation.runtime.superlink import internals
from federation.runtime.superlink.door import opening
from federation.runtime.superlink.fab import bundle
from federation.runtime.superlink.node import EXIT_FAILED, RECORD
from federation.runtime.superlink.notices import Joined, LinkUp, to_coordinator

if TYPE_CHECKING:
    from flwr.supercore.run import Run

logger = logging.getLogger(__name__)

MAX_NOTICE = 1 << 16


class _Department:
    """A department that is there.

    Attributes:
        asked: its messages without an answer, in the order they were sent.
        early: frames that came before the one that precedes them.
        count: how many frames have been taken.
    """

    def __init__(self, node: int, session: int) -> None:
        self.node, self.session = node, session
        self.asked: dict[str, None] = {}
        self.early: dict[int, Message] = {}
        self.count = 0


class SuperLinkGrid(Grid):
    """Implements Flower's `Grid` and our `Nodes` over one run of a SuperLink."""

    def __init__(self, notices: socket.socket, receipts: Receipts, key: SigningKey) -> None:
        """Begin with nobody there.

        Args:
            notices: a packet socket on which the launcher says who is.
            receipts: told of every frame that arrives.
            key: the coordinator's, which opens the SuperLink's door.
        """
        self._notices, self._receipts, self._key = notices, receipts, key
        self._link: internals.HttpGrid | None = None
        self._departments: dict[str, _Department] = {}
        self._gone: dict[str, str] = {}
        self._arrived: dict[str, Message] = {}

    # -- departments by name --------------------------------------------------------------------------------------

    def node_of(self, party: str) -> int | None:
        """The node id of a department that is there now."""
        self._poll(0)
        return self._departments[party].node if party in self._departments else None

    def why_gone(self, party: str) -> str:
        """The code of what became of a department since the last request to it; "" if it is only slow."""
        return self._gone.get(party, "")

    def wait_for(self, parties: Iterable[str], deadline_s: float) -> None:
        """Wait until these departments are there, or the deadline has passed."""
        end, missing = time.monotonic() + deadline_s, set(parties)
        while (missing := missing - self._departments.keys()) and time.monotonic() < end:
            self._poll(end - time.monotonic())

    # -- flwr.serverapp.Grid --------------------------------------------------------------------------------------

    def set_run(self, run: Run) -> None:
        """Take the run to serve."""
        self._grid.set_run(run)

    @property
    def run(self) -> Run:
        """The run that is served."""
        run: Run = self._grid.run
        return run

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Make a request."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> list[int]:
        """The departments that are there."""
        self._poll(0)
        return [department.node for department in self._departments.values()]

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        """Send requests; returns their ids."""
        messages = list(messages)
        nodes = {department.node: party for party, department in self._departments.items()}
        with _ending_without_link():
            ids = list(self._grid.push_messages(messages))
        for name, message in zip(ids, messages, strict=True):
            party = nodes.get(message.metadata.dst_node_id)
            if party is not None:
                self._gone.pop(party, None)
                self._departments[party].asked[name] = None
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> list[Message]:
        """Return the replies that have come to these requests; waits a moment for the first."""
        self._pull()
        return [self._arrived.pop(name) for name in message_ids if name in self._arrived]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        """Send requests and wait for their replies, until the timeout or until all who miss are gone."""
        self._arrived.clear()  # a reply that came too late belongs to nobody
        self._poll(0)
        ids = self.push_messages(messages)
        end = time.monotonic() + (3600.0 if timeout is None else timeout)
        while self._still_waiting(ids) and time.monotonic() < end:
            self._pull()
            self._poll(0)
        return [self._arrived.pop(name) for name in ids if name in self._arrived]

    # -- replies --------------------------------------------------------------------------------------------------

    @property
    def _grid(self) -> internals.HttpGrid:
        if self._link is None:
            raise RuntimeError("there is no SuperLink yet")
        return self._link

    def _still_waiting(self, ids: Iterable[str]) -> bool:
        asked = {name for department in self._departments.values() for name in department.asked}
        return not asked.isdisjoint(ids)

    def _pull(self) -> None:
        """Take in the replies that are there, those that came too late among them: each is signed for."""
        asked = {name: party for party, department in self._departments.items() for name in department.asked}
        if not asked:
            return
        with _ending_without_link():
            replies = list(self._grid.pull_messages(asked))
        for reply in replies:
            party = asked[reply.metadata.reply_to_message_id]
            department = self._departments.get(party)
            if department is None:
                continue
            try:
                count, _ = _frame(reply)
            except NodeError as error:
                self._drop(party, error.code)
                continue
            department.early[count] = reply
            while department.count + 1 in department.early:
                department.count += 1
                self._arrive(party, department, department.early.pop(department.count))

    def _arrive(self, party: str, department: _Department, reply: Message) -> None:
        _, body = _frame(reply)
        name = reply.metadata.reply_to_message_id
        try:
            answer = flower.from_bytes(body)
        except NodeError as error:
            self._drop(party, error.code)
            return
        self._receipts.take(party, department.session, message_number(answer), HEADER.size + len(body))
        # One message at a time, in order: what was asked before and has no answer by now was refused.
        for earlier in list(department.asked):
            del department.asked[earlier]
            if earlier == name:
                break
        answer.metadata.__dict__["_src_node_id"] = department.node
        self._arrived[name] = answer

    # -- the launcher's word --------------------------------------------------------------------------------------

    def _poll(self, timeout: float) -> None:
        """Take in what the launcher has said; waits up to `timeout` seconds for the first of it."""
        while wait([self._notices], max(0.0, timeout)):
            self._take_notice()
            timeout = 0

    def _take_notice(self) -> None:
        data = self._notices.recv(MAX_NOTICE)
        if not data:
            raise SystemExit(0)  # the launcher is gone, and we with it
        match to_coordinator.decode(data):
            case LinkUp(address=address, certificate=certificate):
                # Flower ends a ServerApp whose run has ended by this signal; we end, and everybody begins anew.
                internals.be_quiet()
                signal.signal(signal.SIGINT, lambda *_: os._exit(EXIT_FAILED))
                shown = opening(self._key, certificate)
                internals.Control(address, certificate, shown).start_run(bundle())
                self._link = internals.take_run(address, certificate, shown)
            case Joined() as joined:
                for body in joined.enrolment:
                    self._receipts.take(joined.party, joined.session, ENROLMENT, HEADER.size + len(body))
                self._departments[joined.party] = _Department(joined.node, joined.session)
            case Notice(party=party, code=code, session=session):
                if session:
                    self._gone[party] = code  # its next life ended before it was linked: that is why now
                else:
                    self._drop(party, code)

    def _drop(self, party: str, code: str) -> None:
        self._departments.pop(party, None)
        # The first reason is the cause, what follows is the consequence; but any reason is better than none.
        if self._gone.get(party, "node.gone") == "node.gone":
            self._gone[party] = code


@contextlib.contextmanager
def _ending_without_link() -> Iterator[None]:
    """End the process if the SuperLink does not answer: everybody begins anew, as the launcher will see to."""
    try:
        yield
    except httpx.HTTPError as error:
        logger.error("the SuperLink is gone: %s", type(error).__name__)
        os._exit(EXIT_FAILED)


def _frame(reply: Message) -> tuple[int, bytes]:
    """The count and the body of the frame that a SuperNode passed on.

    Raises:
        NodeError: there is none; of an error of Flower's the node is gone.
    """
    if reply.has_error():
        raise NodeError("node.gone", party="?")
    record = reply.content.get(RECORD)
    if isinstance(record, ConfigRecord):
        count, body = record.get("count"), record.get("body")
        if isinstance(count, int) and isinstance(body, bytes):
            return count, body
    raise NodeError("node.garbage", party="?")
