"""The first program in the sandbox: gives up what a script needs not, then becomes the script.

Standard library only: the sandbox has no other file of this project. It runs as `inside.py SOCKET SECCOMP SECONDS
MEMORY OUTPUT SCRIPT PACKAGES...`; once the script has begun, nothing that this process does or says can be relied upon.
"""

from __future__ import annotations

import ctypes
import os
import resource
import runpy
import socket
import sys
import traceback
from typing import NoReturn

# Exit statuses: of Python itself, and one for which there is no signal.
DONE, FAILED, MEMORY = 0, 1, 96

SET_MODE_FILTER, NEW_LISTENER = 1, 8  # linux/seccomp.h
DESCRIPTORS = 64
# What a script that ignores SIGXCPU is still given before the kernel kills it.
LAST_WARNING_S = 1


class Filter(ctypes.Structure):
    """`struct sock_fprog`: how many instructions, and where they are."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def main(arguments: list[str]) -> NoReturn:
    """Run the script within its limits; never returns."""
    control, seccomp, seconds, memory, output = map(int, arguments[:5])
    script, *packages = arguments[5:]
    _limit(seconds, memory, output)
    with socket.socket(fileno=control) as outside:
        listener = _filter(seccomp, outside.recv(1 << 16))
        socket.send_fds(outside, [b"filtered"], [listener])
        os.close(listener)
    sys.path[:] = [os.getcwd(), *sys.path, *packages]
    sys.argv[:] = [script]
    _end(_run(script))


def _limit(seconds: int, memory: int, output: int) -> None:
    """Hard limits, which nobody without a capability raises again."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + LAST_WARNING_S))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # One byte more than may leave, so that who wrote too much is told from who wrote exactly that.
    resource.setrlimit(resource.RLIMIT_FSIZE, (output + 1, output + 1))
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))


def _filter(seccomp: int, code: bytes) -> int:
    """Install the filter; returns the descriptor by which new threads are allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    listener = int(libc.syscall(seccomp, SET_MODE_FILTER, NEW_LISTENER, ctypes.byref(Filter(len(code) // 8, code))))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "no filter")
    return listener


def _run(script: str) -> int:
    try:
        runpy.run_path(script, run_name="__main__")
    except MemoryError:
        return MEMORY
    except SystemExit as end:
        return DONE if end.code in (None, 0) else FAILED
    except BaseException:
        traceback.print_exc()
        return FAILED
    return DONE


def _end(status: int) -> NoReturn:
    """Leave at once: no thread and no handler that the script left behind runs on."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1:])
