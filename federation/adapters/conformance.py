"""The conformance kit: holds any adapter, ours or a stranger's, against version 1 of the contract.

Given an adapter whose stores can be made up (`specimens`), it runs every check on made-up rows. Given a department's
own table, it runs those that only read. Checks run in a process of their own, so that one that hangs is named and
stopped; the adapter runs without the guard that stands before it in a department, so that its faults are seen.
"""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from federation.adapters.checks import CHECKS, Bench, Fault, Store
from federation.adapters.guard import place
from federation.adapters.loading import find_adapter
from federation.adapters.specimens import SPECIMENS
from federation.errors import KeyongError, SettingsError
from federation.plan import GroupKey, LocalQuery, Measure
from federation.settings import TableCard

# All checks together; one that hangs takes no more than its share.
BUDGET_S = 28.0
CHECK_S = 8.0


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


def run(
    name: str,
    file: Path | None = None,
    store: Store | None = None,
    *,
    checks: Sequence[str] = tuple(CHECKS),
    check_s: float = CHECK_S,
) -> Report:
    """Run the kit on an adapter.

    Args:
        store: a department's own table; None for made-up rows.
        checks: which, by name.
        check_s: how long one check may take, seconds.

    Raises:
        SettingsError: no such adapter, its code does not load, or there is no way to make up a store for it.
    """
    started = time.monotonic()
    code = find_adapter(name, file)
    if store is None and name not in SPECIMENS and not hasattr(code.adapter, "specimen"):
        raise SettingsError("settings.adapter_specimen", adapter=name)
    runnable = [check for check in checks if store is None or CHECKS[check][3]]
    outcomes = list(_outcomes(name, file, store, runnable, check_s=check_s, end=started + BUDGET_S))
    zh, en = "需要虚构数据，未运行", "needs made-up rows, not run"
    outcomes += [Outcome(check=check, passed=None, zh=zh, en=en) for check in checks if check not in runnable]
    return Report(
        adapter=name,
        sha256=code.sha256,
        subject=store.subject if store else "specimens",
        passed=all(outcome.passed is not False for outcome in outcomes),
        seconds=round(time.monotonic() - started, 2),
        outcomes=tuple(outcomes),
    )


def _outcomes(
    name: str, file: Path | None, store: Store | None, checks: Sequence[str], *, check_s: float, end: float
) -> Iterator[Outcome]:
    waiting = list(checks)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="keyong-adapter-") as folder:
        while waiting:
            ours, theirs = context.Pipe()
            worker = context.Process(
                target=_work, args=(theirs, name, file, store, tuple(waiting), folder), daemon=True
            )
            worker.start()
            theirs.close()
            try:
                # The first answer is that it is there: starting Python is not the adapter's time.
                ours.poll(BUDGET_S)
                while waiting:
                    yield (outcome := _next(ours, waiting.pop(0), min(check_s, end - time.monotonic())))
                    if outcome.passed is False and not outcome.seconds:
                        break  # it hangs or has died: the rest gets another process
            finally:
                worker.kill()
                worker.join()
                ours.close()


def _next(worker: Connection, check: str, seconds: float) -> Outcome:
    try:
        while worker.poll(max(seconds, 0)):
            said = worker.recv_bytes()
            if said:
                return msgspec.json.decode(said, type=Outcome)
    except (EOFError, OSError):
        return Outcome(check=check, passed=False, zh="进程意外结束", en="its process ended unexpectedly")
    zh, en = f"在 {max(seconds, 0):.0f} 秒内没有回答", f"no answer within {max(seconds, 0):.0f} s"
    return Outcome(check=check, passed=False, zh=zh, en=en)


def _work(
    parent: Connection, name: str, file: Path | None, store: Store | None, checks: Sequence[str], folder: str
) -> None:
    """Run checks, in a process of their own; whatever the adapter prints or logs is heard."""
    spoken = Path(folder) / f"spoken-{os.getpid()}"
    log = os.open(spoken, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    logging.basicConfig(
        level=logging.DEBUG, stream=io.TextIOWrapper(os.fdopen(log, "wb"), write_through=True), force=True
    )
    if store is not None:
        os.chdir(store.folder)
    parent.send_bytes(b"")
    specimens = Path(tempfile.mkdtemp(dir=folder))
    bench = Bench(find_adapter(name, file), store, specimens, lambda: spoken.read_text("utf-8", "replace"))
    for check in checks:
        parent.send_bytes(msgspec.json.encode(_outcome(check, bench)))


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
