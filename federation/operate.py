"""A federation from outside: start it, stop it, ask how it is, open an analyst's desk in it.

What runs inside is another program, `federation.assemble`, which is told what to do by one JSON document on its
standard input. Key sizes below the minimum can be asked for from Python only (`minimum_key_bits=512`, in tests).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO, Literal

import msgspec

from crypto.paillier import MINIMUM_KEY_BITS
from federation.analyst import DEFAULT, Analyst, enrol_analyst
from federation.coordinator.control import ControlClient
from federation.errors import HomeError, SettingsError, from_code
from federation.governance.epochs import names_after
from federation.governance.identity import write_whole
from federation.governance.officers import read_officer
from federation.governance.roster import Officer, Party, Roster
from federation.node.desk import DeskClient
from federation.officer import OfficerDesk
from federation.runtime import epochs
from federation.runtime.confinement import bubblewrap_command, why_not
from federation.runtime.home import Home
from federation.settings import Department, Settings

# One thread per process: departments share two cores, and the launcher must be single-threaded when it forks.
QUIET_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "PYTHONUNBUFFERED": "1",
}
# -P: the working directory, which is the home, is no place to import from.
LAUNCHER_PROGRAM = ("-P", "-m", "federation.assemble")
UP_DEADLINE_S = 120.0
DOWN_DEADLINE_S = 15.0
LOCK_WAIT_S = 2.0
# A desk answers after the step its department is in.
DESK_TIMEOUT_S = 90.0


# What carries the messages: socket pairs of the launcher's, or Flower's SuperLink and SuperNodes.
Runtime = Literal["local", "flower"]


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What the launcher's process is told.

    Attributes:
        unconfined: why parties are plain processes; "" if they are confined.
        control: descriptor of the coordinator's listening socket.
        operator: descriptor of the launcher's own.
        report: descriptor to write progress to.
        secrets: by department, the descriptor of the environment variables that it alone is given.
        officers: their public keys.
        epoch: the key epoch, from 1.
        previous: hash of the roster of the epoch before; "" in the first.
        desks: by department, the descriptor of its officers' listening socket.
        conformance: by adapter, the SHA-256 of the report that `keyong adapter check` left in the home.
        runtime: what carries the messages.
    """

    home: str
    origin: str
    settings: Settings
    unconfined: str
    minimum_key_bits: int
    analysts: tuple[Party, ...]
    officers: tuple[Officer, ...]
    epoch: int
    previous: str
    desks: dict[str, int]
    control: int
    operator: int
    report: int
    secrets: dict[str, int] = {}
    conformance: dict[str, str] = {}
    runtime: Runtime = "local"


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def up(
    settings: Settings,
    home: Home,
    *,
    minimum_key_bits: int = MINIMUM_KEY_BITS,
    progress: Callable[[str], None] = lambda _: None,
    runtime: Runtime | None = None,
) -> float:
    """Start a federation in its home; returns when every department is ready.

    Args:
        runtime: what carries the messages; None: as it was started, until `down` forgets it, else local.
        progress: called with every party that has become ready.

    Returns:
        Seconds until all were ready.

    Raises:
        HomeError: a federation is running here, or the home cannot be used.
        KeyongError: what kept a party from starting; nothing is left running.
    """
    home.prepare()
    if epochs.unfinished(home.path) is not None:
        raise HomeError("home.epoch_unfinished")
    previous, enrolled, grants = _rostered(home)
    changed = sorted({*enrolled} ^ {*settings.analysts, *(department.name for department in settings.departments)})
    if enrolled and changed:
        raise HomeError("home.roster_parties", party=", ".join(changed))
    if enrolled and grants != settings.officers_needed:
        raise HomeError("home.roster_grants", count=grants)
    runtime = runtime or remembered_runtime(home)
    # Another command may be starting or stopping one: it lets go within a moment, or holds on because it runs.
    with home.lock(wait_s=LOCK_WAIT_S) as lock, contextlib.ExitStack() as stack:
        unconfined = why_not(home.path) or ""
        control = stack.enter_context(home.listen(home.control_socket))
        operator = stack.enter_context(home.listen(home.launcher_socket))
        desks = {d.name: stack.enter_context(home.listen(home.desk_socket(d.name))) for d in settings.departments}
        report_in, report_out = os.pipe()
        secrets = {d.name: stack.enter_context(_secrets(d)).fileno() for d in settings.departments if d.secrets}
        launch = Launch(
            home=str(home.path),
            origin=home.origin,
            settings=settings,
            unconfined=unconfined,
            minimum_key_bits=minimum_key_bits,
            analysts=tuple(enrol_analyst(home.analyst(name), name) for name in settings.analysts),
            officers=officers_of(settings, home),
            epoch=home.epoch,
            previous=previous,
            desks={name: listener.fileno() for name, listener in desks.items()},
            control=control.fileno(),
            operator=operator.fileno(),
            report=report_out,
            secrets=secrets,
            conformance=_conformance(settings, home),
            runtime=runtime,
        )
        write_whole(_runtime_file(home), runtime.encode())
        command = [sys.executable, *LAUNCHER_PROGRAM]
        if not unconfined:
            outside = [path for path in _data_files(settings) if not path.is_relative_to(home.path)]
            sockets = _sockets(settings, home)
            network = any(department.network for department in settings.departments)
            command = bubblewrap_command(
                command, writable=home.path, readable=outside, sockets=sockets, network=network
            )
        log = stack.enter_context(home.log.open("ab"))
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=(
                launch.control,
                launch.operator,
                launch.report,
                lock,
                *launch.desks.values(),
                *secrets.values(),
            ),
            start_new_session=True,
            env={**_environment(settings), "FLWR_HOME": str(home.path / "flower" / "superlink")},
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


