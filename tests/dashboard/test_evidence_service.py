import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.merkle import inclusion_proof, leaf_hash, node_hash
from dashboard.services.evidence import evidence, sides
from dashboard.services.seals import check_tlog_proof, heads, last_sealed, seal, write_tlog_proof
from federation.errors import RecordError
from tests.dashboard.records import tampered


@pytest.fixture
def log(approved):
    with evidence(approved.path) as found:
        yield found


@given(st.integers(1, 300).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_sides_fold_any_proof_to_the_root(place):
    number, size = place
    leaves = [leaf_hash(str(n).encode()) for n in range(size)]
    folded, proof = leaves[number], inclusion_proof(number, leaves)
    for sibling, left in zip(proof, sides(number, size), strict=True):
        folded = node_hash(sibling, folded) if left else node_hash(folded, sibling)
    level = leaves
    while len(level) > 1:
        pairs = [node_hash(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(level) & ~1 :]
    assert folded == level[0]


def test_an_altered_entry_gets_no_way_to_the_root(approved, tmp_path):
    copy = tampered(approved.path, tmp_path / "copy", entry=20)
    with sqlite3.connect(copy / "parties/coordinator/log.db") as db:
        # The last tile is checked on opening; this one is not the last entry's hash.
        (size,) = db.execute("SELECT max(size) FROM checkpoint").fetchone()
    with pytest.raises(RecordError), evidence(copy) as log:
        log.way(20, size)


def test_an_entry_is_found_by_its_number_and_by_its_leaf_hash(log):
    digest = leaf_hash(log.entry(17)).hex()
    assert [log.find(text) for text in ("17", "#17", digest, digest[:9].upper(), f" {digest[:8]} ")] == [17] * 5
    assert [log.find(text) for text in ("99999", "abc", "zzzz", "")] == [None] * 4


def test_the_list_is_read_newest_first_and_no_further_than_asked(log):
    grants = log.lines(lambda line: line.kind == "approval.grant", before=log.size, most=2)
    assert [line.party for line in grants] == ["zezhou", "gaoping"]
    assert grants[0].actor == "officer@zezhou"
    older = log.lines(lambda line: line.kind == "approval.grant", before=grants[-1].number, most=9)
    assert [line.party for line in older] == ["chengqu"]


def test_the_last_seal_names_who_is_there_and_how_many_are_needed(log, approved):
    found = last_sealed(log, approved.roster, ())
    assert (found.size, found.there, found.needed, found.holds) == (
        log.size,
        approved.roster.names("department"),
        2,
        True,
    )


def test_one_department_alone_seals_nothing(approved):
    approved.write("coordinator", "incident")
    approved.seal("gaoping")
    with evidence(approved.path) as log:
        assert seal(log, approved.roster, log.size, ()).there == ("gaoping",)
        assert not seal(log, approved.roster, log.size, ()).holds
        assert last_sealed(log, approved.roster, ()).size == log.size - 1


def test_a_suspended_department_does_not_count(log, approved):
    found = last_sealed(log, approved.roster, {"zezhou"})
    assert (found.counted, found.needed) == (("chengqu", "gaoping"), 2)


def test_a_departments_own_word_goes_before_the_coordinators_copy(log, approved):
    told = {"gaoping": log.note(log.sealed_sizes()[-1])}
    found = {head.party: head for head in heads(log, approved.roster, told)}
    assert (found["gaoping"].own_word, found["gaoping"].size) == (True, log.sealed_sizes()[-1])
    assert (found["chengqu"].own_word, found["chengqu"].size) == (False, log.size)
    assert all(head.agrees for head in found.values())


def test_a_head_of_another_log_is_not_taken_for_ones_own(log, approved):
    found = heads(log, approved.roster, {"gaoping": "keyong.local/other\n1\nAAAA\n\n— x y\n"})
    assert not any(head.own_word for head in found)


def test_a_proof_that_was_written_is_read_back(log, approved):
    text = write_tlog_proof(log, 17, log.size)
    found = check_tlog_proof(text, log, approved.roster)
    assert (found.number, found.size, found.cosigned) == (17, log.size, approved.roster.names("department"))
    assert check_tlog_proof(text.replace("\n", "\r\n"), log, approved.roster) == found


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda text: "", "format"),
        (lambda text: text.replace("@v1", "@v2", 1), "format"),
        (lambda text: text.replace("index 17", "index 017"), "format"),
        (lambda text: text.replace("index 17", "index 18"), "path"),
        (lambda text: text.replace("index 17", "index 99999"), "entry"),
        (lambda text: "\n".join(line for n, line in enumerate(text.split("\n")) if n != 3), "path"),
        (lambda text: text.replace("keyong.local/test\n", "keyong.local/toast\n", 1), "signature"),
        (lambda text: text.partition("\n\n")[0], "signature"),
    ],
)
def test_each_broken_proof_is_refused_for_its_own_reason(log, approved, broken, reason):
    with pytest.raises(RecordError) as refused:
        check_tlog_proof(broken(write_tlog_proof(log, 17, log.size)), log, approved.roster)
    assert refused.value.details["reason"] == reason


def test_a_later_checkpoint_is_joined_to_an_earlier_one(log):
    sizes = log.sealed_sizes()
    assert log.growth(sizes[-1], sizes[0])


def test_a_home_without_a_log_is_told_apart(tmp_path):
    with pytest.raises(RecordError) as refused, evidence(tmp_path):
        pass
    assert refused.value.code == "record.empty"
