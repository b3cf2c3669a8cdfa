"""Nothing passes the gateway that it does not know, that was not agreed to, or that is not on disk first."""

from __future__ import annotations

from pathlib import Path

import pytest

from crypto.signing import SigningKey
from federation.audit.events import Actor, Event, read_event
from federation.audit.journal import Draft, Journal
from federation.errors import HomeError, RefusedError
from federation.messages import (
    Agreement,
    Ciphertexts,
    Commitment,
    Decision,
    Failure,
    Header,
    Payload,
    Propose,
    Share,
    Synced,
)
from federation.node.gateway import CLASSES, Gateway
from tests.support.memory import clock

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


@pytest.fixture
def gateway(journal: Journal) -> Gateway:
    return Gateway(journal, "gaoping")


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
        Agreement(by="automatic"),
        Commitment(round="counts", digest=""),
        Ciphertexts(round="counts", committed="", values=()),
        Share(round="counts", box=b""),
        Decision(boxes={}),
    ],
    ids=lambda payload: type(payload).__name__,
)
def test_what_belongs_to_a_job_is_denied_without_an_agreement(gateway, journal, payload):
    with pytest.raises(RefusedError):
        gateway.admit(HEADER, payload)
    assert [event.data["reason"] for event in events(journal)] == ["no agreement"]


def test_agreement_to_another_job_is_none(gateway, journal):
    journal.write([GRANT])
    other = Header(**{**{f: getattr(HEADER, f) for f in HEADER.__struct_fields__}, "job": "q-2"})
    with pytest.raises(RefusedError):
        gateway.admit(other, Share(round="counts", box=b""))


def test_agreement_on_disk_lets_the_jobs_messages_pass(gateway, journal):
    journal.write([GRANT])
    gateway.admit(HEADER, Share(round="counts", box=b""))
    assert gateway.release(b"frame") == b"frame"


def test_agreement_may_travel_with_its_own_event(gateway, journal):
    gateway.admit(HEADER, Agreement(by="automatic"), [GRANT])
    gateway.release(b"frame")
    assert [event.type for event in events(journal)] == ["approval.grant", "egress"]


def test_failures_and_records_pass_without_an_agreement(gateway):
    for payload in (Failure(code="node.failed"), Synced()):
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
    gateway.admit(HEADER, Agreement(by="automatic"), [GRANT])
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
    journal.write([GRANT])
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


def test_every_class_that_leaves_is_one_of_six():
    assert set(CLASSES.values()) == {"enrolment", "control", "ciphertext", "sealed", "record", "error"}
