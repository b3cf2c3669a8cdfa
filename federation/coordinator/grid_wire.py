"""One job's wire over a Flower Grid: signed requests out, verified answers back, events into the log."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

from flwr.app import Message
from flwr.serverapp import Grid

from federation.coordinator.sequencer import Sequencer
from federation.errors import NodeError, from_code
from federation.governance.identity import Identity
from federation.governance.roster import Roster
from federation.messages import Failure, Header, Packet, Payload, decode
from federation.node.client_app import pack, unpack
from federation.wire import Answer, phase_of

# What became of a party, as opposed to what it said.
ABSENT = frozenset({"node.gone", "node.late", "node.killed", "node.hung"})


class Nodes(Protocol):
    """What a grid that knows departments by name can tell besides what Flower's does."""

    def node_of(self, party: str) -> int | None:
        """The Flower node id of a party that is there."""
        ...

    def why_gone(self, party: str) -> str:
        """The code of what became of a party since the last request to it; "" if it is only slow."""
        ...


class GridWire:
    """Implements `federation.wire.Wire` for one job."""

    def __init__(
        self,
        *,
        grid: Grid,
        nodes: Nodes,
        identity: Identity,
        roster: Roster,
        sequencer: Sequencer,
        job: str,
        plan: str,
        deadline_s: float,
        heard: dict[str, float],
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """Make the wire of one job.

        Args:
            plan: the plan's hash.
            heard: when each party answered last, monotonic seconds; shared by all wires.
            before: called before anything is asked; raises to stop the job.
        """
        self.heard = heard
        self._grid, self._nodes, self._identity, self._roster = grid, nodes, identity, roster
        self._sequencer, self._job, self._plan = sequencer, job, plan
        self._deadline_s, self._before = deadline_s, before
        self.traffic: Counter[str] = Counter()

    def ask(self, requests: Mapping[str, Payload]) -> dict[str, Answer]:
        """Send every party its request and wait for all answers; see `Wire`."""
        answers: dict[str, Answer] = {}
        # Whoever said no is the reason; that others did not come any more may be the consequence.
        said = self.ask_each(requests)
        for answer in said.values():
            if isinstance(answer, Exception) and getattr(answer, "code", "") not in ABSENT:
                raise answer
        for party, answer in said.items():
            if isinstance(answer, Exception):
                raise answer
            answers[party] = answer
        return answers

    def ask_those_there(self, requests: Mapping[str, Payload]) -> dict[str, Answer]:
        """The same, leaving out whoever is gone or late; see `Wire`."""
        said = self.ask_each(requests)
        for answer in said.values():
            if isinstance(answer, Exception) and getattr(answer, "code", "") not in ABSENT:
                raise answer
        return {party: answer for party, answer in said.items() if not isinstance(answer, Exception)}

    def there(self) -> list[str]:
        """The departments that can be asked now."""
        return [name for name in self._roster.names("department") if self._nodes.node_of(name) is not None]

    def ask_each(self, requests: Mapping[str, Payload]) -> dict[str, Answer | Exception]:
        """Send every party its request; what comes back from each, or what became of it."""
        self._before()
        said: dict[str, Answer | Exception] = {}
        waiting: dict[int, tuple[str, str]] = {}
        messages = []
        for party, payload in requests.items():
            node = self._nodes.node_of(party)
            if node is None:
                said[party] = NodeError(self._nodes.why_gone(party) or "node.gone", party=party)
                continue
            header = self._header(party)
            envelope = self._identity.sign(header, payload)
            self.traffic[phase_of(payload)] += len(envelope)
            packet = Packet(envelope=envelope, known=self._sequencer.known(party))
            kind = str(type(payload).__struct_config__.tag)
            messages.append(self._grid.create_message(pack(packet), f"query.{kind}", node, self._job))
            waiting[node] = (party, header.number)
        for reply in self._grid.send_and_receive(messages, timeout=self._deadline_s):
            party, number = waiting.pop(reply.metadata.src_node_id)
            self.heard[party] = time.monotonic()
            try:
                said[party] = answer = self._read(reply, party, number)
                self.traffic[phase_of(requests[party])] += len(answer.envelope)
            except Exception as error:
                said[party] = error
        for party, _ in waiting.values():
            code = self._nodes.why_gone(party) or "node.late"
            said[party] = NodeError(code, party=party, seconds=int(self._deadline_s))
        return {party: said[party] for party in requests}

    def _header(self, party: str) -> Header:
        return Header(
            origin=self._roster.origin,
            job=self._job,
            attempt=1 if self._job else 0,
            plan=self._plan,
            roster=self._roster.hash,
            epoch=self._roster.epoch,
            sender=self._identity.name,
            recipient=party,
            number=secrets.token_hex(16),
            reply_to="",
        )

    def _read(self, reply: Message, party: str, number: str) -> Answer:
        if reply.has_error():
            raise NodeError("node.failed", party=party)
        try:
            packet = unpack(reply.content)
            envelope = self._roster.open(packet.envelope)
        except NodeError as exc:
            raise NodeError(exc.code, party=party) from exc
        header = envelope.header
        if (header.sender, header.recipient) != (party, self._identity.name):
            raise NodeError("node.foreign", party=party)
        # An answer to another question, however genuine, is no answer to this one.
        if (header.reply_to, header.job, header.plan) != (number, self._job, self._plan):
            raise NodeError("node.replayed", party=party)
        try:
            payload = decode(envelope.payload)
        except ValueError as exc:
            raise NodeError("node.garbage", party=party) from exc
        self._sequencer.accept(party, packet.entries)
        if isinstance(payload, Failure):
            raise from_code(payload.code, party=party)
        return Answer(payload, packet.envelope)
