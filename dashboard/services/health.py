"""Self-checks of a home: each looks at the files, or at what the log says, and names what does not hold.

They are quick, and made anew at every look. They do not check signatures; `keyong audit verify` does.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dashboard.services.log import LogView
from dashboard.services.operation import Process
from federation.audit.record import COORDINATOR
from federation.governance.roster import Roster

LEAST_FREE_BYTES = 10**9
MOST_RESTARTS = 1

Name = Literal[
    "rosters", "checkpoint", "journals", "ledger", "catalogue", "isolation", "restarts", "disk", "permissions"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheck:
    """One check.

    Attributes:
        wrong: the parties for which it does not hold, if it is about parties.
        figures: what was compared, by name.
    """

    name: Name
    holds: bool
    wrong: tuple[str, ...] = ()
    figures: Mapping[str, int | str]


def pinned_roster(rosters: Mapping[str, bytes]) -> Roster | None:
    """The roster that most parties have pinned; None if there is none that can be read."""
    try:
        return Roster.from_bytes(commonest_roster(rosters))
    except ValueError:
        return None


def commonest_roster(rosters: Mapping[str, bytes]) -> bytes:
    """The same as bytes, whatever they are; none if there is none."""
    return next((content for content, _ in Counter(rosters.values()).most_common(1)), b"")


def self_checks(
    home: Path, view: LogView, rosters: Mapping[str, bytes], running: Mapping[str, Process]
) -> tuple[SelfCheck, ...]:
    """Make all checks.

    Args:
        rosters: every party's pinned one, as bytes.
        running: what the launcher says; empty if nothing runs.
    """
    departments = view.public.departments
    return (
        _rosters((COORDINATOR, *departments), rosters),
        _checkpoint(home),
        _journals(home, view),
        SelfCheck(
            name="ledger",
            holds=not view.account.findings,
            wrong=tuple(balance.party for balance in view.account.balances if balance.unexplained),
            figures={
                "recorded": view.account.recorded,
                "counted": view.account.counted,
                "pending": view.account.pending,
            },
        ),
        _catalogue(view),
        _isolation(view),
        _restarts(view, running),
        _disk(home),
        _permissions(home),
    )


def _rosters(parties: Iterable[str], rosters: Mapping[str, bytes]) -> SelfCheck:
    commonest = Counter(rosters.values()).most_common(1)
    content = commonest[0][0] if commonest else b""
    everybody = sorted({*parties, *rosters})
    wrong = tuple(party for party in everybody if rosters.get(party) != content)
    digest = hashlib.sha256(content).hexdigest()
    return SelfCheck(name="rosters", holds=not wrong, wrong=wrong, figures={"n": len(everybody), "hash": digest})


def _checkpoint(home: Path) -> SelfCheck:
    query = "SELECT (SELECT coalesce(max(idx) + 1, 0) FROM leaf), (SELECT coalesce(max(size), 0) FROM checkpoint)"
    row = _one_row(home / "parties" / COORDINATOR / "log.db", query)
    size, signed = row if row else (0, 0)
    return SelfCheck(name="checkpoint", holds=bool(row) and size == signed, figures={"size": size, "signed": signed})


def _journals(home: Path, view: LogView) -> SelfCheck:
    """The log's newest entry of each party must lie at its number in the party's journal.

    Every event names the hash of the one before, so what lies before an equal entry is equal, too.
    """
    wrong = []
    logged = written = 0
    for name in (COORDINATOR, *view.public.departments):
        party, file = view.parties.get(name), home / "parties" / name / "journal.db"
        count = party.entries if party else 0
        row = _one_row(file, "SELECT (SELECT count(*) FROM event), (SELECT entry FROM event WHERE seq = ?)", count - 1)
        size, entry = row if row else (0, None)
        logged, written = logged + count, written + size
        if row is None or size < count or (party is not None and entry != party.last):
            wrong.append(name)
    return SelfCheck(
        name="journals", holds=not wrong, wrong=tuple(wrong), figures={"logged": logged, "written": written}
    )


def _catalogue(view: LogView) -> SelfCheck:
    hashes = {name: view.parties[name].catalogue for name in view.public.departments if name in view.parties}
    commonest = Counter(hashes.values()).most_common(1)
    wrong = tuple(name for name, found in hashes.items() if not found or found != commonest[0][0])
    digest = commonest[0][0] if commonest else ""
    return SelfCheck(name="catalogue", holds=bool(hashes) and not wrong, wrong=wrong, figures={"hash": digest})


def _isolation(view: LogView) -> SelfCheck:
    started = [view.parties[name] for name in view.public.departments if name in view.parties]
    wrong = tuple(party.name for party in started if party.isolation != "confined")
    return SelfCheck(
        name="isolation",
        holds=not view.public.unconfined and bool(started) and not wrong,
        wrong=wrong,
        figures={"n": len(started), "reason": view.public.unconfined},
    )


def _restarts(view: LogView, running: Mapping[str, Process]) -> SelfCheck:
    counts = {}
    for name in view.public.departments:
        told = view.parties[name].restarts if name in view.parties else 0
        counts[name] = max(told, running[name].restarts if name in running else 0)
    wrong = tuple(name for name, restarts in counts.items() if restarts > MOST_RESTARTS)
    return SelfCheck(name="restarts", holds=not wrong, wrong=wrong, figures={"n": sum(counts.values())})


def _disk(home: Path) -> SelfCheck:
    free = shutil.disk_usage(home).free
    return SelfCheck(name="disk", holds=free >= LEAST_FREE_BYTES, figures={"free": free})


def _permissions(home: Path) -> SelfCheck:
    mode = stat.S_IMODE(home.stat().st_mode)
    return SelfCheck(name="permissions", holds=mode & 0o077 == 0, figures={"mode": f"{mode:04o}"})


def _one_row(file: Path, query: str, *parameters: int) -> tuple[Any, Any] | None:
    """Ask one database, in one transaction; None if it is missing or none."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
            row: tuple[Any, Any] = db.execute(query, parameters).fetchone()
            return row
    except sqlite3.Error:
        return None
