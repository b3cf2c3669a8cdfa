"""All indicators of a record, by pure rules; and their canonical bytes, as a bundle holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from federation.audit.events import Event
from federation.audit.indicators import approvals, flows, minimisation, recording, roles, setting
from federation.audit.indicators.material import Drills, Material
from federation.audit.indicators.values import Definition, Finding, Indicator
from federation.audit.verify import Verdict
from federation.governance.roster import Roster
from federation.plan import Plan
from federation.settings import Catalogue

Rule = Callable[[Material], Finding]

CATALOGUE: tuple[tuple[Definition, Rule], ...] = (
    *approvals.RULES,
    *roles.RULES,
    *flows.RULES,
    *minimisation.RULES,
    *recording.RULES,
    *setting.RULES,
)

_encoder = msgspec.json.Encoder(order="sorted")


def compute(
    events: Sequence[Event],
    *,
    roster: Roster,
    catalogue: Catalogue,
    verdict: Verdict | None,
    notes: Sequence[tuple[int, str]],
    now: datetime,
    drills: Drills | None = None,
    plans: Iterable[Plan] = (),
) -> tuple[Indicator, ...]:
    """Work out every indicator.

    Args:
        events: the log's, in its order, their signatures checked.
        verdict: what verifying the record gave; None if it was not verified.
        notes: checkpoints with their cosignatures, by size, ascending; those without a quorum do not count.
        drills: what became of attacks on purpose; None if nobody tells.
        plans: of whatever jobs somebody holds them; a plan counts for the job that names its hash.

    Raises:
        RefusedError: a note is no checkpoint of this roster's log.
        ValueError: an event's time or a number is not written as events write it; verifying names the place.
    """
    material = Material(
        events=events,
        roster=roster,
        catalogue=catalogue,
        verdict=verdict,
        notes=notes,
        now=now,
        drills=drills,
        plans={plan.hash: plan for plan in plans},
    )
    return tuple(Indicator(definition=definition, finding=rule(material)) for definition, rule in CATALOGUE)


def to_json(indicators: Sequence[Indicator]) -> bytes:
    """Canonical bytes: sorted keys, no spaces, integers and texts only."""
    return _encoder.encode(indicators)
