"""How the record's databases are opened: SQLite, WAL, synchronous=FULL, one writing process, many readers."""

from __future__ import annotations

import fcntl
import io
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from federation.audit.journal import storage_error
from federation.errors import HomeError


def open_database(file: Path, opened: ExitStack) -> sqlite3.Connection:
    """Open or begin a database as its only writer; a commit survives a power cut.

    Args:
        opened: what closes the database and lets the next writer in.

    Returns:
        An autocommitting connection.

    Raises:
        HomeError: another process writes it, it cannot be opened, or it is no database.
    """
    opened.callback(_lock(file).close)
    with storage(file):
        db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        opened.callback(db.close)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
    return db


@contextmanager
def storage(file: Path) -> Iterator[None]:
    """Turn what SQLite says about a file into a HomeError."""
    try:
        yield
    except sqlite3.Error as exc:
        raise storage_error(exc, file) from exc


def _lock(file: Path) -> io.FileIO:
    """Hold a file beside the database: SQLite's exclusive mode would keep readers out as well.

    It is not the database itself, since closing any descriptor of that would drop SQLite's own locks.
    """
    try:
        lock = os.open(file.with_name(f"{file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise HomeError("home.storage", file=file.name) from exc
    held = io.FileIO(lock, "r+")  # closes itself with whoever forgets it
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        held.close()
        raise HomeError("home.second_writer", file=file.name) from exc
    return held
