"""What became of the demonstration, as values: printed by the command, shown by the dashboard."""

from __future__ import annotations

import msgspec

from federation.audit.verify import Verdict


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


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the joint training.

    Attributes:
        rows: held out, on which all three are measured.
        federated: area under the curve; None where it has no meaning.
        pooled: of the same model learnt from all rows in the clear, in the lab.
        best_alone: the best that one department reaches by itself.
        tolerance: by how much the first two may differ.
    """

    job: str
    rounds: int
    departments: int
    seconds: float
    rows: int
    federated: float | None
    pooled: float | None
    best_alone: float | None
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the model is as good as the one from pooled rows."""
        if self.federated is None or self.pooled is None:
            return False
        return abs(self.federated - self.pooled) <= self.tolerance


class ScriptRun(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the scripts that went to the data.

    Attributes:
        unavailable: why none could run on this machine; "" if they did.
        compared: released numbers compared with those of the clear rows.
        different: how many of them differ by more than the digits that are released.
        capacity_bits: how many bits a hostile script could have hidden in such a result.
        refused: code with which the script that copies rows into its result was stopped; "" if it was not.
    """

    dataset: str
    unavailable: str = ""
    job: str = ""
    seconds: float = 0.0
    lines: int = 0
    withheld: int = 0
    compared: int = 0
    different: int = 0
    capacity_bits: int = 0
    refused: str = ""

    @property
    def holds(self) -> bool:
        """Whether the one gave the right numbers and the other gave nothing; on this machine, as far as it can."""
        return bool(self.unavailable) or (self.compared > 0 and self.different == 0 and bool(self.refused))


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
    """The whole demonstration.

    Attributes:
        datasets: how many the departments offer, with made-up rows.
    """

    promises: dict[str, Promise]
    departments: tuple[DepartmentLine, ...]
    isolation: str
    citizens: int
    synthetic: bool
    queries: tuple[Asked, ...]
    refused: tuple[Refused, ...]
    stopped: tuple[Stopped, ...]
    datasets: int
    trained: Trained
    scripted: ScriptRun
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
