"""The few names of Flower that it does not call public: they must go on meaning what we take them for."""

from __future__ import annotations

import pytest
from flwr.app import ConfigRecord, Message, RecordDict

from federation.errors import NodeError
from federation.runtime import flower


def request() -> Message:
    flower.identify_task(1)
    content = RecordDict({"keyong": ConfigRecord({"envelope": b"\x00\xff", "entries": [b"a", b"b"], "known": 7})})
    return flower.stamp(Message(content, dst_node_id=3, message_type="query.commit", group_id="q-1"), 1)


def test_a_message_survives_the_bytes():
    message = flower.from_bytes(flower.to_bytes(request()))
    record = message.content["keyong"]
    assert (record["envelope"], record["entries"], record["known"]) == (b"\x00\xff", [b"a", b"b"], 7)
    assert (message.metadata.dst_node_id, message.metadata.message_type) == (3, "query.commit")


def test_a_reply_names_the_request_it_answers():
    asked = request()
    arrived = flower.from_bytes(flower.to_bytes(asked))
    reply = Message(RecordDict(), reply_to=arrived)
    back = flower.from_bytes(flower.to_bytes(reply))
    assert back.metadata.reply_to_message_id == asked.metadata.message_id == asked.object_id
    assert back.metadata.src_node_id == 3


def test_the_same_content_has_the_same_bytes_but_for_time_and_a_changed_one_another_id():
    one, other = request(), request()
    other.content["keyong"]["known"] = 8
    assert flower.stamp(other, 1).metadata.message_id != one.metadata.message_id


@pytest.mark.parametrize("data", [b"\xff" * 40, b"", b"\x0a\x03abc"])
def test_garbage_is_no_message(data):
    with pytest.raises(NodeError) as caught:
        flower.from_bytes(data)
    assert caught.value.code == "node.garbage"
