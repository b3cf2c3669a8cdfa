"""The door of the SuperLink: what a SuperNode may reach, and how long it may wait there for news.

Flower serves everything on one port and, in its open edition, asks nobody who wants to submit a run or let a node in.
Here whoever shows no opening finds the fleet interface, which Flower itself authenticates, and nothing else. An opening
is an Ed25519 signature (RFC 8032) of the coordinator over the SuperLink's certificate: no secret is handed round, and
what was shown to one SuperLink opens no other. Only its TLS keeps it, so it is good for that SuperLink's one life.

And since Flower's nodes ask again and again, a question for messages is held until there is one: a message is on its
way within milliseconds, and a federation at rest costs next to nothing.
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from crypto.errors import SignatureError
from crypto.signing import SigningKey, verify

Scope = MutableMapping[str, Any]  # ASGI's own types
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPENING_HEADER = "x-keyong-opening"
FLEET = "/v1/fleet/"
HEALTH = "/health"
# Less than the 30 seconds after which Flower's clients give up.
NODES_WAIT_S = 10.0
# The coordinator looks between two questions whether a department has gone.
COORDINATOR_WAITS_S = 0.2
HELD = {"/v1/fleet/pull-messages": NODES_WAIT_S, "/v1/runtime/pull-messages": COORDINATOR_WAITS_S}
# What is pushed here, somebody may be waiting for there.
NEWS = {
    "/v1/runtime/push-messages": "/v1/fleet/pull-messages",
    "/v1/fleet/push-messages": "/v1/runtime/pull-messages",
}
MAX_QUESTION = 1 << 20


def opening(key: SigningKey, certificate: bytes) -> str:
    """Make what opens the door of the SuperLink that has this certificate."""
    return key.sign(_statement(certificate)).hex()


def _statement(certificate: bytes) -> bytes:
    return b"keyong\ndoor of a SuperLink\n" + hashlib.sha256(certificate).digest()


class Door:
    """Stands before the SuperLink's ASGI app."""

    def __init__(self, app: App, holders: Collection[bytes], certificate: bytes) -> None:
        """Prepare.

        Args:
            holders: the public keys whose signature opens.
            certificate: the SuperLink's own, PEM.
        """
        self._app, self._holders, self._statement = app, holders, _statement(certificate)
        self._news = {path: asyncio.Event() for path in HELD}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, hold it, or turn it away."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if not (path.startswith(FLEET) or path == HEALTH or self._is_open_to(scope)):
            await _answer(send, 404, b"")
        elif path in HELD:
            await self._hold(scope, receive, send, HELD[path])
        else:
            await self._app(scope, receive, send)
            if path in NEWS:
                self._tell(NEWS[path])

    def _is_open_to(self, scope: Scope) -> bool:
        shown = [value for name, value in scope["headers"] if name == OPENING_HEADER.encode()]
        for value in shown:
            for holder in self._holders:
                try:
                    verify(holder, self._statement, binascii.unhexlify(value))
                except (SignatureError, binascii.Error):
                    continue
                return True
        return False

    def _tell(self, path: str) -> None:
        self._news[path].set()
        self._news[path] = asyncio.Event()

    async def _hold(self, scope: Scope, receive: Receive, send: Send, seconds: float) -> None:
        question = await _whole(receive)
        if question is None:
            await _answer(send, 413, b"")
            return
        end = asyncio.get_running_loop().time() + seconds
        while True:
            news = self._news[scope["path"]]
            answer = await self._ask(scope, question)
            left = end - asyncio.get_running_loop().time()
            # An empty protobuf message is no bytes: there is nothing.
            if left <= 0 or answer[0]["status"] != 200 or any(event.get("body") for event in answer[1:]):
                for event in answer:
                    await send(event)
                return
            try:
                async with asyncio.timeout(left):
                    await news.wait()
            except TimeoutError:
                continue

    async def _ask(self, scope: Scope, question: bytes) -> list[Event]:
        """Put a question to the SuperLink, as often as need be; returns the events of its answer."""
        asked = False
        answer: list[Event] = []

        async def receive() -> Event:
            nonlocal asked
            if asked:
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": question, "more_body": False}

        async def keep(event: Event) -> None:
            answer.append(event)

        await self._app({**scope, "state": dict(scope.get("state", {}))}, receive, keep)
        return answer


async def _whole(receive: Receive) -> bytes | None:
    """Take in the body of a request; None if it is larger than such a question is."""
    body = bytearray()
    while len(body) <= MAX_QUESTION:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            return bytes(body)
    return None


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
