"""The evidence as a bundle to take away, made by our own program; checking it takes nobody's right."""

from __future__ import annotations

import tempfile
from pathlib import Path

from dashboard.services import commands, programs
from dashboard.services.rights import Right, Visitor, check


def bundle(visitor: Visitor, home: Path, *, language: str) -> bytes:
    """Seal the record, and export it.

    Returns:
        The bundle, a .zip.

    Raises:
        RefusedError: the visitor is no auditor.
        SaidError: nothing is sealed yet, or the record is damaged.
    """
    check(visitor, Right.EXPORT)
    with tempfile.TemporaryDirectory() as folder:
        said = programs.run(commands.export(home, Path(folder) / "keyong-evidence", language))
        return Path(str(said["archive"])).read_bytes()
