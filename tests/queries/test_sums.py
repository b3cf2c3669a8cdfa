"""The encrypted sum gives the clear answer to the analyst, exactly, and nothing to anybody else."""

from __future__ import annotations

import statistics
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto.encoding import SlotLayout
from crypto.errors import SealError
from crypto.sealing import open_box, seal
from crypto.threshold import combine
from federation.errors import DataError, KeyongError, NodeError, RefusedError
from federation.messages import Decision, Share, decode
from federation.plan import MAX_ROWS
from tests.support.memory import COORDINATOR, NAMES, CellStore, MemoryFederation, MemoryStore


@pytest.fixture
def make(tmp_path: Path):
    """Make a federation whose departments hold these rows."""

    def federation(*tables, **rules) -> MemoryFederation:
        stores = {name: MemoryStore(rows) for name, rows in zip(NAMES, tables, strict=False)}
        return MemoryFederation(tmp_path / "home", stores, **rules)

    return federation


def incomes(*cents: int | None) -> list[dict[str, int | None]]:
    return [{"income": value} for value in cents]


# --- exactness ---


def test_signed_sums_are_exact(make):
    federation = make(incomes(100, -250), incomes(-1, 7), incomes(99_999, 3))
    assert federation.ask("SELECT COUNT(*), SUM(income), AVG(income) FROM insured").rows == ((6, 998.58, 166.43),)


def test_sum_of_losses_is_negative(make):
    federation = make(incomes(-100_000), incomes(-100_000), incomes(-5))
    assert federation.ask("SELECT SUM(income) FROM insured").rows == ((-2000.05,),)


def test_variance_and_deviation_are_those_of_the_statistics_module(make):
    yuan = [1.0, 2.0, 4.0, -8.0, 16.0, 0.5]
    federation = make(incomes(100, 200), incomes(400, -800), incomes(1600, 50))
    (row,) = federation.ask("SELECT VAR(income), VAR_POP(income), STDDEV(income), STDDEV_POP(income) FROM insured").rows
    assert row == pytest.approx(
        (
            statistics.variance(yuan),
            statistics.pvariance(yuan),
            statistics.stdev(yuan),
            statistics.pstdev(yuan),
        ),
        rel=1e-15,
    )


def test_nulls_are_rows_but_neither_values_nor_zeros(make):
    federation = make(incomes(100, None), incomes(200, None), incomes(300, 0))
    assert federation.ask("SELECT COUNT(*), COUNT(income), SUM(income), AVG(income) FROM insured").rows == (
        (6, 4, 6.0, 1.5),
    )


def test_column_of_nulls_has_no_sum(make):
    federation = make(incomes(None), incomes(None), incomes(None))
    assert federation.ask(
        "SELECT COUNT(*), COUNT(income), SUM(income), AVG(income), VAR(income) FROM insured"
    ).rows == ((3, 0, None, None, None),)


def test_zeros_add_up_to_zero(make):
    federation = make(incomes(0), incomes(0), incomes(0))
    assert federation.ask("SELECT SUM(income), AVG(income), VAR(income) FROM insured").rows == ((0.0, 0.0, 0.0),)


def test_table_nobody_is_in_gives_no_rows(make):
    answer = make([], [], []).ask("SELECT sex, COUNT(*), SUM(income) FROM insured GROUP BY sex")
    assert (answer.rows, answer.suppressed) == ((), ())


def test_department_without_rows_changes_nothing(make):
    federation = make(incomes(100, 200), incomes(300, 400), incomes(500, 600), [])
    assert federation.ask("SELECT COUNT(*), SUM(income) FROM insured").rows == ((6, 21.0),)


def test_values_outside_the_bounds_are_clipped_to_them(make):
    federation = make(incomes(100_001), incomes(10**17), incomes(-(10**17)))
    assert federation.ask("SELECT SUM(income) FROM insured").rows == ((1000.0,),)


def test_whole_numbers_stay_whole(make):
    federation = make([{"months": 600}], [{"months": 0}], [{"months": 7}])
    (row,) = federation.ask("SELECT SUM(months) FROM insured").rows
    assert row == (607,)
    assert type(row[0]) is int


def test_largest_totals_of_every_department_do_not_carry_into_a_neighbour(tmp_path):
    # 2**32 rows, each at the upper bound 1000.00: shifted by the lower bound -1000.00 that is 200,000 a row.
    largest = (MAX_ROWS, MAX_ROWS, 200_000 * MAX_ROWS, 200_000**2 * MAX_ROWS)
    stores = {name: CellStore({0: largest, 1: (3, 3, 0, 0)}) for name in NAMES}
    federation = MemoryFederation(tmp_path / "home", stores)
    sql = "SELECT sex, COUNT(*), SUM(income), VAR_POP(income) FROM insured GROUP BY sex"
    assert federation.ask(sql).rows == (("f", 6 * 2**32, 6 * 2**32 * 1000.0, 0.0), ("m", 18, -18_000.0, 0.0))


