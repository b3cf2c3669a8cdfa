"""Code to data: an analyst's script goes to the one department that holds the rows, and a small table comes back.

Nothing is added up over departments, so nothing is encrypted or masked: what protects people here is that officers
have read every line that runs, that it runs in a sandbox without a way out, and that of what it writes only a few
rounded numbers about large enough groups leave. What it prints stays with the owner, as do the words of its errors.

`run_script_job` is the whole story, told by the coordinator, who relays and can read nothing. The other roles follow, a
block each: data owner (run), analyst (read_released).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import msgspec

from crypto.errors import CryptoError
from crypto.sealing import open_box, seal
from federation.adapters import Cells
from federation.aggregation.agreement import begin_all
from federation.aggregation.office import Act, Job, Office, Progress, Seal, box_context, read_payload
from federation.errors import NodeError, RefusedError
from federation.governance.identity import Identity
from federation.governance.roster import Roster
from federation.messages import Failure, RunScript, ScriptOutput
from federation.plan import MAX_RELEASED, ScriptPlan
from federation.queries.sums import SealedTotals
from federation.sandbox.limits import Limits, Ran
from federation.scripting.keeping import Keeping, clear_rows
from federation.scripting.numbers import rounded
from federation.scripting.release import MAX_RESULT_BYTES, check_ended, release
from federation.scripting.result import Card, Released, columns_of
from federation.wire import Wire

# -- the story: the coordinator's part --------------------------------------------------------------------------------


def run_script_job(
    wire: Wire, plan: ScriptPlan, agreements: Mapping[str, bytes], seal: Seal, progress: Progress
) -> SealedTotals:
    """Run a script that its data's owner has agreed to.

    Args:
        agreements: as `propose` gave them: the owner's.
        seal: brings the record to a quorum of witnesses; returns the checkpoint with their cosignatures.
        progress: called with the name of every step that begins.

    Returns:
        One envelope sealed to the analyst.

    Raises:
        NodeError: the owner is gone, late or answers wrongly; nothing has been released.
        RefusedError: it refused, or its release policy did.
    """
    # Owner: verifies its own approval, and that a quorum has it on record.
    begin_all(wire, plan, agreements, seal, progress)

    # Owner: runs the frozen script over its rows, and lets out what its release policy allows.
    progress("script")
    answer = wire.ask({plan.owner: RunScript()})[plan.owner]
    if not isinstance(answer.payload, ScriptOutput):
        raise NodeError("node.protocol", party=plan.owner)
    return SealedTotals(decision=b"", shares=(answer.envelope,))


# -- data owner -------------------------------------------------------------------------------------------------------


def run(office: Office, job: Job, plan: ScriptPlan) -> Act:
    """Owner: freeze the approved script, run it over the rows, and release what the policy allows of its output.

    Returns:
        The sealed table; or, of a script that ended badly or whose output must not leave, a code and nothing else. The
        event that tells of the run goes on disk with either.

    Raises:
        RefusedError: it does not run: not ours, asked before, over its budget, not the frozen code, or its officers
            have taken back their word while it did.
        DataError: the store cannot be read.
        HomeError: the home cannot be written.
    """
    if office.name != plan.owner:
        raise RefusedError("refused.order")
    job.once("run_script", "")
    keeping = Keeping(office.home, job.job, plan)
    if keeping.spent() + plan.released_numbers > MAX_RELEASED:
        raise RefusedError("refused.script_budget", party=office.name)
    ran, counts = _run_frozen(office, job, plan, keeping)
    keeping.log(ran.log)
    try:
        released = _let_out(office, job, plan, ran, counts)
    except RefusedError as refusal:
        # For the owner's people alone: the requester gets the code.
        keeping.log(f"\n{refusal}\n".encode())
        status = ran.status if ran.status != "done" else refusal.code
        incident = job.draft("incident", office, {"code": refusal.code})
        return Act(Failure(code=refusal.code), (job.draft("script", office, _told(plan, ran, status)), incident))
    body = released.to_bytes()
    keeping.release(body)
    reader = office.roster.party(plan.requester)
    if reader is None:
        raise RefusedError("refused.requester")
    box = seal(reader.box, body, context=_context(plan, job.job))
    return Act(ScriptOutput(box=box), (job.draft("script", office, _told(plan, ran, "done"), body=body),))


def _run_frozen(office: Office, job: Job, plan: ScriptPlan, keeping: Keeping) -> tuple[Ran, Cells]:
    """Run what was approved; the rows are there for so long, and no longer."""
    limits = Limits(seconds=plan.seconds, memory_mb=plan.memory_mb, output_bytes=MAX_RESULT_BYTES)
    keeping.freeze()
    try:
        from federation.scripting.view import write_view  # pyarrow, only where it is needed

        counts = write_view(office.stores[plan.table], plan.view, plan.local, keeping.view)
        return office.runner.run(job.job, keeping.frozen(), limits), counts
    finally:
        clear_rows(office.home)


def _let_out(office: Office, job: Job, plan: ScriptPlan, ran: Ran, counts: Cells) -> Released:
    """Decide what may leave of a run."""
    check_ended(ran)
    # In the text as the script wrote it, since rounding would hide a raw cell from the search, not from everybody.
    office.check_text(job.job, job.attempt, ran.output)
    # An officer may have granted it for larger groups only.
    least = max(plan.minimum_group, office.approvals.minimum_group(job.job))
    held = msgspec.structs.replace(plan, minimum_group=least)
    return Released(table=release(ran.output, held, counts), card=_card(plan, ran))


def _card(plan: ScriptPlan, ran: Ran) -> Card:
    return Card(code=plan.code, digits=plan.digits, capacity_bits=plan.capacity_bits, seconds=ceil(ran.seconds))


def _told(plan: ScriptPlan, ran: Ran, status: str) -> dict[str, int | str]:
    """What the record says of a run. Its time in whole seconds: a script could tell something by milliseconds."""
    bits, took = plan.capacity_bits, 1000 * ceil(ran.seconds)
    return {"code": plan.code, "status": status, "digits": plan.digits, "bits": bits, "milliseconds": took}


def _context(plan: ScriptPlan, job: str) -> bytes:
    return box_context("script", job, "", plan.owner, plan.requester)


class NothingToAdd:
    """The programme of a script: it adds nothing up, so no round of any sum is answered. See `Programme`."""

    def check(self, office: Office, job: Job, name: str, given: bytes | None) -> None:
        """Refuse every round.

        Raises:
            RefusedError: always.
        """
        raise RefusedError("refused.order")

    def bounds(self, name: str, given: bytes | None) -> tuple[int, ...]:
        """No round has a place."""
        return ()

    def values(self, office: Office, job: Job, name: str, given: bytes | None) -> tuple[int, ...]:
        """No round has a number."""
        return ()

    def reader(self, name: str) -> str:
        """Nobody."""
        return ""


# -- analyst ----------------------------------------------------------------------------------------------------------


def read_released(identity: Identity, roster: Roster, plan: ScriptPlan, job: str, sealed: SealedTotals) -> Released:
    """Analyst: verify the envelope, open the box, and see that the table is of the form that was agreed to.

    Raises:
        NodeError: the envelope is foreign or of another job, or what is in it is no such table.
    """
    if len(sealed.shares) != 1:
        raise NodeError("node.protocol", party=plan.owner)
    envelope = roster.open(sealed.shares[0])
    header = envelope.header
    if (header.sender, header.job, header.plan) != (plan.owner, job, plan.hash):
        raise NodeError("node.replayed", party=header.sender)
    payload = read_payload(envelope)
    if not isinstance(payload, ScriptOutput):
        raise NodeError("node.protocol", party=plan.owner)
    try:
        released = Released.from_bytes(open_box(identity.box, payload.box, context=_context(plan, job)))
        _check_form(released, plan)
    except (CryptoError, ValueError) as exc:
        raise NodeError("node.garbage", party=plan.owner) from exc
    return released


def _check_form(released: Released, plan: ScriptPlan) -> None:
    table, card, width = released.table, released.card, len(plan.group_by)
    if (card.code, card.digits, card.capacity_bits) != (plan.code, plan.digits, plan.capacity_bits):
        raise ValueError("the card is of another script")
    shown = [line[:width] for line in table.lines]
    named = [*shown, *table.withheld]
    if (table.columns, table.keys) != (columns_of(plan), width):
        raise ValueError("not the columns that were agreed to")
    if len(set(named)) < len(named) or not set(named) <= set(plan.groups):
        raise ValueError("not the groups that were agreed to")
    for line in table.lines:
        numbers = line[width:]
        if len(numbers) != len(plan.numbers) or any(rounded(number, plan.digits) != number for number in numbers):
            raise ValueError("not the numbers that were agreed to")
