"""verify.py accepts an honest bundle and names the place in every forged one; its Ed25519 agrees with others'."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import secrets
import shutil
import string
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.dsse import sign_envelope
from crypto.notes import KeyKind, vkey
from crypto.signing import SigningKey
from federation.audit.bundle import pack, write_bundle
from federation.audit.offline import verify
from tests.support.bundle_attacks import ATTACKS, VARIATIONS, honest
from tests.support.bundles import City, evaluator, write_payload_anew
from tests.support.training_attacks import HONEST, TRAINING_ATTACKS

EDGE_CASES = json.loads((Path(__file__).parents[1] / "vectors" / "ed25519.json").read_text())
SCRIPT = Path(verify.__file__)
EVERY_ATTACK = ATTACKS | TRAINING_ATTACKS


@pytest.fixture(scope="module")
def city() -> City:
    return honest()


@pytest.fixture
def own(city: City, tmp_path: Path) -> list[str]:
    """What the evaluator brings, with a head."""
    options = evaluator(city, tmp_path / "own")
    (tmp_path / "own" / "tax").write_text(city.heads["tax"])
    return [*options, "--head", str(tmp_path / "own" / "tax")]


@pytest.fixture
def bundle(city: City, tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle", city.contents())
    return tmp_path / "bundle"


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs the command in this process; returns its status and what it printed."""

    def run(*arguments: object) -> tuple[int, str]:
        capsys.readouterr()
        status = verify.main([str(argument) for argument in arguments])
        return status, capsys.readouterr().out

    return run


# --- an honest bundle ---


def test_honest_bundle_is_accepted_in_both_languages(check, bundle, own, city):
    status, said = check(bundle, *own)
    root = city.root().hex()
    assert status == 0
    assert said.startswith(f"ACCEPT keyong.test/0123456789abcdef size=125 root={root} cosignatures=4/4 checkpoints=6")
    assert "成立 keyong.test" in said
    assert "ML-DSA-44 signatures are not checked" in said
    assert "no head was given" not in said


def test_zip_of_the_bundle_is_accepted_too(check, bundle, own, tmp_path):
    pack(bundle, tmp_path / "bundle.zip")
    assert check(tmp_path / "bundle.zip", *own)[0] == 0


def test_script_needs_nothing_but_the_standard_library(bundle, own, tmp_path):
    """-I and -S: no site packages, no folder of ours, no environment."""
    copy = shutil.copy(SCRIPT, tmp_path / "verify.py")
    command = [sys.executable, "-I", "-S", str(copy), str(bundle), *own]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, env={}, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ACCEPT ")


def test_script_is_python_3_8():
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= set(sys.stdlib_module_names)


def test_script_in_the_bundle_is_the_one_tested(bundle):
    assert (bundle / "data" / "verify.py").read_bytes() == SCRIPT.read_bytes()


