"""One department's true desk over a recorded home: an officer can read and sign there, and nothing else runs."""

from __future__ import annotations

import contextlib
import select
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

from crypto.keyfile import MIN_COST, seal_secret
from dashboard.services.rules import CATALOGUE as RULES_FILE
from federation.governance.approvals import Approvals
from federation.governance.datasite import Datasite
from federation.governance.identity import write_secret
from federation.governance.officers import KEY_FILE
from federation.node.desk import Desk
from federation.plan import AnyPlan
from federation.runtime.home import FORMAT, Home
from federation.settings import Catalogue
from tests.dashboard.records import OFFICER_KEYS, RecordedHome

PASSPHRASE = "a passphrase of tests"


@contextlib.contextmanager
def manned(recorded: RecordedHome, department: str, rules: Catalogue) -> Iterator[ManDesk]:
    """Let officers come to a department's desk, with the keys that stand in the recorded home's roster."""
    home = Home(recorded.path)
    (home.path / "format").write_text(f"{FORMAT}\n")
    (home.path / "origin").write_text("keyong.local/test\n")
    home.roster.write_bytes(recorded.roster.to_bytes())
    (home.path / RULES_FILE).write_bytes(rules.to_bytes())
    for name, key in OFFICER_KEYS.items():
        home.officer(name).mkdir(parents=True)
        sealed = seal_secret(key.to_bytes(), PASSPHRASE, owner=name, cost=MIN_COST)
        write_secret(home.officer(name) / KEY_FILE, sealed)
    desk = ManDesk(recorded, home, department)
    thread = threading.Thread(target=desk.serve, daemon=True)
    thread.start()
    try:
        yield desk
    finally:
        desk.over.set()
        thread.join(10)


class ManDesk:
    """Serves one desk, and carries what the department writes into the log."""

    def __init__(self, recorded: RecordedHome, home: Home, department: str) -> None:
        self.over = threading.Event()
        self._recorded, self._department = recorded, department
        self._journal = recorded._journals[department]
        self._sent = len(self._journal)
        self._approvals = Approvals(
            department=department,
            roster=recorded.roster,
            rule="officers",
            journal=self._journal,
            folder=home.party(department) / "desk",
            clock=lambda: datetime.now(UTC),
            shelf=Datasite(home.party(department) / "datasite", department),
        )
        listener = home.listen(home.desk_socket(department))
        self._desk = Desk(listener, self._approvals, lambda: "")

    def lay(self, job: str, plan: AnyPlan) -> None:
        """Lay a request there."""
        self._recorded.write(plan.requester, "request.submit", job, plan=plan.hash, requester=plan.requester)
        self._journal.write(self._approvals.lodge(job, plan, b"", None))
        self._carry()

    def serve(self) -> None:
        """Serve until it is over."""
        while not self.over.is_set():
            if select.select([self._desk], [], [], 0.05)[0]:
                self._desk.serve()
                self._carry()

    def _carry(self) -> None:
        entries = self._journal.entries(self._sent)
        self._recorded._log.append(entries)
        self._sent += len(entries)
