"""Whatever officers say and whenever the process dies: nothing leaves without a word, nothing runs twice."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from federation.errors import KeyongError, RefusedError
from federation.governance.statements import Deny, Revoke
from federation.messages import Begun, Commitment, Pending, Propose
from tests.support.memory import COORDINATOR, MemoryFederation, MemoryStore

OURS = "gaoping"
SQL = "SELECT COUNT(*), SUM(income) FROM insured"


class Word(RuleBasedStateMachine):
    """One department with its real journal, approvals and gateway, beside the plainest model of its officer's word.

    `word` is what the officer said last, `until` when a grant ends, `begun` how often a run was begun on disk.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        stores = {name: MemoryStore([{"income": 100}] * 3) for name in (OURS, "lingchuan", "qinshui")}
        self.federation = MemoryFederation(Path(self.folder.name) / "home", stores, approvals="officers")
        self.plan = self.federation.plan(SQL)
        self.word, self.until, self.begun = "nothing", self.federation.now, 0

    @property
    def stands(self) -> bool:
        return self.word == "granted" and self.federation.now < self.until

    def say(self, statement: str) -> bool:
        try:
            self.federation.approvals[OURS].hear(statement, {})
        except RefusedError:
            return False
        return True

    def header(self):
        return self.federation.header(OURS, COORDINATOR, job="q-1", plan=self.plan.hash)

    @rule()
    def lodge(self) -> None:
        ask = Propose(request=self.federation.request(self.plan, job="q-1"))
        try:
            said = self.federation.say(OURS, ask, job="q-1", plan=self.plan.hash).payload
        except RefusedError:
            assert not self.stands or self.begun
        else:
            assert isinstance(said, Pending) == (self.word in ("nothing", "pending"))
        if self.word == "nothing":
            self.word = "pending"

    @rule(hours=st.integers(-1, 3))
    def grant(self, hours: int) -> None:
        until = self.federation.now + timedelta(hours=hours)
        text = f"{until:%Y-%m-%dT%H:%M:%SZ}"
        heard = self.say(self.federation.grant(OURS, self.plan, expires=text))
        assert heard == (self.word == "pending" and hours > 0)
        if heard:
            self.word, self.until = "granted", until

    @rule()
    def grant_by_another_departments_officer(self) -> None:
        assert not self.say(self.federation.grant(OURS, self.plan, officer="officer@lingchuan"))

    @rule()
    def deny(self) -> None:
        heard = self.say(self.federation.say_no(Deny, OURS, self.plan))
        assert heard == (self.word == "pending")
        self.word = "denied" if heard else self.word

    @rule()
    def revoke(self) -> None:
        heard = self.say(self.federation.say_no(Revoke, OURS, self.plan))
        assert heard == self.stands
        self.word = "revoked" if heard else self.word

    @rule(minutes=st.integers(1, 120))
    def wait(self, minutes: int) -> None:
        self.federation.now += timedelta(minutes=minutes)

    @rule(dies=st.booleans())
    def begin(self, dies: bool) -> None:
        """Begin a run; the process may die between the decision and the disk."""
        gateway = self.federation.departments[OURS].gateway
        before = self.begun
        try:
            draft = self.federation.approvals[OURS].begin("q-1", self.plan.hash)
            gateway.admit(self.header(), Begun(), [draft])
            if not dies:
                gateway.release(b"frame")
                self.begun += 1
        except RefusedError:
            assert not self.stands or before
        else:
            assert self.stands and not before
        if dies:
            self.restart()

    @rule()
    def restart(self) -> None:
        self.federation.start(OURS)

    @precondition(lambda self: self.word != "nothing")
    @rule()
    def leave(self) -> None:
        """Something of the job would leave now."""
        gateway = self.federation.departments[OURS].gateway
        try:
            gateway.admit(self.header(), Commitment(round="counts", digest=""))
            gateway.release(b"frame")
        except KeyongError:
            assert not self.stands
        else:
            assert self.stands

    @invariant()
    def no_run_begins_twice(self) -> None:
        assert len(self.federation.events(OURS, "job.join")) == self.begun <= 1

    @invariant()
    def every_class_of_the_job_left_under_a_word_that_stood_then(self) -> None:
        """By the journal alone, as a stranger would read it."""
        word = "nothing"
        for event in self.federation.events(OURS):
            if event.job != "q-1":
                continue
            if event.type.startswith("approval."):
                word = event.type.removeprefix("approval.")
            elif event.type == "egress" and event.data["class"] not in ("desk", "error", "record"):
                assert word == "grant", event

    def teardown(self) -> None:
        self.federation.close()
        self.folder.cleanup()


TestWord = Word.TestCase
TestWord.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
