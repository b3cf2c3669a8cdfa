"""Nothing passes the gateway that it does not know, that was not agreed to, or that is not on disk first."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from crypto.signing import SigningKey
from federation.audit.events import Actor, Event, read_event
from federation.audit.journal import Draft, Journal
from federation.errors import HomeError, RefusedError
from federation.messages import (
    Agreement,
    Begun,
    Ciphertexts,
    Commitment,
    Cosigned,
    Decision,
    Failure,
    Header,
    Payload,
    Pending,
    Propose,
    Share,
    Synced,
    Unready,
)
from federation.node.fingerprints import Cell, Fingerprints
from federation.node.gateway import CLASSES, Gateway
from federation.plan import LocalQuery, Measure
from tests.support.memory import CellStore, clock

KEY = SigningKey.generate()
HEADER = Header(
    origin="keyong.test/gateway",
    job="q-1",
    attempt=1,
    plan="",
    roster="",
    epoch=1,
    sender="gaoping",
    recipient="coordinator",
    number="n-1",
    reply_to="",
)
GRANT = Draft(type="approval.grant", actor=Actor(name="gaoping", role="automatic"), job="q-1", attempt=1)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.db", origin=HEADER.origin, node="gaoping", key=KEY, clock=clock)


def approved(job: str, plan: str) -> None:
    """The officers' word stands for q-1, and for nothing else."""
    if job != "q-1":
        raise RefusedError("refused.not_approved", party="gaoping")


@pytest.fixture
def gateway(journal: Journal) -> Gateway:
    gateway = Gateway(journal, "gaoping")
    gateway.permit = approved
    return gateway


def fingerprinting(journal: Journal) -> Gateway:
    gateway = Gateway(journal, "gaoping", FINGERPRINTS)
    gateway.permit = approved
    return gateway


def events(journal: Journal) -> list[Event]:
    return [read_event(entry, {"gaoping": KEY.public}) for entry in journal.entries()]


class Row(Payload, frozen=True, tag="row"):
    """A payload that somebody forgot to classify."""

    name: str


class Looks(Failure, frozen=True, tag="looks"):
    """A payload that passes for a class that may leave."""


@pytest.mark.parametrize(
    "payload", [Row(name="x"), Propose(request=b""), Looks(code="x")], ids=["new", "a request", "a subclass"]
)
def test_payload_of_no_known_class_is_denied_and_the_denial_is_on_disk(gateway, journal, payload):
    journal.write([GRANT])
    with pytest.raises(RefusedError) as refused:
        gateway.admit(HEADER, payload)
    assert refused.value.code == "refused.egress"
    assert [(event.type, event.data) for event in events(journal)[1:]] == [
        ("egress.deny", {"class": "-", "reason": "class"})
    ]


@pytest.mark.parametrize(
    "payload",
    [
        Agreement(),
        Begun(),
        Commitment(round="counts", digest=""),
        Ciphertexts(round="counts", committed="", values=()),
        Share(round="counts", box=b""),
        Decision(boxes={}),
    ],
    ids=lambda payload: type(payload).__name__,
)
def test_what_belongs_to_a_job_is_denied_to_a_gateway_that_knows_no_officer(journal, payload):
    with pytest.raises(RefusedError):
        Gateway(journal, "gaoping").admit(HEADER, payload)
    assert [event.data["reason"] for event in events(journal)] == ["refused.egress"]


def test_approval_of_another_job_is_none_and_the_denial_says_why(gateway, journal):
    other = Header(**{**{f: getattr(HEADER, f) for f in HEADER.__struct_fields__}, "job": "q-2"})
    with pytest.raises(RefusedError) as refused:
        gateway.admit(other, Share(round="counts", box=b""))
    assert refused.value.code == "refused.not_approved"
    assert [event.data["reason"] for event in events(journal)] == ["refused.not_approved"]


