"""Every indicator has a record in which it meets its threshold and one in which it does not; none says more than it is.

The record is a real one; what is altered in it is altered in plain values, since the rules are pure.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from crypto.notes import append_lines, cosign, sign_note, signature_lines
from crypto.signing import HybridKey
from federation.aggregation.agreement import propose
from federation.audit.events import Event, read_event
from federation.audit.indicators.compute import CATALOGUE, compute, to_json
from federation.audit.indicators.gather import figures, read_plans
from federation.audit.indicators.material import Drills, Material
from federation.audit.indicators.values import Finding, Indicator, Words, percentile, spans
from federation.audit.log import checkpoint_text
from federation.audit.record import RecordReader
from federation.audit.verify import Verdict, verify_record
from federation.commands import indicators as command
from federation.commands.frame import Command
from federation.errors import RecordError, RefusedError
from federation.governance.roster import Officer, Roster
from federation.governance.statements import Deny, Revoke, SignRoster, sign_statement
from federation.plan import Output, Plan, ScriptPlan
from federation.queries.sums import run_sum
from federation.runtime.home import Home
from federation.settings import Catalogue
from tests.support.memory import ANALYST, ORIGIN, MemoryFederation, MemoryStore, MemoryWire
from tests.support.scripts import PLAN as SCRIPT

replace = msgspec.structs.replace
NAMES = ("gaoping", "lingchuan", "qinshui")
SQL = "SELECT sex, COUNT(*), SUM(income) FROM insured GROUP BY sex"
# What a department's start tells in a running federation; in memory nothing is confined and no adapter loaded.
STARTED = {
    "isolation": "confined",
    "fingerprints": "insured=512/8192",
    "adapters": "csv=aa",
    "conformance": "csv=bb",
}


class Case(NamedTuple):
    """What indicators are computed from."""

    events: tuple[Event, ...]
    roster: Roster
    catalogue: Catalogue
    verdict: Verdict | None
    notes: tuple[tuple[int, str], ...]
    now: object
    drills: Drills | None
    plans: tuple[Plan, ...]

    def all(self) -> dict[str, Indicator]:
        events, *_ = self
        rest = {name: value for name, value in self._asdict().items() if name != "events"}
        return {indicator.definition.id: indicator for indicator in compute(events, **rest)}

    def finding(self, name: str) -> Finding:
        """One rule's: what is wrong for one may not even be readable for another."""
        (rule,) = (rule for definition, rule in CATALOGUE if definition.id == name)
        return rule(Material(**{**self._asdict(), "plans": {plan.hash: plan for plan in self.plans}}))

    def edit(self, kind: str, change: Callable[[Event], Event | None], *, first: bool = False) -> Case:
        """Change the events of a type, or drop them."""
        changed, done = [], False
        for event in self.events:
            if event.type != kind or (first and done):
                changed.append(event)
                continue
            done = True
            new = change(event)
            changed += [] if new is None else [new]
        assert done
        return self._replace(events=tuple(changed))

    def data(self, kind: str, *, first: bool = False, **fields: int | str) -> Case:
        return self.edit(kind, lambda event: replace(event, data={**event.data, **fields}), first=first)

    def later(self, **time: float) -> Case:
        return self._replace(now=self.now + timedelta(**time))


def officers_say(federation: MemoryFederation, plan: Plan, job: str) -> dict[str, bytes]:
    wire = MemoryWire(federation, job, plan.hash)
    request = federation.request(plan, job=job)
    propose(wire, plan, request, {})
    for name in NAMES:
        federation.approvals[name].hear(federation.grant(name, plan, job=job), {})
    return propose(wire, plan, request, {})


def revoke_halfway(federation: MemoryFederation, plan: Plan, job: str) -> None:
    agreements = officers_say(federation, plan, job)
    federation._start(plan, job)

    def step(name: str) -> None:
        if name == "counts.encrypt":
            federation.approvals["qinshui"].hear(federation.say_no(Revoke, "qinshui", plan, job=job), {})
            federation.now += timedelta(milliseconds=250)

    wire = MemoryWire(federation, job, plan.hash)
    with pytest.raises(RefusedError) as caught:
        run_sum(wire, plan, agreements, federation.public_key, federation.checkpoint, step)
    federation._record("job.end", job, {"outcome": caught.value.code})


