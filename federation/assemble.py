"""The only place where objects are wired together: a federation out of its settings, a party out of its home.

Run as a program it is the launcher's process, told what to do by one JSON document on its standard input. Key sizes
below the minimum can be asked for from Python only (`up(..., minimum_key_bits=512)`, in tests).
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from crypto import threshold
from crypto.paillier import MINIMUM_KEY_BITS, Encryptor, generate
from crypto.sealing import open_box, seal
from crypto.threshold import KeyShare
from federation.adapters import Adapter, load_adapter
from federation.analyst import DEFAULT, Analyst, enrol_analyst, pin_roster
from federation.audit.events import Actor
from federation.audit.journal import Draft, Journal
from federation.audit.log import Log
from federation.audit.record import Public
from federation.coordinator.control import ControlServer
from federation.coordinator.jobs import JobQueue
from federation.coordinator.sequencer import Sequencer
from federation.coordinator.server_app import Gatherer, server_app
from federation.errors import HomeError, KeyongError, NodeError, from_code
from federation.governance.identity import Identity, write_secret, write_whole
from federation.governance.roster import Party as RosterParty
from federation.governance.roster import Roster
from federation.messages import Deal, Dealt, Enrol, Enrolled, Header, Payload, Unready, decode, encode
from federation.messages import Identity as IdentityMessage
from federation.node.client_app import client_app
from federation.node.department import Department
from federation.node.gateway import Gateway
from federation.queries.sums import Office, new_nonce
from federation.runtime import flower
from federation.runtime.confinement import bubblewrap_command, why_not
from federation.runtime.frames import frame, receive
from federation.runtime.home import Home
from federation.runtime.launcher import (
    COORDINATOR,
    DEALER,
    EXIT_BUG,
    EXIT_DISK_FULL,
    EXIT_GARBAGE,
    EXIT_STORAGE,
    PR_SET_NAME,
    Ceremony,
    Launcher,
    Starter,
)
from federation.runtime.local_grid import LocalGrid
from federation.settings import Department as DepartmentSettings
from federation.settings import Settings

logger = logging.getLogger(__name__)

# One thread per process: departments share two cores, and the launcher must be single-threaded when it forks.
QUIET_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "PYTHONUNBUFFERED": "1",
}
# -P: the working directory, which is the home, is no place to import from.
LAUNCHER_PROGRAM = ("-P", "-m", "federation.assemble")
UP_DEADLINE_S = 120.0
DOWN_DEADLINE_S = 15.0


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What the launcher's process is told.

    Attributes:
        unconfined: why parties are plain processes; "" if they are confined.
        control: descriptor of the coordinator's listening socket.
        operator: descriptor of the launcher's own.
        report: descriptor to write progress to.
    """

    home: str
    origin: str
    settings: Settings
    unconfined: str
    minimum_key_bits: int
    analysts: tuple[RosterParty, ...]
    control: int
    operator: int
    report: int


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


# -- from outside: up, down, status -----------------------------------------------------------------------------------


def up(
    settings: Settings,
    home: Home,
    *,
    analysts: Sequence[str] = (DEFAULT,),
    minimum_key_bits: int = MINIMUM_KEY_BITS,
    progress: Callable[[str], None] = lambda _: None,
) -> float:
    """Start a federation in its home; returns when every department is ready.

    Args:
        analysts: who may ask; their keys are made here.
        progress: called with every party that has become ready.

    Returns:
        Seconds until all were ready.

    Raises:
        HomeError: a federation is running here, or the home cannot be used.
        KeyongError: what kept a party from starting; nothing is left running.
    """
    home.prepare()
    if home.roster.exists():
        enrolled = Roster.from_bytes(home.roster.read_bytes()).names("department")
        changed = sorted({*enrolled} ^ {department.name for department in settings.departments})
        if changed:
            raise HomeError("home.roster_parties", party=", ".join(changed))
    # Another command may be starting or stopping one: it lets go within a moment, or holds on because it runs.
    with home.lock() as lock, contextlib.ExitStack() as stack:
        unconfined = why_not(home.path) or ""
        control = stack.enter_context(home.listen(home.control_socket))
        operator = stack.enter_context(home.listen(home.launcher_socket))
        report_in, report_out = os.pipe()
        launch = Launch(
            home=str(home.path),
            origin=home.origin,
            settings=settings,
            unconfined=unconfined,
            minimum_key_bits=minimum_key_bits,
            analysts=tuple(enrol_analyst(home.analyst(name), name) for name in analysts),
            control=control.fileno(),
            operator=operator.fileno(),
            report=report_out,
        )
        command = [sys.executable, *LAUNCHER_PROGRAM]
        if not unconfined:
            outside = [Path(p) for p in _data_files(settings) if not Path(p).is_relative_to(home.path)]
            command = bubblewrap_command(command, writable=home.path, readable=outside)
        log = stack.enter_context(home.log.open("ab"))
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=(launch.control, launch.operator, launch.report, lock),
            start_new_session=True,
            env={**os.environ, **QUIET_ENVIRONMENT},
            cwd=home.path,
        )
        os.close(report_out)
        with open(report_in, "rb", buffering=0) as reports:
            if process.stdin is not None:
                process.stdin.write(msgspec.json.encode(launch))
                process.stdin.close()
            try:
                return _await_ready(reports.fileno(), process, home, progress)
            except BaseException:
                _kill(process)
                home.remove_sockets()
                raise


