"""Confine one party: no network, its own home only, no way to see, signal or trace the others.

Two layers. The launcher runs inside one bubblewrap whose mount namespace holds the operating system's libraries, the
code and the homes, nothing else: no run-time folder, so no control or desk socket has a name in there. Every party
forked from it then leaves for namespaces of its own (user, network, mounts, processes, IPC), where the other homes
are covered by an empty file system, and closes the door with Landlock, no capabilities, no_new_privs and no dumps.

A department whose database is on TCP may be left the network, and only the network: then the bubblewrap leaves it to
the launcher, and every other party still departs into a network namespace of its own, or does not start.

Needs Linux 5.13 and unprivileged user namespaces. Where the kernel refuses, `why_not` says why and the caller runs
plain processes under that label: nothing here pretends.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV, MS_NOEXEC = 4096, 16384, 1 << 18, 2, 4, 8
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63

# What a Python process needs from the operating system; everything else stays out of the mount namespace.
SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
# What a process that keeps the network needs besides, to find a name and to check a certificate.
NETWORK_FILES = ("/etc/hosts", "/etc/resolv.conf", "/etc/ssl/certs", "/etc/ssl/openssl.cnf")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")


class ConfinementError(OSError):
    """The kernel refused one step; the party must not go on."""


def code_folders() -> tuple[Path, ...]:
    """Return the folders that hold the interpreter, the libraries and our own code."""
    own = Path(__file__).resolve().parents[2]
    return tuple(dict.fromkeys((Path(sys.prefix), Path(sys.base_prefix), own)))


def bubblewrap_command(
    command: Sequence[str],
    *,
    writable: Path,
    readable: Sequence[Path] = (),
    sockets: Mapping[Path, Path] | None = None,
    network: bool = False,
) -> list[str]:
    """Wrap `command` so that it sees the system, the code, `readable` and, for writing, `writable`.

    Args:
        command: what to run inside.
        writable: the folder of the homes.
        readable: departments' data files outside the homes, or folders of such files.
        sockets: folders of database servers' sockets, by the folder inside a party's home where each is to be found.
            Landlock does not keep a party from a socket that has a name, so none has one outside its owner's home.
        network: whether to leave it the machine's network; a party has it only if `confine` leaves it too.
    """
    wrapped = ["bwrap", "--unshare-all", "--new-session", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108
    for folder in SYSTEM_FOLDERS:
        path = Path(folder)
        if path.is_symlink():
            wrapped += ["--symlink", os.readlink(path), folder]
        elif path.exists():
            wrapped += ["--ro-bind", folder, folder]
    for file in (*SYSTEM_FILES, *(NETWORK_FILES if network else ())):
        wrapped += ["--ro-bind-try", file, file]
    if network:
        wrapped += ["--share-net"]
    for path in (*code_folders(), *readable):
        wrapped += ["--ro-bind", str(path), str(path)]
    wrapped += ["--bind", str(writable), str(writable)]
    for place, source in (sockets or {}).items():
        wrapped += ["--ro-bind", str(source), str(place)]
    return [*wrapped, "--", *command]


def why_not(writable: Path) -> str | None:
    """Return None if parties can be confined on this machine, else one short reason.

    Tries the whole thing once in a throw-away process, since only the kernel knows.
    """
    if sys.platform != "linux":
        return "not Linux"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    probe = bubblewrap_command([sys.executable, "-I", str(Path(__file__).resolve()), str(writable)], writable=writable)
    try:
        result = subprocess.run(probe, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap did not run: {type(error).__name__}"
    if result.returncode == 0:
        return None
    lines = result.stderr.strip().splitlines()
    return f"the kernel refused: {lines[-1][:160]}" if lines else "the kernel refused"


def confine(
    *, homes: Path, home: Path, readable: Sequence[Path] = (), keep: Sequence[int] = (), network: bool = False
) -> None:
    """Irrevocably leave everything but `home`, the code, `readable` and the open descriptors `keep`.

    Returns in a new process (first of its own process namespace); the caller's process stays behind, waits for it
    and exits with its status. Call it in a freshly forked, single-threaded child.

    Args:
        network: whether the process stays in the network namespace that it is in.

    Raises:
        ConfinementError: the kernel refused a step. The caller must exit.
    """
    _new_namespaces(CLONE_NEWPID | (0 if network else CLONE_NEWNET))
    _keep_only(keep)
    _fork_into_process_namespace()
    _hide_other_homes(homes, home)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _must(_libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _restrict_files(home, (*readable, *(map(Path, NETWORK_FILES) if network else ())))
    _drop_capabilities()
    # Last: changing credentials resets both of these.
    _must(_libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")
    _must(_libc().prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "parent death signal")


def seclude(*, homes: Path, keep: Sequence[int] = ()) -> None:
    """Leave the network and all homes, but stay able to make further namespaces: for who makes sandboxes.

    Where the homes were there is a little memory to write to, which nobody else sees and which goes with the process.

    No Landlock here, which would forbid the mounts that a sandbox is made of; what capabilities there are count within
    the new user namespace only. Call it in a freshly forked, single-threaded child; it dies with its parent.

    Raises:
        ConfinementError: the kernel refused a step. The caller must exit.
    """
    # No process namespace: its own /proc could not be mounted, and bubblewrap looks its children up there.
    _new_namespaces(CLONE_NEWNET)
    _keep_only(keep)
    _cover(homes, size="4m")
    os.chdir("/")
    harden_plain_process(keep)


def harden_plain_process(keep: Sequence[int]) -> None:
    """Do what needs no namespaces: close inherited descriptors, no core files, not dumpable, die with the parent."""
    _keep_only(keep)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        _libc().prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _must(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise ConfinementError(code, f"{what}: {os.strerror(code)}")


def _new_namespaces(further: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    _must(_libc().unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | further), "new namespaces")
    maps = (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1"))
    for name, text in maps:
        try:
            Path(f"/proc/self/{name}").write_text(text)
        except OSError as exc:
            raise ConfinementError(exc.errno, f"{name}: {exc.strerror}") from exc


def _keep_only(keep: Sequence[int]) -> None:
    """Close every descriptor but the standard three and `keep`: an inherited socket would be a hole in the wall."""
    last = 3
    for descriptor in sorted(set(keep)):
        os.closerange(last, descriptor)
        last = descriptor + 1
    os.closerange(last, max(65536, last))


def _fork_into_process_namespace() -> None:
    """Continue in a child, which alone sees the new process namespace; the keeper waits and passes the status on.

    If the keeper has another child, a bench, that fails, the party ends with it.
    """
    _must(_libc().prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "parent death signal")
    child = os.fork()
    if child == 0:
        return
    os.closerange(3, 65536)
    ended, status = os.wait()
    while ended != child and status == 0:  # a bench leaves when its department does, and may be the quicker one
        ended, status = os.wait()
    # A kill is passed on as the shell does, so that the launcher can tell it from an exit.
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


def _hide_other_homes(homes: Path, home: Path) -> None:
    """Cover `homes` with an empty file system that holds only `home`, and /proc with our own processes."""
    libc = _libc()
    own = os.open(home, os.O_PATH | os.O_DIRECTORY)
    _cover(homes, size="64k")
    home.mkdir(parents=True)
    _must(libc.mount(f"/proc/self/fd/{own}".encode(), os.fsencode(home), None, MS_BIND | MS_REC, None), "own home")
    os.close(own)
    # Where a fresh /proc is not allowed, Landlock below still hides the old one.
    libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)
    # No further namespaces in here, where a party could be root again. Not every kernel lets us say so.
    with contextlib.suppress(OSError):
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
    os.chdir(home)


def _cover(homes: Path, *, size: str) -> None:
    libc, options = _libc(), f"size={size},mode=700".encode()
    _must(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "private mounts")
    _must(libc.mount(b"none", os.fsencode(homes), b"tmpfs", MS_NOSUID | MS_NODEV, options), "cover the homes")


def _restrict_files(home: Path, readable: Sequence[Path]) -> None:
    from landlock import FSAccess, LandlockError, Ruleset

    read_folder = FSAccess.READ_FILE | FSAccess.READ_DIR | FSAccess.EXECUTE
    ctypes.set_errno(0)
    try:
        rules = Ruleset(restrict_rules=FSAccess.all())
        rules.allow(home, rules=FSAccess.all())
        folders = [Path(f) for f in SYSTEM_FOLDERS] + [*code_folders(), Path("/proc/self")]
        for path in (*folders, *(Path(f) for f in (*SYSTEM_FILES, *DEVICES)), *readable):
            if path.is_dir():
                rules.allow(path.resolve(), rules=read_folder)
            elif path.exists():
                extra = FSAccess.WRITE_FILE if str(path) in DEVICES else FSAccess(0)
                rules.allow(path, rules=FSAccess.READ_FILE | extra)
        rules.apply()
        os.close(rules._fd)
    except (LandlockError, OSError) as exc:
        code = getattr(exc, "errno", None) or errno.EPERM
        raise ConfinementError(code, f"Landlock: {type(exc).__name__}") from exc


def _drop_capabilities() -> None:
    libc = _libc()
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _must(libc.capset(header, (ctypes.c_uint32 * 6)()), "capabilities")


def _probe(homes: Path) -> None:
    """Confine this very process to an empty home, to learn whether the kernel lets us."""
    home = homes / ".probe"
    home.mkdir(exist_ok=True)
    try:
        confine(homes=homes, home=home)
    except ConfinementError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _probe(Path(sys.argv[1]))
