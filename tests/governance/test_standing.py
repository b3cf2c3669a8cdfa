"""What a request's standing makes of its officers' words: rules without files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from federation.errors import RefusedError
from federation.governance.standing import Standing
from federation.governance.statements import Deny, Grant, Revoke, moment

NOON, EVENING = "2026-03-01T12:00:00Z", "2026-03-01T18:00:00Z"
COMMON = {"log": "log", "roster": "r", "department": "tax", "nonce": "0", "time": NOON, "request": "q-1", "plan": "p"}
FRESH = Standing("p", "analyst@city")


def grant(officer: str = "officer@tax", **fields: object) -> Grant:
    asked = {"officer": officer, "requester": "analyst@city", "purpose": "", "expires": EVENING}
    return Grant(**{**COMMON, **asked, **fields})


def no(kind: type[Deny | Revoke], officer: str = "officer@tax") -> Deny | Revoke:
    return kind(**COMMON, officer=officer)


def after(*words: Grant | Deny | Revoke, needed: int = 1) -> Standing:
    standing = FRESH
    for number, word in enumerate(words):
        standing = standing.after(word, f"word {number}", needed=needed)
    return standing


def test_one_grant_is_enough_where_one_is_needed():
    assert after(grant()).state == "granted"
    assert after(grant(), needed=2).state == "pending"


def test_two_grants_are_kept_in_their_order():
    standing = after(grant(), grant("second@tax"), needed=2)
    assert (standing.state, standing.grants) == ("granted", ("word 0", "word 1"))
    assert standing.granted_by == ("officer@tax", "second@tax")


def test_the_stricter_of_two_grants_counts():
    strict = grant("second@tax", expires=NOON, snapshot="s", minimum_group=30)
    for words in ((grant(minimum_group=20), strict), (strict, grant("officer@tax", minimum_group=20))):
        standing = after(*words, needed=2)
        assert (standing.expires, standing.snapshot, standing.minimum_group) == (moment(NOON), "s", 30)


def test_no_of_either_ends_it():
    assert after(grant(), no(Deny, "second@tax"), needed=2).state == "denied"
    assert after(grant(), grant("second@tax"), no(Revoke), needed=2).state == "revoked"


@pytest.mark.parametrize("needed", [1, 2])
def test_first_expiry_ends_it_whether_or_not_another_is_awaited(needed):
    standing = after(grant(), needed=needed)
    assert standing.at(moment(NOON)).state == ("granted" if needed == 1 else "pending")
    assert standing.at(moment(EVENING)).state == "expired"


def test_run_that_began_is_used_until_it_is_revoked():
    begun = replace(after(grant()), spent=True)
    assert begun.at(moment(NOON)).state == "used"
    assert begun.after(no(Revoke), "", needed=1).at(moment(NOON)).state == "revoked"


FITS = {
    "grant of a pending one": (FRESH, grant(), ""),
    "grant by the other": (after(grant(), needed=2), grant("second@tax"), ""),
    "grant by the same": (after(grant(), needed=2), grant(), "refused.granted_before"),
    "grant of a granted one": (after(grant()), grant("second@tax"), "refused.state"),
    "grant of a denied one": (after(no(Deny)), grant(), "refused.state"),
    "grant that has expired": (FRESH, grant(expires=NOON), "refused.expired"),
    "denial of a pending one": (FRESH, no(Deny), ""),
    "denial of one half granted": (after(grant(), needed=2), no(Deny), ""),
    "denial of a granted one": (after(grant()), no(Deny), "refused.state"),
    "revocation of a pending one": (FRESH, no(Revoke), "refused.state"),
    "revocation of one half granted": (after(grant(), needed=2), no(Revoke), ""),
    "revocation of a granted one": (after(grant()), no(Revoke), ""),
    "revocation of one that runs": (replace(after(grant()), spent=True), no(Revoke), ""),
    "revocation of a revoked one": (after(grant(), no(Revoke)), no(Revoke), "refused.state"),
}


@pytest.mark.parametrize("case", FITS)
def test_word_fits_or_is_refused(case):
    standing, word, code = FITS[case]
    if not code:
        standing.check_fits(word, time=moment(NOON))
        return
    with pytest.raises(RefusedError) as caught:
        standing.check_fits(word, time=moment(NOON))
    assert caught.value.code == code
