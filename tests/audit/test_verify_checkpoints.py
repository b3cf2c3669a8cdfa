"""Steps 1 to 4 of verifying: keys, checkpoints with their cosignatures, roots, heads."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import SignatureError
from crypto.merkle import root_hash
from crypto.notes import KeyKind, append_lines, cosign, vkey
from crypto.signing import HybridKey, SigningKey
from federation.audit.events import Event
from federation.audit.rules.checkpoints import Checkpoint, find_sealed, roots_at
from federation.audit.rules.keys import Trust, read_signers
from federation.audit.verify import verify_record
from federation.drills.scene import Scene, size_of
from tests.support import records
from tests.support.memory import COORDINATOR, ORIGIN
from tests.support.records import NAMES, with_notes, without_cosignatures, wrong

replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return records.approved(tmp_path_factory.mktemp("record"))


@pytest.fixture
def sealed(scene: Scene) -> int:
    """The size of the last sealed checkpoint."""
    return scene.sealed_sizes()[-1]


def note_at(scene: Scene, size: int) -> str:
    return next(note for note in scene.notes if size_of(note) == size)


def instead(scene: Scene, size: int, note: str) -> Scene:
    return with_notes(scene, [note if size_of(one) == size else one for one in scene.notes])


# --- as it is ---


def test_record_with_officers_verifies_and_tells_its_figures(scene, sealed):
    verdict = verify_record(scene, clock=lambda: 1_772_352_100)  # 100 s after the federation's clock
    assert (verdict.size, verdict.root) == (len(scene.entries), root_hash(scene.entries).hex())
    assert verdict.checkpoints == len(scene.notes)
    assert (verdict.sealed, verdict.sealed_size) == (len(scene.sealed_sizes()), sealed)
    assert (verdict.unsealed, verdict.unsealed_acts) == (verdict.size - sealed, 0)
    assert (verdict.quorum, verdict.suspended) == (2, ())
    assert {name: (one.size, one.age_s) for name, one in verdict.witnesses.items()} == dict.fromkeys(
        NAMES, (sealed, 100)
    )
    assert (verdict.jobs, verdict.outcomes, verdict.unapproved) == (1, {"released": 1}, 0)
    assert (verdict.granted, verdict.automatic, verdict.denied, verdict.revoked) == (6, 0, 0, 1)
    statements = 7
    cosignatures = 3 * verdict.sealed + 3  # each department's head once more
    entries = len(scene.entries) + 3  # each journal's last
    assert verdict.signatures == {
        "Ed25519": entries + verdict.checkpoints + 3 + cosignatures + statements,
        "ML-DSA-44": cosignatures + statements,
    }


def test_bundle_verifies_with_the_evaluators_keys_and_heads(scene, sealed):
    verdict = verify_record(scene.bundle(), scene.trust(heads=NAMES))
    assert (verdict.size, verdict.sealed, verdict.unsealed) == (sealed, verdict.checkpoints, 0)


def test_automatic_approvals_are_counted_as_such(finished):
    verdict = verify_record(Scene.of_home(finished.home))
    assert (verdict.granted, verdict.automatic) == (0, 6)


def test_acts_behind_the_last_seal_are_counted(finished):
    """The federation of these tests is closed without a last seal."""
    verdict = verify_record(Scene.of_home(finished.home))
    assert verdict.unsealed_acts > 0


# --- (1) keys ---


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: dataclasses.replace(t, origin="keyong.test/other"), "it is of another log"),
        (lambda t: dataclasses.replace(t, log_key=bytes(32)), "its key for coordinator is not the evaluator's"),
        (
            lambda t: dataclasses.replace(t, witnesses={**t.witnesses, "gaoping": bytes(32)}),
            "its key for gaoping as a witness is not the evaluator's",
        ),
        (
            lambda t: dataclasses.replace(t, signers={k: v for k, v in t.signers.items() if k != "qinshui"}),
            "the evaluator has no key for qinshui",
        ),
        (
            lambda t: dataclasses.replace(t, officers={**t.officers, "officer@qinshui": HybridKey.generate().public}),
            "its key for officer@qinshui is not the evaluator's",
        ),
        (
            lambda t: dataclasses.replace(t, witnesses={**t.witnesses, "east": bytes(32)}),
            "its departments are not the evaluator's witnesses",
        ),
    ],
)
def test_roster_with_another_key_than_the_evaluators_is_found(scene, change, reason):
    assert wrong(scene.bundle(), change(scene.trust())) == f"file data/roster.json: {reason}"


def test_quorum_that_nobody_can_miss_or_reach_is_refused(scene):
    for quorum in (0, 4):
        with pytest.raises(ValueError, match="quorum"):
            dataclasses.replace(scene.trust(), quorum=quorum)


def test_signers_file_gives_parties_and_officers():
    party, officer = SigningKey.generate(), HybridKey.generate()
    name = f"{ORIGIN}/officer@tax"
    lines = [
        vkey(ORIGIN, party.public),
        vkey(f"{ORIGIN}/tax", party.public),
        vkey(name, officer.public.ed25519),
        vkey(name, officer.public.mldsa44, kind=KeyKind.MLDSA44_COSIGNATURE),
    ]
    parties, officers = read_signers("\n".join(lines) + "\n", ORIGIN)
    assert parties == {"coordinator": party.public, "tax": party.public}
    assert officers == {"officer@tax": officer.public}


@pytest.mark.parametrize("spoil", ["twice", "another log", "a witness", "garbage"])
def test_signers_file_that_is_not_one_is_refused(spoil):
    key = SigningKey.generate().public
    line = vkey(f"{ORIGIN}/tax", key)
    text = {
        "twice": f"{line}\n{line}\n",
        "another log": vkey("keyong.test/other/tax", key),
        "a witness": vkey(f"{ORIGIN}/tax", key, kind=KeyKind.COSIGNATURE),
        "garbage": "tax",
    }
    with pytest.raises(SignatureError):
        read_signers(text[spoil], ORIGIN)


# --- (2) checkpoints and cosignatures ---


def test_false_cosignature_of_a_known_key_spoils_the_checkpoint(scene, sealed):
    """Genuine in itself, but of another checkpoint."""
    older = note_at(scene, scene.sealed_sizes()[0])
    body, _, lines = note_at(scene, sealed).rpartition("\n\n")
    keep = [line for line in lines.splitlines(keepends=True) if f"{ORIGIN}/gaoping " not in line]
    stolen = [line for line in older.splitlines(keepends=True) if f"{ORIGIN}/gaoping " in line]
    forged = instead(scene, sealed, f"{body}\n\n{''.join(keep + stolen)}")
    assert wrong(forged) == f"checkpoint {sealed}: the cosignature of gaoping does not hold"


def test_line_of_an_unknown_key_neither_counts_nor_spoils(scene, sealed):
    note = note_at(scene, sealed)
    text = note.rpartition("\n\n")[0] + "\n"
    lines = cosign(HybridKey.generate(), f"{ORIGIN}/gaoping", text, time_s=1_772_352_000)
    assert verify_record(instead(scene, sealed, append_lines(note, lines))).sealed_size == sealed


@pytest.mark.parametrize("length", ["ed25519", "mldsa44"])
def test_last_sealed_checkpoint_with_one_algorithm_only_is_found(scene, sealed, length):
    body, _, lines = note_at(scene, sealed).rpartition("\n\n")
    log, *rest = lines.splitlines(keepends=True)
    kept = [line for line in rest if (len(line) < 1000) == (length == "ed25519")]
    bundle = scene.bundle()
    bundle.notes[-1] = f"{body}\n\n{''.join([log, *kept])}"
    reason = {
        "ed25519": "the ML-DSA-44 cosignature of gaoping is missing",
        "mldsa44": "0 cosignatures hold, 2 are needed",
    }
    assert wrong(bundle, scene.trust()) == f"checkpoint {sealed}: {reason[length]}"


def test_checkpoint_that_lacks_the_quorum_does_not_stand_in_a_bundle(scene):
    first = scene.sealed_sizes()[0]
    forged = without_cosignatures(scene, first, "gaoping", "lingchuan")
    reason = f"checkpoint {first}: 1 cosignatures hold, 2 are needed"
    assert wrong(forged.bundle(scene.sealed_sizes()), scene.trust()) == reason


def test_checkpoint_with_a_bare_quorum_is_sealed(scene, sealed):
    forged = without_cosignatures(scene, sealed, "gaoping")
    assert verify_record(forged.bundle(), scene.trust()).sealed_size == sealed


def act(kind: str, node: str, party: str) -> Event:
    return msgspec.convert(
        {
            "log": ORIGIN,
            "node": node,
            "seq": 0,
            "prev": "",
            "time": "",
            "type": kind,
            "job": "",
            "attempt": 0,
            "actor": {"name": node, "role": "officer"},
            "seen": {},
            "data": {"party": party},
        },
        Event,
    )


def test_suspended_departments_do_not_count_for_the_quorum(scene):
    """Two of three suspend the third: then one of two is no quorum, and both are."""
    votes = [act("member.suspend", name, "qinshui") for name in ("gaoping", "lingchuan")]
    both = Checkpoint(3, bytes(32), dict.fromkeys(("gaoping", "lingchuan"), 1), frozenset(("gaoping", "lingchuan")))
    mixed = Checkpoint(2, bytes(32), dict.fromkeys(("gaoping", "qinshui"), 1), frozenset(("gaoping", "qinshui")))
    before = Checkpoint(1, bytes(32), dict.fromkeys(("gaoping", "qinshui"), 1), frozenset(("gaoping", "qinshui")))
    found = find_sealed([before, mixed, both], votes, scene.roster, wanted=None)
    everybody = both._replace(size=4, times={**both.times, "qinshui": 1})
    assert list(found.sealed) == [1, 3]
    assert set(find_sealed([everybody], votes, scene.roster, wanted=None).sealed[4].times) == {"gaoping", "lingchuan"}
    assert found.suspended == {"qinshui"}


# --- (3) roots ---


@settings(deadline=None, max_examples=40)
@given(st.lists(st.binary(max_size=4), max_size=40))
def test_folded_roots_are_those_of_the_standard(entries):
    sizes = range(len(entries) + 1)
    assert roots_at(entries, set(sizes)) == {size: root_hash(entries[:size]) for size in sizes}


# --- (4) heads ---


def test_lost_witness_database_is_found(scene, sealed):
    altered = scene.copy()
    del altered.shown_heads["qinshui"]
    assert wrong(altered) == f"head of qinshui: its witness database is lost: it had co-signed {sealed} entries"


def test_witness_database_of_before_is_found(scene, sealed):
    altered, older = scene.copy(), scene.sealed_sizes()[0]
    altered.shown_heads["qinshui"] = note_at(scene, older)
    assert wrong(altered) == f"head of qinshui: it covers {older} entries, but qinshui had co-signed {sealed}"


def test_head_of_another_history_is_found(scene, sealed):
    altered = scene.copy()
    times = dict.fromkeys(NAMES, 1_772_352_000)
    altered.shown_heads["qinshui"] = scene.note([*scene.entries[1:sealed], scene.entries[0]], times)
    reason = f"its root is not the log's root at size {sealed}: two histories were shown"
    assert wrong(altered) == f"head of qinshui: {reason}"


def test_head_beyond_the_end_shows_that_it_was_cut_off(scene, sealed):
    cut = scene.bundle(scene.sealed_sizes()[:-1])
    reason = f"it covers {sealed} entries, the log ends at {len(cut.entries)}: its end was cut off"
    assert wrong(cut, scene.trust(heads=["qinshui"])) == f"head of qinshui: {reason}"


def test_head_that_its_department_did_not_cosign_is_found(scene, sealed):
    altered = scene.copy()
    altered.shown_heads["qinshui"] = scene.note(scene.entries[:sealed], {"gaoping": 1_772_352_000})
    assert wrong(altered) == "head of qinshui: qinshui has not co-signed it with both of its keys"


def test_head_that_the_coordinator_did_not_sign_is_found(scene, sealed):
    altered = scene.copy()
    key, times = SigningKey.generate(), {"qinshui": 1_772_352_000}
    altered.shown_heads["qinshui"] = scene.note(scene.entries[:sealed], times, key=key)
    assert wrong(altered) == "head of qinshui: it is not signed by the coordinator"


def test_trust_needs_a_coordinator_in_the_roster(scene):
    altered = scene.copy()
    parties = tuple(party for party in scene.roster.parties if party.name != COORDINATOR)
    content = replace(scene.roster, parties=parties).to_bytes()
    altered.pinned = dict.fromkeys(altered.pinned, content)
    assert wrong(altered) == "roster: it does not name one coordinator"
    assert isinstance(scene.trust(), Trust)
