"""A script that tries everything it must not, and writes down what came of it.

Standard library only: it is run as any analyst's script is, alone with `told.json`, which says what exists outside and
which attempts to make. Outside a sandbox the same program comes through, which is the positive control; so what would
harm the machine is only ever tried inside (`federation.drills.script.reach` says which). An attempt that ends in
anything but a refusal ends the whole script: a mistake in here must not look like safety.
"""

# ruff: noqa: S108, S606 - to do such things is its purpose

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import platform
import resource
import signal
import socket
import sys
import tempfile
import termios
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

REACHED = "REACHED"
# What Python says instead of the kernel: no such variable, no such module, no higher limit.
REFUSALS = (KeyError, ModuleNotFoundError, ValueError)
DATA, RESULT = "data/given.csv", "out/result.csv"
NEW_USER_NAMESPACE, DETACH, ATTACH, LARGER_PIPE = 0x10000000, 2, 16, 1031
# Calls without a wrapper in libc: their numbers on x86_64 and on aarch64.
NUMBERS = {
    "clone3": (435, 435),
    "io_uring": (425, 425),
    "bpf": (321, 280),
    "key ring": (250, 219),
    "add key": (248, 217),
    "perf": (298, 241),
    "page faults": (323, 282),
    "memory file": (319, 279),
    "other's memory": (310, 270),
    "process descriptor": (434, 434),
    "file handle": (304, 265),
    "another filter": (317, 277),
    "new file system": (430, 430),
    "mount attributes": (442, 442),
    "shared memory": (29, 194),
    "message queue": (240, 180),
    "inotify": (294, 26),
    "set attribute": (188, 5),
    "personality": (135, 92),
    "load module": (175, 105),
    "kexec": (246, 104),
    "schedule": (203, 122),
}

libc = ctypes.CDLL(None, use_errno=True)


def outcome(attempt: Callable[[], object]) -> str:
    """Make an attempt: REACHED, or the name of the error it was refused with."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    except REFUSALS as error:
        return type(error).__name__
    return REACHED


def must(result: int) -> None:
    """Raise libc's error, if there is one."""
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def call(name: str) -> None:
    """Make a call that makes no sense: if the kernel only looks at its arguments, it has been reached."""
    ctypes.set_errno(0)
    result = libc.syscall(NUMBERS[name][platform.machine() != "x86_64"], 0, 0, 0, 0, 0)
    if result < 0 and ctypes.get_errno() in (errno.ENOSYS, errno.EPERM):
        raise OSError(ctypes.get_errno(), "refused")


def connect(family: int, address: tuple[str, int] | str) -> None:
    """Reach somebody's socket."""
    with socket.socket(family) as connection:
        connection.settimeout(1)
        connection.connect(address)


