"""What the coordinator signs for is what arrived: ledger, receipts and count agree frame by frame, or it shows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.audit.events import Event, read_event
from federation.audit.journal import Draft
from federation.coordinator.receipts import ENROLMENT, Receipts
from federation.messages import Sync
from tests.support.memory import COORDINATOR, MemoryFederation, MemoryStore

SQL = "SELECT COUNT(*), SUM(income) FROM insured"
THREE = ("gaoping", "lingchuan", "qinshui")
Frames = list[tuple[str, int]]


def digest(names: Sequence[str]) -> str:
    """SHA-256 over the names, each followed by a line feed (docs/record.md, section 2)."""
    return hashlib.sha256("".join(f"{name}\n" for name in names).encode()).hexdigest()


def ledger(federation: MemoryFederation, party: str) -> dict[int, Frames]:
    """A department's own account, by session: message and bytes of every frame."""
    found: dict[int, Frames] = {}
    session = 0
    for event in federation.events(party):
        if event.type == "start":
            session = int(event.data["session"])
            found[session] = []
        elif event.type == "egress":
            name = ENROLMENT if event.data["class"] == "enrolment" else str(event.data["message"])
            found[session].append((name, int(event.data["bytes"])))
    return found


def receipts(federation: MemoryFederation) -> list[Event]:
    events = [read_event(entry, federation.roster.signers) for entry in federation.log.entries()]
    return [event for event in events if event.type == "receipt"]


def first_that_does_not_fit(events: Sequence[Event], party: str, session: int, frames: Frames) -> int | None:
    """The first receipt of a party that is not the next piece of its ledger; None if all are."""
    at = 0
    for index, event in enumerate(events):
        if (event.data["party"], event.data["session"]) != (party, session):
            continue
        piece = frames[at : at + int(event.data["frames"])]
        told = (event.data["frames"], event.data["bytes"], event.data["messages"])
        if told != (len(piece), sum(size for _, size in piece), digest([name for name, _ in piece])):
            return index
        at += len(piece)
    return None


@pytest.fixture
def ran(tmp_path: Path) -> MemoryFederation:
    """A federation after one job, a restart, another job, and everything signed for."""
    stores = {name: MemoryStore([{"income": 100}] * 3) for name in THREE}
    federation = MemoryFederation(tmp_path / "home", stores)
    federation.ask(SQL, job="q-1")
    federation.start("lingchuan")
    federation.ask(SQL, job="q-2")
    federation.checkpoint()
    return federation


def test_receipts_cover_the_ledger_frame_by_frame_and_the_count_byte_by_byte(ran):
    for name in THREE:
        ran.say(name, Sync())
    for draft in ran.receipts.drafts():
        ran.sequencer.record(draft)
    events, counted = receipts(ran), {(s["party"], s["session"]): s["sent"] for s in ran._sessions}
    for party in THREE:
        for session, frames in ledger(ran, party).items():
            assert first_that_does_not_fit(events, party, session, frames) is None
            signed = [e.data for e in events if (e.data["party"], e.data["session"]) == (party, session)]
            assert sum(int(data["frames"]) for data in signed) == len(frames)
            total = sum(size for _, size in frames)
            assert sum(int(data["bytes"]) for data in signed) == total == counted[party, session]
    assert set(counted) == {("gaoping", 1), ("lingchuan", 1), ("lingchuan", 2), ("qinshui", 1)}


CHEATS: dict[str, Callable[[Frames], Frames]] = {
    "a frame left out": lambda frames: frames[:3] + frames[4:],
    "a frame twice": lambda frames: [*frames[:4], frames[3], *frames[4:]],
    "two exchanged": lambda frames: [*frames[:2], frames[3], frames[2], *frames[4:]],
    "a byte less": lambda frames: [*frames[:3], (frames[3][0], frames[3][1] - 1), *frames[4:]],
    "another name": lambda frames: [*frames[:3], ("0" * 32, frames[3][1]), *frames[4:]],
    "a made-up one": lambda frames: [*frames[:3], ("0" * 32, 0), *frames[3:]],
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_coordinator_that_signs_for_other_frames_is_found_out(ran, cheat):
    frames = ledger(ran, "gaoping")[1]
    taken = Receipts(COORDINATOR)
    for name, size in CHEATS[cheat](frames):
        taken.take("gaoping", 1, name, size)
    journal = ran.open_journal(COORDINATOR)
    entries = journal.write(taken.drafts())
    journal.close()
    (event,) = [read_event(entry, ran.roster.signers) for entry in entries]
    assert first_that_does_not_fit([event], "gaoping", 1, frames) == 0


def test_honest_receipt_in_the_same_way_fits(ran):
    """The control: what finds the cheats finds nothing in the truth."""
    frames = ledger(ran, "gaoping")[1]
    taken = Receipts(COORDINATOR)
    for name, size in frames:
        taken.take("gaoping", 1, name, size)
    (draft,) = taken.drafts()
    assert draft.data["messages"] == digest([name for name, _ in frames])
    assert draft.data["frames"] == len(frames)


def test_nothing_arrived_is_no_receipt():
    assert Receipts(COORDINATOR).drafts() == []


def test_each_frame_is_signed_for_once():
    taken = Receipts(COORDINATOR)
    taken.take("gaoping", 1, "a", 10)
    assert len(taken.drafts()) == 1
    assert taken.drafts() == []
    taken.take("gaoping", 1, "b", 20)
    (draft,) = taken.drafts()
    assert (draft.data["frames"], draft.data["bytes"], draft.data["messages"]) == (1, 20, digest(["b"]))


def test_two_lives_of_a_process_have_receipts_of_their_own():
    taken = Receipts(COORDINATOR)
    for session in (2, 1):
        taken.take("gaoping", session, ENROLMENT, 5)
    taken.take("chengqu", 1, "x", 1)
    assert [(d.data["party"], d.data["session"]) for d in taken.drafts()] == [
        ("chengqu", 1),
        ("gaoping", 1),
        ("gaoping", 2),
    ]


@given(
    st.lists(st.tuples(st.sampled_from(THREE), st.text("0123456789abcdef", max_size=8), st.integers(1, 999))),
    st.integers(1, 5),
)
def test_receipts_add_up_to_all_that_arrived_wherever_they_are_cut(frames, every):
    taken = Receipts(COORDINATOR)
    signed: list[Draft] = []
    for index, (party, name, size) in enumerate(frames):
        taken.take(party, 1, name, size)
        if index % every == 0:
            signed += taken.drafts()
    signed += taken.drafts()
    for party in THREE:
        mine = [(name, size) for who, name, size in frames if who == party]
        assert sum(int(d.data["frames"]) for d in signed if d.data["party"] == party) == len(mine)
        assert sum(int(d.data["bytes"]) for d in signed if d.data["party"] == party) == sum(s for _, s in mine)
