"""(2) Signed and co-signed checkpoints, (3) whose roots the entries give, (4) among which every head is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from crypto.errors import SignatureError
from crypto.merkle import EMPTY_ROOT, leaf_hash, node_hash
from crypto.notes import KeyKind, read_checkpoint, signature_lines, verify_cosignature, verify_note, vkey
from federation.audit.events import Event
from federation.audit.log import signer_of
from federation.audit.rules.findings import wrong
from federation.audit.seal import quorum
from federation.governance.members import suspended
from federation.governance.roster import Roster

BOTH = frozenset({"ed25519", "mldsa44"})


class Checkpoint(NamedTuple):
    """A checkpoint that the coordinator signed.

    Attributes:
        times: when each department co-signed it, POSIX seconds, by its Ed25519 line.
        pairs: how many departments co-signed with both algorithms.
    """

    size: int
    root: bytes
    times: dict[str, int]
    pairs: frozenset[str]


class Keys:
    """The keys that sign notes of one log, as its signature lines name them."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        (self._log,) = (party.signing for party in roster.parties if party.role == "coordinator")
        self._witnesses = {party.name: party.cosigner for party in roster.parties if party.role == "department"}
        self._lines: dict[tuple[str, str], tuple[str, str]] = {}
        for name, public in self._witnesses.items():
            full = roster.cosigner_name(name)
            ed25519, mldsa44 = KeyKind.COSIGNATURE, KeyKind.MLDSA44_COSIGNATURE
            self._lines[full, vkey(full, public.ed25519, kind=ed25519).split("+")[1]] = (name, "ed25519")
            self._lines[full, vkey(full, public.mldsa44, kind=mldsa44).split("+")[1]] = (name, "mldsa44")

    def read(self, note: str, where: str) -> Checkpoint:
        """Read a checkpoint and check every line whose key is known: a false one spoils the whole note.

        Raises:
            RecordError: the coordinator did not sign it, it is of another log, or a cosignature does not hold.
        """
        try:
            origin, size, root = read_checkpoint(verify_note(note, self.roster.origin, self._log))
            found: dict[str, set[str]] = {}
            for line in signature_lines(note):
                name, kind = self._lines.get(signer_of(line), ("", ""))
                found.setdefault(name, set()).add(kind)
        except (SignatureError, ValueError) as exc:
            raise wrong(where, "it is not signed by the coordinator") from exc
        where = where if where.startswith("head") else f"checkpoint {size}"
        if origin != self.roster.origin:
            raise wrong(where, "it is of another log")
        found.pop("", None)
        times = {}
        for name, kinds in found.items():
            try:
                public = self._witnesses[name]
                time = verify_cosignature(note, self.roster.cosigner_name(name), public, kinds=sorted(kinds))
            except SignatureError as exc:
                raise wrong(where, f"the cosignature of {name} does not hold") from exc
            if "ed25519" in kinds:
                times[name] = time
        return Checkpoint(size, root, times, frozenset(name for name, kinds in found.items() if kinds >= BOTH))


def read_checkpoints(notes: Sequence[str], keys: Keys) -> list[Checkpoint]:
    """(2) Every checkpoint is signed by the log, one per size, with no false cosignature; ascending.

    Raises:
        RecordError: one is not, or there is none.
    """
    found: dict[int, Checkpoint] = {}
    for note in notes:
        checkpoint = keys.read(note, f"checkpoint {stated_size(note)}")
        if checkpoint.size in found:
            raise wrong(f"checkpoint {checkpoint.size}", "there are two of one size")
        found[checkpoint.size] = checkpoint
    if not found:
        raise wrong("checkpoint 0", "there is no checkpoint at all")
    return [found[size] for size in sorted(found)]


def stated_size(note: str) -> int:
    """The size that an unverified note claims; -1 if it claims none."""
    lines = note.split("\n", 2)
    return int(lines[1]) if len(lines) > 2 and lines[1].isdecimal() else -1


class Leaves:
    """The leaves of a growing tree, folded once from the left (RFC 9162, section 2.1)."""

    def __init__(self) -> None:
        self._edge: list[tuple[int, bytes]] = []

    def append(self, entry: bytes) -> None:
        """Take the next entry in."""
        width, node = 1, leaf_hash(entry)
        while self._edge and self._edge[-1][0] == width:
            node, width = node_hash(self._edge.pop()[1], node), 2 * width
        self._edge.append((width, node))

    def root(self) -> bytes:
        """The root over all entries so far."""
        if not self._edge:
            return EMPTY_ROOT
        root = self._edge[-1][1]
        for _, left in reversed(self._edge[:-1]):
            root = node_hash(left, root)
        return root


