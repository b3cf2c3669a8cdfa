"""A joint training under masks, played by a town: its masked numbers are random bytes, which is what they look like.

Three rounds under fresh keys. Before the last of them the record is sealed; in it one department disappears before it
has masked anything, and the others go on without it.
"""

from __future__ import annotations

import hashlib
import secrets

from federation.audit.events import EventType
from federation.audit.journal import Draft
from federation.drills.town import ANALYST, DEPARTMENTS, Town
from federation.governance.roster import Roster
from federation.messages import Masked, MaskKeys, MaskShares, MasksKept, Payload, Survivors, Unmask
from federation.plan import Column, Feature, Label, Logistic, TrainPlan

ROUNDS = ("moments", "update.1", "update.2")
GONE = "social"
STAYED = tuple(name for name in DEPARTMENTS if name != GONE)
VALUES = 16

Data = dict[str, int | str]


def make_training(roster: Roster) -> TrainPlan:
    """A plan that no policy has looked at: these departments train a logistic regression."""
    return TrainPlan(
        nonce=secrets.token_hex(16),
        requester=ANALYST,
        purpose="drill",
        title="drill",
        job_file="drill",
        contributors=DEPARTMENTS,
        gate=DEPARTMENTS[-1],
        holders=DEPARTMENTS,
        threshold=2,
        minimum_group=3,
        minimum_contributors=3,
        catalogue="0" * 64,
        roster=roster.hash,
        epoch=1,
        protection="masks",
        source="drill",
        id=Column(name="id", type="text"),
        features=(Feature(column=Column(name="x", type="integer"), high=1),),
        label=Label(column=Column(name="y", type="integer")),
        model=Logistic(),
    )


class Lesson:
    """One training of a town."""

    def __init__(self, town: Town, job: str) -> None:
        """Plan it; nobody has been asked yet."""
        self._town, self._job = town, job
        self.plan = make_training(town.roster)

    def run(self) -> TrainPlan:
        """The whole job: granted by everybody, a model made, sealed."""
        town, job = self._town, self._job
        town.submit(job, self.plan)
        town.agree(job, self.plan)
        town.begin(job, self.plan)
        self._exchange_keys()
        for index in range(len(ROUNDS) - 1):
            self._round(index, DEPARTMENTS)
        town.seal()
        self._round(len(ROUNDS) - 1, STAYED)
        made: Data = {"digest": secrets.token_hex(32), "rounds": len(ROUNDS)}
        town.coordinate("model", job, {**made, "survivors": " ".join(STAYED)})
        town.coordinate("job.end", job, {"outcome": "released"})
        town.seal()
        return self.plan

    def _send(self, party: str, payload: Payload, *drafts: Draft) -> None:
        self._town.send(party, payload, drafts, plan=self.plan.hash, job=self._job)

    def _draft(self, kind: EventType, party: str, data: Data) -> Draft:
        return self._town.draft(kind, party, self._job, data)

    def _exchange_keys(self) -> None:
        for party in DEPARTMENTS:
            self._send(party, MaskKeys(batch=0, keys=tuple(secrets.token_bytes(32) for _ in ROUNDS)))
        digest = secrets.token_hex(32)
        seen: Data = {"batch": 0, "rounds": len(ROUNDS), "cohort": " ".join(DEPARTMENTS), "digest": digest}
        for party in DEPARTMENTS:
            boxes = {other: secrets.token_bytes(128) for other in DEPARTMENTS if other != party}
            shares = MaskShares(batch=0, cohort=digest, boxes=boxes)
            self._send(party, shares, self._draft("mask.keys", party, seen))
        for party in DEPARTMENTS:
            self._send(party, MasksKept(batch=0))

    def _round(self, index: int, survivors: tuple[str, ...]) -> None:
        name, given = ROUNDS[index], secrets.token_hex(32)
        told: Data = {"round": name, "given": given}
        for party in survivors:
            words = secrets.token_bytes(8 * VALUES)
            digest = hashlib.sha256(words).hexdigest()
            masked = self._draft("mask", party, {**told, "digest": digest, "values": VALUES})
            self._send(party, Masked(round=name, index=index, words=words), masked)
        listed: Data = {**told, "survivors": " ".join(survivors)}
        digest = secrets.token_hex(32)
        for party in survivors:
            signed = self._draft("survivors", party, {**listed, "digest": digest})
            self._send(party, Survivors(round=name, survivors=survivors, given=given), signed)
        for party in survivors:
            self._send(party, Unmask(round=name, box=secrets.token_bytes(256)))
        self._town.coordinate("round", self._job, {**listed, "values": VALUES})
