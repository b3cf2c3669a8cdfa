"""A job runs only on everybody's word, as everybody sees it for itself, in a record sealed just now; no more once one
word is taken back. The coordinator may do what it likes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from crypto.notes import append_lines
from federation.aggregation.agreement import propose
from federation.errors import KeyongError
from federation.governance.statements import Deny, Revoke, Suspend, sign_statement
from federation.messages import Agreement, Begin, Open, Payload, Propose, Sync
from federation.plan import Plan
from federation.queries.sums import SealedTotals, run_sum
from tests.support.memory import COORDINATOR, ORIGIN, MemoryFederation, MemoryStore, MemoryWire

SQL = "SELECT COUNT(*), SUM(income) FROM insured"
# With three departments the first two open, and the third is the gate.
OPENER, SECOND, GATE = "gaoping", "lingchuan", "qinshui"
ALL = (OPENER, SECOND, GATE)
STEPS = (
    "begin",
    *(f"counts.{step}" for step in ("encrypt", "collect", "multiply", "seal", "open")),
    "decide",
    *(f"sums.{step}" for step in ("encrypt", "collect", "multiply", "seal", "open")),
)
# What may leave a department although its officer has said no.
WITHOUT_A_WORD = {"record", "desk", "error", "enrolment"}


class Asked:
    """A request that lies on every desk, and what the coordinator makes of it."""

    def __init__(self, home: Path, **rules: object) -> None:
        self.stores = {name: MemoryStore([{"income": 100}, {"income": 250}]) for name in ALL}
        self.federation = MemoryFederation(home, self.stores, approvals="officers", **rules)
        self.plan = self.federation.plan(SQL)
        self.request = self.federation.request(self.plan, job="q-1")
        self.propose()

    def propose(self, job: str = "q-1", agreed: dict[str, bytes] | None = None) -> dict[str, bytes]:
        wire = MemoryWire(self.federation, job, self.plan.hash)
        request = self.federation.request(self.plan, job=job)
        return propose(wire, self.plan, request, agreed or {})

    def grant(self, *names: str, job: str = "q-1", **changes: object) -> None:
        for name in names or ALL:
            self.federation.approvals[name].hear(self.federation.grant(name, self.plan, job=job, **changes), {})

    def revoke(self, name: str, kind: type[Deny | Revoke] = Revoke) -> None:
        self.federation.approvals[name].hear(self.federation.say_no(kind, name, self.plan), {})

    def seal(self, members=()) -> str:
        """What the coordinator's sealer does: bring everybody's journal in, then ask everybody to co-sign."""
        for name in ALL:
            self.federation.say(name, Sync())
        return self.federation.checkpoint()

    def run(
        self,
        agreements: dict[str, bytes] | None = None,
        *,
        before: Callable[[str], None] = lambda step: None,
        tamper: Callable[[str, Payload], Payload] = lambda party, payload: payload,
        seal: Callable[[], str] | None = None,
    ) -> SealedTotals:
        agreements = self.propose() if agreements is None else agreements
        wire = MemoryWire(self.federation, "q-1", self.plan.hash, tamper)
        return run_sum(wire, self.plan, agreements, self.federation.public_key, seal or self.seal, before)

    def begin(
        self, agreements: Sequence[bytes], party: str = GATE, *, checkpoint: str | None = None, job: str = "q-1"
    ) -> None:
        word = Begin(agreements=tuple(agreements), checkpoint=self.seal() if checkpoint is None else checkpoint)
        self.federation.say(party, word, job=job, plan=self.plan.hash)

    def agreement(self, sender: str, *statements: str, job: str = "q-1", plan: Plan | None = None) -> bytes:
        """What a department would have signed with these statements in it."""
        hash_ = (plan or self.plan).hash
        return self.federation.signed(sender, COORDINATOR, Agreement(statements=statements), job=job, plan=hash_)

    def left(self, name: str) -> list[str]:
        """The classes of all that left a department for the job."""
        return [str(event.data["class"]) for event in self.federation.events(name, "egress") if event.job == "q-1"]

    def joined(self) -> list[str]:
        return [name for name in ALL if self.federation.events(name, "job.join")]


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path / "home")


@pytest.fixture
def granted(asked: Asked) -> Asked:
    asked.grant()
    return asked


# --- everybody's word ---


def test_nothing_but_pending_leaves_while_the_request_lies_on_desks(asked):
    assert asked.propose() == {}
    assert [asked.left(name) for name in ALL] == [["desk", "desk"]] * 3


def test_those_who_agreed_are_not_asked_again(asked):
    asked.grant(OPENER)
    first = asked.propose()
    assert set(first) == {OPENER}
    asked.grant(SECOND, GATE)
    agreed = asked.propose(agreed=first)
    assert agreed[OPENER] == first[OPENER]
    assert len(asked.left(OPENER)) == 2


def test_job_that_everybody_granted_is_answered(granted):
    answer = granted.federation.read(granted.plan, granted.run())
    assert answer.rows == ((6, 10.5),)
    assert granted.joined() == list(ALL)
    assert {len(granted.federation.events(name, "job.join")) for name in ALL} == {1}


def test_denial_ends_the_job_with_its_code(asked, refused):
    asked.grant(OPENER, SECOND)
    asked.revoke(GATE, Deny)
    with refused("refused.denied"):
        asked.propose()
    assert asked.joined() == []


def test_job_that_ran_does_not_run_again(granted, refused):
    granted.run()
    with refused("refused.replayed"):
        granted.propose()


def test_old_agreements_do_not_make_it_run_again_either(granted, refused):
    agreements = granted.propose()
    granted.run(agreements)
    with refused("refused.replayed"):
        granted.run(agreements)
    granted.federation.start(GATE)
    with refused("refused.replayed"):
        granted.begin(agreements.values())


def test_agreements_from_before_a_restart_are_still_good_after_it(granted):
    agreements = granted.propose()
    for name in ALL:
        granted.federation.start(name)
    assert granted.federation.read(granted.plan, granted.run(agreements)).rows == ((6, 10.5),)


# --- as everybody sees it for itself: what a malicious coordinator brings to `begin` ---


BROUGHT: dict[str, tuple[Callable[[Asked, dict[str, bytes]], Sequence[bytes]], str]] = {
    "one left out": (lambda a, g: [g[OPENER], g[GATE]], "refused.not_approved"),
    "none": (lambda a, g: [], "refused.not_approved"),
    "one twice": (lambda a, g: [*g.values(), g[SECOND]], "refused.not_approved"),
    "one twice instead of another": (lambda a, g: [g[OPENER], g[OPENER], g[GATE]], "refused.not_approved"),
    "the coordinator's own": (
        lambda a, g: [g[OPENER], g[GATE], a.agreement(COORDINATOR, a.federation.grant(SECOND, a.plan))],
        "refused.officer",
    ),
    "of another job": (
        lambda a, g: [*(g[n] for n in (OPENER, GATE)), a.agreement(SECOND, "", job="q-2")],
        "node.replayed",
    ),
    "of another plan": (
        lambda a, g: [*(g[n] for n in (OPENER, GATE)), a.agreement(SECOND, "", plan=a.federation.plan(SQL))],
        "node.replayed",
    ),
    "no statement": (lambda a, g: [g[OPENER], g[GATE], a.agreement(SECOND)], "refused.not_approved"),
    "an empty statement": (lambda a, g: [g[OPENER], g[GATE], a.agreement(SECOND, "")], "refused.statement"),
    "a second statement that nobody asked for": (
        lambda a, g: [
            g[OPENER],
            g[GATE],
            a.agreement(SECOND, a.federation.grant(SECOND, a.plan), a.federation.grant(SECOND, a.plan)),
        ],
        "refused.not_approved",
    ),
    "a statement that is none": (lambda a, g: [g[OPENER], g[GATE], a.agreement(SECOND, "{}")], "refused.statement"),
    "by another department's officer": (
        lambda a, g: [
            g[OPENER],
            g[GATE],
            a.agreement(SECOND, a.federation.grant(SECOND, a.plan, officer=f"officer@{OPENER}")),
        ],
        "refused.officer",
    ),
    "another department's grant": (
        lambda a, g: [g[OPENER], g[GATE], a.agreement(SECOND, a.federation.grant(OPENER, a.plan))],
        "refused.officer",
    ),
    "a denial": (
        lambda a, g: [g[OPENER], g[GATE], a.agreement(SECOND, a.federation.say_no(Deny, SECOND, a.plan))],
        "refused.not_approved",
    ),
    "a revocation": (
        lambda a, g: [g[OPENER], g[GATE], a.agreement(SECOND, a.federation.say_no(Revoke, SECOND, a.plan))],
        "refused.not_approved",
    ),
    "a grant of another job": (
        lambda a, g: [g[OPENER], g[GATE], a.agreement(SECOND, a.federation.grant(SECOND, a.plan, job="q-2"))],
        "refused.not_approved",
    ),
    "a grant of another plan": (
        lambda a, g: [g[OPENER], g[GATE], a.agreement(SECOND, a.federation.grant(SECOND, a.federation.plan(SQL)))],
        "refused.not_approved",
    ),
    "a grant to another requester": (
        lambda a, g: [
            g[OPENER],
            g[GATE],
            a.agreement(SECOND, a.federation.grant(SECOND, a.plan, requester="analyst@tax")),
        ],
        "refused.not_approved",
    ),
    "an expired grant": (
        lambda a, g: [
            g[OPENER],
            g[GATE],
            a.agreement(SECOND, a.federation.grant(SECOND, a.plan, expires="2026-03-01T08:00:00Z")),
        ],
        "refused.expired",
    ),
    "a pending instead of an agreement": (
        lambda a, g: [g[OPENER], g[GATE], a.federation.sent[1][1]],  # what it said before its officer had spoken
        "refused.not_approved",
    ),
    "a request instead of an agreement": (lambda a, g: [g[OPENER], g[GATE], a.request], "refused.not_approved"),
    "garbage": (lambda a, g: [g[OPENER], g[GATE], b"x"], "node.garbage"),
}


@pytest.mark.parametrize("party", ALL)
@pytest.mark.parametrize("brought", BROUGHT)
def test_every_department_refuses_to_begin_on_less_than_everybodys_own_word(granted, refused, brought, party):
    choose, expected = BROUGHT[brought]
    agreements = choose(granted, granted.propose())
    checkpoint = granted.seal()
    with refused(expected):
        granted.begin(agreements, party, checkpoint=checkpoint)
    assert granted.joined() == []
    assert not {"ciphertext", "sealed"} & set(granted.left(party))


def test_agreement_that_was_altered_on_its_way_is_refused(granted, refused):
    agreements = granted.propose()
    agreements[SECOND] = agreements[SECOND].replace(b"q-1", b"q-2")
    with refused("node.foreign"):
        granted.begin(agreements.values())


def test_department_whose_own_officer_has_not_spoken_does_not_begin_whatever_it_is_shown(asked, refused):
    asked.grant(OPENER, SECOND)
    agreed = asked.propose()
    # Not even by its own signature on a grant that its officer signed and never handed in.
    forged = asked.agreement(GATE, asked.federation.grant(GATE, asked.plan))
    with refused("refused.not_approved"):
        asked.begin([*agreed.values(), forged], GATE)
    assert asked.joined() == []


def test_department_that_was_never_asked_does_not_begin(granted, refused):
    agreements = granted.propose()
    with refused("refused.not_approved"):
        granted.federation.say(
            GATE, Begin(agreements=tuple(agreements.values()), checkpoint=granted.seal()), job="q-2", plan="0" * 64
        )


def test_grant_that_expired_between_agreement_and_begin_is_refused_by_everybody(asked, refused):
    asked.grant(OPENER, GATE)
    asked.grant(SECOND, expires="2026-03-01T08:00:10Z")
    agreements = asked.propose()
    asked.federation.now += timedelta(seconds=10)
    for party in ALL:
        with refused("refused.expired"):
            asked.begin(agreements.values(), party)
    assert asked.joined() == []


# --- two officers of every department ---


@pytest.fixture
def two(tmp_path: Path) -> Asked:
    return Asked(tmp_path / "home", grants=2)


def second(name: str) -> str:
    return f"second@{name}"


def test_department_agrees_when_two_of_its_officers_have_granted(two):
    two.grant()
    assert two.propose() == {}
    for name in ALL:
        two.grant(name, officer=second(name))
    assert two.federation.read(two.plan, two.run()).rows == ((6, 10.5),)


def grant(asked: Asked, officer: str, **changes: object) -> str:
    return asked.federation.grant(SECOND, asked.plan, officer=officer, **changes)


FIRST = f"officer@{SECOND}"
PAIRS: dict[str, tuple[Callable[[Asked], list[str]], str]] = {
    "one": (lambda a: [grant(a, FIRST)], "refused.not_approved"),
    "one and itself": (lambda a: [grant(a, FIRST)] * 2, "refused.not_approved"),
    "two of one officer": (lambda a: [grant(a, FIRST), grant(a, FIRST)], "refused.not_approved"),
    "one, and the other's denial": (
        lambda a: [grant(a, FIRST), a.federation.say_no(Deny, SECOND, a.plan, officer=second(SECOND))],
        "refused.not_approved",
    ),
    "one, and another department's": (lambda a: [grant(a, FIRST), grant(a, second(OPENER))], "refused.officer"),
    "one, and an expired one": (
        lambda a: [grant(a, FIRST), grant(a, second(SECOND), expires="2026-03-01T08:00:00Z")],
        "refused.expired",
    ),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_others_refuse_what_fewer_than_two_officers_granted(two, refused, pair):
    for name in ALL:
        two.grant(name)
        two.grant(name, officer=second(name))
    agreements, checkpoint = two.propose(), two.seal()
    choose, expected = PAIRS[pair]
    agreements[SECOND] = two.agreement(SECOND, *choose(two))
    with refused(expected):
        two.begin(agreements.values(), OPENER, checkpoint=checkpoint)
    assert two.joined() == []


# --- in a record sealed just now ---


def replaced_seal(asked: Asked, step: str, change: Callable[[str], str]) -> Callable[[str, Payload], Payload]:
    """Bring another checkpoint at one step."""

    def tamper(party: str, payload: Payload) -> Payload:
        name = "begin" if isinstance(payload, Begin) else f"{payload.round}.open" if isinstance(payload, Open) else ""
        if name == step:
            return msgspec.structs.replace(payload, checkpoint=change(payload.checkpoint))
        return payload

    return tamper


def without(*names: str) -> Callable[[str], str]:
    """Take the cosignatures of some departments off a note."""

    def change(note: str) -> str:
        text, _, lines = note.partition("\n\n")
        kept = [line for line in lines.splitlines(keepends=True) if not any(f"/{name} " in line for name in names)]
        return f"{text}\n\n" + "".join(kept)

    return change


SEALS: dict[str, tuple[Callable[[str], str], str]] = {
    "none": (lambda note: "", "refused.seal"),
    "unsigned": (lambda note: note.partition("\n\n")[0] + "\n\n", "refused.seal"),
    "of another size": (lambda note: note.replace("\n", "\n1", 1), "refused.seal"),
    "not co-signed": (without(*ALL), "refused.unsealed"),
    "too few": (without(OPENER, SECOND), "refused.unsealed"),
    "one that takes part is missing": (without(SECOND), "refused.unsealed"),
}


@pytest.mark.parametrize("step", ["begin", "counts.open", "sums.open"])
@pytest.mark.parametrize("seal", SEALS)
def test_nobody_begins_or_opens_on_a_record_that_is_not_sealed(granted, refused, seal, step):
    change, expected = SEALS[seal]
    with refused(expected):
        granted.run(tamper=replaced_seal(granted, step, change))
    rounds = {"begin": set(), "counts.open": set(), "sums.open": {"counts"}}[step]
    assert {name for _, name in granted.federation.opened()} == rounds
    assert (granted.joined() == []) == (step == "begin")


@pytest.mark.parametrize("step", ["begin", "counts.open", "sums.open"])
@pytest.mark.parametrize(("age_s", "expected"), [(30, None), (31, "refused.seal_age"), (3600, "refused.seal_age")])
def test_nobody_begins_or_opens_on_a_seal_older_than_30_seconds(granted, refused, step, age_s, expected):
    federation = granted.federation
    agreements = granted.propose()
    seals = iter(("begin", "counts.open", "sums.open"))

    def aged(members=()) -> str:
        note, name = granted.seal(), next(seals)
        if name == step:
            federation.now += timedelta(seconds=age_s)
        return note

    if expected is None:
        granted.run(agreements, seal=aged)
        return
    with refused(expected):
        granted.run(agreements, seal=aged)


@pytest.mark.parametrize("step", ["begin", "counts.open", "sums.open"])
def test_seal_of_before_is_not_taken_twice_when_it_has_grown_old(granted, refused, step):
    kept: list[str] = []

    def old_one(members=()) -> str:
        kept.append(granted.seal())
        granted.federation.now += timedelta(seconds=16)
        return kept[0]

    with refused("refused.seal_age"):
        granted.run(seal=old_one)
    assert {name for _, name in granted.federation.opened()} == set()


def test_seal_made_by_a_clock_that_goes_ahead_is_refused(granted, refused):
    def ahead(members=()) -> str:
        granted.federation.now += timedelta(seconds=6)
        note = granted.seal()
        granted.federation.now -= timedelta(seconds=6)
        return note

    with refused("refused.seal_age"):
        granted.run(seal=ahead)
    assert granted.joined() == []


def test_cosignatures_of_one_checkpoint_do_not_seal_another(granted, refused):
    """Fewer entries under everybody's lines, to hide the revocation that came after."""
    first = granted.seal()
    lines = first.partition("\n\n")[2].splitlines(keepends=True)[1:]
    granted.federation.say(OPENER, Sync())
    later = append_lines(granted.federation.log.checkpoint(), lines)
    with refused("refused.unsealed"):
        granted.run(seal=lambda members: later)


