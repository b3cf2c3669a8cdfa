"""The bench: the process beside a department that runs approved scripts, each in a sandbox of its own.

A department gives up namespaces and mounts for good, and a sandbox is made of them; so another process makes it. The
bench holds nothing: no home, no key, no network, no descriptor but its end of one socket pair. It is a child of the
department's outer process: each ends with the other, and they are started again together.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import tempfile
import traceback
from pathlib import Path

import msgspec

from federation.runtime.confinement import seclude
from federation.sandbox.errand import MAX_DESCRIPTORS, MAX_PACKET, STOP, Errand, send_ran
from federation.sandbox.room import run_open

EXIT_FAILED = 70
PR_SET_NAME = 15


def start_bench(homes: Path) -> socket.socket:
    """Fork a bench off this process, which must be single-threaded; returns our end of the pair.

    Args:
        homes: the folder of all homes, none of which the bench will see.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        status = EXIT_FAILED
        try:
            ctypes.CDLL(None).prctl(PR_SET_NAME, b"ky-bench", 0, 0, 0)
            seclude(homes=homes, keep=(theirs.fileno(),))
            # What a script writes may be rows: on no disk, where a bench that is killed would leave them behind.
            tempfile.tempdir = str(homes)
            serve(theirs)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    theirs.close()
    return ours


def serve(stream: socket.socket) -> None:
    """Run one errand after the other until the department is gone."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(stream, MAX_PACKET, MAX_DESCRIPTORS)
        try:
            if not message:
                return
            if message != STOP:  # for a script that had ended by then
                _run(stream, msgspec.msgpack.decode(message, type=Errand), descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


def _run(stream: socket.socket, errand: Errand, descriptors: list[int]) -> None:
    names = len(errand.files)
    files = dict(zip(errand.files, descriptors[:names], strict=True))
    data = dict(zip(errand.data, descriptors[names:], strict=True))
    send_ran(stream, run_open(files, data, errand.limits, stop=stream.fileno()))
