"""A small record, written by the very classes that write real ones, and one that the verifier finds right."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from streamlit.testing.v1 import AppTest

from crypto.signing import HybridKey, SigningKey
from federation.audit.events import Actor, timestamp
from federation.audit.journal import Draft, Journal
from federation.audit.log import Log
from federation.audit.verify import Verdict
from federation.audit.witness import Witness
from federation.demo.report import Asked, Drilled, HandedOver, Promise, Refused, Report, ScriptRun, Trained
from federation.governance.approvals import EVENTS
from federation.governance.roster import Officer, Party, Roster
from federation.governance.statements import AnyStatement, Grant, sign_statement

ORIGIN = "keyong.local/test"
DEPARTMENTS = ("chengqu", "gaoping", "zezhou")
LABELS = {"chengqu": "城区", "gaoping": "高平市", "zezhou": "泽州县"}
LABELS_EN = {"chengqu": "Chengqu", "gaoping": "Gaoping", "zezhou": "Zezhou"}
STORES = {name: {"hukou": "csv", "dibao": "sqlite"} for name in DEPARTMENTS}
JOB = "q-0000000000aa"
WAITING = "q-0000000000ff"
PLAN = "ab" * 32
OFFICER_KEYS = {
    name: HybridKey.generate()
    for name in (*(f"officer@{department}" for department in DEPARTMENTS), "operator@city", "auditor@city")
}


class RecordedHome:
    """A home whose record is written event by event; counts follow the ledgers until a test says otherwise."""

    def __init__(self, path: Path, *, approvals: str = "automatic", analyst: str = "analyst") -> None:
        self.path, self.approvals, self.analyst = path, approvals, analyst
        parties = ("coordinator", analyst, *DEPARTMENTS)
        self.counts = {name: 0 for name in DEPARTMENTS}
        self._time = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
        for folder in ("launcher", *(f"parties/{name}" for name in parties)):
            (path / folder).mkdir(parents=True)
        path.chmod(0o700)
        keys = {name: SigningKey.generate() for name in parties}
        self._log_key = keys["coordinator"].public
        self._log = Log(path / "parties/coordinator/log.db", origin=ORIGIN, key=keys["coordinator"])
        self._journals = {
            name: Journal(
                path / "parties" / name / "journal.db", origin=ORIGIN, node=name, key=keys[name], clock=self._tick
            )
            for name in parties
        }
        self._witnesses = {
            name: Witness.create(
                path / "parties" / name / "witness.db",
                origin=ORIGIN,
                party=name,
                clock=lambda: self._time,
                journal=self._journals[name],
                parties={party: key.public for party, key in keys.items()},
            )
            for name in DEPARTMENTS
        }
        self.roster = Roster(
            origin=ORIGIN,
            epoch=1,
            parties=tuple(self._party(name, key.public) for name, key in keys.items()),
            officers=tuple(
                Officer(
                    name=name,
                    role=name.partition("@")[0],
                    person=f"person of {name}",
                    signing=key.public.ed25519,
                    signing_mldsa=key.public.mldsa44,
                )
                for name, key in OFFICER_KEYS.items()
            ),
            holders=DEPARTMENTS,
            threshold=2,
            public_key=b"",
        )
        for name in parties:
            (path / "parties" / name / "roster.json").write_bytes(self.roster.to_bytes())
        self.tell()
        self.count()

    def _party(self, name: str, public: bytes) -> Party:
        witness = self._witnesses[name].public if name in self._witnesses else None
        return Party(
            name=name,
            role={"coordinator": "coordinator", self.analyst: "analyst"}.get(name, "department"),
            signing=public,
            box=bytes(32),
            witness=witness.ed25519 if witness else b"",
            witness_mldsa=witness.mldsa44 if witness else b"",
        )

    def _tick(self) -> datetime:
        self._time += timedelta(milliseconds=10)
        return self._time

    def tell(self, *, unconfined: str = "", networked: tuple[str, ...] = ()) -> None:
        """Write what the launcher tells screens."""
        public = {"name": "晋城联邦", "departments": DEPARTMENTS, "labels": LABELS, "labels_en": LABELS_EN}
        public |= {"stores": STORES, "unconfined": unconfined, "networked": networked}
        (self.path / "launcher/public.json").write_text(json.dumps(public))

    def write(self, party: str, kind: str, job: str = "", /, *, actor: Actor | None = None, **data: int | str) -> None:
        """One event, signed, chained, and in the log."""
        actor = actor or Actor(name=party, role="automatic" if kind == "approval.grant" else "node")
        draft = Draft(type=kind, actor=actor, job=job, attempt=int(bool(job)), data=data, body=b"frame")  # type: ignore[arg-type]
        self._log.append(self._journals[party].write([draft]))

    def write_unsent(self, party: str) -> None:
        """One event that has not reached the log."""
        self._journals[party].write([Draft(type="incident", actor=Actor(name=party, role="node"))])

    def say(self, department: str, kind: type[AnyStatement], job: str = JOB, *, by: str = "", **fields: object) -> None:
        """An officer's statement, and the event that carries it."""
        name = by or f"officer@{department}"
        common = {
            "log": ORIGIN, "roster": self.roster.hash, "officer": name, "department": department,
            "nonce": secrets.token_hex(16), "time": timestamp(self._time), "request": job, "plan": PLAN,
        }  # fmt: skip
        if kind is Grant:
            expires = timestamp(self._time + timedelta(hours=24))
            fields = {"requester": self.analyst, "purpose": "00", "expires": expires, **fields}
        statement = sign_statement(kind(**common, **fields), OFFICER_KEYS[name])
        actor = Actor(name=name, role=name.partition("@")[0])  # type: ignore[arg-type]
        told = {"plan": PLAN, "requester": self.analyst, "statement": statement}
        self.write(department, EVENTS[kind], job, actor=actor, **told)

    def seal(self, *names: str) -> None:
        """Departments, all unless named, co-sign the log as it is; what they write next says that they have."""
        size = len(self._log)
        for name in names or DEPARTMENTS:
            witness = self._witnesses[name]
            start = witness.head().size
            entries = list(self._log.entries(start, size))
            self._log.cosign(size, witness.cosign(self._log.checkpoint(), self._log_key, start, entries))
            self._journals[name].seen = witness.head

    def send(self, party: str, kind: str, size: int, job: str = JOB, to: str = "coordinator") -> None:
        """One message that left, counted and recorded."""
        payload = "agreement" if kind == "control" else "x"
        self.write(
            party, "egress", job, **{"message": "00", "to": to, "class": kind, "payload": payload, "bytes": size}
        )
        self.counts[party] += size

    def count(self, *, ended: bool = False, **more: int) -> None:
        """Save the proxy's counts, with more bytes for some."""
        rows = [
            {"party": name, "session": 1, "sent": sent + more.get(name, 0), "received": 0, "ended": ended}
            for name, sent in self.counts.items()
        ]
        (self.path / "launcher/wire.json").write_text(json.dumps(rows))

    def start(self) -> None:
        """Everybody has enrolled."""
        self.write("coordinator", "start", version="0.1.0")
        for share, name in enumerate(DEPARTMENTS, 1):
            told = {"isolation": "confined", "catalogue": "4d1d", "fingerprints": "hukou=512/8192"}
            self.write(name, "start", session=1, version="0.1.0", **told)
            self.send(name, "enrolment", 200, job="", to="launcher")
            self.write(name, "enrol", key="6d7a05b19f18675f", share=share, roster=self.roster.hash, epoch=1)
        self.count()

    def request(self, job: str = JOB) -> None:
        """A request has come to every desk."""
        self.write(self.analyst, "request.submit", job, actor=Actor(name=self.analyst, role="analyst"), plan=PLAN)
        for name in DEPARTMENTS:
            self.write(name, "request.receive", job, plan=PLAN, requester=self.analyst)

    def agree(self, job: str = JOB) -> None:
        """Everybody has said yes, by the rule of this home."""
        for name in DEPARTMENTS:
            if self.approvals == "officers":
                self.say(name, Grant, job)
            else:
                self.write(name, "approval.grant", job, plan=PLAN, requester=self.analyst)
            self.send(name, "control", 1000, job)

    def begin(self, job: str = JOB) -> None:
        """A job has been agreed to by everybody, sealed, and joined."""
        if self.approvals == "officers":
            self.request(job)
        else:
            self.write(self.analyst, "request.submit", job, plan=PLAN)
        self.agree(job)
        told = {"contributors": 3, "requester": self.analyst, "plan": PLAN, "participants": " ".join(DEPARTMENTS)}
        self.write("coordinator", "job.start", job, **told)
        self.seal()
        for name in DEPARTMENTS:
            self.write(name, "job.join", job, plan=PLAN)
        self.count()

    def run(self, job: str = JOB) -> None:
        """A whole job, released."""
        self.begin(job)
        for round_name, reader in (("counts", "zezhou"), ("sums", "analyst@city")):
            for name in DEPARTMENTS:
                self.write(name, "commit", job, round=round_name)
            for name in DEPARTMENTS:
                self.send(name, "ciphertext", 5000, job)
            self.seal()
            for name in ("chengqu", "gaoping"):
                self.write(name, "open", job, round=round_name, reader=reader)
                self.send(name, "sealed", 2500, job)
            if round_name == "counts":
                self.write("zezhou", "release.decide", job)
        self.write("coordinator", "job.end", job, outcome="released")
        self.write(self.analyst, "result.read", job, rows=4)
        self.seal()
        self.count()

    def fail(self, code: str, job: str = JOB) -> None:
        """A job that was agreed to and refused later."""
        self.begin(job)
        self.send("zezhou", "error", 900, job)
        self.write("coordinator", "job.end", job, outcome=code)
        self.count()

    def demonstrate(self, *jobs: str, **changes: object) -> None:
        """Leave the report of a demonstration in which these jobs were run."""
        (self.path / "demo.json").write_bytes(msgspec.json.encode(report(jobs or (JOB,), **changes)))

    def cut(self, size: int) -> None:
        """What nobody may do: take the log's last entries away."""
        database = self._log._db
        database.execute("DROP TRIGGER IF EXISTS leaf_no_delete")
        database.execute("DELETE FROM leaf WHERE idx >= ?", (size,))


