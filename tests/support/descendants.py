"""The processes that this one has started, and theirs."""

from __future__ import annotations

import contextlib

import psutil


def named(name: str) -> list[psutil.Process]:
    """Those of a name."""
    return [process for process in psutil.Process().children(recursive=True) if process.name() == name]


def commands() -> str:
    """Every one's command line."""
    lines = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it ended just now
            lines.append(" ".join(process.cmdline()))
    return "\n".join(lines)
