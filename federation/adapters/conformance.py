"""The conformance kit: holds any adapter, ours or a stranger's, against version 1 of the contract.

Given an adapter whose stores can be made up (`specimens`), it runs every check on made-up rows. Given a department's
own table, it runs those that only read. The adapter is loaded and checked in a process of its own and never in ours, so
that one that hangs is named and stopped, and one that ends its interpreter has failed a check. It runs without the
guard that stands before it in a department, so that its faults are seen.
"""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import msgspec

from federation.adapters.checks import CHECKS, Bench, Fault, Store
from federation.adapters.guard import place
from federation.adapters.loading import AdapterCode, find_adapter
from federation.adapters.specimens import SPECIMENS
from federation.errors import KeyongError, SettingsError, from_code
from federation.plan import GroupKey, LocalQuery, Measure
from federation.settings import TableCard

# All checks together; one that hangs takes no more than its share.
BUDGET_S = 28.0
CHECK_S = 8.0
# Starting Python is not the adapter's time.
START_S = 60.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one check.

    Attributes:
        passed: None if it was not run.
        zh: in Chinese, what was found, or why it was not run; en: the same in English.
    """

    check: str
    passed: bool | None
    seconds: float = 0.0
    zh: str = ""
    en: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the kit found.

    Attributes:
        sha256: of the adapter's code.
        subject: "specimens", or department/table.
    """

    version: int = 1
    adapter: str
    sha256: str
    subject: str
    passed: bool
    seconds: float
    outcomes: tuple[Outcome, ...]


def general_query(card: TableCard) -> LocalQuery:
    """Make up a question about any table: counts, sums and squares of some numbers by the first public groups."""
    numbers = [c for c in card.columns if c.low is not None and c.high is not None][:3]
    measures = [Measure(kind="rows")]
    for column in numbers:
        measures.append(Measure(kind="count", column=column.name))
        for kind in ("sum", "sum_squares"):
            measures.append(Measure(kind=kind, column=column.name, low=column.low or 0, high=column.high or 0))
    grouped = next((c for c in card.columns if c.values or (c.is_number and c.cuts)), None)
    keys = []
    if grouped is not None:
        cuts = tuple(cut for cut in grouped.cuts if isinstance(cut, int)) if not grouped.values else ()
        scale = grouped.as_column.scale
        keys = [GroupKey(column=grouped.name, values=grouped.values, cuts=cuts, unit_scale=scale)]
    mentioned = {column.name: column.as_column for column in (*numbers, *([grouped] if grouped else []))}
    return LocalQuery(
        table=card.name,
        columns=tuple(mentioned.values()),
        where=(),
        group_by=tuple(keys),
        measures=tuple(measures),
    )


class _Subject(NamedTuple):
    """What is checked."""

    name: str
    file: Path | None
    store: Store | None