def test_approval_that_stands_lets_the_jobs_messages_pass(gateway):
    gateway.admit(HEADER, Share(round="counts", box=b""))
    assert gateway.release(b"frame") == b"frame"


def test_word_taken_back_holds_for_the_very_next_message(gateway):
    gateway.admit(HEADER, Share(round="counts", box=b""))
    gateway.release(b"frame")

    def revoked(job: str, plan: str) -> None:
        raise RefusedError("refused.revoked", party="gaoping", request=job)

    gateway.permit = revoked
    with pytest.raises(RefusedError):
        gateway.admit(HEADER, Share(round="sums", box=b""))


def test_agreement_may_travel_with_its_own_event(gateway, journal):
    gateway.admit(HEADER, Agreement(), [GRANT])
    gateway.release(b"frame")
    assert [event.type for event in events(journal)] == ["approval.grant", "egress"]


def test_failures_records_and_what_waits_on_the_desk_pass_without_an_approval(gateway):
    for payload in (Failure(code="node.failed"), Synced(), Cosigned(size=0, lines=()), Pending()):
        gateway.admit(HEADER, payload)
        gateway.release(b"frame")


def test_ledger_states_message_recipient_class_payload_and_bytes(gateway, journal):
    gateway.admit(HEADER, Failure(code="node.failed"))
    gateway.release(b"four")
    (egress,) = events(journal)
    assert {name: value for name, value in egress.data.items() if name != "commitment"} == {
        "message": "n-1",
        "to": "coordinator",
        "class": "error",
        "payload": "failure",
        "bytes": 4,
    }


def test_nothing_is_on_disk_before_release(gateway, journal):
    gateway.admit(HEADER, Agreement(), [GRANT])
    assert events(journal) == []


def test_nothing_is_released_that_was_not_admitted(gateway):
    with pytest.raises(RefusedError):
        gateway.release(b"frame")


def test_what_was_admitted_is_released_once(gateway):
    gateway.admit(HEADER, Synced())
    gateway.release(b"frame")
    with pytest.raises(RefusedError):
        gateway.release(b"frame")


def test_denial_does_not_leave_an_earlier_admission_open(gateway, journal):
    gateway.admit(HEADER, Synced())
    with pytest.raises(RefusedError):
        gateway.admit(HEADER, Row(name="x"))
    with pytest.raises(RefusedError):
        gateway.release(b"a row")


def test_full_disk_releases_nothing(gateway, journal):
    journal.write([GRANT])
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    before = len(journal)
    with pytest.raises(HomeError) as full:
        for _ in range(100):
            gateway.admit(HEADER, Failure(code="node.failed"))
            before = len(journal)
            gateway.release(b"frame")
    assert full.value.code == "home.disk_full"
    assert len(journal) == len(events(journal)) == before
    with pytest.raises(RefusedError):
        gateway.release(b"frame")


def test_every_class_that_leaves_is_one_of_twelve():
    known = {"enrolment", "control", "desk", "ciphertext", "sealed", "record", "error"}
    assert set(CLASSES.values()) == {*known, "masked", "unmask", "clear", "output", "catalogue"}


# --- raw cells ---

IDENTITY = "140000199001010016"
NAME = "欧阳建国"
FINGERPRINTS = Fingerprints(
    [
        Cell(table="insured", column="person_id", text=IDENTITY),
        Cell(table="insured", column="name", text=NAME),
    ]
)
INCIDENT = Draft(
    type="incident", actor=Actor(name="gaoping", role="node"), job="q-1", attempt=1, data={"code": f"no {NAME}"}
)
QUERY = LocalQuery(
    table="insured",
    columns=(),
    where=(),
    group_by=(),
    measures=(Measure(kind="rows"), Measure(kind="sum", column="income", low=0, high=10**12)),
)


def raw_deflate(text: str) -> bytes:
    return zlib.compress(text.encode() * 3, wbits=-15)