def down(home: Home) -> bool:
    """Stop the federation of a home; says whether one was running.

    Raises:
        HomeError: it does not stop.
    """
    if _operator(home, b"stop") is None:
        return False
    end = time.monotonic() + DOWN_DEADLINE_S
    while home.is_locked():
        if time.monotonic() > end:
            raise HomeError("home.does_not_stop", home=home.path)
        time.sleep(0.05)  # the lock is the launcher's last word; flock cannot be waited for with a deadline
    home.remove_sockets()
    return True


def status(home: Home) -> dict[str, object] | None:
    """What the launcher says of its parties; None if nothing runs."""
    return _operator(home, b"status")


def open_analyst(
    settings: Settings, home: Home, name: str = DEFAULT, *, minimum_key_bits: int = MINIMUM_KEY_BITS
) -> Analyst:
    """Open an analyst's desk in a federation that has been started.

    Raises:
        HomeError: never started, or this analyst is not in its roster.
    """
    if not home.roster.exists():
        raise HomeError("home.not_running")
    return Analyst(
        home=home.analyst(name),
        name=name,
        roster=Roster.from_bytes(home.roster.read_bytes()),
        catalogue=settings.catalogue,
        control=home.control_socket,
        clock=now,
        minimum_key_bits=minimum_key_bits,
    )


def _await_ready(reports: int, process: subprocess.Popen[bytes], home: Home, progress: Callable[[str], None]) -> float:
    started, buffer = time.monotonic(), b""
    while True:
        left = started + UP_DEADLINE_S - time.monotonic()
        if left <= 0 or not select.select([reports], [], [], left)[0]:
            raise HomeError("home.start_late", seconds=int(UP_DEADLINE_S), log=home.log)
        data = os.read(reports, 65536)
        if not data:
            process.wait()
            raise HomeError("home.start_failed", log=home.log)
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            report = json.loads(line)
            if "code" in report:
                raise from_code(report["code"], **report["details"])
            if report.get("ready"):
                return time.monotonic() - started
            progress(report["party"])


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _operator(home: Home, word: bytes) -> dict[str, object] | None:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10.0)
            connection.connect(str(home.launcher_socket))
            connection.sendall(word)
            with connection.makefile("rb") as lines:
                said = json.loads(lines.readline() or b"null")
                return said if isinstance(said, dict) else None
    except (OSError, ValueError):
        return None


def _data_files(settings: Settings) -> list[str]:
    options = (store.options for department in settings.departments for store in department.stores)
    return sorted({option["path"] for option in options if "path" in option})


# -- inside: the launcher's process and the parties -------------------------------------------------------------------


def main() -> int:
    """Run the launcher's process."""
    launch = msgspec.json.decode(sys.stdin.buffer.read(), type=Launch)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_NAME, b"ky-launcher", 0, 0, 0)
    import duckdb  # noqa: F401 - imported once here, so that no department has to

    home, settings = Home(Path(launch.home)), launch.settings
    public = Public(
        name=settings.name,
        departments=tuple(d.name for d in settings.departments),
        labels=settings.labels("zh"),
        labels_en=settings.labels("en"),
        unconfined=launch.unconfined,
    )
    write_whole(home.path / "launcher" / "public.json", msgspec.json.encode(public))
    control = socket.socket(fileno=launch.control)
    starters = {
        COORDINATOR: Starter(
            run=lambda stream, session: _run_coordinator(launch, stream, control), keep=(launch.control,)
        ),
        DEALER: Starter(run=lambda stream, session: _run_dealer(launch, stream)),
    }
    for department in settings.departments:
        files = tuple(Path(store.options["path"]) for store in department.stores if "path" in store.options)
        starters[department.name] = Starter(
            run=lambda stream, session, d=department: _run_department(launch, d, stream, session),  # type: ignore[misc]
            readable=files,
        )
    reporting = True

    def report(said: dict[str, object]) -> None:
        nonlocal reporting
        if reporting:
            with contextlib.suppress(OSError):
                os.write(launch.report, json.dumps(said).encode() + b"\n")
            if "ready" in said or "code" in said:
                os.close(launch.report)
                reporting = False

    ceremony = Ceremony(
        origin=launch.origin,
        threshold=settings.catalogue.threshold,
        key_bits=settings.key_bits,
        analysts=launch.analysts,
    )
    launcher = Launcher(
        home=home.path,
        confined=not launch.unconfined,
        starters=starters,
        ceremony=ceremony,
        listener=socket.socket(fileno=launch.operator),
        report=report,
    )
    gc.freeze()  # children share these pages as long as the collector does not touch them
    return launcher.run()


