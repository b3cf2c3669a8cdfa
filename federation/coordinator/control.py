"""The coordinator's control socket: one JSON line in, lines of progress and one of outcome back.

Only this machine's user reaches it (mode 0600). What comes in is signed by an analyst; what goes out is sealed to it.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Literal

import msgspec

from federation.coordinator.datasets import Offers
from federation.coordinator.jobs import Job, JobQueue
from federation.coordinator.sequencer import Sequencer
from federation.errors import HomeError, KeyongError, NodeError, RefusedError, from_code
from federation.governance.approvals import FILE_NAME
from federation.governance.roster import Roster
from federation.messages import Dataset, Request, decode
from federation.plan import read_plan
from federation.queries.sums import SealedTotals

logger = logging.getLogger(__name__)

MAX_LINE = 16 << 20
POLL_S = 0.2
PATIENCE_S = 120.0


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client wants.

    Attributes:
        do: run a request, bring an analyst's events, learn how many of them the log has, say that an officer has
            spoken at a desk, which is a hint and no more, have the record sealed, fetch what is kept of a training, or
            learn which datasets there are.
        party: the analyst; "" for a hint and to have the record sealed.
        request: the signed request, to submit.
        entries: the analyst's events.
        job: whose model.
    """

    do: Literal["submit", "record", "known", "nudge", "seal", "model", "datasets"]
    party: str = ""
    request: bytes = b""
    entries: tuple[bytes, ...] = ()
    job: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line back; the last one has `done` or `code`.

    Attributes:
        step: the step that begins.
        at: the coordinator's monotonic clock, seconds.
        code: of the error that ended it.
        details: what the error's text mentions.
        known: how many of the party's events the log has.
        decision, shares: a result, sealed.
        datasets: what departments offer.
    """

    step: str = ""
    at: float = 0.0
    done: bool = False
    code: str = ""
    details: dict[str, str] = {}
    known: int = 0
    decision: bytes = b""
    shares: tuple[bytes, ...] = ()
    datasets: tuple[Dataset, ...] = ()


Kept = Callable[[str, str], tuple[bytes, ...]]
"""By job and analyst, the envelope that holds its last model; none if there is none, or it is another's."""


def nothing_kept(job: str, party: str) -> tuple[bytes, ...]:
    """No model of any job."""
    return ()


# -- the coordinator's side -------------------------------------------------------------------------------------------


class ControlServer:
    """Takes connections, a thread each; they are few and local."""

    def __init__(
        self,
        listener: socket.socket,
        jobs: JobQueue,
        sequencer: Sequencer,
        roster: Roster,
        kept: Kept = nothing_kept,
        offers: Offers | None = None,
    ) -> None:
        """Prepare.

        Args:
            kept: what is kept of an analyst's training.
            offers: what departments offer.
        """
        self._kept, self._offers = kept, offers
        self._listener, self._jobs, self._sequencer, self._roster = listener, jobs, sequencer, roster

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                for line in self._answer(_read_line(connection), connection):
                    connection.sendall(msgspec.json.encode(line) + b"\n")
            except OSError:
                logger.info("a client went away")

    def _answer(self, text: bytes, connection: socket.socket) -> Iterator[Line]:
        try:
            ask = msgspec.json.decode(text, type=Ask)
            if ask.do == "nudge":
                self._jobs.nudge()
                yield Line(done=True)
                return
            if ask.do == "seal":
                self._jobs.seal().wait(PATIENCE_S)
                yield Line(done=True)
                return
            analyst = self._roster.party(ask.party)
            if analyst is None or analyst.role != "analyst":
                raise RefusedError("refused.requester")
            if ask.entries:
                self._sequencer.accept(ask.party, ask.entries)
            if ask.do == "submit":
                yield from self._submit(ask, connection)
            elif ask.do == "datasets":
                yield Line(done=True, datasets=self._datasets())
            elif ask.do == "model":
                yield Line(done=True, shares=self._kept(ask.job, ask.party))
            else:
                yield Line(done=True, known=self._sequencer.known(ask.party))
        except ValueError:  # no JSON, no Ask, or no canonical payload or plan inside
            yield Line(code="refused.control")
        except KeyongError as error:
            yield Line(code=error.code, details={k: str(v) for k, v in error.details.items()})

    def _submit(self, ask: Ask, connection: socket.socket) -> Iterator[Line]:
        envelope = self._roster.open(ask.request)
        payload = decode(envelope.payload)
        if envelope.header.sender != ask.party or not isinstance(payload, Request):
            raise RefusedError("refused.requester")
        if not FILE_NAME.fullmatch(envelope.header.job):
            raise RefusedError("refused.control")
        job = Job(envelope.header.job, read_plan(payload.plan), ask.request)
        self._jobs.submit(job)
        try:
            for step in job.watch(POLL_S):
                if step is not None:
                    yield Line(step=step[0], at=step[1])
                elif wait([connection], 0) and not connection.recv(1, socket.MSG_PEEK):
                    job.cancel()  # whoever asked has hung up
        finally:
            job.cancel()  # hung up while we told a step; of no effect on a job that is over
        if job.error is not None:
            raise job.error
        if job.result is not None:
            yield Line(done=True, decision=job.result.decision, shares=job.result.shares)

    def _datasets(self) -> tuple[Dataset, ...]:
        """What all departments offer; those that have not said so are asked after the job that runs now."""
        if self._offers is None:
            return ()
        if not self._offers.is_complete:
            self._jobs.describe().wait(PATIENCE_S)
        return self._offers.datasets


