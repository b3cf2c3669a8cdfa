"""What every command shares: the global options, the language, and one JSON object for machines."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path

import typer
from rich.console import Console

from federation import demo
from federation.errors import HomeError
from federation.runtime.home import Home
from federation.settings import Settings, read_settings

FROM_ENVIRONMENT = "KEYONG_PASSPHRASE"


@dataclass(slots=True)
class Command:
    """What the global options say."""

    home: Home
    config: Path | None
    language: str
    json: bool
    debug: bool
    out: Console
    err: Console

    def say(self, zh: str, en: str) -> str:
        """Choose the language."""
        return zh if self.language == "zh" else en

    def settings(self) -> Settings:
        """The named settings file, or ./federation.toml, or the built-in demo's."""
        file = self.config
        if file is None:
            local = Path("federation.toml")
            file = local if local.is_file() else demo.built_in_settings(self.home)
        return read_settings(file)

    def is_synthetic(self) -> bool:
        """Whether the data is the built-in city's."""
        return self.config is None and not Path("federation.toml").is_file()


def command_of(context: typer.Context) -> Command:
    """The global options of this call."""
    command = context.find_root().obj
    if not isinstance(command, Command):
        raise TypeError("the callback has not run")
    return command


def visible(text: str) -> str:
    """A requester's text so that a person sees all of it: what a terminal would act on, or not show, is written out.

    Escape sequences can hide a line of a script from its reviewer, and so can the marks of right-to-left writing
    (Boucher and Anderson, "Trojan Source", USENIX Security 2023).
    """
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def print_json(fields: object) -> None:
    """Write one JSON object."""
    sys.stdout.write(json.dumps(fields, ensure_ascii=False, default=str) + "\n")


def passphrase_of(command: Command, officer: str, *, twice: bool = False, piped: bool = False) -> str:
    """Ask an officer for the passphrase, on the terminal.

    A demonstration may give it by the environment, since there nobody's data is behind it.

    Args:
        twice: ask twice, for a new one.
        piped: read one line from standard input instead.

    Raises:
        HomeError: there is no terminal to ask on, or the two entries differ.
    """
    given = os.environ.get(FROM_ENVIRONMENT)
    if given is not None and demo.is_demonstration(command.home):
        return given
    if piped:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise HomeError("home.passphrase_asked", officer=officer)
    entered = getpass(command.say(f"{officer} 的口令：", f"passphrase of {officer}: "))
    if twice and getpass(command.say("再输入一次：", "once more: ")) != entered:
        raise HomeError("home.passphrase", officer=officer)
    return entered