def _run_department(launch: Launch, settings: DepartmentSettings, stream: socket.socket, session: int) -> int:
    _log_to_stderr()
    home = Home(Path(launch.home)).party(settings.name)
    try:
        identity = Identity.in_home(settings.name, home)
        journal = Journal(
            home / "journal.db",
            origin=launch.origin,
            node=settings.name,
            key=identity.signing,
            clock=now,
        )
    except (HomeError, OSError) as error:
        logger.error("%s", error)
        return _storage_status(error)
    gateway = Gateway(journal, settings.name)
    link = _DepartmentLink(settings.name, launch.origin, stream, gateway)
    started = Draft(
        type="start",
        actor=Actor(name=settings.name, role="node"),
        data={
            "session": session,
            "catalogue": launch.settings.catalogue.hash,
            "isolation": launch.unconfined or "confined",
            "version": version("keyong"),
        },
    )
    try:
        stores: dict[str, Adapter] = {}
        for store in settings.stores:
            try:
                stores[store.table] = load_adapter(store.adapter, store.columns, store.options)
            except KeyongError as error:
                logger.error("table %s: %s", store.table, error)
                details = {"table": store.table, **{k: str(v) for k, v in error.details.items()}}
                link.say(Unready(code=error.code, details=details), (started,))
                return 0
        pinned = home / "roster.json"
        enrolled = Roster.from_bytes(pinned.read_bytes()).hash if pinned.exists() else ""
        link.say(
            IdentityMessage(
                party=settings.name, signing=identity.signing.public, box=identity.box.public, enrolled=enrolled
            ),
            (started,),
        )
        enrol = link.hear()
        if not isinstance(enrol, Enrol):
            return EXIT_GARBAGE
        roster = _pin(home, enrol.roster, identity)
        share = _keep_share(home, enrol.share, identity, roster)
        public_key = roster.paillier(minimum_bits=launch.minimum_key_bits)
        enrolment = Draft(
            type="enrol",
            actor=Actor(name=settings.name, role="node"),
            data={"roster": roster.hash, "epoch": roster.epoch, "key": public_key.fingerprint, "share": share.index},
        )
        link.say(Enrolled(roster=roster.hash), () if journal.holds("enrol", "") else (enrolment,))
        office = Office(
            identity=identity,
            roster=roster,
            catalogue=launch.settings.catalogue,
            public_key=public_key,
            share=share,
            encryptor=Encryptor(public_key),
            stores=stores,
            used=lambda job: journal.holds("approval.grant", job),
        )
        _serve(stream, Department(office, journal, gateway))
    except (HomeError, OSError) as error:
        # Without a ledger nothing may leave, not even the reason: the exit status is all there is.
        logger.error("%s", error)
        return _storage_status(error)
    except NodeError as error:
        logger.error("%s", error)
        return EXIT_GARBAGE
    return 0


def _serve(stream: socket.socket, department: Department) -> None:
    """Answer Flower messages until the launcher closes the stream."""
    from flwr.app import Context, RecordDict

    flower.identify_task(1)
    app = client_app(department)
    context = Context(run_id=1, node_id=0, node_config={}, state=RecordDict(), run_config={})
    while (body := receive(stream)) is not None:
        message = flower.from_bytes(body)
        try:
            reply = app(message, context)
        except NodeError as error:
            # Not the coordinator's word under our roster: no answer, so that nobody can probe us.
            logger.warning("ignored a message: %s", error.code)
            continue
        stream.sendall(department.gateway.release(frame(flower.to_bytes(reply))))


class _DepartmentLink:
    """What a department says to its launcher while it enrols; it too passes the gateway."""

    def __init__(self, name: str, origin: str, stream: socket.socket, gateway: Gateway) -> None:
        self._name, self._origin, self._stream, self._gateway = name, origin, stream, gateway

    def say(self, payload: Payload, drafts: Sequence[Draft]) -> None:
        header = Header(
            origin=self._origin,
            job="",
            attempt=0,
            plan="",
            roster="",
            epoch=0,
            sender=self._name,
            recipient="launcher",
            number=new_nonce(),
            reply_to="",
        )
        self._gateway.admit(header, payload, drafts)
        self._stream.sendall(self._gateway.release(frame(encode(payload))))

    def hear(self) -> Payload | None:
        body = receive(self._stream)
        return None if body is None else decode(body)


