"""Step 7 of verifying: every job was approved by all that take part, in a sealed record, and done once, in order."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from federation.audit.events import timestamp
from federation.audit.verify import verify_record
from federation.drills.scene import Item, Mark, Scene, find
from tests.support import records
from tests.support.memory import COORDINATOR
from tests.support.records import JOB, NAMES, at, change, drop, insert, place_of, without_cosignatures, wrong

replace = msgspec.structs.replace
CIPHERTEXT = {"class": "ciphertext"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("record")


@pytest.fixture(scope="module")
def scene(folder: Path) -> Scene:
    return records.approved(folder)


def again(kind: str, node: str, **data: object):
    """The same event once more, right behind the first."""
    place = at(kind, node, **data)
    return lambda items: insert(items[place(items)], place)(items)


def moved(kind: str, node: str, behind, **data: object):
    """An event later than it was."""

    def change_(items: list[Item]) -> list[Item]:
        place = find(items, kind, node, job=JOB, **data)
        rest = [*items[:place], *items[place + 1 :]]
        return insert(items[place], behind)(rest)

    return change_


# --- approvals ---


def test_job_without_one_of_the_approvals_is_found_at_what_leaves_first(scene):
    where = place_of(scene, "egress", "gaoping", payload="agreement") - 1  # one entry less before it
    said = wrong(scene.forged(drop(at("approval.grant", "gaoping"))))
    assert said == f"entry {where}: no approval by gaoping on job {JOB}"


def test_job_without_an_approval_is_found_where_others_join_it(scene):
    """Its own ledger is silent."""

    def silent(items: list[Item]) -> list[Item]:
        return [
            item
            for item in items
            if isinstance(item, Mark)
            or not (item.node == "qinshui" and item.job == JOB and item.type in ("approval.grant", "egress"))
        ]

    forged = scene.forged(silent)
    where = place_of(forged, "job.join", "gaoping")
    assert wrong(forged) == f"entry {where}: no approval by qinshui on job {JOB}"


def test_approval_that_comes_after_the_sealed_record_is_found(scene):
    """It is there when the first one joins, but nobody has co-signed it."""

    def late(items: list[Item]) -> list[Item]:
        grant = items[at("approval.grant", "qinshui")(items)]
        agreed = items[at("egress", "qinshui", payload="agreement")(items)]
        join = items[at("job.join", "gaoping")(items)]
        rest = [item for item in items if item not in (grant, agreed)]
        return [*rest[: rest.index(join)], grant, *rest[rest.index(join) :]]

    forged = scene.forged(late)
    where = place_of(forged, "job.join", "gaoping")
    assert wrong(forged) == f"entry {where}: the approval by qinshui was not in the sealed record yet"


def test_second_approval_of_a_job_is_found(scene):
    """Otherwise a revocation could be taken back by whoever wrote it."""
    grant = scene.events()[place_of(scene, "approval.grant", "gaoping", job="q-2")]
    other = replace(grant, data={k: v for k, v in grant.data.items() if k != "statement"})
    automatic = replace(other, actor=replace(other.actor, name="gaoping", role="automatic"))
    forged = scene.forged(insert(automatic, at("approval.grant", "gaoping", job="q-2")))
    assert wrong(forged).endswith("gaoping has said its word on job q-2 before")


@pytest.mark.parametrize("name", ["plan", "requester"])
def test_job_of_another_plan_or_requester_than_approved_is_found(scene, name):
    def other(items: list[Item]) -> list[Item]:
        for kind, node in (("job.start", COORDINATOR), *(("job.join", name) for name in NAMES)):
            place = at(kind, node)
            if name in items[place(items)].data:
                items = change(place, data={name: "other"})(items)
        return items

    forged = scene.forged(other)
    where = place_of(forged, "job.join", "gaoping")
    assert wrong(forged) == f"entry {where}: gaoping approved another plan or another requester"


def test_step_after_the_approval_expired_is_found(scene):
    """The grants of these tests expire a day later; the witnesses' clocks went along."""
    late = timestamp(datetime(2026, 3, 2, 8, 0, 6, tzinfo=UTC))
    forged = scene.forged(change(at("commit", "gaoping"), time=late))
    where = place_of(forged, "commit", "gaoping")
    assert wrong(forged) == f"entry {where}: the approval by gaoping on job {JOB} had expired"


