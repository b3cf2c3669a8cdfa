"""Flower's messages as bytes. The one place that touches names Flower does not call public; pinned by a test."""

from __future__ import annotations

from flwr.app import Message
from flwr.common.serde import message_from_proto, message_to_proto
from flwr.proto.message_pb2 import Message as MessageProto
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity
from google.protobuf.message import DecodeError

from federation.errors import NodeError

COORDINATOR_NODE = 1


def identify_task(run_id: int) -> None:
    """Tell Flower which run this process serves; `Message` asks for it."""
    TaskIdentity.run_id = run_id
    TaskIdentity.task_id = 1
    TaskIdentity.node_id = COORDINATOR_NODE


def empty_run(run_id: int) -> Run:
    """Make the run that a grid serves."""
    return Run.create_empty(run_id)


def to_bytes(message: Message) -> bytes:
    """Serialise exactly as Flower's own transports do."""
    return bytes(message_to_proto(message).SerializeToString())


def from_bytes(data: bytes) -> Message:
    """Parse a message.

    Raises:
        NodeError: not a Flower message.
    """
    try:
        return message_from_proto(MessageProto.FromString(data))
    except (DecodeError, ValueError, KeyError, TypeError) as exc:
        raise NodeError("node.garbage", party="?") from exc


def stamp(message: Message, run_id: int) -> Message:
    """Give an outgoing request its run and its id, the SHA-256 object id of its content."""
    message.metadata.__dict__.update(_run_id=run_id, _src_node_id=COORDINATOR_NODE)
    message.metadata.__dict__["_message_id"] = message.object_id
    return message