def _run_coordinator(launch: Launch, channel: socket.socket, control: socket.socket) -> int:
    _log_to_stderr()
    home = Home(Path(launch.home)).party(COORDINATOR)
    try:
        identity = Identity.in_home(COORDINATOR, home)
        pinned = home / "roster.json"
        enrolled = Roster.from_bytes(pinned.read_bytes()).hash if pinned.exists() else ""
        channel.send(
            encode(
                IdentityMessage(
                    party=COORDINATOR, signing=identity.signing.public, box=identity.box.public, enrolled=enrolled
                )
            )
        )
        enrol = decode(channel.recv(1 << 20))
        if not isinstance(enrol, Enrol):
            return EXIT_GARBAGE
        roster = _pin(home, enrol.roster, identity)
        origin, key = roster.origin, identity.signing
        journal = Journal(home / "journal.db", origin=origin, node=COORDINATOR, key=key, clock=now)
        log = Log(home / "log.db", origin=origin, key=key)
        sequencer = Sequencer(log, journal, roster)
        actor = Actor(name=COORDINATOR, role="coordinator")
        if not journal.holds("enrol", ""):
            sequencer.record(Draft(type="enrol", actor=actor, data={"roster": roster.hash, "epoch": roster.epoch}))
        sequencer.record(Draft(type="start", actor=actor, data={"version": version("keyong")}))
        channel.send(encode(Enrolled(roster=roster.hash)))
    except (HomeError, OSError) as error:
        logger.error("%s", error)
        return _storage_status(error)
    from flwr.app import Context, RecordDict

    grid = LocalGrid(roster.names("department"), channel)
    jobs = JobQueue()
    ControlServer(control, jobs, sequencer, roster).start()
    gatherer = Gatherer(
        nodes=grid,
        identity=identity,
        roster=roster,
        public_key=roster.paillier(minimum_bits=launch.minimum_key_bits),
        sequencer=sequencer,
        deadline_s=launch.settings.deadline_s,
    )
    app = server_app(jobs, gatherer, lambda _: grid.wait_for(roster.names("department"), launch.settings.deadline_s))
    context = Context(run_id=1, node_id=flower.COORDINATOR_NODE, node_config={}, state=RecordDict(), run_config={})
    app(grid=grid, context=context)
    return 0


def _run_dealer(launch: Launch, stream: socket.socket) -> int:
    """Make the joint key and its shares, hand them over sealed, and end.

    The dealer is trusted: for a moment it holds the whole key. It runs confined like any party, writes nothing to
    disk, and its process ends here; that its memory is gone cannot be proven.
    """
    body = receive(stream)
    deal = decode(body) if body else None
    if not isinstance(deal, Deal):
        return EXIT_GARBAGE
    private = generate(deal.key_bits, minimum_bits=launch.minimum_key_bits)
    shares = threshold.deal(private, holders=len(deal.holders), threshold=deal.threshold)
    sealed = {
        name: seal(box, share.to_bytes(), context=_share_context(launch.origin, name))
        for (name, box), share in zip(deal.holders.items(), shares, strict=True)
    }
    stream.sendall(frame(encode(Dealt(public_key=private.public.to_bytes(), shares=sealed))))
    return 0


def _share_context(origin: str, holder: str) -> bytes:
    return f"keyong\nkey share\n{origin}\n{holder}".encode()


def _pin(home: Path, content: bytes, identity: Identity) -> Roster:
    """Pin the roster, in which we must stand with our own keys."""
    roster = Roster.from_bytes(content)
    own = roster.party(identity.name)
    if own is None or (own.signing, own.box) != (identity.signing.public, identity.box.public):
        raise HomeError("home.roster_differs", party=identity.name)
    pin_roster(home, roster)
    return roster


def _keep_share(home: Path, box: bytes, identity: Identity, roster: Roster) -> KeyShare:
    """Open the dealt share at the first enrolment; read it from the home at every later one."""
    file = home / "share.key"
    if box and not file.exists():
        write_secret(file, open_box(identity.box, box, context=_share_context(roster.origin, identity.name)))
    if not file.exists():
        raise HomeError("home.share_lost", party=identity.name)
    share = KeyShare.from_bytes(file.read_bytes())
    if share.index != roster.holders.index(identity.name) + 1 or share.threshold != roster.threshold:
        raise HomeError("home.share_lost", party=identity.name)
    return share


def _storage_status(error: Exception) -> int:
    full = getattr(error, "code", "") == "home.disk_full" or getattr(error, "errno", None) == 28
    return EXIT_DISK_FULL if full else EXIT_STORAGE if isinstance(error, OSError | HomeError) else EXIT_BUG


def _log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr, force=True
    )


if __name__ == "__main__":
    status_code = main()
    sys.stderr.flush()
    os._exit(status_code)  # native libraries have nothing to say at the end of a process that only forked
