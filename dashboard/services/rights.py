"""Who may do what: one table, asked by every service that acts or shows what is not public, whatever a page shows.

The three separate roles (三员分立: operator, security officer, auditor; GB/T 22239-2019, 8.1.5) have no right to act in
common. Looking at the record and recomputing it stand in no table, since they take no right: whoever comes to the
dashboard may. Left out: a right that is granted to a person; only a role has rights.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from federation.errors import RefusedError
from federation.governance.roster import OfficerRole
from federation.settings import Tier

Role = Literal["guest", "analyst"] | OfficerRole


class Right(StrEnum):
    """What takes a right."""

    REQUESTS = "requests"  # see what is asked for, why, and by what code
    TRY = "try"  # run a request's code on mock rows
    ASK = "ask"  # ask in an analyst's name, and stop what was asked
    SIGN = "sign"  # approve, reject, revoke
    OPERATE = "operate"  # start and stop
    EXPORT = "export"  # take the evidence away


class Reach(StrEnum):
    """What a right is about."""

    ALL = "all"
    DEPARTMENT = "department"  # what concerns the account's own department
    OWN = "own"  # what the account itself asked for


RIGHTS: Mapping[Role, Mapping[Right, Reach]] = {
    "guest": {},
    "analyst": {Right.REQUESTS: Reach.OWN, Right.TRY: Reach.OWN, Right.ASK: Reach.OWN},
    "officer": {Right.REQUESTS: Reach.DEPARTMENT, Right.TRY: Reach.DEPARTMENT, Right.SIGN: Reach.DEPARTMENT},
    "operator": {Right.OPERATE: Reach.ALL},
    "auditor": {Right.REQUESTS: Reach.ALL, Right.EXPORT: Reach.ALL},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whoever looks at a page, or calls a service.

    Attributes:
        account: as it stands in the roster; "" for a guest.
        department: what stands behind the account's @; "" for a guest.
        tier: that of the department; for analysts, it limits what they may ask for.
    """

    account: str = ""
    role: Role = "guest"
    department: str = ""
    tier: Tier = "city"


GUEST = Visitor()


def check(visitor: Visitor, right: Right, *, departments: Collection[str] | None = None, requester: str = "") -> None:
    """Check that somebody may do something.

    Args:
        departments: whom it concerns: the participants of a request, or the one department that is signed for. Without
            departments and requester the question is whether there is anything at all that this right lets one do.
        requester: whose request it is.

    Raises:
        RefusedError: this account has no such right, or not to this.
    """
    if not may(visitor, right, departments=departments, requester=requester):
        raise RefusedError("refused.right", account=visitor.account or "guest", right=right.value)


def may(visitor: Visitor, right: Right, *, departments: Collection[str] | None = None, requester: str = "") -> bool:
    """Whether `check` lets this pass: for a page to leave out what would be refused."""
    reach = RIGHTS[visitor.role].get(right)
    if reach is None or (departments is None and not requester):
        return reach is not None
    match reach:
        case Reach.ALL:
            return True
        case Reach.DEPARTMENT:
            return visitor.department in (departments or ())
        case Reach.OWN:
            return visitor.account == requester
