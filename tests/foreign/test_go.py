"""The Go team's sumdb/note and sumdb/tlog read our checkpoints, trees, proofs, cosignatures and envelopes."""

import base64
import copy

import pytest

from crypto.dsse import sign_envelope, sign_hybrid_envelope
from crypto.merkle import consistency_proof, inclusion_proof, leaf_hash, root_of_hashes
from crypto.notes import append_lines, cosign, sign_note, vkey
from crypto.signing import HybridKey, SigningKey

pytestmark = pytest.mark.xdist_group("go")

ORIGIN, KIND = "keyong.local/0123456789abcdef", "application/vnd.keyong.event+json"
LOG, PARTY, OFFICER = SigningKey.generate(), SigningKey.generate(), HybridKey.generate()
WITNESSES = {f"{ORIGIN}/{name}": HybridKey.generate() for name in ("tax", "health")}
ENTRIES = [sign_envelope(PARTY, KIND, b'{"seq":%d}' % number) for number in range(40)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [root_of_hashes(LEAVES[:size]) for size in range(len(LEAVES) + 1)]


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _checkpoint(size: int) -> str:
    text = f"{ORIGIN}\n{size}\n{_b64(ROOTS[size])}\n"
    note = sign_note(LOG, ORIGIN, text)
    for name, key in WITNESSES.items():
        note = append_lines(note, cosign(key, name, text, time_s=1_679_315_147))
    return note


def _inclusion(index: int, size: int) -> dict[str, object]:
    return {"index": index, "proof": [_b64(digest) for digest in inclusion_proof(index, LEAVES[:size])]}


def _consistency(old: int, size: int) -> dict[str, object]:
    proof = [_b64(digest) for digest in consistency_proof(old, LEAVES[:size])]
    return {"size": old, "root": _b64(ROOTS[old]), "proof": proof}


def _claim(size: int) -> dict[str, object]:
    """All that can be said of the first `size` entries."""
    statement = sign_hybrid_envelope(OFFICER, "application/vnd.keyong.statement+json", b'{"kind":"grant"}')
    party, officer = (vkey(ORIGIN + "/x", public) for public in (PARTY.public, OFFICER.public.ed25519))
    envelopes = [{"envelope": _b64(entry), "signer": party} for entry in ENTRIES[:size]]
    return {
        "note": _checkpoint(size),
        "log": vkey(ORIGIN, LOG.public),
        "witnesses": [vkey(name, key.public.ed25519, kind=0x04) for name, key in WITNESSES.items()],
        "entries": [_b64(entry) for entry in ENTRIES[:size]],
        "inclusion": [_inclusion(index, size) for index in range(size)],
        "consistency": [_consistency(old, size) for old in range(1, size + 1)],
        "envelopes": [*envelopes, {"envelope": _b64(statement), "signer": officer}],
    }


def test_go_accepts_every_log_up_to_40_entries_with_every_proof(go_judge):
    assert set(go_judge(*[_claim(size) for size in range(1, 41)])) == {"ACCEPT"}


GOOD = _claim(11)
NOTE = _checkpoint(11)
OTHER_TIME = cosign(WITNESSES[f"{ORIGIN}/tax"], f"{ORIGIN}/tax", NOTE.partition("\n\n")[0] + "\n", time_s=1)[0]
TAX_LINE = next(line for line in NOTE.split("\n") if line.startswith(f"\u2014 {ORIGIN}/tax "))


def _with_bit_changed(encoded: str, byte: int) -> str:
    data = bytearray(base64.b64decode(encoded))
    data[byte] ^= 1
    return _b64(bytes(data))


def _line_with_bit_changed(line: str, byte: int) -> str:
    head, _, encoded = line.rpartition(" ")
    return f"{head} {_with_bit_changed(encoded, byte)}"


def _broken(part: str, position: int, field: str, value: object) -> dict[str, object]:
    claim = copy.deepcopy(GOOD)
    claim[part][position][field] = value
    return claim


PROOF = GOOD["inclusion"][4]["proof"]
GROWTH = GOOD["consistency"][5]["proof"]
REFUSED = {
    "size of the checkpoint": ("checkpoint", GOOD | {"note": NOTE.replace("\n11\n", "\n12\n", 1)}),
    "root of the checkpoint": ("checkpoint", GOOD | {"note": NOTE.replace(_b64(ROOTS[11]), _b64(ROOTS[10]), 1)}),
    "key of the log": ("checkpoint", GOOD | {"log": vkey(ORIGIN, PARTY.public)}),
    "type of the log's key": ("checkpoint", GOOD | {"log": vkey(ORIGIN, LOG.public, kind=0x04)}),
    "a witness's line missing": ("checkpoint", GOOD | {"note": NOTE.replace(TAX_LINE + "\n", "")}),
    "time in a witness's line": (
        "checkpoint",
        GOOD | {"note": NOTE.replace(TAX_LINE, _line_with_bit_changed(TAX_LINE, 11))},
    ),
    "signature in a witness's line": (
        "checkpoint",
        GOOD | {"note": NOTE.replace(TAX_LINE, _line_with_bit_changed(TAX_LINE, 75))},
    ),
    "key of a witness": (
        "checkpoint",
        GOOD | {"witnesses": [vkey(f"{ORIGIN}/tax", OFFICER.public.ed25519, kind=0x04), GOOD["witnesses"][1]]},
    ),
    "a witness's key as a note's": (
        "checkpoint",
        GOOD | {"witnesses": [vkey(f"{ORIGIN}/tax", WITNESSES[f"{ORIGIN}/tax"].public.ed25519)]},
    ),
    "an entry": ("tree", GOOD | {"entries": [_with_bit_changed(GOOD["entries"][0], 5), *GOOD["entries"][1:]]}),
    "two entries swapped": ("tree", GOOD | {"entries": [*GOOD["entries"][1::-1], *GOOD["entries"][2:]]}),
    "last entry missing": ("tree", GOOD | {"entries": GOOD["entries"][:-1]}),
    "index of an inclusion proof": ("inclusion", _broken("inclusion", 4, "index", 5)),
    "index beyond the log": ("inclusion", _broken("inclusion", 4, "index", 11)),
    "a hash of an inclusion proof": ("inclusion", _broken("inclusion", 4, "proof", [_with_bit_changed(PROOF[0], 0)])),
    "an inclusion proof a hash short": ("inclusion", _broken("inclusion", 4, "proof", PROOF[:-1])),
    "an inclusion proof a hash long": ("inclusion", _broken("inclusion", 4, "proof", [*PROOF, PROOF[0]])),
    "old size of a consistency proof": ("consistency", _broken("consistency", 5, "size", 5)),
    "old root of a consistency proof": ("consistency", _broken("consistency", 5, "root", _b64(ROOTS[5]))),
    "a hash of a consistency proof": (
        "consistency",
        _broken("consistency", 5, "proof", [_with_bit_changed(GROWTH[0], 0), *GROWTH[1:]]),
    ),
    "a consistency proof a hash short": ("consistency", _broken("consistency", 5, "proof", GROWTH[:-1])),
    "a consistency proof a hash long": ("consistency", _broken("consistency", 5, "proof", [*GROWTH, GROWTH[0]])),
    "signer of an envelope": ("envelope", _broken("envelopes", 3, "signer", vkey("x", LOG.public))),
    "payload of an envelope": (
        "envelope",
        _broken("envelopes", 3, "envelope", _b64(ENTRIES[3].replace(b"eyJzZXEiOjN9", b"eyJzZXEiOjR9"))),
    ),
    "type of an envelope": (
        "envelope",
        _broken("envelopes", 3, "envelope", _b64(ENTRIES[3].replace(b"event", b"other"))),
    ),
}


def test_go_accepts_the_claim_that_the_refused_ones_begin_with(go_judge):
    assert go_judge(GOOD) == ["ACCEPT"]


@pytest.mark.parametrize("altered", REFUSED)
def test_go_refuses_one_altered_thing_and_names_the_part(go_judge, altered):
    part, claim = REFUSED[altered]
    assert claim != GOOD
    assert go_judge(claim)[0].startswith(f"REJECT {part}: ")


def test_go_checks_the_time_under_a_witness_signature_and_not_a_certain_time(go_judge):
    assert go_judge(GOOD | {"note": NOTE.replace(TAX_LINE, OTHER_TIME.removesuffix("\n"))}) == ["ACCEPT"]
