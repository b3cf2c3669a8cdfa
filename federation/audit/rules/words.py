"""(7, approvals) What departments have said on jobs: as many of their officers as it takes, until one of them says no.

How many that is stands in the roster, which all have pinned. One officer is one voice, however often it speaks.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from federation.audit.rules.findings import Written, wrong
from federation.audit.rules.statements import Said
from federation.audit.seal import MAX_SKEW_S
from federation.governance.statements import moment

NO = {"approval.deny": "denied", "approval.revoke": "revoked"}


class Word(NamedTuple):
    """A department's word on a job.

    Attributes:
        state: granted, denied or revoked.
        by: who granted it, in their order; where a rule did, the department itself.
        place: index of its last event in the log; None if it is not there yet.
        expires: the earliest of what its grants say; None for an automatic one.
    """

    state: str
    plan: str
    requester: str
    by: tuple[str, ...]
    place: int | None
    expires: datetime | None = None

    @property
    def automatic(self) -> bool:
        """Whether a rule gave it, and no officer."""
        return self.expires is None

    def has_expired(self, written: Written) -> bool:
        """Whether it had at the time of an event."""
        # The check comes before the signature: a large answer takes a moment to be searched and signed.
        late = self.expires and (moment(written.event.time) - self.expires).total_seconds() > MAX_SKEW_S
        return bool(late)


class Words:
    """Everybody's words, up to some place in the log."""

    def __init__(self, said: Said, *, needed: int) -> None:
        """Begin with nobody's.

        Args:
            needed: how many officers of a department have to grant a request.
        """
        self._said, self._needed = said, needed
        self._words: dict[tuple[str, str], Word] = {}
        self._refusals: dict[str, list[tuple[int, str]]] = {}

    def speak(self, written: Written) -> None:
        """Take a grant, a denial or a revocation into account.

        Raises:
            RecordError: a grant of an officer, or a department, that has said its word before.
        """
        event = written.event
        known = self._words.get((event.job, event.node))
        if event.type not in NO:
            self._words[event.job, event.node] = self._granted(written, known)
            return
        said = known or Word("", "", "", (), None)
        self._words[event.job, event.node] = said._replace(state=NO[event.type], place=written.place)
        if written.place is not None:
            self._refusals.setdefault(event.job, []).append((written.place, event.node))

    def _granted(self, written: Written, known: Word | None) -> Word:
        event, name = written.event, written.event.actor.name
        grant = self._said.grants.get((event.node, event.seq))
        expires = moment(grant.expires) if grant else None
        word = Word("granted", written.text("plan"), written.text("requester"), (name,), written.place, expires)
        if known is None:
            return word
        open_still = known.state == "granted" and len(known.by) < self._needed and name not in known.by
        if not open_still or known.expires is None or expires is None:
            raise wrong(written.where, f"{event.node} has said its word on job {event.job} before")
        if (known.plan, known.requester) != (word.plan, word.requester):
            raise wrong(written.where, f"{event.node} approved another plan or another requester")
        return word._replace(by=(*known.by, name), expires=min(known.expires, expires))

    def find(self, job: str, department: str) -> Word | None:
        """What a department has said; None for nothing."""
        return self._words.get((job, department))

    def is_whole(self, word: Word) -> bool:
        """Whether as many have granted as it takes, whatever was said since."""
        return len(word.by) >= self._needed

    def check(self, written: Written, job: str, department: str) -> Word:
        """Check that a department's word stands at the time of an event.

        Raises:
            RecordError: it does not.
        """
        word, who = self.find(job, department), f"{department} on job {job}"
        if word is None:
            raise wrong(written.where, f"no approval by {who}")
        if word.state != "granted":
            raise wrong(written.where, f"{word.state} by {who}")
        if not self.is_whole(word):
            raise wrong(written.where, f"{len(word.by)} of {self._needed} approvals by {who}")
        if word.has_expired(written):
            raise wrong(written.where, f"the approval by {who} had expired")
        return word

    def check_unrefused(self, written: Written) -> None:
        """Check that what the event's party had co-signed shows nobody's denial or revocation of its job.

        Raises:
            RecordError: it does.
        """
        for index, department in self._refusals.get(written.event.job, ()):
            if index < written.event.seen.size:
                raise wrong(written.where, f"{department} had taken back its word in entry {index}, sealed before")
