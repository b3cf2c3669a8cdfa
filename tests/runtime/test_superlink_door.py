"""The SuperLink's door: fleet paths are open to nodes, everything else to who holds a key; questions wait for news."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest

from crypto.signing import SigningKey
from federation.runtime.superlink import door
from federation.runtime.superlink.certificate import make_certificate
from federation.runtime.superlink.door import OPENING_HEADER, Door, opening

COORDINATOR = SigningKey.generate()
CERTIFICATE, _ = make_certificate(datetime.now(UTC))
OPENING = opening(COORDINATOR, CERTIFICATE)
PULL, PUSH = "/v1/fleet/pull-messages", "/v1/runtime/push-messages"


class Mailbox:
    """An ASGI app with one box: what is pushed can be pulled once; it answers everything else with its path."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []
        self.asked = 0

    async def __call__(self, scope, receive, send):
        body = b""
        while (event := await receive()).get("more_body") or event.get("body"):
            body += event["body"]
            if not event.get("more_body"):
                break
        answer = scope["path"].encode()
        if scope["path"] in (PUSH, "/v1/fleet/push-messages"):
            self.letters.append(body)
        elif "pull-messages" in scope["path"]:
            self.asked += 1
            answer = self.letters.pop() if self.letters else b""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer})


def ask(app, path: str, headers=None, *, body: bytes = b"?") -> httpx.Response:
    async def post() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://link") as client:
            return await client.post(path, content=body, headers=headers)

    return run(post())


def run(coroutine):
    # In a thread: this one may have a running loop, as the browser tests' client leaves it one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setitem(door.HELD, PULL, 0.05)
    return Door(Mailbox(), (COORDINATOR.public,), CERTIFICATE)


@pytest.mark.parametrize("path", ["/v1/fleet/activate-node", PULL, "/health"])
def test_nodes_find_the_fleet_interface_without_an_opening(guarded, path):
    assert ask(guarded, path).status_code == 200


INSIDE = ["/v1/control/start-run", "/v1/control/register-node", "/v1/runtime/acquire-task", PUSH, "/docs", "/", ""]


@pytest.mark.parametrize("path", [*INSIDE, "/v1/fleet", "/v1//fleet/x", "/V1/FLEET/x", "/healthy", "/v1/responses"])
def test_nodes_find_nothing_else(guarded, path):
    assert ask(guarded, path).status_code == 404


@pytest.mark.parametrize("path", INSIDE[:-1])
def test_the_coordinator_finds_everything(guarded, path):
    assert ask(guarded, path, {OPENING_HEADER: OPENING}).status_code == 200


OTHER_CERTIFICATE, _ = make_certificate(datetime.now(UTC))


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "00" * 64,
        OPENING[:-2],
        OPENING + "00",
        "zz" * 64,
        opening(SigningKey.generate(), CERTIFICATE),
        opening(COORDINATOR, OTHER_CERTIFICATE),
        COORDINATOR.sign(CERTIFICATE).hex(),
    ],
    ids=["empty", "zeros", "short", "long", "no hex", "another key", "another SuperLink", "another statement"],
)
def test_what_is_no_opening_opens_nothing(guarded, shown):
    assert ask(guarded, "/v1/control/start-run", {OPENING_HEADER: shown}).status_code == 404


def test_a_path_that_climbs_out_of_the_fleet_interface_is_not_taken_for_it(guarded):
    # The router below takes the path as it is: it must not be read here in another way than there.
    response = ask(guarded, "/v1/fleet/%2e%2e/control/start-run")
    assert response.status_code == 404 or response.content == b"/v1/fleet/../control/start-run"


def test_a_question_is_held_until_there_is_news(monkeypatch):
    monkeypatch.setitem(door.HELD, PULL, 30.0)
    mailbox = Mailbox()
    guarded = Door(mailbox, (COORDINATOR.public,), CERTIFICATE)

    async def exchange() -> tuple[bool, bytes]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="https://link") as client:
            asking = asyncio.create_task(client.post(PULL, content=b"?"))
            while not mailbox.asked:
                await asyncio.sleep(0)
            early = asking.done()
            await client.post(PUSH, content=b"news", headers={OPENING_HEADER: OPENING})
            return early, (await asyncio.wait_for(asking, 5)).content

    assert run(exchange()) == (False, b"news")
    assert mailbox.asked == 2  # once in vain, once after the news: it did not ask in between


def test_a_question_without_news_is_answered_empty_after_its_time(guarded):
    response = ask(guarded, PULL)
    assert (response.status_code, response.content) == (200, b"")


def test_a_question_larger_than_questions_are_is_turned_away(guarded):
    assert ask(guarded, PULL, body=b"x" * (door.MAX_QUESTION + 1)).status_code == 413
