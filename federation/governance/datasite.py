"""A department's shelf in PySyft's folders: requests as jobs, tables as datasets, for people who work with PySyft.

The folder API of syft-job 0.1.40 and syft-dataset 0.1.21, by its public names only, and nothing else of PySyft's: none
of its transports, and never its runner, which runs a job's `run.sh` as the owner's own user, with his network and his
environment. Ours says so and exits. No state of PySyft's decides anything: its `state.yaml` is plain text that whoever
reaches it can write. The officers' signed words decide, and the folder must agree with them; see `shelf`.

The folder lies in the department's own home, and the department itself writes there what a requester asks. Of its
tables, mock rows lie there and a text that says where the true ones are.

This is the only module that imports those packages, and only when they are first used: departments that agree
automatically never do. They open no socket.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from federation.errors import HomeError, RefusedError
from federation.governance.folders import file_names, hash_folder, open_file
from federation.governance.shelf import Lying, Standing
from federation.messages import Dataset
from federation.plan import AnyPlan, ScriptPlan, TrainPlan
from federation.settings import PARTY_NAME

if TYPE_CHECKING:
    from syft_datasets.dataset_manager import SyftDatasetManager
    from syft_job import JobClient, JobInfo
    from syft_job.job_storage import JobRef

FOLDER = "datasite"
# PySyft knows people by their e-mail addresses. RFC 6761, section 6.4: a domain that never is anybody's.
DOMAIN = "keyong.invalid"
# PySyft keeps v1 and the like for versions of its own layout.
JOB_NAME = re.compile(r"(?!v\d+\Z)[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
MOCK, WHERE, CARD, RECEIPT = "mock.parquet", "where.txt", "card.md", "receipt.json"
# 78 is EX_CONFIG: whoever sets PySyft's runner on a job learns why nothing happens.
RUN_SCRIPT = """#!/bin/sh
# Keyong does what plan.json says, once the officers of every owner have signed for it. No runner of PySyft's may.
exit 78
"""
# Where `submit_bash_job` puts it, and its own file, which tells when that was.
RUN_FILES, OWN_CONFIG = ("run.sh", "code/script.sh"), "config.yaml"
STANDINGS: tuple[Standing, ...] = ("pending", "approved", "rejected", "done")
TURNS = frozenset({("pending", "approved"), ("pending", "rejected"), ("approved", "rejected"), ("approved", "done")})


class Registered(NamedTuple):
    """A dataset as it is registered.

    Attributes:
        summary: one line about it.
        tags: its class of data.
        where: its whole private part: where the rows are, and none of them.
    """

    dataset: Dataset
    summary: str
    tags: tuple[str, ...]
    where: str


def load() -> None:
    """Import PySyft's packages, so that no process forked from here has to: it takes most of a second."""
    import syft_datasets.dataset_manager  # noqa: F401
    import syft_job  # noqa: F401


