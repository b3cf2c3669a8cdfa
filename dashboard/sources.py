"""The readers that all pages and all visits share, so that no log is parsed twice and no record recomputed twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dashboard.services.desks import Desks
from dashboard.services.entrance import Entrance
from dashboard.services.log import LogReader
from dashboard.services.shelves import Shelves
from dashboard.services.trainings import Trainings
from dashboard.services.trials import Trials
from dashboard.services.verifier import Verifier
from federation.audit.record import RecordReader

_Reader = TypeVar("_Reader")

_lock = threading.Lock()
_readers: dict[tuple[type, Path], object] = {}


def log(home: Path) -> LogReader:
    """The one reader of a home's log.

    Raises:
        RecordError: there is no record yet; nothing is kept then.
    """
    return _the_one(LogReader, home, lambda: LogReader(RecordReader(home)))


def verifier(home: Path) -> Verifier:
    """The one that recomputes a home's record."""
    return _the_one(Verifier, home, lambda: Verifier(home))


def desks(home: Path) -> Desks:
    """The one that asks a home's desks."""
    return _the_one(Desks, home, lambda: Desks(home))


def entrance(home: Path) -> Entrance:
    """The one way in, which counts wrong passphrases over all visits."""
    return _the_one(Entrance, home, lambda: Entrance(home))


def trainings(home: Path) -> Trainings:
    """The one that reads a home's trainings, and holds those that were begun here."""
    return _the_one(Trainings, home, lambda: Trainings(home))


def shelves(home: Path) -> Shelves:
    """The one that reads a home's PySyft folders."""
    return _the_one(Shelves, home, lambda: Shelves(home))


def trials(home: Path) -> Trials:
    """The one that has a home's scripts tried."""
    return _the_one(Trials, home, lambda: Trials(home))


def _the_one(kind: type[_Reader], home: Path, make: Callable[[], _Reader]) -> _Reader:
    # Not Streamlit's cache: the server fills this one before the first visit, outside any page.
    with _lock:
        known = _readers.get((kind, home))
        if not isinstance(known, kind):
            known = make()
            _readers[kind, home] = known
        return known
