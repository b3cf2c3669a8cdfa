"""Finished records to be altered, and what the verifier says of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from pathlib import Path

import msgspec
import pytest

from federation.aggregation.agreement import propose
from federation.audit.events import Event
from federation.audit.record import Record
from federation.audit.rules.keys import Trust
from federation.audit.verify import verify_record
from federation.drills.scene import Item, Mark, Scene, find
from federation.errors import RecordError
from federation.governance.statements import Deny, Revoke
from federation.messages import Sync
from tests.support.memory import MemoryFederation, MemoryStore, MemoryWire

JOB = "q-1"
SQL = "SELECT COUNT(*), SUM(income) FROM insured"
NAMES = ("gaoping", "lingchuan", "qinshui")
replace = msgspec.structs.replace


def wrong(record: Record, trust: Trust | None = None) -> str:
    """Where the record does not hold, and why."""
    with pytest.raises(RecordError) as caught:
        verify_record(record, trust)
    assert caught.value.code == "record.invalid"
    return f"{caught.value.details['where']}: {caught.value.details['reason']}"


def approved(folder: Path) -> Scene:
    """The record of one job that every officer granted, and of one that an officer revoked in time."""
    rows = [{"income": 100, "sex": "f"}, {"income": 200, "sex": "m"}]
    stores = {name: MemoryStore(rows) for name in NAMES}
    federation = MemoryFederation(folder / "home", stores, approvals="officers")
    for job in (JOB, "q-2"):
        plan = federation.plan(SQL)
        propose(MemoryWire(federation, job, plan.hash), plan, federation.request(plan, job=job), {})
        for name in NAMES:
            federation.approvals[name].hear(federation.grant(name, plan, job=job), {})
        if job == JOB:
            federation.seal(plan, job=job)
            for kind, name in product((Deny, Revoke), NAMES):  # signed, and never handed in
                (folder / f"{kind.__name__} {name}").write_text(federation.say_no(kind, name, plan, job=job))
    federation.approvals["qinshui"].hear(federation.say_no(Revoke, "qinshui", plan, job="q-2"), {})
    for name in NAMES:
        federation.say(name, Sync())
    federation.checkpoint()
    federation.now += timedelta(seconds=5)
    return Scene.of_home(federation.close())


def change(at: Callable[[list[Item]], int], **fields: object) -> Callable[[list[Item]], list[Item]]:
    """Say something else in one event; `data` is added to what it says."""

    def changed(items: list[Item]) -> list[Item]:
        place = at(items)
        event = items[place]
        assert isinstance(event, Event)
        more = dict(fields)
        if "data" in more:
            more["data"] = {**event.data, **more["data"]}
        return [*items[:place], replace(event, **more), *items[place + 1 :]]

    return changed


def at(kind: str, node: str, *, job: str = JOB, **data: object) -> Callable[[list[Item]], int]:
    return lambda items: find(items, kind, node, job=job, **data)


def drop(place: Callable[[list[Item]], int]) -> Callable[[list[Item]], list[Item]]:
    return lambda items: [item for index, item in enumerate(items) if index != place(items)]


def insert(event: Event, after: Callable[[list[Item]], int]) -> Callable[[list[Item]], list[Item]]:
    return lambda items: [*items[: after(items) + 1], event, *items[after(items) + 1 :]]


def place_of(scene: Scene, kind: str, node: str, *, job: str = JOB, **data: object) -> int:
    """The index in the log of the first such event."""
    return find(scene.events(), kind, node, job=job, **data)


def without_cosignatures(scene: Scene, size: int, *names: str) -> Scene:
    """The record with the cosignatures of some departments on one checkpoint missing."""

    def less(items: list[Item]) -> list[Item]:
        return [
            item._replace(times={n: t for n, t in item.times.items() if n not in names})
            if isinstance(item, Mark) and item.size == size
            else item
            for item in items
        ]

    return scene.forged(less)


def with_notes(scene: Scene, notes: list[str]) -> Scene:
    return dataclasses.replace(scene.copy(), notes=notes)
