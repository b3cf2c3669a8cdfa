"""Code to data: an analyst's script runs at the one department that holds the data, and only a small table leaves."""

from __future__ import annotations

import hashlib
from itertools import product
from math import ceil, log2, prod
from typing import Annotated, Literal

import msgspec

from federation.plan.base import Plan, Sight
from federation.plan.query import Column, GroupKey, LocalQuery, Measure

# A name of a file: it becomes one, beside the folders of what is read and of what is written.
FileName = Annotated[str, msgspec.Meta(pattern=r"\A(?!(?:data|out)\Z)[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z")]
# A column of the result.
ResultName = Annotated[str, msgspec.Meta(pattern=r"\A[^\W\d]\w{0,62}\Z")]

MAX_SCRIPT_BYTES = 262_144
MAX_FILES = 32
MAX_NUMBERS = 32
MAX_SCRIPT_S = 40
# Less, and pandas cannot be loaded.
LEAST_SCRIPT_MB = 512
MAX_SCRIPT_MB = 4096
MAX_DIGITS = 6
# Numbers that one requester may be given of one dataset in one epoch of the joint key: each tells a little more.
MAX_RELEASED = 10_000
# A decimal number of so many significant digits, its sign and a power of ten from -99 to 99.
EXPONENTS = 199


class ScriptFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a script, in full: its reviewer sees everything that will run."""

    name: FileName
    text: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the UTF-8 text, hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class ScriptPlan(Plan, frozen=True, kw_only=True, tag="script"):
    """A script over one table of one department; the sum of nothing, so neither key nor mask is used.

    The result is a table: public groups that the department's own counts are held against, and numbers of few digits.

    Attributes:
        source: the table.
        view: the columns that the script is given, in the table's order; never an identifier.
        files: the script; the first one is run.
        group_by: keys of the result, of public values; without any, the result is one line about everybody.
        numbers: the further columns of the result.
        digits: significant decimal digits of each number that are released.
        basis: the law or rule that the request rests on, in the requester's words.
        seconds: of processor and of wall clock.
        memory_mb: of address space, MiB.
    """

    source: str
    view: tuple[Column, ...]
    files: tuple[ScriptFile, ...]
    group_by: tuple[GroupKey, ...] = ()
    numbers: tuple[ResultName, ...]
    digits: Annotated[int, msgspec.Meta(ge=1, le=MAX_DIGITS)] = 4
    basis: str = ""
    seconds: Annotated[int, msgspec.Meta(ge=1, le=MAX_SCRIPT_S)] = 20
    memory_mb: Annotated[int, msgspec.Meta(ge=LEAST_SCRIPT_MB, le=MAX_SCRIPT_MB)] = 2048
    protection: Literal["none"] = "none"

    @property
    def owner(self) -> str:
        """The department whose data it is."""
        return self.contributors[0]

    @property
    def dataset(self) -> str:
        """The dataset's name: tax.pit."""
        return f"{self.owner}.{self.source}"

    @property
    def subject(self) -> str:
        """What is asked."""
        made = ", ".join((*(key.column for key in self.group_by), *self.numbers))
        return f"RUN {self.files[0].name} ON {self.dataset} GIVING {made}"

    @property
    def table(self) -> str:
        """The table that the script is given."""
        return self.source

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""
        return tuple(column.name for column in self.view)

    @property
    def code(self) -> str:
        """SHA-256 over the files' names and hashes, hex: what is frozen at approval and checked at the run."""
        listed = "".join(f"{file.name}\0{file.sha256}\n" for file in self.files)
        return hashlib.sha256(listed.encode()).hexdigest()

    @property
    def local(self) -> LocalQuery:
        """The rows of each group, as the department itself counts them."""
        keys = {key.column for key in self.group_by}
        return LocalQuery(
            table=self.source,
            columns=tuple(column for column in self.view if column.name in keys),
            where=(),
            group_by=self.group_by,
            measures=(Measure(kind="rows"),),
        )

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Every group's labels, in order; one empty label without keys."""
        return tuple(product(*(key.labels for key in self.group_by)))

    @property
    def group_count(self) -> int:
        """How many lines the result may have."""
        return prod(len(key.labels) for key in self.group_by)

    @property
    def released_numbers(self) -> int:
        """How many numbers a result may have."""
        return self.group_count * len(self.numbers)

    @property
    def capacity_bits(self) -> int:
        """How many bits a hostile script could hide in a result: what its numbers can tell apart, no more."""
        numbers = 2 * 9 * 10 ** (self.digits - 1) * EXPONENTS + 1
        return ceil(self.group_count * log2(numbers ** len(self.numbers) + 1))  # one more: it may leave a line out

    def visibility(self) -> tuple[Sight, ...]:
        """What every party will learn, to the size."""
        count = self.released_numbers
        return (
            Sight(
                party="coordinator",
                zh="本计划与脚本、签名与密封的结果；无可读结果",
                en="this plan and the script, signatures and the sealed result; nothing it can read",
                numbers=0,
            ),
            Sight(
                party=self.owner,
                zh="本计划与脚本；脚本的输出与日志，日志不离开本部门",
                en="this plan and the script; its output and its log, which does not leave",
                numbers=count,
            ),
            Sight(
                party=self.requester,
                zh=f"不少于 {self.minimum_group} 行的组，每组 {len(self.numbers)} 个数，各 {self.digits} 位有效数字"
                f"（恶意脚本最多可借此夹带 {self.capacity_bits} 比特）",
                en=f"groups of >= {self.minimum_group} rows, {len(self.numbers)} numbers each,"
                f" {self.digits} significant digits (a hostile script could hide up to {self.capacity_bits} bits)",
                numbers=count,
            ),
        )
