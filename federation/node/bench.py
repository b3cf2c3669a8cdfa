"""A department's way to its bench, the process beside it that runs approved scripts in a sandbox.

The department may not make namespaces, the bench sees no home and no network. What a script is given is handed to the
bench as open files, so that it needs no path, and nothing can be exchanged on the way. While a script runs the officers
are heard; if they take back their word, it is killed before anybody is told.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from multiprocessing.connection import wait
from pathlib import Path

import msgspec

from federation.errors import NodeError, RefusedError
from federation.governance.approvals import FILE_NAME
from federation.sandbox.descriptors import in_memory, opened
from federation.sandbox.errand import STOP, Errand, receive_ran
from federation.sandbox.limits import Limits, Ran


class Bench:
    """Runs scripts at the bench: a `Runner`."""

    def __init__(self, stream: socket.socket, scripts: Path, desk: int, alive: Callable[[str], None]) -> None:
        """Sit down.

        Args:
            stream: to the bench.
            scripts: the folder in which every job has one of its own, with its `data`.
            desk: descriptor that is readable when somebody stands at the desk.
            alive: hears them, and refuses if the department's word for a job does not stand any more.
        """
        self._stream, self._scripts, self._desk, self._alive = stream, scripts, desk, alive

    def run(self, job: str, files: Mapping[str, str], limits: Limits) -> Ran:
        """Run a script over what lies in its job's `data`; see `Runner`."""
        if not FILE_NAME.fullmatch(job):
            raise RefusedError("refused.control")
        texts = {name: text.encode() for name, text in files.items()}
        with in_memory(texts) as code, opened(self._scripts / job / "data") as data:
            errand = Errand(files=tuple(code), data=tuple(data), limits=limits)
            try:
                socket.send_fds(self._stream, [msgspec.msgpack.encode(errand)], [*code.values(), *data.values()])
            except ConnectionError as exc:
                raise NodeError("node.gone", party="bench") from exc
        try:
            while self._stream not in wait([self._stream, self._desk]):
                self._alive(job)
        except BaseException:
            self._stream.send(STOP)
            receive_ran(self._stream)  # it is dead
            raise
        return receive_ran(self._stream)
