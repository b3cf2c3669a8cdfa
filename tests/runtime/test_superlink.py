"""The SuperLink and a warm SuperNode, as processes, with a department that only says what it is told.

These are the names of Flower that it does not call public: they must go on meaning what we take them for.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from flwr.app import ConfigRecord, Message, RecordDict
from flwr.proto.fleet_pb2 import RegisterNodeFleetRequest

from crypto.sealing import BoxKey
from crypto.signing import SigningKey
from federation.coordinator.receipts import Receipts
from federation.governance.identity import Identity
from federation.messages import Failure, Header, Packet
from federation.node.client_app import pack
from federation.runtime import flower
from federation.runtime.frames import HEADER, frame, receive
from federation.runtime.local_grid import message_number
from federation.runtime.superlink import fab, internals
from federation.runtime.superlink.door import opening
from federation.runtime.superlink.grid import SuperLinkGrid
from federation.runtime.superlink.link import run_link
from federation.runtime.superlink.node import RECORD, WarmNode, run_node
from federation.runtime.superlink.notices import (
    Admit,
    Admitted,
    Joined,
    LinkUp,
    NodeKey,
    NodeUp,
    Serve,
    encode,
    from_carriers,
    hear,
    say,
)

pytestmark = pytest.mark.xdist_group("superlink")
fork = multiprocessing.get_context("fork")
KEY = SigningKey.generate()
HEADER_OF_ALL = {
    "origin": "keyong.local/0123456789abcdef",
    "job": "",
    "attempt": 0,
    "plan": "",
    "roster": "",
    "epoch": 1,
    "sender": "coordinator",
    "recipient": "tax",
    "number": "",
    "reply_to": "",
}


def test_flower_is_the_version_that_its_private_names_were_read_in():
    assert version("flwr") == "1.41.0"


class Link:
    """A SuperLink in a process of its own, and its launcher's end."""

    def __init__(self, folder: Path) -> None:
        self.stream, theirs = socket.socketpair()

        def run() -> None:
            os.chdir(folder)
            self.stream.close()
            run_link(theirs)

        self.process = fork.Process(target=run, daemon=True)
        self.process.start()
        theirs.close()
        say(self.stream, Serve(coordinator=KEY.public))
        self.up = hear(self.stream, from_carriers)
        assert isinstance(self.up, LinkUp)

    def admit(self, public: bytes, replaces: int = 0) -> int:
        say(self.stream, Admit(party="tax", public=public, replaces=replaces))
        admitted = hear(self.stream, from_carriers)
        assert isinstance(admitted, Admitted)
        return admitted.node

    def post(self, path: str) -> int:
        context = ssl.create_default_context(cadata=self.up.certificate.decode())
        return httpx.post(f"https://{self.up.address}{path}", verify=context).status_code


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Link]:
    link = Link(tmp_path_factory.mktemp("superlink"))
    yield link
    link.stream.close()
    link.process.join(5)
    assert link.process.exitcode == 0  # it ends with its launcher's socket


class Department:
    """A SuperNode in a process of its own, and behind it, in a thread, a department that answers what it was asked."""

    def __init__(self, link: Link) -> None:
        self.stream, theirs = socket.socketpair()
        self.socket, end = socket.socketpair()

        def run() -> None:
            self.stream.close()
            self.socket.close()
            os._exit(run_node(theirs, end, link.up))

        self.process = fork.Process(target=run, daemon=True)
        self.process.start()
        theirs.close()
        end.close()
        key = hear(self.stream, from_carriers)
        assert isinstance(key, NodeKey)
        self.node = link.admit(key.public)
        say(self.stream, Admitted(party="tax", node=self.node))
        assert isinstance(hear(self.stream, from_carriers), NodeUp)
        self.names: list[str] = []
        self.frames: list[bytes] = []
        self.mode, self.speak = "", threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while (body := receive(self.socket)) is not None:
            message = flower.from_bytes(body)
            answer = frame(flower.to_bytes(Message(message.content, reply_to=message)))
            if self.mode == "silent":
                continue
            if self.mode == "late":
                self.speak.wait()
            self.names.append(message_number(message))
            self.frames.append(answer)
            self.socket.sendall(answer)


