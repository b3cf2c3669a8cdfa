"""Step 8 of verifying: ledger, receipts and counted bytes of every department's session."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from federation.audit.verify import verify_record
from federation.drills.scene import Item, Scene
from tests.support import records
from tests.support.records import at, change, drop, insert, place_of, wrong

replace = msgspec.structs.replace
LEDGER = "ledger of gaoping, session 1"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return records.approved(tmp_path_factory.mktemp("record"))


def receipts(scene: Scene) -> list[int]:
    """The indexes of gaoping's receipts."""
    return [i for i, e in enumerate(scene.events()) if e.type == "receipt" and e.data["party"] == "gaoping"]


def said_in(scene: Scene, index: int, **data: object) -> Scene:
    """A receipt that says something else."""
    event = scene.events()[index]
    return scene.forged(
        lambda items: [replace(item, data={**item.data, **data}) if item == event else item for item in items]
    )


def test_counters_are_told_and_the_rest_is_counted(scene):
    verdict = verify_record(scene)
    assert verdict.ledger_bytes == verdict.counted_bytes
    assert verdict.ledger_bytes == verdict.receipt_bytes + verdict.unreceipted_bytes
    assert verdict.unreceipted == 6  # since the last receipts each department co-signed once and was asked once
    assert (verdict.unsent, verdict.unrecorded_bytes) == (0, 0)


def test_bundle_ends_before_the_last_ledger_entries(scene):
    """The entry of what left last travels with what comes next."""
    whole, verdict = verify_record(scene), verify_record(scene.bundle(), scene.trust())
    assert verdict.unrecorded_bytes == verdict.counted_bytes - verdict.ledger_bytes > 0
    assert verdict.counted_bytes == whole.counted_bytes


@pytest.mark.parametrize("name", ["frames", "bytes"])
def test_receipt_for_less_is_found(scene, name):
    index = receipts(scene)[0]
    forged = said_in(scene, index, **{name: scene.events()[index].data[name] - 1})
    assert wrong(forged).startswith(f"{LEDGER}: the receipt in entry {index} is for ")


def test_receipt_for_other_messages_is_found(scene):
    index = receipts(scene)[1]
    forged = said_in(scene, index, messages="ab" * 32)
    assert wrong(forged) == f"{LEDGER}: the receipt in entry {index} is for other messages than the ledger has"


def test_receipt_for_more_than_the_ledger_has_is_found(scene):
    index = receipts(scene)[-1]
    forged = said_in(scene, index, frames=1_000)
    assert wrong(forged).startswith(f"{LEDGER}: the receipt in entry {index} is for 1000 frames")


def test_dropped_receipt_is_found_at_the_next(scene):
    event = scene.events()[receipts(scene)[1]]
    forged = scene.forged(lambda items: [item for item in items if item != event])
    assert wrong(forged).startswith(f"{LEDGER}: the receipt in entry {receipts(scene)[2] - 1} is for ")


def test_dropped_last_receipt_leaves_more_frames_without_one(scene):
    event = scene.events()[receipts(scene)[-1]]
    forged = scene.forged(lambda items: [item for item in items if item != event])
    assert verify_record(forged).unreceipted > verify_record(scene).unreceipted


def test_receipt_twice_is_found(scene):
    event = scene.events()[receipts(scene)[0]]
    forged = scene.forged(insert(event, lambda items: items.index(event)))
    assert wrong(forged).startswith(f"{LEDGER}: the receipt in entry {receipts(scene)[0] + 1} is for ")


def test_receipt_for_a_stranger_is_found(scene):
    index = receipts(scene)[0]
    assert wrong(said_in(scene, index, party="nobody")) == f"entry {index}: it is for nobody that we know"


def test_receipt_for_a_session_that_never_was_is_found(scene):
    index = receipts(scene)[-1]
    assert wrong(said_in(scene, index, session=7)).startswith("ledger of gaoping, session 7: the receipt in entry")


@pytest.mark.parametrize("data", [{"bytes": 1}, {"message": "ab" * 16}])
def test_ledger_entry_that_the_receipt_contradicts_is_found(scene, data):
    forged = scene.forged(change(at("egress", "gaoping", **{"class": "ciphertext"}), data=data))
    assert wrong(forged).startswith(f"{LEDGER}: the receipt in entry ")


def test_ledger_entry_that_is_left_out_is_found(scene):
    forged = scene.forged(drop(at("egress", "gaoping", **{"class": "desk"})))
    assert wrong(forged).startswith(f"{LEDGER}: the receipt in entry ")


def test_open_receipt_stands_at_a_bundles_end_only(scene):
    """A receipt may name a frame whose ledger entry comes later: at the end of a bundle, and nowhere else."""
    events = scene.events()
    last = receipts(scene.bundle())[-1]
    taken = next(i for i in range(last, 0, -1) if (events[i].type, events[i].node) == ("egress", "gaoping"))

    def gone(items: list[Item]) -> list[Item]:
        return [item for item in items if item != events[taken]]

    forged = scene.forged(gone)
    bundle = dataclasses.replace(forged.bundle(), counted=scene.counted)
    verify_record(bundle, scene.trust())
    assert wrong(forged).startswith(f"{LEDGER}: ")


def test_session_that_begins_twice_is_found(scene):
    started = scene.events()[place_of(scene, "start", "gaoping", job="")]
    forged = scene.forged(insert(started, at("start", "gaoping", job="")))
    assert wrong(forged) == f"{LEDGER}: it began twice: entry {place_of(scene, 'start', 'gaoping', job='') + 1}"


def test_start_without_a_session_is_found(scene):
    where = place_of(scene, "start", "gaoping", job="")
    said = wrong(scene.forged(change(at("start", "gaoping", job=""), data={"session": "one"})))
    assert said == f"entry {where}: it does not state session as a number"
