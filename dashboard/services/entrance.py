"""The way in: which accounts there are, and what each has to show.

One of the three separate roles types the passphrase of its key; a program of its own opens the key file, compares it
with the roster, and says yes or no. An analyst's key has no passphrase: whoever may read the analyst's folder can
sign in the analyst's name, and that is the machine's user. So an analyst shows just that, by a code that lies in this
folder, is made anew each time, and opens nothing else.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from math import ceil
from pathlib import Path

import msgspec

from dashboard.services import commands, programs
from dashboard.services.attempts import BUSY_S, Attempts
from dashboard.services.health import commonest_roster, pinned_roster
from dashboard.services.rights import Role, Visitor
from federation.audit.record import RecordReader
from federation.errors import HomeError, RecordError, RefusedError
from federation.governance.identity import write_secret
from federation.runtime.home import Home
from federation.settings import Catalogue, Tier

IDLE_S = 15 * 60.0
LONGEST_S = 8 * 3600.0
CODE_FILE = "sign-in-code"
CODE_BYTES = 8
MOST_OPENING = 2  # key files at a time: each fills up to 128 MiB, and anybody may ask for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who could sign in.

    Attributes:
        person: who it is, as the roster says; "" for an analyst.
    """

    name: str
    role: Role
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who has signed in.

    Attributes:
        roster: hash of the roster that the account stands in.
        begun: when they signed in, seconds of a monotonic clock.
        seen: when they did something last.
        failures: wrong passphrases for this account since the right one before.
    """

    visitor: Visitor
    roster: str
    begun: float
    seen: float
    failures: int = 0

    def holds(self, now: float, roster: str) -> bool:
        """Whether it still counts.

        Args:
            roster: hash of the one that counts now.
        """
        return now < min(self.seen + IDLE_S, self.begun + LONGEST_S) and self.roster == roster


class Entrance:
    """The way into one home's dashboard. Safe to share between visitors."""

    def __init__(self, home: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._home, self._record, self._clock = Home(home), RecordReader(home), clock
        self.attempts = Attempts(clock=clock)
        self._opening = threading.BoundedSemaphore(MOST_OPENING)

    def roster_hash(self) -> str:
        """Hash of the roster that counts; a session outlives no other."""
        return hashlib.sha256(commonest_roster(self._record.rosters())).hexdigest()

    def accounts(self) -> tuple[Account, ...]:
        """Everybody in the roster who can sign in here; analysts first, if their folder is in this home."""
        roster = pinned_roster(self._record.rosters())
        if roster is None:
            return ()
        analysts = (name for name in roster.names("analyst") if self._home.analyst(name).is_dir())
        officers = (Account(name=one.name, role=one.role, person=one.person) for one in roster.officers)
        return (*(Account(name=name, role="analyst") for name in analysts), *officers)

    def code_file(self, account: str) -> Path:
        """Where the code of an analyst lies, written unless it is there; only the machine's user may read it.

        Raises:
            HomeError: it cannot be written.
        """
        file = self._home.analyst(account) / CODE_FILE
        try:
            if not file.exists() or len(file.read_bytes().strip()) != 2 * CODE_BYTES:
                write_secret(file, f"{secrets.token_hex(CODE_BYTES)}\n".encode())
        except OSError as exc:
            raise HomeError("home.storage", file=CODE_FILE) from exc
        return file

    def enter(self, account: str, secret: str, *, language: str) -> Session:
        """Sign in.

        Args:
            secret: the passphrase; an analyst's code.
            language: in which a program says what is wrong.

        Raises:
            RefusedError: too soon after wrong ones, or not the analyst's code.
            SaidError: wrong passphrase, or no key file in this home.
            HomeError: nobody of this name, or no answer.
        """
        roster = self.roster_hash()
        known = next((one for one in self.accounts() if one.name == account), None)
        if known is None:
            raise HomeError("home.officer_unknown", officer=account)
        failures = self.attempts.failures(account)
        with self.attempts.attempt(account):
            if known.role == "analyst":
                self._check_code(account, secret)
            else:
                self._open_key(account, secret, language)
        now = self._clock()
        return Session(visitor=self._visitor(known), roster=roster, begun=now, seen=now, failures=failures)

    def _open_key(self, account: str, passphrase: str, language: str) -> None:
        if not self._opening.acquire(blocking=False):
            raise RefusedError("refused.too_soon", account=account, seconds=ceil(BUSY_S))
        try:
            command = commands.check_passphrase(self._home.path, account, language)
            programs.tell(command, passphrase, about=account)
        finally:
            self._opening.release()

    def _check_code(self, account: str, code: str) -> None:
        file = self.code_file(account)
        if not compare_digest(file.read_bytes().strip(), code.strip().encode()):
            raise RefusedError("refused.code", account=account)
        file.unlink()  # for one use: what somebody saw over a shoulder is worth nothing

    def _visitor(self, account: Account) -> Visitor:
        department = account.name.rpartition("@")[2]
        return Visitor(account=account.name, role=account.role, department=department, tier=self._tier(account.name))

    def _tier(self, account: str) -> Tier:
        try:
            return msgspec.json.decode(self._record.catalogue(), type=Catalogue).tier(account)
        except (RecordError, OSError, msgspec.MsgspecError):
            return "county"  # the narrower one, where nobody can tell