def deny(federation: MemoryFederation, plan: Plan, job: str) -> None:
    wire, request = MemoryWire(federation, job, plan.hash), federation.request(plan, job=job)
    propose(wire, plan, request, {})
    federation.approvals["qinshui"].hear(federation.say_no(Deny, "qinshui", plan, job=job), {})
    with pytest.raises(RefusedError):
        propose(wire, plan, request, {})


def sign_roster(federation: MemoryFederation) -> None:
    for name in NAMES:
        officer = f"officer@{name}"
        common = {"log": ORIGIN, "roster": federation.roster.hash, "officer": officer, "department": name}
        statement = SignRoster(**common, nonce=secrets.token_hex(16), time="2026-03-01T08:00:00Z")
        federation.approvals[name].hear(sign_statement(statement, federation.officer_keys[officer]), {})


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> MemoryFederation:
    """One job answered, one revoked halfway, one denied; the roster signed; everything sealed, and closed."""
    rows = [{"income": 100, "sex": "f"}, {"income": 200, "sex": "m"}]
    home = tmp_path_factory.mktemp("indicators") / "home"
    federation = MemoryFederation(home, {name: MemoryStore(rows) for name in NAMES}, approvals="officers")
    sign_roster(federation)
    answered, stopped, denied = (federation.plan(SQL) for _ in range(3))
    officers_say(federation, answered, "q-1")
    federation.seal(answered, job="q-1")
    revoke_halfway(federation, stopped, "q-2")
    deny(federation, denied, "q-3")
    federation.checkpoint()
    requests = federation.folder(ANALYST) / "requests"
    requests.mkdir()
    (requests / "q-1").write_bytes(federation.request(answered, job="q-1"))
    (requests / "q-2").write_bytes(federation.request(stopped, job="q-2"))
    (requests / "torn").write_bytes(b"half of a")
    federation.close()
    (home / "launcher" / "catalogue.json").write_bytes(federation.catalogue.to_bytes())
    return federation


@pytest.fixture(scope="module")
def case(federation: MemoryFederation) -> Case:
    record = RecordReader(federation.home)
    log = record.log()
    bare = Case(
        events=tuple(read_event(entry, federation.roster.signers) for entry in log.entries),
        roster=federation.roster,
        catalogue=federation.catalogue,
        verdict=verify_record(record),
        notes=tuple((int(note.split("\n")[1]), note) for note in log.notes if len(signature_lines(note)) > 1),
        now=federation.now,
        drills=Drills(tampered=17, caught=17, planted=8, found=8),
        plans=tuple(read_plans(federation.home)),
    )
    departments = set(NAMES)
    return bare.edit(
        "start", lambda event: replace(event, data={**event.data, **STARTED}) if event.node in departments else event
    )


def with_officers(case: Case, *officers: Officer) -> Case:
    return case._replace(roster=replace(case.roster, officers=(*case.roster.officers, *officers)))


def officer(role: str, person: str) -> Officer:
    return Officer(
        name=f"{role}@city",
        role=role,
        person=person,
        signing=secrets.token_bytes(32),
        signing_mldsa=b"m" + person.encode(),
    )


def same_person(case: Case) -> Case:
    """A roster that was not made by our own class, which refuses this."""
    case = with_officers(case, officer("operator", "a"), officer("auditor", "b"))
    msgspec.structs.force_setattr(case.roster.officers[-1], "person", "a")
    return case


def strong_key(case: Case) -> Case:
    return case._replace(roster=replace(case.roster, public_key=((1 << 2047) + 1).to_bytes(256)))


def one_plan_shows(case: Case, column: str) -> Case:
    """A plan that releases a column, and a job that names its hash."""
    plan = case.plans[0]
    changed = replace(plan, outputs=(*plan.outputs, Output(name="x", function="count", argument=column)))
    return case.data("job.start", first=True, plan=changed.hash)._replace(plans=(changed,))