# What an adapter or a slip of ours may do: the first six are seen in `admit`, the last two only in the whole frame.
LEAKS: dict[str, Callable[[Gateway], object]] = {
    "error detail": lambda g: g.admit(HEADER, Unready(code="data.type", details={"row": f"{NAME}, {IDENTITY}"})),
    "error code": lambda g: g.admit(HEADER, Failure(code=f"bad cell {IDENTITY}")),
    "text of a payload": lambda g: g.admit(HEADER, Agreement(statements=(NAME,)), [GRANT]),
    "bytes of a payload": lambda g: g.admit(HEADER, Share(round="counts", box=NAME.encode("gb18030")), [GRANT]),
    "raw deflate": lambda g: g.admit(
        HEADER, Ciphertexts(round="sums", committed="", values=(b"", raw_deflate(NAME))), [GRANT]
    ),
    "event": lambda g: g.admit(HEADER, Synced(), [INCIDENT]),
    "older entry": lambda g: (g.admit(HEADER, Synced()), g.release(b"frame" + IDENTITY.encode("utf-16-le"))),
    "sums": lambda g: g.check_cells("q-1", 1, CellStore({0: (5, int(IDENTITY))}).aggregate(QUERY)),
}
CLASS_OF = {
    "error detail": "enrolment", "error code": "error", "text of a payload": "control", "bytes of a payload": "sealed",
    "raw deflate": "ciphertext", "event": "record", "older entry": "record", "sums": "ciphertext",
}  # fmt: skip


@pytest.mark.parametrize("leak", LEAKS)
def test_raw_cell_does_not_leave_and_the_denial_names_its_column(journal, leak):
    gateway = fingerprinting(journal)
    with pytest.raises(RefusedError) as refused:
        LEAKS[leak](gateway)
    assert refused.value.code == "refused.fingerprint"
    (denial,) = events(journal)
    assert denial.type == "egress.deny"
    column = {name: denial.data[name] for name in ("class", "reason", "table")}
    assert column == {"class": CLASS_OF[leak], "reason": "fingerprint", "table": "insured"}
    assert denial.data["column"] in ("person_id", "name")
    with pytest.raises(RefusedError):
        gateway.release(b"frame")


@pytest.mark.parametrize("leak", LEAKS)
def test_same_leak_passes_where_fingerprints_are_off(gateway, journal, leak):
    """The control can fail: what is caught is caught by the fingerprints and by nothing else."""
    LEAKS[leak](gateway)
    assert not any(event.type == "egress.deny" for event in events(journal))


@pytest.mark.parametrize("leak", LEAKS)
def test_neither_the_error_nor_the_denial_holds_the_cell(journal, leak):
    with pytest.raises(RefusedError) as refused:
        LEAKS[leak](fingerprinting(journal))
    (denial,) = events(journal)
    said = msgspec.json.encode(denial).decode() + repr(refused.value) + str(refused.value) + str(refused.value.details)
    assert IDENTITY not in said
    assert NAME not in said


def test_xored_cell_passes_as_expected(journal):
    """Fingerprints catch mistakes and known encodings, not an adversary."""
    gateway = fingerprinting(journal)
    frame = bytes(byte ^ 1 for byte in IDENTITY.encode())
    gateway.admit(HEADER, Synced())
    assert gateway.release(frame) == frame


def test_refusal_itself_may_be_answered(journal):
    gateway = fingerprinting(journal)
    with pytest.raises(RefusedError) as refused:
        LEAKS["error code"](gateway)
    gateway.admit(HEADER, Failure(code=refused.value.code))
    gateway.release(b"frame")
    assert [event.type for event in events(journal)] == ["egress.deny", "egress"]


def test_honest_sums_pass(journal):
    gateway = fingerprinting(journal)
    gateway.check_cells("q-1", 1, {0: (5, 1_400_000), 1: (7, int(IDENTITY) - 1)})
    assert events(journal) == []
