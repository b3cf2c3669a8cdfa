"""The Merkle tree of the record: RFC 9162, section 2.1, with SHA-256. Pure functions; storage is elsewhere.

A tree is worked out level by level, and the last node of an odd level moves up as it is: this gives the RFC's
recursive tree, whose left half is always the largest full one. Signed tree heads are not here (see `signing`).
"""

import hashlib
from collections.abc import Iterator, Sequence

from crypto.errors import ProofError

EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash of an entry; the 0x00 keeps entries from passing for inner nodes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_hash(entries: Sequence[bytes]) -> bytes:
    """Root hash of a log of these entries, oldest first."""
    return root_of_hashes([leaf_hash(entry) for entry in entries])


def root_of_hashes(leaf_hashes: Sequence[bytes]) -> bytes:
    """Root hash of a log whose entries have these leaf hashes."""
    level = leaf_hashes
    while len(level) > 1:
        level = _parents(level)
    return level[0] if level else EMPTY_ROOT


def inclusion_proof(index: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """What leads from entry `index`, counted from 0, to the root hash (section 2.1.3.1)."""
    if not 0 <= index < len(leaf_hashes):
        raise ValueError(f"no entry {index} in a log of {len(leaf_hashes)}")
    return _siblings(index, leaf_hashes)


def consistency_proof(old_size: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """What shows that the first `old_size` entries are still the beginning of the log (section 2.1.4.1)."""
    if not 0 <= old_size <= len(leaf_hashes):
        raise ValueError(f"no log of {old_size} entries begins a log of {len(leaf_hashes)}")
    if old_size in (0, len(leaf_hashes)):
        return []
    # Climb to the top of the largest full subtree that ends where the old log ended: old and new log share it.
    node, level = old_size - 1, leaf_hashes
    while node % 2:
        node, level = node // 2, _parents(level)
    # If it was the whole old log, its hash is the old root, which the verifier has.
    return ([level[node]] if node else []) + _siblings(node, level)


def verify_inclusion(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a log has an entry at an index (section 2.1.3.2).

    Args:
        leaf: the entry's `leaf_hash`, which the verifier has computed.
        index: its place, from 0.
        size: number of entries of the log with this root hash.
        proof: from the bottom up.
        root: the root hash, from a signed checkpoint.

    Raises:
        ProofError: the proof does not lead from the leaf at this index to the root.
    """
    if not 0 <= index < size:
        raise ProofError(f"no entry {index} in a log of {size}")
    _check_lengths([leaf, *proof])
    computed = leaf
    for sibling, on_left in _sides(index, size - 1, proof):
        computed = node_hash(sibling, computed) if on_left else node_hash(computed, sibling)
    if computed != root:
        raise ProofError(f"the inclusion proof of entry {index} does not lead to the root hash")


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that a log only grew between two checkpoints (section 2.1.4.2).

    The RFC proves nothing about an empty log; here its root must be the empty one and the proof empty.

    Raises:
        ProofError: the old log is not shown to be the beginning of the new one.
    """
    if not 0 <= old_size <= new_size:
        raise ProofError(f"a log of {old_size} entries cannot have become one of {new_size}")
    _check_lengths([old_root, new_root, *proof])
    broken = ProofError(f"the log of {old_size} entries is not shown to begin the log of {new_size}")
    if old_size in (0, new_size):
        if proof or old_root != (new_root if old_size == new_size else EMPTY_ROOT):
            raise broken
        return
    node, last = old_size - 1, new_size - 1
    while node % 2:
        node, last = node // 2, last // 2
    path = list(proof) if node else [old_root, *proof]
    if not path:
        raise ProofError("the proof is too short")
    old = new = path[0]
    for sibling, on_left in _sides(node, last, path[1:]):
        if on_left:
            old = node_hash(sibling, old)
        new = node_hash(sibling, new) if on_left else node_hash(new, sibling)
    if old != old_root or new != new_root:
        raise broken


def _parents(level: Sequence[bytes]) -> list[bytes]:
    parents = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    if len(level) % 2:
        parents.append(level[-1])
    return parents


def _siblings(node: int, level: Sequence[bytes]) -> list[bytes]:
    """The hashes needed from `level` upwards to turn its node into the root."""
    path = []
    while len(level) > 1:
        if (sibling := node ^ 1) < len(level):
            path.append(level[sibling])
        node, level = node // 2, _parents(level)
    return path


def _sides(node: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each hash of a proof, with whether it stands left of the path from `node` up; `last` ends node's level."""
    for sibling in proof:
        while node == last and node % 2 == 0 and last:  # the last node of an odd level has no sibling
            node, last = node // 2, last // 2
        if not last:
            raise ProofError("the proof is too long")
        yield sibling, node % 2 == 1
        node, last = node // 2, last // 2
    if last:
        raise ProofError("the proof is too short")


def _check_lengths(hashes: Sequence[bytes]) -> None:
    # Hashes of other lengths would let the border between left and right child move.
    if any(len(digest) != hashlib.sha256().digest_size for digest in hashes):
        raise ProofError("a hash in the proof is not 32 bytes long")