@pytest.fixture(scope="module")
def tax(link: Link) -> Iterator[Department]:
    department = Department(link)
    yield department
    department.socket.shutdown(socket.SHUT_RDWR)
    department.process.join(5)
    assert department.process.exitcode == 0  # it ends with its department's socket


class Coordinator:
    """A grid in this process, and its launcher's end."""

    def __init__(self, link: Link, tax: Department) -> None:
        self.notices, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.receipts = Receipts("coordinator")
        self.identity = Identity(name="coordinator", signing=KEY, box=BoxKey.generate())
        self.grid = SuperLinkGrid(ours, self.receipts, KEY)
        self.notices.send(encode(link.up))
        self.notices.send(encode(Joined(party="tax", session=3, node=tax.node, enrolment=(b"hello",))))
        self.grid.wait_for(["tax"], 10)

    def ask(self, number: str, *, timeout: float = 20.0) -> list[str]:
        """Send a message of this number; returns the numbers of the answers, which are echoes."""
        header = HEADER_OF_ALL | {"number": number}
        packet = Packet(envelope=self.identity.sign(Header(**header), Failure(code="x")), known=0)
        node = self.grid.node_of("tax")
        assert node is not None
        message = self.grid.create_message(pack(packet), "query.begin", node, "")
        self.replies = self.grid.send_and_receive([message], timeout=timeout)
        return [message_number(reply) for reply in self.replies]


@pytest.fixture(scope="module")
def coordinator(link: Link, tax: Department) -> Iterator[Coordinator]:
    # Forked processes come first: a coordinator has threads.
    interrupt = signal.getsignal(signal.SIGINT)
    yield Coordinator(link, tax)
    signal.signal(signal.SIGINT, interrupt)
    flower.identify_task(1)


def test_a_request_and_its_answer_cross_flower_as_they_are(coordinator, tax):
    assert coordinator.ask("one") == ["one"]
    assert coordinator.replies[0].metadata.src_node_id == tax.node
    assert coordinator.grid.get_node_ids() == [tax.node]


def test_the_coordinator_signs_for_the_very_bytes_that_the_department_released(coordinator, tax):
    for number in ("two", "three"):
        assert coordinator.ask(number) == [number]
    (receipt,) = coordinator.receipts.drafts()
    assert (receipt.data["party"], receipt.data["session"]) == ("tax", 3)
    assert receipt.data["frames"] == 1 + len(tax.frames)
    enrolment = HEADER.size + len(b"hello")
    assert receipt.data["bytes"] == enrolment + sum(map(len, tax.frames))
    names = "".join(f"{name}\n" for name in ("enrolment", *tax.names))
    assert receipt.data["messages"] == hashlib.sha256(names.encode()).hexdigest()


def test_who_does_not_answer_is_waited_for_until_the_timeout_and_the_next_answer_is_right(coordinator, tax):
    tax.mode = "silent"
    assert coordinator.ask("ignored", timeout=1.0) == []
    tax.mode = ""
    assert coordinator.ask("heard") == ["heard"]


def test_a_late_answer_belongs_to_nobody_and_is_signed_for_before_the_next(coordinator, tax):
    coordinator.receipts.drafts()
    tax.mode = "late"
    assert coordinator.ask("late", timeout=1.0) == []
    tax.mode = ""
    tax.speak.set()
    assert coordinator.ask("next") == ["next"]
    (receipt,) = coordinator.receipts.drafts()
    assert receipt.data["messages"] == hashlib.sha256(b"late\nnext\n").hexdigest()


class LastFirst:
    """Flower's grid, but it hands over two answers at once, and the later one first: it promises no order."""

    def __init__(self, grid: internals.HttpGrid) -> None:
        self.push_messages, self._grid, self._kept = grid.push_messages, grid, []

    def pull_messages(self, names: list[str]) -> list[Message]:
        left = set(names) - {reply.metadata.reply_to_message_id for reply in self._kept}
        self._kept += self._grid.pull_messages(left) if left else []
        if len(self._kept) < 2:
            return []
        return sorted(self._kept, key=lambda reply: -reply.content[RECORD]["count"])