def unsealed(case: Case) -> Case:
    return case._replace(notes=case.notes[:1]).later(seconds=31)


def lagging(case: Case) -> Case:
    """Only the last checkpoint was ever sealed, and everything had happened a minute before."""
    early = tuple(replace(event, time="2026-03-01T07:59:00.000Z") for event in case.events)
    return case._replace(notes=case.notes[-1:], events=early)


def without_one_witness(case: Case) -> Case:
    size, note = case.notes[-1]
    kept = [line for line in note.split("\n") if "/qinshui " not in line]
    return case._replace(notes=(*case.notes[:-1], (size, "\n".join(kept))))


def verdict(case: Case, **fields: object) -> Case:
    return case._replace(verdict=replace(case.verdict, **fields))


def same(case: Case) -> Case:
    return case


def an_event_less(case: Case) -> Case:
    return case._replace(events=(*case.events[:40], *case.events[41:]))


def with_cards(case: Case) -> Case:
    tables = tuple(replace(table, summary="谁参保") for table in case.catalogue.tables)
    return case._replace(catalogue=replace(case.catalogue, tables=tables))


def drilled(**outcomes: int) -> Callable[[Case], Case]:
    return lambda case: case._replace(drills=Drills(**outcomes))


def no_statement(event: Event) -> Event:
    data = {key: value for key, value in event.data.items() if key != "statement"}
    return replace(event, data=data)


def swapped_statement(case: Case) -> Case:
    """The second grant carries the first one's statement."""
    grants = [event for event in case.events if event.type == "approval.grant"]
    told = grants[0].data["statement"]
    events = [replace(e, data={**e.data, "statement": told}) if e is grants[-1] else e for e in case.events]
    return case._replace(events=tuple(events))


Change = Callable[[Case], Case]

