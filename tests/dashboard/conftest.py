"""A small record, written by the very classes that write real ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crypto.signing import SigningKey
from federation.audit.events import Actor
from federation.audit.journal import Draft, Journal
from federation.audit.log import Log

ORIGIN = "keyong.local/test"
DEPARTMENTS = ("chengqu", "gaoping", "zezhou")
LABELS = {"chengqu": "城区", "gaoping": "高平市", "zezhou": "泽州县"}
LABELS_EN = {"chengqu": "Chengqu", "gaoping": "Gaoping", "zezhou": "Zezhou"}
JOB = "q-0000000000aa"


class RecordedHome:
    """A home whose record is written event by event; counts follow the ledgers until a test says otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts = {name: 0 for name in DEPARTMENTS}
        self._time = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
        for folder in ("launcher", *(f"parties/{name}" for name in ("coordinator", "analyst", *DEPARTMENTS))):
            (path / folder).mkdir(parents=True)
        self._log = Log(path / "parties/coordinator/log.db", origin=ORIGIN, key=SigningKey.generate())
        self._journals = {
            name: Journal(
                path / "parties" / name / "journal.db",
                origin=ORIGIN,
                node=name,
                key=SigningKey.generate(),
                clock=self._tick,
            )
            for name in ("coordinator", "analyst", *DEPARTMENTS)
        }
        self.tell()
        self.count()

    def _tick(self) -> datetime:
        self._time += timedelta(milliseconds=10)
        return self._time

    def tell(self, *, unconfined: str = "") -> None:
        """Write what the launcher tells screens."""
        public = {"name": "晋城联邦", "departments": DEPARTMENTS, "labels": LABELS, "labels_en": LABELS_EN}
        (self.path / "launcher/public.json").write_text(json.dumps({**public, "unconfined": unconfined}))

    def write(self, party: str, kind: str, job: str = "", **data: int | str) -> None:
        """One event, signed, chained, and in the log."""
        actor = Actor(name=party, role="node")
        draft = Draft(type=kind, actor=actor, job=job, attempt=int(bool(job)), data=data, body=b"frame")  # type: ignore[arg-type]
        self._log.append(self._journals[party].write([draft]))

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
        self.write("coordinator", "start")
        for name in DEPARTMENTS:
            self.write(name, "start", session=1)
            self.send(name, "enrolment", 200, job="", to="launcher")
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

    def cut(self, size: int) -> None:
        """What nobody may do: take the log's last entries away."""
        database = self._log._db
        database.execute("DROP TRIGGER IF EXISTS leaf_no_delete")
        database.execute("DELETE FROM leaf WHERE idx >= ?", (size,))


@pytest.fixture
def recorded(tmp_path: Path) -> RecordedHome:
    """A home in which departments have enrolled and one job has been released: 3 x 200 + 3 x 1,000 + 40,000 bytes."""
    home = RecordedHome(tmp_path / "home")
    home.start()
    home.run()
    return home


@pytest.fixture
def started(tmp_path: Path) -> RecordedHome:
    """A home in which departments have enrolled and nobody has asked anything."""
    home = RecordedHome(tmp_path / "home")
    home.start()
    return home