def report(jobs: tuple[str, ...], **changes: object) -> Report:
    """What the demonstration would have written, all of it right."""
    asked = Asked(sql="SELECT 1", job="", seconds=1.0, bytes=1, rows=1, suppressed_groups=0, compared=14, different=0)
    whole = Report(
        promises={
            "usable": Promise(holds=True, figure="", figure_zh=""),
            **{
                name: Promise(holds=True, figure="", figure_zh="")
                for name in ("invisible", "controllable", "auditable")
            },
        },
        departments=(),
        isolation="confined",
        citizens=20_000,
        synthetic=True,
        queries=tuple(msgspec.structs.replace(asked, job=job) for job in jobs),
        refused=(Refused(sql="SELECT name", expected="request.rows", code="request.rows"),),
        stopped=(),
        datasets=27,
        trained=Trained(
            job="t-0123456789ab",
            rounds=12,
            departments=3,
            seconds=1.0,
            rows=400,
            federated=0.8,
            pooled=0.8,
            best_alone=0.7,
            tolerance=0.01,
        ),
        scripted=ScriptRun(dataset="tax.pit", compared=8, refused="refused.result_columns"),
        drills=Drilled(expected=9, caught=9, missed=2, failed=()),
        handed_over=HandedOver(bundle="", cards="", bytes=1, accepted=True, said="ACCEPT x", seconds=1.0),
        record=Verdict(
            size=1, root="", checkpoints=1, departments=3, jobs=1, ledger_bytes=0, counted_bytes=0, unsent=0
        ),
        tampered="entry 20",
        start_seconds=1.0,
        seconds=2.0,
    )
    return msgspec.structs.replace(whole, **changes)


def tampered(home: Path, copy: Path, *, entry: int = 20) -> Path:
    """A copy of a home in whose log one byte of one entry was altered."""
    shutil.copytree(home, copy)
    with sqlite3.connect(copy / "parties/coordinator/log.db") as db:
        db.execute("DROP TRIGGER leaf_no_update")
        (content,) = db.execute("SELECT entry FROM leaf WHERE idx = ?", (entry,)).fetchone()
        altered = bytearray(content)
        altered[100] ^= 1
        db.execute("UPDATE leaf SET entry = ? WHERE idx = ?", (bytes(altered), entry))
    return copy


def words(app: AppTest) -> str:
    """Everything that the page's blocks say."""
    assert not app.exception
    return "\n".join(block.value for block in app.get("html"))
