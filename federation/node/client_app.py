"""The Flower ClientApp of a department: every request of the protocol is a `query.<kind>` message."""

from __future__ import annotations

from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp

from federation.errors import NodeError
from federation.messages import Packet
from federation.node.department import Department

RECORD = "keyong"
REQUESTS = (
    *("propose", "begin", "commit", "reveal", "open", "decide", "sync", "attest"),
    *("advertise", "deal_masks", "keep_masks", "mask", "agree", "open_masks"),
    *("run_script", "describe"),
)


def client_app(department: Department) -> ClientApp:
    """Wrap a department so that any Flower runtime can carry its messages."""
    app = ClientApp()

    def handle(message: Message, context: Context) -> Message:
        request = unpack(message.content)
        return Message(pack(department.answer(request.envelope, request.known)), reply_to=message)

    for kind in REQUESTS:
        app.query(kind)(handle)
    return app


def pack(packet: Packet) -> RecordDict:
    """Put a packet into the one record of a Flower message."""
    fields = ConfigRecord({"envelope": packet.envelope, "entries": list(packet.entries), "known": packet.known})
    return RecordDict({RECORD: fields})


def unpack(content: RecordDict) -> Packet:
    """Take the packet out.

    Raises:
        NodeError: there is none in it, or something beside it.
    """
    record = content.get(RECORD)
    if len(content) != 1 or not isinstance(record, ConfigRecord) or set(record) != {"envelope", "entries", "known"}:
        raise NodeError("node.garbage", party="?")
    envelope, entries, known = record["envelope"], record["entries"], record["known"]
    if not isinstance(envelope, bytes) or not isinstance(entries, list) or not isinstance(known, int):
        raise NodeError("node.garbage", party="?")
    return Packet(envelope=envelope, entries=tuple(entry for entry in entries if isinstance(entry, bytes)), known=known)
