"""A whole federation in one process: real parties, keys, journals, gateways and log; only the wire is in memory.

Its homes lie in a folder as a running federation's do, so that the record can be verified from the files.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from crypto import threshold
from crypto.paillier import Encryptor, PrivateKey, generate
from crypto.signing import HybridKey
from federation.adapters.rows import from_base_units
from federation.aggregation.agreement import propose
from federation.aggregation.office import Office
from federation.audit.events import Actor, Event, EventType, read_event
from federation.audit.journal import Draft, Journal
from federation.audit.log import Log
from federation.audit.record import Public
from federation.audit.witness import Witness
from federation.coordinator.receipts import Receipts
from federation.coordinator.sequencer import Sequencer
from federation.errors import from_code
from federation.governance.approvals import Approvals
from federation.governance.identity import Identity, write_whole
from federation.governance.policy import check_plan
from federation.governance.roster import Officer, Party, Roster
from federation.governance.shelf import Shelf
from federation.governance.statements import Deny, Grant, Revoke, sign_statement
from federation.messages import Attest, Begin, Enrolled, Failure, Header, Payload, Request, Sync, decode
from federation.messages import Identity as IdentityMessage
from federation.node.department import Department
from federation.node.fingerprints import Fingerprints
from federation.node.gateway import Gateway
from federation.node.mirror import RecordMirror
from federation.plan import AnyPlan, Condition, GroupKey, LocalQuery, Measure, Protection, ScriptPlan, SumPlan
from federation.queries.answers import Answer as Rows
from federation.queries.answers import answer
from federation.queries.sql import plan_query
from federation.queries.sums import SealedTotals, Totals, read_totals, run_sum
from federation.sandbox.limits import NoRunner, Runner
from federation.scripting.job import run_script_job
from federation.settings import Catalogue, ColumnCard, TableCard
from federation.wire import Answer

ORIGIN = "keyong.test/memory"
ANALYST = "analyst@city"
COORDINATOR = "coordinator"
NAMES = ("gaoping", "lingchuan", "qinshui", "yangcheng", "zezhou", "chengqu")

Row = Mapping[str, int | str | None]
Tamper = Callable[[str, Payload], Payload]


def clock() -> datetime:
    return datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)


@cache
def small_key() -> PrivateKey:
    """512 bits, once for all tests of a process: breakable and quick."""
    return generate(512, minimum_bits=512)


# -- what can be asked ------------------------------------------------------------------------------------------------


def column(name: str, kind: str, *uses: str, bounds=(None, None), values=(), cuts=()) -> ColumnCard:
    return ColumnCard(
        name=name,
        type=kind,
        unit="",
        label=name,
        label_en=name,
        low=bounds[0],
        high=bounds[1],
        uses=uses,
        values=values,
        cuts=cuts,
    )


COLUMNS = (
    column("person_id", "text", "join_key"),
    column("name", "text", "never"),
    column("sex", "text", "filter", "group_by", values=("f", "m")),
    column("age", "text", "filter", "group_by", values=("young", "middle", "old")),
    column("area", "text", "group_by", values=tuple(f"area {i:03}" for i in range(300))),
    column("active", "boolean", "filter", "group_by", "aggregate", bounds=(0, 1), values=("false", "true")),
    column("months", "integer", "filter", "group_by", "aggregate", bounds=(0, 600), cuts=(6, 12, 24)),
    column("income", "decimal(2)", "filter", "group_by", "aggregate", bounds=(-100_000, 100_000), cuts=(0, 25_050)),
    column("since", "date", "filter", cuts=("2000-01-01", "2020-01-01")),
    column("城镇", "text", "filter", "group_by", values=("是", "否")),
)


def catalogue(
    departments: Sequence[str],
    *,
    minimum_group: int = 3,
    threshold: int = 2,
    columns=COLUMNS,
    approvals: Literal["automatic", "officers"] = "automatic",
    scripts: bool = False,
) -> Catalogue:
    table = TableCard(
        name="insured",
        label="参保",
        label_en="insured",
        id="person_id",
        columns=columns,
        departments=tuple(sorted(departments)),
        scripts=scripts,
    )
    return Catalogue(
        federation="test",
        minimum_group=minimum_group,
        minimum_contributors=3,
        threshold=threshold,
        approvals=approvals,
        departments=tuple(sorted(departments)),
        tables=(table,),
    )


# -- a store in memory ------------------------------------------------------------------------------------------------


class MemoryStore:
    """An adapter over rows in base units, in the plainest Python there is."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows, self.asked = rows, 0

    def schema(self) -> tuple[str, ...]:
        return tuple(self.rows[0]) if self.rows else ()

    def aggregate(self, query: LocalQuery) -> dict[int, tuple[int, ...]]:
        self.asked += 1
        cells: dict[int, list[int]] = {}
        for row in self.rows:
            place = _group(query.group_by, row)
            if place is not None and all(_holds(condition, row[condition.column]) for condition in query.where):
                cell = cells.setdefault(place, [0] * len(query.measures))
                for index, measure in enumerate(query.measures):
                    cell[index] += _addend(measure, row)
        return {place: tuple(cell) for place, cell in cells.items()}

    def batches(self, columns, where=()):
        if self.rows:
            yield from_base_units(columns, [[row[column.name] for row in self.rows] for column in columns])

    def close(self) -> None:
        pass


