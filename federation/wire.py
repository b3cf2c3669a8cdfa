"""The one thing a protocol knows of transport: say this to these parties, and get their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from federation.messages import Message, Payload


class Answer(NamedTuple):
    """A verified answer: the payload, and the signed envelope it came in, to show to others."""

    payload: Message
    envelope: bytes


class Wire(Protocol):
    """Carries one job's messages; made for the job, so that headers are right by construction."""

    def ask(self, requests: Mapping[str, Payload]) -> dict[str, Answer]:
        """Send every party its request and wait for all answers.

        Raises:
            NodeError: a party is gone, late, or its answer is not one to this request under the pinned roster.
            RefusedError: a party refused.
        """
        ...
