"""A department's shelf in PySyft's folders: the whole life of a request against the packages themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from federation.errors import HomeError, KeyongError, RefusedError
from federation.governance.datasite import Datasite, Registered
from federation.governance.folders import hash_folder
from federation.governance.shelf import Lying
from federation.messages import Dataset
from federation.plan import Column, ScriptFile, ScriptPlan

OWNER, ANALYST = "tax@keyong.invalid", "analyst.city@keyong.invalid"
SCRIPT = "import pandas as pd\nprint('税')\n"


def plan(**other: object) -> ScriptPlan:
    fields: dict[str, object] = {
        "nonce": "0" * 32,
        "requester": "analyst@city",
        "purpose": "欠税分布",
        "basis": "税收征收管理法",
        "contributors": ("tax",),
        "gate": "tax",
        "holders": ("civil", "police", "tax"),
        "threshold": 2,
        "minimum_group": 10,
        "minimum_contributors": 3,
        "catalogue": "c" * 64,
        "roster": "r" * 64,
        "epoch": 1,
        "source": "pit",
        "view": (Column(name="income", type="integer"),),
        "files": (ScriptFile(name="main.py", text=SCRIPT),),
        "numbers": ("mean",),
    }
    return ScriptPlan(**{**fields, **other})  # type: ignore[arg-type]


@pytest.fixture
def datasite(tmp_path: Path) -> Datasite:
    return Datasite(tmp_path / "datasite", "tax")


def folder_of(tmp_path: Path, kind: str = "inbox", job: str = "s-1") -> Path:
    return tmp_path / "datasite" / OWNER / "app_data" / "job" / kind / ANALYST / "v1" / job


def state(tmp_path: Path) -> Path:
    return folder_of(tmp_path, "review") / "state.yaml"


def seen_by_pysyft(tmp_path: Path, email: str = OWNER):
    """The jobs as somebody who works with PySyft itself sees them."""
    from syft_job import get_client

    return get_client(str(tmp_path / "datasite"), email).jobs


# -- the packages ------------------------------------------------------------------------------------------------------


def test_this_was_read_in_these_versions() -> None:
    """Another version may write other files and know other states: read it, then change these two numbers."""
    assert (version("syft-job"), version("syft-dataset")) == ("0.1.40", "0.1.21")
    assert Datasite(Path("nowhere"), "tax").software == "syft-job 0.1.40"


def test_a_datasite_alone_imports_nothing_of_pysyft_and_makes_no_folder(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from federation.governance.datasite import Datasite;"
        "d = Datasite(pathlib.Path('datasite'), 'tax');"
        "assert d.look('s-1') is None and d.jobs() == () and d.datasets() == () and d.software;"
        "sys.exit(any(m.startswith('syft') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_packages_open_no_socket_and_say_nothing(tmp_path: Path) -> None:
    """In a process of its own, since they are imported once: from import to receipt any socket would end it."""
    program = """
import sys, os, pathlib
sys.addaudithook(lambda event, _: os._exit(9) if event.startswith("socket.") else None)
sys.path.insert(0, sys.argv[1])
from tests.governance.test_datasite import *
from federation.governance.datasite import load
load()
test_a_request_is_laid_approved_and_done(d := Datasite(pathlib.Path("datasite"), "tax"), pathlib.Path())
d.register(REGISTERED)
assert d.datasets() == (REGISTERED,)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, str(root)], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- a request's life --------------------------------------------------------------------------------------------------


def test_a_request_is_laid_approved_and_done(datasite: Datasite, tmp_path: Path) -> None:
    laid = datasite.lay("s-1", plan())
    assert laid.standing == "pending" and datasite.look("s-1") == laid

    approved = datasite.turn("s-1", "approved", "只用一次")
    assert approved == Lying("approved", laid.files) == datasite.look("s-1")

    assert datasite.turn("s-1", "done", "event 17") == Lying("done", laid.files)
    (job,) = seen_by_pysyft(tmp_path)
    assert (job.name, job.status, job.submitted_by, job.review_reason) == ("s-1", "done", ANALYST, "只用一次")
    receipt = folder_of(tmp_path, "review") / "outputs" / "receipt.json"
    assert [file.name for file in receipt.parent.iterdir()] == ["receipt.json"]
    assert receipt.read_text() == f'{{"job":"s-1","files":"{laid.files}","reason":"event 17"}}'