# By indicator: a record that meets its threshold, and some that do not, each for one reason.
THRESHOLDS: dict[str, tuple[Change, dict[str, Change]]] = {
    "approved-jobs": (
        same,
        {
            "grant missing": lambda c: c.edit("approval.grant", lambda e: None, first=True),
            "grant without a statement": lambda c: c.edit("approval.grant", no_statement, first=True),
            "grant for another plan": lambda c: c.data("job.start", first=True, plan="0" * 64),
            "grant for another requester": lambda c: c.data("job.start", first=True, requester="analyst@tax"),
            "participant nobody asked": lambda c: c.data("job.start", first=True, participants=" ".join((*NAMES, "x"))),
            "grants for another job": lambda c: c._replace(
                events=tuple(replace(e, job="q-9") if e.job == "q-1" else e for e in c.events)
            ),
            "nobody takes part": lambda c: c.data("job.start", first=True, participants=""),
            "grant expired": lambda c: c.edit("job.start", lambda e: replace(e, time="2026-03-02T08:00:00.001Z")),
            "grant after the start": lambda c: c._replace(
                events=tuple(sorted(c.events, key=lambda e: e.type == "approval.grant"))
            ),
            "statement of another department": swapped_statement,
        },
    ),
    "officer-approvals": (same, {"automatic": lambda c: c.edit("approval.grant", no_statement, first=True)}),
    "approval-scope": (
        same,
        {"other plan in the event": lambda c: c.data("approval.grant", first=True, plan="0" * 64)},
    ),
    "refused-requests": (
        same,
        {"denied and answered": lambda c: c._replace(events=(*c.events, answered_after_all(c)))},
    ),
    "revocation-time": (
        same,
        {"half a minute": lambda c: c.edit("approval.revoke", lambda e: replace(e, time="2026-03-01T07:59:29.000Z"))},
    ),
    "separate-roles": (
        lambda c: with_officers(c, officer("operator", "a"), officer("auditor", "b")),
        {
            "no auditor": lambda c: with_officers(c, officer("operator", "a")),
            "one person with two": same_person,
            "department without": lambda c: with_officers(
                c._replace(roster=replace(c.roster, officers=c.roster.officers[1:])),
                officer("operator", "a"),
                officer("auditor", "b"),
            ),
        },
    ),
    "roster-signed": (same, {"one did not": lambda c: c.edit("member.sign", lambda e: None, first=True)}),
    "ledger-balance": (
        same,
        {
            "receipt for more": lambda c: c.edit(
                "receipt", lambda e: replace(e, data={**e.data, "bytes": e.data["bytes"] + 1}), first=True
            ),
            "none of a department's frames recorded": lambda c: c.edit(
                "egress", lambda e: None if e.node == "gaoping" else e
            ),
            "frame not recorded": lambda c: c.edit("egress", lambda e: None, first=True),
            "counted more": lambda c: verdict(c, counted_bytes=c.verdict.counted_bytes + 1),
            "counted less": lambda c: verdict(c, counted_bytes=c.verdict.counted_bytes - 1),
        },
    ),
    "provision-records": (
        same,
        {"no recipient": lambda c: c.edit("egress", lambda e: replace(e, data={"bytes": 1, "class": "x"}), first=True)},
    ),
    "fingerprint-hits": (
        same,
        {
            "hit": lambda c: c.edit(
                "incident", lambda e: replace(e, type="egress.deny", data={"reason": "fingerprint"})
            ),
            "table not read": lambda c: c.data("start", first=True, fingerprints="insured=8/64 hukou=data.unreadable"),
            "never started": lambda c: c.edit("start", lambda e: None if e.node == "gaoping" else e),
            "nothing drawn": lambda c: c.data("start", first=True, fingerprints=""),
        },
    ),
    "columns-used": (
        same,
        {
            "a column for nobody": lambda c: one_plan_shows(c, "name"),
            "the joining key": lambda c: one_plan_shows(c, "person_id"),
        },
    ),
    "minimum-group": (
        same,
        {
            "smaller k": lambda c: c.data("release.decide", minimum_group=2),
            "no decision": lambda c: c.edit("release.decide", lambda e: None),
        },
    ),
    "data-classification": (with_cards, {"one without a card": same}),
    "chain-gaps": (same, {"one less": an_event_less}),
    "entry-completeness": (
        same,
        {
            "nobody": lambda c: c.edit("egress", lambda e: replace(e, actor=replace(e.actor, name="")), first=True),
            "no time": lambda c: c.edit("receipt", lambda e: replace(e, time="yesterday"), first=True),
            "no outcome": lambda c: c.data("job.end", first=True, outcome=""),
        },
    ),
    "sealed-entries": (same, {"acts left open": unsealed, "never sealed": lambda c: c._replace(notes=())}),
    "seal-lag": (same, {"a minute": lagging}),
    "mirrors": (same, {"one has none": without_one_witness}),
    "retention": (
        lambda c: c.later(days=180),
        {"an entry was taken": lambda c: an_event_less(c).later(days=180)},
    ),
    "isolation": (same, {"one is a plain process": lambda c: c.data("start", first=True, isolation="one process")}),
    "adapter-conformance": (same, {"not checked": lambda c: c.data("start", first=True, conformance="duckdb=cc")}),
    "algorithms": (
        strong_key,
        {
            "short key": same,
            "officer without ML-DSA-44": lambda c: with_officers(
                strong_key(c), replace(officer("auditor", "b"), signing_mldsa=b"")
            ),
        },
    ),
    "tamper-drills": (same, {"one unnoticed": drilled(tampered=17, caught=16)}),
    "fingerprint-control": (
        same,
        {"one not found": drilled(planted=8, found=7), "false alarm": drilled(planted=8, found=8, false_alarms=1)},
    ),
    "verification-time": (
        lambda c: verdict(c, seconds=0.5),
        {"too slow": lambda c: verdict(c, seconds=0.0061 * c.verdict.size)},
    ),
}

# What no record can show, since it is not there.
ABSENT = {
    "national-algorithms": "not measured",
    "privacy-budget": "not measured",
    "trusted-environment": "not applicable",
}

