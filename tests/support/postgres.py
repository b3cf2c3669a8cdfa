"""A PostgreSQL server of the tests' own: an ordinary user's, in a temporary folder, on a Unix socket and loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import randrange

import psycopg

READER, PASSWORD = "reader", "correct horse 电池"
HBA = "local all owner trust\nlocal all all scram-sha-256\nhost all reader 127.0.0.0/8 scram-sha-256\n"
START_S = 60.0
SETTINGS = ("fsync=off", "max_connections=30", "shared_buffers=32MB")


def programs() -> Path | None:
    """The folder of initdb and postgres; Debian keeps them out of PATH."""
    if (found := shutil.which("initdb")) is not None:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return folders[-1] if folders else None


class Server:
    """A running server with a database `city`; the owner may do everything, the reader what it is granted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.sockets = folder, folder / "s"
        # One of the many loopback addresses: the port is the same for all servers of this machine.
        self.address = f"127.{randrange(1, 255)}.{randrange(256)}.{randrange(1, 255)}"
        self._bin = programs()

    @property
    def url(self) -> str:
        """What the settings of a table say."""
        return f"postgresql://{READER}@/city?host={self.sockets}"

    @property
    def tcp_url(self) -> str:
        """What they say where the server is reached over TCP."""
        return f"postgresql://{READER}@{self.address}/city"

    def owner(self, database: str = "city") -> psycopg.Connection:
        """A connection of the owner's."""
        return psycopg.connect(f"postgresql://owner@/{database}?host={self.sockets}", autocommit=True)

    def create(self, table: str, header, rows, kinds) -> None:
        """Make a table, readable by the reader."""
        name, columns = psycopg.sql.Identifier(table), map(psycopg.sql.Identifier, header)
        with self.owner() as owner:
            fields = [psycopg.sql.SQL("{} " + kind).format(column) for column, kind in zip(columns, kinds, strict=True)]
            owner.execute(psycopg.sql.SQL("CREATE TABLE {} ({})").format(name, psycopg.sql.SQL(", ").join(fields)))
            places = psycopg.sql.SQL(", ").join([psycopg.sql.Placeholder()] * len(fields))
            insert = psycopg.sql.SQL("INSERT INTO {} VALUES ({})").format(name, places)
            with owner.cursor() as cursor, owner.transaction():
                cursor.executemany(insert, rows)
            owner.execute(psycopg.sql.SQL("GRANT SELECT ON {} TO reader").format(name))

    def start(self) -> None:
        """Start it as our own child, so that it ends with us even if we are killed; returns when it answers."""
        chosen = (*SETTINGS, f"listen_addresses={self.address}")
        settings = [word for setting in chosen for word in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            command = self._command("postgres", "-k", self.sockets, *settings)
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        end = time.monotonic() + START_S
        while True:
            try:
                self.owner("postgres").close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None and time.monotonic() < end, (self.folder / "log").read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)  # an immediate shutdown
        self._process.wait(START_S)

    def initialise(self) -> None:
        command = self._command("initdb", "-U", "owner", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        result = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, timeout=60, check=False)
        assert result.returncode == 0, result.stderr + result.stdout
        (self.folder / "data" / "pg_hba.conf").write_text(HBA)

    def _command(self, program: str, *arguments: object) -> list[str]:
        command = ["setpriv", "--pdeathsig", "QUIT", str(self._bin / program), "-D", str(self.folder / "data")]
        if os.getuid() == 0:  # which PostgreSQL refuses; a change of user forgets the signal, so that comes first
            command = ["setpriv", f"--reuid={ordinary_user()}", "--regid=nogroup", "--clear-groups", *command]
        return [*command, *map(str, arguments)]


def ordinary_user() -> str:
    """Whom the server runs as where the tests are run by root."""
    return pwd.getpwnam("nobody").pw_name


@contextmanager
def running_server() -> Iterator[Server]:
    """A new server; nothing of it is left afterwards."""
    # Not pytest's folder: a socket's path may have 107 bytes, and the server's user must be able to enter.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        (folder / "s").mkdir()
        if os.getuid() == 0:
            for path in (folder, folder / "s"):
                shutil.chown(path, ordinary_user(), "nogroup")
        folder.chmod(0o755)
        server = Server(folder)
        server.initialise()
        server.start()
        try:
            with server.owner("postgres") as owner:
                owner.execute("CREATE DATABASE city")
                owner.execute(f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'")
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
