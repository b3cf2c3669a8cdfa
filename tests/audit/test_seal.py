"""A checkpoint is sealed when a quorum has co-signed it just now, all that take part among them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import SignatureError
from crypto.notes import append_lines, cosign, sign_note
from crypto.sealing import BoxKey
from crypto.signing import HybridKey, SigningKey
from federation.audit.log import checkpoint_text
from federation.audit.seal import MAX_SEAL_AGE_S, MAX_SKEW_S, check_sealed, quorum, read_cosigned
from federation.errors import RefusedError
from federation.governance.roster import Party, Roster

ORIGIN = "keyong.test/seal"
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
LOG_KEY = SigningKey.generate()
NAMES = tuple(f"d{number}" for number in range(6))
KEYS = {name: HybridKey.generate() for name in NAMES}
ROOT = bytes(32)


@cache
def roster(count: int = 6) -> Roster:
    departments = tuple(
        Party(
            name=name,
            role="department",
            signing=SigningKey.generate().public,
            box=BoxKey.generate().public,
            witness=KEYS[name].public.ed25519,
            witness_mldsa=KEYS[name].public.mldsa44,
        )
        for name in NAMES[:count]
    )
    coordinator = Party(name="coordinator", role="coordinator", signing=LOG_KEY.public, box=BoxKey.generate().public)
    return Roster(
        origin=ORIGIN,
        epoch=1,
        parties=(coordinator, *departments),
        holders=NAMES[:count],
        threshold=2,
        public_key=b"",
    )


def bare(*, origin: str = ORIGIN, size: int = 5, key: SigningKey = LOG_KEY) -> str:
    return sign_note(key, ORIGIN, checkpoint_text(origin, size, ROOT))


@cache
def lines(name: str, age_s: int = 0, *, by: str = "", size: int = 5) -> tuple[str, ...]:
    """A witness's two lines; `by`: under whose name another one signs."""
    text = checkpoint_text(ORIGIN, size, ROOT)
    return cosign(KEYS[name], f"{ORIGIN}/{by or name}", text, time_s=int(NOW.timestamp()) - age_s)


def note(names: Iterable[str], age_s: int = 0) -> str:
    return append_lines(bare(), [line for name in names for line in lines(name, age_s)])


def check(text: str, *, members: tuple[str, ...] = ("d0",), count: int = 6, **more) -> None:
    check_sealed(text, roster(count), members=members, **{"now": NOW, **more})


def code(text: str, **more) -> str:
    with pytest.raises(RefusedError) as refused:
        check(text, **more)
    return refused.value.code


# floor((n + floor((n - 1) / 3)) / 2) + 1, by hand.
@pytest.mark.parametrize(("count", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7)])
def test_quorum_of_n_departments(count, needed):
    assert quorum(count) == needed


@given(st.integers(1, 500))
def test_any_two_quorums_share_an_honest_department_and_the_honest_alone_make_one(count):
    dishonest = (count - 1) // 3
    assert 2 * quorum(count) - count > dishonest
    assert count - dishonest >= quorum(count)


def test_checkpoint_tells_its_size_root_and_who_signed_when():
    sealed = read_cosigned(note(["d0", "d3"], age_s=7), roster())
    at = int(NOW.timestamp()) - 7
    assert (sealed.size, sealed.root, sealed.times) == (5, ROOT, {"d0": at, "d3": at})


def test_four_of_six_seal():
    check(note(NAMES[:4]))


def test_three_of_six_do_not_seal():
    with pytest.raises(RefusedError) as refused:
        check(note(NAMES[:3]))
    assert (refused.value.code, refused.value.details) == ("refused.unsealed", {"count": 3, "quorum": 4})


@pytest.mark.parametrize("missing", NAMES)
def test_quorum_without_one_that_takes_part_does_not_seal(missing):
    there = [name for name in NAMES if name != missing]
    assert code(note(there), members=(missing, there[0])) == "refused.unsealed"


def test_stranger_as_member_is_never_there():
    assert code(note(NAMES), members=("d0", "nobody")) == "refused.unsealed"


# --- what is no cosignature counts as none ---


