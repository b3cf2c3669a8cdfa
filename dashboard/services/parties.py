"""What the log tells of each party: how it enrolled, how it was started, what it did in jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from dashboard.services.jobs import Role
from federation.audit.events import Event

# Events that a department writes once for every job in which it takes this part.
_PARTS: dict[tuple[str, int | str], Role] = {
    ("commit", "counts"): "contributor",
    ("open", "counts"): "holder",
    ("release.decide", ""): "gate",
}


@dataclass(slots=True, kw_only=True)
class Party:
    """One party, as far as the log has been read. Pages get copies.

    Attributes:
        entries: how many of the log's are its own.
        last: its newest entry.
        time: of that entry, UTC; "" if there is none.
        starts: of its process, since the coordinator's own last start; more than one are restarts.
        session: number of the life of its process; 0 for the coordinator, whose bytes nobody counts.
        isolation: "confined", or why not.
        catalogue: hash of the catalogue that it started with.
        share: index of its share of the joint key; 0 if it has none.
        key: the joint key's fingerprint, as it enrolled with it.
        parts: in how many jobs it took which.
        grants: jobs it agreed to; automatic: those of them that no officer signed.
        denials: jobs its officer said no to.
        revocations: grants its officer took back.
        fingerprints: what its gateway searches for in everything that leaves, as it said when it started.
        caught: messages that its gateway kept back because it found one of them.
    """

    name: str
    entries: int = 0
    last: bytes = b""
    time: str = ""
    started: str = ""
    starts: int = 0
    session: int = 0
    version: str = ""
    isolation: str = ""
    catalogue: str = ""
    share: int = 0
    key: str = ""
    parts: Counter[Role] = field(default_factory=Counter)
    grants: int = 0
    automatic: int = 0
    denials: int = 0
    revocations: int = 0
    fingerprints: str = ""
    caught: int = 0

    @property
    def restarts(self) -> int:
        """How often its process was started again since the federation was."""
        return max(self.starts - 1, 0)

    def take(self, event: Event, entry: bytes) -> None:
        """Add one of its events."""
        data = event.data
        self.entries, self.last, self.time = self.entries + 1, entry, event.time
        match event.type:
            case "start":
                self.started, self.starts = event.time, self.starts + 1
                self.session = int(data.get("session", 0))
                self.version = str(data.get("version", ""))
                self.isolation = str(data.get("isolation", ""))
                self.catalogue = str(data.get("catalogue", ""))
                self.fingerprints = str(data.get("fingerprints", ""))
            case "enrol":
                self.share, self.key = int(data.get("share", 0)), str(data.get("key", ""))
            case "approval.grant":
                self.grants += 1
                self.automatic += event.actor.role == "automatic"
            case "egress.deny":
                self.caught += data.get("reason") == "fingerprint"
            case "approval.deny":
                self.denials += 1
            case "approval.revoke":
                self.revocations += 1
            case _:
                part = _PARTS.get((event.type, data.get("round", "")))
                if part is not None:
                    self.parts[part] += 1

    def copy(self) -> Party:
        """As it is now."""
        return replace(self, parts=Counter(self.parts))