def remembered_runtime(home: Home) -> Runtime:
    """The runtime that a federation was started with and not stopped since; else the default."""
    file = _runtime_file(home)
    return "flower" if file.exists() and file.read_bytes() == b"flower" else "local"


def _runtime_file(home: Home) -> Path:
    return home.path / "launcher" / "runtime"


def down(home: Home, *, forget: bool = True) -> bool:
    """Stop the federation of a home; says whether one was running.

    Args:
        forget: whether the next start takes the default runtime.

    Raises:
        HomeError: it does not stop.
    """
    if forget:
        _runtime_file(home).unlink(missing_ok=True)
    if _operator(home, b"stop") is None:
        return False
    end = time.monotonic() + DOWN_DEADLINE_S
    while home.is_locked():
        if time.monotonic() > end:
            raise HomeError("home.does_not_stop", home=home.path)
        time.sleep(0.05)  # the lock is the launcher's last word; flock cannot be waited for with a deadline
    home.remove_sockets()
    return True


def seal(home: Home) -> None:
    """Have a running federation seal its record as it is now; nothing happens if none runs."""
    with contextlib.suppress(HomeError):
        ControlClient(home.control_socket).seal()
    status(home)  # makes the launcher write its counts


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
    roster = Roster.from_bytes(home.roster.read_bytes())
    epochs.check_past(home.analyst(name), roster, name)
    return Analyst(
        home=home.analyst(name),
        name=name,
        roster=roster,
        catalogue=settings.catalogue,
        control=home.control_socket,
        clock=now,
        minimum_key_bits=minimum_key_bits,
    )


def open_desk(home: Home, name: str, *, timeout_s: float = DESK_TIMEOUT_S) -> OfficerDesk:
    """Let an officer come to its department's desk.

    Raises:
        HomeError: never started, or nobody of this name in the roster.
    """
    if not home.roster.exists():
        raise HomeError("home.not_running")
    department = name.rpartition("@")[2]
    return OfficerDesk(
        home=home.officer(name),
        name=name,
        roster=Roster.from_bytes(home.roster.read_bytes()),
        desk=desk_client(home, department, timeout_s=timeout_s),
        control=home.control_socket,
        clock=now,
    )


def desk_client(home: Home, department: str, *, timeout_s: float = DESK_TIMEOUT_S) -> DeskClient:
    """Reach a department's desk."""
    return DeskClient(home.desk_socket(department), department, timeout_s=timeout_s)


def _await_ready(reports: int, process: subprocess.Popen[bytes], home: Home, progress: Callable[[str], None]) -> float:
    started, buffer = time.monotonic(), b""
    while True:
        left = started + UP_DEADLINE_S - time.monotonic()
        if left <= 0 or not wait([reports], left):
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