def test_frames_are_signed_for_in_the_order_in_which_they_were_released(coordinator, tax, monkeypatch):
    coordinator.receipts.drafts()
    tax.speak.clear()
    tax.mode = "late"
    assert coordinator.ask("earlier", timeout=1.0) == []
    tax.mode = ""
    tax.speak.set()
    monkeypatch.setattr(coordinator.grid, "_link", LastFirst(coordinator.grid._link))
    assert coordinator.ask("later") == ["later"]
    (receipt,) = coordinator.receipts.drafts()
    assert receipt.data["messages"] == hashlib.sha256(b"earlier\nlater\n").hexdigest()


def test_a_supernode_cannot_let_itself_in(link):
    stranger = internals.FleetNode(link.up.address, link.up.certificate)
    with pytest.raises(httpx.HTTPStatusError):
        stranger._client.RegisterNode(RegisterNodeFleetRequest(public_key=stranger.public))


def test_a_supernode_whose_key_was_not_admitted_does_not_come_online(link):
    stranger = internals.FleetNode(link.up.address, link.up.certificate)
    with pytest.raises(httpx.HTTPStatusError):
        stranger.activate()


def test_a_supernode_that_was_replaced_stays_out(link):
    old = internals.FleetNode(link.up.address, link.up.certificate)
    node = link.admit(old.public)
    old.activate()
    link.admit(internals.FleetNode(link.up.address, link.up.certificate).public, replaces=node)
    with pytest.raises(httpx.HTTPStatusError):
        old.pull()


def test_a_supernode_cannot_submit_a_run_register_a_node_or_take_the_coordinators_task(link):
    for path in ("/v1/control/start-run", "/v1/control/register-node", "/v1/runtime/acquire-task", "/docs"):
        assert link.post(path) == 404
    with pytest.raises(httpx.HTTPStatusError):
        internals.Control(link.up.address, link.up.certificate, opening(SigningKey.generate(), b"")).start_run(
            fab.bundle()
        )


def test_a_message_of_another_app_is_refused_and_never_reaches_the_department(link, monkeypatch):
    ours, theirs = socket.socketpair()
    fleet = internals.FleetNode(link.up.address, link.up.certificate)
    node = link.admit(fleet.public)
    fleet.activate()
    monkeypatch.setattr(os, "_exit", lambda status: None)
    warm = WarmNode(fleet, theirs, "0" * 64)  # as if the department had installed another
    shown = opening(KEY, link.up.certificate)
    internals.Control(link.up.address, link.up.certificate, shown).start_run(fab.bundle())
    grid = internals.take_run(link.up.address, link.up.certificate, shown)
    (name,) = grid.push_messages([Message(RecordDict({"a": ConfigRecord({"b": 1})}), node, "query.begin")])
    message = fleet.pull()
    assert message is not None
    warm._pass_on(message)
    (reply,) = grid.pull_messages([name])
    assert reply.has_error()
    assert "one app only" in reply.error.reason
    ours.setblocking(False)
    with pytest.raises(BlockingIOError):
        ours.recv(1)
    flower.identify_task(1)


def test_the_bundle_is_one_that_flower_loads_and_its_code_only_says_so(tmp_path, monkeypatch):
    from flwr.cli.install import install_from_fab
    from flwr.clientapp.utils import get_load_client_app_fn
    from flwr.common.config import get_project_dir

    monkeypatch.setenv("FLWR_HOME", str(tmp_path))
    install_from_fab(fab.bundle(), skip_prompt=True)
    load = get_load_client_app_fn(default_app_ref="", app_path=None, multi_app=True)
    app = load("keyong/keyong", version("keyong"), fab.bundle_hash())
    assert get_project_dir("keyong/keyong", version("keyong"), fab.bundle_hash()).is_relative_to(tmp_path)
    flower.identify_task(1)
    asked = flower.stamp(Message(RecordDict(), 3, "query"), 1)
    with pytest.raises(Exception, match="installed with them"):
        app(asked, None)


def test_the_bundle_is_the_same_bytes_every_time():
    first = fab.bundle()
    fab.bundle.cache_clear()
    assert fab.bundle() == first
