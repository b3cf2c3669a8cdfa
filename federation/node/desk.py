"""The officer's socket of one department: what lies on the desk, and the officer's signed word on it.

Only this machine's user reaches it (mode 0600). It is served by the same single thread between the steps of a job, and
once more before a step's result leaves, so that what an officer says counts at once. Reading the list takes no key: the
dashboard shows it; every act is a statement that the officer signed.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from federation.errors import HomeError, KeyongError, NodeError, from_code
from federation.governance.approvals import Approvals

logger = logging.getLogger(__name__)

MAX_LINE = 1 << 20
# One client at a time, on this machine: whoever dawdles is cut off.
PATIENCE_S = 1.0


class DeskAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client of the desk wants.

    Attributes:
        do: list what lies there; hear a statement; tell the head, the checkpoint this department co-signed last.
        statement: the officer's.
        notes: what its salted commitments commit to.
    """

    do: Literal["list", "hear", "head"]
    statement: str = ""
    notes: dict[str, str] = {}


class DeskItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request, as an officer sees it.

    Attributes:
        plan: canonical bytes, so that the officer's own program computes the hash that it signs.
        state: pending, granted, denied, revoked, expired or used.
        statement: an officer's last word on it.
        granted_by: who has granted it; it stays pending until they are enough.
    """

    job: str
    plan: bytes
    received: str
    snapshot: str
    state: str
    statement: str
    granted_by: tuple[str, ...] = ()


class DeskLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The desk's answer; `code` if it refuses."""

    code: str = ""
    details: dict[str, str] = {}
    items: tuple[DeskItem, ...] = ()
    head: str = ""


class Desk:
    """Serves one department's officers."""

    def __init__(self, listener: socket.socket, approvals: Approvals, head: Callable[[], str]) -> None:
        """Open the desk.

        Args:
            head: tells the checkpoint this department co-signed last.
        """
        self._listener, self._approvals, self._head = listener, approvals, head
        listener.setblocking(False)

    def fileno(self) -> int:
        """For `select`: readable when somebody stands at the desk."""
        return self._listener.fileno()

    def serve(self) -> None:
        """Serve everybody who stands there now; returns at once if nobody does.

        Raises:
            HomeError: the journal cannot be written; nothing may follow.
        """
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            with connection, contextlib.suppress(OSError):
                line = _read_line(connection, time.monotonic() + PATIENCE_S)
                connection.settimeout(PATIENCE_S)
                try:
                    answer = self._answer(line)
                except HomeError as error:
                    with contextlib.suppress(OSError):
                        connection.sendall(_line(_refusal(error)))  # the officer is told before we end
                    raise
                connection.sendall(_line(answer))

    def _answer(self, text: bytes) -> DeskLine:
        try:
            ask = msgspec.json.decode(text, type=DeskAsk)
            if ask.do == "list":
                return DeskLine(items=self._items())
            if ask.do == "head":
                return DeskLine(head=self._head())
            self._approvals.hear(ask.statement, ask.notes)
            return DeskLine()
        except ValueError:  # no JSON, or no ask
            return DeskLine(code="refused.control")
        except HomeError:
            raise
        except KeyongError as error:
            logger.warning("refused a statement: %s", error.code)
            return _refusal(error)

    def _items(self) -> tuple[DeskItem, ...]:
        return tuple(
            DeskItem(
                job=slip.job,
                plan=slip.plan,
                received=slip.received,
                snapshot=slip.snapshot,
                state=standing.state,
                statement=standing.statement,
                granted_by=standing.granted_by,
            )
            for slip, standing in self._approvals.slips()
        )


def _refusal(error: KeyongError) -> DeskLine:
    return DeskLine(code=error.code, details={name: str(value) for name, value in error.details.items()})


def _line(answer: DeskLine) -> bytes:
    return msgspec.json.encode(answer) + b"\n"


def _read_line(connection: socket.socket, end: float) -> bytes:
    """Read up to a line feed, or until `end` on the monotonic clock."""
    data = bytearray()
    while not data.endswith(b"\n"):
        connection.settimeout(max(0.001, end - time.monotonic()))
        part = connection.recv(1 << 16)
        if not part or len(data) > MAX_LINE:
            break
        data += part
    return bytes(data)


class DeskClient:
    """Talks to a department's desk."""

    def __init__(self, path: Path, department: str, *, timeout_s: float) -> None:
        """Name the desk.

        Args:
            timeout_s: a department in the middle of a step answers after it.
        """
        self._path, self._department, self._timeout_s = path, department, timeout_s

    def items(self) -> tuple[DeskItem, ...]:
        """What lies on the desk, oldest first."""
        return self._ask(DeskAsk(do="list")).items

    def head(self) -> str:
        """The checkpoint that this department co-signed last, with its lines; "" if none yet."""
        return self._ask(DeskAsk(do="head")).head

    def hear(self, statement: str, notes: dict[str, str]) -> None:
        """Hand in an officer's statement.

        Raises:
            RefusedError: it is not accepted.
            HomeError: nobody is at the desk.
        """
        self._ask(DeskAsk(do="hear", statement=statement, notes=notes))

    def _ask(self, ask: DeskAsk) -> DeskLine:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(self._timeout_s)
                connection.connect(str(self._path))
                connection.sendall(msgspec.json.encode(ask) + b"\n")
                with connection.makefile("rb") as lines:
                    line = msgspec.json.decode(lines.readline(), type=DeskLine)
        except TimeoutError as exc:
            raise NodeError("node.late", party=self._department, seconds=int(self._timeout_s)) from exc
        except OSError as exc:
            raise HomeError("home.not_running") from exc
        except msgspec.MsgspecError as exc:
            raise NodeError("node.gone", party=self._department) from exc
        if line.code:
            raise from_code(line.code, **line.details)
        return line
