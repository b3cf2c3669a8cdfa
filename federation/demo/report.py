"""What became of the demonstration, as values: printed by the command, shown by the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from federation.audit.verify import Verdict

if TYPE_CHECKING:
    pass


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one query.

    Attributes:
        compared: numbers compared with the clear answer.
        different: how many of them differ.
    """

    sql: str
    job: str
    seconds: float
    bytes: int
    rows: int
    suppressed_groups: int
    compared: int
    different: int


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a query that must be refused; `code` is "" if it was not."""

    sql: str
    expected: str
    code: str


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request that an officer stopped.

    Attributes:
        code: "" if it was not stopped.
        seconds: from the officer's word to the refusal at the analyst.
    """

    sql: str
    expected: str
    code: str
    department: str
    seconds: float


class Drilled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the attacks.

    Attributes:
        missed: attacks that nothing can catch, performed and shown as such.
        failed: the names of those that went otherwise than they must.
    """

    expected: int
    caught: int
    missed: int
    failed: tuple[str, ...]


class HandedOver(msgspec.Struct, frozen=True, kw_only=True):
    """The bundle of this demonstration, and what the verifier that travels in it said.

    Attributes:
        said: its first line, which begins with ACCEPT or REJECT.
    """

    bundle: str
    cards: str
    bytes: int
    accepted: bool
    said: str
    seconds: float


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """One of the four promises: whether it holds, on what figure, and why not.

    Attributes:
        reason: "" if it holds; "not built" if a part of it does not exist yet.
        missing: what is not built yet.
    """

    holds: bool
    figure: str
    figure_zh: str
    reason: str = ""
    missing: tuple[str, ...] = ()


class DepartmentLine(msgspec.Struct, frozen=True, kw_only=True):
    """One department of the demonstration."""

    name: str
    label: str
    adapter: str
    rows: dict[str, int]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole demonstration."""

    promises: dict[str, Promise]
    departments: tuple[DepartmentLine, ...]
    isolation: str
    citizens: int
    synthetic: bool
    queries: tuple[Asked, ...]
    refused: tuple[Refused, ...]
    stopped: tuple[Stopped, ...]
    record: Verdict
    tampered: str
    drills: Drilled
    handed_over: HandedOver
    start_seconds: float
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether a promise that is built does not hold."""
        return any(not promise.holds and promise.reason != "not built" for promise in self.promises.values())
