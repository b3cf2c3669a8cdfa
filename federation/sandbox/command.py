"""The bubblewrap command of a sandbox: the system, an interpreter and its packages for reading, one file for writing.

No network, no /proc (a sandbox within a sandbox may not mount one), no capabilities, no terminal. Nothing in there can
be written but the file of the result: so there is no room to fill, no link to leave, and no data to change.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
NOBODY = "65534"

# Where the script finds itself: its files here, `data/` for reading, `out/result.csv` for writing.
WORK, DATA, OUT, RESULT = "/job", "data", "out", "result.csv"
SHIM = "/inside.py"

# One thread per library, so that limits mean what they say.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": WORK,
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ARROW_IO_THREADS": "1",
    # Neither keeps address space that it does not use.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
}


def packages() -> tuple[Path, ...]:
    """The folders of installed packages; what is installed by a path into a folder elsewhere is not in there."""
    paths = dict.fromkeys(map(Path, sys.path))
    return tuple(path for path in paths if path.name in ("site-packages", "dist-packages") and path.is_dir())


def interpreter() -> Path:
    """The interpreter itself, behind any virtual environment."""
    return Path(sys.executable).resolve()


def sandbox_command(
    *,
    files: Mapping[str, int],
    data: Mapping[str, int],
    result: Path,
    info: int,
    arguments: Sequence[str],
) -> list[str]:
    """Write the command.

    Args:
        files: by name, the descriptor that each file of the script is copied from.
        data: the same for what it is given to read.
        result: the one file it may write.
        info: descriptor that bubblewrap tells the sandbox's process number to.
        arguments: of the shim, before the folders of the packages.
    """
    command = ["bwrap", "--unshare-all", "--new-session", "--die-with-parent", "--cap-drop", "ALL"]
    command += ["--uid", NOBODY, "--gid", NOBODY, "--hostname", "sandbox", "--info-fd", str(info)]
    for folder in map(Path, SYSTEM_FOLDERS):
        if folder.is_symlink():
            command += ["--symlink", os.readlink(folder), str(folder)]
        elif folder.exists():
            command += ["--ro-bind", str(folder), str(folder)]
    command += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    if not Path(sys.base_prefix).is_relative_to("/usr"):
        command += ["--ro-bind", sys.base_prefix, sys.base_prefix]
    for device in DEVICES:
        command += ["--dev-bind", device, device]
    places = [f"/packages/{number}" for number, _ in enumerate(packages())]
    for folder, place in zip(packages(), places, strict=True):
        command += ["--ro-bind", str(folder), place]
    command += ["--ro-bind", str(Path(__file__).with_name("inside.py")), SHIM]
    for place, copied in ((WORK, files), (f"{WORK}/{DATA}", data)):
        command += ["--dir", place]
        for name, descriptor in copied.items():
            command += ["--file", str(descriptor), f"{place}/{name}"]
    command += ["--bind", str(result), f"{WORK}/{OUT}/{RESULT}", "--remount-ro", "/", "--chdir", WORK, "--"]
    # -I -S: no environment, no site, no path files; -B: nowhere to keep bytecode.
    return [*command, str(interpreter()), "-I", "-S", "-B", "-u", "-X", "utf8", SHIM, *arguments, *places]
