"""The control socket takes signed requests of analysts, tells of their steps, and drops what nobody waits for."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from federation.audit.events import Actor, read_event
from federation.audit.journal import Draft
from federation.coordinator.control import Ask, ControlClient, ControlServer
from federation.coordinator.jobs import Job, JobQueue
from federation.errors import HomeError, KeyongError, NodeError, RefusedError
from federation.messages import Agreement, Envelope, Request
from federation.queries.sums import SealedTotals
from tests.support.memory import ANALYST, COORDINATOR, MemoryFederation, MemoryStore

RESULT = SealedTotals(decision=b"sealed", shares=(b"a", b"b"))
SQL = "SELECT COUNT(*) FROM insured"


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[MemoryFederation]:
    """Its files are closed in the end, since the server's threads hold on to it."""
    stores = {name: MemoryStore([{"income": 1}]) for name in ("gaoping", "lingchuan", "qinshui")}
    federation = MemoryFederation(tmp_path / "home", stores)
    yield federation
    federation.close()


@pytest.fixture
def jobs() -> JobQueue:
    return JobQueue()


@pytest.fixture
def path(federation: MemoryFederation, jobs: JobQueue) -> Iterator[Path]:
    """The socket of a server that runs in its threads; the jobs are the test's to run."""
    with tempfile.TemporaryDirectory() as folder:  # a short path: sun_path holds 107 bytes
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{folder}/control.sock")
        listener.listen(8)
        ControlServer(listener, jobs, federation.sequencer, federation.roster).start()
        yield Path(folder) / "control.sock"


@pytest.fixture
def client(path: Path) -> ControlClient:
    return ControlClient(path, ANALYST)


@contextlib.contextmanager
def connected(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        yield connection


def say(path: Path, line: bytes) -> dict[str, object]:
    """Send one line, return the last one of the answer."""
    with connected(path) as connection, connection.makefile("rb") as lines:
        connection.sendall(line)
        return json.loads(list(lines)[-1])


def asked(federation: MemoryFederation, **change: object) -> bytes:
    plan = federation.plan(SQL)
    fields = {"do": "submit", "party": ANALYST, "request": federation.request(plan, job="q-1"), **change}
    return msgspec.json.encode(Ask(**fields)) + b"\n"


def in_background(target) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


# --- a job ---


def test_request_becomes_a_job_and_its_result_comes_back(federation, jobs, client):
    plan = federation.plan(SQL)
    request = federation.request(plan, job="q-1")

    def run() -> None:
        job = jobs.next(60)
        assert (job.name, job.plan, job.request) == ("q-1", plan, request)
        job.step("agree")
        job.step("decide")
        job.finish(RESULT, None)

    in_background(run)
    steps: list[str] = []
    assert client.submit(request, lambda name, at: steps.append(name)) == RESULT
    assert steps == ["agree", "decide", "end"]


def test_whole_query_through_the_socket_gives_the_answer(federation, jobs, client):
    plan = federation.plan(SQL)

    def run() -> None:
        job = jobs.next(60)
        job.finish(federation.seal(job.plan, job=job.name), None)

    in_background(run)
    sealed = client.submit(federation.request(plan, job="q-1"), lambda *_: None)
    assert federation.read(plan, sealed).rows == ((3,),)


def test_error_of_a_job_comes_back_with_its_details(federation, jobs, client):
    in_background(lambda: jobs.next(60).finish(None, NodeError("node.late", party="gaoping", seconds=60)))
    with pytest.raises(NodeError) as late:
        client.submit(federation.request(federation.plan(SQL), job="q-1"), lambda *_: None)
    assert late.value.message("en") == "gaoping did not answer within 60 s; nothing was released"


def test_refusal_comes_back_as_one(federation, jobs, client):
    in_background(lambda: jobs.next(60).finish(None, RefusedError("refused.too_small", party="gaoping")))
    with pytest.raises(RefusedError):
        client.submit(federation.request(federation.plan(SQL), job="q-1"), lambda *_: None)


def hang_up_during(path: Path, jobs: JobQueue, request: bytes, *, before) -> Job:
    with connected(path) as connection:
        connection.sendall(request)
        job = jobs.next(60)
        before(job)
    return job


def stops(job: Job) -> bool:
    """Whether the job is cancelled within two seconds."""
    end = time.monotonic() + 2
    while time.monotonic() < end:
        try:
            job.step("next")
        except RefusedError as refused:
            return refused.code == "refused.cancelled"
        time.sleep(0.02)
    return False


def test_hanging_up_while_nothing_happens_cancels_the_job(federation, jobs, path):
    job = hang_up_during(path, jobs, asked(federation), before=lambda job: None)
    end = time.monotonic() + 10
    while not job.is_cancelled:
        assert time.monotonic() < end, "the server does not notice"
        time.sleep(0.02)
    with pytest.raises(RefusedError) as refused:
        job.step("agree")
    assert refused.value.code == "refused.cancelled"


def test_hanging_up_between_two_steps_cancels_the_job(federation, jobs, path):
    """The server notices when it tells the next step to nobody."""
    job = hang_up_during(path, jobs, asked(federation), before=lambda job: job.step("agree"))
    assert stops(job)


# --- what is no request ---


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"garbage\n", id="no JSON"),
        pytest.param(b"\n", id="empty"),
        pytest.param(b"\xff\xfe\n", id="no text"),
        pytest.param(b"[]\n", id="no object"),
        pytest.param(b'{"do":"stop","party":"analyst@city"}\n', id="unknown wish"),
        pytest.param(b'{"party":"gaoping"}\n', id="nothing asked"),
        pytest.param(b'{"do":"known","party":"analyst@city","more":1}\n', id="unknown field"),
    ],
)
def test_line_that_is_no_request_is_answered_by_a_code(path, line):
    assert say(path, line)["code"] == "refused.control"


def test_server_goes_on_after_garbage(path, client):
    say(path, b"garbage\n")
    assert client.known() == 0


@pytest.mark.parametrize("party", ["nobody", "gaoping", COORDINATOR, ""])
def test_whoever_is_no_analyst_of_the_roster_is_refused(federation, path, party):
    assert say(path, asked(federation, party=party))["code"] == "refused.requester"


def submit(path: Path, request: bytes) -> object:
    return say(path, msgspec.json.encode(Ask(do="submit", party=ANALYST, request=request)) + b"\n")["code"]


def test_request_signed_by_another_analyst_is_refused(federation, path, jobs):
    request = federation.request(federation.plan(SQL), job="q-1", signer="analyst@tax")
    assert submit(path, request) == "refused.requester"


def test_signed_message_that_is_no_request_is_refused(federation, path):
    assert submit(path, federation.signed(ANALYST, COORDINATOR, Agreement())) == "refused.requester"


def test_bytes_that_are_no_envelope_are_refused(path):
    assert submit(path, b"garbage") == "node.garbage"


def test_altered_request_is_refused(federation, path):
    request = federation.request(federation.plan(SQL), job="q-1")
    assert submit(path, request[:-1] + bytes([request[-1] ^ 1])) == "node.foreign"


@pytest.mark.parametrize("plan", [b"", b"garbage", b"{}"])
def test_signed_request_without_a_plan_is_answered_by_a_code(federation, path, plan):
    header = federation.header(ANALYST, COORDINATOR, job="q-1", plan="")
    assert submit(path, federation.identities[ANALYST].sign(header, Request(plan=plan))) == "refused.control"


def test_signed_plan_that_is_not_canonical_is_answered_by_a_code(federation, path):
    plan = federation.plan(SQL)
    header = federation.header(ANALYST, COORDINATOR, job="q-1", plan=plan.hash)
    request = federation.identities[ANALYST].sign(header, Request(plan=plan.to_bytes() + b" "))
    assert submit(path, request) == "refused.control"


def test_signed_payload_that_is_none_is_answered_by_a_code(federation, path):
    header = federation.header(ANALYST, COORDINATOR, job="q-1", plan="")
    unsigned = Envelope(header=header, payload=b"\xc1", signature=b"")
    signature = federation.identities[ANALYST].signing.sign(unsigned.signed_bytes())
    envelope = Envelope(header=header, payload=b"\xc1", signature=signature)
    assert submit(path, envelope.to_bytes()) == "refused.control"


# --- an analyst's own events ---


def test_analysts_events_come_into_the_log(federation, client):
    journal = federation.open_journal(ANALYST)
    actor = Actor(name=ANALYST, role="analyst")
    client.record(journal.write([Draft(type="request.submit", actor=actor, job="q-1", attempt=1)]))
    assert client.known() == 1
    last = read_event(list(federation.log.entries())[-1], federation.roster.signers)
    assert (last.node, last.type) == (ANALYST, "request.submit")


def test_events_of_somebody_else_are_refused(federation, client):
    with pytest.raises(NodeError) as refused:
        client.record(federation.journals["gaoping"].entries())
    assert refused.value.code == "node.bad_event"


# --- the client ---


def test_socket_that_nobody_listens_on_means_not_running(tmp_path):
    with pytest.raises(HomeError) as stopped:
        ControlClient(tmp_path / "none.sock", ANALYST).known()
    assert stopped.value.code == "home.not_running"


@contextlib.contextmanager
def answering(line: bytes) -> Iterator[Path]:
    """A coordinator that answers anything by one line."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/c.sock")
        listener.listen(1)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(line)

        thread = in_background(serve)
        yield Path(folder) / "c.sock"
        thread.join(10)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param(b"", "home.coordinator_gone", id="nothing"),
        pytest.param(b'{"step":"agree"}\n', "home.coordinator_gone", id="a step and no end"),
        pytest.param(b"garbage\n", "node.garbage", id="garbage"),
        pytest.param(b'{"more":1}\n', "node.garbage", id="an unknown field"),
        pytest.param(b'{"code":"no.such"}\n', "node.failed", id="an unknown code"),
        pytest.param(b'{"code":"node.late","details":{"code":"x","self":"y"}}\n', "node.late", id="odd details"),
    ],
)
def test_odd_coordinator_is_an_error_with_words(line, code):
    with answering(line) as path, pytest.raises(KeyongError) as odd:
        ControlClient(path, ANALYST).known()
    assert odd.value.code == code
    assert odd.value.message("zh")
