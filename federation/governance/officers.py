"""Officers' keys: made by the officer, kept under a passphrase, public side handed to the roster.

Each officer has a folder of its own; in an installation that is a folder on the officer's own machine, in the
demonstration all lie in one home.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from crypto.errors import CryptoError
from crypto.keyfile import MAX_COST, open_secret, seal_secret
from crypto.signing import HybridKey
from federation.errors import HomeError
from federation.governance.identity import write_secret, write_whole
from federation.governance.roster import Officer, OfficerRole

KEY_FILE, PUBLIC_FILE = "key", "public.json"


def create_officer(
    folder: Path, *, name: str, role: OfficerRole, person: str, passphrase: str, cost: int = MAX_COST
) -> Officer:
    """Draw an officer's keys and keep them under the passphrase.

    Args:
        cost: of guessing the passphrase, as `crypto.keyfile` takes it.

    Raises:
        HomeError: there are keys here already, or the passphrase is too weak.
    """
    if (folder / KEY_FILE).exists():
        raise HomeError("home.officer_exists", officer=name)
    key = HybridKey.generate()
    officer = Officer(
        name=name,
        role=role,
        person=person,
        signing=key.public.ed25519,
        signing_mldsa=key.public.mldsa44,
    )
    try:
        sealed = seal_secret(key.to_bytes(), passphrase, owner=name, cost=cost)
    except CryptoError as exc:
        raise HomeError("home.passphrase_weak") from exc
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_secret(folder / KEY_FILE, sealed)
    write_whole(folder / PUBLIC_FILE, msgspec.json.encode(officer))
    return officer


def read_officer(folder: Path) -> Officer | None:
    """Read an officer's public side; None if no keys were made yet.

    Raises:
        HomeError: the file is not an officer's.
    """
    try:
        return msgspec.json.decode((folder / PUBLIC_FILE).read_bytes(), type=Officer)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        raise HomeError("home.storage", file=PUBLIC_FILE) from exc


def unlock(folder: Path, name: str, passphrase: str) -> HybridKey:
    """Open an officer's key.

    Raises:
        HomeError: no key here, a wrong passphrase, or a damaged file.
    """
    try:
        sealed = (folder / KEY_FILE).read_bytes()
    except OSError as exc:
        raise HomeError("home.officer_missing", officer=name) from exc
    try:
        return HybridKey.from_bytes(open_secret(sealed, passphrase, owner=name))
    except CryptoError as exc:
        raise HomeError("home.passphrase", officer=name) from exc
