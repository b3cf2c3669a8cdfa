"""The filter's decisions, by an interpreter of BPF, on both machines; whatever this machine is."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from federation.sandbox import seccomp

DENIED, ABSENT = seccomp.ERRNO | errno.EPERM, seccomp.ERRNO | errno.ENOSYS
FORK, THREAD = 17, seccomp.THREAD
# linux/sched.h
NEW_USER, NEW_NETWORK, CHILD_OF_NONE = 0x10000000, 0x40000000, 0x8000


def decide(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    """Run the filter over one call, as the kernel does (Documentation/networking/filter.rst)."""
    fields = (*arguments, *(0 for _ in range(6 - len(arguments))))
    data = struct.pack("<IIQ6Q", number, seccomp.AUDIT_ARCH[machine] if arch is None else arch, 0, *fields)
    code = list(struct.iter_unpack("<HBBI", seccomp.program(machine)))
    at = accumulator = 0
    while True:
        operation, if_true, if_false, operand = code[at]
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, operand)
                at += 1
            case 0x15:
                at += 1 + (if_true if accumulator == operand else if_false)
            case 0x06:
                return operand
            case _:
                raise AssertionError(f"no such operation {operation:#x}")


@pytest.fixture(params=seccomp.MACHINES)
def machine(request):
    return request.param


def column(machine: str) -> int:
    return seccomp.MACHINES.index(machine)


def test_what_a_script_needs_is_allowed(machine):
    for name, numbers in seccomp.PLAIN.items():
        if (number := numbers[column(machine)]) is not None:
            assert decide(machine, number) == seccomp.ALLOW, name


def test_nothing_else_exists(machine):
    known = {numbers[column(machine)] for numbers in (*seccomp.PLAIN.values(), seccomp.CLONE)}
    known |= {numbers[column(machine)] for numbers, _, _ in seccomp.CHOSEN.values()}
    for number in set(range(600)) - known:
        assert decide(machine, number) == ABSENT, number
    # The x32 calls of x86_64 carry this bit.
    assert decide(machine, 0x40000000) == ABSENT


def test_dangerous_calls_are_not_among_what_is_known():
    assert not {"execve", "fork", "vfork", "clone3", "kill", "ptrace", "socket", "mount", "bpf"} & set(seccomp.PLAIN)


def test_another_architectures_door_ends_the_script(machine):
    assert decide(machine, 0, arch=0x40000003) == seccomp.KILL_PROCESS


def test_a_thread_is_put_to_the_watch_and_nothing_else_is_cloned(machine):
    clone = seccomp.CLONE[column(machine)]
    assert decide(machine, clone, THREAD) == seccomp.USER_NOTIF
    for flags in (FORK, 0, THREAD | NEW_USER, THREAD | NEW_NETWORK, THREAD | CHILD_OF_NONE, THREAD ^ 0x100):
        assert decide(machine, clone, flags) == DENIED, hex(flags)


def test_nobody_types_into_the_terminal(machine):
    ioctl = seccomp.CHOSEN["ioctl"][0][column(machine)]
    assert decide(machine, ioctl, 0, 0x5401) == seccomp.ALLOW
    # The kernel reads 32 bits of a command: others above them do not hide it.
    for command in (0x5412, 0x5412 | 1 << 32, 0x541C):
        assert decide(machine, ioctl, 0, command) == DENIED


def test_other_machines_have_no_filter():
    with pytest.raises(ValueError, match="riscv64"):
        seccomp.program("riscv64")


HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def test_numbers_are_those_of_the_kernels_headers(machine):
    if not HEADERS[machine].exists():
        pytest.skip("the kernel's headers are not installed")
    defined = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text(), re.MULTILINE)
    numbers = {("newfstatat" if name == "fstatat" else name): int(number) for name, number in defined}
    ours = {**seccomp.PLAIN, **{name: n for name, (n, _, _) in seccomp.CHOSEN.items()}}
    ours |= {"clone": seccomp.CLONE, "seccomp": seccomp.SECCOMP}
    for name, both in ours.items():
        if both[column(machine)] is not None:
            assert numbers[name] == both[column(machine)], name
