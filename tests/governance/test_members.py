"""A department is taken out of the count by the officers of a majority, and by nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.audit.events import Actor, Event, Seen
from federation.audit.seal import quorum
from federation.governance.members import suspended

SIX = ("chengqu", "gaoping", "lingchuan", "qinshui", "yangcheng", "zezhou")


def act(node: str, party: str, kind: str = "member.suspend") -> Event:
    return Event(
        log="keyong.test/members",
        node=node,
        seq=0,
        prev="0" * 64,
        time="2026-03-01T08:00:00.000Z",
        type=kind,
        job="",
        attempt=0,
        actor=Actor(name=f"officer@{node}", role="officer"),
        seen=Seen(),
        data={"party": party},
    )


def by(*nodes: str, party: str = "zezhou", kind: str = "member.suspend") -> list[Event]:
    return [act(node, party, kind) for node in nodes]


def test_nobody_is_suspended_at_first():
    assert suspended([], SIX) == frozenset()


@pytest.mark.parametrize(("voters", "out"), [(1, False), (2, False), (3, False), (4, True), (5, True)])
def test_majority_of_six_is_four(voters, out):
    assert suspended(by(*SIX[:voters]), SIX) == (frozenset({"zezhou"}) if out else frozenset())


@pytest.mark.parametrize(("count", "needed"), [(3, 2), (4, 3), (5, 3)])
def test_majority_is_of_all_departments_the_suspended_one_among_them(count, needed):
    names = SIX[6 - count :]
    assert not suspended(by(*names[: needed - 1]), names)
    assert suspended(by(*names[:needed]), names) == {"zezhou"}


def test_one_department_saying_it_often_is_one_voice():
    assert not suspended(by(*["chengqu"] * 10), SIX)


def test_department_has_no_voice_about_itself():
    assert not suspended(by(*SIX[:3], "zezhou"), SIX)


def test_voices_of_strangers_and_about_strangers_do_not_count():
    assert not suspended(by(*SIX[:3], "coordinator", "analyst@city", "hukou"), SIX)
    assert not suspended(by(*SIX, party="hukou"), SIX)


def test_resumption_takes_back_ones_own_voice():
    votes = by(*SIX[:4])
    assert not suspended([*votes, *by("chengqu", kind="member.resume")], SIX)
    assert suspended([*votes, *by("yangcheng", "coordinator", kind="member.resume")], SIX) == {"zezhou"}
    assert suspended([*by(*SIX[:5]), *by("chengqu", kind="member.resume")], SIX) == {"zezhou"}


def test_order_counts_suspended_again_after_a_resumption():
    votes = [*by(*SIX[:4]), *by("chengqu", kind="member.resume"), *by("chengqu")]
    assert suspended(votes, SIX) == {"zezhou"}


def test_resumption_by_who_never_suspended_changes_nothing():
    assert suspended([*by(*SIX[:4]), *by("zezhou", kind="member.resume")], SIX) == {"zezhou"}


def test_voices_about_one_department_are_none_about_another():
    assert not suspended([*by(*SIX[:3]), *by(*SIX[1:4], party="chengqu")], SIX)


@given(st.lists(st.tuples(st.sampled_from(SIX), st.sampled_from(SIX), st.booleans()), max_size=60))
def test_whoever_is_suspended_has_a_majority_against_it_at_the_end(acts):
    events = [act(node, party, "member.suspend" if no else "member.resume") for node, party, no in acts]
    last = {(node, party): no for node, party, no in acts if node != party}
    against = {party: sum(no for (_, about), no in last.items() if about == party) for party in SIX}
    assert suspended(events, SIX) == {party for party, voices in against.items() if voices >= 4}


@given(st.integers(1, 60))
def test_two_quorums_share_more_departments_than_may_be_dishonest(count):
    assert 2 * quorum(count) - count > (count - 1) // 3
    assert quorum(count) <= count
