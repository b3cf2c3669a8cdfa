"""Into the log goes every party's own chain, in its order, once, and nothing else."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import msgspec
import pytest

from crypto.signing import SigningKey
from federation.audit.events import Actor, Event, read_event, sign_event
from federation.audit.journal import Draft, Journal
from federation.audit.log import Log
from federation.coordinator.sequencer import Sequencer
from federation.errors import HomeError, NodeError
from federation.governance.roster import Party, Roster
from tests.support.memory import clock

KEYS = {name: SigningKey.generate() for name in ("coordinator", "gaoping", "zezhou")}
ROSTER = Roster(
    origin="keyong.test/sequencer",
    epoch=1,
    parties=tuple(
        Party(name=name, role="coordinator" if name == "coordinator" else "department", signing=key.public, box=b"")
        for name, key in KEYS.items()
    ),
    holders=(),
    threshold=2,
    public_key=b"",
)
replace = msgspec.structs.replace


def open_journal(folder: Path, party: str) -> Journal:
    return Journal(folder / f"{party}.db", origin=ROSTER.origin, node=party, key=KEYS[party], clock=clock)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log.db", origin=ROSTER.origin, key=KEYS["coordinator"])


@pytest.fixture
def sequencer(tmp_path: Path, log: Log) -> Sequencer:
    return Sequencer(log, open_journal(tmp_path, "coordinator"), ROSTER)


@pytest.fixture
def chain(tmp_path: Path) -> list[bytes]:
    """Five events of gaoping."""
    return open_journal(tmp_path, "gaoping").write([draft("gaoping")] * 5)


def draft(party: str) -> Draft:
    return Draft(type="incident", actor=Actor(name=party, role="node"))


def event(entry: bytes) -> Event:
    return read_event(entry, ROSTER.signers)


def refused(sequencer: Sequencer, party: str, entries: list[bytes]) -> None:
    with pytest.raises(NodeError) as caught:
        sequencer.accept(party, entries)
    assert (caught.value.code, caught.value.details) == ("node.bad_event", {"party": party})


def test_chain_in_pieces_is_appended_in_order(sequencer, log, chain):
    sequencer.accept("gaoping", chain[:2])
    sequencer.accept("gaoping", chain[2:])
    assert list(log.entries()) == chain
    assert sequencer.known("gaoping") == 5


def test_events_that_the_log_has_are_passed_over(sequencer, log, chain):
    sequencer.accept("gaoping", chain[:3])
    sequencer.accept("gaoping", chain)
    sequencer.accept("gaoping", chain)
    assert list(log.entries()) == chain


def test_nothing_at_all_is_nothing_wrong(sequencer, log):
    sequencer.accept("gaoping", [])
    assert len(log) == 0


@pytest.mark.parametrize(
    "choose",
    [
        pytest.param(lambda chain: chain[1:], id="begins later"),
        pytest.param(lambda chain: [chain[0], chain[2]], id="one left out"),
        pytest.param(lambda chain: [chain[0], chain[2], chain[1]], id="two swapped"),
        pytest.param(lambda chain: [chain[0], chain[0][:-1]], id="cut off"),
        pytest.param(lambda chain: [chain[0], b""], id="empty"),
        pytest.param(lambda chain: [chain[0], chain[1].replace(b"payload", b"pAyload", 1)], id="altered"),
    ],
)
def test_broken_chain_is_refused_whole(sequencer, log, chain, choose):
    refused(sequencer, "gaoping", choose(chain))
    assert len(log) == 0
    assert sequencer.known("gaoping") == 0


def test_chain_that_was_refused_can_be_brought_again_as_it_is(sequencer, log, chain):
    refused(sequencer, "gaoping", chain[1:])
    sequencer.accept("gaoping", chain)
    assert len(log) == 5


def test_events_of_somebody_else_are_refused(sequencer, chain):
    refused(sequencer, "zezhou", chain)


def test_event_in_a_partys_name_signed_by_another_is_refused(sequencer, chain):
    refused(sequencer, "gaoping", [sign_event(event(chain[0]), KEYS["zezhou"])])


def test_event_for_another_log_is_refused(sequencer, chain):
    refused(sequencer, "gaoping", [sign_event(replace(event(chain[0]), log="keyong.test/other"), KEYS["gaoping"])])


def test_event_with_another_past_is_refused(sequencer, chain):
    sequencer.accept("gaoping", chain[:2])
    refused(sequencer, "gaoping", [sign_event(replace(event(chain[2]), prev="0" * 64), KEYS["gaoping"])])


def test_fork_is_refused_where_it_goes_on(sequencer, log, chain):
    sequencer.accept("gaoping", chain[:3])
    forked = sign_event(replace(event(chain[2]), time="2026-03-02T08:00:00.000Z"), KEYS["gaoping"])
    after = replace(event(chain[3]), prev=hashlib.sha256(forked).hexdigest())
    refused(sequencer, "gaoping", [forked, sign_event(after, KEYS["gaoping"])])
    assert list(log.entries()) == chain[:3]


def test_chains_of_two_parties_do_not_mind_each_other(sequencer, log, chain, tmp_path):
    other = open_journal(tmp_path, "zezhou").write([draft("zezhou")] * 2)
    sequencer.accept("gaoping", chain[:1])
    sequencer.accept("zezhou", other)
    sequencer.accept("gaoping", chain[1:])
    assert list(log.entries()) == [chain[0], *other, *chain[1:]]


def test_restarted_sequencer_knows_what_the_log_has(sequencer, log, chain, tmp_path):
    sequencer.accept("gaoping", chain[:3])
    again = Sequencer(log, open_journal(tmp_path, "coordinator"), ROSTER)
    assert (again.known("gaoping"), again.known("zezhou")) == (3, 0)
    again.accept("gaoping", chain[2:])
    assert list(log.entries()) == chain


def test_own_events_go_to_the_own_journal_and_the_log(sequencer, log, tmp_path):
    sequencer.record(draft("coordinator"))
    sequencer.record(draft("coordinator"))
    assert list(log.entries()) == open_journal(tmp_path, "coordinator").entries()
    assert len(log) == 2


def test_event_that_reached_the_journal_but_not_the_log_is_brought_with_the_next(log, tmp_path):
    journal = open_journal(tmp_path, "coordinator")
    journal.write([draft("coordinator")])  # and then the machine stopped
    sequencer = Sequencer(log, journal, ROSTER)
    sequencer.record(draft("coordinator"))
    assert [event(entry).seq for entry in log.entries()] == [0, 1]


def test_full_disk_forgets_nothing_that_was_not_appended(sequencer, log, tmp_path):
    chain = open_journal(tmp_path, "gaoping").write([draft("gaoping")] * 40)
    sequencer.accept("gaoping", chain[:1])
    (pages,) = log._db.execute("PRAGMA page_count").fetchone()
    log._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(HomeError):
        sequencer.accept("gaoping", chain)
    assert sequencer.known("gaoping") == len(log) == 1
    log._db.execute("PRAGMA max_page_count = 1000000")
    sequencer.accept("gaoping", chain)
    assert list(log.entries()) == chain


def test_two_threads_bring_two_chains_whole(sequencer, log, tmp_path):
    chains = {party: open_journal(tmp_path, party).write([draft(party)] * 40) for party in ("gaoping", "zezhou")}

    def bring(party: str) -> None:
        for stop in range(1, 41):
            sequencer.accept(party, chains[party][:stop])

    threads = [threading.Thread(target=bring, args=(party,)) for party in chains]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for party, entries in chains.items():
        assert [entry for entry in log.entries() if event(entry).node == party] == entries


def test_names_of_jobs_that_began_are_known_after_a_restart_and_only_the_coordinator_gives_them(
    tmp_path, log, sequencer
):
    began = Draft(type="job.start", actor=Actor(name="coordinator", role="coordinator"), job="q-1", data={"plan": "p"})
    sequencer.record(began)
    told = replace(began, actor=Actor(name="gaoping", role="node"), job="q-2")
    untold = replace(told, job="q-3", data={})
    sequencer.accept("gaoping", open_journal(tmp_path, "gaoping").write([told, untold]))
    for one in (sequencer, Sequencer(log, open_journal(tmp_path, "coordinator"), ROSTER)):
        assert [one.begun(job) for job in ("q-1", "q-2", "q-3", "q-4")] == ["p", "", "", ""]
