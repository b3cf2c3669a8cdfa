"""(7, the desk) What a department's shelf shows is what its officers had said, over files that stay as they were laid.

The shelf is a picture for people who work with PySyft; the signed words decide. A department that keeps one has to
show a request there as approved before it joins the job: so that nobody's picture was another one than the record's.
"""

from __future__ import annotations

from dataclasses import dataclass

from federation.audit.events import Actor
from federation.audit.rules.findings import Written, wrong
from federation.audit.rules.words import NO, Words
from federation.governance.shelf import Standing


@dataclass(slots=True)
class Lies:
    """A request at one department.

    Attributes:
        files: SHA-256 over what lies on the shelf of it, hex; "" before it lies there.
        approved: whether it was shown so.
        joined: whether the department has joined the job.
    """

    plan: str
    files: str = ""
    approved: bool = False
    joined: bool = False


class Shelves:
    """All departments' shelves."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._software: dict[str, str] = {}
        self._requests: dict[tuple[str, str], Lies] = {}

    def start(self, written: Written) -> None:
        """A process begins, and says what keeps its shelf; older records do not."""
        self._software[written.event.node] = written.text("desk") if "desk" in written.event.data else ""

    def receive(self, written: Written) -> None:
        """A request comes in."""
        event = written.event
        self._requests.setdefault((event.job, event.node), Lies(written.text("plan")))

    def show(self, written: Written) -> None:
        """The shelf was changed, and looked at."""
        event, job, node = written.event, written.event.job, written.event.node
        lies, state, files = self._requests.get((job, node)), written.text("state"), written.hash("files")
        if event.actor != Actor(name=node, role="node"):
            raise wrong(written.where, f"{event.actor.name} may not do this")
        if lies is None or lies.plan != written.text("plan"):
            raise wrong(written.where, f"{node} shows a request on its shelf that it never received: job {job}")
        if state not in self._fitting(written, lies):
            raise wrong(written.where, f"the shelf of {node} shows job {job} as {state}, which was not so")
        lies.files = lies.files or files
        if files != lies.files:
            raise wrong(written.where, f"the files of job {job} on the shelf of {node} were exchanged")
        lies.approved |= state == "approved"

    def _fitting(self, written: Written, lies: Lies) -> set[Standing]:
        """How the request may be shown after what was said and done so far; it expires without anybody's doing."""
        fitting: set[Standing] = {"done"} if lies.joined else set()
        word = self._words.find(written.event.job, written.event.node)
        if word is not None and word.state in NO.values():
            return fitting | {"rejected"}
        if word is None or not self._words.is_whole(word):
            return fitting | {"pending"}
        return fitting | ({"approved", "pending"} if word.has_expired(written) else {"approved"})

    def join(self, written: Written) -> None:
        """A department joins a job on its officers' word, which its shelf shows if there is one."""
        job, node = written.event.job, written.event.node
        lies, word = self._requests.get((job, node)), self._words.find(job, node)
        shown = lies is not None and lies.approved and lies.plan == written.text("plan")
        if self._software.get(node) and word is not None and not word.automatic and not shown:
            raise wrong(written.where, f"{node} joined job {job}, which its shelf did not show as approved")
        if lies is not None:
            lies.joined = True
