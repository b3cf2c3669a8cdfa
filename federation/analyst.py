"""The analyst: states a purpose, signs a plan, and is the only one who can read the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from federation.audit.events import Actor
from federation.audit.journal import Clock, Draft, Journal
from federation.coordinator.control import ControlClient
from federation.errors import HomeError, KeyongError, NodeError, RefusedError
from federation.governance.identity import Identity, write_whole
from federation.governance.policy import check_plan
from federation.governance.roster import Party, Roster, pin
from federation.messages import Dataset, Envelope, Header, Request, decode
from federation.plan import AnyPlan, PredictPlan, Protection, ScriptPlan, SumPlan, TrainPlan, read_plan
from federation.queries.answers import Answer, answer
from federation.queries.sql import plan_query
from federation.queries.sums import SealedTotals, new_nonce, read_totals
from federation.scripting.job import read_released
from federation.scripting.planning import DIGITS, MEMORY_MB, SECONDS, plan_script
from federation.scripting.result import ScriptResult
from federation.settings import Catalogue

if TYPE_CHECKING:
    from federation.learning.card import ModelCard, PredictResult, TrainResult
    from federation.learning.job import JobFile
    from federation.learning.report import Report
    from federation.learning.steps import Step

P = TypeVar("P", SumPlan, TrainPlan, PredictPlan, ScriptPlan)

DEFAULT = "analyst@city"
# What begins the name of a step that tells of a round of training.
ROUND = "round "


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A released answer with what it cost.

    Attributes:
        seconds: from submission to the readable rows.
        bytes: of the signed and sealed result that the analyst received.
        steps: seconds that each step of the protocol took, in order.
    """

    job: str
    sql: str
    purpose: str
    answer: Answer
    seconds: float
    bytes: int
    steps: tuple[tuple[str, float], ...]


class Course(NamedTuple):
    """What a job cost: see `Result`."""

    seconds: float
    bytes: int
    steps: tuple[tuple[str, float], ...]


