"""The coordinator takes an answer for what it is: of this party, to this question, in this job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flwr.app import ConfigRecord, Message, RecordDict

from federation.coordinator.grid_wire import GridWire
from federation.errors import KeyongError
from federation.messages import Packet, Sync, Synced
from federation.node.client_app import RECORD, pack, unpack
from federation.runtime import flower
from tests.support.memory import COORDINATOR, MemoryFederation, MemoryStore

NAMES = ("gaoping", "lingchuan", "qinshui")
Change = Callable[[str, Packet], Packet | RecordDict | None]


class MemoryGrid:
    """What a GridWire needs of Flower's grid, and of one that knows departments by name, without a network.

    `change` is what happens to a department's answer on its way; None loses it.
    """

    def __init__(self, federation: MemoryFederation, change: Change = lambda party, packet: packet) -> None:
        self._federation, self._change = federation, change
        self.gone: set[str] = set()
        flower.identify_task(1)

    def node_of(self, party: str) -> int | None:
        return None if party in self.gone else NAMES.index(party) + 2

    def why_gone(self, party: str) -> str:
        return "node.killed" if party in self.gone else ""

    def create_message(self, content, message_type, dst_node_id, group_id, ttl=None) -> Message:
        return Message(content, dst_node_id, message_type, group_id=group_id)

    def send_and_receive(self, messages, *, timeout=None) -> list[Message]:
        replies = []
        for message in messages:
            party = NAMES[message.metadata.dst_node_id - 2]
            department, asked = self._federation.departments[party], unpack(message.content)
            packet = department.answer(asked.envelope, asked.known)
            department.gateway.release(b"frame")
            changed = self._change(party, packet)
            if changed is not None:
                content = changed if isinstance(changed, RecordDict) else pack(changed)
                replies.append(Message(content, reply_to=message))
        return replies


@pytest.fixture
def federation(tmp_path: Path) -> MemoryFederation:
    return MemoryFederation(tmp_path / "home", {name: MemoryStore([]) for name in NAMES})


def wire(federation: MemoryFederation, grid: MemoryGrid, **more) -> GridWire:
    return GridWire(
        grid=grid,
        nodes=grid,
        identity=federation.identities[COORDINATOR],
        roster=federation.roster,
        sequencer=federation.sequencer,
        deadline_s=5,
        **{"job": "", "plan": "", "heard": {}, **more},
    )


def code(federation: MemoryFederation, change: Change) -> str:
    """What becomes of a question whose answer by gaoping is changed on its way."""
    only = lambda party, packet: change(party, packet) if party == "gaoping" else packet  # noqa: E731
    with pytest.raises(KeyongError) as refused:
        wire(federation, MemoryGrid(federation, only)).ask({name: Sync() for name in NAMES})
    assert refused.value.details["party"] == "gaoping"
    return refused.value.code


def test_everybody_is_asked_and_answers_by_name(federation):
    answers = wire(federation, MemoryGrid(federation)).ask({name: Sync() for name in NAMES})
    assert {name: answer.payload for name, answer in answers.items()} == dict.fromkeys(NAMES, Synced())
    assert [federation.sequencer.known(name) for name in NAMES] == [3, 3, 3]  # start and two messages of enrolment


def test_lost_answer_is_late(federation):
    assert code(federation, lambda party, packet: None) == "node.late"


def test_department_that_is_gone_is_named_with_the_reason(federation):
    grid = MemoryGrid(federation)
    grid.gone.add("lingchuan")
    with pytest.raises(KeyongError) as refused:
        wire(federation, grid).ask({"lingchuan": Sync()})
    assert (refused.value.code, refused.value.details) == ("node.killed", {"party": "lingchuan"})


def test_answer_to_another_question_is_a_replay(federation):
    earlier: list[Packet] = []
    wire(federation, MemoryGrid(federation, lambda _, packet: earlier.append(packet) or packet)).ask(
        {"gaoping": Sync()}
    )
    assert code(federation, lambda party, packet: earlier[0]) == "node.replayed"


def test_answer_of_another_party_is_foreign(federation):
    other: list[Packet] = []
    grid = MemoryGrid(federation, lambda _, packet: other.append(packet) or packet)
    wire(federation, grid).ask({"lingchuan": Sync()})
    assert code(federation, lambda party, packet: other[0]) == "node.foreign"


def test_answer_signed_by_another_party_is_foreign(federation):
    header = federation.header("gaoping", COORDINATOR, job="", plan="")
    forged = federation.identities["lingchuan"].sign(header, Synced())
    assert code(federation, lambda party, packet: Packet(envelope=forged)) == "node.foreign"


def test_altered_answer_is_foreign(federation):
    def flip(party: str, packet: Packet) -> Packet:
        return Packet(envelope=packet.envelope[:-1] + bytes([packet.envelope[-1] ^ 1]), entries=packet.entries)

    assert code(federation, flip) == "node.foreign"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: RecordDict(), id="nothing"),
        pytest.param(lambda: RecordDict({RECORD: ConfigRecord({"envelope": b"x"})}), id="half"),
        pytest.param(lambda: RecordDict({"other": ConfigRecord({})}), id="another record"),
        pytest.param(lambda: pack(Packet(envelope=b"garbage")), id="no envelope"),
    ],
)
def test_content_that_is_no_packet_is_garbage(federation, content):
    assert code(federation, lambda party, packet: content()) == "node.garbage"


def test_answer_with_a_broken_chain_of_events_is_refused(federation):
    def cut(party: str, packet: Packet) -> Packet:
        return Packet(envelope=packet.envelope, entries=packet.entries[1:])

    assert code(federation, cut) == "node.bad_event"
    assert federation.sequencer.known("gaoping") == 0


def test_refusal_of_a_department_names_it(federation):
    with pytest.raises(KeyongError) as refused:
        wire(federation, MemoryGrid(federation), job="q-1", plan="p").ask({"gaoping": Synced()})
    assert (refused.value.code, refused.value.details) == ("refused.order", {"party": "gaoping"})
    assert refused.value.message("zh").startswith("gaoping")


def test_nothing_is_asked_once_the_job_is_cancelled(federation):
    def cancelled() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        wire(federation, MemoryGrid(federation), before=cancelled).ask({"gaoping": Sync()})
    assert federation.sequencer.known("gaoping") == 0
