"""The launcher: starts the parties as siblings, enrols them, joins them by the copy proxy, restarts the dead.

One single-threaded process. It imports everything once and then forks each party, so that seven parties cost one
import; it makes no key and no random state before a fork. It holds no secret: what it copies is signed and encrypted,
and its byte counts are the observer's that is neither sender nor receiver.

In the local runtime the copy proxy joins each department to the coordinator. In the flower runtime it joins each to its
SuperNode, and a SuperLink stands between those and the coordinator (`superlink.fleet`); the rest is the same.

The operator who runs it is trusted to enrol the right parties: the roster is made here and pinned by everyone.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Literal

import msgspec

from federation.errors import NodeError
from federation.governance.identity import write_whole
from federation.governance.roster import Officer, Role, Roster
from federation.governance.roster import Party as RosterParty
from federation.messages import Deal, Dealt, Enrol, Enrolled, Identity, Payload, Unready, decode, encode
from federation.runtime.bench import start_bench
from federation.runtime.confinement import ConfinementError, confine, harden_plain_process
from federation.runtime.deadline import EXIT_HUNG
from federation.runtime.frames import FrameReader, frame
from federation.runtime.local_grid import Notice
from federation.runtime.proxy import CopyProxy, Counts, Session
from federation.runtime.superlink.fleet import Carriers, Fleet
from federation.runtime.superlink.notices import Word

logger = logging.getLogger(__name__)

COORDINATOR, DEALER = "coordinator", "dealer"

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 5.0
MAX_RESTARTS = 5  # within RESTART_WINDOW_S; a party that cannot stay up is left down with its reason
RESTART_WINDOW_S = 60.0
CHUNK = 1 << 16

# Exit statuses of a party, and the code that people read.
EXIT_BUG, EXIT_CONFINEMENT, EXIT_STORAGE, EXIT_DISK_FULL, EXIT_GARBAGE = 70, 71, 74, 28, 65
EXIT_WITNESS_LOST, EXIT_WITNESS_ROLLED_BACK = 72, 73
EXIT_CODES = {
    EXIT_BUG: "node.failed",
    EXIT_CONFINEMENT: "node.unconfined",
    EXIT_STORAGE: "node.storage",
    EXIT_DISK_FULL: "node.disk_full",
    EXIT_GARBAGE: "node.garbage_in",
    EXIT_HUNG: "node.hung",
    EXIT_WITNESS_LOST: "witness.lost",
    EXIT_WITNESS_ROLLED_BACK: "witness.rolled_back",
}
PR_SET_NAME = 15

PACKETS = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM


class State(Enum):
    """How far a party is."""

    STARTING = "starting"
    IDENTIFIED = "identified"
    ENROLLED = "ready"
    DOWN = "down"


@dataclass(slots=True, kw_only=True)
class Party:
    """A child process."""

    name: str
    role: Role | Literal["superlink", "supernode"]
    pid: int = 0
    stream: socket.socket | None = None
    reader: FrameReader = field(default_factory=FrameReader)
    state: State = State.STARTING
    identity: Identity | None = None
    enrolment: list[bytes] = field(default_factory=list)
    session: Session | None = None
    code: str = ""
    started: float = 0.0
    deaths: list[float] = field(default_factory=list)
    restart_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """How to run one party, inside its own process.

    Attributes:
        run: called with the party's socket, its session number and its socket to the bench; returns the exit status.
        readable: data files outside the home that this party may read.
        keep: further descriptors it may keep.
        network: whether it keeps the network of the machine.
        bench: whether a process beside it runs scripts, if parties are confined.
    """

    run: Callable[[socket.socket, int, socket.socket | None], int]
    readable: tuple[Path, ...] = ()
    keep: tuple[int, ...] = ()
    network: bool = False
    bench: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceremony:
    """What the roster is made of, besides the parties' own keys."""

    origin: str
    epoch: int
    previous: str
    threshold: int
    key_bits: int
    analysts: tuple[RosterParty, ...]
    officers: tuple[Officer, ...]
    grants: Literal[1, 2]