def test_step_within_the_moment_that_signing_takes_is_accepted_there(scene):
    """What is found is the clock, not the approval."""
    late = timestamp(datetime(2026, 3, 2, 8, 0, 4, tzinfo=UTC))
    assert "its time is not within" in wrong(scene.forged(change(at("commit", "gaoping"), time=late)))


# --- beginning ---


def test_job_that_never_began_is_found(scene):
    forged = scene.forged(drop(at("job.start", COORDINATOR)))
    assert wrong(forged).endswith(f"something of job {JOB} before it had begun")


@pytest.mark.parametrize("data", [{"contributors": 1}, {"participants": "gaoping"}, {"plan": "x"}, {"requester": "x"}])
def test_second_beginning_that_is_another_job_is_found(scene, data):
    start = scene.events()[place_of(scene, "job.start", COORDINATOR)]
    forged = scene.forged(insert(replace(start, data={**start.data, **data}), at("job.start", COORDINATOR)))
    where = place_of(scene, "job.start", COORDINATOR) + 1
    assert wrong(forged) == f"entry {where}: job {JOB} ran before, or was another one"


def test_beginning_again_before_anybody_joined_is_accepted(scene):
    """The record could not be sealed the first time, say."""
    verify_record(scene.forged(again("job.start", COORDINATOR)))


def test_beginning_again_after_somebody_joined_is_found(scene):
    start = scene.events()[place_of(scene, "job.start", COORDINATOR)]
    forged = scene.forged(insert(start, at("job.join", "gaoping")))
    where = place_of(scene, "job.join", "gaoping") + 1
    assert wrong(forged) == f"entry {where}: job {JOB} ran before, or was another one"


def test_joining_twice_is_found(scene):
    where = place_of(scene, "job.join", "gaoping") + 1
    said = wrong(scene.forged(again("job.join", "gaoping")))
    assert said == f"entry {where}: gaoping ran job {JOB} twice on one approval"


def test_joining_another_plan_is_found(scene):
    where = place_of(scene, "job.join", "gaoping")
    said = wrong(scene.forged(change(at("job.join", "gaoping"), data={"plan": "other"})))
    assert said == f"entry {where}: gaoping joined another job than the one that began"


def test_working_without_joining_is_found(scene):
    forged = scene.forged(drop(at("job.join", "gaoping")))
    assert wrong(forged).endswith(f"gaoping worked on job {JOB} without having joined it")


@pytest.mark.parametrize("count", [2, 1])
def test_joining_without_the_cosignatures_of_all_that_take_part_is_found(scene, count):
    """Two of three are a quorum, but all three take part."""
    join = scene.events()[place_of(scene, "job.join", "gaoping")]
    forged = without_cosignatures(scene, join.seen.size, *NAMES[count:])
    where = place_of(scene, "job.join", "gaoping")
    reason = f"gaoping went on without a sealed record (it had seen {join.seen.size} entries)"
    assert wrong(forged) == f"entry {where}: {reason}"


# --- revocation ---


def refused(scene: Scene, folder: Path, kind: str, name: str, behind) -> Scene:
    """A department's officer denies or revokes behind some event of its own, and all go on."""
    grant = scene.events()[place_of(scene, "approval.grant", name)]
    data = {**grant.data, "statement": (folder / f"{kind} {name}").read_text()}

    def change_(items: list[Item]) -> list[Item]:
        before = items[behind(items)]
        said = replace(grant, type=f"approval.{kind.lower()}", data=data, seen=before.seen)
        return insert(said, behind)(items)

    return scene.forged(change_)


@pytest.mark.parametrize(("kind", "state"), [("Revoke", "revoked"), ("Deny", "denied")])
@pytest.mark.parametrize("step", ["approval.grant", "commit"])
def test_department_that_goes_on_against_its_officers_word_is_found(scene, folder, kind, state, step):
    forged = refused(scene, folder, kind, "gaoping", at(step, "gaoping"))
    where = place_of(forged, f"approval.{kind.lower()}", "gaoping")
    first = next(
        i
        for i, e in enumerate(forged.events())
        if i > where and e.job == JOB and e.node == "gaoping" and e.type == "egress"
    )
    assert wrong(forged) == f"entry {first}: {state} by gaoping on job {JOB}"


