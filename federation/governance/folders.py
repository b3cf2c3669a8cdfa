"""Reading a folder that others may have written to: every file of it, no link followed, nothing waited for."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path


def hash_folder(folder: Path) -> str:
    """Return the SHA-256, hex, over the names and the contents of every file below a folder.

    Raises:
        OSError: there is something among them that is neither a file nor a folder: no link is followed.
    """
    digest = hashlib.sha256()
    for name in sorted(file_names(folder)):
        digest.update(os.fsencode(name) + b"\0" + _hash_file(folder / name))
    return digest.hexdigest()


def file_names(folder: Path, prefix: str = "") -> Iterator[str]:
    """Name everything below a folder that is no folder, by its path from there.

    Raises:
        OSError: a folder is a link.
    """
    if folder.is_symlink():
        raise OSError(f"{folder.name} is no folder")
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from file_names(folder / entry.name, f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name


def _hash_file(file: Path) -> bytes:
    with open_file(file) as content:
        return hashlib.file_digest(content, "sha256").digest()


@contextmanager
def open_file(file: Path) -> Iterator[BufferedReader]:
    """Open a file to be read.

    Raises:
        OSError: it is none: a link, a pipe, a device.
    """
    # Whatever it has become since it was listed: a link is refused by the kernel, a pipe does not keep us waiting.
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as content:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{file.name} is no file")
        yield content