def test_booleans_are_added_as_0_and_1(make):
    federation = make([{"active": 1}, {"active": 0}], [{"active": 1}], [{"active": None}, {"active": 1}])
    assert federation.ask("SELECT SUM(active), AVG(active) FROM insured").rows == ((3, 0.75),)


@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_any_number_of_departments_from_3_on_gives_the_same_sum(tmp_path, count):
    rows = incomes(*range(-30, 30))
    stores = {name: MemoryStore(rows[index::count]) for index, name in enumerate(NAMES[:count])}
    federation = MemoryFederation(tmp_path / "home", stores, threshold_=count // 2 + 1)
    assert federation.ask("SELECT COUNT(*), SUM(income) FROM insured").rows == ((60, -0.3),)


def test_300_groups_are_those_of_plain_python(make):
    tables = [
        [
            {"area": f"area {place:03}", "income": (place * 37 + who) % 1000 - 500}
            for place in range(300)
            for who in range(place % 5)
        ]
        for _ in range(3)
    ]
    expected = {}
    for place in range(300):
        values = [row["income"] for table in tables for row in table if row["area"] == f"area {place:03}"]
        if values:
            expected[f"area {place:03}"] = (len(values), sum(values) / 100)
    found = make(*tables).ask("SELECT area, COUNT(*), SUM(income) FROM insured GROUP BY area")
    assert {row[0]: row[1:] for row in found.rows} == expected
    assert found.suppressed == ()


def test_conditions_and_bands_reach_the_store(make):
    def table(who: int):
        return [{"months": months, "income": months * 100 + who, "sex": "fm"[months % 2]} for months in range(40)]

    found = make(table(0), table(1), table(2)).ask(
        "SELECT BAND(months), COUNT(*), SUM(income) FROM insured WHERE sex = 'f' AND months < 24 GROUP BY BAND(months)"
    )
    # Even months 0 to 22, in three departments: 3 x 3, 3 x 3 and 3 x 6 rows; each band has who = 0 + 1 + 2 cents more.
    assert found.rows == (
        ("< 6", 9, 3 * (0 + 2 + 4) + 0.09),
        ("[6, 12)", 9, 3 * (6 + 8 + 10) + 0.09),
        ("[12, 24)", 18, 3 * (12 + 14 + 16 + 18 + 20 + 22) + 0.18),
    )


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(-100_000, 100_000)), max_size=6), min_size=3, max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_departments_hold_is_added_exactly_or_suppressed(tmp_path_factory, tables):
    stores = {name: MemoryStore(incomes(*table)) for name, table in zip(NAMES, tables, strict=False)}
    federation = MemoryFederation(tmp_path_factory.mktemp("home") / "home", stores)
    everything = [value for table in tables for value in table]
    values = [value for value in everything if value is not None]
    feeding = [sum(bool(table) for table in tables), sum(any(v is not None for v in table) for table in tables)]
    try:
        found = federation.ask("SELECT COUNT(*), COUNT(income), SUM(income) FROM insured")
    except RefusedError as refused:
        assert refused.code in ("refused.too_small", "refused.by_holder")
        assert feeding[0] < 3 or 0 < feeding[1] < 3 or 0 < len(values) < 3
    else:
        total = sum(values) / 100 if values else None
        assert found.rows == (((len(everything), len(values), total),) if everything else ())


# --- suppression ---


def people(**ages: int) -> list[dict[str, str]]:
    return [{"age": age} for age, count in ages.items() for _ in range(count)]


def test_small_group_and_its_complement_are_not_in_the_answer(make):
    federation = make(
        people(young=1, middle=5, old=9), people(middle=5, old=9), people(middle=5, old=9), minimum_group=10
    )
    answer = federation.ask("SELECT age, COUNT(*) FROM insured GROUP BY age")
    assert answer.rows == (("old", 27),)
    assert answer.suppressed == (("young",), ("middle",))


def test_suppressed_groups_are_zero_in_what_is_opened_to_the_analyst(make):
    federation = make(
        people(young=1, middle=5, old=9), people(middle=5, old=9), people(middle=5, old=9), minimum_group=10
    )
    plan = federation.plan("SELECT age, COUNT(*) FROM insured GROUP BY age")
    sealed = federation.seal(plan)
    # The analyst, curious: the boxes are its own, so it opens every slot that the holders gave.
    assert opened_slots(federation, plan, sealed) == [0, 0, 27]


