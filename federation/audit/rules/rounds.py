"""(7, the rounds of a job) Committed before revealed; everybody given the same; masks off one sum, of agreed survivors.

Under a joint key all commit before any reveals, and nobody opens before that is sealed. Otherwise the numbers are
masked in pairs, and once more by each department for itself (Bonawitz et al., CCS 2017). Shares of the one secret of
those that survived a round, and of the other of those that disappeared, take the masks off the sum; who had both of one
department, or a sum of too few, would read it. So all sign one set of survivors before any share leaves, and never a
smaller one than `survivors_needed`. A model made for one department alone would let its update stand out of the sum
(Pasquini et al., CCS 2022): so all log the hash of what they were given.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from federation.audit.rules.findings import Written, wrong
from federation.plan import survivors_needed


@dataclass(slots=True)
class Round:
    """One sum of a job, as the departments' own events tell it.

    Attributes:
        given: SHA-256 of what they worked on, hex; "" for nothing but the plan; None before the first of them said.
        added: who has logged numbers for it, and at which index; `masked` those that did so under masks.
        survivors: whose numbers are in the sum; None before the first of them signed it.
        signed: who has signed that.
    """

    given: str | None = None
    added: dict[str, int | None] = field(default_factory=dict)
    masked: set[str] = field(default_factory=set)
    survivors: tuple[str, ...] | None = None
    signed: set[str] = field(default_factory=set)


class Rounds:
    """The rounds of one job. That each step is done once, by a department that joined, is checked by `Jobs`."""

    def __init__(self, contributors: int, *, train: bool) -> None:
        """Begin a job; only a training goes on without some of its contributors."""
        self._contributors = contributors
        self._needed = survivors_needed(contributors) if train else contributors
        self._rounds: dict[str, Round] = {}
        self._keys: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._keyed: set[str] = set()
        # By department: the rounds it has committed to, in order, and how many of them it has revealed.
        self._committed: dict[str, list[str]] = {}
        self._revealed: dict[str, int] = {}
        # By department: the round whose masked numbers may leave next, and the one whose masks it may help to take off.
        self._to_send: dict[str, str] = {}
        self._to_open: dict[str, str] = {}
        self._closed: set[str] = set()
        self._made = False

    def _round(self, written: Written) -> Round:
        return self._rounds.setdefault(written.text("round"), Round())

    # -- the departments ----------------------------------------------------------------------------------------------

    def exchange_keys(self, written: Written, participants: Collection[str]) -> None:
        """In one exchange everybody saw the same keys of the same others; there may be a fresh exchange later on."""
        node, seen = written.event.node, (written.text("digest"), _names(written, "cohort"))
        if node not in seen[1] or not set(seen[1]) <= set(participants) or len(seen[1]) < self._needed:
            raise wrong(written.where, f"{node} exchanged keys with others than those that were to contribute")
        if seen != self._keys.setdefault(str(written.event.data.get("batch", "")), seen):
            raise wrong(written.where, f"{node} saw other keys for masks than the others")
        self._keyed.add(node)

    def commit(self, written: Written) -> None:
        """Ciphertexts are to follow. Records from before anything was given do not say so."""
        self._add(written, written.text("given") if "given" in written.event.data else "")
        self._committed.setdefault(written.event.node, []).append(written.text("round"))

    def open(self, written: Written, seen: int) -> None:
        """Every commitment is among the first `seen` entries, which are sealed."""
        added = self._round(written).added.values()
        if sum(at is not None and at < seen for at in added) < self._contributors:
            raise wrong(written.where, f"{written.event.node} opened before every commitment was on record")

    def mask(self, written: Written) -> None:
        """Masked numbers may leave, once."""
        self._add(written, written.text("given"))
        self._round(written).masked.add(written.event.node)
        self._to_send[written.event.node] = written.text("round")

    def _add(self, written: Written, given: str) -> None:
        node, name, this = written.event.node, written.text("round"), self._round(written)
        this.given = given if this.given is None else this.given
        if given != this.given:
            raise wrong(written.where, f"{node} was given something else in round {name} than the others")
        this.added[node] = written.place
        # Told too small, the number would let somebody reveal, or take masks off, before all are there.
        if len(this.added) > self._contributors:
            raise wrong(written.where, f"more departments took part than the {self._contributors} that were to")

    def sign(self, written: Written) -> None:
        """All that survive sign that it is they: enough, and only such as have sent masked numbers."""
        node, name, this = written.event.node, written.text("round"), self._round(written)
        survivors = _names(written, "survivors")
        if not this.masked.issuperset(survivors):
            raise wrong(written.where, f"a survivor of round {name} had masked nothing before {node} signed")
        if node not in survivors:
            raise wrong(written.where, f"{node} signed who survived round {name}, and is not among them")
        if len(survivors) < self._needed:
            raise wrong(written.where, f"round {name} had {len(survivors)} survivors, {self._needed} are needed")
        this.survivors = survivors if this.survivors is None else this.survivors
        if survivors != this.survivors:
            raise wrong(written.where, f"{node} signed other survivors of round {name} than the others")
        if written.event.data.get("given", this.given) != this.given:
            raise wrong(written.where, f"{node} was given something else in round {name} than the others")
        this.signed.add(node)
        self._to_open[node] = name

    # -- what leaves them ---------------------------------------------------------------------------------------------

    def leave(self, written: Written, kind: str) -> None:
        """One vector for each mask or commitment, one set of shares for each signature under the survivors."""
        node = written.event.node
        if kind == "ciphertext":
            self._reveal(written)
        elif kind == "masked":
            if node not in self._keyed or self._to_send.pop(node, None) is None:
                raise wrong(written.where, f"{node} sent masked numbers that are not on record, or without keys")
        elif kind == "unmask":
            name = self._to_open.pop(node, None)
            if name is None:
                raise wrong(written.where, f"{node} helped to take masks off without having signed who survived")
            self._check_signed(written, name)

    def _reveal(self, written: Written) -> None:
        node = written.event.node
        count, rounds = self._revealed.get(node, 0), self._committed.get(node, [])
        self._revealed[node] = count + 1
        if count >= len(rounds) or len(self._rounds[rounds[count]].added) < self._contributors:
            raise wrong(written.where, f"{node} revealed its ciphertexts before everybody had committed")

    def _check_signed(self, written: Written, name: str) -> None:
        signed = len(self._rounds[name].signed)
        if signed < self._needed:
            raise wrong(written.where, f"{signed} had signed who survived round {name}, {self._needed} are needed")

    # -- the coordinator ----------------------------------------------------------------------------------------------

    def close(self, written: Written) -> None:
        """The coordinator tells of a round what the departments told."""
        name = written.text("round")
        this = self._rounds.get(name)
        if self._made or name in self._closed:
            raise wrong(written.where, f"round {name} ended twice, or after the model was made")
        if this is None or (this.survivors is None and len(this.added) < self._contributors):
            raise wrong(written.where, f"round {name} ended before everybody had contributed")
        if this.survivors is not None:
            self._check_signed(written, name)
        if _names(written, "survivors") != (this.survivors or tuple(sorted(this.added))):
            raise wrong(written.where, f"round {name} had other survivors than the departments signed")
        if written.text("given") != this.given:
            raise wrong(written.where, f"round {name} worked on something else than the departments were given")
        self._closed.add(name)

    def make(self, written: Written) -> None:
        """One model, of all the rounds that are on record."""
        rounds = written.number("rounds")
        if self._made:
            raise wrong(written.where, f"job {written.event.job} made a model twice")
        if rounds != len(self._closed):
            raise wrong(written.where, f"a model of {rounds} rounds, where {len(self._closed)} are on record")
        self._made = True


def _names(written: Written, name: str) -> tuple[str, ...]:
    """Names in one text, in their order, each once."""
    names = tuple(written.text(name).split(" "))
    if names != tuple(sorted(set(names))) or "" in names:
        raise wrong(written.where, f"it does not state {name} as names in their order")
    return names