def _rostered(home: Home) -> tuple[str, tuple[str, ...], int]:
    """Of this epoch: the hash of the roster before, departments and analysts, and how many officers must grant.

    Nothing of it before the first start.
    """
    past = epochs.old_epochs(home.path)
    old = Roster.from_bytes((past[-1] / "launcher" / "roster.json").read_bytes()) if past else None
    if home.roster.exists():
        roster = Roster.from_bytes(home.roster.read_bytes())
        return roster.previous, (*roster.names("department"), *roster.names("analyst")), roster.grants
    if old is not None:
        change = epochs.ended_by(past[-1]).change
        return old.hash, (*names_after(old, change, "department"), *names_after(old, change, "analyst")), change.grants
    return "", (), 1


def officers_of(settings: Settings, home: Home) -> tuple[Officer, ...]:
    """The officers' public keys, as each of them made them.

    Raises:
        HomeError: one has none yet, or they were made for another role or person.
    """
    officers = []
    for wanted in settings.officers:
        officer = read_officer(home.officer(wanted.name))
        if officer is None:
            raise HomeError("home.officer_missing", officer=wanted.name)
        if (officer.name, officer.role, officer.person) != (wanted.name, wanted.role, wanted.person):
            raise HomeError("home.officer_differs", officer=wanted.name)
        officers.append(officer)
    return tuple(officers)


def _data_files(settings: Settings) -> list[Path]:
    return sorted({path for department in settings.departments for s in department.stores for path in s.files})


def _sockets(settings: Settings, home: Home) -> dict[Path, Path]:
    """Where in each department's home the folders of its database servers' sockets are bound.

    Raises:
        SettingsError: a server is reached over the network that its department has not, or its folder holds sockets
            of ours.
    """
    bound: dict[Path, Path] = {}
    for department in settings.departments:
        for store in department.stores:
            key = f"department[{department.name}].tables.{store.table}.url"
            if store.is_remote and not department.network:
                raise SettingsError("settings.network", department=department.name, key=key)
            for folder in map(Path, store.sockets):
                if any(own.is_relative_to(folder.resolve()) for own in (home.path, home.sockets.resolve())):
                    raise SettingsError("settings.socket_folder", key=key, folder=folder)
        own_home = home.party(department.name)
        for place, folder in zip(socket_places(department, own_home), map(Path, department.sockets), strict=True):
            # bubblewrap would make the home, and let others look into it. A server that is down has no folder.
            own_home.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.is_dir():
                bound[place] = folder
    return bound


def socket_places(department: Department, home: Path) -> list[Path]:
    """Where in a department's home the folders of `department.sockets` are, in their order."""
    return [home / "sockets" / str(index) for index in range(len(department.sockets))]


def conformance_report(home: Home, adapter: str) -> Path:
    """Where `keyong adapter check` leaves its report on an adapter."""
    return home.path / "adapters" / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', adapter).strip('.-')}.json"


def _secrets(department: Department) -> IO[bytes]:
    """Write a department's secrets where only who inherits the descriptor can read them.

    Raises:
        SettingsError: one of the variables is not set.
    """
    for name in department.secrets:
        if name not in os.environ:
            raise SettingsError("settings.secret_missing", variable=name)
    # In memory where the system can; else a file without a name. It is read again at every restart of the party.
    file = open(os.memfd_create("secrets"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()
    file.write(msgspec.json.encode({name: os.environ[name] for name in department.secrets}))
    file.flush()
    return file


def _environment(settings: Settings) -> dict[str, str]:
    """Ours, without the secrets: every party can read what the launcher was started with."""
    secret = {name for department in settings.departments for name in department.secrets}
    return {**{name: value for name, value in os.environ.items() if name not in secret}, **QUIET_ENVIRONMENT}


def _conformance(settings: Settings, home: Home) -> dict[str, str]:
    names = {store.adapter for department in settings.departments for store in department.stores}
    reports = {name: conformance_report(home, name) for name in sorted(names)}
    return {n: hashlib.sha256(file.read_bytes()).hexdigest() for n, file in reports.items() if file.is_file()}