def test_several_processes_judge_as_one_does(check, tmp_path, monkeypatch):
    monkeypatch.setattr(verify, "PARALLEL", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    city = City().start()
    for job in range(5):
        city.run(f"job-{job}")
    assert len(city.entries) > verify.TILE
    options = evaluator(city, tmp_path / "own")
    write_bundle(tmp_path / "good", city.contents())
    assert check(tmp_path / "good", *options)[0] == 0
    index = city.raw("tax", b"{}")
    city.seal()
    write_bundle(tmp_path / "bad", city.contents())
    assert check(tmp_path / "bad", *options)[1].startswith(f"REJECT entry {index}: ")


@pytest.mark.parametrize("name", VARIATIONS)
def test_unusual_but_honest_record_is_accepted_and_said(name, check, tmp_path):
    city = honest()
    make, says = VARIATIONS[name]
    write_bundle(tmp_path / "bundle", make(city))
    status, said = check(tmp_path / "bundle", *evaluator(city, tmp_path / "own"))
    assert status == 0, said
    assert says in said


@pytest.mark.parametrize("name", HONEST)
def test_honest_training_or_prediction_is_accepted(name, check, tmp_path):
    city = honest()
    write_bundle(tmp_path / "bundle", HONEST[name](city))
    status, said = check(tmp_path / "bundle", *evaluator(city, tmp_path / "own"))
    assert status == 0, said
    assert " jobs=3 " in said


# --- what the evaluator must bring ---


@pytest.mark.parametrize("left_out", ["--policy", "--signers"])
def test_check_without_own_keys_is_refused(left_out, bundle, own, capsys):
    at = own.index(left_out)
    with pytest.raises(SystemExit) as refusal:
        verify.main([str(bundle), *own[:at], *own[at + 2 :]])
    assert refusal.value.code == 2
    assert "a bundle cannot vouch for itself" in capsys.readouterr().err


def test_keys_from_the_bundle_are_said_to_prove_nothing(check, bundle):
    status, said = check(bundle, "--trust-bundle")
    assert status == 0
    assert said.count("KEYS WERE TAKEN FROM THE BUNDLE") == 2
    assert said.startswith("****")


def test_tail_cut_off_is_not_seen_without_a_head_and_that_is_said(check, city, tmp_path):
    write_bundle(tmp_path / "cut", ATTACKS["tail_cut_off"](city).contents)
    status, said = check(tmp_path / "cut", *evaluator(city, tmp_path / "own"))
    assert status == 0
    assert "no head was given: had the end of the log been cut off, this could not have shown it" in said


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("policy", "quorum none\n", "policy"),
        ("policy", "log x\n", "policy"),
        ("policy", "\x00", "policy"),
        ("signers", "tax+00000000+AQ==\n", "signers"),
        ("signers", "no key\n", "signers"),
    ],
)
def test_malformed_file_of_the_evaluator_is_named(name, text, where, check, bundle, own, tmp_path):
    (tmp_path / "own" / name).write_text(text)
    status, said = check(bundle, *own)
    assert status == 1
    assert said.startswith(f"REJECT {where}: ")


def test_key_under_two_names_is_refused(check, bundle, own, tmp_path, city):
    twice = city.signers() + vkey("keyong.test/0123456789abcdef/other", city.keys["tax"].public) + "\n"
    (tmp_path / "own" / "signers").write_text(twice)
    status, said = check(bundle, *own)
    assert (status, said.splitlines()[0]) == (1, "REJECT signers: one key or one name stands for two: tax, other")


def test_policy_with_ml_dsa_witnesses_in_its_quorum_is_refused(check, bundle, own, tmp_path, city):
    public = vkey(
        "keyong.test/0123456789abcdef/tax", city.witnesses["tax"].public.mldsa44, kind=KeyKind.MLDSA44_COSIGNATURE
    )
    text = city.policy().replace("group departments 3 tax", f"witness pq {public}\ngroup departments 3 pq")
    (tmp_path / "own" / "policy").write_text(text)
    status, said = check(bundle, *own)
    assert status == 1
    assert "this program cannot check it" in said


# --- forged records ---


@pytest.mark.parametrize("name", EVERY_ATTACK)
def test_forged_record_is_rejected_at_its_place(name, check, tmp_path):
    city = honest()
    forged = EVERY_ATTACK[name](city)
    write_bundle(tmp_path / "bundle", forged.contents)
    options = evaluator(city, tmp_path / "own")
    for number, head in enumerate(forged.heads):
        (tmp_path / f"head{number}").write_text(head)
        options += ["--head", str(tmp_path / f"head{number}")]
    status, said = check(tmp_path / "bundle", *options)
    line = said.splitlines()[0]
    assert status == 1
    assert line.startswith(f"REJECT {forged.where}: ")
    assert forged.reason in line
    assert said.splitlines()[1].startswith("不成立 ")


# --- forged bags ---

TILE = "data/tile/entries/000.p/125"


def flip(folder: Path) -> None:
    data = bytearray((folder / TILE).read_bytes())
    data[5000] ^= 1
    (folder / TILE).write_bytes(data)


def link_out(folder: Path) -> None:
    (folder / "data/roster.json").unlink()
    (folder / "data/roster.json").symlink_to("/etc/hostname")


