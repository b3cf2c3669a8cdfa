"""How a rule says what does not hold, and where an event stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from federation.audit.events import Event
from federation.errors import RecordError

SHA256 = re.compile(r"[0-9a-f]{64}")


def wrong(where: str, reason: str) -> RecordError:
    """Name the first thing that does not hold."""
    return RecordError("record.invalid", where=where, reason=reason)


class Written(NamedTuple):
    """An event and its place: in the log, or only in its party's journal so far.

    Attributes:
        place: its index in the log; None for one that the log does not hold yet.
    """

    place: int | None
    event: Event

    @property
    def where(self) -> str:
        """Its place in words."""
        if self.place is None:
            return f"journal of {self.event.node}, event {self.event.seq}"
        return f"entry {self.place}"

    def number(self, name: str) -> int:
        """A number that an event of this type has to state.

        Raises:
            RecordError: it does not.
        """
        number = self.event.data.get(name)
        if not isinstance(number, int) or number < 0:
            raise wrong(self.where, f"it does not state {name} as a number")
        return number

    def text(self, name: str) -> str:
        """A text that an event of this type has to state.

        Raises:
            RecordError: it does not.
        """
        text = self.event.data.get(name)
        if not isinstance(text, str):
            raise wrong(self.where, f"it does not state {name} as a text")
        return text

    def hash(self, name: str) -> str:
        """A SHA-256, hex, that an event of this type has to state.

        Raises:
            RecordError: it does not.
        """
        text = self.text(name)
        if not SHA256.fullmatch(text):
            raise wrong(self.where, f"it does not state {name} as a SHA-256")
        return text


def in_log(events: Iterable[Event]) -> Iterator[Written]:
    """Number the log's events."""
    return (Written(index, event) for index, event in enumerate(events))
