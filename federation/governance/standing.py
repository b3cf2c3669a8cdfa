"""How a request stands with one department: what the words of its officers make of it.

Rules only: the journal remembers the words, `approvals` keeps both together. As many different officers must grant as
the roster asks for; one no is enough. A grant that expires takes the request with it, even while another is awaited.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from msgspec import UNSET

from federation.errors import RefusedError
from federation.governance.shelf import Standing as Shown
from federation.governance.statements import Deny, Grant, Revoke, moment

State = Literal["pending", "granted", "denied", "revoked", "expired", "used"]

# How the shelf shows what officers have decided.
SHOWN: dict[State, Shown] = {"granted": "approved", "denied": "rejected", "revoked": "rejected"}
REFUSALS: dict[State, str] = {
    "pending": "refused.not_approved",
    "denied": "refused.denied",
    "revoked": "refused.revoked",
    "expired": "refused.expired",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands with this department.

    Attributes:
        statement: the last word of an officer on it, signed; "" before there is one, or if the rule is automatic.
        grants: the signed grants, one of each officer in `granted_by`.
        expires: when the first of them does.
        snapshot: digest of the numbers that they hold for; "" for those of the run.
        minimum_group: the largest that one of them asks for.
        spent: whether its one run has begun.
        files: what was laid on the shelf, as the shelf tells it; "" if nothing was.
        shown: how the shelf shows it, as the record says; "" if nothing was laid.
    """

    plan: str
    requester: str
    state: State = "pending"
    statement: str = ""
    grants: tuple[str, ...] = ()
    granted_by: tuple[str, ...] = ()
    expires: datetime | None = None
    snapshot: str = ""
    minimum_group: int = 0
    spent: bool = False
    files: str = ""
    shown: Shown | Literal[""] = ""

    def at(self, time: datetime) -> Standing:
        """As it stands at a time."""
        if self.state in ("pending", "granted") and self.expires is not None and self.expires <= time:
            return replace(self, state="expired")
        return replace(self, state="used") if self.state == "granted" and self.spent else self

    def unshown(self, time: datetime, *, over: bool) -> Shown | None:
        """What the shelf has to show that it does not show yet; None if there is nothing.

        Args:
            over: whether the job has ended.
        """
        state = self.at(time).state
        wanted = ("done" if over else None) if state == "used" else SHOWN.get(state)
        return wanted if self.shown in ("pending", "approved") and wanted != self.shown else None

    def after(self, said: Grant | Deny | Revoke, text: str, *, needed: int) -> Standing:
        """As it stands once an officer has said something that fits.

        Args:
            text: the statement as it was signed.
            needed: how many officers must grant.
        """
        if not isinstance(said, Grant):
            return replace(self, state="denied" if isinstance(said, Deny) else "revoked", statement=text)
        granted_by, expires = (*self.granted_by, said.officer), moment(said.expires)
        return replace(
            self,
            state="granted" if len(granted_by) >= needed else "pending",
            statement=text,
            grants=(*self.grants, text),
            granted_by=granted_by,
            expires=min(expires, self.expires or expires),
            snapshot=self.snapshot or said.snapshot,
            minimum_group=max(self.minimum_group, 0 if said.minimum_group is UNSET else said.minimum_group),
        )

    def check_fits(self, said: Grant | Deny | Revoke, *, time: datetime) -> None:
        """Check that an officer can say this of a request that stands like this.

        Raises:
            RefusedError: it was decided before, or the officer has granted it before.
        """
        state = self.at(time).state
        if isinstance(said, Revoke):
            fits = state in ("granted", "used") or (state == "pending" and bool(self.grants))
        else:
            fits = state == "pending"
        if not fits:
            raise RefusedError("refused.state", request=said.request, state=state)
        if isinstance(said, Grant):
            if said.officer in self.granted_by:
                raise RefusedError("refused.granted_before", request=said.request, officer=said.officer)
            if moment(said.expires) <= time:
                raise RefusedError("refused.expired", request=said.request)
