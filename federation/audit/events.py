"""Events: what a party did, in canonical JSON, signed by it as a DSSE envelope and chained to its previous one.

An event names its actor and role, so that an officer's approval is the same kind of thing as a node's egress. It holds
integers and strings only (floats have no canonical JSON), and nothing out of a row: digests are of ciphertexts, or
salted. `seen` is the last checkpoint its signer has co-signed, and ties every chain to the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from crypto.dsse import open_envelope, sign_envelope
from crypto.errors import SignatureError
from crypto.signing import SigningKey, key_id

EVENT_TYPE = "application/vnd.keyong.event+json"

# An entry bundle of the tlog-tiles format gives an entry's length in two bytes.
MAX_ENTRY_BYTES = 65_535

FIRST_PREV = "0" * 64

EventType = Literal[
    "enrol", "start", "request.submit", "request.receive",
    "approval.grant", "approval.deny", "approval.revoke", "member.sign", "member.suspend", "member.resume",
    "member.change",
    "job.start", "job.join", "job.end", "commit", "open", "release.decide",
    "mask.keys", "mask", "survivors", "round", "model", "predict", "script", "shelf",
    "egress", "egress.deny", "receipt", "result.read", "incident", "drill",
]  # fmt: skip


class Actor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who acted.

    Attributes:
        name: a party, or officer@party.
        role: node, automatic, coordinator, analyst, operator, officer or auditor.
    """

    name: str
    role: Literal["node", "automatic", "coordinator", "analyst", "operator", "officer", "auditor"]


class Seen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A checkpoint: the log's size and root hash (hex), 0 and "" before the first."""

    size: int = 0
    root: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One act of one party.

    Attributes:
        log: the log's origin.
        node: the party whose chain it is.
        seq: its number in that chain, from 0.
        prev: SHA-256 of the chain's previous envelope, hex; zeros for the first.
        time: UTC, ISO 8601 with milliseconds and a trailing Z.
        job: "" for acts outside a job.
        attempt: 0 outside a job.
        data: integers and strings only.
    """

    v: Literal[1] = 1
    log: str
    node: str
    seq: int
    prev: str
    time: str
    type: EventType
    job: str
    attempt: int
    actor: Actor
    seen: Seen
    data: dict[str, int | str]


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Event)


class _Envelope(msgspec.Struct):
    payload: bytes


_envelope_decoder = msgspec.json.Decoder(_Envelope)


def timestamp(at: datetime) -> str:
    """Write a time as events do."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sign_event(event: Event, key: SigningKey) -> bytes:
    """Return the entry: the canonical DSSE envelope around the event.

    Raises:
        ValueError: the event does not read back as it is (a float in its data), or is longer than a log takes.
    """
    payload = _encoder.encode(event)
    if _decoder.decode(payload) != event:
        raise ValueError("the event does not read back as it is")
    entry = sign_envelope(key, EVENT_TYPE, payload)
    if len(entry) > MAX_ENTRY_BYTES:
        raise ValueError("an event must fit into 65535 bytes")
    return entry


def peek_event(entry: bytes) -> Event:
    """Read an event without checking who signed it: for entries that we verified when they came in.

    Raises:
        ValueError: it is no event.
    """
    return _decoder.decode(_envelope_decoder.decode(entry).payload)


def read_event(entry: bytes, parties: Mapping[str, bytes]) -> Event:
    """Verify that an entry is signed by the very party whose event it is, and read it.

    Args:
        parties: public signing keys by party.

    Raises:
        crypto.errors.SignatureError: a party we do not know, not signed by it, or not canonical.
        ValueError: the payload is no event, or not its canonical bytes.
    """
    claimed = _envelope_decoder.decode(entry).payload
    event = _decoder.decode(claimed)
    public = parties.get(event.node)
    if public is None:
        raise SignatureError("the event's party is not known")
    payload = open_envelope(entry, EVENT_TYPE, {key_id(public): public})
    if payload != claimed or _encoder.encode(event) != payload:
        raise ValueError("not the canonical bytes of an event")
    return event
