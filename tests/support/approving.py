"""Three departments whose officers approve, as real processes; every officer's passphrase is the same one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from crypto.keyfile import MIN_COST
from federation import operate
from federation.analyst import Result
from federation.audit.events import Event, read_event
from federation.audit.record import RecordReader
from federation.errors import KeyongError
from federation.governance.officers import create_officer
from federation.governance.roster import Roster
from federation.officer import OfficerDesk
from federation.runtime.home import Home
from federation.settings import read_settings
from tests.support.city import federation_toml
from tests.support.command import keyong
from tests.support.people import COLUMNS, SQL, write_people

PASSPHRASE = "correct horse battery"
DEPARTMENTS = ("east", "north", "west")
OFFICERS = tuple(f"officer@{name}" for name in DEPARTMENTS)
OTHERS = ("auditor@east", "auditor@city")
KEYONG = str(Path(sys.executable).with_name("keyong"))


def wait_for(condition: Callable[[], object], deadline_s: float = 60.0) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)  # another process's files and sockets: there is nothing to wait on


class Asking(threading.Thread):
    """An analyst who waits for the answer."""

    def __init__(self, town: Approving, *, resume: str = "") -> None:
        super().__init__(daemon=True)
        self._town, self._resume = town, resume
        self.result: Result | None = None
        self.error: KeyongError | None = None
        self.start()

    def run(self) -> None:
        analyst = operate.open_analyst(self._town.settings, self._town.home, minimum_key_bits=512)
        try:
            if self._resume:
                self.result = analyst.resume(self._resume)
            else:
                self.result = analyst.ask(analyst.plan(SQL, "test"))
        except KeyongError as error:
            self.error = error

    def end(self) -> str:
        """How it ended: the code of its error, or "released"."""
        self.join(120)
        assert not self.is_alive(), "the analyst waits for ever"
        return self.error.code if self.error else "released"


class Approving:
    """A federation under officers' approval."""

    def __init__(self, folder: Path, *, key_bits: int = 512, deadline_s: int = 60, leave_out: str = "") -> None:
        self.folder, self.home = folder, Home(folder / ".keyong")
        write_people(folder)
        toml = federation_toml(
            departments={name: {"people": {"adapter": "csv", "path": "people.csv"}} for name in DEPARTMENTS},
            tables={"people": COLUMNS},
            rules={"name": "people", "key_bits": key_bits, "approvals": "officers", "deadline_s": deadline_s},
        )
        for name in (*OFFICERS, *OTHERS):
            role = name.partition("@")[0]
            toml += f'[[officer]]\nname = "{name}"\nrole = "{role}"\nperson = "{name}"\n'
        (folder / "federation.toml").write_text(toml, "utf-8")
        self.settings = read_settings(folder / "federation.toml", minimum_key_bits=512)
        self.home.prepare()
        for one in self.settings.officers:
            if one.name != leave_out:
                create_officer(
                    self.home.officer(one.name),
                    name=one.name,
                    role=one.role,
                    person=one.person,
                    passphrase=PASSPHRASE,
                    cost=MIN_COST,
                )

    def up(self) -> None:
        others = set(psutil.Process().children(recursive=True))
        operate.up(self.settings, self.home, minimum_key_bits=512)
        self._family = set(psutil.Process().children(recursive=True)) - others

    def down(self) -> None:
        operate.down(self.home)

    def process(self, name: str) -> psutil.Process:
        """A party's own process: the innermost of those that bear its name."""
        family = {child for p in self._family if p.is_running() for child in (p, *p.children(recursive=True))}
        return next(p for p in family if p.name() == f"ky-{name}"[:15] and not p.children())

    def restarted(self, name: str, times: int = 1) -> bool:
        parties = {p["name"]: p for p in operate.status(self.home)["parties"]}
        return parties[name]["restarts"] >= times and all(p["state"] == "ready" for p in parties.values())

    def desk(self, name: str) -> OfficerDesk:
        desk = operate.open_desk(self.home, name)
        desk.unlock(PASSPHRASE)
        return desk

    def pending(self, department: str = "east") -> list[str]:
        """The requests that wait on a desk."""
        items = operate.desk_client(self.home, department).items()
        return [item.job for item in items if item.state == "pending"]

    def lying(self) -> str:
        """Wait until a request lies on every desk; returns its name."""
        wait_for(lambda: all(self.pending(name) for name in DEPARTMENTS))
        return self.pending()[-1]

    def approve(self, job: str, *departments: str) -> None:
        for name in departments or DEPARTMENTS:
            self.desk(f"officer@{name}").approve(job)

    def answered(self) -> Asking:
        """One whole question: asked, approved by all, ended."""
        asking = Asking(self)
        self.approve(self.lying())
        asking.join(120)
        return asking

    def events(self, kind: str = "") -> list[Event]:
        signers = Roster.from_bytes(self.home.roster.read_bytes()).signers
        events = [read_event(entry, signers) for entry in RecordReader(self.home.path).entries()]
        return [event for event in events if kind in ("", event.type)]

    def keyong(self, *arguments: object, say: str = "", lang: str = "en") -> subprocess.CompletedProcess[str]:
        """The command, with this on its standard input."""
        return keyong("--lang", lang, *arguments, cwd=self.folder, say=say)
