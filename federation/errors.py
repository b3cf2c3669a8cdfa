"""Errors of the federation. Every class ends in Error and says whose fault it is.

KeyongError
├─ RequestError     the analyst must change the request
├─ SettingsError    the operator must change federation.toml or the command
├─ HomeError        the operator must mend the home folder or the machine
├─ NodeError        a party did not answer as the protocol demands
│  └─ DataError     a department's own data is not what it declared
├─ RefusedError     a party refused, as the rules ask of it
└─ RecordError      the record does not verify
   └─ WitnessError  a department does not co-sign a checkpoint of the log

An error is a stable code and the words of `federation.texts` in Chinese and English. Between parties only the code
travels, so details are names out of the catalogue or the settings, never anything out of a row.
"""

from __future__ import annotations

from collections.abc import Mapping

from federation.texts import TEXTS


class _Named(dict[str, object]):
    """Details by name; "?" for one that a text asks for and nobody gave, since only the code travels."""

    def __missing__(self, name: str) -> str:
        return "?"


def _fill(template: str, details: Mapping[str, object]) -> str:
    return template.format_map(_Named(details))


class KeyongError(Exception):
    """One sentence about what is wrong and one about what to do next, in both languages."""

    def __init__(self, code: str, /, **details: object) -> None:
        """Name the error.

        Args:
            code: a key of `federation.texts.TEXTS`.
            details: what the texts mention; never a personal value.
        """
        super().__init__(code)
        self.code = code
        self.details = details

    def message(self, language: str = "en") -> str:
        """Say what is wrong."""
        text = TEXTS[self.code]
        return _fill(text.zh if language == "zh" else text.en, self.details)

    def next_step(self, language: str = "en") -> str:
        """Say what to do next."""
        text = TEXTS[self.code]
        return _fill(text.next_zh if language == "zh" else text.next_en, self.details)

    def __str__(self) -> str:
        return f"{self.code}: {self.message()}"


class RequestError(KeyongError):
    """The analyst must change the request."""


class SettingsError(KeyongError):
    """The operator must change federation.toml or the command line."""


class HomeError(KeyongError):
    """The operator must mend the home folder or the machine."""


class NodeError(KeyongError):
    """A party did not answer as the protocol demands."""


class DataError(NodeError):
    """A department's data is not what it declared."""


class RefusedError(KeyongError):
    """A party refused, as the rules ask of it."""


class RecordError(KeyongError):
    """The record does not verify."""


class WitnessError(RecordError):
    """A department does not co-sign a checkpoint, or must not co-sign any."""


def from_code(code: str, /, **details: object) -> KeyongError:
    """Make the error that a code from another party stands for."""
    families = {
        "request": RequestError,
        "settings": SettingsError,
        "home": HomeError,
        "data": DataError,
        "refused": RefusedError,
        "record": RecordError,
        "witness": WitnessError,
    }
    if code not in TEXTS:
        return NodeError("node.failed", **details)
    return families.get(code.split(".")[0], NodeError)(code, **details)
