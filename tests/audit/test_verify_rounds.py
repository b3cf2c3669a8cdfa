"""Step 7 of verifying, the rounds of a job: all given the same, and masks off one sum of agreed survivors only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.aggregation.agreement import propose
from federation.audit.events import Actor, Event, Seen
from federation.audit.record import RecordReader
from federation.audit.rules.findings import Written
from federation.audit.rules.rounds import Rounds
from federation.audit.verify import verify_record
from federation.drills.scene import Item, Scene
from federation.drills.stage import SCRIPT, SECOND, TRAINING, Stage
from federation.drills.town import COORDINATOR
from federation.errors import RecordError
from federation.plan import survivors_needed
from federation.queries.sums import run_sum
from tests.support.memory import MemoryFederation, MemoryStore, MemoryWire
from tests.support.records import JOB, at, change, drop, insert, place_of, wrong

NAMES = ("a", "b", "c", "d")
ALL, THREE, TWO = "a b c d", "a b c", "a b"
replace = msgspec.structs.replace


class Told:
    """Rounds of four, to be told of one event after another."""

    def __init__(self, names: tuple[str, ...] = NAMES, *, train: bool = True) -> None:
        self.names, self.rounds, self._places = names, Rounds(len(names), train=train), count()

    def event(self, kind: str, node: str, **data: int | str) -> Written:
        event = Event(
            log="", node=node, seq=0, prev="", time="", job="q", attempt=1, seen=Seen(), data=data,
            type=kind, actor=Actor(name=node, role="node"),
        )  # type: ignore[arg-type]  # fmt: skip
        return Written(next(self._places), event)

    def keys(self, node: str, **data: int | str) -> None:
        written = self.event("mask.keys", node, **{"cohort": " ".join(self.names), "digest": "k", **data})
        self.rounds.exchange_keys(written, self.names)

    def commit(self, node: str, **data: int | str) -> None:
        self.rounds.commit(self.event("commit", node, **{"round": "r", **data}))

    def mask(self, node: str, **data: int | str) -> None:
        self.rounds.mask(self.event("mask", node, **{"round": "r", "given": "g", **data}))

    def sign(self, node: str, survivors: str = ALL, **data: int | str) -> None:
        self.rounds.sign(self.event("survivors", node, **{"round": "r", "survivors": survivors, **data}))

    def leave(self, node: str, kind: str) -> None:
        self.rounds.leave(self.event("egress", node), kind)

    def close(self, survivors: str = ALL, **data: int | str) -> None:
        told = {"round": "r", "given": "g", "survivors": survivors, **data}
        self.rounds.close(self.event("round", "coordinator", **told))

    def make(self, rounds: int) -> None:
        self.rounds.make(self.event("model", "coordinator", rounds=rounds))

    def masked(self, *nodes: str) -> Told:
        for node in nodes or self.names:
            self.keys(node)
            self.mask(node)
            self.leave(node, "masked")
        return self

    def signed(self, survivors: str = ALL) -> Told:
        for node in survivors.split():
            self.sign(node, survivors)
        return self


def reason(act: Callable[[], object]) -> str:
    with pytest.raises(RecordError) as caught:
        act()
    return str(caught.value.details["reason"])


# --- what is as it should be ---


@given(st.data())
def test_any_survivors_above_two_thirds_are_accepted_and_no_fewer(data):
    names = tuple(data.draw(st.sets(st.sampled_from("abcdefghijkl"), min_size=3).map(sorted)))
    there = data.draw(st.sets(st.sampled_from(names), min_size=1).map(sorted))
    told, survivors = Told(names), " ".join(there)
    for node in names:
        told.keys(node)
    for node in there:
        told.mask(node)
        told.leave(node, "masked")
    if len(there) < survivors_needed(len(names)):
        assert "survivors" in reason(lambda: told.sign(there[0], survivors))
        return
    told.signed(survivors)
    for node in there:
        told.leave(node, "unmask")
    told.close(survivors)
    told.make(1)


def test_round_under_the_joint_key_has_all_for_survivors():
    told = Told()
    for node in NAMES:
        told.commit(node, given="g")
    for node in NAMES:
        told.leave(node, "ciphertext")
    told.close()
    told.make(1)


def test_commitments_from_before_there_was_anything_given_are_accepted():
    told = Told()
    for node in NAMES:
        told.commit(node, **({"given": ""} if node == "d" else {}))
    told.close(given="")


def test_numbers_without_any_protection_are_those_of_all():
    told = Told()
    for node in NAMES:
        told.mask(node)
        told.leave(node, "clear")
    told.close()


def test_fresh_exchange_is_another_one():
    told = Told().masked()
    told.keys("a", batch=1, cohort=THREE, digest="fresh")
    told.keys("b", batch=1, cohort=THREE, digest="fresh")
    assert reason(lambda: told.keys("c", batch=1)) == "c saw other keys for masks than the others"


def test_statement_of_what_was_given_agrees_with_the_mask():
    Told().masked().sign("a", given="g")


# --- keys, and what was given ---


@pytest.mark.parametrize("cohort", [TWO, "b c d", "a b c e"])
def test_exchange_of_too_few_or_without_oneself_or_with_strangers_is_found(cohort):
    assert "others than those that were to contribute" in reason(lambda: Told().keys("a", cohort=cohort))


@pytest.mark.parametrize("other", [{"cohort": THREE}, {"digest": "other"}])
def test_exchange_that_others_saw_otherwise_is_found(other):
    told = Told()
    told.keys("a")
    assert reason(lambda: told.keys("b", **other)) == "b saw other keys for masks than the others"


def test_another_model_is_found_masked_or_committed():
    told = Told()
    told.mask("a")
    said = "b was given something else in round r than the others"
    assert reason(lambda: told.mask("b", given="h")) == said
    assert reason(lambda: told.commit("b", given="h")) == said
    assert reason(lambda: told.commit("b")) == said


def test_statement_for_another_model_is_found():
    assert "a was given something else" in reason(lambda: Told().masked().sign("a", given="h"))


def test_more_than_were_to_contribute_are_found():
    told = Told().masked()
    assert reason(lambda: told.mask("e")) == "more departments took part than the 4 that were to"


# --- survivors ---


def test_survivors_that_masked_nothing_are_found():
    told = Told().masked("a", "b", "c")
    assert reason(lambda: told.sign("a")) == "a survivor of round r had masked nothing before a signed"


def test_survivors_that_committed_instead_are_found():
    told = Told().masked("a", "b", "c")
    told.commit("d", given="g")
    assert "had masked nothing before" in reason(lambda: told.sign("a"))


def test_survivors_of_a_round_that_nobody_knows_are_found():
    assert "had masked nothing before" in reason(lambda: Told().masked().sign("a", round="other"))


def test_statement_by_one_that_is_said_to_be_gone_is_found():
    assert "is not among them" in reason(lambda: Told().masked().sign("d", THREE))


def test_nobody_may_be_missing_but_in_a_training():
    told = Told(train=False).masked("a", "b", "c")
    assert reason(lambda: told.sign("a", THREE)) == "round r had 3 survivors, 4 are needed"


def test_other_survivors_than_the_first_signed_are_found():
    told = Told().masked()
    told.sign("a")
    assert reason(lambda: told.sign("b", THREE)) == "b signed other survivors of round r than the others"


@pytest.mark.parametrize("names", ["d c b a", "a b c d d", "a b c  d", ""])
def test_names_in_another_form_than_their_one_are_found(names):
    assert reason(lambda: Told().masked().sign("a", names)) == "it does not state survivors as names in their order"


# --- what leaves ---


def test_masked_numbers_leave_once_a_mask():
    told = Told().masked()
    assert "not on record" in reason(lambda: told.leave("a", "masked"))


def test_masked_numbers_without_keys_are_found():
    told = Told()
    told.mask("a")
    assert "without keys" in reason(lambda: told.leave("a", "masked"))


def test_shares_leave_once_a_statement():
    told = Told().masked().signed()
    told.leave("a", "unmask")
    assert "without having signed" in reason(lambda: told.leave("a", "unmask"))


def test_shares_before_enough_signed_are_found():
    told = Told().masked()
    told.sign("a")
    told.sign("b")
    assert reason(lambda: told.leave("a", "unmask")) == "2 had signed who survived round r, 3 are needed"


# --- what the coordinator says ---


def test_round_ends_once_and_before_the_model():
    told = Told().masked().signed()
    told.close()
    assert reason(told.close) == "round r ended twice, or after the model was made"
    told.make(1)
    assert reason(lambda: told.close(round="s")) == "round s ended twice, or after the model was made"


def test_round_that_nobody_or_not_everybody_contributed_to_is_found():
    said = "round r ended before everybody had contributed"
    assert reason(Told().close) == said
    assert reason(lambda: Told().masked("a", "b", "c").close(THREE)) == said


def test_round_that_too_few_signed_is_found():
    told = Told().masked()
    told.sign("a")
    assert reason(told.close) == "1 had signed who survived round r, 3 are needed"


def test_round_of_other_survivors_or_another_model_is_found():
    told = Told().masked().signed()
    assert "other survivors than the departments signed" in reason(lambda: told.close(THREE))
    assert "something else than the departments were given" in reason(lambda: told.close(given="h"))


def test_model_is_made_once_and_of_all_rounds():
    told = Told().masked().signed()
    told.close()
    assert reason(lambda: told.make(0)) == "a model of 0 rounds, where 1 are on record"
    told.make(1)
    assert reason(lambda: told.make(1)) == "job q made a model twice"


# --- in a whole record ---


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    yield Stage(tmp_path_factory.mktemp("training"))


@pytest.fixture(scope="module")
def scene(stage: Stage) -> Scene:
    return stage.scene()


def of(kind: str, node: str, **data: object) -> Callable[[list[Item]], int]:
    return at(kind, node, job=TRAINING, **data)


def test_job_of_an_unknown_kind_is_found(scene):
    said = wrong(scene.forged(change(of("job.start", COORDINATOR), data={"kind": "theft"})))
    assert said.endswith(f"job {TRAINING} is of no kind that there is")


def test_job_that_begins_again_as_another_kind_is_found(scene):
    start = scene.events()[place_of(scene, "job.start", COORDINATOR, job=TRAINING)]
    other = replace(start, data={**start.data, "kind": "sum"})
    said = wrong(scene.forged(insert(other, of("job.start", COORDINATOR))))
    assert said.endswith(f"job {TRAINING} ran before, or was another one")


def without_kinds(items: list[Item]) -> list[Item]:
    """As records were before there was anything but sums."""
    return [
        replace(item, data={k: v for k, v in item.data.items() if k not in ("kind", "given")})
        if isinstance(item, Event) and item.job not in (TRAINING, SCRIPT)
        else item
        for item in items
    ]


def test_record_from_before_there_were_kinds_verifies(scene):
    assert verify_record(scene.forged(without_kinds)).outcomes == {"released": 4}


def test_model_out_of_a_sum_is_found(scene):
    model = scene.events()[place_of(scene, "model", COORDINATOR, job=TRAINING)]
    other = replace(model, job=SECOND, data={**model.data, "rounds": 0})
    for change_ in (lambda items: items, without_kinds):
        before = scene.fold(change_(scene.unfold()))
        said = wrong(before.forged(insert(other, at("job.start", COORDINATOR, job=SECOND))))
        assert said.endswith(f"job {SECOND} was to train nothing")


def test_scores_out_of_a_training_are_found(scene):
    masked = scene.events()[place_of(scene, "mask", "tax", job=TRAINING)]
    scored = replace(masked, type="predict", data={"digest": "0" * 64})
    said = wrong(scene.forged(insert(scored, of("mask", "tax"))))
    assert said.endswith(f"job {TRAINING} was to score nobody")


@pytest.mark.parametrize(("kind", "writer"), [("round", COORDINATOR), ("model", COORDINATOR), ("mask", "tax")])
def test_event_in_anothers_name_is_found(scene, kind, writer):
    other = "tax" if writer == COORDINATOR else COORDINATOR
    actor = Actor(name=other, role="node" if other == "tax" else "coordinator")
    said = wrong(scene.forged(change(of(kind, writer), node=other, actor=actor, seen=Seen())))
    assert "may not do this" in said or f"{other} has seen less of the log than before" in said


def test_model_that_is_missing_is_no_fault_of_the_rounds(scene):
    verify_record(scene.forged(drop(of("model", COORDINATOR))))


# --- what departments themselves write ---


@pytest.fixture(scope="module")
def masked_sum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of four departments that answered a query under masks."""
    stores = {
        name: MemoryStore([{"income": 100 * i, "sex": sex} for i in range(3) for sex in "fm"])
        for name in ("gaoping", "lingchuan", "qinshui", "zezhou")
    }
    federation = MemoryFederation(tmp_path_factory.mktemp("masks") / "home", stores)
    plan = federation.plan("SELECT COUNT(*), SUM(income) FROM insured", protection="masks")
    wire = MemoryWire(federation, JOB, plan.hash)
    agreements = propose(wire, plan, federation.request(plan, job=JOB), {})
    federation._start(plan, JOB)

    sealed = run_sum(wire, plan, agreements, federation.public_key, federation.checkpoint, lambda _: None)
    federation._record("job.end", JOB, {"outcome": "released"})
    assert federation.read(plan, sealed, job=JOB)
    return federation.close()


def test_record_of_departments_that_added_up_under_masks_verifies(masked_sum):
    verdict = verify_record(RecordReader(masked_sum))
    events = Scene.of_home(masked_sum).events()
    assert verdict.outcomes == {"released": 1}
    assert [sum(e.type == kind for e in events) for kind in ("mask.keys", "mask", "survivors")] == [4, 8, 8]


def test_survivor_left_out_is_found_in_the_record_of_departments(masked_sum):
    scene = Scene.of_home(masked_sum)
    names = scene.roster.names("department")
    said = change(at("survivors", names[-1], round="counts"), data={"survivors": " ".join(sorted(names[1:]))})
    assert wrong(scene.forged(said)).endswith("round counts had 3 survivors, 4 are needed")
