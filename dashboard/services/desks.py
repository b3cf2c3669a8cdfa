"""What lies on the departments' desks, and how each request stands there. Reading takes no key.

Desks are asked side by side, and rarely: a department answers between the steps of its jobs. One that does not answer
is named, and what it said last is shown no longer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from federation.errors import KeyongError, RefusedError
from federation.node.desk import DeskClient, DeskItem
from federation.officer import plan_of
from federation.plan import Plan
from federation.runtime.home import Home

PATIENCE_S = 3.0
MAX_AGE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """One request, as the desks show it.

    Attributes:
        received: when each department got it, UTC.
        states: pending, granted, denied, revoked, expired or used, by department.
        snapshots: salted digest of what each department would add; "" for one that adds nothing.
        granted_by: officers whose yes counts, by department.
        differing: departments whose desk shows another plan under this name; their states are left out.
    """

    job: str
    plan: Plan
    received: Mapping[str, str]
    states: Mapping[str, str]
    snapshots: Mapping[str, str]
    granted_by: Mapping[str, tuple[str, ...]]
    differing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """All desks together.

    Attributes:
        requests: by job, in the order they were received.
        heads: the checkpoint each department co-signed last, by its own word; "" before its first.
        silent: departments that did not answer, each with the code of the reason.
    """

    requests: Mapping[str, Lying]
    heads: Mapping[str, str]
    silent: Mapping[str, str]


class Desks:
    """Asks one home's desks. Safe to share between visitors."""

    def __init__(self, home: Path) -> None:
        self._home = Home(home)
        self._lock = threading.Lock()
        self._said, self._asked_at = Desk(requests={}, heads={}, silent={}), 0.0
        self._asked: tuple[str, ...] = ()

    def forget(self) -> None:
        """Something was signed: whatever is known of the desks is old now."""
        with self._lock:
            self._asked = ()

    def look(self, departments: Sequence[str]) -> Desk:
        """Ask every department's desk, unless that was done a moment ago."""
        with self._lock:
            now = time.monotonic()
            if self._asked != tuple(departments) or now - self._asked_at > MAX_AGE_S:
                self._said = self._ask(departments)
                self._asked, self._asked_at = tuple(departments), time.monotonic()
            return self._said

    def _ask(self, departments: Sequence[str]) -> Desk:
        with ThreadPoolExecutor(max_workers=max(len(departments), 1)) as threads:
            said = dict(zip(departments, threads.map(self._ask_one, departments), strict=True))
        answered = {name: one for name, one in said.items() if isinstance(one, tuple)}
        return Desk(
            requests=gather({name: items for name, (items, _) in answered.items()}),
            heads={name: head for name, (_, head) in answered.items()},
            silent={name: one for name, one in said.items() if isinstance(one, str)},
        )

    def _ask_one(self, department: str) -> tuple[tuple[DeskItem, ...], str] | str:
        desk = DeskClient(self._home.desk_socket(department), department, timeout_s=PATIENCE_S)
        try:
            return desk.items(), desk.head()
        except KeyongError as error:
            return error.code


def gather(items: Mapping[str, Sequence[DeskItem]]) -> dict[str, Lying]:
    """Put together what several desks show of the same request.

    Args:
        items: by department.
    """
    found: dict[str, list[tuple[str, DeskItem, Plan]]] = {}
    for department, lying in items.items():
        for item in lying:
            try:
                found.setdefault(item.job, []).append((department, item, plan_of(item)))
            except RefusedError:
                continue  # no plan at all: nothing that an officer could sign
    requests = (_together(job, shown) for job, shown in found.items())
    return {one.job: one for one in sorted(requests, key=lambda one: min(one.received.values()))}


def _together(job: str, shown: Sequence[tuple[str, DeskItem, Plan]]) -> Lying:
    plan = shown[0][2]
    alike = [(department, item) for department, item, other in shown if other.hash == plan.hash]
    return Lying(
        job=job,
        plan=plan,
        received={department: item.received for department, item in alike},
        states={department: item.state for department, item in alike},
        snapshots={department: item.snapshot for department, item in alike},
        granted_by={department: item.granted_by for department, item in alike},
        differing=tuple(department for department, _, other in shown if other.hash != plan.hash),
    )