class Analyst:
    """One requesting department's desk."""

    def __init__(
        self,
        *,
        home: Path,
        name: str,
        roster: Roster,
        catalogue: Catalogue,
        control: Path,
        clock: Clock,
        minimum_key_bits: int,
    ) -> None:
        """Open the analyst's home.

        Args:
            roster: pinned at the first use; another one later is refused.
            control: the coordinator's control socket.

        Raises:
            HomeError: the roster is not the pinned one, or this analyst is not in it.
        """
        self._home, self._roster, self._catalogue = home, roster, catalogue
        self._identity = Identity.in_home(name, home)
        known = roster.party(name)
        if known is None or known.signing != self._identity.signing.public:
            raise HomeError("home.roster_differs", party=name)
        pin(roster, home)
        self._public_key = roster.paillier(minimum_bits=minimum_key_bits)
        self._journal = Journal(
            home / "journal.db", origin=roster.origin, node=name, key=self._identity.signing, clock=clock
        )
        self._client, self._clock = ControlClient(control, name), clock

    def plan(self, sql: str, purpose: str, protection: Protection = "paillier") -> SumPlan:
        """Read and check a query without asking anybody.

        Raises:
            RequestError: it cannot be allowed; names the nearest thing that can.
        """
        plan = plan_query(
            sql,
            purpose=purpose,
            requester=self._identity.name,
            catalogue=self._catalogue,
            roster=self._roster,
            nonce=new_nonce(),
            protection=protection,
        )
        check_plan(plan, self._catalogue, self._roster)
        return plan

    def plan_training(self, job: JobFile, *, start: bytes = b"") -> TrainPlan:
        """Make the plan of a job file without asking anybody.

        Args:
            start: a model file to go on from; empty to begin.

        Raises:
            RequestError: it cannot be allowed; names the key, and the nearest thing that can.
        """
        from federation.learning.planning import plan_training

        plan = plan_training(
            job,
            requester=self._identity.name,
            catalogue=self._catalogue,
            roster=self._roster,
            nonce=new_nonce(),
            start=start,
        )
        check_plan(plan, self._catalogue, self._roster)
        return plan

    def plan_prediction(
        self, artifact: bytes, *, bands: tuple[float, ...], purpose: str, where: str = ""
    ) -> PredictPlan:
        """Make the plan of a prediction without asking anybody.

        Args:
            artifact: the model file.
            bands: ascending cut points of the score.
            where: conditions in SQL, as in a query; "" for everybody.

        Raises:
            RequestError: it cannot be allowed.
        """
        from federation.learning.planning import plan_prediction

        plan = plan_prediction(
            artifact,
            bands=bands,
            purpose=purpose,
            where=where,
            requester=self._identity.name,
            catalogue=self._catalogue,
            roster=self._roster,
            nonce=new_nonce(),
        )
        check_plan(plan, self._catalogue, self._roster)
        return plan

    def plan_script(
        self,
        files: Mapping[str, str],
        dataset: str,
        *,
        purpose: str,
        basis: str = "",
        digits: int = DIGITS,
        seconds: int = SECONDS,
        memory_mb: int = MEMORY_MB,
    ) -> ScriptPlan:
        """Make the plan of a script without asking anybody: it is tried on made-up rows, in a sandbox on this machine.

        Args:
            files: the text of every file by name; the first one is run.
            dataset: department.table.
            basis: the law or rule that the request rests on.
            digits: significant ones of each number of the result.

        Raises:
            RequestError: it cannot be allowed, or gives no result that could be released.
            RefusedError: there is no sandbox here.
        """
        plan = plan_script(
            files,
            dataset,
            purpose=purpose,
            requester=self._identity.name,
            catalogue=self._catalogue,
            roster=self._roster,
            nonce=new_nonce(),
            basis=basis,
            digits=digits,
            seconds=seconds,
            memory_mb=memory_mb,
        )
        check_plan(plan, self._catalogue, self._roster)
        return plan

    def datasets(self) -> tuple[Dataset, ...]:
        """Fetch the cards and the mock rows of all datasets, and keep them in the home, a folder for each.

        Raises:
            NodeError: one of them is not in the catalogue.
        """
        known = {f"{owner}.{table.name}" for table in self._catalogue.tables for owner in table.departments}
        found = self._client.datasets()
        if not known.issuperset(dataset.name for dataset in found):
            raise NodeError("node.garbage", party="coordinator")
        for dataset in found:
            self._write(f"datasets/{dataset.name}", "card.md", dataset.card.encode())
            self._write(f"datasets/{dataset.name}", "mock.parquet", dataset.mock)
        return found

    def ask(self, plan: SumPlan, progress: Callable[[str], None] = lambda _: None) -> Result:
        """Submit a plan, wait, and read the result.

        Raises:
            KeyongError: refused or failed; nothing was released.
        """
        return self._read_query(plan, *self._submit(plan, self._request(plan), progress))

    def train(self, plan: TrainPlan, progress: Callable[[str | Step], None] = lambda _: None) -> TrainResult:
        """Submit a training, wait, and open the model.

        Args:
            progress: told of every step that begins, and of every round that is done.

        Raises:
            NodeError: `learning.interrupted` where there is a model of the rounds that were done, with its file.
            KeyongError: refused or failed before that.
        """
        return self._train(plan, self._request(plan), progress)

    def predict(self, plan: PredictPlan, progress: Callable[[str], None] = lambda _: None) -> PredictResult:
        """Submit a prediction, wait, and read how many people are in each band.

        Raises:
            KeyongError: refused or failed; nothing was released.
        """
        return self._read_prediction(plan, *self._submit(plan, self._request(plan), progress))

    def run_script(self, plan: ScriptPlan, progress: Callable[[str], None] = lambda _: None) -> ScriptResult:
        """Submit a script, wait, and read the table that was released of it.

        Raises:
            KeyongError: refused or failed; nothing was released.
        """
        return self._read_script(plan, *self._submit(plan, self._request(plan), progress))

    def resume(self, job: str, progress: Callable[[str], None] = lambda _: None) -> Result:
        """Ask again for what was asked before: it may have been approved meanwhile.

        Raises:
            KeyongError: never asked; refused or failed; nothing was released.
        """
        plan, request = self._asked(job, SumPlan)
        return self._read_query(plan, *self._submit(plan, request, progress))

    def resume_training(self, job: str, progress: Callable[[str | Step], None] = lambda _: None) -> TrainResult:
        """Ask again for a training; see `resume` and `train`."""
        plan, request = self._asked(job, TrainPlan)
        return self._train(plan, request, progress)

    def resume_prediction(self, job: str, progress: Callable[[str], None] = lambda _: None) -> PredictResult:
        """Ask again for a prediction; see `resume` and `predict`."""
        plan, request = self._asked(job, PredictPlan)
        return self._read_prediction(plan, *self._submit(plan, request, progress))

    def resume_script(self, job: str, progress: Callable[[str], None] = lambda _: None) -> ScriptResult:
        """Ask again for a script; see `resume` and `run_script`."""
        plan, request = self._asked(job, ScriptPlan)
        return self._read_script(plan, *self._submit(plan, request, progress))

    # -- requests -----------------------------------------------------------------------------------------------------

    def _request(self, plan: AnyPlan) -> bytes:
        """Sign a request, keep it, and put it on record."""
        job = job_name(plan)
        request = self._identity.sign(self._header(plan, job), Request(plan=plan.to_bytes()))
        self._write("requests", job, request)
        self._note("request.submit", job, {"plan": plan.hash}, plan.purpose.encode())
        return request

    def _asked(self, job: str, kind: type[P]) -> tuple[P, bytes]:
        """What was asked before under this name, if it is of this kind."""
        try:
            request = (self._home / "requests" / Path(job).name).read_bytes()
            payload = decode(Envelope.from_bytes(request).payload)
        except (OSError, ValueError) as exc:
            raise RefusedError("refused.no_request", request=job, party=self._identity.name) from exc
        plan = read_plan(payload.plan) if isinstance(payload, Request) else None
        if not isinstance(plan, kind):
            raise RefusedError("refused.no_request", request=job, party=self._identity.name)
        return plan, request

    def _submit(self, plan: AnyPlan, request: bytes, progress: Callable[[str], None]) -> tuple[SealedTotals, Course]:
        started = time.monotonic()
        times: list[tuple[str, float]] = []

        def step(name: str, at: float) -> None:
            if not name.startswith(ROUND):  # what came of a round is no step of its own
                times.append((name, at))
            progress(name)

        sealed = self._client.submit(request, step)
        seconds = round(time.monotonic() - started, 3)
        return sealed, Course(seconds, len(sealed.decision) + sum(map(len, sealed.shares)), _durations(times))

    # -- results ------------------------------------------------------------------------------------------------------

    def _read_query(self, plan: SumPlan, sealed: SealedTotals, course: Course) -> Result:
        job = job_name(plan)
        totals = read_totals(self._identity, self._roster, self._public_key, plan, job, sealed)
        result = Result(job=job, sql=plan.sql, purpose=plan.purpose, answer=answer(plan, totals), **course._asdict())
        self._write("results", f"{job}.json", msgspec.json.encode(result))
        self._note("result.read", job, {"rows": len(result.answer.rows)}, msgspec.json.encode(result.answer))
        return result

    def _read_prediction(self, plan: PredictPlan, sealed: SealedTotals, course: Course) -> PredictResult:
        from federation.learning.card import Band, PredictResult

        job = job_name(plan)
        totals = read_totals(self._identity, self._roster, self._public_key, plan, job, sealed)
        counts = {band: people for band, (people, *_) in totals.groups.items()}
        bands = tuple(
            Band(label=label, people=None if index in totals.dropped else counts.get(index, 0))
            for index, (label,) in enumerate(plan.local.group_labels())
        )
        result = PredictResult(job=job, purpose=plan.purpose, bands=bands, **course._asdict())
        self._write("results", f"{job}.json", msgspec.json.encode(result))
        self._note("result.read", job, {"rows": len(bands)}, msgspec.json.encode(bands))
        return result

    def _read_script(self, plan: ScriptPlan, sealed: SealedTotals, course: Course) -> ScriptResult:
        job = job_name(plan)
        released = read_released(self._identity, self._roster, plan, job, sealed)
        result = ScriptResult(
            job=job, dataset=plan.dataset, purpose=plan.purpose, released=released, **course._asdict()
        )
        self._write("results", f"{job}.json", msgspec.json.encode(result))
        self._note("result.read", job, {"rows": len(released.table.lines)}, released.to_bytes())
        return result

    def _train(self, plan: TrainPlan, request: bytes, progress: Callable[[str | Step], None]) -> TrainResult:
        from federation.learning.card import TrainResult
        from federation.learning.report import open_report
        from federation.learning.steps import Step

        job = job_name(plan)

        def told(name: str) -> None:
            round_done = name.removeprefix(ROUND)
            progress(name if round_done == name else msgspec.json.decode(round_done, type=Step))

        try:
            sealed, course = self._submit(plan, request, told)
        except KeyongError as error:
            self._save_what_there_is(plan, error)
            raise
        report, _ = open_report(self._identity, self._roster, sealed.shares[0], job, plan.hash)
        artifact = self._write("models", f"{job}.keyong", report.artifact)
        card = _card(plan, job, report, course, self._clock())
        self._write("models", f"{job}.card.json", msgspec.json.encode(card))
        result = TrainResult(job=job, card=card, artifact=str(artifact), **course._asdict())
        self._write("results", f"{job}.json", msgspec.json.encode(result))
        self._note("result.read", job, {"rows": 0, "model": card.model_hash}, msgspec.json.encode(card))
        return result

    def _save_what_there_is(self, plan: TrainPlan, error: KeyongError) -> None:
        """Fetch the model of the rounds that were done, if there were any.

        Raises:
            NodeError: there were; it names the file.
        """
        from federation.learning.report import open_report

        job = job_name(plan)
        try:
            report, _ = open_report(self._identity, self._roster, self._client.model(job), job, plan.hash)
        except KeyongError:
            return
        file = self._write("models", f"{job}.part.keyong", report.artifact)
        raise NodeError(
            "learning.interrupted", rounds=len(report.history), file=file, code=error.code, reason=error
        ) from error

    def _header(self, plan: AnyPlan, job: str) -> Header:
        return Header(
            origin=self._roster.origin,
            job=job,
            attempt=1,
            plan=plan.hash,
            roster=self._roster.hash,
            epoch=self._roster.epoch,
            sender=self._identity.name,
            recipient="coordinator",
            number=new_nonce(),
            reply_to="",
        )

    def _note(self, kind: str, job: str, data: dict[str, int | str], body: bytes) -> None:
        """Write an event of our own and bring it, with any the log has not, to the coordinator."""
        actor = Actor(name=self._identity.name, role="analyst")
        draft = Draft(type=kind, actor=actor, job=job, attempt=1, data=data, body=body)  # type: ignore[arg-type]
        self._journal.write([draft])
        self._client.record(self._journal.entries(self._client.known()))

    def _write(self, folder: str, name: str, content: bytes) -> Path:
        (self._home / folder).mkdir(parents=True, exist_ok=True)
        write_whole(self._home / folder / name, content, mode=0o600)
        return self._home / folder / name


