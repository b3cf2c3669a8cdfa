"""A department's own copy of the record tells who has taken back a word, and who does not count."""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec
import pytest

from federation.audit.events import Actor
from federation.audit.journal import Draft
from federation.errors import KeyongError
from federation.governance.statements import Deny, Resume, Revoke, SignRoster, Statement, Suspend, sign_statement
from federation.messages import Attest, Cosigned, Propose, Sync
from federation.node.mirror import RecordMirror
from tests.support.memory import COORDINATOR, NAMES, ORIGIN, MemoryFederation, MemoryStore

SQL = "SELECT COUNT(*), SUM(income) FROM insured"
OURS, THEIRS = "gaoping", "zezhou"


@pytest.fixture
def federation(tmp_path: Path) -> MemoryFederation:
    stores = {name: MemoryStore([{"income": 100}] * 3) for name in NAMES}
    return MemoryFederation(tmp_path / "home", stores, approvals="officers")


def mirror(federation: MemoryFederation, name: str = OURS) -> RecordMirror:
    return RecordMirror(federation.witnesses[name], federation.roster)


def lodged(federation: MemoryFederation):
    plan = federation.plan(SQL)
    for name in NAMES:
        ask = Propose(request=federation.request(plan, job="q-1"))
        federation.say(name, ask, job="q-1", plan=plan.hash)
    return plan


def say(federation: MemoryFederation, name: str, kind: type[Statement], **fields: object) -> None:
    """What an officer says that is about no job."""
    common = {"log": ORIGIN, "roster": federation.roster.hash, "officer": f"officer@{name}", "department": name}
    statement = kind(**common, nonce=secrets.token_hex(16), time="2026-03-01T08:00:00Z", **fields)
    federation.approvals[name].hear(sign_statement(statement, federation.officer_keys[statement.officer]), {})


def attest(federation: MemoryFederation, *, start: int | None = None, note: str | None = None) -> Cosigned:
    size = len(federation.log)
    known = federation.witnesses[OURS].head().size if start is None else start
    entries = tuple(federation.log.entries(known, size))
    note = note or federation.log.checkpoint_at(size)
    return federation.say(OURS, Attest(note=note, start=known, entries=entries)).payload


def test_checkpoint_is_co_signed_with_all_its_entries(federation):
    size = len(federation.log)
    said = attest(federation)
    assert (said.size, len(said.lines)) == (size, 2)
    assert mirror(federation).head().startswith(f"{federation.roster.origin}\n{size}\n")


def test_mirror_that_lacks_entries_says_from_where_on_and_signs_nothing(federation):
    size = len(federation.log)
    attest(federation)
    lodged(federation)
    for start in (0, size + 1):
        said = attest(federation, start=start)
        assert (said.size, said.lines) == (size, ())
    assert attest(federation).lines


def test_what_is_not_co_signed_is_told_by_its_code_and_kept(federation):
    note = federation.log.checkpoint_at(len(federation.log)).replace("keyong", "Keyong")
    with pytest.raises(KeyongError) as refused:
        attest(federation, note=note)
    assert refused.value.code == "witness.log_signature"
    assert [refusal.code for refusal in federation.witnesses[OURS].refused()] == ["witness.log_signature"]


# --- who has taken back a word ---


def test_nobody_has_revoked_a_job_nobody_spoke_of(federation):
    lodged(federation)
    federation.checkpoint()
    assert mirror(federation).revoked("q-1") == ()


def test_job_is_over_when_the_coordinator_says_so_and_nobody_else(federation):
    end = Draft(type="job.end", actor=Actor(name=THEIRS, role="node"), job="q-1", data={"outcome": "released"})
    federation.journals[THEIRS].write([end])
    federation.say(THEIRS, Sync())
    attest(federation)
    assert not mirror(federation).is_over("q-1")
    federation.sequencer.record(msgspec.structs.replace(end, actor=Actor(name=COORDINATOR, role="coordinator")))
    attest(federation)
    assert mirror(federation).is_over("q-1")


@pytest.mark.parametrize("kind", [Deny, Revoke])
def test_denial_and_revocation_of_another_department_are_seen_once_they_are_sealed(federation, kind):
    plan = lodged(federation)
    if kind is Revoke:
        federation.approvals[THEIRS].hear(federation.grant(THEIRS, plan), {})
    federation.approvals[THEIRS].hear(federation.say_no(kind, THEIRS, plan), {})
    assert mirror(federation).revoked("q-1") == ()
    federation.checkpoint()  # its own answer brings the event, the next checkpoint holds it
    federation.checkpoint()
    assert mirror(federation).revoked("q-1") == (THEIRS,)
    assert mirror(federation).revoked("q-2") == ()


def test_department_that_says_no_twice_is_named_once(federation):
    plan = lodged(federation)
    for name in (THEIRS, OURS):
        federation.approvals[name].hear(federation.grant(name, plan), {})
        federation.approvals[name].hear(federation.say_no(Revoke, name, plan), {})
        federation.checkpoint()
    federation.checkpoint()
    assert mirror(federation).revoked("q-1") == (THEIRS, OURS)


# --- who does not count ---


def test_majority_of_the_officers_takes_a_department_out_and_one_of_them_brings_it_back(federation):
    for voters, out in ((NAMES[:3], False), ((NAMES[3],), True)):
        for name in voters:
            say(federation, name, Suspend, party=THEIRS)
        federation.checkpoint()
        federation.checkpoint()
        assert mirror(federation).suspended() == (frozenset({THEIRS}) if out else frozenset())
    say(federation, NAMES[0], Resume, party=THEIRS)
    federation.checkpoint()
    federation.checkpoint()
    assert mirror(federation).suspended() == frozenset()


def test_every_department_sees_the_same(federation):
    assert THEIRS not in NAMES[:4]
    for name in NAMES[:4]:
        say(federation, name, Suspend, party=THEIRS)
    for _ in range(2):
        federation.checkpoint()
    assert {mirror(federation, name).suspended() for name in NAMES} == {frozenset({THEIRS})}


def test_signing_the_roster_suspends_nobody(federation):
    for name in NAMES:
        say(federation, name, SignRoster)
    for _ in range(2):
        federation.checkpoint()
    assert mirror(federation).suspended() == frozenset()