def fork() -> None:
    """Become two."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def spawn() -> None:
    """Start another program."""
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


def append(path: str) -> None:
    """Change a file, or make it."""
    with open(path, "a"):
        pass


def link_for_the_result(target: str) -> None:
    """Have whoever fetches the result fetch something else."""
    os.remove(RESULT)
    os.symlink(target, RESULT)


def inherited() -> None:
    """Find a descriptor that was left open."""
    for descriptor in range(3, 64):
        if outcome(lambda descriptor=descriptor: os.fstat(descriptor)) == REACHED:  # type: ignore[misc]  # bound now
            return
    raise FileNotFoundError(errno.ENOENT, "none")


def attempts(told: Mapping[str, Any]) -> dict[str, Callable[[], object]]:
    """Everything it can try, by name.

    Args:
        told: what there is outside; see `federation.drills.script.outside.Told`.
    """
    return {
        "descriptors": inherited,  # first: others leave some open
        "environment secret": lambda: os.environ[told["secret"]],
        "other dataset": lambda: Path(told["dataset"]).read_text(),
        "key": lambda: Path(told["key"]).read_text(),
        "another's home": lambda: os.listdir(told["home"]),
        "project's code": lambda: Path(told["project"], "federation", "assemble.py").read_text(),
        "import the project": lambda: __import__("federation.errors"),
        "shadow file": lambda: Path("/etc/shadow").read_bytes(),
        "accounts": lambda: Path("/etc/passwd").read_bytes(),
        "processes": lambda: os.listdir("/proc"),
        "system": lambda: os.listdir("/sys"),
        "internet": lambda: connect(socket.AF_INET, ("192.0.2.1", 53)),
        "loopback": lambda: connect(socket.AF_INET, ("127.0.0.1", told["port"])),
        "abstract socket": lambda: connect(socket.AF_UNIX, "\0" + told["abstract"]),
        "named socket": lambda: connect(socket.AF_UNIX, told["socket"]),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "fork": fork,
        "spawn": spawn,
        "new namespace": lambda: must(libc.unshare(NEW_USER_NAMESPACE)),
        "join namespace": lambda: must(libc.setns(0, 0)),
        "new root": lambda: os.chroot("/usr"),
        "mount": lambda: must(libc.mount(b"none", b"/dev", b"tmpfs", 0, None)),
        "unmount": lambda: must(libc.umount2(b"/job/out/result.csv", DETACH)),
        "trace": lambda: must(libc.ptrace(ATTACH, 1, 0, 0)),
        "kill the first process": lambda: os.kill(1, signal.SIGKILL),
        "kill the parent": lambda: os.kill(os.getppid(), signal.SIGKILL),
        "run another program": lambda: os.execv("/bin/true", ["true"]),
        "type into the terminal": lambda: fcntl.ioctl(0, termios.TIOCSTI, b"x"),
        "lock": lambda: fcntl.lockf(os.open(RESULT, os.O_WRONLY), fcntl.LOCK_EX),
        "larger pipe": lambda: fcntl.fcntl(1, LARGER_PIPE, 1 << 20),
        "higher limit": lambda: resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2),
        "priority": lambda: os.nice(-5),
        "become root": lambda: os.setuid(0),
        "host name": lambda: socket.sethostname("mine"),
        "device": lambda: os.mknod("/dev/mem", 0o20666, os.makedev(1, 1)),
        "memory device": lambda: os.open("/dev/mem", os.O_RDONLY),
        "terminal": lambda: os.open("/dev/tty", os.O_RDWR),
        "shared files": lambda: append("/dev/shm/x"),
        "own code": lambda: append("hostile.py"),
        "given data": lambda: append(DATA),
        "remove data": lambda: os.remove(DATA),
        "file at the root": lambda: append("/x"),
        "file in /tmp": lambda: tempfile.TemporaryFile(dir="/tmp").close(),
        "file beside the result": lambda: append("out/other.csv"),
        "file beside the data": lambda: append("data/other.csv"),
        "folder": lambda: os.mkdir("out/folder"),
        "link in out": lambda: os.symlink(told["dataset"], "out/link"),
        "hard link in out": lambda: os.link(DATA, "out/hard"),
        "link for the result": lambda: link_for_the_result(told["dataset"]),
        "rename over the result": lambda: os.rename(DATA, RESULT),
        "interpreter": lambda: append(os.__file__),
        "packages": lambda: append([path for path in sys.path if "packages" in path][-1] + "/x.py"),
        "mode of its code": lambda: os.chmod("hostile.py", 0o700),
        **{name: lambda name=name: call(name) for name in NUMBERS},  # type: ignore[misc]  # bound now
    }


def main() -> None:
    """Make the attempts that are wanted, all if none are named, and tell of them and of itself."""
    told = json.loads(Path("told.json").read_text())
    known = attempts(told)
    seen = {
        "attempts": {name: outcome(known[name]) for name in told["attempts"] or known},
        "environment": sorted(os.environ),
        "files": sorted(os.listdir(".")),
        "user": os.getuid(),
    }
    Path(RESULT).write_text(json.dumps(seen))


if __name__ == "__main__":
    main()