def roots_at(entries: Iterable[bytes], sizes: Collection[int]) -> dict[int, bytes]:
    """The root at each of the sizes that there are."""
    leaves, roots = Leaves(), {0: EMPTY_ROOT}
    for size, entry in enumerate(entries, 1):
        leaves.append(entry)
        if size in sizes:
            roots[size] = leaves.root()
    return roots


def check_roots(
    checkpoints: Sequence[Checkpoint], roots: Mapping[int, bytes], size: int, blame: Callable[[int], None]
) -> None:
    """(3) The entries are as many as the last checkpoint says, and give every checkpoint's root.

    Args:
        size: how many entries there are.
        blame: raises the fault of a single entry below an index, if one was found: that is the more exact place.

    Raises:
        RecordError: they do not.
    """
    for checkpoint in checkpoints:
        if roots.get(checkpoint.size, checkpoint.root) != checkpoint.root:
            blame(checkpoint.size)
            raise wrong(f"checkpoint {checkpoint.size}", "the entries do not give the signed root")
    last = checkpoints[-1].size
    if last != size:
        blame(size)
        raise wrong(f"checkpoint {last}", f"the last checkpoint covers {last} entries, the log holds {size}")


def check_head(
    party: str, head: Checkpoint, roots: Mapping[int, bytes], size: int, blame: Callable[[int], None]
) -> None:
    """(4) What a department co-signed last is a beginning of this log.

    Args:
        blame: as for `check_roots`.

    Raises:
        RecordError: it is not, or the department has not co-signed it with both algorithms.
    """
    where = f"head of {party}"
    if party not in head.pairs:
        raise wrong(where, f"{party} has not co-signed it with both of its keys")
    if head.size > size:
        raise wrong(where, f"it covers {head.size} entries, the log ends at {size}: its end was cut off")
    if roots[head.size] != head.root:
        blame(head.size)
        raise wrong(where, f"its root is not the log's root at size {head.size}: two histories were shown")


class Sealing(NamedTuple):
    """The sealed checkpoints.

    Attributes:
        sealed: those that reach the quorum, by size, ascending; with the cosignatures of those only that count.
        quorum: how many departments seal now.
        suspended: the departments that do not count now.
    """

    sealed: dict[int, Checkpoint]
    quorum: int
    suspended: frozenset[str]


def find_sealed(
    checkpoints: Sequence[Checkpoint], events: Sequence[Event], roster: Roster, *, wanted: int | None
) -> Sealing:
    """Find the checkpoints that a quorum co-signed, of the departments that counted at that size.

    Args:
        wanted: the quorum of an evaluator's policy, for a bundle, in which every checkpoint must be sealed; None for
            the roster's.

    Raises:
        RecordError: a bundle's checkpoint is not sealed, or the last sealed one lacks ML-DSA-44 lines.
    """
    departments = roster.names("department")
    acts = [(at, event) for at, event in enumerate(events) if event.type in ("member.suspend", "member.resume")]
    sealed: dict[int, Checkpoint] = {}
    for checkpoint in checkpoints:
        out = suspended((event for at, event in acts if at < checkpoint.size), departments) if acts else frozenset()
        counted = [name for name in departments if name not in out]
        needed = quorum(len(counted)) if wanted is None else wanted
        there = sum(name in checkpoint.times for name in (counted if wanted is None else departments))
        if there >= needed:
            # A suspended department takes part in nothing: its cosignature lets no job go on.
            times = {name: time for name, time in checkpoint.times.items() if name in counted}
            sealed[checkpoint.size] = checkpoint._replace(times=times)
        elif wanted is not None:
            raise wrong(f"checkpoint {checkpoint.size}", f"{there} cosignatures hold, {needed} are needed")
    if sealed:
        last = list(sealed.values())[-1]
        bare = sorted(set(last.times) - last.pairs)
        if bare:
            raise wrong(f"checkpoint {last.size}", f"the ML-DSA-44 cosignature of {bare[0]} is missing")
    out = suspended((event for _, event in acts), departments)
    return Sealing(sealed, quorum(len(departments) - len(out)) if wanted is None else wanted, out)