KINDS: dict[type[AnyPlan], str] = {SumPlan: "q", TrainPlan: "t", PredictPlan: "p", ScriptPlan: "s"}


def job_name(plan: AnyPlan) -> str:
    """What a plan's job is called, everywhere."""
    return f"{KINDS[type(plan)]}-{plan.nonce[:12]}"


def enrol_analyst(home: Path, name: str) -> Party:
    """Make the analyst's keys if there are none; return the public side for the roster."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    identity = Identity.in_home(name, home)
    return Party(name=name, role="analyst", signing=identity.signing.public, box=identity.box.public)


def _durations(times: list[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    ends = [at for _, at in times[1:]]
    return tuple((name, round(end - at, 4)) for (name, at), end in zip(times, ends, strict=False))


def _card(plan: TrainPlan, job: str, report: Report, course: Course, now: datetime) -> ModelCard:
    """Fill in the model card from what the coordinator reported and what was measured here."""
    from federation.learning.card import Phase, make_card

    seconds: dict[str, float] = {}
    for name, took in course.steps:
        phase = name.partition(".")[0].partition(" ")[0]
        seconds[phase] = seconds.get(phase, 0.0) + took
    phases = [
        Phase(name=name, seconds=round(took, 4), bytes=report.traffic.get(name)) for name, took in seconds.items()
    ]
    return make_card(
        plan,
        job=job,
        artifact=report.artifact,
        losses=[step.loss for step in report.history],
        survivors={step.round: step.survivors for step in report.history},
        rows_train=report.rows,
        measures=report.measures,
        epsilon_recomputed=report.recomputed,
        phases=phases,
        made_at=now,
    )
