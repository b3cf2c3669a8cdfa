"""What lies in a department's PySyft folder of one request, read by a process of its own and held against the plan.

PySyft's packages are loaded there and not here. What is read is remembered until something new is told of the request;
the department itself reads the folder again before it begins, and refuses if anything differs.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dashboard.services.requests import Request
from dashboard.services.rights import Right, Visitor, may
from federation.errors import KeyongError
from federation.governance.datasite import FOLDER, Datasite
from federation.plan import ScriptPlan
from federation.runtime.home import Home

DEADLINE_S = 60.0
RUN_SCRIPT, PLAN, SCRIPT = "run.sh", "code/plan.json", "code/script/"

_Key = tuple[str, str, int]


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """What the process says.

    Attributes:
        files: every file that lies there, by its path; None if it cannot be read as it was laid.
    """

    files: dict[str, bytes] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A request's folder at one department.

    Attributes:
        run_script: what PySyft would run.
        differing: files that are not what the plan says, are not in it, or are not there; all, if nothing can be read.
    """

    department: str
    run_script: str
    differing: tuple[str, ...]


class Shelves:
    """Reads one home's folders. Safe to share between visitors."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._read: dict[_Key, Folder | None] = {}

    def look(self, visitor: Visitor, request: Request) -> Shelf | None:
        """Show how a script lies on its owner's shelf; None as long as it is being read, or if there is nothing to see.

        Args:
            visitor: who looks; sees nothing that is not theirs to see.
        """
        plan = request.plan
        if not isinstance(plan, ScriptPlan) or plan.owner not in request.shelves:
            return None
        if not may(visitor, Right.REQUESTS, departments=plan.participants, requester=plan.requester):
            return None
        key = (plan.owner, request.job, len(request.told.acts))
        with self._lock:
            folder = self._read.get(key)
            if key not in self._read:
                self._read = {known: found for known, found in self._read.items() if known[:2] != key[:2]}
                self._read[key] = None
                threading.Thread(target=self._fetch, args=(key,), daemon=True).start()
        return compare(folder, plan) if folder else None

    def _fetch(self, key: _Key) -> None:
        folder = read((sys.executable, "-m", __name__, str(self._home), *key[:2]))
        with self._lock:
            if key in self._read:
                self._read[key] = folder


def compare(folder: Folder, plan: ScriptPlan) -> Shelf:
    """Hold what lies there against what the plan says."""
    found = folder.files or {}
    wanted = {PLAN: plan.to_bytes(), **{f"{SCRIPT}{file.name}": file.text.encode() for file in plan.files}}
    strange = {name for name in found if name.startswith(SCRIPT)} - set(wanted)
    differing = {name for name, content in wanted.items() if found.get(name) != content} | strange
    run_script = found.get(RUN_SCRIPT, b"").decode("utf-8", "replace")
    return Shelf(department=plan.owner, run_script=run_script, differing=tuple(sorted(differing)))


def read(command: Sequence[str]) -> Folder:
    """Have a process of its own read a folder.

    Args:
        command: which writes a `Folder`, as this module does.
    """
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=DEADLINE_S, check=False
        )
        return msgspec.json.decode(done.stdout, type=Folder)
    except (subprocess.TimeoutExpired, msgspec.MsgspecError):
        return Folder()


def tell(home: Path, department: str, job: str) -> Folder:
    """Read a folder here."""
    try:
        return Folder(files=Datasite(Home(home).party(department) / FOLDER, department).read(job))
    except KeyongError:
        return Folder()


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(tell(Path(sys.argv[1]), *sys.argv[2:4])))