class Launcher:
    """Runs one federation on one machine until it is told to stop."""

    def __init__(
        self,
        *,
        home: Path,
        confined: bool,
        starters: Mapping[str, Starter],
        ceremony: Ceremony,
        listener: socket.socket,
        report: Callable[[dict[str, object]], None],
        carriers: Carriers | None = None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            home: the federation's home.
            confined: whether parties get namespaces of their own; else they are plain processes.
            starters: the coordinator, every department, and the dealer.
            listener: the launcher's own control socket.
            report: tells whoever started us how far we are.
            carriers: the SuperLink and the SuperNodes of the flower runtime; None in the local one.
        """
        self._home, self._confined, self._starters, self._ceremony = home, confined, starters, ceremony
        self._listener, self._report = listener, report
        departments = [name for name in starters if name not in (COORDINATOR, DEALER)]
        self._coordinator = Party(name=COORDINATOR, role="coordinator")
        self._departments = {name: Party(name=name, role="department") for name in sorted(departments)}
        self._dealer: Party | None = None
        self._fleet = self._make_fleet(carriers) if carriers else None
        self._selector = selectors.DefaultSelector()
        self._counts = Counts(home / "launcher" / "wire.json")
        self._proxy = CopyProxy(self._selector, self._counts, self._deserted)
        self._roster_file = home / "launcher" / "roster.json"
        self._dealt_file = home / "launcher" / "dealt"
        self._roster, self._shares = self._read_roster()
        self._stopping = False
        self._ready = False
        self._begun = time.monotonic()

    def _make_fleet(self, carriers: Carriers) -> Fleet:
        return Fleet(
            carriers,
            new=lambda name, role: Party(name=name, role=role),  # type: ignore[arg-type]  # one of two literals
            start=self._start,
            say=lambda party, word: self._say(party, msgspec.msgpack.encode(word)),
            tell=self._notify,
        )

    def _read_roster(self) -> tuple[Roster | None, dict[str, bytes]]:
        """Read the roster that counts; with the sealed shares, if a first start failed after they were dealt."""
        if self._roster_file.exists():
            return Roster.from_bytes(self._roster_file.read_bytes()), {}
        if self._dealt_file.exists():
            content, shares = msgspec.msgpack.decode(self._dealt_file.read_bytes(), type=tuple[bytes, dict[str, bytes]])
            roster = Roster.from_bytes(content)
            if set(roster.names("department")) == set(self._departments):
                return roster, shares
        return None, {}

    # -- life -----------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Start everybody, serve until stopped; returns the exit status."""
        if _threads() > 1:
            raise RuntimeError("the launcher must be single-threaded when it forks")
        wake_in, wake_out = os.pipe()
        os.set_blocking(wake_in, False)
        os.set_blocking(wake_out, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command that started us
        signal.set_wakeup_fd(wake_out, warn_on_full_buffer=False)
        self._selector.register(wake_in, selectors.EVENT_READ, lambda: os.read(wake_in, 4096))
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._serve_operator)
        for party in self._parties():
            self._start(party)
        while not self._stopping:
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj == wake_in or key.fileobj in self._selector.get_map():
                    key.data()
            self._reap()
            self._restart_due()
            self._give_up_if_late()
            self._counts.save()
        self._end()
        return 0 if self._ready else 1

    def _parties(self) -> list[Party]:
        return [self._coordinator, *self._departments.values()]

    def _everybody(self) -> list[Party]:
        dealer = [self._dealer] if self._dealer else []
        return [*self._parties(), *dealer, *(self._fleet.everybody() if self._fleet else [])]

    def _patience(self) -> float:
        return 0.2 if self._counts.dirty or not self._ready or any(p.restart_at for p in self._everybody()) else 5.0

    def _stop(self) -> None:
        self._stopping = True

    def _end(self) -> None:
        """Close every socket, which is the parties' word to leave, and see them out."""
        # What a party still had to say is counted before its socket is closed.
        self._proxy.part_all()
        for party in self._everybody():
            if party.stream is not None:
                self._forget(party.stream)
                party.stream.close()
        if self._coordinator.pid:
            os.kill(self._coordinator.pid, signal.SIGTERM)  # it waits for jobs, not for us; its files survive a kill
        end = time.monotonic() + STOP_DEADLINE_S
        for party in self._everybody():
            while party.pid and time.monotonic() < end:
                pid, _ = os.waitpid(party.pid, os.WNOHANG)
                if pid:
                    party.pid = 0
                else:
                    signal.sigtimedwait([signal.SIGCHLD], 0.05) if hasattr(signal, "sigtimedwait") else None
            if party.pid:
                os.kill(party.pid, signal.SIGKILL)
                os.waitpid(party.pid, 0)
            if party.session is not None:
                self._counts.end(party.session)
        self._counts.save()

    # -- children -------------------------------------------------------------------------------------------------

    def _start(self, party: Party, carrier: Starter | None = None) -> None:
        starter = carrier or self._starters[party.name]
        home = self._home / ("flower" if carrier else "parties") / party.name
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        ours, theirs = socket.socketpair(socket.AF_UNIX, PACKETS if party.role == "coordinator" else socket.SOCK_STREAM)
        party.session = self._counts.begin(party.name) if party.role == "department" else None
        number = party.session.number if party.session else 0
        party.pid = os.fork()
        if party.pid == 0:
            ours.close()
            _become(starter, home, self._home, theirs, number, confined=self._confined)
        theirs.close()
        ours.setblocking(False)
        party.stream, party.reader, party.identity, party.code = ours, FrameReader(), None, ""
        party.enrolment = []
        party.state, party.started, party.restart_at = State.STARTING, time.monotonic(), None
        self._selector.register(ours, selectors.EVENT_READ, lambda: self._hear(party))

    def _reap(self) -> None:
        for party in self._everybody():
            if not party.pid:
                continue
            pid, status = os.waitpid(party.pid, os.WNOHANG)
            if pid:
                self._buried(party, os.waitstatus_to_exitcode(status))

    def _buried(self, party: Party, status: int) -> None:
        """Clean up after a party's end, and arrange for its return."""
        party.pid = 0
        killed = status < 0 or status > 128
        party.code = "node.killed" if killed else EXIT_CODES.get(status, "node.gone")
        if party is self._dealer:
            if party.state is not State.ENROLLED:
                self._fail({"code": party.code, "details": {"party": DEALER}})
            return
        if not (party.state is State.DOWN and party.code == "node.gone"):
            logger.warning("%s ended with status %d: %s", party.name, status, party.code)
        if party.name in self._proxy:
            self._proxy.drain(party.name)
            self._notify(Notice(party=party.name, code=party.code))
            self._proxy.part(party.name)
        elif party.session is not None:
            self._notify(Notice(party=party.name, code=party.code, session=party.session.number))
        if party.stream is not None:
            self._forget(party.stream)
            party.stream.close()
            party.stream = None
        if party.session is not None:
            self._counts.end(party.session)
        party.state = State.DOWN
        if not self._ready:
            self._fail({"code": party.code, "details": {"party": party.name}})
            return
        if party.role == "supernode":
            return  # its department follows, and comes back with another
        now = time.monotonic()
        party.deaths = [*(t for t in party.deaths if now - t < RESTART_WINDOW_S), now]
        if len(party.deaths) <= MAX_RESTARTS:
            party.restart_at = now
        else:
            logger.error("%s ended %d times within a minute and stays down", party.name, len(party.deaths))
        if party.role == "coordinator":
            # Departments were in the middle of something with the old one: everybody begins anew.
            for department in self._departments.values():
                if department.pid:
                    os.kill(department.pid, signal.SIGKILL)
        if self._fleet is not None and party is self._fleet.link:
            self._fleet.lost()
            if self._coordinator.pid:
                os.kill(self._coordinator.pid, signal.SIGKILL)  # its run is gone

    def _restart_due(self) -> None:
        for party in self._everybody():
            if party.restart_at is None or party.pid:
                continue
            if self._fleet is not None and party is self._fleet.link:
                self._fleet.begin(self._signing_of_coordinator())
            elif self._fleet is None or not self._fleet.is_leaving(party.name):
                self._start(party)

    def _give_up_if_late(self) -> None:
        for party in self._everybody():
            waiting = party.state in (State.STARTING, State.IDENTIFIED) and party.pid
            if waiting and time.monotonic() - party.started > START_DEADLINE_S:
                if self._ready:
                    os.kill(party.pid, signal.SIGKILL)
                else:
                    self._fail(
                        {"code": "node.late", "details": {"party": party.name, "seconds": int(START_DEADLINE_S)}}
                    )

    def _fail(self, reason: dict[str, object]) -> None:
        if not self._stopping:
            self._report(reason)
        self._stop()

    # -- enrolment ------------------------------------------------------------------------------------------------

    def _hear(self, party: Party) -> None:
        """Read what a party says to its launcher, before it may speak to anyone else."""
        if party.stream is None:
            return
        try:
            data = party.stream.recv(CHUNK)
        except (BlockingIOError, ConnectionError):
            data = b""
        if not data:
            self._forget(party.stream)  # its end follows by SIGCHLD
            return
        self._count(party, sent=len(data))
        try:
            bodies = [data] if party.role == "coordinator" else party.reader.feed(data)
            for body in bodies:
                if self._fleet is not None and party in self._fleet.everybody():
                    self._heard_carrier(self._fleet, party, body)
                else:
                    party.enrolment.append(body)
                    self._heard(party, decode(body))
        except (ValueError, NodeError):
            logger.warning("%s said something that is not enrolment", party.name)
            os.kill(party.pid, signal.SIGKILL)

    def _heard(self, party: Party, payload: Payload) -> None:
        match payload:
            case Identity() if party.state is State.STARTING:
                party.identity, party.state = payload, State.IDENTIFIED
                if party is self._coordinator and self._fleet is not None and not self._fleet.link.pid:
                    self._fleet.begin(payload.signing)
                self._enrol_when_all_are_there(party)
            case Unready():
                details = {**payload.details, "party": party.name}
                party.state = State.DOWN
                if not self._ready:
                    self._fail({"code": payload.code, "details": details})
            case Dealt() if party is self._dealer and party.state is State.STARTING:
                party.state = State.ENROLLED
                self._make_roster(payload)
            case Enrolled() if party.state is State.IDENTIFIED and self._roster is not None:
                if payload.roster == self._roster.hash:
                    party.state = State.ENROLLED
                    self._joined(party)
            case _:
                raise NodeError("node.protocol", party=party.name)

    def _heard_carrier(self, fleet: Fleet, party: Party, body: bytes) -> None:
        if fleet.heard(party, body):
            party.state = State.ENROLLED
            if party is fleet.link and self._coordinator.state is State.ENROLLED:
                fleet.introduce()
            self._settle()

    def _signing_of_coordinator(self) -> bytes:
        known = self._roster.party(COORDINATOR) if self._roster else None
        return known.signing if known else b""

    def _enrol_when_all_are_there(self, party: Party) -> None:
        if self._roster is not None:
            known = self._roster.party(party.name)
            said = party.identity
            if known is None or said is None or _keys(known) != _keys(said):
                self._fail({"code": "home.roster_differs", "details": {"party": party.name}})
                return
            enrol = Enrol(roster=self._roster.to_bytes(), share=self._shares.get(party.name, b""))
            self._say(party, encode(enrol))
        elif self._dealer is None and all(p.identity for p in self._parties()):
            self._dealer = Party(name=DEALER, role="department")
            self._start(self._dealer)
            boxes = {name: p.identity.box for name, p in self._departments.items() if p.identity}
            ceremony = self._ceremony
            deal = Deal(holders=boxes, threshold=ceremony.threshold, key_bits=ceremony.key_bits)
            self._say(self._dealer, encode(deal))

    def _make_roster(self, dealt: Dealt) -> None:
        parties = [
            RosterParty(
                name=p.name,
                role="coordinator" if p is self._coordinator else "department",
                signing=p.identity.signing,
                box=p.identity.box,
                witness=p.identity.witness,
                witness_mldsa=p.identity.witness_mldsa,
            )
            for p in self._parties()
            if p.identity
        ]
        self._roster = Roster(
            origin=self._ceremony.origin,
            epoch=self._ceremony.epoch,
            previous=self._ceremony.previous,
            parties=(*parties, *self._ceremony.analysts),
            officers=self._ceremony.officers,
            holders=tuple(self._departments),
            threshold=self._ceremony.threshold,
            public_key=dealt.public_key,
            grants=self._ceremony.grants,
        )
        content = self._roster.to_bytes()
        # Some will have pinned it and others not if this start fails now: the next one hands out the same.
        write_whole(self._dealt_file, msgspec.msgpack.encode((content, dealt.shares)), mode=0o600)
        for party in self._parties():
            self._say(party, encode(Enrol(roster=content, share=dealt.shares.get(party.name, b""))))

    def _joined(self, party: Party) -> None:
        self._report({"party": party.name})
        if party is self._coordinator and self._fleet is not None:
            self._fleet.introduce()
        self._settle()

    def _settle(self) -> None:
        """Link whoever can be linked, and be ready once everybody is there."""
        if self._coordinator.state is State.ENROLLED and (self._fleet is None or self._fleet.up is not None):
            for department in self._departments.values():
                if department.state is State.ENROLLED and department.name not in self._proxy:
                    self._link(department)
        there = all(p.state is State.ENROLLED for p in self._parties())
        carried = self._fleet is None or all(map(self._fleet.carries, self._departments))
        if not self._ready and self._roster and there and carried:
            # Only now: what not everybody has pinned is not yet the roster of a federation.
            write_whole(self._roster_file, self._roster.to_bytes())
            self._dealt_file.unlink(missing_ok=True)
            self._ready = True
            self._report({"ready": True, "seconds": round(time.monotonic() - self._begun, 2)})

    def _say(self, party: Party, data: bytes) -> None:
        if party.stream is None:
            return
        data = data if party.role == "coordinator" else frame(data)
        party.stream.setblocking(True)
        party.stream.settimeout(START_DEADLINE_S)
        with contextlib.suppress(OSError):  # gone: its end follows by SIGCHLD
            party.stream.sendall(data)
        party.stream.setblocking(False)
        self._count(party, received=len(data))

    # -- the coordinator's side of the links ----------------------------------------------------------------------

    def _link(self, party: Party) -> None:
        if party.stream is not None and party.session is not None:
            self._forget(party.stream)
            with self._proxy.join(party.session, party.stream) as end:
                if self._fleet is not None:
                    self._fleet.carry(party, end)
                    return
                enrolled = Notice(party=party.name, session=party.session.number, enrolment=tuple(party.enrolment))
                self._notify(enrolled, end)

    def _deserted(self, name: str) -> None:
        """The coordinator would not listen to a department any more, after garbage: it gets a new life, a new link."""
        party = self._departments[name]
        if party.pid and self._coordinator.pid:
            os.kill(party.pid, signal.SIGKILL)

    def _notify(self, notice: Notice | Word, end: socket.socket | None = None) -> None:
        stream = self._coordinator.stream
        if stream is None or self._coordinator.state is not State.ENROLLED:
            return
        with contextlib.suppress(OSError):
            socket.send_fds(stream, [msgspec.msgpack.encode(notice)], [end.fileno()] if end else [])

    def _forget(self, stream: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(stream)

    # -- the operator ---------------------------------------------------------------------------------------------

    def _count(self, party: Party, *, sent: int = 0, received: int = 0) -> None:
        if party.session is not None:
            self._counts.add(party.session, sent=sent, received=received)

    def _serve_operator(self) -> None:
        """Answer one line on the launcher's socket: status or stop."""
        connection, _ = self._listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(1.0)
            asked = connection.recv(64).strip()
            self._counts.save()
            if asked == b"stop":
                self._stop()
            connection.sendall(json.dumps(self._status()).encode() + b"\n")

    def _status(self) -> dict[str, object]:
        carriers = self._fleet.everybody() if self._fleet else []
        return {
            "ready": self._ready,
            "runtime": "flower" if self._fleet else "local",
            "seconds": round(time.monotonic() - self._begun, 1),
            "launcher_rss_mb": _resident_mb(os.getpid()),
            "parties": [
                {
                    "name": p.name,
                    "role": p.role,
                    "state": p.state.value,
                    "code": p.code,
                    "restarts": len(p.deaths),
                    "session": p.session.number if p.session else 0,
                    "sent": p.session.sent if p.session else 0,
                    "received": p.session.received if p.session else 0,
                    "rss_mb": _resident_mb(_innermost(p.pid)),
                }
                for p in self._parties()
            ],
            "carriers": [
                {"name": p.name, "state": p.state.value, "code": p.code, "rss_mb": _resident_mb(_innermost(p.pid))}
                for p in carriers
            ],
        }


def _become(starter: Starter, home: Path, homes: Path, stream: socket.socket, session: int, *, confined: bool) -> None:
    """Turn this freshly forked process into a party. Never returns."""
    status = EXIT_BUG
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        log = os.open(home / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_NAME, f"ky-{home.name}"[:15].encode(), 0, 0, 0)
        # Before the doors close: behind them nobody can make a sandbox.
        bench = start_bench(homes) if starter.bench and confined else None
        keep = (stream.fileno(), *starter.keep, *(() if bench is None else (bench.fileno(),)))
        if confined:
            confine(homes=homes, home=home, readable=starter.readable, keep=keep, network=starter.network)
        else:
            harden_plain_process(keep)
            os.chdir(home)
        stream.setblocking(True)
        status = starter.run(stream, session, bench)
    except ConfinementError as error:
        print(f"not confined: {error}", file=sys.stderr)
        status = EXIT_CONFINEMENT
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _keys(party: RosterParty | Identity) -> tuple[bytes, ...]:
    return party.signing, party.box, party.witness, party.witness_mldsa


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


def _innermost(pid: int) -> int:
    """The party itself, where `pid` is only the keeper of its process namespace."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[-1])  # a bench comes before it
    return pid


def _resident_mb(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20
    return 0
