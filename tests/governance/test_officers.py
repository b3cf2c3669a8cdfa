"""An officer's keys open by the officer's passphrase only, are made once, and stand in the roster once."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from crypto.keyfile import MIN_COST
from crypto.sealing import BoxKey
from crypto.signing import HybridKey, SigningKey
from federation.errors import HomeError
from federation.governance.officers import KEY_FILE, PUBLIC_FILE, create_officer, read_officer, unlock
from federation.governance.roster import Officer, Party, Roster

PASSPHRASE = "four words and more"
NAME = "officer@tax"


def made(folder: Path, *, passphrase: str = PASSPHRASE, name: str = NAME) -> Officer:
    return create_officer(folder, name=name, role="officer", person="甲", passphrase=passphrase, cost=MIN_COST)


def code(call, *arguments, **more) -> str:
    with pytest.raises(HomeError) as refused:
        call(*arguments, **more)
    return refused.value.code


def test_unlocked_key_is_the_one_whose_public_side_was_given_out(tmp_path):
    officer = made(tmp_path)
    assert unlock(tmp_path, NAME, PASSPHRASE).public == officer.public
    assert read_officer(tmp_path) == officer
    assert officer.department == "tax"


def test_keys_are_nobody_elses_to_read(tmp_path):
    made(tmp_path / "officer")
    assert (tmp_path / "officer").stat().st_mode & 0o077 == 0
    assert (tmp_path / "officer" / KEY_FILE).stat().st_mode & 0o077 == 0


def test_file_on_disk_holds_neither_the_key_nor_the_passphrase(tmp_path):
    made(tmp_path)
    secret = unlock(tmp_path, NAME, PASSPHRASE).to_bytes()
    content = (tmp_path / KEY_FILE).read_bytes()
    assert PASSPHRASE.encode() not in content
    assert not any(secret[at : at + 16] in content for at in range(0, len(secret) - 16, 16))


def test_keys_are_never_overwritten(tmp_path):
    before = made(tmp_path)
    assert code(made, tmp_path, passphrase="another passphrase") == "home.officer_exists"
    assert unlock(tmp_path, NAME, PASSPHRASE).public == before.public


@pytest.mark.parametrize("weak", ["", "short", "elevenchars"])
def test_weak_passphrase_leaves_no_keys_behind(tmp_path, weak):
    assert code(made, tmp_path / "officer", passphrase=weak) == "home.passphrase_weak"
    assert not (tmp_path / "officer").exists()


@pytest.mark.parametrize("wrong", ["", "four words and mor", "Four words and more", PASSPHRASE + " "])
def test_wrong_passphrase_opens_nothing(tmp_path, wrong):
    made(tmp_path)
    assert code(unlock, tmp_path, NAME, wrong) == "home.passphrase"


def test_key_of_one_officer_does_not_open_under_anothers_name(tmp_path):
    made(tmp_path)
    assert code(unlock, tmp_path, "officer@health", PASSPHRASE) == "home.passphrase"


def test_damaged_key_file_opens_nothing(tmp_path):
    made(tmp_path)
    file = tmp_path / KEY_FILE
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    assert code(unlock, tmp_path, NAME, PASSPHRASE) == "home.passphrase"


def test_officer_without_keys_is_named(tmp_path):
    assert read_officer(tmp_path) is None
    assert code(unlock, tmp_path, NAME, PASSPHRASE) == "home.officer_missing"


@pytest.mark.parametrize("content", [b"", b"{}", b"no JSON", b'{"name":"\xff"}', b"[" * 100_000])
def test_public_file_that_is_none_is_refused(tmp_path, content):
    (tmp_path / PUBLIC_FILE).write_bytes(content)
    assert code(read_officer, tmp_path) == "home.storage"


# --- who stands in the roster ---


def party(name: str, role: str = "department", **keys: bytes) -> Party:
    drawn = SigningKey.generate().public
    return Party(name=name, role=role, signing=keys.pop("signing", drawn), box=BoxKey.generate().public, **keys)


def officer(name: str, person: str, *, role: str = "officer", signing: bytes | None = None) -> Officer:
    public = HybridKey.generate().public
    return Officer(name=name, role=role, person=person, signing=signing or public.ed25519, signing_mldsa=public.mldsa44)


TAX, HEALTH = party("tax"), party("health")


def roster(*officers: Officer, parties: tuple[Party, ...] = (TAX, HEALTH)) -> Roster:
    return Roster(
        origin="keyong.test/officers",
        epoch=1,
        parties=parties,
        officers=officers,
        holders=("tax", "health"),
        threshold=2,
        public_key=b"",
    )


def test_three_persons_in_three_roles_stand_in_the_roster():
    three = (officer("officer@tax", "甲"), officer("operator@tax", "乙", role="operator"), officer("a@tax", "丙"))
    assert roster(*three).officer("operator@tax") == three[1]
    assert roster(*three).officer("nobody@tax") is None


def test_one_person_in_two_roles_is_refused():
    with pytest.raises(ValueError, match="a person stands twice"):
        roster(officer("officer@tax", "甲"), officer("auditor@tax", "甲", role="auditor"))


def test_one_person_as_officer_of_two_departments_is_refused():
    with pytest.raises(ValueError, match="a person stands twice"):
        roster(officer("officer@tax", "甲"), officer("officer@health", "甲"))


def test_one_name_twice_is_refused():
    with pytest.raises(ValueError, match="a name stands twice"):
        roster(officer("officer@tax", "甲"), officer("officer@tax", "乙"))
    with pytest.raises(ValueError, match="a name stands twice"):
        roster(officer("tax", "甲"))


def test_one_key_under_two_names_is_refused():
    shared = HybridKey.generate().public.ed25519
    with pytest.raises(ValueError, match="a key stands twice"):
        roster(officer("officer@tax", "甲", signing=shared), officer("officer@health", "乙", signing=shared))


def test_one_mldsa_key_under_two_names_is_refused():
    first = officer("officer@tax", "甲")
    second = msgspec.structs.replace(officer("officer@health", "乙"), signing_mldsa=first.signing_mldsa)
    with pytest.raises(ValueError, match="a key stands twice"):
        roster(first, second)


def test_officer_under_its_departments_own_key_is_refused():
    with pytest.raises(ValueError, match="a key stands twice"):
        roster(officer("officer@tax", "甲", signing=TAX.signing))


def test_witness_under_another_partys_key_is_refused():
    for key in (TAX.signing, officer("officer@tax", "甲").signing):
        witness = party("health", witness=key, witness_mldsa=b"")
        with pytest.raises(ValueError, match="a key stands twice"):
            roster(officer("officer@tax", "甲", signing=key if key != TAX.signing else None), parties=(TAX, witness))


def test_two_of_one_person_cannot_be_read_from_bytes_either():
    whole = roster(officer("officer@tax", "甲"), officer("officer@health", "乙")).to_bytes()
    with pytest.raises(ValueError):
        Roster.from_bytes(whole.replace("乙".encode(), "甲".encode()))
