"""What a script makes of its result, played through the real release rules on made-up people.

Every attack stands beside an honest table of the same people, which is released whole: rules that let nothing out
would stop everything.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import NamedTuple

from federation.drills.script import capacity
from federation.drills.script.drill import Control, Drill, ScriptOutcome
from federation.drills.script.people import (
    COUNTS,
    DISTRICTS,
    EVERYBODY,
    HONEST,
    LARGE,
    MIDDLE,
    NORTH,
    PLAN,
    SOUTH,
    Person,
    counts,
    people,
    written,
)
from federation.errors import RefusedError
from federation.node.fingerprints import Cell, Fingerprints
from federation.sandbox import run_script
from federation.sandbox.limits import Limits
from federation.scripting.keeping import Keeping
from federation.scripting.numbers import rounded
from federation.scripting.release import MAX_RESULT_BYTES, release
from federation.scripting.result import Table

SLOWLY_S = 1.5
DONE = "open('out/result.csv', 'w').write('1')"


class Ended(NamedTuple):
    """What became of an attack.

    Attributes:
        through: whether it got something out.
        seen: a code of a refusal, or in a word how it showed.
    """

    through: bool
    seen: str


class Trick(Drill, frozen=True, kw_only=True):
    """One attack, and how to play it."""

    play: Callable[[], Ended]


def play(trick: Trick) -> ScriptOutcome:
    """Play one.

    Raises:
        RefusedError: there is no sandbox on this machine, and this one needs it; or the rules let nothing out at all.
    """
    through, seen = trick.play()
    return ScriptOutcome(
        part="result",
        name=trick.name,
        title=trick.title,
        stops=trick.stops,
        expected=trick.expected,
        came_through=(trick.name,) if through else (),
        seen=seen,
        control=Control(tried=1, reached=int(len(_honest().lines) == len(HONEST))),
    )


def _honest() -> Table:
    return release(written(*HONEST), PLAN, COUNTS)


def _refused(act: Callable[[], object]) -> Ended:
    try:
        act()
    except RefusedError as error:
        return Ended(False, error.code)
    return Ended(True, "")


def _released(output: bytes) -> Ended:
    return _refused(lambda: release(output, PLAN, COUNTS))


# -- rows, names, size ------------------------------------------------------------------------------------------------


def rows() -> Ended:
    """Rows instead of groups, as pandas writes them."""
    return _released(written(*EVERYBODY, header=Person._fields))


def renamed_rows() -> Ended:
    """A line for each person, under the columns that were agreed to."""
    return _released(written(*((one.district, one.identity, one.income) for one in EVERYBODY)))


def identities() -> Ended:
    """Identity numbers where the groups' names belong."""
    return _released(written(*((one.identity, 1, one.income) for one in EVERYBODY[: len(DISTRICTS)])))


def twice() -> Ended:
    """One group in several lines, of a person each."""
    return _released(written(*((NORTH, 1, one.income) for one in EVERYBODY[: len(DISTRICTS)])))


def text() -> Ended:
    """Text where a number belongs."""
    return _released(written((NORTH, 1, f"id {EVERYBODY[0].identity}")))


def too_large() -> Ended:
    """A result of more bytes than any table has."""
    return _released(written(*HONEST) + b" " * MAX_RESULT_BYTES)


def raw_cell() -> Ended:
    """An identity number as a number, whose digits rounding would only shorten."""
    fingerprints = Fingerprints([Cell(table="people", column="identity", text=one.identity) for one in EVERYBODY])
    found = fingerprints.search(written((NORTH, 40, EVERYBODY[0].identity), *HONEST[1:]))
    honest = fingerprints.search(written(*HONEST))
    return Ended(found is None or honest is not None, "refused.fingerprint" if found else "")


# -- groups -----------------------------------------------------------------------------------------------------------


def small() -> Ended:
    """A group that is too small, said to be large."""
    table = people(north=6, middle=7, south=40)
    return _shown(release(written(*HONEST), PLAN, counts(table)), NORTH)


def complement() -> Ended:
    """One group is too small; with the total, which another job may tell, all others would give it away."""
    table = people(north=3, middle=12, south=40)
    return _shown(release(written(*HONEST), PLAN, counts(table)), MIDDLE)


def ghost() -> Ended:
    """Something to say in the line of a group that nobody is in."""
    table = people(north=40, middle=40)
    return _shown(release(written(*HONEST), PLAN, counts(table)), SOUTH)


def _shown(table: Table, name: str) -> Ended:
    shown = {line[0] for line in table.lines}
    return Ended(name in shown, "withheld" if (name,) in table.withheld else "left out")


# -- hidden in numbers ------------------------------------------------------------------------------------------------


def low_digits() -> Ended:
    """An identity number behind the digits that count."""
    (name, count, median), *others = HONEST
    hostile = release(written((name, count, f"{median}.0{EVERYBODY[0].identity}"), *others), PLAN, COUNTS)
    return Ended(hostile != _honest(), f"{PLAN.digits} digits")


def spelling() -> Ended:
    """Bits in the lines' order, in how a number is written, in the ends of lines."""
    lines = ((name, f"+{count}", f"{median:e}") for name, count, median in reversed(HONEST))
    hostile = release(written(*lines).replace(b"\n", b"\r\n"), PLAN, COUNTS)
    return Ended(hostile != _honest(), "rewritten")


def channel() -> Ended:
    """A random secret, as long as the table has room for, in the digits that are released."""
    bits = capacity.carried_bits(PLAN)
    secret = secrets.randbits(bits)
    found = capacity.find(release(capacity.hide(secret, PLAN), PLAN, COUNTS), PLAN)
    return Ended(found == secret, f"{bits} of {PLAN.capacity_bits} bits")


def one_person() -> Ended:
    """One person's income in the line of a large group."""
    income = str(EVERYBODY[0].income)
    table = release(written((NORTH, LARGE, income), *HONEST[1:]), PLAN, COUNTS)
    return Ended(table.lines[0][2] == rounded(income, PLAN.digits), f"{PLAN.digits} digits")


def refusal() -> Ended:
    """One bit in which of the rules is broken."""
    said = {_released(output).seen for output in (written(*EVERYBODY), written(*HONEST, header=DISTRICTS))}
    return Ended(len(said) > 1, " / ".join(sorted(said)))


def time() -> Ended:
    """A number of seconds that it takes its time: the result tells them, whole."""
    slowly = f"import time; time.sleep({SLOWLY_S})\n{DONE}"
    quick, slow = (_seconds(script) for script in (DONE, slowly))
    return Ended(slow > quick, f"{quick} s / {slow} s")


def _seconds(script: str) -> int:
    with tempfile.TemporaryDirectory(prefix="keyong-drill-") as folder:
        return ceil(run_script({"main.py": script}, Path(folder), Limits(seconds=10)).seconds)


# -- the code ---------------------------------------------------------------------------------------------------------


def swapped() -> Ended:
    """Somebody exchanges the frozen script after it was approved."""
    return _tampered("main.py")


def shadowed() -> Ended:
    """Somebody lays a pandas of his own beside the frozen script."""
    return _tampered("pandas.py")


def _tampered(name: str) -> Ended:
    with tempfile.TemporaryDirectory(prefix="keyong-drill-") as folder:
        keeping = Keeping(Path(folder), "drill", PLAN)
        keeping.freeze()  # which also reads it: what is left alone is what was approved
        (Path(folder) / "scripts" / "drill" / "code" / name).write_text("print('not what was approved')\n")
        return _refused(keeping.frozen)