# What was not handed over, or has not happened.
UNMEASURED: dict[str, tuple[str, Change]] = {
    "no job": ("approved-jobs", lambda c: c.edit("job.start", lambda e: None)),
    "no approval": ("officer-approvals", lambda c: c.edit("approval.grant", lambda e: None)),
    "no approval to bound": ("approval-scope", lambda c: c.edit("approval.grant", lambda e: None)),
    "no request": ("refused-requests", lambda c: c._replace(events=c.events[:1])),
    "no revocation": ("revocation-time", lambda c: c.edit("approval.revoke", lambda e: None)),
    "no officers": ("separate-roles", lambda c: c._replace(roster=replace(c.roster, officers=()))),
    "nobody to sign": ("roster-signed", lambda c: c._replace(roster=replace(c.roster, officers=()))),
    "nothing left": ("ledger-balance", lambda c: c._replace(events=c.events[:1])),
    "no counts": ("ledger-balance", lambda c: c._replace(verdict=None)),
    "nothing provided": ("provision-records", lambda c: c.edit("egress", lambda e: None)),
    "no fingerprints": ("fingerprint-hits", lambda c: c.data("start", fingerprints="")),
    "no plans": ("columns-used", lambda c: c._replace(plans=())),
    "one plan missing": ("columns-used", lambda c: c._replace(plans=c.plans[:1])),
    "nothing released": ("minimum-group", lambda c: c.edit("job.end", lambda e: None)),
    "empty": ("chain-gaps", lambda c: c._replace(events=())),
    "no seal": ("seal-lag", lambda c: c._replace(notes=())),
    "no mirror": ("mirrors", lambda c: c._replace(notes=())),
    "young": ("retention", lambda c: c.later(days=179)),
    "isolation untold": ("isolation", lambda c: c.data("start", isolation="")),
    "no adapters": ("adapter-conformance", lambda c: c.data("start", adapters="")),
    "no drill": ("tamper-drills", lambda c: c._replace(drills=None)),
    "no control": ("fingerprint-control", lambda c: c._replace(drills=Drills(tampered=1, caught=1))),
    "not verified": ("verification-time", lambda c: c._replace(verdict=None)),
}


def answered_after_all(case: Case) -> Event:
    end = next(event for event in case.events if event.type == "job.end")
    return replace(end, job="q-3", seq=end.seq + 1000, data={"outcome": "released"})


# --- thresholds ---


def test_every_indicator_has_a_record_that_meets_it_or_is_not_built():
    assert THRESHOLDS.keys() | ABSENT.keys() == {definition.id for definition, _ in CATALOGUE}
    assert len(CATALOGUE) == len(THRESHOLDS) + len(ABSENT)


@pytest.mark.parametrize("name", THRESHOLDS)
def test_threshold_is_met_by_a_record_in_order(case, name):
    finding = THRESHOLDS[name][0](case).finding(name)
    assert (finding.status, finding.against, finding.reason) == ("met", (), Words("", ""))
    assert finding.measures


@pytest.mark.parametrize(
    ("name", "change"),
    [pytest.param(n, change, id=f"{n}: {why}") for n, (_, bad) in THRESHOLDS.items() for why, change in bad.items()],
)
def test_threshold_is_not_met_by_a_record_with_one_thing_wrong(case, name, change):
    assert change(case).finding(name).status == "not met"


@pytest.mark.parametrize(("name", "change"), UNMEASURED.values(), ids=UNMEASURED)
def test_what_is_not_there_is_not_measured_and_says_why(case, name, change):
    finding = change(case).finding(name)
    assert finding.status == "not measured"
    assert finding.reason.zh and finding.reason.en


@pytest.mark.parametrize(("name", "status"), ABSENT.items())
def test_what_is_not_built_is_never_met(case, name, status):
    finding = case.finding(name)
    assert finding.status == status
    assert finding.reason.zh and finding.reason.en


# --- figures that can be checked by hand ---


def told(finding: Finding) -> dict[str, object]:
    return {m.what.en: (m.value, m.of) if m.of is not None else m.value for m in finding.measures}