def line_added(line: str) -> Callable[[Path], None]:
    def add(folder: Path) -> None:
        with (folder / "manifest-sha256.txt").open("a") as stream:
            stream.write(line)

    return add


def write(name: str, content: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return change


BAGS = {
    "bit flipped": (flip, f"file {TILE}", "SHA-256 is not the one in the manifest"),
    "file too many": (write("data/notes.txt", b"x"), "file data/notes.txt", "in no manifest"),
    "file too many beside data": (write("notes.txt", b"x"), "file notes.txt", "in no manifest"),
    "file missing": (lambda f: (f / "data/wire.json").unlink(), "file data/wire.json", "is not there"),
    "manifest names a file twice": (line_added("0" * 64 + "  data/policy\n"), "file manifest-sha256.txt", "SHA-256"),
    "manifest leads out": (line_added("0" * 64 + "  ../../etc/passwd\n"), "file manifest-sha256.txt", "SHA-256"),
    "link": (link_out, "file data/roster.json", "a kind of file that no bundle has"),
    "hidden file": (write("data/.hidden", b""), "file data/.hidden", "a name or a kind of file"),
    "no bag": (write("bagit.txt", b"BagIt-Version: 0.97\n"), "file bagit.txt", "BagIt 1.0"),
}


@pytest.mark.parametrize("name", BAGS)
def test_forged_bag_is_rejected_at_its_file(name, check, bundle, own):
    change, where, reason = BAGS[name]
    change(bundle)
    status, said = check(bundle, *own)
    assert status == 1
    assert said.startswith(f"REJECT {where}: ")
    assert reason in said


def two_of_one_size(folder: Path, city: City) -> None:
    note = city.note(125, bytes(32))
    (folder / "data/checkpoints/000000000125").write_text(note)


def rolled_back(folder: Path, city: City) -> None:
    size, earlier = city.checkpoints[-2]
    (folder / "data/checkpoints" / f"{size:012d}").unlink()
    (folder / "data/checkpoint").rename(folder / "data/checkpoints/000000000125")
    (folder / "data/checkpoint").write_text(earlier)


def misnamed(folder: Path, city: City) -> None:
    (folder / "data/checkpoints/000000000019").rename(folder / "data/checkpoints/000000000020")


def long_length(folder: Path, city: City) -> None:
    data = (folder / TILE).read_bytes()
    (folder / TILE).write_bytes(b"\xff\xff" + data[2:])


def entry_missing(folder: Path, city: City) -> None:
    data = (folder / TILE).read_bytes()
    (folder / TILE).write_bytes(data[2 + len(city.entries[0]) :])


def tiles_missing(folder: Path, city: City) -> None:
    (folder / TILE).unlink()


def proof_of_another(folder: Path, city: City) -> None:
    first, second = sorted((folder / "data/proofs").iterdir())[:2]
    second.write_text(second.read_text().split("\n\n")[0].split("\n")[0] + "\n" + first.read_text().split("\n", 1)[1])


def job_by_a_stranger(folder: Path, city: City) -> None:
    forged = sign_envelope(SigningKey.generate(), "application/vnd.in-toto+json", b"{}")
    (folder / "data/jobs/job-0.intoto.json").write_bytes(forged)


def replaced(name: str, content: bytes) -> Callable[[Path, City], None]:
    return lambda folder, city: (folder / name).write_bytes(content)  # type: ignore[return-value]


FILES: dict[str, tuple[Callable[[Path, City], None], str, str]] = {
    "two checkpoints of one size": (two_of_one_size, "checkpoint 125", "two checkpoints of one size"),
    "checkpoint rolled back": (rolled_back, "checkpoint 125", "the log was rolled back"),
    "checkpoint misnamed": (misnamed, "file data/checkpoints/000000000020", "it states size 19"),
    "gigantic length": (long_length, f"file {TILE}", "not a whole entry bundle"),
    "entry missing": (entry_missing, f"file {TILE}", "not a whole entry bundle"),
    "entries missing": (tiles_missing, "checkpoint 125", "it covers 125 entries"),
    "entries too many": (replaced("data/tile/entries/001", b""), "file data/tile/entries/001", "no manifest"),
    "proof of another entry": (proof_of_another, "file data/proofs/15.tlog-proof", "does not lead to the checkpoint"),
    "job signed by a stranger": (job_by_a_stranger, "file data/jobs/job-0.intoto.json", "by the coordinator"),
    "checkpoint no note": (replaced("data/checkpoint", b"x"), "file data/checkpoint", "not a signed checkpoint"),
    "checkpoint no text": (replaced("data/checkpoint", b"\xff"), "file data/checkpoint", "not UTF-8"),
    "roster deep": (replaced("data/roster.json", b"[" * 100_000), "file data/roster.json", "not a roster"),
    "roster a list": (replaced("data/roster.json", b"[]"), "file data/roster.json", "not a roster"),
    "roster of other things": (replaced("data/roster.json", b'{"parties":[1]}'), "file data/roster.json", "not a"),
    "wire deep": (replaced("data/wire.json", b"[" * 100_000), "file data/wire.json", "not the copy proxy's"),
    "wire with NaN": (replaced("data/wire.json", b"[NaN]"), "file data/wire.json", "not the copy proxy's"),
    "wire with a key twice": (replaced("data/wire.json", b'[{"a":1,"a":2}]'), "file data/wire.json", "not the copy"),
    "wire of nobody": (replaced("data/wire.json", b"[]"), "ledger of housing, session 1", "no count for it"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_forged_file_with_mended_manifest_is_rejected_at_its_place(name, check, bundle, own, city):
    change, where, reason = FILES[name]
    write_payload_anew(bundle, lambda folder: change(folder, city))
    status, said = check(bundle, *own)
    assert status == 1
    assert said.startswith(f"REJECT {where}: ")
    assert reason in said


def test_file_that_a_terminal_would_obey_is_printed_harmless(check, bundle, own):
    (bundle / "data" / "\x1b[2J").write_bytes(b"")
    status, said = check(bundle, *own)
    assert status == 1
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("../evil", "../evil"),
        ("/etc/evil", "/etc/evil"),
        ("b/../../evil", "../../evil"),
        ("b/data//x", "data//x"),
        ("b/data/x:y", "data/x:y"),
    ],
)
def test_zip_that_leads_out_is_rejected(name, place, check, own, tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("b/bagit.txt", "x")
        archive.writestr(name, "x")
    status, said = check(tmp_path / "evil.zip", *own)
    assert status == 1
    assert said.startswith(f"REJECT file {place}: a name or a kind of file that no bundle has")


def test_zip_with_a_link_is_rejected(check, own, tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        info = zipfile.ZipInfo("b/data/roster.json")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("b/bagit.txt", "x")
    assert check(tmp_path / "evil.zip", *own)[1].startswith("REJECT file b/data/roster.json: a name or a kind of file")


def test_file_too_long_to_be_true_is_rejected(check, own, tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b/bagit.txt", bytes(verify.MAX_FILE + 2))
    assert check(tmp_path / "bomb.zip", *own)[1].startswith("REJECT file bagit.txt: it cannot be read: too long")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", os.urandom(1000)])
def test_what_is_no_bundle_shows_no_traceback(content, check, own, tmp_path):
    (tmp_path / "x.zip").write_bytes(content)
    status, said = check(tmp_path / "x.zip", *own)
    assert status == 1
    assert said.startswith("REJECT ")


@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_no_flipped_bit_of_the_record_is_accepted(at, bit):
    """Each in a file that is verified by content alone: the manifest is mended."""
    data = bytearray(CHECKPOINT.encode())
    data[int(at * len(data))] ^= 1 << bit
    try:
        note = verify.read_note(data.decode(), "checkpoint")
        times = POLICY.check(note, "checkpoint")
    except (verify.Reject, UnicodeDecodeError):
        return
    # What passes has lost one cosignature (its line is now a stranger's) and nothing else.
    assert note.text == CHECKPOINT.rpartition("\n\n")[0] + "\n"
    assert len(times) in (3, 4)


_HONEST = honest()
CHECKPOINT, POLICY = _HONEST.checkpoints[-1][1], verify.Policy(_HONEST.policy())


# --- one entry ---


def test_one_entry_is_proved(check, bundle, own):
    for index in (13, 14, 124):  # 13 and 14 are approvals, which have proofs
        status, said = check(bundle, *own, "--entry", index)
        assert status == 0
        assert f"ACCEPT entry {index} of keyong.test/0123456789abcdef size=125" in said


def test_entry_beyond_the_bundle_is_refused(check, bundle, own):
    assert check(bundle, *own, "--entry", 125)[1].startswith("REJECT entry 125: the bundle ends at 125")


@pytest.mark.parametrize("index", [14, 20])
def test_altered_entry_has_no_proof(index, check, city, own, tmp_path):
    entries = list(city.entries)
    entries[index] = entries[index][:100] + bytes([entries[index][100] ^ 1]) + entries[index][101:]
    write_bundle(tmp_path / "altered", dataclasses.replace(city.contents(), entries=tuple(entries)))
    shutil.copytree(tmp_path / "altered", tmp_path / "b")
    status, said = check(tmp_path / "b", *own, "--entry", index)
    assert status == 1
    assert said.startswith(f"REJECT entry {index}: the inclusion proof does not lead to the checkpoint")


# --- Ed25519 ---


def holds(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        return verify.Key(public).holds(message, signature)
    except ValueError:
        return False


@pytest.mark.parametrize("case", EDGE_CASES, ids=lambda case: case["name"])
def test_edge_case_of_ed25519_is_judged_as_every_verifier_of_the_record_does(case):
    """Malleable S, small-order and non-canonical points, wrong lengths: after the families of Project Wycheproof."""
    assert holds(*(bytes.fromhex(case[name]) for name in ("public", "message", "signature"))) is case["verifies"]


@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=300), flip=st.integers(0, 511))
@settings(max_examples=30, deadline=None)
def test_signatures_of_cryptography_hold_and_a_flipped_bit_does_not(seed, message, flip):
    key = SigningKey.from_bytes(seed)
    signature, known = key.sign(message), verify.Key(key.public)
    assert known.holds(message, signature)
    changed = bytearray(signature)
    changed[flip // 8] ^= 1 << flip % 8
    assert not known.holds(message, bytes(changed))
    assert not known.holds(message + b"x", signature)


def test_large_tables_judge_as_small_ones_do(monkeypatch):
    monkeypatch.setattr(verify, "MANY", 0)
    test_signatures_of_cryptography_hold_and_a_flipped_bit_does_not()
    for case in EDGE_CASES:
        test_edge_case_of_ed25519_is_judged_as_every_verifier_of_the_record_does(case)


def test_s_above_the_order_is_refused():
    key, message = SigningKey.generate(), secrets.token_bytes(20)
    signature = key.sign(message)
    larger = int.from_bytes(signature[32:], "little") + verify.L
    assert not holds(key.public, message, signature[:32] + larger.to_bytes(32, "little"))


@pytest.mark.parametrize(
    "public",
    [
        "01" + "00" * 31,  # the neutral element
        "ec" + "ff" * 30 + "7f",  # order 2
        "00" * 32,  # order 4
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",  # order 8
        "ee" + "ff" * 30 + "7f",  # the neutral element, y not reduced
        "ed" + "ff" * 30 + "7f",  # y = p
        "01" + "00" * 30 + "80",  # x = 0 with a sign
        "02" + "00" * 31,  # no point
        "00" * 31,
    ],
)
def test_key_that_is_no_key_is_refused(public):
    with pytest.raises(ValueError, match="point"):
        verify.Key(bytes.fromhex(public))


# --- words ---


def test_every_reason_has_both_languages_with_the_same_details():
    for english, chinese in verify.REASONS.values():
        names = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, chinese)]
        assert names[0] == names[1]
