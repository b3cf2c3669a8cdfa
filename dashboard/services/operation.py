"""How the parties are at this moment, from the launcher that runs them; and the operator's hand on it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dashboard.services import commands, programs
from dashboard.services.rights import Right, Visitor, check
from federation import operate
from federation.runtime.home import Home


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One party's process.

    Attributes:
        state: starting, identified, ready or down.
        code: why it ended the last time; "" if it never did.
        restarts: within the last minute or so before its last end.
        rss_mb: resident memory, 2^20 bytes.
    """

    name: str
    state: str
    code: str
    restarts: int
    session: int
    rss_mb: int


def processes(home: Path) -> dict[str, Process]:
    """Ask the launcher; empty if nothing runs in this home."""
    said = operate.status(Home(home)) or {}
    try:
        return {party.name: party for party in msgspec.convert(said.get("parties", []), list[Process])}
    except msgspec.ValidationError:
        return {}


def start(visitor: Visitor, home: Path, settings: Path, *, language: str) -> None:
    """Start the federation; returns when every party is ready.

    Raises:
        RefusedError: the visitor is no operator.
        SaidError: what kept it from starting.
    """
    check(visitor, Right.OPERATE)
    programs.run(commands.program(home, language, "--config", str(settings), "up"))


def stop(visitor: Visitor, home: Path, *, language: str) -> None:
    """Stop the federation, and with it whatever job runs.

    Raises:
        RefusedError: the visitor is no operator.
        SaidError: it does not stop.
    """
    check(visitor, Right.OPERATE)
    programs.run(commands.program(home, language, "down"))
