"""Scripts tried on made-up rows, in the real sandbox: each in a process of its own, which ends with it.

What comes out is nobody's, and is kept in this process's memory only: the last try of each plan, of the latest plans.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dashboard.services.rights import Right, Visitor, check, may
from dashboard.services.rules import catalogue
from federation.errors import HomeError, KeyongError, RefusedError, from_code
from federation.plan import ScriptPlan
from federation.sandbox.limits import Limits
from federation.scripting.release import read_lines
from federation.scripting.result import columns_of
from federation.scripting.trial import try_script
from federation.settings import TableCard

MOST_RUNNING = 2
KEPT = 20
DEADLINE_S = 120.0  # the script's own limit, and time to load pandas
MAX_LINES = 50  # shown of a result


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is given."""

    files: dict[str, str]
    card: TableCard
    limits: Limits


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What it says.

    Attributes:
        status: how the run ended; "" if there was none.
        code: of the error that says why there is no result of any use; "" if there is one.
        lines: the first of the result, as the script wrote it.
        size: how many there are.
        log: what it printed.
    """

    status: str = ""
    seconds: float = 0.0
    code: str = ""
    details: dict[str, str] = {}
    columns: tuple[str, ...] = ()
    lines: tuple[tuple[str, ...], ...] = ()
    size: int = 0
    log: str = ""

    @property
    def error(self) -> KeyongError | None:
        """Why there is no result of any use."""
        return from_code(self.code, **self.details) if self.code else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The last try of a plan.

    Attributes:
        tried: None while it runs.
        fits: whether the result has the columns that the plan declares.
    """

    tried: Tried | None
    fits: bool = False


class Trials:
    """Tries of one home. Safe to share between visitors."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Trial] = OrderedDict()

    def begin(self, visitor: Visitor, plan: ScriptPlan) -> None:
        """Begin to try a plan's script; nothing happens if it is being tried.

        Raises:
            RefusedError: this visitor may not, as many as may be are under way, or the rules that the plan was made
                against are not at hand.
        """
        check(visitor, Right.TRY, departments=plan.participants, requester=plan.requester)
        rules = catalogue(self._home, plan.catalogue)
        card = rules.table(plan.table) if rules else None
        if card is None:
            raise RefusedError("refused.other_catalogue")
        limits = Limits(seconds=plan.seconds, memory_mb=plan.memory_mb)
        asked = Asked(files={file.name: file.text for file in plan.files}, card=card, limits=limits)
        with self._lock:
            running = [known for known, trial in self._known.items() if trial.tried is None]
            if plan.hash in running:
                return
            if len(running) >= MOST_RUNNING:
                raise RefusedError("refused.busy", waiting=MOST_RUNNING)
            self._keep(plan.hash, Trial(tried=None))
        threading.Thread(target=self._run, args=(plan, asked), daemon=True).start()

    def look(self, visitor: Visitor, plan: ScriptPlan) -> Trial | None:
        """The last try of a plan; None if there is none, or none that this visitor may see."""
        if not may(visitor, Right.REQUESTS, departments=plan.participants, requester=plan.requester):
            return None
        with self._lock:
            return self._known.get(plan.hash)

    def _run(self, plan: ScriptPlan, asked: Asked) -> None:
        tried = run(asked)
        with self._lock:
            self._keep(plan.hash, Trial(tried=tried, fits=tried.columns == columns_of(plan)))

    def _keep(self, plan: str, trial: Trial) -> None:
        self._known[plan] = trial
        self._known.move_to_end(plan)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)


def run(asked: Asked, command: Sequence[str] = (sys.executable, "-m", __name__)) -> Tried:
    """Have a process of its own try it.

    Args:
        command: which reads an `Asked` and writes a `Tried`, as this module does.
    """
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        atexit.register(process.kill)  # the dashboard's end is its end
        try:
            output, _ = process.communicate(msgspec.json.encode(asked), timeout=DEADLINE_S)
            return msgspec.json.decode(output, type=Tried)
        except (subprocess.TimeoutExpired, msgspec.MsgspecError):
            process.kill()
            return Tried(code=HomeError("home.internal", kind="trial").code, details={"kind": "trial"})
        finally:
            atexit.unregister(process.kill)


def tell(asked: Asked) -> Tried:
    """Try it here, and say what came of it."""
    try:
        ran, _shape, reason = try_script(asked.files, asked.card, asked.limits)
        lines = read_lines(ran.output) if ran.output else []
    except KeyongError as error:
        return Tried(code=error.code, details=_details(error))
    return Tried(
        status=ran.status,
        seconds=ran.seconds,
        code=reason.code if reason else "",
        details=_details(reason) if reason else {},
        columns=tuple(lines[0]) if lines else (),
        lines=tuple(map(tuple, lines[1 : MAX_LINES + 1])),
        size=max(len(lines) - 1, 0),
        log=ran.log.decode("utf-8", "replace"),
    )


def _details(error: KeyongError) -> dict[str, str]:
    return {name: str(value) for name, value in error.details.items()}


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(tell(msgspec.json.decode(sys.stdin.buffer.read(), type=Asked))))
