"""What came of one attack by a script."""

from __future__ import annotations

from typing import Literal

import msgspec

from federation.drills.wording import Wording

Part = Literal["reach", "bomb", "result"]
"""What it tries to get at in the sandbox, what it tries to use up, and what it makes of its result."""


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """The positive control: the same where nothing stops it.

    Attributes:
        tried: how many attempts.
        reached: how many of them came through.
    """

    tried: int
    reached: int


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """One attack, in words.

    Attributes:
        stops: what stops it; or, where nothing can, why not.
        expected: whether it must be stopped.
    """

    name: str
    title: Wording
    stops: Wording
    expected: bool = True


class ScriptOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attack.

    Attributes:
        tried: how many attempts were made.
        came_through: names of those that were not stopped.
        seen: how it showed: the kernel's errors, how the run ended, the code of a refusal.
        control: None if it would harm the machine.
        took: seconds of its own run, None if it had none of its own.
    """

    part: Part
    name: str
    title: Wording
    stops: Wording
    expected: bool
    tried: int = 1
    came_through: tuple[str, ...]
    seen: str
    control: Control | None = None
    took: float | None = None

    @property
    def stopped(self) -> bool:
        """Whether nothing of it came through."""
        return not self.came_through

    @property
    def good(self) -> bool:
        """Whether it went as the table says, and would have succeeded where nothing stops it."""
        return self.stopped == self.expected and (self.control is None or self.control.reached > 0)