def test_requests_are_told_apart_by_what_became_of_them(case):
    assert told(case.finding("refused-requests")) == {
        "requests": 3,
        "answered": (1, 3),
        "denied by an officer": (1, 3),
        "revoked by an officer": (1, 3),
    }


def test_revocation_was_refused_a_quarter_of_a_second_later(case):
    assert told(case.finding("revocation-time")) == {
        "revocations": 1,
        "followed by a refusal": (1, 1),
        "p50": 250,
        "p95": 250,
    }


def test_indexes_against_a_threshold_point_at_the_entry(case):
    broken = case.data("release.decide", minimum_group=2).finding("minimum-group").against
    assert [case.events[first].type for first, _ in broken] == ["job.end"]
    assert [case.events[first].job for first, _ in broken] == ["q-1"]


def running(case: Case, plan: ScriptPlan) -> Case:
    """All jobs run this script."""
    started = {"kind": "script", "plan": plan.hash}
    return case.edit("job.start", lambda event: replace(event, data={**event.data, **started}))


@pytest.mark.parametrize(("minimum", "status"), [(3, "met"), (2, "not met")])
def test_minimum_group_of_a_script_is_that_of_its_plan(case, minimum, status):
    plan = replace(SCRIPT, minimum_group=minimum)
    run = running(case, plan)._replace(plans=(plan,))
    assert run.edit("release.decide", lambda _: None).finding("minimum-group").status == status


def test_script_whose_plan_nobody_shows_has_no_minimum_group_to_tell(case):
    run = running(case, SCRIPT)._replace(plans=())
    assert run.finding("minimum-group").status == "not measured"


def test_ledger_by_department_and_class_adds_up_to_the_log(case):
    by_class = [m.value for m in case.finding("ledger-balance").measures if m.what.en.endswith("in the log")]
    assert sum(by_class) == sum(event.data["bytes"] for event in case.events if event.type == "egress")
    assert len(by_class) >= 3 * len(NAMES)


def test_frame_of_a_killed_process_explains_a_ledger_above_the_count(case):
    counted = case.verdict.counted_bytes - 1
    assert verdict(case, counted_bytes=counted, unsent=1).finding("ledger-balance").status == "met"
    assert verdict(case, counted_bytes=counted + 2, unsent=1).finding("ledger-balance").status == "not met"


def test_last_receipt_may_be_for_a_frame_whose_entry_is_still_to_come(case):
    frames = [i for i, e in enumerate(case.events) if e.type == "egress" and e.node == "gaoping"]
    named = sum(e.data["frames"] for e in case.events if e.type == "receipt" and e.data["party"] == "gaoping")
    cut = set(frames[named - 1 :])
    short = case._replace(events=tuple(event for i, event in enumerate(case.events) if i not in cut))
    assert short.finding("ledger-balance").status == "met"


def test_bytes_counted_at_a_bundles_end_are_not_yet_in_its_ledger(case):
    counted = case.verdict.counted_bytes + 5
    assert verdict(case, counted_bytes=counted, unrecorded_bytes=5).finding("ledger-balance").status == "met"


def test_approval_that_had_expired_when_it_was_given_is_not_bound(federation, case):
    told_before = federation.grant("gaoping", case.plans[0], job="q-1", expires="2026-03-01T08:00:00Z")
    name, hash_ = "gaoping", case.plans[0].hash
    assert name == next(event.node for event in case.events if event.type == "approval.grant")
    altered = case.data("approval.grant", first=True, statement=told_before, plan=hash_)
    assert altered.finding("approval-scope").status == "not met"


@pytest.mark.parametrize(("party", "before"), [("gaoping", False), ("qinshui", True)])
def test_revocation_is_timed_by_the_departments_own_first_refusal_after_it(case, party, before):
    at = next(index for index, event in enumerate(case.events) if event.type == "approval.revoke")
    said = {"type": "incident", "node": party, "time": "2026-03-01T08:00:09.000Z", "data": {"code": "refused.revoked"}}
    other = replace(case.events[at], **said)
    place = at if before else at + 1
    events = (*case.events[:place], other, *case.events[place:])
    assert told(case._replace(events=events).finding("revocation-time"))["p50"] == 250


