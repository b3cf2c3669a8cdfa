"""A federation's home folder on disk, and the short run-time folder for its sockets.

Everything a federation is lies under its home: one folder per party, the launcher's counts, the analysts' keys and
results. Sockets lie elsewhere, since a socket's path may have 107 bytes and a home may be deep; that folder is out of
every party's sight.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from federation.errors import HomeError
from federation.governance.epochs import log_of
from federation.governance.identity import write_whole
from federation.runtime.epochs import old_epochs

FORMAT = 2


class Home:
    """The folders of one federation."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    def party(self, name: str) -> Path:
        """A party's own folder."""
        return self.path / "parties" / name

    def analyst(self, name: str) -> Path:
        """An analyst's own folder."""
        return self.path / "analysts" / name

    def officer(self, name: str) -> Path:
        """An officer's own folder."""
        return self.path / "officers" / name

    @property
    def log(self) -> Path:
        """The launcher's log file."""
        return self.path / "launcher" / "log.txt"

    @property
    def roster(self) -> Path:
        """The roster as the launcher keeps it; every party has its own pinned copy."""
        return self.path / "launcher" / "roster.json"

    @property
    def change(self) -> Path:
        """The change of the roster that was proposed last."""
        return self.path / "launcher" / "change.json"

    def exists(self) -> bool:
        """Whether a federation was ever begun here."""
        return (self.path / "format").exists()

    def prepare(self) -> None:
        """Make the home, or check that it is ours to use.

        Raises:
            HomeError: a newer format, something that is no home, or a folder that cannot be written.
        """
        mark = self.path / "format"
        try:
            if mark.exists():
                self.check_format()
                return
            if self.path.exists() and any(self.path.iterdir()):
                raise HomeError("home.not_a_home", home=self.path)
            (self.path / "launcher").mkdir(parents=True, mode=0o700)
            self.path.chmod(0o700)
            write_whole(self.path / "origin", f"keyong.local/{secrets.token_hex(8)}\n".encode())
            write_whole(mark, f"{FORMAT}\n".encode())
        except OSError as exc:
            raise HomeError("home.unwritable", home=self.path, reason=exc.strerror or "") from exc

    def check_format(self) -> None:
        """Refuse a home written by a newer or an older Keyong.

        Raises:
            HomeError: the format is another, or not a number.
        """
        text = (self.path / "format").read_text().strip()
        if not text.isdigit():
            raise HomeError("home.not_a_home", home=self.path)
        if int(text) > FORMAT:
            raise HomeError("home.newer", home=self.path, found=int(text), known=FORMAT)
        if int(text) < FORMAT:
            # What was signed in an older form cannot be signed anew: it is set aside whole, and stays checkable.
            raise HomeError("home.older", home=self.path, found=int(text), known=FORMAT)

    @property
    def origin(self) -> str:
        """The origin of this epoch's log: made with the home and unique to it, then the epoch."""
        return log_of((self.path / "origin").read_text().strip(), self.epoch)

    @property
    def epoch(self) -> int:
        """The key epoch, from 1."""
        return len(old_epochs(self.path)) + 1

    @property
    def sockets(self) -> Path:
        """The run-time folder, short whatever the home's own path is."""
        short = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        folder = base / f"keyong-{os.getuid()}-{short}"
        # sun_path holds 107 bytes on Linux, 103 on macOS.
        return folder if len(os.fsencode(folder)) < 85 else Path("/tmp") / folder.name  # noqa: S108 - checked below

    @property
    def control_socket(self) -> Path:
        """Where the coordinator takes jobs."""
        return self.sockets / "control.sock"

    def desk_socket(self, department: str) -> Path:
        """Where a department's officers sign."""
        return self.sockets / f"desk-{hashlib.sha256(department.encode()).hexdigest()[:8]}.sock"

    @property
    def launcher_socket(self) -> Path:
        """Where the launcher takes status and stop."""
        return self.sockets / "launcher.sock"

    def listen(self, path: Path) -> socket.socket:
        """Make a socket only this user may reach.

        Raises:
            HomeError: the run-time folder belongs to somebody else.
        """
        folder = path.parent
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise HomeError("home.runtime_folder", folder=folder)
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(32)
        return listener

    @contextlib.contextmanager
    def lock(self, *, wait_s: float = 0.0) -> Iterator[int]:
        """Hold the home; yields a descriptor that a child may keep holding it by.

        Args:
            wait_s: how long to wait for another command to let go.

        Raises:
            HomeError: a federation is running here.
        """
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        end = time.monotonic() + wait_s
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= end:
                        raise HomeError("home.in_use", home=self.path) from None
                    time.sleep(0.05)  # flock has no timeout of its own
            yield descriptor
        finally:
            os.close(descriptor)

    def is_locked(self) -> bool:
        """Whether a federation is running here, or about to."""
        if not self.exists():
            return False
        try:
            with self.lock():
                return False
        except HomeError:
            return True

    def remove_sockets(self) -> None:
        """Remove the run-time folder."""
        shutil.rmtree(self.sockets, ignore_errors=True)
