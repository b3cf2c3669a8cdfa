"""A warm SuperNode: Flower's fleet interface on one side, one department's socket on the other, no Python in between.

It runs where there is a network, and holds neither data nor keys of the department; the department's process, which has
them, runs where there is none. Between the two passes what passes in the local runtime as well, byte for byte, through
the launcher's copy proxy: a request that the department checks against the roster, and a frame that its gateway has let
go. The ClientApp is the department's own and runs there; a bundle's code is never loaded, and a message of a run of any
other bundle than ours is refused.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time

import httpx
from flwr.app import ConfigRecord, Message, RecordDict

from federation.errors import NodeError
from federation.runtime import flower
from federation.runtime.frames import frame, receive
from federation.runtime.superlink import internals
from federation.runtime.superlink.fab import bundle_hash
from federation.runtime.superlink.notices import Garbage, LinkUp, NodeKey, NodeUp, hear, say, to_node

logger = logging.getLogger(__name__)

RECORD = "keyong-frame"
EXIT_FAILED = 70


def run_node(stream: socket.socket, department: socket.socket, link: LinkUp) -> int:
    """Carry messages until the department's socket closes; returns the exit status.

    Args:
        stream: the launcher's socket.
        department: the other end of the copy proxy before the department.
    """
    internals.be_quiet()
    fleet = internals.FleetNode(link.address, link.certificate)
    say(stream, NodeKey(public=fleet.public))
    admitted = hear(stream, to_node)
    if admitted is None:
        return 0
    fleet.activate()
    say(stream, NodeUp())
    node = WarmNode(fleet, department, bundle_hash())
    threading.Thread(target=node.bring, daemon=True).start()
    try:
        node.take_back()
        fleet.deactivate()
    except NodeError:
        logger.warning("the department sent bytes that are no answer")
        say(stream, Garbage())
        return EXIT_FAILED
    except httpx.HTTPError as error:
        logger.warning("the SuperLink cannot be reached: %s", type(error).__name__)
        return EXIT_FAILED
    return 0


class WarmNode:
    """Both directions of one department's messages."""

    def __init__(self, fleet: internals.FleetNode, department: socket.socket, bundle: str) -> None:
        """Prepare.

        Args:
            bundle: SHA-256 of the only app whose messages are passed on, hex.
        """
        self._fleet, self._department, self._bundle = fleet, department, bundle
        self._asked: dict[str, Message] = {}
        self._runs: dict[int, bool] = {}
        self._count = 0

    def bring(self) -> None:
        """Bring messages to the department for as long as this process lives; whatever fails ends it."""
        try:
            beat = time.monotonic()
            while True:
                message = self._fleet.pull()  # the door holds the question until there is one
                if message is not None:
                    self._pass_on(message)
                if time.monotonic() - beat > internals.HEARTBEAT_S:
                    self._fleet.heartbeat()
                    beat = time.monotonic()
        except Exception:
            logger.exception("no more messages can be brought")
        finally:
            os._exit(EXIT_FAILED)

    def _pass_on(self, message: Message) -> None:
        run = message.metadata.run_id
        if run not in self._runs:
            self._runs[run] = self._fleet.app_of(message) == self._bundle
        if not self._runs[run]:
            logger.warning("a message of another app was refused")
            self._fleet.push(internals.refusal(message))
            return
        self._asked[message.metadata.message_id] = message
        self._department.sendall(frame(flower.to_bytes(message)))

    def take_back(self) -> None:
        """Take the department's frames to the SuperLink until its socket closes.

        Raises:
            NodeError: it sent something that answers nothing.
        """
        while (body := receive(self._department)) is not None:
            asked = flower.from_bytes(body).metadata.reply_to_message_id
            if asked not in self._asked:
                raise NodeError("node.garbage", party="?")
            request = self._asked[asked]
            # One message at a time, in order: what came before and has no answer by now was refused.
            for earlier in list(self._asked):
                del self._asked[earlier]
                if earlier == asked:
                    break
            self._count += 1
            # The whole frame, as it was released and counted: the coordinator signs for these very bytes.
            content = RecordDict({RECORD: ConfigRecord({"body": body, "count": self._count})})
            self._fleet.push(Message(content, reply_to=request))
