"""Command lines, as processes are given them and as a person types them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from federation.errors import KeyongError


class SaidError(KeyongError):
    """A program of ours said no; the words are its own."""

    def __init__(self, code: str, what: str, next_step: str) -> None:
        super().__init__(code)
        self._what, self._next = what, next_step

    def message(self, language: str = "en") -> str:
        """What is wrong, in the language the program was asked to speak."""
        return self._what

    def next_step(self, language: str = "en") -> str:
        """What to do next."""
        return self._next


def verify(home: Path) -> tuple[str, ...]:
    """The verifier, as a process of its own."""
    return (sys.executable, "-m", "federation", "--home", str(home), "audit", "verify", "--json")


def sign(home: Path, decision: str, job: str, account: str, said: Sequence[str], language: str) -> tuple[str, ...]:
    """An officer's program, as a process of its own; it reads the passphrase from its standard input."""
    return (
        *(sys.executable, "-m", "federation", "--home", str(home), "--lang", language, "--json"),
        *(decision, f"--as={account}", "--passphrase-stdin", *said, "--", job),
    )


def check_passphrase(home: Path, account: str, language: str) -> tuple[str, ...]:
    """A program that opens an account's key file, and says only whether it opens; it reads the passphrase as above."""
    return program(home, language, "officer", "check", "--passphrase-stdin", "--", account)


def train(config: Path, home: Path, account: str, language: str, *words: str) -> tuple[str, ...]:
    """The analyst's program, as a process of its own: it has the key, and tells of every round on standard error."""
    return program(home, language, "--config", str(config), "train", f"--as={account}", *words)


def program(home: Path, language: str, *words: str) -> tuple[str, ...]:
    """A program of ours, as a process of its own, that prints one JSON object."""
    return (sys.executable, "-m", "federation", "--home", str(home), "--lang", language, "--json", *words)


def export(home: Path, folder: Path, language: str) -> tuple[str, ...]:
    """The program that writes a bundle, as a folder and beside it the archive."""
    return program(home, language, "evidence", "export", "--out", str(folder))


def keyong(home: Path, *words: str) -> tuple[str, ...]:
    """Our command on this home."""
    return (str(Path(sys.executable).with_name("keyong")), "--home", str(home), *words)


def typed(command: Sequence[str]) -> str:
    """The line to type in the folder that the dashboard was started in."""
    return shlex.join(_short(word) for word in command)


def _short(word: str) -> str:
    path, here = Path(word), Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else word
