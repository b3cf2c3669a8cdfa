"""A small federation in one process, to be attacked: real keys, journals, log, gateways, desks and witnesses.

Only what is computed is left out: what a gateway lets out is random bytes under the types of an encrypted sum, since
the record does not look into ciphertexts; and the shelves of its desks lie in memory. Two officers of each department
have to grant. Its clock goes on by itself. Its home lies as that of a running federation does.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from crypto.signing import HybridKey
from federation.audit.events import Actor, EventType
from federation.audit.journal import Draft, Journal
from federation.audit.log import Log
from federation.audit.witness import Witness
from federation.coordinator.receipts import ENROLMENT, Receipts
from federation.coordinator.sequencer import Sequencer
from federation.governance.approvals import Approvals
from federation.governance.identity import Identity, write_whole
from federation.governance.roster import Officer, OfficerRole, Party, Role, Roster
from federation.governance.shelf import Lying, Standing
from federation.governance.statements import AnyStatement, Deny, Grant, Revoke, sign_statement
from federation.messages import (
    Agreement,
    Attest,
    Begun,
    Ciphertexts,
    Commitment,
    Decision,
    Enrolled,
    Header,
    Packet,
    Payload,
    Pending,
    Round,
    Share,
    Synced,
)
from federation.messages import Identity as IdentityMessage
from federation.node.gateway import Gateway
from federation.node.mirror import RecordMirror
from federation.plan import AnyPlan, LocalQuery, Measure, Output, Plan, SumPlan

ORIGIN = "keyong.drill/0123456789abcdef"
DEPARTMENTS = ("housing", "hukou", "social", "tax")
OPENERS = DEPARTMENTS[:2]
COORDINATOR, ANALYST = "coordinator", "analyst@city"
# Of each department; all but the auditor decide.
OFFICERS: dict[str, OfficerRole] = {"officer": "officer", "deputy": "officer", "auditor": "auditor"}
DECIDING = tuple(name for name, role in OFFICERS.items() if role == "officer")
ROUNDS: tuple[Round, Round] = ("counts", "sums")
BEGINNING = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
STEP = timedelta(milliseconds=20)
CIPHERTEXT_BYTES = 512


class Clock:
    """A clock of which every look costs 20 ms."""

    def __init__(self, now: datetime = BEGINNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time."""
        self.now += STEP
        return self.now


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody's, for whoever plays the attacker; a drill may use only those its attacker would have."""

    parties: dict[str, Identity]
    officers: dict[str, HybridKey]


class MemoryShelf:
    """A `federation.governance.shelf.Shelf` that forgets."""

    software = "drill"

    def __init__(self) -> None:
        self._lying: dict[str, Lying] = {}

    def lay(self, job: str, plan: AnyPlan) -> Lying:
        """See `Shelf`."""
        return self._lying.setdefault(job, Lying("pending", hashlib.sha256(plan.to_bytes()).hexdigest()))

    def turn(self, job: str, standing: Standing, reason: str = "") -> Lying:
        """See `Shelf`."""
        self._lying[job] = self._lying[job]._replace(standing=standing)
        return self._lying[job]

    def look(self, job: str) -> Lying | None:
        """See `Shelf`."""
        return self._lying.get(job)


class Department:
    """One department: journal, witness, desk and gateway over its own folder."""

    def __init__(self, name: str, folder: Path, identity: Identity, roster: Roster, clock: Clock) -> None:
        self.name, self.identity, self.clock = name, identity, clock
        self.journal = Journal(folder / "journal.db", origin=ORIGIN, node=name, key=identity.signing, clock=clock)
        self.witness = Witness(
            folder / "witness.db",
            origin=ORIGIN,
            party=name,
            clock=clock,
            journal=self.journal,
            parties=roster.signers,
        )
        self.journal.seen = self.witness.head
        self.mirror = RecordMirror(self.witness, roster)
        self.approvals = Approvals(
            department=name,
            roster=roster,
            rule="officers",
            journal=self.journal,
            folder=folder / "desk",
            clock=clock,
            shelf=MemoryShelf(),
        )
        self.gateway = Gateway(self.journal, name)
        self.gateway.permit = self.approvals.check

    def close(self) -> None:
        """Close its files."""
        self.journal.close()
        self.witness.close()