def test_opening_after_anothers_sealed_revocation_is_found(scene, folder):
    """It is silent about what left it itself; others open on a record that shows its word."""

    def silent(items: list[Item]) -> list[Item]:
        mine = ("egress", "qinshui", JOB)
        return [item for item in items if isinstance(item, Mark) or (item.type, item.node, item.job) != mine]

    forged = refused(scene.forged(silent), folder, "Revoke", "qinshui", at("commit", "qinshui"))
    revoked = place_of(forged, "approval.revoke", "qinshui")
    opened = place_of(forged, "open", "gaoping")
    reason = f"qinshui had taken back its word in entry {revoked}, sealed before"
    assert wrong(forged) == f"entry {opened}: {reason}"


def test_revocation_of_a_job_that_never_ran_is_no_fault(scene):
    assert verify_record(scene).revoked == 1


# --- steps ---


@pytest.mark.parametrize(
    ("kind", "data"), [("open", {"round": "counts"}), ("open", {"round": "sums"}), ("commit", {"round": "sums"})]
)
def test_same_step_twice_is_found(scene, kind, data):
    where = place_of(scene, kind, "gaoping", **data) + 1
    said = wrong(scene.forged(again(kind, "gaoping", **data)))
    assert said == f"entry {where}: gaoping did the same step of a job twice"


def test_deciding_twice_is_found(scene):
    gate = next(event.node for event in scene.events() if event.type == "release.decide")
    assert wrong(scene.forged(again("release.decide", gate))).endswith("did the same step of a job twice")


def test_commitment_after_somebody_revealed_is_found(scene):
    said = wrong(scene.forged(moved("commit", "qinshui", at("egress", "qinshui", **CIPHERTEXT), round="counts")))
    assert said.endswith("revealed its ciphertexts before everybody had committed")


def test_sums_revealed_before_everybody_committed_to_theirs_are_found(scene):
    said = wrong(scene.forged(drop(at("commit", "qinshui", round="sums"))))
    assert said.endswith("revealed its ciphertexts before everybody had committed")


def test_number_of_contributors_told_too_small_is_found(scene):
    forged = scene.forged(change(at("job.start", COORDINATOR), data={"contributors": 2}))
    assert wrong(forged).endswith("more departments took part than the 2 that were to")


def test_opening_on_a_record_without_all_commitments_is_found(scene):
    """As if it had been sealed before the last of them came."""
    opened = scene.events()[place_of(scene, "open", "gaoping", round="sums")]
    earlier = scene.events()[place_of(scene, "open", "gaoping", round="counts")]
    events = scene.events()
    between = [e for e in events if e.node == "gaoping" and earlier.seq < e.seq <= opened.seq]

    def stale(items: list[Item]) -> list[Item]:
        return [replace(item, seen=earlier.seen) if item in between else item for item in items]

    forged = scene.forged(stale)
    where = place_of(forged, "open", "gaoping", round="sums")
    assert wrong(forged) == f"entry {where}: gaoping opened before every commitment was on record"


def test_egress_for_a_job_that_nobody_knows_is_found(scene):
    left = scene.events()[place_of(scene, "egress", "gaoping", **CIPHERTEXT)]
    forged = scene.forged(insert(replace(left, job="q-9"), at("egress", "gaoping", **CIPHERTEXT)))
    where = place_of(scene, "egress", "gaoping", **CIPHERTEXT) + 1
    assert wrong(forged) == f"entry {where}: something of job q-9 before it had begun"


@pytest.mark.parametrize(
    ("kind", "node", "name"),
    [("job.start", COORDINATOR, "contributors"), ("egress", "gaoping", "bytes")],
)
def test_event_that_does_not_say_its_number_is_found(scene, kind, node, name):
    said = wrong(scene.forged(change(at(kind, node), data={name: "many"})))
    assert said.endswith(f"it does not state {name} as a number")


@pytest.mark.parametrize(
    ("kind", "name"), [("job.start", "participants"), ("job.start", "plan"), ("job.end", "outcome")]
)
def test_event_that_does_not_say_its_text_is_found(scene, kind, name):
    where = place_of(scene, kind, COORDINATOR)
    said = wrong(scene.forged(change(at(kind, COORDINATOR), data={name: 5})))
    assert said == f"entry {where}: it does not state {name} as a text"