def test_a_request_is_rejected(datasite: Datasite, tmp_path: Path) -> None:
    files = datasite.lay("s-1", plan()).files
    assert datasite.turn("s-1", "rejected", "无依据") == Lying("rejected", files)
    (job,) = seen_by_pysyft(tmp_path)
    assert (job.status, job.review_reason) == ("rejected", "无依据")


def test_a_revoked_request_is_shown_as_rejected_although_pysyft_had_it_approved(
    datasite: Datasite, tmp_path: Path
) -> None:
    files = datasite.lay("s-1", plan()).files
    datasite.turn("s-1", "approved")
    assert datasite.turn("s-1", "rejected", "撤回") == Lying("rejected", files)
    (job,) = seen_by_pysyft(tmp_path)
    assert (job.status, job.review_reason, job.approval_method) == ("rejected", "撤回", None)


@pytest.mark.parametrize("before", ["rejected", "done"])
def test_what_is_over_stays_as_it_is(datasite: Datasite, before: str) -> None:
    datasite.lay("s-1", plan())
    if before == "done":
        datasite.turn("s-1", "approved")
    over = datasite.turn("s-1", before)  # type: ignore[arg-type]
    for standing in {"approved", "rejected", "done", "pending"} - {before}:
        with pytest.raises(RefusedError, match=r"refused\.shelf"):
            datasite.turn("s-1", standing)  # type: ignore[arg-type]
    assert datasite.look("s-1") == datasite.turn("s-1", before) == over  # type: ignore[arg-type]


def test_nothing_is_done_that_was_not_approved(datasite: Datasite) -> None:
    datasite.lay("s-1", plan())
    with pytest.raises(RefusedError, match=r"refused\.shelf"):
        datasite.turn("s-1", "done")


def test_a_request_is_laid_once(datasite: Datasite) -> None:
    laid = datasite.lay("s-1", plan())
    datasite.turn("s-1", "approved")
    assert datasite.lay("s-1", plan()) == Lying("approved", laid.files)
    assert datasite.jobs() == ("s-1",)


def test_a_request_whose_laying_was_cut_short_is_laid_anew(datasite: Datasite, tmp_path: Path) -> None:
    datasite.lay("s-1", plan())
    state(tmp_path).unlink()
    state(tmp_path).parent.rmdir()
    (folder_of(tmp_path) / "code" / "plan.json").unlink()
    assert datasite.look("s-1") is None
    assert datasite.lay("s-1", plan()).standing == "pending"
    assert (folder_of(tmp_path) / "code" / "plan.json").exists()


def test_another_process_goes_on_where_this_one_ended(datasite: Datasite, tmp_path: Path) -> None:
    laid = datasite.lay("s-1", plan())
    assert Datasite(tmp_path / "datasite", "tax").turn("s-1", "approved") == Lying("approved", laid.files)


# -- what lies there ---------------------------------------------------------------------------------------------------


def test_the_reviewer_finds_the_whole_request(datasite: Datasite, tmp_path: Path) -> None:
    asked = plan()
    datasite.lay("s-1", asked)
    code = folder_of(tmp_path) / "code"
    assert (code / "plan.json").read_bytes() == asked.to_bytes()
    assert (code / "script" / "main.py").read_text("utf-8") == SCRIPT
    request = (code / "request.json").read_text("utf-8")
    for part in (asked.purpose, asked.basis, asked.requester, asked.hash, *(s.zh for s in asked.visibility())):
        assert part in request


def test_every_file_is_read_for_the_reviewer_the_run_script_too(datasite: Datasite, tmp_path: Path) -> None:
    datasite.lay("s-1", plan())
    found = datasite.read("s-1")
    assert set(found) == {
        *("run.sh", "config.yaml", "code/plan.json", "code/request.json", "code/script.sh", "code/script/main.py")
    }
    assert found["code/script/main.py"].decode() == SCRIPT
    (folder_of(tmp_path) / "code" / "more").symlink_to("/etc/hostname")
    with pytest.raises(RefusedError, match=r"refused\.shelf"):
        datasite.read("s-1")


def test_pysyfts_own_runner_would_run_nothing(datasite: Datasite, tmp_path: Path) -> None:
    datasite.lay("s-1", plan())
    (job,) = seen_by_pysyft(tmp_path)
    done = subprocess.run(["sh", "-c", job.run_script], check=False, capture_output=True)
    assert (done.returncode, done.stdout) == (78, b"")


def test_analysts_of_two_departments_have_two_addresses(datasite: Datasite, tmp_path: Path) -> None:
    datasite.lay("s-1", plan(requester="analyst@a-b"))
    datasite.lay("s-2", plan(requester="analyst@a_b"))
    assert {job.submitted_by for job in seen_by_pysyft(tmp_path)} == {
        *("analyst.a-b@keyong.invalid", "analyst.a_b@keyong.invalid")
    }


