"""Files as open descriptors: what is handed over so cannot be exchanged for another, and neither side needs a path."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[dict[str, int]]:
    """Open the regular files of a folder, by name; neither the folder nor a file may be a link.

    Raises:
        OSError: the folder cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        stack.callback(os.close, place)
        found = {}
        for name in sorted(os.listdir(place)):
            with contextlib.suppress(OSError):  # a link, or gone
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
                stack.callback(os.close, file)
                if stat.S_ISREG(os.fstat(file).st_mode):
                    found[name] = file
        yield found


@contextlib.contextmanager
def in_memory(contents: Mapping[str, bytes]) -> Iterator[dict[str, int]]:
    """Put contents into files that have no place on a disk; yields their descriptors by name."""
    with contextlib.ExitStack() as stack:
        made = {}
        for name, content in contents.items():
            file = stack.enter_context(os.fdopen(os.memfd_create("keyong"), "r+b"))
            file.write(content)
            file.seek(0)
            made[name] = file.fileno()
        yield made