def opened_slots(federation: MemoryFederation, plan, sealed) -> list[int]:
    parts = {}
    for data in sealed.shares:
        envelope = federation.roster.open(data)
        sender = envelope.header.sender
        context = f"keyong\nshare\nq-1\nsums\n{sender}\n{plan.requester}".encode()
        box = open_box(federation.identities[plan.requester].box, decode(envelope.payload).box, context=context)
        index, part = msgspec.msgpack.decode(box)
        parts[index] = part
    layout = SlotLayout(
        bounds=plan.local.sum_bounds,
        addends=len(plan.contributors),
        plaintext_bits=federation.public_key.plaintext_bits,
    )
    opened = combine(federation.public_key, parts, holders=len(plan.holders), threshold=plan.threshold)
    return layout.unpack(opened)


def test_nothing_is_released_when_every_group_is_small(make):
    federation = make(people(young=2), people(young=2), people(young=2), minimum_group=10)
    with pytest.raises(RefusedError) as refused:
        federation.ask("SELECT age, COUNT(*) FROM insured GROUP BY age")
    assert refused.value.code == "refused.too_small"
    assert {name for _, name in federation.opened()} == {"counts"}


def test_grouping_by_the_holder_in_disguise_is_refused(make):
    federation = make(people(young=20), people(middle=20), people(old=20))
    with pytest.raises(RefusedError) as refused:
        federation.ask("SELECT age, COUNT(*) FROM insured GROUP BY age")
    assert refused.value.code == "refused.by_holder"


def test_log_does_not_tell_how_many_groups_are_small(make):
    federation = make(
        people(young=1, middle=5, old=9), people(middle=5, old=9), people(middle=5, old=9), minimum_group=10
    )
    federation.ask("SELECT age, COUNT(*) FROM insured GROUP BY age")
    (decided,) = federation.events("qinshui", "release.decide")
    assert set(decided.data) == {"groups", "minimum_group", "commitment"}
    assert decided.data["groups"] == 3


# --- what each party can read ---


def boxes_sent(federation: MemoryFederation) -> list[tuple[bytes, bytes]]:
    """Every box that passed the coordinator, with the context it was sealed in."""
    found = []
    for sender, data in federation.sent:
        payload = decode(federation.roster.open(data).payload)
        if isinstance(payload, Share):
            reader = "qinshui" if payload.round == "counts" else "analyst@city"
            found.append((payload.box, f"keyong\nshare\nq-1\n{payload.round}\n{sender}\n{reader}".encode()))
        if isinstance(payload, Decision):
            found += [
                (box, f"keyong\ndecision\nq-1\n\n{sender}\n{reader}".encode()) for reader, box in payload.boxes.items()
            ]
    return found


def test_coordinator_opens_none_of_the_boxes_it_relays(make):
    federation = make(incomes(1, 2), incomes(3, 4), incomes(5, 6))
    federation.ask("SELECT COUNT(*) FROM insured")
    boxes = boxes_sent(federation)
    assert len(boxes) == 2 + 4 + 2  # two holders in each round; three contributors and the analyst
    for box, context in boxes:
        with pytest.raises(SealError):
            open_box(federation.identities[COORDINATOR].box, box, context=context)


def test_each_box_opens_for_its_one_reader(make):
    federation = make(incomes(1, 2), incomes(3, 4), incomes(5, 6))
    federation.ask("SELECT COUNT(*) FROM insured")
    for box, context in boxes_sent(federation):
        readers = []
        for name, identity in federation.identities.items():
            try:
                open_box(identity.box, box, context=context)
                readers.append(name)
            except SealError:
                pass
        assert readers == [context.decode().rpartition("\n")[2]]


def test_another_analyst_cannot_read_the_result(make):
    federation = make(incomes(1, 2), incomes(3, 4), incomes(5, 6))
    plan = federation.plan("SELECT COUNT(*) FROM insured")
    sealed = federation.seal(plan)
    with pytest.raises(RefusedError) as refused:
        federation.read(plan, sealed, reader="analyst@tax")
    assert refused.value.code == "refused.decision"


