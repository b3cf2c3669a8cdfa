"""What a drill is, what it works on, and what came of it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from federation.audit.journal import Journal
from federation.audit.record import RecordReader
from federation.audit.rules.keys import Trust
from federation.audit.verify import Verdict, verify_record
from federation.drills.masked import Lesson
from federation.drills.scene import Scene
from federation.drills.scripted import run_script
from federation.drills.town import ORIGIN, Clock, Department, Town, folder_of
from federation.errors import KeyongError
from federation.plan import Plan

FIRST, SECOND, TRAINING, SCRIPT = "drill-1", "drill-2", "drill-training", "drill-script"


class Caught(msgspec.Struct, frozen=True, kw_only=True):
    """An attack that did not pass.

    Attributes:
        by: which control caught it.
        where: the place that it named.
        code: of its refusal; `reason` says it in English.
    """

    by: str
    where: str
    code: str
    reason: str = ""


Perform = Callable[["Stage"], Caught | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One attack.

    Attributes:
        can: what its attacker can do, Chinese; `can_en` English.
        perform: attacks, and returns who caught it; None if nobody did.
        miss: why nothing can catch it, Chinese; "" if it must be caught; `miss_en` English.
    """

    name: str
    zh: str
    en: str
    can: str
    can_en: str
    perform: Perform
    miss: str = ""
    miss_en: str = ""


class Stage:
    """A finished town with two released sums, a training and a script, and an older copy of one of its witnesses."""

    def __init__(self, folder: Path) -> None:
        """Build it in an empty folder."""
        self._folder = folder
        self.town = Town(folder / "home")
        self.plans: dict[str, Plan] = {FIRST: self.town.run(FIRST)}
        self.backup = folder / "witness-of-yesterday.db"
        back_up(folder_of(self.town.home, "tax") / "witness.db", self.backup)
        self.plans[SECOND] = self.town.run(SECOND)
        self.plans[TRAINING] = Lesson(self.town, TRAINING).run()
        self.plans[SCRIPT] = run_script(self.town, SCRIPT)
        self.home = self.town.close()
        self._scene = Scene.of_home(self.home)
        self.ended: datetime = self.town.clock.now

    def scene(self) -> Scene:
        """The record as it is, to be altered."""
        return self._scene.copy()

    def verify(self) -> Verdict:
        """Verify the record as it is, in the home and as a bundle with every head.

        Raises:
            RecordError: it does not hold: then no drill means anything.
        """
        scene = self.scene()
        verify_record(scene.bundle(), scene.trust(heads=sorted(scene.shown_heads)))
        return verify_record(RecordReader(self.home))

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """A copy of the home, for drills on files."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            yield Path(shutil.copytree(self.home, Path(folder) / "home"))

    @contextmanager
    def department(self, name: str) -> Iterator[Department]:
        """One department, brought up again over a copy of its folder."""
        with self.copy() as home, ExitStack() as opened:
            identity = self.town.keys.parties[name]
            department = Department(name, folder_of(home, name), identity, self.town.roster, Clock(self.ended))
            opened.callback(department.close)
            yield department

    def journal(self, home: Path, name: str) -> Journal:
        """A department's journal in a copy of the home."""
        key = self.town.keys.parties[name].signing
        return Journal(folder_of(home, name) / "journal.db", origin=ORIGIN, node=name, key=key, clock=Clock(self.ended))


def back_up(source: Path, target: Path) -> None:
    """Copy a database that is in use, as a backup program does."""
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)


def verifying(scene: Scene, trust: Trust | None = None) -> Caught | None:
    """Let the verifier look at a record, or an evaluator with own keys at a bundle."""
    try:
        verify_record(scene, trust)
    except KeyongError as error:
        by = "verifier" if trust is None else "evaluator"
        reason = str(error.details.get("reason", error.message()))
        return Caught(by=by, where=str(error.details.get("where", "")), code=error.code, reason=reason)
    return None


def refusing(by: str, where: str, act: Callable[[], object]) -> Caught | None:
    """Let somebody be asked for something that must be refused."""
    try:
        act()
    except KeyongError as error:
        return Caught(by=by, where=where, code=error.code, reason=error.message())
    return None