@pytest.mark.parametrize(
    "fourth",
    [
        pytest.param(lines("d0"), id="one twice"),
        pytest.param(lines("d4", by="d3"), id="another's key under the name"),
        pytest.param(lines("d3", size=6), id="of another size"),
        pytest.param(lines("d3")[:1], id="Ed25519 only"),
        pytest.param(lines("d3")[1:], id="ML-DSA only"),
        pytest.param((lines("d3")[0], lines("d3", 1)[1]), id="two times"),
        pytest.param((), id="nothing"),
    ],
)
def test_what_is_no_cosignature_of_a_fourth_does_not_complete_a_quorum(fourth):
    three = [line for name in NAMES[:3] for line in lines(name)]
    try:
        text = append_lines(bare(), [*three, *fourth])
    except SignatureError:
        text = bare() + "".join((*three, *fourth))
    assert code(text) in ("refused.unsealed", "refused.seal")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(bare(origin="keyong.test/other"), id="another log"),
        pytest.param(bare(key=SigningKey.generate()), id="another coordinator"),
        pytest.param(bare().partition("\n\n")[0] + "\n\n", id="no signature"),
        pytest.param(bare().replace("\n5\n", "\n6\n"), id="another size"),
        pytest.param("", id="empty"),
        pytest.param("\ud800", id="half a character"),
        pytest.param("a\n" * 100_000, id="long"),
    ],
)
def test_what_the_coordinator_did_not_sign_for_this_log_is_refused(text):
    assert code(text) == "refused.seal"


@given(st.text(max_size=200))
@settings(max_examples=50)
def test_garbage_is_refused(text):
    assert code(text) == "refused.seal"


# --- the suspended do not count ---


def test_suspended_department_does_not_count_to_the_quorum():
    assert code(note(NAMES[:4]), suspended=("d3",)) == "refused.unsealed"  # 3 of the 5 left, where 4 are needed
    check(note(NAMES[:4]), suspended=("d4",))


def test_with_two_of_six_suspended_three_seal():
    check(note(NAMES[:3]), suspended=("d4", "d5"))


def test_suspended_department_takes_no_part():
    assert code(note(NAMES), members=("d0", "d5"), suspended=("d5",)) == "refused.unsealed"


def test_nobody_seals_when_all_are_suspended():
    assert code(note(NAMES), suspended=NAMES) == "refused.unsealed"


# --- age ---


@pytest.mark.parametrize("age_s", [-MAX_SKEW_S, 0, MAX_SEAL_AGE_S])
def test_seal_of_these_seconds_is_new(age_s):
    check(note(NAMES, age_s))


@pytest.mark.parametrize("age_s", [-MAX_SKEW_S - 1, MAX_SEAL_AGE_S + 1, 86_400])
def test_seal_of_these_seconds_is_old_or_of_another_clock(age_s):
    assert code(note(NAMES, age_s)) == "refused.seal_age"
    check(note(NAMES, age_s), now=None)


def test_half_a_second_beyond_the_age_is_old():
    assert code(note(NAMES, MAX_SEAL_AGE_S), now=NOW + timedelta(milliseconds=500)) == "refused.seal_age"


def mixed(ages: dict[str, int]) -> str:
    return append_lines(bare(), [line for name, age_s in ages.items() for line in lines(name, age_s)])


def test_old_cosignature_of_a_member_is_refused_whatever_the_others_say():
    assert code(mixed({**dict.fromkeys(NAMES, 0), "d0": MAX_SEAL_AGE_S + 1})) == "refused.seal_age"


def test_one_witness_with_a_wrong_clock_that_takes_no_part_stops_nobody():
    for wrong in (-3600, 3600):
        check(mixed({**dict.fromkeys(NAMES, 0), "d5": wrong}))


def test_old_cosignatures_do_not_make_up_a_quorum():
    old = dict.fromkeys(NAMES[3:], MAX_SEAL_AGE_S + 1)
    assert code(mixed({**dict.fromkeys(NAMES[:3], 0), **old})) == "refused.seal_age"


def test_too_few_cosignatures_are_told_as_such_before_their_age():
    assert code(note(NAMES[:3], MAX_SEAL_AGE_S + 1)) == "refused.unsealed"