@pytest.mark.parametrize("requester", ["analyst", "../../x@city", "a@b/c", "A@city", "a b@city", ""])
def test_a_name_that_is_no_account_becomes_no_folder(datasite: Datasite, tmp_path: Path, requester: str) -> None:
    with pytest.raises(RefusedError):
        datasite.lay("s-1", plan(requester=requester))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("job", ["../s-1", "s/1", "", ".", "v1"])
def test_a_name_that_is_no_job_becomes_no_folder(datasite: Datasite, job: str) -> None:
    with pytest.raises(RefusedError):
        datasite.lay(job, plan())
    assert datasite.jobs() == ()


def test_a_folder_that_cannot_be_written_is_the_operators_to_mend(tmp_path: Path) -> None:
    (tmp_path / "datasite").write_text("in the way")
    with pytest.raises(HomeError, match=r"home\.shelf"):
        Datasite(tmp_path / "datasite", "tax").lay("s-1", plan())


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"files": (ScriptFile(name="main.py", text="print(1)"),)}, id="another script"),
        pytest.param({"nonce": "1" * 32}, id="another plan"),
        pytest.param({"files": (*plan().files, ScriptFile(name="more.py", text=""))}, id="one file more"),
    ],
)
def test_a_request_that_somebody_has_laid_before_it_came_is_not_taken_for_ours(
    datasite: Datasite, tmp_path: Path, other: dict[str, object]
) -> None:
    datasite.lay("s-1", plan(**other))
    with pytest.raises(RefusedError, match=r"refused\.shelf"):
        Datasite(tmp_path / "datasite", "tax").lay("s-1", plan())


# -- attacks: what must be noticed -------------------------------------------------------------------------------------


def test_a_state_rewritten_by_hand_is_seen_as_it_is(datasite: Datasite, tmp_path: Path) -> None:
    """Whoever compares it with the officers' words sees that it was never approved by them."""
    laid = datasite.lay("s-1", plan())
    state(tmp_path).write_text(state(tmp_path).read_text().replace("status: pending", "status: approved"))
    assert datasite.look("s-1") == Lying("approved", laid.files)


@pytest.mark.parametrize(
    "text", ["status: running", "status: received", "status: [", "", "status: !!python/object:os.x"]
)
def test_a_state_that_is_none_of_ours_is_refused(datasite: Datasite, tmp_path: Path, text: str) -> None:
    datasite.lay("s-1", plan())
    state(tmp_path).write_text(f"canonical_name: JobState\nversion: '1'\n{text}\n" if text else "")
    with pytest.raises(RefusedError, match=r"refused\.shelf"):
        datasite.look("s-1")
    with pytest.raises(RefusedError, match=r"refused\.shelf"):
        datasite.turn("s-1", "approved")


@pytest.mark.parametrize(
    "name", ["run.sh", "config.yaml", "code/plan.json", "code/request.json", "code/script/main.py"]
)
def test_code_swapped_after_approval_is_noticed(datasite: Datasite, tmp_path: Path, name: str) -> None:
    laid = datasite.lay("s-1", plan())
    datasite.turn("s-1", "approved")
    file = folder_of(tmp_path) / name
    file.write_text(file.read_text() + "\n# something else\n")
    seen = datasite.look("s-1")
    assert seen is not None and seen.files != laid.files


def test_a_file_added_or_taken_away_is_noticed(datasite: Datasite, tmp_path: Path) -> None:
    laid = datasite.lay("s-1", plan())
    extra = folder_of(tmp_path) / "code" / ".hidden" / "more.py"
    extra.parent.mkdir()
    extra.write_text("")
    assert datasite.look("s-1") != laid
    extra.unlink()
    assert datasite.look("s-1") == laid
    (folder_of(tmp_path) / "code" / "script" / "main.py").unlink()
    assert datasite.look("s-1") != laid


def test_a_link_in_place_of_a_file_is_refused_and_not_followed(datasite: Datasite, tmp_path: Path) -> None:
    datasite.lay("s-1", plan())
    script = folder_of(tmp_path) / "code" / "script" / "main.py"
    kept = tmp_path / "the same"
    script.rename(kept)
    script.symlink_to(kept)
    with pytest.raises(RefusedError, match=r"refused\.shelf"):
        datasite.look("s-1")


