"""The coordinator brings the record to a quorum; who takes no part stops nobody, who takes part is named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from federation.audit.events import Actor
from federation.audit.journal import Draft
from federation.audit.seal import check_sealed
from federation.coordinator.grid_wire import GridWire
from federation.coordinator.seals import SILENCE_S, Sealer
from federation.errors import KeyongError
from federation.messages import Cosigned, Packet, decode
from tests.coordinator.test_grid_wire import MemoryGrid, wire
from tests.support.memory import MemoryFederation, MemoryStore

NAMES = ("gaoping", "lingchuan", "qinshui")
INCIDENT = Draft(type="incident", actor=Actor(name="gaoping", role="node"), data={"code": "node.failed"})


class Sealing:
    """A sealer over three departments, whose answers `lost` loses."""

    def __init__(self, home: Path) -> None:
        self.federation = MemoryFederation(home, {name: MemoryStore([]) for name in NAMES})
        self.lost: set[str] = set()
        self.asked: list[str] = []
        self.grid = MemoryGrid(self.federation, self._change)
        self.now = 1000.0
        self.heard: dict[str, float] = {}
        self.sealer = self.make()

    def make(self) -> Sealer:
        return Sealer(
            log=self.federation.log,
            sequencer=self.federation.sequencer,
            receipts=self.federation.receipts,
            roster=self.federation.roster,
            wire=self._wire,
            clock=lambda: self.now,
        )

    def _wire(self) -> GridWire:
        return wire(self.federation, self.grid, heard=dict(self.heard))

    def _change(self, party: str, packet: Packet) -> Packet | None:
        self.asked.append(party)
        return None if party in self.lost else packet

    def seal(self, *members: str) -> set[str]:
        """Seal; returns who co-signed."""
        note = self.sealer.seal(members=members)
        return set(check_sealed(note, self.federation.roster, members=members, now=self.federation.now).times)


@pytest.fixture
def sealing(tmp_path: Path) -> Sealing:
    return Sealing(tmp_path / "home")


def code(call, *arguments) -> tuple[str, object]:
    with pytest.raises(KeyongError) as refused:
        call(*arguments)
    return refused.value.code, refused.value.details.get("party")


def test_everybodys_journal_is_in_the_record_that_everybody_co_signs(sealing):
    assert sealing.seal(*NAMES) == set(NAMES)
    for name in NAMES:
        first = sealing.federation.journals[name].entries()[0]
        assert first in list(sealing.federation.log.entries())


def test_checkpoint_is_kept_with_its_cosignatures(sealing):
    sealing.seal()
    assert sealing.federation.log.cosigned(sealing.sealer._sealed).count("\u2014") == 1 + 2 * 3


def test_department_that_is_gone_and_takes_no_part_is_left_out(sealing):
    sealing.grid.gone = {"qinshui"}
    assert sealing.seal("gaoping", "lingchuan") == {"gaoping", "lingchuan"}


def test_silent_department_that_takes_no_part_is_left_out_and_not_asked_again_for_a_while(sealing):
    sealing.lost = {"qinshui"}
    assert sealing.seal("gaoping", "lingchuan") == {"gaoping", "lingchuan"}
    sealing.asked.clear()
    sealing.seal("gaoping", "lingchuan")
    assert "qinshui" not in sealing.asked
    sealing.lost = set()
    sealing.now += SILENCE_S
    assert sealing.seal("gaoping") == set(NAMES)


def test_silent_department_that_takes_part_is_named(sealing):
    sealing.lost = {"lingchuan"}
    assert code(sealing.seal, *NAMES) == ("node.late", "lingchuan")
    assert code(sealing.seal, *NAMES) == ("node.late", "lingchuan")


def test_department_that_takes_part_and_is_gone_is_named_with_what_became_of_it(sealing):
    sealing.grid.gone = {"lingchuan"}
    assert code(sealing.seal, *NAMES) == ("node.killed", "lingchuan")


def test_two_of_three_gone_is_no_quorum(sealing):
    sealing.grid.gone = {"lingchuan", "qinshui"}
    assert code(sealing.seal, "gaoping") == ("refused.unsealed", None)
    sealing.sealer.seal_acts()  # tells the operator only


def test_witness_that_refuses_says_why_to_whoever_needs_it(sealing):
    """An event of its own was not in the record in time: it does not co-sign."""
    sealing.seal(*NAMES)
    sealing.federation.journals["qinshui"].write([INCIDENT])
    sealing.grid._change = lambda party, packet: _without_entries(packet) if party == "qinshui" else packet
    sealing.federation.now += timedelta(seconds=11)
    assert code(sealing.seal, *NAMES) == ("witness.late", "qinshui")


def _without_entries(packet: Packet) -> Packet:
    return Packet(envelope=packet.envelope, entries=())


def test_cosignature_that_does_not_hold_is_not_kept(sealing):
    def forged(party: str, packet: Packet) -> Packet:
        answer = decode(sealing.federation.roster.open(packet.envelope).payload)
        if party != "qinshui" or not isinstance(answer, Cosigned):
            return packet
        lines = tuple(line[:-10] + "AAAAAAAA=\n" for line in answer.lines)
        header = sealing.federation.roster.open(packet.envelope).header
        envelope = sealing.federation.identities[party].sign(header, Cosigned(size=answer.size, lines=lines))
        return Packet(envelope=envelope, entries=packet.entries)

    sealing.grid._change = forged
    assert code(sealing.seal, *NAMES) == ("witness.behind", "qinshui")
    assert sealing.seal("gaoping") == {"gaoping", "lingchuan"}


def test_mirror_that_lags_is_brought_up_after_a_restart_of_the_coordinator(sealing):
    sealing.grid.gone = {"qinshui"}
    sealing.seal("gaoping")
    sealing.sealer = sealing.make()
    sealing.grid.gone = set()
    assert sealing.seal(*NAMES) == set(NAMES)


def test_word_of_a_member_spoken_a_moment_ago_is_in_the_record_that_its_job_goes_on_with(sealing):
    sealing.seal(*NAMES)
    size = len(sealing.federation.journals["gaoping"])
    sealing.federation.journals["gaoping"].write([INCIDENT])
    sealing.seal(*NAMES)
    spoken = sealing.federation.journals["gaoping"].entries(size)[0]
    assert spoken in list(sealing.federation.log.entries(0, sealing.sealer._sealed))


@pytest.mark.parametrize("everybody", [True, False])
def test_nudge_brings_in_what_an_officer_said_to_a_department_heard_just_now(sealing, everybody):
    sealing.sealer.seal_acts()
    size = len(sealing.federation.journals["gaoping"])
    sealing.federation.journals["gaoping"].write([INCIDENT])
    sealing.heard["gaoping"] = sealing.now
    sealing.sealer.gather(everybody=everybody)
    spoken = sealing.federation.journals["gaoping"].entries(size)[0]
    assert (spoken in list(sealing.federation.log.entries())) is everybody


def test_nothing_new_is_not_sealed_again(sealing):
    sealing.sealer.seal_acts()
    sealed = sealing.sealer._sealed
    sealing.asked.clear()
    sealing.sealer.seal_acts()
    assert (sealing.asked, sealing.sealer._sealed) == ([], sealed)