class _Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says when the adapter's code has been loaded.

    Attributes:
        sha256: of the code.
        code: the error that kept it from being loaded, else ""; details are the error's.
    """

    sha256: str = ""
    code: str = ""
    details: dict[str, str] = {}


def run(
    name: str,
    file: Path | None = None,
    store: Store | None = None,
    *,
    checks: Sequence[str] = tuple(CHECKS),
    check_s: float = CHECK_S,
    budget_s: float = BUDGET_S,
) -> Report:
    """Run the kit on an adapter.

    Args:
        store: a department's own table; None for made-up rows.
        checks: which, by name.
        check_s: how long one check may take, seconds; budget_s: all of them.

    Raises:
        SettingsError: no such adapter, its code does not load, or there is no way to make up a store for it.
    """
    started = time.monotonic()
    runnable = [check for check in checks if store is None or CHECKS[check][3]]
    sha256, outcomes = _outcomes(_Subject(name, file, store), runnable, check_s=check_s, end=started + budget_s)
    rest = [check for check in checks if check not in runnable]
    outcomes += _not_run(rest, "需要虚构数据，未运行", "needs made-up rows, not run")
    return Report(
        adapter=name,
        sha256=sha256,
        subject=store.subject if store else "specimens",
        passed=all(outcome.passed is not False for outcome in outcomes),
        seconds=round(time.monotonic() - started, 2),
        outcomes=tuple(outcomes),
    )


def _outcomes(subject: _Subject, checks: Sequence[str], *, check_s: float, end: float) -> tuple[str, list[Outcome]]:
    """Run checks, in a new process after each one that hung or crashed; with the SHA-256 of the code they ran."""
    sha256, outcomes = "", list[Outcome]()
    with tempfile.TemporaryDirectory(prefix="keyong-adapter-") as folder:
        while waiting := checks[len(outcomes) :]:
            with closing(_Worker(subject, waiting, folder)) as worker:
                try:
                    sha256 = worker.loaded(_share(check_s, end))
                    for _ in waiting:
                        outcomes.append(worker.outcome(_share(check_s, end)))
                except Fault as fault:
                    outcomes.append(Outcome(check=checks[len(outcomes)], passed=False, zh=fault.zh, en=fault.en))
                    # Code that was never loaded, and a budget that is spent, will not do better in another process.
                    if not sha256 or time.monotonic() >= end:
                        zh, en = "未运行；请先更正上面的问题", "not run; mend the above first"
                        outcomes += _not_run(checks[len(outcomes) :], zh, en)
    return sha256, outcomes


def _not_run(checks: Sequence[str], zh: str, en: str) -> list[Outcome]:
    return [Outcome(check=check, passed=None, zh=zh, en=en) for check in checks]


def _share(check_s: float, end: float) -> float:
    """How long the next check may take.

    Raises:
        Fault: the time for all of them is over.
    """
    left = end - time.monotonic()
    if left <= 0:
        raise Fault("全部检查的时间已用完", "the time for all checks is over")
    return min(check_s, left)


class _Worker:
    """A process that loads the adapter and runs checks, one after the other."""

    def __init__(self, subject: _Subject, checks: Sequence[str], folder: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, subject, tuple(checks), folder), daemon=True)
        self._process.start()
        theirs.close()

    def loaded(self, seconds: float) -> str:
        """Wait until the adapter's code is loaded; returns its SHA-256.

        Raises:
            SettingsError: it does not load.
            Fault: it hangs while it is loaded, or ends the process.
        """
        self._hear(START_S)
        said = msgspec.json.decode(self._hear(seconds), type=_Loaded)
        if said.code:
            raise from_code(said.code, **said.details)
        return said.sha256

    def outcome(self, seconds: float) -> Outcome:
        """Wait for the outcome of the next check.

        Raises:
            Fault: it hangs, or ends the process.
        """
        return msgspec.json.decode(self._hear(seconds), type=Outcome)

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self._ours.close()

    def _hear(self, seconds: float) -> bytes:
        try:
            if self._ours.poll(seconds):
                return self._ours.recv_bytes()
        except (EOFError, OSError):
            self._process.join(1.0)
            raise _crashed(self._process.exitcode) from None
        raise Fault(
            f"卡住：{seconds:.0f} 秒内没有结束；请检查循环，并给数据库访问和等待设时限",
            f"hangs: no end within {seconds:.0f} s; look for a loop, and give every wait for the store a limit",
        )


def _crashed(status: int | None) -> Fault:
    how = signal.Signals(-status).name if status is not None and status < 0 else f"exit status {status}"
    return Fault(
        f"进程意外结束（{how}）；请检查 os._exit 与所用的本机代码库",
        f"its process ended unexpectedly ({how}); look for os._exit and into the native libraries it uses",
    )


def _work(parent: Connection, subject: _Subject, checks: Sequence[str], folder: str) -> None:
    """Run checks, in a process of their own; whatever the adapter prints or logs is heard."""
    spoken = Path(folder) / f"spoken-{os.getpid()}"
    log = os.open(spoken, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    logging.basicConfig(
        level=logging.DEBUG, stream=io.TextIOWrapper(os.fdopen(log, "wb"), write_through=True), force=True
    )
    if subject.store is not None:
        os.chdir(subject.store.folder)
    parent.send_bytes(b"")
    try:
        code = _load(subject)
    except SettingsError as error:
        details = {key: str(value) for key, value in error.details.items()}
        parent.send_bytes(msgspec.json.encode(_Loaded(code=error.code, details=details)))
        return
    parent.send_bytes(msgspec.json.encode(_Loaded(sha256=code.sha256)))
    specimens = Path(tempfile.mkdtemp(dir=folder))
    bench = Bench(code, subject.store, specimens, lambda: spoken.read_text("utf-8", "replace"))
    for check in checks:
        parent.send_bytes(msgspec.json.encode(_outcome(check, bench)))


def _load(subject: _Subject) -> AdapterCode:
    code = find_adapter(subject.name, subject.file)
    if subject.store is None and subject.name not in SPECIMENS and not hasattr(code.adapter, "specimen"):
        raise SettingsError("settings.adapter_specimen", adapter=subject.name)
    return code


def _outcome(check: str, bench: Bench) -> Outcome:
    started, passed = time.monotonic(), False
    try:
        zh, en = CHECKS[check][2](bench) or ("", "")
        passed = True
    except Fault as fault:
        zh, en = fault.zh, fault.en
    except KeyongError as error:
        zh, en = error.message("zh"), error.message("en")
    except Exception as error:
        zh, en = f"适配器出错：{place(error)}", f"the adapter raised {place(error)}"
    return Outcome(check=check, passed=passed, seconds=max(round(time.monotonic() - started, 3), 0.001), zh=zh, en=en)