def _read_line(connection: socket.socket) -> bytes:
    data = bytearray()
    connection.settimeout(30.0)
    while not data.endswith(b"\n"):
        part = connection.recv(1 << 16)
        if not part or len(data) > MAX_LINE:
            break
        data += part
    connection.settimeout(None)
    return bytes(data)


# -- the client's side ------------------------------------------------------------------------------------------------


class ControlClient:
    """Talks to a running coordinator."""

    def __init__(self, path: Path, party: str = "") -> None:
        self._path, self._party = path, party

    def known(self) -> int:
        """How many of the party's events the log has."""
        return self._last(Ask(do="known", party=self._party)).known

    def record(self, entries: list[bytes]) -> None:
        """Bring the party's events to the log."""
        self._last(Ask(do="record", party=self._party, entries=tuple(entries)))

    def nudge(self) -> None:
        """Say that an officer has spoken at a desk."""
        self._last(Ask(do="nudge"))

    def seal(self) -> None:
        """Have the record sealed as it is now; whether a quorum was there, the record tells."""
        self._last(Ask(do="seal"))

    def model(self, job: str) -> bytes:
        """Fetch what is kept of a training: a signed envelope sealed to the analyst.

        Raises:
            RefusedError: nothing is.
        """
        last = self._last(Ask(do="model", party=self._party, job=job))
        if not last.shares:
            raise RefusedError("refused.no_model", request=job)
        return last.shares[0]

    def datasets(self) -> tuple[Dataset, ...]:
        """Which datasets departments offer; those of a department that does not answer are left out."""
        return self._last(Ask(do="datasets", party=self._party)).datasets

    def submit(self, request: bytes, progress: Callable[[str, float], None]) -> SealedTotals:
        """Run a request and wait for its end.

        Raises:
            KeyongError: what the federation answered.
            HomeError: nobody answers on the socket, or the connection broke.
        """
        last = self._last(Ask(do="submit", party=self._party, request=request), progress)
        return SealedTotals(decision=last.decision, shares=last.shares)

    def _last(self, ask: Ask, progress: Callable[[str, float], None] = lambda *_: None) -> Line:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self._path))
                connection.sendall(msgspec.json.encode(ask) + b"\n")
                with connection.makefile("rb") as lines:
                    for text in lines:
                        line = msgspec.json.decode(text, type=Line)
                        if line.step:
                            progress(line.step, line.at)
                        elif line.code:
                            raise from_code(line.code, **line.details)
                        else:
                            return line
        except OSError as exc:
            raise HomeError("home.not_running") from exc
        except msgspec.MsgspecError as exc:
            raise NodeError("node.garbage", party="coordinator") from exc
        raise HomeError("home.coordinator_gone")
