"""A bundle is whole or not there, says what it holds, and reads back as it was written."""

from __future__ import annotations

import base64
import dataclasses
import errno
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from crypto.errors import ProofError
from crypto.merkle import leaf_hash, verify_inclusion
from federation.audit.bundle import BundleContents, open_me, pack, read_bundle, write_bundle
from federation.audit.offline import verify
from federation.errors import HomeError, RecordError
from tests.support.bundle_attacks import honest
from tests.support.bundles import ORIGIN, City


@pytest.fixture(scope="module")
def city() -> City:
    return honest()


@pytest.fixture
def bundle(city: City, tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle", city.contents())
    return tmp_path / "bundle"


# --- what is in it ---


def test_bundle_holds_the_files_of_the_format(bundle, city):
    names = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert {name for name in names if not name.startswith("data/")} == {
        "bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt",
    }  # fmt: skip
    assert {name for name in names if name.count("/") == 1} == {
        f"data/{name}"
        for name in ("open-me.html", "verify.py", "README.txt", "roster.json", "catalogue.json", "policy", "signers",
                     "checkpoint", "wire.json", "indicators.json")
    }  # fmt: skip
    assert {n for n in names if n.startswith("data/checkpoints/")} == {
        f"data/checkpoints/{size:012d}" for size, _ in city.checkpoints[:-1]
    }
    assert {"data/tile/entries/000.p/125", "data/heads/tax", "data/jobs/job-0.intoto.json"} <= names


@pytest.mark.parametrize(
    ("number", "width", "name"),
    [
        (0, 256, "000"),
        (7, 3, "007.p/3"),
        (1234, 256, "x001/234"),
        (1234067, 8, "x001/x234/067.p/8"),  # the example of c2sp.org/tlog-tiles, as a partial tile
    ],
)
def test_entry_bundles_are_named_as_tlog_tiles_says(number, width, name):
    assert verify.tile_name(number, width) == f"data/tile/entries/{name}"


def test_manifest_is_one_that_sha256sum_checks(bundle):
    done = subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "manifest-sha256.txt"], cwd=bundle, check=False)
    assert done.returncode == 0
    (bundle / "data" / "policy").write_text("x")
    done = subprocess.run(["sha256sum", "-c", "--status", "manifest-sha256.txt"], cwd=bundle, check=False)
    assert done.returncode == 1


def test_only_the_last_checkpoint_has_ml_dsa_lines(bundle):
    assert (bundle / "data/checkpoint").read_text().count("\n— ") == 1 + 2 * 4
    for file in (bundle / "data/checkpoints").iterdir():
        assert file.read_text().count("\n— ") == 1 + 4


def test_approvals_and_releases_have_proofs_that_lead_to_the_root(bundle, city):
    files = list((bundle / "data/proofs").iterdir())
    kinds = {city.event_at(int(file.name.split(".")[0]))["type"] for file in files}
    assert (len(files), kinds) == (10, {"approval.grant", "release.decide"})
    for file in files:
        head, _, note = file.read_text().partition("\n\n")
        first, where, *path = head.split("\n")
        index = int(where.removeprefix("index "))
        proof = [base64.b64decode(line) for line in path]
        verify_inclusion(leaf_hash(city.entries[index]), index=index, size=125, proof=proof, root=city.root())
        with pytest.raises(ProofError):
            verify_inclusion(leaf_hash(b"other"), index=index, size=125, proof=proof, root=city.root())
        assert first == "c2sp.org/tlog-proof@v1"
        assert note.startswith(f"{ORIGIN}\n125\n")


def test_readme_names_the_log_and_its_root(bundle, city):
    text = (bundle / "data/README.txt").read_text()
    assert text.startswith("可用（Keyong）证据包")
    assert f"日志 {ORIGIN}\n条目 125\n树根 {city.root().hex()}\n" in text
    assert "{" not in text


def test_page_allows_exactly_its_own_script_and_style():
    page = open_me({}).decode()
    assert "SCRIPT-HASH" not in page
    assert "RECORD-DATA" not in page
    assert "/*REASONS*/" not in page
    assert page.count("<script>") == page.count("<style>") == 1


def test_same_contents_give_the_same_bytes(bundle, city, tmp_path):
    write_bundle(tmp_path / "second", city.contents())
    for file in bundle.rglob("*"):
        if file.is_file():
            assert (tmp_path / "second" / file.relative_to(bundle)).read_bytes() == file.read_bytes()


# --- whole or not at all ---


def test_bundle_is_never_overwritten(bundle, city):
    before = (bundle / "manifest-sha256.txt").read_bytes()
    with pytest.raises(FileExistsError):
        write_bundle(bundle, city.contents())
    assert (bundle / "manifest-sha256.txt").read_bytes() == before


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_whatever_is_in_its_place_stays(make, city, tmp_path):
    make(tmp_path / "bundle")
    with pytest.raises(FileExistsError):
        write_bundle(tmp_path / "bundle", city.contents())


