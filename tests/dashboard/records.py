"""A small record, written by the very classes that write real ones, and one that the verifier finds right."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from streamlit.testing.v1 import AppTest

from crypto.signing import SigningKey
from dashboard.services.promises import NOT_BUILT
from federation.audit.events import Actor
from federation.audit.journal import Draft, Journal
from federation.audit.log import Log
from federation.audit.verify import Verdict
from federation.demo import Asked, Promise, Refused, Report
from federation.governance.roster import Party, Roster

ORIGIN = "keyong.local/test"
DEPARTMENTS = ("chengqu", "gaoping", "zezhou")
LABELS = {"chengqu": "城区", "gaoping": "高平市", "zezhou": "泽州县"}
LABELS_EN = {"chengqu": "Chengqu", "gaoping": "Gaoping", "zezhou": "Zezhou"}
PARTIES = ("coordinator", "analyst", *DEPARTMENTS)
ROLES = {"coordinator": "coordinator", "analyst": "analyst"}
STORES = {name: {"hukou": "csv", "dibao": "sqlite"} for name in DEPARTMENTS}
JOB = "q-0000000000aa"


class RecordedHome:
    """A home whose record is written event by event; counts follow the ledgers until a test says otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts = {name: 0 for name in DEPARTMENTS}
        self._time = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
        for folder in ("launcher", *(f"parties/{name}" for name in PARTIES)):
            (path / folder).mkdir(parents=True)
        path.chmod(0o700)
        keys = {name: SigningKey.generate() for name in PARTIES}
        self._log = Log(path / "parties/coordinator/log.db", origin=ORIGIN, key=keys["coordinator"])
        self._journals = {
            name: Journal(
                path / "parties" / name / "journal.db", origin=ORIGIN, node=name, key=keys[name], clock=self._tick
            )
            for name in PARTIES
        }
        self.roster = Roster(
            origin=ORIGIN,
            epoch=1,
            parties=tuple(
                Party(name=name, role=ROLES.get(name, "department"), signing=key.public, box=bytes(32))
                for name, key in keys.items()
            ),
            holders=DEPARTMENTS,
            threshold=2,
            public_key=b"",
        )
        for name in PARTIES:
            (path / "parties" / name / "roster.json").write_bytes(self.roster.to_bytes())
        self.tell()
        self.count()

    def _tick(self) -> datetime:
        self._time += timedelta(milliseconds=10)
        return self._time

    def tell(self, *, unconfined: str = "", networked: tuple[str, ...] = ()) -> None:
        """Write what the launcher tells screens."""
        public = {"name": "晋城联邦", "departments": DEPARTMENTS, "labels": LABELS, "labels_en": LABELS_EN}
        public |= {"stores": STORES, "unconfined": unconfined, "networked": networked}
        (self.path / "launcher/public.json").write_text(json.dumps(public))

    def write(self, party: str, kind: str, job: str = "", **data: int | str) -> None:
        """One event, signed, chained, and in the log."""
        actor = Actor(name=party, role="automatic" if kind == "approval.grant" else "node")
        draft = Draft(type=kind, actor=actor, job=job, attempt=int(bool(job)), data=data, body=b"frame")  # type: ignore[arg-type]
        self._log.append(self._journals[party].write([draft]))

    def write_unsent(self, party: str) -> None:
        """One event that has not reached the log."""
        self._journals[party].write([Draft(type="incident", actor=Actor(name=party, role="node"))])

    def send(self, party: str, kind: str, size: int, job: str = JOB, to: str = "coordinator") -> None:
        """One message that left, counted and recorded."""
        self.write(party, "egress", job, **{"message": "00", "to": to, "class": kind, "payload": "x", "bytes": size})
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
            self.write(name, "start", session=1, version="0.1.0", isolation="confined", catalogue="4d1d")
            self.send(name, "enrolment", 200, job="", to="launcher")
            self.write(name, "enrol", key="6d7a05b19f18675f", share=share, roster=self.roster.hash, epoch=1)
        self.count()

    def begin(self, job: str = JOB) -> None:
        """A job has been agreed to by everybody."""
        self.write("analyst", "request.submit", job)
        self.write("coordinator", "job.start", job, contributors=3, requester="analyst@city")
        for name in DEPARTMENTS:
            self.write(name, "approval.grant", job)
            self.send(name, "control", 1000, job)
        self.count()

    def run(self, job: str = JOB) -> None:
        """A whole job, released."""
        self.begin(job)
        for round_name, reader in (("counts", "zezhou"), ("sums", "analyst@city")):
            for name in DEPARTMENTS:
                self.write(name, "commit", job, round=round_name)
            for name in DEPARTMENTS:
                self.send(name, "ciphertext", 5000, job)
            for name in ("chengqu", "gaoping"):
                self.write(name, "open", job, round=round_name, reader=reader)
                self.send(name, "sealed", 2500, job)
            if round_name == "counts":
                self.write("zezhou", "release.decide", job)
        self.write("coordinator", "job.end", job, outcome="released")
        self.write("analyst", "result.read", job, rows=4)
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
    """What the demonstration would have written; numbers are right and three things are not built."""
    asked = Asked(sql="SELECT 1", job="", seconds=1.0, bytes=1, rows=1, suppressed_groups=0, compared=14, different=0)
    unbuilt = {"holds": False, "figure": "", "figure_zh": "", "reason": "not built"}
    whole = Report(
        promises={
            "usable": Promise(holds=True, figure="", figure_zh=""),
            **{
                name: Promise(**unbuilt, missing=NOT_BUILT[name]) for name in ("invisible", "controllable", "auditable")
            },
        },
        departments=(),
        isolation="confined",
        citizens=20_000,
        synthetic=True,
        queries=tuple(msgspec.structs.replace(asked, job=job) for job in jobs),
        refused=(Refused(sql="SELECT name", expected="request.rows", code="request.rows"),),
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