def _holds(condition: Condition, value: int | str | None) -> bool:
    if condition.operator in ("is null", "is not null"):
        return (value is None) == (condition.operator == "is null")
    if value is None:
        return False
    first = condition.values[0]
    match condition.operator:
        case "=" | "in":
            return value in condition.values
        case "!=" | "not in":
            return value not in condition.values
        case ">=":
            return value >= first
        case "<":
            return value < first
    raise AssertionError(condition.operator)


def _group(keys: Sequence[GroupKey], row: Row) -> int | None:
    place = 0
    for key in keys:
        value = row[key.column]
        if value is None:
            return None
        if key.cuts:
            index = sum(value >= cut for cut in key.cuts)
        else:
            label = ("false", "true")[value] if isinstance(value, int) else value
            if label not in key.values:
                return None
            index = key.values.index(label)
        place = place * len(key.labels) + index
    return place


def _addend(measure: Measure, row: Row) -> int:
    if measure.kind == "rows":
        return 1
    value = row[measure.column]
    if value is None:
        return 0
    shifted = min(max(value, measure.low), measure.high) - measure.low if measure.kind != "count" else 1
    return shifted**2 if measure.kind == "sum_squares" else shifted


class CellStore(MemoryStore):
    """An adapter that answers whatever it was given."""

    def __init__(self, cells: dict[int, tuple[int, ...]]) -> None:
        super().__init__(())
        self._cells = cells

    def aggregate(self, query: LocalQuery) -> dict[int, tuple[int, ...]]:
        return self._cells


# -- the federation ---------------------------------------------------------------------------------------------------