def test_share_of_one_holder_opens_nothing(make):
    federation = make(incomes(1, 2), incomes(3, 4), incomes(5, 6))
    plan = federation.plan("SELECT COUNT(*) FROM insured")
    sealed = federation.seal(plan)
    with pytest.raises(RefusedError) as refused:
        federation.read(plan, sealed._replace(shares=sealed.shares[:1]))
    assert refused.value.code == "refused.shares"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(lambda sealed, other: sealed._replace(shares=sealed.shares[:1] * 2), "node.protocol", id="twice"),
        pytest.param(lambda sealed, other: sealed._replace(shares=other.shares), "node.replayed", id="of another job"),
        pytest.param(
            lambda sealed, other: sealed._replace(decision=other.decision),
            "node.replayed",
            id="decision of another job",
        ),
        pytest.param(
            lambda sealed, other: sealed._replace(decision=sealed.shares[0]), "node.protocol", id="share as decision"
        ),
        pytest.param(
            lambda sealed, other: sealed._replace(shares=(sealed.decision, *sealed.shares)),
            "node.protocol",
            id="decision as share",
        ),
        pytest.param(lambda sealed, other: sealed._replace(decision=b""), "node.garbage", id="empty"),
    ],
)
def test_analyst_refuses_a_result_that_was_put_together_otherwise(make, change, code):
    federation = make(incomes(1, 2), incomes(3, 4), incomes(5, 6))
    plan = federation.plan("SELECT COUNT(*) FROM insured")
    sealed = federation.seal(plan)
    other = federation.seal(federation.plan("SELECT COUNT(*) FROM insured"), job="q-2")
    with pytest.raises(KeyongError) as refused:
        federation.read(plan, change(sealed, other))
    assert refused.value.code == code


# --- what a department's store may do wrong ---


def test_more_rows_than_the_public_bound_are_an_error_before_any_number_leaves(tmp_path):
    stores = {name: MemoryStore(incomes(1, 2)) for name in NAMES[:3]}
    stores["lingchuan"] = CellStore({0: (MAX_ROWS + 1,)})
    federation = MemoryFederation(tmp_path / "home", stores)
    with pytest.raises(DataError) as refused:
        federation.ask("SELECT COUNT(*) FROM insured")
    assert refused.value.code == "data.too_large"
    ledger = [event.data["payload"] for event in federation.events("lingchuan", "egress") if event.job]
    assert ledger == ["agreement", "begun", "failure"]
    assert federation.opened() == []


def test_sum_outside_its_bound_is_an_error_before_the_sums_leave(tmp_path):
    stores = {name: MemoryStore(incomes(1, 2)) for name in NAMES[:3]}
    stores["lingchuan"] = CellStore({0: (3, 3, 200_000 * MAX_ROWS + 1)})
    federation = MemoryFederation(tmp_path / "home", stores)
    with pytest.raises(DataError) as refused:
        federation.ask("SELECT SUM(income) FROM insured")
    assert refused.value.code == "data.too_large"
    ledger = [event.data["payload"] for event in federation.events("lingchuan", "egress") if event.job]
    assert "failure" in ledger
    assert ledger.count("ciphertexts") == 1  # those of the counts


class BrokenStore(MemoryStore):
    def aggregate(self, query):
        raise ValueError("张三 140502194912310021")


def test_words_of_an_internal_error_never_leave(tmp_path):
    stores = {name: MemoryStore(incomes(1, 2)) for name in NAMES[:3]}
    stores["lingchuan"] = BrokenStore(())
    federation = MemoryFederation(tmp_path / "home", stores)
    with pytest.raises(KeyongError) as failed:
        federation.ask("SELECT COUNT(*) FROM insured")
    assert failed.value.code == "node.failed"
    assert not any("张三".encode() in data or b"14050219" in data for _, data in federation.sent)
    assert not any(b"14050219" in entry for entry in federation.log.entries())


def test_store_is_asked_once_for_both_rounds(make):
    federation = make(incomes(1, 2), incomes(3, 4), incomes(5, 6))
    federation.ask("SELECT SUM(income) FROM insured")
    assert [store.asked for store in federation.stores.values()] == [1, 1, 1]


def test_average_is_the_nearest_float_of_the_exact_quotient(make):
    federation = make(incomes(1), incomes(0), incomes(0))
    (row,) = federation.ask("SELECT AVG(income) FROM insured").rows
    assert row[0] == 1 / 300


def test_share_with_garbage_in_its_box_is_an_error_with_words(make):
    federation = make(incomes(1, 2), incomes(3, 4), incomes(5, 6))
    plan = federation.plan("SELECT COUNT(*) FROM insured")
    sealed = federation.seal(plan)
    context = b"keyong\nshare\nq-1\nsums\ngaoping\nanalyst@city"
    box = seal(federation.identities["analyst@city"].box.public, b"\xc1", context=context)
    forged = federation.signed("gaoping", COORDINATOR, Share(round="sums", box=box), job="q-1", plan=plan.hash)
    with pytest.raises(NodeError) as refused:
        federation.read(plan, sealed._replace(shares=(forged, sealed.shares[1])))
    assert (refused.value.code, refused.value.details) == ("node.garbage", {"party": "gaoping"})