# --- no more once a word is taken back ---


def revoking(asked: Asked, name: str, at: str) -> Callable[[str], None]:
    return lambda step: asked.revoke(name) if step == at else None


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", [OPENER, SECOND])
def test_revocation_between_any_two_steps_stops_the_job_at_the_next_message(granted, refused, name, step):
    with refused("refused.revoked"):
        granted.run(before=revoking(granted, name, step))
    assert_nothing_left_after_the_revocation(granted, name)


@pytest.mark.parametrize("step", STEPS[:-1])
def test_revocation_by_who_has_nothing_left_to_do_is_seen_in_the_sealed_record(granted, refused, step):
    """The gate opens nothing: after its part, only the record tells the others of its word."""
    with refused("refused.revoked"):
        granted.run(before=revoking(granted, GATE, step))
    assert_nothing_left_after_the_revocation(granted, GATE)


def assert_nothing_left_after_the_revocation(asked: Asked, name: str) -> None:
    events = asked.federation.events(name)
    at = next(index for index, event in enumerate(events) if event.type == "approval.revoke")
    later = [str(event.data["class"]) for event in events[at:] if event.type == "egress"]
    assert set(later) <= WITHOUT_A_WORD
    # At most one opener of two had opened the totals: the analyst gets nothing.
    opened = [party for party, round_ in asked.federation.opened() if round_ == "sums"]
    assert len(opened) < 2