class MemoryFederation:
    """Departments with these stores, a coordinator, and two analysts."""

    def __init__(
        self,
        home: Path,
        stores: Mapping[str, MemoryStore],
        *,
        minimum_group: int = 3,
        threshold_: int = 2,
        columns=COLUMNS,
        approvals: Literal["automatic", "officers"] = "automatic",
        scripts: bool = False,
        runner: Callable[[Path], Runner] = lambda _: NoRunner(),
        fingerprints: bool = False,
        grants: Literal[1, 2] = 1,
        shelves: Mapping[str, Shelf] | None = None,
    ) -> None:
        """Begin.

        Args:
            scripts: whether the table's owners let scripts run.
            runner: by a department's home, what runs them.
            fingerprints: whether gateways look for cells of their stores.
            grants: how many officers each department has, all of whom must grant.
            shelves: of the departments that have one.
        """
        self.shelves = shelves or {}
        self.home, self.stores, self._runner, self._fingerprints = home, stores, runner, fingerprints
        names = tuple(sorted(stores))
        self.catalogue = catalogue(
            names,
            minimum_group=minimum_group,
            threshold=threshold_,
            columns=columns,
            approvals=approvals,
            scripts=scripts,
        )
        self.public_key = small_key().public
        shares = threshold.deal(small_key(), holders=len(names), threshold=threshold_)
        self.shares = dict(zip(names, shares, strict=True))
        self.identities: dict[str, Identity] = {}
        self.now = clock()
        self.journals: dict[str, Journal] = {}
        self.witnesses: dict[str, Witness] = {}
        accounts = ("officer", "second")[:grants]
        self.officer_keys = {f"{account}@{name}": HybridKey.generate() for name in names for account in accounts}
        self.officers = tuple(
            Officer(name=n, role="officer", person=n, signing=k.public.ed25519, signing_mldsa=k.public.mldsa44)
            for n, k in self.officer_keys.items()
        )
        for name in (COORDINATOR, *names, ANALYST, "analyst@tax"):
            folder = self.folder(name)
            folder.mkdir(parents=True)
            self.identities[name] = Identity.in_home(name, folder)
        self.roster = Roster(
            origin=ORIGIN,
            epoch=1,
            parties=tuple(self._party(name, identity) for name, identity in self.identities.items()),
            officers=self.officers,
            holders=names,
            threshold=threshold_,
            public_key=self.public_key.to_bytes(),
            grants=grants,
        )
        for name in self.identities:
            write_whole(self.folder(name) / "roster.json", self.roster.to_bytes())
        key = self.identities[COORDINATOR].signing
        self.log = Log(self.folder(COORDINATOR) / "log.db", origin=ORIGIN, key=key)
        self._journal = self.open_journal(COORDINATOR)
        self.sequencer = Sequencer(self.log, self._journal, self.roster)
        self._record("enrol", "", {"roster": self.roster.hash, "epoch": 1})
        self.receipts = Receipts(COORDINATOR)
        self.approvals: dict[str, Approvals] = {}
        self.departments: dict[str, Department] = {}
        self._sessions: list[dict[str, object]] = []
        self._numbers = itertools.count()
        self.sent: list[tuple[str, bytes]] = []  # every answer that left a department: party, envelope
        for name in names:
            self.start(name)

    def folder(self, name: str) -> Path:
        return self.home / ("analysts" if name.startswith("analyst@") else "parties") / name

    def open_journal(self, name: str) -> Journal:
        key = self.identities[name].signing
        return Journal(self.folder(name) / "journal.db", origin=ORIGIN, node=name, key=key, clock=lambda: self.now)

    def open_witness(self, name: str, parties: Mapping[str, bytes]) -> Witness:
        file = self.folder(name) / "witness.db"
        make = Witness if file.exists() else Witness.create
        return make(
            file, origin=ORIGIN, party=name, clock=lambda: self.now, journal=self.journals[name], parties=parties
        )

    def _party(self, name: str, identity: Identity) -> Party:
        party = Party(name=name, role=_role(name), signing=identity.signing.public, box=identity.box.public)
        if party.role != "department":
            return party
        self.journals[name] = self.open_journal(name)
        with closing(self.open_witness(name, {name: party.signing})) as witness:
            keys = witness.public
        self.journals[name].close()
        return msgspec.structs.replace(party, witness=keys.ed25519, witness_mldsa=keys.mldsa44)

    def start(self, name: str) -> None:
        """Start a department's process; again: it was killed, and comes back over the same files."""
        before = [session for session in self._sessions if session["party"] == name]
        for session in before:
            session["ended"] = True
        if before:
            self.journals[name].close()
            self.witnesses[name].close()
        journal = self.journals[name] = self.open_journal(name)
        drawn = Fingerprints.sample({"insured": self.stores[name]} if self._fingerprints else {}, self.catalogue)
        identity, gateway = self.identities[name], Gateway(journal, name, drawn)
        self._sessions.append({"party": name, "session": len(before) + 1, "sent": 0, "received": 0, "ended": False})
        started = Draft(
            type="start", actor=Actor(name=name, role="node"), data={"session": len(before) + 1, "version": "test"}
        )
        witness = self.witnesses[name] = self.open_witness(name, self.roster.signers)
        mirror, journal.seen = RecordMirror(witness, self.roster), witness.head
        approvals = Approvals(
            department=name,
            roster=self.roster,
            rule=self.catalogue.approvals,
            journal=journal,
            folder=self.folder(name) / "desk",
            clock=lambda: self.now,
            shelf=self.shelves.get(name),
        )
        self.approvals[name] = approvals
        gateway.permit = approvals.check
        ready = IdentityMessage(party=name, signing=identity.signing.public, box=identity.box.public, enrolled="")
        for payload, drafts in ((ready, (started,)), (Enrolled(roster=self.roster.hash), ())):
            header = self.header(name, "launcher", job="", plan="")
            gateway.admit(header, payload, drafts)
            self._count(name, gateway.release(identity.sign(header, payload)), "enrolment")
        office = Office(
            identity=identity,
            roster=self.roster,
            catalogue=self.catalogue,
            public_key=self.public_key,
            share=self.shares[name],
            encryptor=Encryptor(self.public_key),
            stores={"insured": self.stores[name]},
            approvals=approvals,
            mirror=mirror,
            check_cells=gateway.check_cells,
            check_text=gateway.check_text,
            clock=lambda: self.now,
            home=self.folder(name),
            runner=self._runner(self.folder(name)),
        )
        self.departments[name] = Department(office, journal, gateway, mirror)

    def close(self) -> Path:
        """Gather every journal, write what the launcher writes, close the files; returns the home."""
        for name in self.departments:
            self.say(name, Sync())
        (self.home / "launcher").mkdir()
        (self.home / "launcher" / "wire.json").write_text(json.dumps(self._sessions))
        names = tuple(self.departments)
        public = Public(
            name="test",
            departments=names,
            labels={name: name for name in names},
            labels_en={},
            unconfined="one process",
        )
        (self.home / "launcher" / "public.json").write_bytes(msgspec.json.encode(public))
        self.log.close()
        for file in (self._journal, *self.journals.values(), *self.witnesses.values()):
            file.close()
        return self.home

    # -- asking -----------------------------------------------------------------------------------------------------

    def plan(
        self, sql: str, *, requester: str = ANALYST, nonce: str | None = None, protection: Protection = "paillier"
    ) -> SumPlan:
        return plan_query(
            sql,
            purpose="test",
            requester=requester,
            catalogue=self.catalogue,
            roster=self.roster,
            nonce=nonce or f"{next(self._numbers):032x}",
            protection=protection,
        )

    def request(self, plan: AnyPlan, *, job: str, signer: str | None = None) -> bytes:
        signer = signer or plan.requester
        header = self.header(signer, COORDINATOR, job=job, plan=plan.hash)
        return self.identities[signer].sign(header, Request(plan=plan.to_bytes()))

    def seal(self, plan: AnyPlan, *, job: str = "q-1", tamper: Tamper = lambda _, payload: payload) -> SealedTotals:
        """Run a plan as the coordinator does, which may tamper with what it sends."""
        wire = MemoryWire(self, job, plan.hash, tamper)
        agreements = propose(wire, plan, self.request(plan, job=job), {})
        assert set(agreements) == set(plan.participants)
        self._start(plan, job)
        if isinstance(plan, ScriptPlan):
            sealed = run_script_job(wire, plan, agreements, self.checkpoint, lambda _: None)
        else:
            sealed = run_sum(wire, plan, agreements, self.public_key, self.checkpoint, lambda _: None)
        self._record("job.end", job, {"outcome": "released"})
        return sealed

    def _start(self, plan: AnyPlan, job: str) -> None:
        data = {
            "kind": plan.kind,
            "plan": plan.hash,
            "requester": plan.requester,
            "contributors": len(plan.contributors),
        }
        self._record("job.start", job, {**data, "participants": " ".join(plan.participants)})

    def checkpoint(self, members: Sequence[str] = (), *, without: Sequence[str] = ()) -> str:
        """The log as it is now, signed for, and co-signed by all departments but some."""
        for draft in self.receipts.drafts():
            self.sequencer.record(draft)
        size = len(self.log)
        for name in self.departments:
            if name not in without:
                start = self.witnesses[name].head().size
                entries = tuple(self.log.entries(start, size))
                said = self.say(name, Attest(note=self.log.checkpoint_at(size), start=start, entries=entries)).payload
                self.log.cosign(size, said.lines)
        return self.log.cosigned(size)

    # -- officers ---------------------------------------------------------------------------------------------------

    def grant(self, party: str, plan: AnyPlan, *, job: str = "q-1", officer: str = "", **changes: object) -> str:
        """What an officer would sign to let a plan run."""
        return self._state(
            Grant,
            party,
            officer,
            job=job,
            plan=plan,
            **{"requester": plan.requester, "purpose": "", "expires": "2026-03-02T08:00:00Z", **changes},
        )

    def say_no(
        self, kind: type[Deny | Revoke], party: str, plan: AnyPlan, *, job: str = "q-1", officer: str = ""
    ) -> str:
        return self._state(kind, party, officer, job=job, plan=plan)

    def _state(self, kind, party: str, officer: str, *, job: str, plan: AnyPlan, **fields: object) -> str:
        officer = officer or f"officer@{party}"
        common = {
            "log": ORIGIN,
            "roster": self.roster.hash,
            "officer": officer,
            "department": party,
            "nonce": f"{next(self._numbers):032x}",
            "time": "2026-03-01T08:00:00Z",
            "request": job,
            "plan": plan.hash,
        }
        return sign_statement(kind(**{**common, **fields}), self.officer_keys[officer])

    def read(self, plan: AnyPlan, sealed: SealedTotals, *, job: str = "q-1", reader: str = ANALYST) -> Rows:
        return answer(plan, self.totals(plan, sealed, job=job, reader=reader))

    def totals(self, plan: AnyPlan, sealed: SealedTotals, *, job: str = "q-1", reader: str = ANALYST) -> Totals:
        return read_totals(self.identities[reader], self.roster, self.public_key, plan, job, sealed)

    def ask(self, sql: str, *, job: str = "q-1", tamper: Tamper = lambda _, payload: payload) -> Rows:
        plan = self.plan(sql)
        check_plan(plan, self.catalogue, self.roster)
        return self.read(plan, self.seal(plan, job=job, tamper=tamper), job=job)

    def agreed(self, plan: AnyPlan, *, job: str = "q-1") -> MemoryWire:
        """A job that every department has agreed to, and its wire."""
        wire = MemoryWire(self, job, plan.hash)
        agreements = propose(wire, plan, self.request(plan, job=job), {})
        self._start(plan, job)
        word = Begin(agreements=tuple(agreements.values()), checkpoint=self.checkpoint())
        wire.ask({name: word for name in plan.participants})
        return wire

    # -- messages ---------------------------------------------------------------------------------------------------

    def header(
        self, sender: str, recipient: str, *, job: str, plan: str, number: str | None = None, reply_to: str = ""
    ) -> Header:
        return Header(
            origin=ORIGIN,
            job=job,
            attempt=1 if job else 0,
            plan=plan,
            roster=self.roster.hash,
            epoch=1,
            sender=sender,
            recipient=recipient,
            number=number or f"{next(self._numbers):032x}",
            reply_to=reply_to,
        )

    def signed(self, sender: str, recipient: str, payload: Payload, *, job: str = "", plan: str = "") -> bytes:
        return self.identities[sender].sign(self.header(sender, recipient, job=job, plan=plan), payload)

    def say(self, party: str, payload: Payload, *, job: str = "", plan: str = "") -> Answer:
        """Say one thing to a department and hear its answer; raises what it refuses with."""
        return self.deliver(party, self.signed(COORDINATOR, party, payload, job=job, plan=plan))

    def deliver(self, party: str, envelope: bytes) -> Answer:
        department = self.departments[party]
        packet = department.answer(envelope, self.sequencer.known(party))
        number = self.roster.open(packet.envelope).header.number
        self._count(party, department.gateway.release(msgspec.msgpack.encode(packet)), number)
        self.sent.append((party, packet.envelope))
        self.sequencer.accept(party, packet.entries)
        payload = decode(self.roster.open(packet.envelope).payload)
        if isinstance(payload, Failure):
            raise from_code(payload.code, party=party)
        return Answer(payload, packet.envelope)

    def _count(self, party: str, frame: bytes, number: str) -> None:
        session = next(s for s in reversed(self._sessions) if s["party"] == party)
        session["sent"] += len(frame)
        self.receipts.take(party, session["session"], number, len(frame))

    def _record(self, kind: EventType, job: str, data: dict[str, int | str]) -> None:
        actor = Actor(name=COORDINATOR, role="coordinator")
        self.sequencer.record(Draft(type=kind, actor=actor, job=job, attempt=1 if job else 0, data=data))

    # -- what became of it ------------------------------------------------------------------------------------------

    def events(self, party: str, kind: EventType | None = None) -> list[Event]:
        """A department's own journal."""
        events = [read_event(entry, self.roster.signers) for entry in self.journals[party].entries()]
        return [event for event in events if kind in (None, event.type)]

    def opened(self) -> list[tuple[str, int | str]]:
        """Every opening that any key holder's journal tells: party, round."""
        return [(name, event.data["round"]) for name in self.departments for event in self.events(name, "open")]


class MemoryWire:
    """Implements `federation.wire.Wire` by calling the departments; `tamper` is what a malicious coordinator does."""

    def __init__(
        self, federation: MemoryFederation, job: str, plan: str, tamper: Tamper = lambda _, payload: payload
    ) -> None:
        self._federation, self._job, self._plan, self._tamper = federation, job, plan, tamper
        self.traffic: dict[str, int] = {}
        self.gone: set[str] = set()

    def ask_those_there(self, requests: Mapping[str, Payload]) -> dict[str, Answer]:
        return self.ask({party: payload for party, payload in requests.items() if party not in self.gone})

    def ask(self, requests: Mapping[str, Payload]) -> dict[str, Answer]:
        return {
            party: self._federation.say(party, self._tamper(party, payload), job=self._job, plan=self._plan)
            for party, payload in requests.items()
        }


def _role(name: str) -> str:
    return "coordinator" if name == COORDINATOR else "analyst" if name.startswith("analyst@") else "department"
