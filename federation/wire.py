"""The one thing a protocol knows of transport: say this to these parties, and get their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from federation.messages import Message, Payload


def phase_of(payload: Payload) -> str:
    """Name the part of a job that a request belongs to: "update" for a round "update.12", else its kind."""
    name = getattr(payload, "round", "") or str(type(payload).__struct_config__.tag)
    return name.partition(".")[0]


class Answer(NamedTuple):
    """A verified answer: the payload, and the signed envelope it came in, to show to others."""

    payload: Message
    envelope: bytes


class Wire(Protocol):
    """Carries one job's messages; made for the job, so that headers are right by construction.

    Attributes:
        traffic: bytes of the envelopes so far, both ways, by phase of the job (`phase_of`).
    """

    @property
    def traffic(self) -> Mapping[str, int]: ...  # noqa: D102 - said above

    def ask(self, requests: Mapping[str, Payload]) -> dict[str, Answer]:
        """Send every party its request and wait for all answers.

        Raises:
            NodeError: a party is gone, late, or its answer is not one to this request under the pinned roster.
            RefusedError: a party refused.
        """
        ...

    def ask_those_there(self, requests: Mapping[str, Payload]) -> dict[str, Answer]:
        """The same, but whoever is gone or late is left out of the answers.

        Raises:
            NodeError: a party's answer is not one to this request under the pinned roster.
            RefusedError: a party refused.
        """
        ...
