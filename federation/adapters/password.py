"""Where a database's password comes from: never federation.toml, which is copied, mailed and shown."""

from __future__ import annotations

import os
from pathlib import Path

from federation.errors import SettingsError

OTHERS = 0o077


def read_password(variable: str = "", file: str = "") -> str | None:
    """Read a password from where a table's settings say; None if they say nothing.

    Args:
        variable: an environment variable, which this department's process alone is given.
        file: a file in the department's home, readable by its owner only; a line end at its end does not count.

    Raises:
        SettingsError: there is none, or others may read it; never says what it is.
    """
    if variable:
        if variable not in os.environ:
            raise SettingsError("settings.secret_missing", variable=variable)
        return os.environ[variable]
    if not file:
        return None
    home = Path.cwd()
    path = (home / file).resolve()
    if not path.is_relative_to(home.resolve()) or not path.is_file():
        raise SettingsError("settings.password_file", file=file)
    if path.stat().st_mode & OTHERS:
        raise SettingsError("settings.password_file_open", file=file)
    return path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
