from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import ProofError
from crypto.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_hash,
    root_of_hashes,
    verify_consistency,
    verify_inclusion,
)

# The reference tree of Certificate Transparency: inputs, roots and paths of merkle_tree_test.cc in
# google/certificate-transparency.
CT_ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# (index from 0, size, path)
CT_INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
# (old size, new size, path)
CT_CONSISTENCY = [
    (1, 1, []),
    (1, 8, CT_INCLUSION[1][2]),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]

ENTRIES = [b"entry %d" % number for number in range(20)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [root_of_hashes(LEAVES[:size]) for size in range(len(LEAVES) + 1)]


def root_by_the_book(entries: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, word for word: slow, and recursive."""
    if len(entries) < 2:
        return leaf_hash(entries[0]) if entries else EMPTY_ROOT
    split = 1 << (len(entries) - 1).bit_length() - 1
    return node_hash(root_by_the_book(entries[:split]), root_by_the_book(entries[split:]))


def check_inclusion(**changes: object) -> None:
    """Entry 4 of 11, with what the caller changes."""
    claim = {"index": 4, "size": 11, "proof": inclusion_proof(4, LEAVES[:11]), "root": ROOTS[11]} | changes
    verify_inclusion(claim.pop("leaf", LEAVES[4]), **claim)


def check_consistency(**changes: object) -> None:
    """6 entries grown to 11, with what the caller changes."""
    proof = consistency_proof(6, LEAVES[:11])
    claim = {"old_size": 6, "new_size": 11, "old_root": ROOTS[6], "new_root": ROOTS[11], "proof": proof}
    verify_consistency(**claim | changes)


# --- published vectors ---


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size):
    assert root_hash(CT_ENTRIES[:size]).hex() == CT_ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "path"), CT_INCLUSION)
def test_inclusion_proofs_are_those_of_certificate_transparency(index, size, path):
    leaves = [leaf_hash(entry) for entry in CT_ENTRIES[:size]]
    proof = inclusion_proof(index, leaves)
    assert [digest.hex() for digest in proof] == path
    verify_inclusion(leaves[index], index=index, size=size, proof=proof, root=bytes.fromhex(CT_ROOTS[size - 1]))


@pytest.mark.parametrize(("old_size", "new_size", "path"), CT_CONSISTENCY)
def test_consistency_proofs_are_those_of_certificate_transparency(old_size, new_size, path):
    proof = consistency_proof(old_size, [leaf_hash(entry) for entry in CT_ENTRIES[:new_size]])
    assert [digest.hex() for digest in proof] == path
    old_root, new_root = (bytes.fromhex(CT_ROOTS[size - 1]) for size in (old_size, new_size))
    verify_consistency(old_size=old_size, new_size=new_size, old_root=old_root, new_root=new_root, proof=proof)


def test_an_empty_log_hashes_to_sha256_of_nothing():
    assert root_hash([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


# --- properties ---


@given(entries=st.lists(st.binary(max_size=8), max_size=70))
def test_the_root_is_the_one_the_rfc_defines(entries):
    assert root_hash(entries) == root_by_the_book(entries)


def test_every_inclusion_proof_up_to_20_entries_holds():
    for size in range(1, 21):
        for index in range(size):
            proof = inclusion_proof(index, LEAVES[:size])
            verify_inclusion(LEAVES[index], index=index, size=size, proof=proof, root=ROOTS[size])


def test_every_consistency_proof_up_to_20_entries_holds():
    for new in range(21):
        for old in range(new + 1):
            proof = consistency_proof(old, LEAVES[:new])
            verify_consistency(old_size=old, new_size=new, old_root=ROOTS[old], new_root=ROOTS[new], proof=proof)


@given(data=st.data())
def test_no_inclusion_proof_holds_at_another_index(data):
    size = data.draw(st.integers(2, 20))
    index, other = data.draw(st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True))
    proof = inclusion_proof(index, LEAVES[:size])
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[index], index=other, size=size, proof=proof, root=ROOTS[size])


@given(data=st.data())
def test_no_inclusion_proof_holds_with_one_bit_changed(data):
    size = data.draw(st.integers(2, 20))
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, LEAVES[:size])
    place, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    proof[place] = _with_bit_changed(proof[place], bit)
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[index], index=index, size=size, proof=proof, root=ROOTS[size])


@given(data=st.data())
def test_no_consistency_proof_holds_with_one_bit_changed(data):
    new = data.draw(st.integers(2, 20))
    old = data.draw(st.integers(1, new - 1))
    proof = consistency_proof(old, LEAVES[:new])
    place, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    proof[place] = _with_bit_changed(proof[place], bit)
    with pytest.raises(ProofError):
        verify_consistency(old_size=old, new_size=new, old_root=ROOTS[old], new_root=ROOTS[new], proof=proof)


def test_no_consistency_proof_up_to_20_entries_holds_from_another_size():
    for new in range(2, 21):
        for old in range(1, new):
            proof = consistency_proof(old, LEAVES[:new])
            for claimed in {*range(1, new + 1)} - {old}:
                with pytest.raises(ProofError):
                    verify_consistency(
                        old_size=claimed, new_size=new, old_root=ROOTS[claimed], new_root=ROOTS[new], proof=proof
                    )


def _with_bit_changed(digest: bytes, bit: int) -> bytes:
    return (int.from_bytes(digest, "big") ^ 1 << bit).to_bytes(32, "big")


# --- attacks ---


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"leaf": LEAVES[5]}, id="swapped leaf"),
        pytest.param({"leaf": ENTRIES[4]}, id="the entry instead of its hash"),
        pytest.param({"index": 5}, id="neighbour's index"),
        pytest.param({"index": -1}, id="negative index"),
        pytest.param({"index": 11}, id="index beyond the log"),
        pytest.param({"size": 0}, id="empty log"),
        pytest.param({"root": ROOTS[10]}, id="an older root"),
        pytest.param({"proof": []}, id="no proof"),
        pytest.param({"proof": inclusion_proof(4, LEAVES[:11])[:-1]}, id="a hash short"),
        pytest.param({"proof": [*inclusion_proof(4, LEAVES[:11]), ROOTS[1]]}, id="a hash long"),
        pytest.param({"proof": inclusion_proof(4, LEAVES[:11])[::-1]}, id="upside down"),
        pytest.param({"proof": inclusion_proof(4, LEAVES[:11])[1:]}, id="the lowest hash missing"),
        pytest.param({"proof": [ROOTS[1], *inclusion_proof(4, LEAVES[:11])]}, id="a hash too many below"),
        pytest.param({"proof": [*inclusion_proof(4, LEAVES[:11]), bytes(32)]}, id="padded with zeros"),
        pytest.param({"proof": [*inclusion_proof(4, LEAVES[:11]), b""]}, id="padded with an empty hash"),
        pytest.param({"proof": [LEAVES[6], *inclusion_proof(4, LEAVES[:11])[1:]]}, id="another sibling"),
        pytest.param({"proof": [digest[:31] for digest in inclusion_proof(4, LEAVES[:11])]}, id="truncated hashes"),
        pytest.param({"proof": [digest + b"\0" for digest in inclusion_proof(4, LEAVES[:11])]}, id="padded hashes"),
        pytest.param({"index": 4 + 16}, id="the index with a bit above the tree"),
        pytest.param({"size": 8}, id="a size with a shorter path"),
        pytest.param({"size": 20}, id="a size with a longer path"),
        pytest.param({"root": ROOTS[11][:31]}, id="a truncated root"),
        pytest.param({"leaf": LEAVES[4] + b"\0"}, id="a padded leaf"),
    ],
)
def test_a_broken_inclusion_proof_is_refused(changes):
    check_inclusion()
    with pytest.raises(ProofError):
        check_inclusion(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"old_root": ROOTS[5]}, id="another old root"),
        pytest.param({"new_root": ROOTS[10]}, id="another new root"),
        pytest.param({"old_size": 5}, id="another old size"),
        pytest.param({"old_size": 8}, id="a full tree as old size"),
        pytest.param({"old_size": -1}, id="negative size"),
        pytest.param({"new_size": 5}, id="a log that shrank"),
        pytest.param({"new_size": 6}, id="same size, other roots"),
        pytest.param({"old_size": 0}, id="empty old log with a root"),
        pytest.param({"proof": []}, id="no proof"),
        pytest.param({"proof": consistency_proof(6, LEAVES[:11])[:-1]}, id="a hash short"),
        pytest.param({"proof": [*consistency_proof(6, LEAVES[:11]), ROOTS[1]]}, id="a hash long"),
        pytest.param({"proof": [b"\x00" * 31, *consistency_proof(6, LEAVES[:11])[1:]]}, id="a short hash"),
        pytest.param({"proof": consistency_proof(6, LEAVES[:11])[1:]}, id="the lowest hash missing"),
        pytest.param({"proof": consistency_proof(6, LEAVES[:11])[::-1]}, id="upside down"),
        pytest.param({"proof": [*consistency_proof(6, LEAVES[:11]), bytes(32)]}, id="padded with zeros"),
        pytest.param({"proof": [ROOTS[6], *consistency_proof(6, LEAVES[:11])]}, id="the old root put in front"),
        pytest.param({"proof": [*consistency_proof(6, LEAVES[:11])[:1], *[bytes(32)] * 3]}, id="other siblings"),
        pytest.param({"proof": consistency_proof(6, LEAVES[:12])}, id="the proof to another size"),
        pytest.param({"proof": consistency_proof(7, LEAVES[:11])}, id="the proof from another size"),
        pytest.param({"new_size": 17}, id="a size with a longer path"),
        pytest.param({"new_size": 8}, id="a size with a shorter path"),
        pytest.param({"old_root": ROOTS[11], "new_root": ROOTS[6]}, id="the roots swapped"),
        pytest.param({"old_size": 11, "new_size": 11, "proof": []}, id="same size, two roots: a fork"),
    ],
)
def test_a_broken_consistency_proof_is_refused(changes):
    check_consistency()
    with pytest.raises(ProofError):
        check_consistency(**changes)


def test_a_rewritten_entry_breaks_consistency():
    rewritten = [*LEAVES[:3], leaf_hash(b"rewritten"), *LEAVES[4:11]]
    with pytest.raises(ProofError):
        check_consistency(new_root=root_of_hashes(rewritten), proof=consistency_proof(6, rewritten))


def test_an_inner_node_does_not_pass_for_an_entry():
    # Second preimage: the two leaf hashes of a node, presented as one entry of a log of half the size.
    root = root_of_hashes(LEAVES[:4])
    right = node_hash(LEAVES[2], LEAVES[3])
    with pytest.raises(ProofError):
        verify_inclusion(leaf_hash(LEAVES[0] + LEAVES[1]), index=0, size=2, proof=[right], root=root)


def test_the_border_between_two_hashes_cannot_be_moved():
    leaf, sibling = LEAVES[0] + LEAVES[1][:1], LEAVES[1][1:]
    with pytest.raises(ProofError, match="32 bytes"):
        verify_inclusion(leaf, index=0, size=2, proof=[sibling], root=ROOTS[2])


def test_the_border_between_old_root_and_proof_cannot_be_moved():
    old_root, proof = ROOTS[1][:31], [ROOTS[1][31:] + LEAVES[1]]
    with pytest.raises(ProofError, match="32 bytes"):
        verify_consistency(old_size=1, new_size=2, old_root=old_root, new_root=ROOTS[2], proof=proof)


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_inclusion_proof_for_an_entry_that_is_not_there(index):
    with pytest.raises(ValueError, match="no entry"):
        inclusion_proof(index, LEAVES[:3])


@pytest.mark.parametrize("old_size", [-1, 4])
def test_there_is_no_consistency_proof_from_a_log_that_never_was(old_size):
    with pytest.raises(ValueError, match="no log"):
        consistency_proof(old_size, LEAVES[:3])


# --- cost ---


def test_the_root_of_100_000_leaves_takes_a_moment():
    leaves = [leaf_hash(b"%d" % number) for number in range(100_000)]
    start = process_time()
    root_of_hashes(leaves)
    assert process_time() - start < 0.3
