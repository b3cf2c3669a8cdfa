"""A party's keys stay in its home, readable by it alone, and show in no representation."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from federation.governance.identity import Identity, write_secret, write_whole


@pytest.fixture(autouse=True)
def open_umask():
    """A umask that would let everybody read."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(file: Path) -> str:
    return oct(stat.S_IMODE(file.stat().st_mode))


def test_keys_are_made_once_and_read_afterwards(tmp_path):
    first, second = Identity.in_home("tax", tmp_path), Identity.in_home("tax", tmp_path)
    assert (first.signing.public, first.box.public) == (second.signing.public, second.box.public)


def test_keys_of_two_homes_differ(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = Identity.in_home("tax", tmp_path / "a"), Identity.in_home("tax", tmp_path / "b")
    assert first.signing.public != second.signing.public
    assert first.box.public != second.box.public


def test_key_file_is_for_its_owner_only(tmp_path):
    Identity.in_home("tax", tmp_path)
    assert mode(tmp_path / "identity.key") == "0o600"
    assert [file.name for file in tmp_path.iterdir()] == ["identity.key"]


def test_secret_that_replaces_a_readable_file_is_for_its_owner_only(tmp_path):
    file = tmp_path / "share.key"
    file.write_bytes(b"old")
    file.chmod(0o644)
    write_secret(file, b"new")
    assert (mode(file), file.read_bytes()) == ("0o600", b"new")


def test_secret_is_for_its_owner_only_even_after_a_crash_left_a_readable_draft(tmp_path):
    (tmp_path / "share.key.new").write_bytes(b"half")
    (tmp_path / "share.key.new").chmod(0o644)
    write_secret(tmp_path / "share.key", b"whole")
    assert mode(tmp_path / "share.key") == "0o600"


def test_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    file = tmp_path / "roster.json"
    write_whole(file, b"old")
    (tmp_path / "roster.json.new").mkdir()
    with pytest.raises(OSError):
        write_whole(file, b"new")
    assert file.read_bytes() == b"old"


def test_representation_of_an_identity_shows_no_secret(tmp_path):
    identity = Identity.in_home("tax", tmp_path)
    shown = repr(identity) + str(identity)
    for secret in (identity.signing.to_bytes(), identity.box.to_bytes()):
        assert secret.hex() not in shown
        assert repr(secret) not in shown
    assert "tax" in shown


def test_damaged_key_file_is_an_error_and_not_a_new_key(tmp_path):
    (tmp_path / "identity.key").write_bytes(b"short")
    with pytest.raises(Exception, match="32 bytes"):
        Identity.in_home("tax", tmp_path)
    assert (tmp_path / "identity.key").read_bytes() == b"short"