class Datasite:
    """One department's folder; implements `federation.governance.shelf.Shelf`."""

    def __init__(self, folder: Path, department: str) -> None:
        """Prepare.

        Args:
            folder: PySyft's own root, in the department's home; made when it is first written to.
        """
        self._folder, self._department = folder, department
        self._owner = f"{department}@{DOMAIN}"
        self._opened: JobClient | None = None
        self._known: dict[str, JobRef] = {}

    @property
    def software(self) -> str:
        """What keeps it, with its version."""
        return f"syft-job {version('syft-job')}"

    # -- requests -----------------------------------------------------------------------------------------------------

    def lay(self, job: str, plan: AnyPlan) -> Lying:
        """Lay a request there as a job, if it does not lie there yet; see `Shelf`.

        Raises:
            RefusedError: another one lies there under this name (`refused.shelf`), or a name becomes no folder.
        """
        known = self.look(job)
        if known is not None:
            self._check_laid(job, plan)
            return known
        requester = _address(plan.requester)
        if not JOB_NAME.fullmatch(job):
            raise RefusedError("refused.control")
        with self._writing(job):
            self._folder.mkdir(exist_ok=True, mode=0o700)
            client = self._client()
            if not (client.config.get_all_submissions_dir(self._owner) / requester).exists():
                client.setup_ds_job_folder_as_do(requester)
            begun = self._known.get(job)
            if begun is not None:  # without a state: a crash came between
                shutil.rmtree(client.manager.submission_dir(begun))
            from syft_job import get_client

            theirs = get_client(str(self._folder), requester, self._owner)
            folder = theirs.submit_bash_job(self._owner, RUN_SCRIPT, job_name=job) / "code"
            for name, content in _files(job, plan).items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(content)
            self._receive(job)
        return self._lying(self._find(job))

    def turn(self, job: str, standing: Standing, reason: str = "") -> Lying:
        """Have PySyft show how a request stands now; see `Shelf`.

        "done" deposits a receipt where PySyft keeps results, and nothing of any result.
        """
        found = self._find(job)
        lying = self._lying(found)
        if lying.standing == standing:
            return lying
        if (lying.standing, standing) not in TURNS:
            raise self._refusal(job)
        with self._writing(job):
            if standing == "approved":
                found.approve(reason=reason)
            elif standing == "done":
                self._deposit(found, {"job": job, "files": lying.files, "reason": reason})
            else:
                if lying.standing == "approved":  # PySyft rejects what is pending only: it is received anew before
                    self._receive(job)
                self._find(job).reject(reason=reason)
        return self._lying(self._find(job))

    def look(self, job: str) -> Lying | None:
        """Read how a request lies there; see `Shelf`.

        Raises:
            RefusedError: what lies there under this name is nothing that we laid (`refused.shelf`).
        """
        if not self._exists:
            return None
        with _silence():
            ref = self._reference(job)
            laid = ref is not None and (self._client().manager.review_dir(ref) / "state.yaml").exists()
        return self._lying(self._find(job)) if laid else None

    def read(self, job: str) -> dict[str, bytes]:
        """Every file that lies there of a request, by its path, for people who review it.

        Raises:
            RefusedError: it does not lie there as we laid it (`refused.shelf`).
        """
        folder = self._find(job).job_submission_path
        found = {}
        try:
            for name in sorted(file_names(folder)):
                with open_file(folder / name) as content:
                    found[name] = content.read()
        except OSError as exc:
            raise self._refusal(job) from exc
        return found

    def jobs(self) -> tuple[str, ...]:
        """Every job that lies there, whoever put it there, sorted."""
        if not self._exists:
            return ()
        with _silence():
            manager = self._client().manager
            found = (*manager.iter_submission_refs(self._owner), *manager.iter_review_refs(self._owner))
            return tuple(sorted({ref.job_name for ref in found}))

    # -- datasets -----------------------------------------------------------------------------------------------------

    def register(self, wanted: Registered) -> None:
        """Register a dataset, unless it is registered as it is.

        Raises:
            HomeError: the folder cannot be written.
        """
        with self._writing(wanted.dataset.name):
            self._folder.mkdir(exist_ok=True, mode=0o700)
            manager = self._manager()
            if wanted in self.datasets():
                return
            if wanted.dataset.name in {known.name for known in manager.get_all(self._owner)}:
                manager.delete(wanted.dataset.name, require_confirmation=False)
            with TemporaryDirectory(dir=self._folder.parent) as made:
                mock, where, card = (Path(made, name) for name in (MOCK, WHERE, CARD))
                mock.write_bytes(wanted.dataset.mock)
                where.write_text(wanted.where, "utf-8")
                card.write_text(wanted.dataset.card, "utf-8")
                manager.create(
                    wanted.dataset.name,
                    mock,
                    where,
                    summary=wanted.summary,
                    readme_path=card,
                    tags=list(wanted.tags),
                    users="any",
                )

    def datasets(self) -> tuple[Registered, ...]:
        """Every dataset that is registered there and whole."""
        if not self._exists:
            return ()
        found = []
        with _silence():
            for known in self._manager().get_all(self._owner):
                files = {file.name: file.read_bytes() for file in known.files if file.is_file()}
                dataset = Dataset(name=known.name, card=known.get_readme() or "", mock=files.get(MOCK, b""))
                where = files.get(WHERE, b"").decode(errors="replace")
                found.append(Registered(dataset, known.summary or "", tuple(known.tags), where))
        return tuple(found)

    # -- PySyft -------------------------------------------------------------------------------------------------------

    @property
    def _exists(self) -> bool:
        return (self._folder / self._owner).exists()

    def _client(self) -> JobClient:
        if self._opened is None:
            from syft_job import get_client

            self._opened = get_client(str(self._folder), self._owner)
        return self._opened

    def _manager(self) -> SyftDatasetManager:
        from syft_datasets.dataset_manager import SyftDatasetManager

        return SyftDatasetManager(self._folder, self._owner)

    def _reference(self, job: str) -> JobRef | None:
        """Find a job by its name among all; once only, since PySyft looks through every folder."""
        if job not in self._known:
            found = [ref for ref in self._client().manager.iter_submission_refs(self._owner) if ref.job_name == job]
            if len(found) > 1:
                raise self._refusal(job)
            if found:
                self._known[job] = found[0]
        return self._known.get(job)

    def _receive(self, job: str) -> None:
        """Have PySyft take a job in. Its state is written last: a job without one was never laid to the end."""
        ref = self._reference(job)
        if ref is None:
            raise self._refusal(job)
        self._client().receive_job(ref.ds_email, ref.job_name, ref.protocol_version)

    def _check_laid(self, job: str, plan: AnyPlan) -> None:
        """What lies there already has to be this very request: somebody may have put another there before it came."""
        found = self.read(job)
        found.pop(OWN_CONFIG, None)
        wanted = {f"code/{name}": content for name, content in _files(job, plan).items()}
        if found != wanted | dict.fromkeys(RUN_FILES, RUN_SCRIPT.encode()):
            raise self._refusal(job)

    def _find(self, job: str) -> JobInfo:
        with _silence():
            from syft_job import JobInfo

            client, ref = self._client(), self._reference(job)
            if ref is None:
                raise self._refusal(job)
            try:
                metadata, state = client.manager.read_submission(ref), client.manager.read_state(ref)
            except Exception as exc:  # whatever stands in files that somebody else has written
                raise self._refusal(job) from exc
            return JobInfo(job_metadata=metadata, state=state, current_user_email=self._owner, client=client, ref=ref)

    def _lying(self, found: JobInfo) -> Lying:
        standing = next((known for known in STANDINGS if known == found.status), None)
        if standing is None:
            raise self._refusal(found.name)
        try:
            return Lying(standing, hash_folder(found.job_submission_path))
        except OSError as exc:
            raise self._refusal(found.name) from exc

    def _deposit(self, found: JobInfo, receipt: dict[str, str]) -> None:
        with TemporaryDirectory(dir=self._folder.parent) as made:
            file = Path(made, RECEIPT)
            file.write_bytes(msgspec.json.encode(receipt))
            found.accept_by_depositing_result(str(file))

    def _refusal(self, job: str) -> RefusedError:
        return RefusedError("refused.shelf", party=self._department, request=job)

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        try:
            with _silence():
                yield
        except OSError as exc:
            raise HomeError("home.shelf", party=self._department, request=what) from exc


