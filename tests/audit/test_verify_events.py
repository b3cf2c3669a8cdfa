"""Steps 5 and 6 of verifying: chains, what was seen, who may write what, officers' statements. And 9, the clocks."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec
import pytest

from federation.audit.events import Actor, Event, Seen, peek_event, sign_event, timestamp
from federation.audit.rules.chains import check_seen
from federation.audit.rules.checkpoints import Checkpoint, roots_at
from federation.audit.rules.clock import check_times
from federation.audit.verify import verify_record
from federation.drills.scene import Scene
from federation.errors import RecordError
from tests.support import records
from tests.support.memory import ANALYST, COORDINATOR, ORIGIN
from tests.support.records import JOB, at, change, drop, insert, place_of, wrong

replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return records.approved(tmp_path_factory.mktemp("record"))


# --- (5) chains ---


def test_event_that_has_seen_less_than_before_is_found(scene):
    where = place_of(scene, "open", "gaoping")
    forged = scene.forged(change(at("open", "gaoping"), seen=Seen()))
    assert wrong(forged) == f"entry {where}: gaoping has seen less of the log than before"


def test_process_that_begins_again_has_seen_nothing_until_it_enrols(finished):
    """Its mirror is opened with the roster; what it says then is no step back."""
    scene = Scene.of_home(finished.home)
    begun = at("start", "lingchuan", job="", session=2)
    assert scene.events()[place_of(scene, "start", "lingchuan", job="", session=2)].seen.size
    verify_record(scene.forged(change(begun, seen=Seen())))
    where = place_of(scene, "start", "lingchuan", job="", session=2)
    said = wrong(scene.forged(change(begun, seen=scene.events()[place_of(scene, "job.join", "lingchuan")].seen)))
    assert said == f"entry {where}: lingchuan has seen less of the log than before"


@pytest.mark.parametrize("seen", [Seen(size=9, root="ab" * 32), Seen(size=500, root="ab" * 32), Seen(root="ab" * 32)])
def test_event_that_has_seen_what_never_was_is_found(scene, seen):
    """Another root of that size, a size that was not reached yet, a root of nothing."""
    events = scene.events()[:20]
    roots = roots_at(scene.entries, {9, 500, *(event.seen.size for event in events)}) | {500: bytes(32)}
    check_seen(events, roots)
    events[15] = replace(events[15], seen=seen)
    with pytest.raises(RecordError) as caught:
        check_seen(events, roots)
    assert caught.value.details["where"] == "entry 15"


@pytest.mark.parametrize(("kind", "node", "writer"), [("open", "gaoping", COORDINATOR), ("commit", "gaoping", ANALYST)])
def test_event_in_the_wrong_partys_chain_is_found(scene, kind, node, writer):
    where = place_of(scene, kind, node)
    forged = scene.forged(change(at(kind, node), node=writer, seen=Seen()))
    assert wrong(forged) == f"entry {where}: {writer} may not do this"


def test_job_that_a_department_ends_is_found(scene):
    where = place_of(scene, "open", "gaoping")
    ended = replace(scene.events()[where], type="job.end", data={"outcome": "released"})
    forged = scene.forged(insert(ended, at("open", "gaoping")))
    assert wrong(forged) == f"entry {where + 1}: gaoping may not do this"


def test_enrolment_under_another_roster_is_found(scene):
    forged = scene.forged(change(at("enrol", COORDINATOR, job=""), data={"roster": "ab" * 32}))
    assert wrong(forged) == f"entry 0: {COORDINATOR} enrolled under another roster"


# --- (6) statements ---


def statement_changed(scene: Scene, **fields: object) -> str:
    return wrong(scene.forged(change(at("approval.grant", "gaoping"), **fields)))


def test_grant_without_a_statement_is_found(scene):
    where = place_of(scene, "approval.grant", "gaoping")
    without = scene.events()[where].data["plan"]
    forged = scene.forged(
        lambda items: [
            replace(item, data={"plan": without, "requester": ANALYST})
            if isinstance(item, Event) and (item.type, item.node, item.job) == ("approval.grant", "gaoping", JOB)
            else item
            for item in items
        ]
    )
    assert wrong(forged) == f"entry {where}: it carries no officer's statement"


@pytest.mark.parametrize("field", ["plan", "requester"])
def test_statement_that_says_something_else_is_found(scene, field):
    where = place_of(scene, "approval.grant", "gaoping")
    reason = f"its statement says something else than the event: {field}"
    assert statement_changed(scene, data={field: "other"}) == f"entry {where}: {reason}"


@pytest.mark.parametrize(
    ("actor", "field"),
    [
        (Actor(name="officer@qinshui", role="officer"), "officer"),
        (Actor(name="officer@gaoping", role="auditor"), "role"),
    ],
)
def test_event_by_another_actor_than_its_statement_is_found(scene, actor, field):
    where = place_of(scene, "approval.grant", "gaoping")
    reason = f"its statement says something else than the event: {field}"
    assert statement_changed(scene, actor=actor) == f"entry {where}: {reason}"


def test_statement_of_another_kind_is_found(scene):
    where = place_of(scene, "approval.grant", "gaoping")
    reason = "its statement says something else than the event: kind"
    assert statement_changed(scene, type="approval.deny") == f"entry {where}: {reason}"


def test_altered_statement_is_found(scene):
    where = place_of(scene, "approval.grant", "gaoping")
    text = str(scene.events()[where].data["statement"])
    assert "no officer of gaoping" in statement_changed(scene, data={"statement": text.replace("A", "B", 1)})


def test_statement_of_another_department_is_found(scene):
    text = str(scene.events()[place_of(scene, "approval.grant", "qinshui")].data["statement"])
    where = place_of(scene, "approval.grant", "gaoping")
    said = statement_changed(scene, data={"statement": text})
    assert said.startswith(f"entry {where}: its statement is by no officer of gaoping in the right role")


def test_statement_used_twice_is_found(scene):
    where = place_of(scene, "approval.grant", "gaoping")
    event = scene.events()[where]
    forged = scene.forged(insert(event, at("approval.grant", "gaoping")))
    assert wrong(forged) == f"entry {where + 1}: its statement was used before: entry {where}"


def test_automatic_word_for_another_department_is_found(scene):
    where = place_of(scene, "approval.grant", "gaoping")
    event = scene.events()[where]
    automatic = replace(
        event,
        actor=Actor(name="qinshui", role="automatic"),
        data={key: value for key, value in event.data.items() if key != "statement"},
    )
    forged = scene.forged(insert(automatic, at("approval.grant", "gaoping")))
    forged = forged.forged(drop(at("approval.grant", "gaoping")))
    assert wrong(forged) == f"entry {where}: qinshui may not decide for gaoping"


# --- (9) clocks ---

NOON = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)  # the federation's clock stands still


def at_second(seconds: int) -> str:
    return timestamp(datetime.fromtimestamp(NOON.timestamp() + seconds, UTC))


@pytest.mark.parametrize("seconds", [-119, 119])
def test_clock_two_minutes_off_is_accepted(scene, seconds):
    verify_record(scene.forged(change(at("commit", "gaoping"), time=at_second(seconds))))


@pytest.mark.parametrize("seconds", [-121, 121])
def test_clock_further_off_is_found(scene, seconds):
    where = place_of(scene, "commit", "gaoping")
    said = wrong(scene.forged(change(at("commit", "gaoping"), time=at_second(seconds))))
    assert said == f"entry {where}: its time is not within 120 s of 2026-03-01T08:00:00Z to 2026-03-01T08:00:00Z"


@pytest.mark.parametrize("time", ["2026-03-01T08:00:00.000+00:00", "yesterday", ""])
def test_time_in_another_form_is_found(scene, time):
    where = place_of(scene, "enrol", COORDINATOR, job="")
    forged = scene.forged(change(at("enrol", COORDINATOR, job=""), time=time))
    assert wrong(forged) == f"entry {where}: its time is not in the form of times"


def test_late_events_own_bracket_is_what_it_had_seen():
    def event(node: str, time: int, seen: int, role: str = "node") -> Event:
        return msgspec.convert(
            {
                "log": ORIGIN,
                "node": node,
                "seq": 0,
                "prev": "",
                "time": at_second(time),
                "type": "start",
                "job": "",
                "attempt": 0,
                "actor": {"name": node, "role": role},
                "seen": {"size": seen, "root": ""},
                "data": {},
            },
            Event,
        )

    def checkpoint(size: int, time: int) -> Checkpoint:
        return Checkpoint(size, bytes(32), {"a": int(NOON.timestamp()) + time}, frozenset())

    sealed = {1: checkpoint(1, 0), 2: checkpoint(2, 3600), 4: checkpoint(4, 7200)}
    on_time = [event("a", 0, 0), event("a", 3600, 1), event("a", 7200, 2), event("a", 7200, 2)]
    assert check_times(on_time, sealed) == 0
    late = [*on_time[:2], event("b", 60, 1), on_time[3]]  # had seen the first only, came after the second
    assert check_times(late, sealed) == 1
    for bad in (
        event("b", -200, 1),  # before what it had seen
        event("a", 60, 2),  # had seen the second
        event(COORDINATOR, 60, 0, role="coordinator"),  # it is never away from its own log
        event("b", 7400, 1),  # after the next seal
    ):
        with pytest.raises(RecordError) as caught:
            check_times([*on_time[:2], bad, on_time[3]], sealed)
        assert caught.value.details["where"] == "entry 2"


# --- journals ---


def test_another_partys_event_in_a_journal_is_found(scene):
    """Genuine, and the next of its own chain."""
    altered = scene.copy()
    altered.journals["gaoping"].append(altered.journals["qinshui"][-1])
    where = f"journal of gaoping, event {len(altered.journals['gaoping']) - 1}"
    assert wrong(altered) == f"{where}: it is an event of qinshui"


def test_rules_hold_for_what_the_log_does_not_have_yet(scene):
    """A department opens once more, and its journal tells it before the log does."""
    opened = scene.events()[place_of(scene, "open", "gaoping")]
    altered = scene.copy()
    last = peek_event(altered.journals["gaoping"][-1])
    entry = altered.journals["gaoping"][-1]
    later = replace(opened, seq=last.seq + 1, prev=hashlib.sha256(entry).hexdigest(), seen=last.seen)
    altered.journals["gaoping"].append(sign_event(later, scene.keys["gaoping"]))
    assert wrong(altered) == f"journal of gaoping, event {last.seq + 1}: gaoping did the same step of a job twice"