def test_act_of_this_moment_need_not_be_sealed_yet(case):
    assert case._replace(notes=case.notes[:1]).finding("sealed-entries").status == "met"


def test_checkpoint_below_the_quorum_is_not_sealed(case):
    size, note = case.notes[-1]
    alone = "\n".join(line for line in note.split("\n") if not re.search("/(qinshui|lingchuan) ", line))
    before = told(case.finding("sealed-entries"))["sealed checkpoints"]
    assert before == len(case.notes)
    fewer = case._replace(notes=(*case.notes[:-1], (size, alone)))
    assert told(fewer.finding("sealed-entries"))["sealed checkpoints"] == before - 1


def test_department_suspended_later_counted_for_the_seal_before(case):
    last = case.events[-1]
    acts = (replace(last, node=name, type="member.suspend", data={"party": "lingchuan"}) for name in NAMES[::2])
    later = without_one_witness(case)
    later = later._replace(events=(*case.events, *acts), notes=later.notes[-1:])
    assert told(later.finding("sealed-entries"))["sealed checkpoints"] == 1


def test_seal_counts_from_the_moment_the_quorum_was_reached(federation, case):
    keys = {name: HybridKey.generate() for name in NAMES}
    parties = tuple(
        replace(p, witness=keys[p.name].public.ed25519, witness_mldsa=keys[p.name].public.mldsa44)
        if p.name in keys
        else p
        for p in case.roster.parties
    )
    began = int(federation.now.timestamp())
    text = checkpoint_text(ORIGIN, 10, bytes(32))
    note = sign_note(federation.identities["coordinator"].signing, ORIGIN, text)
    for late, name in enumerate(NAMES):
        note = append_lines(note, cosign(keys[name], f"{ORIGIN}/{name}", text, time_s=began + 10 * late))
    timed = case._replace(roster=replace(case.roster, parties=parties), notes=((10, note),))
    timed = timed._replace(
        events=tuple(replace(e, type="job.join", time="2026-03-01T08:00:00.000Z") for e in case.events)
    )
    assert told(timed.finding("seal-lag"))["p50"] == 11_000


def test_columns_are_counted_per_job_against_those_held(case):
    used = told(case.finding("columns-used"))
    assert used["q-1: columns used of insured"] == (2, 10)
    assert used["jobs whose plan was at hand"] == (2, 2)


def test_plan_that_the_record_does_not_name_counts_for_nothing(case):
    other = tuple(replace(plan, purpose="another") for plan in case.plans)
    assert case._replace(plans=other).finding("columns-used").status == "not measured"


def test_verification_time_is_scaled_to_ten_thousand_entries(case):
    timed = verdict(case, seconds=1.0, size=2000)
    assert told(timed.finding("verification-time"))["per 10,000 entries"] == 5000


@given(data=st.data())
def test_any_entry_taken_out_is_a_gap_unless_its_chain_ended_there(case, data):
    last = {event.node: index for index, event in enumerate(case.events)}
    inner = [index for index in range(len(case.events)) if index not in last.values()]
    index = data.draw(st.sampled_from(inner))
    events = (*case.events[:index], *case.events[index + 1 :])
    assert case._replace(events=events).finding("chain-gaps").status == "not met"


@given(st.sets(st.integers(0, 200)))
def test_spans_hold_exactly_the_indexes_they_were_made_of(indexes):
    runs = spans(indexes)
    assert {index for first, last in runs for index in range(first, last + 1)} == indexes
    assert all(before[1] + 1 < after[0] for before, after in pairwise(runs))


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (50, 2), (75, 3), (95, 4), (100, 4)])
def test_percentile_is_the_nearest_rank(percent, value):
    assert percentile([4, 2, 3, 1], percent) == value


def test_percentile_of_nothing_is_a_mistake():
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


# --- what is said about them ---