def _address(name: str) -> str:
    """The address of analyst@tax; no name has a full stop, so that no two have the same."""
    person, _, place = name.rpartition("@")
    if not PARTY_NAME.fullmatch(person) or not PARTY_NAME.fullmatch(place):
        raise RefusedError("refused.requester")
    return f"{person}.{place}@{DOMAIN}"


def _files(job: str, plan: AnyPlan) -> dict[str, bytes]:
    """What a reviewer is to read, and everything that would run, by name."""
    script = {f"script/{file.name}": file.text.encode() for file in plan.files} if isinstance(plan, ScriptPlan) else {}
    request = {
        "job": job,
        "requester": plan.requester,
        "purpose": plan.purpose,
        "basis": plan.basis if isinstance(plan, ScriptPlan) else "",
        "asks": plan.subject,
        "table": plan.table,
        "columns": plan.columns,
        "participants": plan.participants,
        "protection": plan.protection,
        "budget": plan.privacy if isinstance(plan, TrainPlan) else None,
        "visibility": plan.visibility(),
        "plan": plan.hash,
    }
    shown = msgspec.json.format(msgspec.json.encode(request), indent=1)
    return {"request.json": shown, "plan.json": plan.to_bytes(), **script}


@contextmanager
def _silence() -> Iterator[None]:
    """PySyft tells people on the terminal what it does; here nobody reads it, and stdout may be a command's."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield
