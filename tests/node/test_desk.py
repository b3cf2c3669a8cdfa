"""The officer's socket: lists what lies there, hears what officers signed, and survives whatever else comes."""

from __future__ import annotations

import secrets
import select
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto.signing import HybridKey
from federation.errors import HomeError, KeyongError, RefusedError
from federation.governance.statements import Revoke
from federation.messages import Pending, Propose
from federation.node.desk import MAX_LINE, PATIENCE_S, Desk, DeskAsk, DeskClient, DeskLine
from federation.officer import OfficerDesk, plan_of
from tests.support.killing import files_no_larger_than
from tests.support.memory import MemoryFederation, MemoryStore

SQL = "SELECT COUNT(*), SUM(income) FROM insured"
OURS = "gaoping"


def stands_there(desk: Desk, patience_s: float) -> bool:
    """Whether somebody comes to a desk; by poll, since a long test run may have many files open."""
    waiting = select.poll()
    waiting.register(desk.fileno(), select.POLLIN)
    return bool(waiting.poll(patience_s * 1000))


class Served:
    """A desk on a real socket; `while_served` runs a client beside the department's one thread."""

    def __init__(self, folder: Path) -> None:
        rows = [{"income": 100}, {"income": 200}]
        stores = {name: MemoryStore(rows) for name in (OURS, "lingchuan", "qinshui")}
        self.federation = MemoryFederation(folder / "home", stores, approvals="officers")
        self.plan = self.federation.plan(SQL)
        # The path of a socket is short, whatever the test's own folder is.
        self.path = Path(f"/tmp/keyong-test-{secrets.token_hex(4)}.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path))
        listener.listen(8)
        self.head = ""
        self.desk = Desk(listener, self.federation.approvals[OURS], lambda: self.head)
        self.client = DeskClient(self.path, OURS, timeout_s=10)

    def propose(self) -> None:
        payload = Propose(request=self.federation.request(self.plan, job="q-1"))
        assert self.federation.say(OURS, payload, job="q-1", plan=self.plan.hash).payload == Pending()

    def while_served(self, call: Callable[..., object], *arguments: object) -> object:
        said: list[object] = []

        def run() -> None:
            try:
                said.append(call(*arguments))
            except KeyongError as error:
                said.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while thread.is_alive():
            if stands_there(self.desk, 0.02):
                self.desk.serve()
        if isinstance(said[0], KeyongError):
            raise said[0]
        return said[0]

    def send(self, data: bytes) -> bytes:
        """What comes back for bytes that no client of ours would send."""

        def raw() -> bytes:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(30)
                connection.connect(str(self.path))
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                return connection.makefile("rb").read()

        answer = self.while_served(raw)
        assert isinstance(answer, bytes)
        return answer

    def states(self) -> list[str]:
        return [item.state for item in self.while_served(self.client.items)]

    def officer(self, control: Path) -> OfficerDesk:
        """The officer's own program at this desk, its key unlocked."""
        name = f"officer@{OURS}"
        desk = OfficerDesk(
            home=control.parent,
            name=name,
            roster=self.federation.roster,
            desk=self.client,
            control=control,
            clock=lambda: self.federation.now,
        )
        desk._key = self.federation.officer_keys[name]
        return desk


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.path.unlink()


def code(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(KeyongError) as refused:
        call(*arguments)
    return refused.value.code


# --- what it shows ---


def test_empty_desk_shows_nothing(served):
    assert served.while_served(served.client.items) == ()
    assert served.while_served(served.client.head) == ""


def test_request_lies_there_with_the_plans_own_bytes(served):
    served.propose()
    (item,) = served.while_served(served.client.items)
    assert (item.job, item.state, item.statement) == ("q-1", "pending", "")
    assert plan_of(item) == served.plan
    assert len(item.snapshot) == 64


def test_neither_salt_nor_numbers_nor_the_analysts_envelope_are_shown(served):
    served.propose()
    ((slip, _),) = served.federation.approvals[OURS].slips()
    answer = served.send(msgspec.json.encode(DeskAsk(do="list")) + b"\n")
    assert slip.salt.hex().encode() not in answer
    assert msgspec.json.encode(slip.request).strip(b'"') not in answer
    assert set(msgspec.json.decode(answer)["items"][0]) == {
        "job",
        "plan",
        "received",
        "snapshot",
        "state",
        "statement",
        "granted_by",
    }


def test_head_is_the_checkpoint_co_signed_last(served):
    served.head = "a note"
    assert served.while_served(served.client.head) == "a note"


# --- what it hears ---


def test_statement_handed_in_counts_from_then_on_and_is_shown(served):
    served.propose()
    grant = served.federation.grant(OURS, served.plan)
    served.while_served(served.client.hear, grant, {})
    (item,) = served.while_served(served.client.items)
    assert (item.state, item.statement) == ("granted", grant)
    served.while_served(served.client.hear, served.federation.say_no(Revoke, OURS, served.plan), {})
    assert served.states() == ["revoked"]


def test_refusal_comes_back_with_its_code_and_details(served):
    served.propose()
    grant = served.federation.grant(OURS, served.plan)
    served.while_served(served.client.hear, grant, {})
    with pytest.raises(RefusedError) as refused:
        served.while_served(served.client.hear, served.federation.grant(OURS, served.plan), {})
    assert (refused.value.code, refused.value.details) == ("refused.state", {"request": "q-1", "state": "granted"})
    assert "granted" in refused.value.message("en")


def test_officers_program_signs_what_it_read_itself(served, tmp_path):
    served.propose()
    officer = served.officer(tmp_path / "control.sock")
    assert served.while_served(officer.has_pending, "q-1") is True
    served.while_served(officer.approve, "q-1")
    assert served.states() == ["granted"]
    assert served.while_served(officer.has_pending, "q-1") is False
    served.while_served(officer.revoke, "q-1", "second thoughts")
    assert served.states() == ["revoked"]


def test_officers_program_cannot_speak_of_a_request_that_does_not_lie_there(served, tmp_path):
    officer = served.officer(tmp_path / "control.sock")
    for call in (officer.approve, officer.has_pending):
        if call == officer.has_pending:
            assert served.while_served(call, "q-9") is False
        else:
            assert code(served.while_served, call, "q-9") == "refused.no_request"
    assert code(served.while_served, officer.reject, "q-9", "no") == "refused.no_request"


def test_officer_whose_key_is_not_unlocked_signs_nothing(served, tmp_path):
    served.propose()
    officer = served.officer(tmp_path / "control.sock")
    officer._key = None
    assert code(served.while_served, officer.approve, "q-1") == "home.passphrase_asked"
    assert served.states() == ["pending"]


def test_key_of_somebody_else_signs_nothing_that_counts(served, tmp_path):
    served.propose()
    officer = served.officer(tmp_path / "control.sock")
    officer._key = HybridKey.generate()
    assert code(served.while_served, officer.approve, "q-1") == "refused.statement"
    assert served.states() == ["pending"]


# --- whatever else comes ---


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\n", id="an empty line"),
        pytest.param(b"approve q-1\n", id="no JSON"),
        pytest.param(b"[]\n", id="no object"),
        pytest.param(b'{"do":"approve"}\n', id="unknown word"),
        pytest.param(b'{"do":"list","more":1}\n', id="unknown field"),
        pytest.param(b'{"do":"hear","statement":1}\n', id="wrong type"),
        pytest.param(b'{"do":"hear","statement":"\xff"}\n', id="no UTF-8"),
        pytest.param(b'{"do":"\xc3\x28"}\n', id="no UTF-8 in a word"),
        pytest.param(b'{"do":"hear","notes":' + b"[" * 100_000 + b"\n", id="brackets without end"),
        pytest.param(b"x" * (MAX_LINE + 2) + b"\n", id="a long line"),
    ],
)
def test_line_that_is_no_ask_is_refused_and_the_next_is_served(served, data):
    assert msgspec.json.decode(served.send(data), type=DeskLine).code == "refused.control"
    assert served.states() == []


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("", id="empty"),
        pytest.param("{}", id="no envelope"),
        pytest.param('{"x":' + "[" * 100_000 + "]" * 100_000 + "}", id="brackets"),
        pytest.param("张三", id="Chinese"),
    ],
)
def test_statement_that_is_none_is_refused_and_the_next_is_served(served, statement):
    served.propose()
    assert code(served.while_served, served.client.hear, statement, {}) == "refused.statement"
    assert served.states() == ["pending"]


@given(data=st.binary(max_size=300))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_never_ends_the_department(served, data):
    assert msgspec.json.decode(served.send(data + b"\n"), type=DeskLine).code == "refused.control"


def test_client_that_says_nothing_is_cut_off(served):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(served.path))
        started = time.monotonic()
        served.desk.serve()
        assert time.monotonic() - started < 3 * PATIENCE_S
    assert served.states() == []


def test_client_that_dawdles_byte_by_byte_is_cut_off(served):
    stop = threading.Event()

    def dawdle() -> None:
        with socket.socket(socket.AF_UNIX) as slow:
            slow.connect(str(served.path))
            try:
                while not stop.wait(PATIENCE_S / 10):
                    slow.sendall(b" ")
            except OSError:
                return

    thread = threading.Thread(target=dawdle, daemon=True)
    thread.start()
    stands_there(served.desk, 10)
    started = time.monotonic()
    threading.Timer(4 * PATIENCE_S, stop.set).start()
    served.desk.serve()
    took = time.monotonic() - started
    stop.set()
    thread.join()
    assert took < 3 * PATIENCE_S


def test_client_that_went_away_stops_nobody(served):
    with socket.socket(socket.AF_UNIX) as gone:
        gone.connect(str(served.path))
        gone.sendall(msgspec.json.encode(DeskAsk(do="list")) + b"\n")
    served.desk.serve()
    assert served.states() == []


def test_nobody_at_the_desk_returns_at_once(served):
    served.desk.serve()


def test_full_disk_is_told_to_the_officer_and_ends_the_department(served):
    served.propose()
    grant = served.federation.grant(OURS, served.plan)
    said: list[str] = []

    def officer() -> None:
        said.append(code(served.client.hear, grant, {"purpose": "x"}))

    thread = threading.Thread(target=officer, daemon=True)
    thread.start()
    stands_there(served.desk, 10)
    with files_no_larger_than(0), pytest.raises(HomeError):
        served.desk.serve()
    thread.join()
    assert said == ["home.storage"]
    served.federation.start(OURS)
    assert served.federation.approvals[OURS].state("q-1") == "pending"


# --- the client's side ---


def test_nobody_there_is_said_so(tmp_path):
    assert code(DeskClient(tmp_path / "none.sock", OURS, timeout_s=1).items) == "home.not_running"


def test_department_that_does_not_answer_is_late(served):
    assert code(DeskClient(served.path, OURS, timeout_s=0.1).items) == "node.late"
    served.desk.serve()


def test_department_that_goes_without_a_word_is_gone(served):
    def hang_up() -> None:
        stands_there(served.desk, 10)
        connection, _ = served.desk._listener.accept()
        with connection:
            connection.recv(100)

    thread = threading.Thread(target=hang_up, daemon=True)
    thread.start()
    assert code(served.client.items) == "node.gone"
    thread.join()


def test_denial_with_its_reason_leaves_the_words_at_the_department(served, tmp_path):
    served.propose()
    officer = served.officer(tmp_path / "control.sock")
    served.while_served(officer.reject, "q-1", "not for this purpose")
    assert served.states() == ["denied"]
    journal = b"".join(served.federation.journals[OURS].entries())
    assert b"not for this purpose" not in journal
    notes = list((served.federation.folder(OURS) / "desk").glob("*.notes"))
    assert len(notes) == 1 and b"not for this purpose" in notes[0].read_bytes()
    assert stat.S_IMODE(notes[0].stat().st_mode) == 0o600
