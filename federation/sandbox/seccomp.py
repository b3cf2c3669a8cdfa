"""The system calls that a script may make, as a BPF program for the kernel's seccomp (seccomp(2), mode filter).

A list of what pandas, pyarrow and DuckDB need to compute: files, memory, threads, time, signals to itself. Everything
else does not exist in there: no socket, no other process, no `exec`, no namespace, mount, trace, key ring, shared
memory, `io_uring`, `bpf`, nor any call that a later kernel may bring. A call by another architecture's numbers ends the
script.

Numbers: Linux 6.18, arch/x86/entry/syscalls/syscall_64.tbl, and for aarch64 include/uapi/asm-generic/unistd.h. They are
the kernel's promise to programs and do not change. Other machines have no filter here, and so no sandbox.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Sequence

# name: number on x86_64, on aarch64; None where it does not exist.
PLAIN: dict[str, tuple[int, int | None]] = {
    # files: whether one may be written is the mounts' affair
    "open": (2, None),
    "openat": (257, 56),
    "close": (3, 57),
    "close_range": (436, 436),
    "read": (0, 63),
    "readv": (19, 65),
    "pread64": (17, 67),
    "preadv": (295, 69),
    "write": (1, 64),
    "writev": (20, 66),
    "pwrite64": (18, 68),
    "pwritev": (296, 70),
    "lseek": (8, 62),
    "truncate": (76, 45),
    "ftruncate": (77, 46),
    "fallocate": (285, 47),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "fadvise64": (221, 223),
    "stat": (4, None),
    "lstat": (6, None),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getcwd": (79, 17),
    "chdir": (80, 49),
    "getdents64": (217, 61),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "umask": (95, 166),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "pipe": (22, None),
    "pipe2": (293, 59),
    "eventfd2": (290, 19),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    # There is one socket, by which the shim hands this filter's notices over before the script begins.
    "sendmsg": (46, 211),
    # memory, which RLIMIT_AS bounds
    "brk": (12, 214),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "mprotect": (10, 226),
    "madvise": (28, 233),
    "mincore": (27, 232),
    "msync": (26, 227),
    "mbind": (237, 235),
    # threads, once they are there
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "getcpu": (309, 168),
    "gettid": (186, 178),
    "exit": (60, 93),
    "exit_group": (231, 94),
    # signals to itself
    "tgkill": (234, 131),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "getitimer": (36, 102),
    "setitimer": (38, 103),
    "alarm": (37, None),
    "pause": (34, None),
    # time and identity
    "time": (201, None),
    "gettimeofday": (96, 169),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "times": (100, 153),
    "getrusage": (98, 165),
    # The limits are hard: they can be lowered.
    "prlimit64": (302, 261),
    "getpid": (39, 172),
    "getppid": (110, 173),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "getrandom": (318, 278),
}
# name: numbers, which argument is looked at, and the values it may have. Each is an int in the kernel's own code too.
CHOSEN: dict[str, tuple[tuple[int, int], int, tuple[int, ...]]] = {
    # TCGETS and TIOCGWINSZ, for isatty; FIONREAD, FIONBIO; FIOCLEX and its opposite. No TIOCSTI.
    "ioctl": ((16, 29), 1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
    # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC: no locks, no larger pipes, both kernel memory.
    "fcntl": ((72, 25), 1, (0, 1, 2, 3, 4, 1030)),
    # PR_SET_NAME, PR_GET_NAME
    "prctl": ((157, 167), 0, (15, 16)),
}
CLONE = (56, 220)
SECCOMP = (317, 277)
# pthread_create's, as glibc asks for it: a thread of this process, nothing else that clone(2) can make. clone3, whose
# flags lie in memory where no filter can read them, is not there, and glibc then falls back.
THREAD = 0x003D0F00  # VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID CHILD_CLEARTID

MACHINES = ("x86_64", "aarch64")
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h

# linux/seccomp.h
KILL_PROCESS, ALLOW, ERRNO, USER_NOTIF = 0x80000000, 0x7FFF0000, 0x00050000, 0x7FC00000
# struct seccomp_data: nr, arch, instruction pointer, six arguments of eight bytes; both machines are little-endian.
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16
# linux/bpf_common.h: load a word of the data; jump if equal; return
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06

Instruction = tuple[int, int, int, int]


def seccomp_number(machine: str) -> int:
    """The number of seccomp(2)."""
    return SECCOMP[MACHINES.index(machine)]


def program(machine: str) -> bytes:
    """Write the filter as the kernel reads it: an array of `struct sock_filter`.

    New threads are put to whoever holds the filter's notices: the kernel's own limit on them does not bind root.

    Args:
        machine: as `platform.machine()` says.

    Raises:
        ValueError: no filter for this machine.
    """
    if machine not in MACHINES:
        raise ValueError(f"no filter for {machine}")
    column = MACHINES.index(machine)
    code = [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD, 0, 0, NUMBER_AT),
    ]
    for numbers in PLAIN.values():
        if (number := numbers[column]) is not None:
            code += _if_equal(number, [(RETURN, 0, 0, ALLOW)])
    for named, argument, values in CHOSEN.values():
        code += _if_equal(named[column], _choice(argument, values, ALLOW))
    code += _if_equal(CLONE[column], _choice(0, (THREAD,), USER_NOTIF))
    code.append((RETURN, 0, 0, ERRNO | errno.ENOSYS))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def _if_equal(value: int, then: Sequence[Instruction]) -> list[Instruction]:
    return [(JUMP_EQUAL, 0, len(then), value), *then]


def _choice(argument: int, values: Iterable[int], action: int) -> list[Instruction]:
    """Do `action` if an argument is one of the values; else the call is not permitted. Ends the program either way."""
    code = [(LOAD, 0, 0, ARGUMENTS_AT + 8 * argument)]
    for value in values:
        code += _if_equal(value, [(RETURN, 0, 0, action)])
    return [*code, (RETURN, 0, 0, ERRNO | errno.EPERM)]