@pytest.mark.parametrize("party", [OPENER, SECOND])
def test_every_opener_refuses_what_another_departments_officer_took_back(granted, refused, party):
    """Each alone, although its own officers have revoked nothing."""
    stopped: list[str] = []

    def tamper(to: str, payload: Payload) -> Payload:
        if isinstance(payload, Open) and payload.round == "sums":
            with refused("refused.revoked"):
                granted.federation.say(party, payload, job="q-1", plan=granted.plan.hash)
            stopped.append(party)
        return payload

    with refused("refused.revoked" if party != OPENER else "refused.order"):
        granted.run(before=revoking(granted, GATE, "sums.seal"), tamper=tamper)
    assert stopped == [party]
    assert not [p for p, round_ in granted.federation.opened() if round_ == "sums"]


@pytest.mark.parametrize("step", STEPS)
def test_grant_that_expires_between_two_steps_stops_the_job_at_the_next_message(asked, refused, step):
    asked.grant(OPENER, GATE, expires="2026-03-02T08:00:00Z")
    asked.grant(SECOND, expires="2026-03-01T08:00:20Z")

    def later(name: str) -> None:
        if name == step:
            asked.federation.now += timedelta(seconds=20)

    with refused("refused.expired"):
        asked.run(before=later)
    assert not [p for p, round_ in asked.federation.opened() if (p, round_) == (SECOND, "sums")]


