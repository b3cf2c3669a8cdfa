"""Three departments whose officers must approve everything, running, for tests that approve through a page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crypto.keyfile import MIN_COST
from federation import operate
from federation.analyst import Analyst
from federation.errors import KeyongError
from federation.governance.officers import create_officer
from federation.runtime.home import Home
from federation.settings import read_settings
from tests.support.city import federation_toml
from tests.support.people import COLUMNS, SQL, write_people

__all__ = ["PASSPHRASE", "SQL", "Offices", "offices"]

PASSPHRASE = "a passphrase of tests"
DEPARTMENTS = ("east", "west", "north")
OFFICERS = (*(f"officer@{name}" for name in DEPARTMENTS), "operator@city", "auditor@city")


class Offices:
    """The running federation, its analyst, and its officers."""

    departments = DEPARTMENTS

    def __init__(self, home: Home, analyst: Analyst) -> None:
        self.home, self._analyst = home, analyst

    def ask(self, step=lambda _: None):
        return self._analyst.ask(self._analyst.plan(SQL, "test"), step)

    def ask_approved(self):
        """A job that all officers approve as soon as it lies on their desks."""
        said: set[str] = set()

        def approve(_: str) -> None:
            for name in DEPARTMENTS:
                desk = self._desk(name)
                for item in desk.items():
                    if item.state == "pending" and (name, item.job) not in said:
                        said.add((name, item.job))
                        desk.unlock(PASSPHRASE)
                        desk.approve(item.job)

        return self.ask(approve)

    def wait_until_lying(self) -> str:
        """The request that lies pending on all desks; nothing tells of its own accord that it has come."""
        end = time.monotonic() + 20
        while True:
            pending = [{one.job for one in self._desk(d).items() if one.state == "pending"} for d in DEPARTMENTS]
            if common := set.intersection(*pending):
                return common.pop()
            assert time.monotonic() < end
            time.sleep(0.05)

    def settle(self) -> None:
        """Deny what is still pending, so that nobody waits on."""
        desk = self._desk("north")
        for item in desk.items():
            if item.state == "pending":
                desk.unlock(PASSPHRASE)
                with suppress(KeyongError):
                    desk.reject(item.job, "the test is over")

    def log_bytes(self) -> bytes:
        """All entries of the log, one after another."""
        from federation.audit.record import RecordReader

        return b"".join(RecordReader(self.home.path).entries())

    def _desk(self, name: str):
        return operate.open_desk(self.home, f"officer@{name}")


@contextmanager
def offices(folder: Path) -> Iterator[Offices]:
    """Start it, and stop it."""
    write_people(folder)
    toml = federation_toml(
        departments={name: {"people": {"adapter": "csv", "path": "people.csv"}} for name in DEPARTMENTS},
        tables={"people": COLUMNS},
        rules={"name": "people", "key_bits": 512, "deadline_s": 60, "approvals": "officers"},
    )
    for name in OFFICERS:
        role, person = name.partition("@")[0], f"person of {name}"
        toml += f'[[officer]]\nname = "{name}"\nrole = "{role}"\nperson = "{person}"\n'
    (folder / "federation.toml").write_text(toml, "utf-8")
    settings, home = read_settings(folder / "federation.toml", minimum_key_bits=512), Home(folder / "home")
    home.prepare()
    for name in OFFICERS:
        create_officer(
            home.officer(name),
            name=name,
            role=name.partition("@")[0],  # type: ignore[arg-type]
            person=f"person of {name}",
            passphrase=PASSPHRASE,
            cost=MIN_COST,
        )
    operate.up(settings, home, minimum_key_bits=512)
    try:
        yield Offices(home, operate.open_analyst(settings, home, minimum_key_bits=512))
    finally:
        operate.down(home)
