"""A script that tries everything it must not, and writes down what came of it.

It is given `told.json`: what exists outside, and which attempts to make. Outside a sandbox the same program reaches it
all, which is the positive control; so what would harm the machine is only ever tried inside.
"""

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
import termios
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)
told = json.loads(Path("told.json").read_text())
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


def outcome(action):
    """What came of an attempt: REACHED, or how it was refused."""
    try:
        return f"REACHED {action()!r}"[:100]
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:100]


def must(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def call(name):
    """Make a call that makes no sense: if the kernel only looks at its arguments, it has been reached."""
    ctypes.set_errno(0)
    result = libc.syscall(NUMBERS[name][platform.machine() != "x86_64"], 0, 0, 0, 0, 0)
    code = ctypes.get_errno()
    if result < 0 and code in (errno.ENOSYS, errno.EPERM):
        raise OSError(code, os.strerror(code))
    return result, errno.errorcode.get(code)


def connect(family, address):
    with socket.socket(family) as connection:
        connection.settimeout(1)
        connection.connect(address)
        return address


def fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    return os.waitpid(child, 0)


def swap_result():
    os.remove("out/result.csv")
    os.symlink(told["dataset"], "out/result.csv")


def append(path):
    with open(path, "a"):
        return path


def descriptors():
    return [fd for fd in range(3, 64) if not outcome(lambda fd=fd: os.fstat(fd)).startswith("OSError")] or 1 / 0


attempts = {
    "descriptors": descriptors,  # first: others leave some open
    "environment secret": lambda: os.environ["KEYONG_TEST_SECRET"],
    "other dataset": lambda: Path(told["dataset"]).read_text(),
    "key": lambda: Path(told["key"]).read_text(),
    "another's home": lambda: os.listdir(told["home"]),
    "project's code": lambda: Path(told["project"], "federation", "assemble.py").read_text()[:9],
    "import the project": lambda: __import__("federation.assemble"),
    "shadow file": lambda: Path("/etc/shadow").read_bytes()[:1],
    "accounts": lambda: Path("/etc/passwd").read_bytes()[:1],
    "processes": lambda: os.listdir("/proc"),
    "system": lambda: os.listdir("/sys"),
    "internet": lambda: connect(socket.AF_INET, ("192.0.2.1", 53)),
    "loopback": lambda: connect(socket.AF_INET, ("127.0.0.1", told["port"])),
    "abstract socket": lambda: connect(socket.AF_UNIX, "\0" + told["abstract"]),
    "named socket": lambda: connect(socket.AF_UNIX, told["socket"]),
    "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "fork": fork,
    "spawn": lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0),
    "new namespace": lambda: must(libc.unshare(0x10000000)),
    "join namespace": lambda: must(libc.setns(0, 0)),
    "new root": lambda: os.chroot("/usr"),
    "mount": lambda: must(libc.mount(b"none", b"/dev", b"tmpfs", 0, None)),
    "unmount": lambda: must(libc.umount2(b"/job/out/result.csv", 2)),
    "trace": lambda: must(libc.ptrace(16, 1, 0, 0)),
    "kill the first process": lambda: os.kill(1, signal.SIGKILL),
    "kill the parent": lambda: os.kill(os.getppid(), signal.SIGKILL),
    "run another program": lambda: os.execv("/bin/true", ["true"]),
    "type into the terminal": lambda: fcntl.ioctl(0, termios.TIOCSTI, b"x"),
    "lock": lambda: fcntl.lockf(os.open("out/result.csv", os.O_WRONLY), fcntl.LOCK_EX),
    "larger pipe": lambda: fcntl.fcntl(1, 1031, 1 << 20),
    "higher limit": lambda: resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2),
    "priority": lambda: os.nice(-5),
    "become root": lambda: os.setuid(0),
    "host name": lambda: socket.sethostname("mine"),
    "device": lambda: os.mknod("/dev/mem", 0o20666, os.makedev(1, 1)),
    "memory device": lambda: os.open("/dev/mem", os.O_RDONLY),
    "terminal": lambda: os.open("/dev/tty", os.O_RDWR),
    "shared files": lambda: append("/dev/shm/x"),
    "own code": lambda: append("look.py"),
    "given data": lambda: append("data/given.csv"),
    "remove data": lambda: os.remove("data/given.csv"),
    "file at the root": lambda: append("/x"),
    "file in /tmp": lambda: append("/tmp/x"),
    "file beside the result": lambda: append("out/other.csv"),
    "file beside the data": lambda: append("data/other.csv"),
    "folder": lambda: os.mkdir("out/folder"),
    "link in out": lambda: os.symlink(told["dataset"], "out/link"),
    "hard link in out": lambda: os.link("data/given.csv", "out/hard"),
    "link for the result": swap_result,
    "rename over the result": lambda: os.rename("data/given.csv", "out/result.csv"),
    "interpreter": lambda: append(os.__file__),
    "packages": lambda: append([p for p in sys.path if "packages" in p][-1] + "/x.py"),
    "mode of its code": lambda: os.chmod("look.py", 0o777),
    **{name: lambda name=name: call(name) for name in NUMBERS},
}
wanted = told["attempts"] or list(attempts)
seen = {name: outcome(attempts[name]) for name in wanted}
seen["own environment"] = sorted(os.environ)
seen["own files"] = sorted(os.listdir("."))
seen["own user"] = os.getuid()
Path("out/result.csv").write_text(json.dumps(seen))