def test_data_that_changed_since_it_lay_on_the_desk_is_not_counted(asked, refused):
    for name in ALL:
        ((slip, _),) = asked.federation.approvals[name].slips()
        asked.grant(name, snapshot=slip.snapshot)
    asked.stores[SECOND].rows = [{"income": 100}, {"income": 251}]
    with refused("refused.snapshot"):
        asked.run()
    assert "ciphertext" not in asked.left(SECOND)


def test_live_grant_takes_the_data_as_it_is_at_the_run(asked):
    asked.grant(snapshot="")
    asked.stores[SECOND].rows = [{"income": 100}, {"income": 350}]
    assert asked.federation.read(asked.plan, asked.run()).rows == ((6, 11.5),)


def test_word_spoken_while_a_department_counts_is_heard_before_its_result_leaves(granted, refused):
    """Its officer stands at the desk the very moment its store computes."""

    class Slow(MemoryStore):
        def aggregate(self, query):
            cells = super().aggregate(query)
            granted.revoke(SECOND)
            return cells

    slow = Slow(granted.stores[SECOND].rows)
    granted.federation.stores[SECOND] = slow
    granted.federation.start(SECOND)
    with refused("refused.revoked"):
        granted.run()
    assert_nothing_left_after_the_revocation(granted, SECOND)
    assert {"ciphertext", "sealed"}.isdisjoint(granted.left(SECOND))


