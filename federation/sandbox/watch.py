"""Watches over one run from outside: its log, its threads, its time, and whoever may stop it.

What the kernel does not limit for root is limited here: every new thread is put to us by the filter's notices
(seccomp_unotify(2)), and counted. We look at nothing but that there is one more, so nothing can change under our eyes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Literal

from federation.sandbox.command import ENVIRONMENT
from federation.sandbox.limits import Limits

# Every thread that a script ever starts; the libraries that it uses start a handful.
MAX_THREADS = 64
CHUNK = 1 << 16

# linux/seccomp.h: struct seccomp_notif and seccomp_notif_resp, their ioctls, and the flag that lets a call go on.
NOTICE_BYTES, RESPONSE = 80, struct.Struct("=QqiI")
RECEIVE, RESPOND, GO_ON = 0xC0502100, 0xC0182101, 1


class Watch:
    """One run; whatever way it is left, the script is dead afterwards."""

    def __init__(self, limits: Limits) -> None:
        """Prepare; nothing is started yet."""
        self.log = bytearray()
        self._limits = limits
        self._threads, self._log = 0, -1
        self._process: subprocess.Popen[bytes] | None = None
        self._first: int | None = None
        self._poll = select.poll()
        self._heard: dict[int, Callable[[], object]] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Kill what is left: with the first process of its namespace, the kernel ends every other one in there."""
        if self._first is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
            _await(self._first)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._stack.close()

    def start(self, command: Callable[[int, int], list[str]], *, code: bytes, keep: Sequence[int]) -> None:
        """Start the sandbox.

        Args:
            command: makes bubblewrap's command from the shim's socket and bubblewrap's own report.
            code: the filter, which the shim is given.
            keep: further descriptors that bubblewrap reads from.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._stack.enter_context(ours)
        ours.send(code)
        self._log, log_in = os.pipe()
        self._stack.callback(os.close, self._log)
        os.set_blocking(self._log, False)
        info, info_in = os.pipe()
        with theirs, open(info, "rb") as report:
            inner = (theirs.fileno(), info_in)
            try:
                self._process = subprocess.Popen(
                    command(*inner),
                    executable=shutil.which("bwrap"),
                    stdin=subprocess.DEVNULL,
                    stdout=log_in,
                    stderr=log_in,
                    env=ENVIRONMENT,
                    pass_fds=(*inner, *keep),
                )
            finally:
                os.close(log_in)
                os.close(info_in)
            self._first = self._open_first(report.read())
        self._hear(self._log, self._read_log)
        self._hear(ours.fileno(), lambda: self._take_listener(ours))

    def _open_first(self, report: bytes) -> int | None:
        """Open the sandbox's first process, if there is one."""
        with contextlib.suppress(ValueError, ProcessLookupError):
            first = os.pidfd_open(int(json.loads(report)["child-pid"]))
            self._stack.callback(os.close, first)
            return first
        return None

    def until_the_end(self, stop: int | None) -> int | Literal["time", "stopped"]:
        """Wait until the script ends, its time is over, or `stop` is readable; its exit status, or why it must die."""
        if self._process is None:
            raise RuntimeError("nothing was started")
        over = time.monotonic() + self._limits.seconds
        ended = os.pidfd_open(self._process.pid)
        self._stack.callback(os.close, ended)
        self._poll.register(ended, select.POLLIN)
        if stop is not None:
            self._poll.register(stop, select.POLLIN)
        while (left := over - time.monotonic()) > 0:
            for descriptor, _ in self._poll.poll(left * 1000):
                if descriptor == stop:
                    return "stopped"
                if descriptor == ended:
                    while self._read_log():
                        pass
                    return self._process.wait()
                self._heard[descriptor]()
        return "time"

    def _hear(self, descriptor: int, heard: Callable[[], object]) -> None:
        self._heard[descriptor] = heard
        self._poll.register(descriptor, select.POLLIN)

    def _leave(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        del self._heard[descriptor]

    def _read_log(self) -> bool:
        """Read on, keep the beginning; whether there may be more."""
        try:
            text = os.read(self._log, CHUNK)
        except BlockingIOError:
            return False
        self.log += text[: self._limits.log_bytes - len(self.log)]
        if not text and self._log in self._heard:
            self._leave(self._log)
        return bool(text)

    def _take_listener(self, ours: socket.socket) -> None:
        """Take the filter's notices over, the shim's only word; without them it ends, and says why in the log."""
        self._leave(ours.fileno())
        with contextlib.suppress(ConnectionError, ValueError):
            _, (listener,), _, _ = socket.recv_fds(ours, CHUNK, 1)
            self._stack.callback(os.close, listener)
            self._hear(listener, lambda: self._allow_thread(listener))

    def _allow_thread(self, listener: int) -> None:
        notice = bytearray(NOTICE_BYTES)
        try:
            fcntl.ioctl(listener, RECEIVE, notice)
            self._threads += 1
            answer = (0, GO_ON) if self._threads <= MAX_THREADS else (-errno.EAGAIN, 0)
            fcntl.ioctl(listener, RESPOND, RESPONSE.pack(int.from_bytes(notice[:8], "little"), 0, *answer))
        except OSError as error:
            if error.errno != errno.ENOENT:  # who asked is dead
                raise


def _await(process: int) -> None:
    poll = select.poll()
    poll.register(process, select.POLLIN)
    poll.poll()