class Deadly(Sequence[bytes]):
    """Entries of which reading the tile kills the process."""

    def __len__(self) -> int:
        return 125

    def __getitem__(self, index):
        os._exit(9)


def test_killed_in_the_middle_it_leaves_no_bundle(city, tmp_path):
    code = (
        "import sys; sys.path[:0] = [sys.argv[1]]\n"
        "from pathlib import Path\n"
        "from dataclasses import replace\n"
        "from tests.audit.test_bundle import Deadly\n"
        "from tests.support.bundle_attacks import honest\n"
        "from federation.audit.bundle import write_bundle\n"
        "write_bundle(Path(sys.argv[2]), replace(honest().contents(), entries=Deadly()))\n"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code, root, str(tmp_path / "bundle")], check=False, cwd=root)
    assert done.returncode == 9
    assert not (tmp_path / "bundle").exists()
    (draft,) = tmp_path.iterdir()
    assert draft.name.startswith(".bundle.")
    assert (draft / "data/roster.json").exists()  # it was in the middle


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "home.disk_full"), (errno.EIO, "home.storage")])
def test_disk_that_refuses_is_one_clear_error(number, code, city, tmp_path, monkeypatch):
    def refuse(descriptor: int) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(HomeError) as error:
        write_bundle(tmp_path / "bundle", city.contents())
    assert error.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_not_there_is_one_clear_error(city, tmp_path):
    with pytest.raises(HomeError):
        write_bundle(tmp_path / "none" / "bundle", city.contents())


@pytest.mark.parametrize("checkpoints", [(), ((124, ""),), ((125, ""), (125, "")), ((125, ""), (20, ""))])
def test_contents_that_do_not_end_at_their_last_checkpoint_are_refused(checkpoints, city):
    with pytest.raises(ValueError, match="last checkpoint"):
        dataclasses.replace(city.contents(), checkpoints=checkpoints)


# --- reading ---


def test_bundle_reads_back(bundle, city):
    contents: BundleContents = city.contents()
    read = read_bundle(bundle)
    assert (read.size, read.checkpoint) == (125, contents.checkpoints[-1][1])
    assert list(read.checkpoints) == [size for size, _ in contents.checkpoints[:-1]]
    for name in ("roster", "catalogue", "policy", "signers", "heads", "jobs", "wire", "indicators"):
        assert getattr(read, name) == getattr(contents, name)
    assert list(read.entries()) == city.entries
    assert list(read.entries(100)) == city.entries[100:]


def test_long_log_reads_back_from_anywhere(tmp_path):
    city = City().start()
    for job in range(10):
        city.run(f"job-{job}")
    write_bundle(tmp_path / "bundle", city.contents())
    read = read_bundle(tmp_path / "bundle")
    for start in (0, 255, 256, 257, 511, 512, len(city.entries)):
        assert list(read.entries(start)) == city.entries[start:]


def test_zip_reads_back(bundle, city, tmp_path):
    pack(bundle, tmp_path / "bundle.zip")
    assert list(read_bundle(tmp_path / "bundle.zip").entries()) == city.entries


@pytest.mark.parametrize(
    ("name", "content"), [("data/policy", b"x"), ("data/more", b"x"), ("more", b"x"), ("bagit.txt", b"x")]
)
def test_changed_bundle_is_not_read(name, content, bundle):
    (bundle / name).write_bytes(content)
    with pytest.raises(RecordError) as error:
        read_bundle(bundle)
    assert error.value.code == "record.invalid"
    assert error.value.details["where"] == f"file {name}"


def test_what_is_no_bundle_is_not_read(tmp_path):
    with pytest.raises(RecordError):
        read_bundle(tmp_path / "nothing")
    (tmp_path / "x.zip").write_bytes(b"x")
    with pytest.raises(RecordError):
        read_bundle(tmp_path / "x.zip")


# --- the .zip ---


def test_packing_twice_gives_the_same_bytes(bundle, tmp_path):
    pack(bundle, tmp_path / "a.zip")
    for file in bundle.rglob("*"):
        os.utime(file, (1, 1))
    pack(bundle, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_zip_has_one_folder_with_the_bag_in_it(bundle, tmp_path):
    pack(bundle, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert {name.split("/")[0] for name in archive.namelist()} == {"bundle"}


def test_archive_is_never_overwritten(bundle, tmp_path):
    (tmp_path / "a.zip").touch()
    with pytest.raises(FileExistsError):
        pack(bundle, tmp_path / "a.zip")