# --- who does not count ---


def suspend(asked: Asked, party: str, *by: str) -> None:
    for name in by:
        statement = Suspend(
            log=ORIGIN,
            roster=asked.federation.roster.hash,
            officer=f"officer@{name}",
            department=name,
            nonce=f"{ALL.index(name):032x}",
            time="2026-03-01T08:00:00Z",
            party=party,
        )
        key = asked.federation.officer_keys[statement.officer]
        asked.federation.approvals[name].hear(sign_statement(statement, key), {})


def test_suspended_department_takes_part_in_nothing(granted, refused):
    suspend(granted, GATE, OPENER, SECOND)
    granted.seal()
    with refused("refused.unsealed"):
        granted.run()
    assert granted.joined() == []


def test_one_officer_of_three_suspends_nobody(granted):
    suspend(granted, GATE, OPENER)
    granted.seal()
    granted.run()


def test_late_request_is_of_no_more_use_after_a_day(asked, refused):
    asked.grant()
    asked.federation.now += timedelta(days=1)
    with refused("refused.expired"):
        asked.propose()


def test_propose_is_refused_in_words_the_analyst_reads(asked):
    asked.revoke(SECOND, Deny)
    with pytest.raises(KeyongError) as caught:
        asked.federation.say(SECOND, Propose(request=asked.request), job="q-1", plan=asked.plan.hash)
    assert "lingchuan" in caught.value.message("en") and "lingchuan" in caught.value.message("zh")
