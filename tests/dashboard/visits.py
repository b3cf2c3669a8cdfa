"""Visits of somebody who has signed in, for pages and services that take more than a guest."""

from __future__ import annotations

import time
from pathlib import Path

from dashboard import sources
from dashboard.services.entrance import Session
from dashboard.services.rights import Role, Visitor

ROLES: dict[str, Role] = {
    "analyst": "analyst",
    "officer": "officer",
    "deputy": "officer",
    "operator": "operator",
    "auditor": "auditor",
}


def visitor(account: str, **changes: object) -> Visitor:
    """Whoever signs in by this account; "" for a guest."""
    if not account:
        return Visitor()
    name, _, department = account.rpartition("@")
    fields = {"account": account, "role": ROLES[name or department], "department": department}
    return Visitor(**(fields | changes))  # type: ignore[arg-type]


def session(home: Path, account: str) -> Session:
    """A session that has just begun in a home."""
    now = time.monotonic()
    roster = sources.entrance(home.resolve()).roster_hash()
    return Session(visitor=visitor(account), roster=roster, begun=now, seen=now)