class Town:
    """The whole federation; whoever holds it acts for everybody."""

    def __init__(self, home: Path) -> None:
        """Draw all keys, enrol everybody, and open the log in an empty folder."""
        self.home, self.clock = home, Clock()
        names = (COORDINATOR, *DEPARTMENTS, ANALYST)
        for name in names:
            folder_of(home, name).mkdir(parents=True)
        parties = {name: Identity.in_home(name, folder_of(home, name)) for name in names}
        officers = {f"{officer}@{name}": HybridKey.generate() for name in DEPARTMENTS for officer in OFFICERS}
        self.keys = Keys(parties=parties, officers=officers)
        self.roster = Roster(
            origin=ORIGIN,
            epoch=1,
            parties=tuple(self._party(name) for name in names),
            officers=tuple(
                Officer(
                    name=name,
                    role=OFFICERS[name.partition("@")[0]],
                    person=name,
                    signing=key.public.ed25519,
                    signing_mldsa=key.public.mldsa44,
                )
                for name, key in officers.items()
            ),
            holders=DEPARTMENTS,
            threshold=len(OPENERS),
            public_key=b"no sums are computed here",
            grants=2,
        )
        for name in names:
            write_whole(folder_of(home, name) / "roster.json", self.roster.to_bytes())
        self._open = ExitStack()
        key = parties[COORDINATOR].signing
        self.log = Log(folder_of(home, COORDINATOR) / "log.db", origin=ORIGIN, key=key)
        self._open.callback(self.log.close)
        self._journals = {name: self._journal(name) for name in (COORDINATOR, ANALYST)}
        self.sequencer = Sequencer(self.log, self._journals[COORDINATOR], self.roster)
        self.receipts = Receipts(COORDINATOR)
        self.sent = dict.fromkeys(DEPARTMENTS, 0)
        self.coordinate("enrol", "", {"roster": self.roster.hash, "epoch": 1})
        self.departments = {name: self._enrol(name) for name in DEPARTMENTS}

    def _party(self, name: str) -> Party:
        identity = self.keys.parties[name]
        role: Role = "coordinator" if name == COORDINATOR else "analyst" if name == ANALYST else "department"
        party = Party(name=name, role=role, signing=identity.signing.public, box=identity.box.public)
        if role != "department":
            return party
        file = folder_of(self.home, name) / "witness.db"
        signers = {name: party.signing}
        with (
            closing(self._bare_journal(name)) as journal,
            closing(
                Witness.create(file, origin=ORIGIN, party=name, clock=self.clock, journal=journal, parties=signers)
            ) as witness,
        ):
            return msgspec.structs.replace(party, witness=witness.public.ed25519, witness_mldsa=witness.public.mldsa44)

    def _bare_journal(self, name: str) -> Journal:
        folder, key = folder_of(self.home, name), self.keys.parties[name].signing
        return Journal(folder / "journal.db", origin=ORIGIN, node=name, key=key, clock=self.clock)

    def _journal(self, name: str) -> Journal:
        journal = self._bare_journal(name)
        self._open.callback(journal.close)
        return journal

    def _enrol(self, name: str) -> Department:
        folder, identity = folder_of(self.home, name), self.keys.parties[name]
        department = Department(name, folder, identity, self.roster, self.clock)
        self._open.callback(department.close)
        node = Actor(name=name, role="node")
        started = Draft(type="start", actor=node, data={"session": 1, "version": "drill", "desk": MemoryShelf.software})
        enrolled = Draft(type="enrol", actor=node, data={"roster": self.roster.hash, "epoch": 1})
        hello = IdentityMessage(party=name, signing=identity.signing.public, box=identity.box.public, enrolled="")
        for payload, draft in ((hello, started), (Enrolled(roster=self.roster.hash), enrolled)):
            header = self.header(name, "launcher")
            department.gateway.admit(header, payload, (draft,))
            self._count(name, department.gateway.release(identity.sign(header, payload)), ENROLMENT)
        return department

    # -- what passes between them -------------------------------------------------------------------------------------

    def send(
        self, name: str, payload: Payload, drafts: tuple[Draft, ...] = (), *, plan: str = "", job: str = ""
    ) -> None:
        """Let a payload out through a department's gateway, and bring its events into the log.

        Raises:
            RefusedError: the gateway does not let it out.
        """
        department = self.departments[name]
        header = self.header(name, COORDINATOR, plan=plan, job=job)
        fresh = department.gateway.admit(header, payload, drafts)
        older = department.journal.entries(self.sequencer.known(name))
        packet = Packet(envelope=department.identity.sign(header, payload), entries=(*older, *fresh))
        self._count(name, department.gateway.release(msgspec.msgpack.encode(packet)), header.number)
        self.sequencer.accept(name, packet.entries)

    def header(self, sender: str, recipient: str, *, plan: str = "", job: str = "") -> Header:
        """The header of a message."""
        return Header(
            origin=ORIGIN,
            job=job,
            attempt=1 if job else 0,
            plan=plan,
            roster=self.roster.hash,
            epoch=1,
            sender=sender,
            recipient=recipient,
            number=secrets.token_hex(16),
            reply_to="",
        )

    def _count(self, name: str, frame: bytes, number: str) -> None:
        self.sent[name] += len(frame)
        self.receipts.take(name, 1, number, len(frame))

    def coordinate(self, kind: EventType, job: str, data: dict[str, int | str]) -> None:
        """Write an event of the coordinator's own into the log."""
        actor = Actor(name=COORDINATOR, role="coordinator")
        self.sequencer.record(Draft(type=kind, actor=actor, job=job, attempt=1 if job else 0, data=data))

    def seal(self) -> str:
        """Bring the log to every witness; returns the checkpoint with all lines."""
        for name, department in self.departments.items():
            self.send(name, Synced(), department.approvals.close(department.mirror.is_over))
        for draft in self.receipts.drafts():
            self.sequencer.record(draft)
        size = len(self.log)
        for name, department in self.departments.items():
            start = department.witness.head().size
            entries = tuple(self.log.entries(start, size))
            said = department.mirror.attest(Attest(note=self.log.checkpoint_at(size), start=start, entries=entries))
            self.send(name, said)
            self.log.cosign(size, said.lines)
        return self.log.cosigned(size)

    # -- what officers say --------------------------------------------------------------------------------------------

    def state(
        self, kind: type[Grant | Deny | Revoke], name: str, plan: Plan, *, job: str, officer: str = "", **more: str
    ) -> str:
        """What an officer would sign on a request."""
        officer, now = officer or f"officer@{name}", self.clock()
        fields: dict[str, str] = {
            "log": ORIGIN,
            "roster": self.roster.hash,
            "officer": officer,
            "department": name,
            "nonce": secrets.token_hex(16),
            "time": written(now),
            "request": job,
            "plan": plan.hash,
        }
        if kind is Grant:
            later = written(now + timedelta(days=1))
            fields |= {"requester": plan.requester, "purpose": "", "expires": later}
        statement: AnyStatement = msgspec.convert({"kind": _tag(kind), **fields, **more}, kind)
        return sign_statement(statement, self.keys.officers[officer])

    # -- a job --------------------------------------------------------------------------------------------------------

    def submit(self, job: str, plan: AnyPlan) -> None:
        """The analyst asks; the request lies on the desks of all that are to take part."""
        asked = Draft(
            type="request.submit",
            actor=Actor(name=ANALYST, role="analyst"),
            job=job,
            attempt=1,
            data={"plan": plan.hash},
            body=plan.purpose.encode(),
        )
        self.sequencer.accept(ANALYST, self._journals[ANALYST].write([asked]))
        for name in plan.participants:
            drafts = self.departments[name].approvals.lodge(job, plan, b"", None)
            self.send(name, Pending(), drafts, plan=plan.hash, job=job)

    def agree(self, job: str, plan: Plan) -> None:
        """As many officers grant as it takes, every department says so."""
        for name in plan.participants:
            approvals = self.departments[name].approvals
            for officer in DECIDING:
                approvals.hear(self.state(Grant, name, plan, job=job, officer=f"{officer}@{name}"), {})
            self.send(name, Agreement(statements=approvals.statements(job)), plan=plan.hash, job=job)

    def begin(self, job: str, plan: Plan) -> None:
        """The coordinator begins, and every department joins on a sealed record."""
        kind = _tag(type(plan))
        data: dict[str, int | str] = {"kind": kind, "plan": plan.hash, "requester": plan.requester}
        data |= {"contributors": len(plan.contributors), "participants": " ".join(plan.participants)}
        self.coordinate("job.start", job, data)
        self.seal()
        for name in plan.participants:
            begun = self.departments[name].approvals.begin(job, plan.hash)
            self.send(name, Begun(), (begun,), plan=plan.hash, job=job)

    def compute(self, job: str, plan: SumPlan) -> None:
        """Both rounds of an encrypted sum, with noise for ciphertexts."""
        for name in ROUNDS:
            self._round(job, plan, name)
            if name == ROUNDS[0]:
                noise = secrets.token_bytes(64)
                decided = self.draft("release.decide", plan.gate, job, {"groups": 1, "minimum_group": 3}, noise)
                boxes = {reader: secrets.token_bytes(96) for reader in (*plan.contributors, plan.requester)}
                self.send(plan.gate, Decision(boxes=boxes), (decided,), plan=plan.hash, job=job)
        self.coordinate("job.end", job, {"outcome": "released"})

    def _round(self, job: str, plan: Plan, name: Round) -> None:
        given = "" if name == ROUNDS[0] else secrets.token_hex(32)
        for party in plan.contributors:
            digest = secrets.token_hex(32)
            data: dict[str, int | str] = {"round": name, "digest": digest, "ciphertexts": 1, "given": given}
            committed = self.draft("commit", party, job, data)
            self.send(party, Commitment(round=name, digest=digest), (committed,), plan=plan.hash, job=job)
        for party in plan.contributors:
            values = (secrets.token_bytes(CIPHERTEXT_BYTES),)
            self.send(
                party, Ciphertexts(round=name, committed=secrets.token_hex(32), values=values), plan=plan.hash, job=job
            )
        self.seal()
        reader = plan.gate if name == ROUNDS[0] else plan.requester
        for party in plan.openers:
            data = {"round": name, "reader": reader, "product": secrets.token_hex(32)}
            box = secrets.token_bytes(2 * CIPHERTEXT_BYTES)
            self.send(
                party, Share(round=name, box=box), (self.draft("open", party, job, data),), plan=plan.hash, job=job
            )

    @staticmethod
    def draft(kind: EventType, party: str, job: str, data: dict[str, int | str], body: bytes | None = None) -> Draft:
        """An event of a department's node."""
        return Draft(type=kind, actor=Actor(name=party, role="node"), job=job, attempt=1, data=data, body=body)

    def run(self, job: str) -> SumPlan:
        """A whole job, granted by everybody, released and sealed."""
        plan = make_plan(self.roster)
        self.submit(job, plan)
        self.agree(job, plan)
        self.begin(job, plan)
        self.compute(job, plan)
        self.seal()
        return plan

    def close(self) -> Path:
        """Write the proxy's counts, close all files; returns the home."""
        counts = [
            {"party": name, "session": 1, "sent": sent, "received": 0, "ended": False}
            for name, sent in self.sent.items()
        ]
        (self.home / "launcher").mkdir()
        (self.home / "launcher" / "wire.json").write_text(json.dumps(counts))
        self._open.close()
        return self.home


def make_plan(roster: Roster) -> SumPlan:
    """A plan that no policy has looked at: these departments count their rows."""
    return SumPlan(
        nonce=secrets.token_hex(16),
        requester=ANALYST,
        purpose="drill",
        sql="SELECT COUNT(*) FROM drill",
        contributors=DEPARTMENTS,
        gate=DEPARTMENTS[-1],
        holders=DEPARTMENTS,
        threshold=len(OPENERS),
        minimum_group=3,
        minimum_contributors=3,
        catalogue="0" * 64,
        roster=roster.hash,
        epoch=1,
        local=LocalQuery(table="drill", columns=(), where=(), group_by=(), measures=(Measure(kind="rows"),)),
        outputs=(Output(name="count", function="count"),),
    )


def folder_of(home: Path, name: str) -> Path:
    """A party's own folder."""
    return home / ("analysts" if name == ANALYST else "parties") / name


def written(at: datetime) -> str:
    """A time as statements write it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _tag(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)
