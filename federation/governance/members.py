"""Which departments count at the moment: a department that is gone is suspended by the officers of a majority."""

from __future__ import annotations

from collections.abc import Iterable

from federation.audit.events import Event


def suspended(events: Iterable[Event], departments: Iterable[str]) -> frozenset[str]:
    """Name the departments that a majority of all departments' officers have suspended and not resumed.

    Args:
        events: the log's `member.suspend` and `member.resume` events in their order, signatures checked.
    """
    names = frozenset(departments)
    votes: dict[str, set[str]] = {}
    for event in events:
        party = str(event.data.get("party", ""))
        if event.type == "member.suspend" and {event.node, party} <= names and event.node != party:
            votes.setdefault(party, set()).add(event.node)
        elif event.type == "member.resume":
            votes.get(party, set()).discard(event.node)
    return frozenset(party for party, by in votes.items() if len(by) > len(names) // 2)
