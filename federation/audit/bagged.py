"""A bundle as a record that can be verified, and what an evaluator brings to it, read from files.

The second verifier of a bundle: the same rules as a home's, the keys and the quorum the evaluator's own. It also checks
the ML-DSA-44 signatures, which `offline.verify` leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from crypto.errors import SignatureError
from crypto.notes import KeyKind, read_vkey
from federation.audit.bundle import Bundle
from federation.audit.record import Logged, Session
from federation.audit.rules.keys import Trust, read_signers
from federation.errors import SettingsError

POLICY, SIGNERS, HEAD = "policy", "signers", "head"


class _Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    party: str
    session: int
    sent: int
    received: int
    ended: bool


class BundleRecord:
    """Implements `federation.audit.record.Record`; a bundle has no journals."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def rosters(self) -> Mapping[str, bytes]:
        """The one roster of the bundle."""
        return {"bundle": self._bundle.roster}

    def log(self) -> Logged:
        """All entries, and every sealed checkpoint."""
        notes = [note for _, note in sorted(self._bundle.checkpoints.items())]
        return Logged(list(self._bundle.entries()), [*notes, self._bundle.checkpoint])

    def heads(self) -> Mapping[str, str]:
        """The copies of heads in the bundle."""
        return self._bundle.heads

    def sessions(self) -> Sequence[Session]:
        """What the copy proxy counted.

        Raises:
            ValueError: data/wire.json does not hold counts.
        """
        rows = msgspec.json.decode(self._bundle.wire, type=tuple[_Count, ...])
        return [Session(row.party, row.session, row.sent, row.received, row.ended) for row in rows]

    def journal(self, party: str) -> None:
        """No journals."""


def read_trust(cards: Path) -> Trust:
    """Read what departments handed out: a folder with one card, or with a folder for each department's.

    All cards must name the same keys and the same quorum; every head counts.

    Raises:
        SettingsError: no card, two that contradict each other, or one that is not in its form.
    """
    folders = [cards, *sorted(path for path in cards.iterdir() if path.is_dir())] if cards.is_dir() else []
    folders = [folder for folder in folders if (folder / POLICY).is_file()]
    if not folders:
        raise SettingsError("settings.cards_missing", cards=cards)
    texts = {name: {_read(folder / name) for folder in folders} for name in (POLICY, SIGNERS)}
    if any(len(found) > 1 for found in texts.values()):
        raise SettingsError("settings.cards_differ", cards=cards)
    heads = {folder.name: _read(folder / HEAD) for folder in folders if (folder / HEAD).is_file()}
    try:
        return _trust(texts[POLICY].pop(), texts[SIGNERS].pop(), heads)
    except (SignatureError, ValueError) as exc:
        raise SettingsError("settings.cards_wrong", cards=cards, reason=str(exc)) from exc


def _trust(policy: str, signers: str, heads: Mapping[str, str]) -> Trust:
    """Read a policy of the form that `federation.audit.trust` writes: one log, one group of witnesses."""
    logs: list[tuple[str, bytes]] = []
    witnesses: dict[str, bytes] = {}
    groups: dict[str, tuple[int, frozenset[str]]] = {}
    quorum = ""
    for line in filter(None, policy.split("\n")):
        match line.split(" "):
            case ["log", key]:
                name, kind, public = read_vkey(key)
                if kind is not KeyKind.NOTE:
                    raise ValueError("the log's key signs no checkpoints")
                logs.append((name, public))
            case ["witness", name, key] if name not in witnesses:
                _, kind, public = read_vkey(key)
                if kind is not KeyKind.COSIGNATURE:
                    raise ValueError(f"the key of {name} signs no cosignatures")
                witnesses[name] = public
            case ["group", name, count, *members] if count.isdigit() and name not in groups:
                groups[name] = int(count), frozenset(members)
            case ["quorum", name] if not quorum:
                quorum = name
            case _:
                raise ValueError(f"the policy has a line that is not understood: {line[:60]!r}")
    if len(logs) != 1 or quorum not in groups or groups[quorum][1] != frozenset(witnesses):
        raise ValueError("the policy does not name one log and a quorum of all its witnesses")
    origin, log_key = logs[0]
    parties, officers = read_signers(signers, origin)
    return Trust(
        origin=origin,
        log_key=log_key,
        witnesses=witnesses,
        quorum=groups[quorum][0],
        signers={name: key for name, key in parties.items() if name != "coordinator"},
        officers=officers,
        heads=dict(heads),
    )


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError("settings.cards_wrong", cards=file, reason="it cannot be read as text") from exc