@pytest.mark.parametrize("name", ["code/script", "code", "."])
def test_a_link_in_place_of_a_folder_is_refused_and_not_followed(datasite: Datasite, tmp_path: Path, name: str) -> None:
    datasite.lay("s-1", plan())
    folder = folder_of(tmp_path) / name
    folder.rename(tmp_path / "the same")
    folder.symlink_to(tmp_path / "the same")
    with pytest.raises(RefusedError, match=r"refused\.shelf"):
        datasite.look("s-1")


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError):
        hash_folder(tmp_path)


def test_the_scientists_own_state_has_no_effect(datasite: Datasite, tmp_path: Path) -> None:
    """He may write his inbox, in PySyft's rules: neither there nor in his own copy does a state decide."""
    laid = datasite.lay("s-1", plan())
    approved = state(tmp_path).read_text().replace("pending", "approved")
    for place in (folder_of(tmp_path) / "state.yaml", tmp_path / "datasite" / ANALYST / "state.yaml"):
        place.parent.mkdir(exist_ok=True)
        place.write_text(approved)
    seen = datasite.look("s-1")
    assert seen is not None and seen.standing == "pending"
    assert seen.files != laid.files  # and that he put a file there is noticed
    job = next(job for job in seen_by_pysyft(tmp_path, ANALYST) if job.name == "s-1")
    with pytest.raises(PermissionError):
        job.approve()


def test_a_second_job_of_the_same_name_is_refused(datasite: Datasite, tmp_path: Path) -> None:
    from syft_job import get_client

    laid = datasite.lay("s-1", plan())
    other = get_client(str(tmp_path / "datasite"), "mallory.city@keyong.invalid", OWNER)
    other.submit_bash_job(OWNER, "echo hello", job_name="s-1")
    assert datasite.look("s-1") == laid  # it knows which one is its own
    with pytest.raises(RefusedError, match=r"refused\.shelf"):
        Datasite(tmp_path / "datasite", "tax").look("s-1")


# -- datasets ----------------------------------------------------------------------------------------------------------

REGISTERED = Registered(
    dataset=Dataset(name="tax.pit", card="# 个人所得税\n", mock=b"PAR1 made up PAR1"),
    summary="个人所得税 · personal income tax",
    tags=("important",),
    where="the rows are where the department keeps them",
)


def test_a_dataset_is_registered_as_it_is(datasite: Datasite, tmp_path: Path) -> None:
    from syft_datasets.dataset_manager import SyftDatasetManager

    datasite.register(REGISTERED)
    assert datasite.datasets() == (REGISTERED,)
    (found,) = SyftDatasetManager(tmp_path / "datasite", OWNER).get_all()
    assert (found.name, found.owner, found.summary, found.tags) == ("tax.pit", OWNER, REGISTERED.summary, ["important"])
    assert [file.name for file in found.private_files] == ["where.txt"]


def test_a_registered_dataset_is_left_alone_until_something_of_it_changes(datasite: Datasite, tmp_path: Path) -> None:
    def written() -> int:
        return next((tmp_path / "datasite").rglob("dataset.yaml")).stat().st_mtime_ns

    datasite.register(REGISTERED)
    before = written()
    datasite.register(REGISTERED)
    assert written() == before
    for changed in (
        REGISTERED._replace(summary="other"),
        REGISTERED._replace(tags=("core",)),
        REGISTERED._replace(dataset=Dataset(name="tax.pit", card="# other\n", mock=b"other")),
    ):
        datasite.register(changed)
        assert datasite.datasets() == (changed,)


def test_a_dataset_tampered_with_is_registered_anew(datasite: Datasite, tmp_path: Path) -> None:
    datasite.register(REGISTERED)
    next((tmp_path / "datasite").rglob("mock.parquet")).write_bytes(b"a raw row")
    assert datasite.datasets() != (REGISTERED,)
    datasite.register(REGISTERED)
    assert datasite.datasets() == (REGISTERED,)


def test_nobody_but_the_owner_finds_the_private_part(datasite: Datasite, tmp_path: Path) -> None:
    from syft_datasets.dataset_manager import SyftDatasetManager

    datasite.register(REGISTERED)
    (found,) = SyftDatasetManager(tmp_path / "datasite", ANALYST).get_all(OWNER)
    with pytest.raises(ValueError):
        _ = found.private_config


def test_errors_say_what_to_do_in_both_languages() -> None:
    for code in ("refused.shelf", "home.shelf", "record.shelf", "record.shelf_files", "settings.card_quotes"):
        for language in ("zh", "en"):
            error = KeyongError(code, party="tax", request="s-1")
            assert error.message(language) and error.next_step(language)