@pytest.mark.parametrize("definition", [d for d, _ in CATALOGUE], ids=lambda d: d.id)
def test_indicator_names_formula_threshold_command_and_limits_in_both_languages(definition):
    for words in (definition.name, definition.formula, definition.threshold, definition.limits):
        assert words.zh and words.en
    assert definition.command.startswith(("keyong ", "pytest "))
    assert re.search("[一-鿿]", definition.name.zh + definition.formula.zh + definition.limits.zh)
    assert not re.search("[一-鿿]", definition.name.en + definition.formula.en + definition.limits.en)


@pytest.mark.parametrize("definition", [d for d, _ in CATALOGUE], ids=lambda d: d.id)
def test_clause_says_how_far_its_number_can_be_relied_on(definition):
    for clause in definition.clauses:
        assert clause.name.zh and clause.name.en
        assert bool(clause.source.zh and clause.source.en) == (clause.mark == "source")


def test_nothing_claims_compliance():
    said = msgspec.json.encode([definition for definition, _ in CATALOGUE]).decode()
    assert not re.search(r"compl(y|ies|iant)|tamper-proof[^;]*$|合规|已通过|达标", said.replace("合规审计", ""))


# --- bytes, files, the command ---


def test_bytes_are_canonical_and_hold_integers_and_texts_only(case):
    content = to_json(tuple(case.all().values()))
    read = json.loads(content, parse_float=lambda text: pytest.fail(f"a float: {text}"))
    assert json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == content
    assert msgspec.json.decode(content, type=tuple[Indicator, ...]) == tuple(case.all().values())


def test_home_is_read_as_it_is(federation):
    record = RecordReader(federation.home)
    found = figures(
        record, verdict=verify_record(record), plans=read_plans(federation.home), clock=lambda: federation.now
    )
    statuses = {i.definition.id: i.finding.status for i in found}
    assert {name for name, status in statuses.items() if status == "met"} >= {
        "approved-jobs", "roster-signed", "ledger-balance", "columns-used", "minimum-group", "mirrors",
        "sealed-entries",
    }  # fmt: skip


def test_nothing_beyond_a_bundles_last_entry_is_named(federation):
    record = RecordReader(federation.home)
    found = figures(record, size=100, clock=lambda: federation.now)
    assert max(last for i in found for _, last in i.finding.entries) == 99


def test_altered_entry_is_told_as_an_error_of_the_record(federation, monkeypatch):
    record = RecordReader(federation.home)
    log = record.log()
    altered = log._replace(entries=[log.entries[0].replace(b'"sig":"', b'"sig":"A'), *log.entries[1:]])
    monkeypatch.setattr(record, "log", lambda: altered)
    with pytest.raises(RecordError) as caught:
        figures(record)
    assert caught.value.code == "record.invalid"


def run_command(home: Path, *, language: str, as_json: bool) -> str:
    app = typer.Typer()

    @app.callback()
    def options(context: typer.Context) -> None:
        context.obj = Command(
            home=Home(home), config=None, language=language, json=as_json, debug=False,
            out=Console(width=300), err=Console(stderr=True),
        )  # fmt: skip

    app.command()(command.indicators)
    result = CliRunner().invoke(app, ["indicators"], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        (
            "zh",
            (
                "可为此提供证据",
                "凭记忆，须与官方文本核对",
                "仅见标题，须与官方文本核对",
                "不证明",
                "阈值",
                "不是合规结论",
            ),
        ),
        ("en", ("evidence available for", "from memory, check against", "title only, check against", "limits: ")),
    ],
)
def test_command_prints_each_indicator_with_its_marks(federation, language, wanted):
    output = run_command(federation.home, language=language, as_json=False)
    for text in wanted:
        assert text in output
    for definition, _ in CATALOGUE:
        assert definition.id in output


def test_command_writes_the_canonical_bytes(federation):
    output = run_command(federation.home, language="zh", as_json=True)
    found = msgspec.json.decode(output.encode(), type=tuple[Indicator, ...])
    assert to_json(found).decode() + "\n" == output
