"""The table of accounts says what the rules that decide would say."""

from __future__ import annotations

import msgspec
import pytest

from crypto.signing import HybridKey
from federation.governance.accounts import Account, list_accounts
from federation.governance.roster import Officer, Party, Roster
from federation.settings import TierRules
from tests.support.memory import catalogue

NAMES = ("gaoping", "lingchuan", "zezhou")
replace = msgspec.structs.replace
OPEN = catalogue(NAMES).tables[0]
PUBLIC = replace(
    catalogue(NAMES, minimum_group=10),
    counties=("zezhou",),
    county=TierRules(requests=("sum",), minimum_group=20),
    tables=(
        OPEN,
        replace(OPEN, name="benefits", data_class="important"),
        replace(OPEN, name="keys", data_class="core"),
    ),
)


def officer(name: str, role: str) -> Officer:
    public = HybridKey.generate().public
    return Officer(name=name, role=role, person=f"of {name}", signing=public.ed25519, signing_mldsa=public.mldsa44)


OFFICERS = (
    officer("officer@zezhou", "officer"),
    officer("auditor@zezhou", "auditor"),
    officer("auditor@city", "auditor"),
)
ROSTER = Roster(
    origin="keyong.test/accounts",
    epoch=1,
    parties=(
        *(Party(name=name, role="department", signing=name.encode(), box=b"") for name in NAMES),
        *(Party(name=n, role="analyst", signing=n.encode(), box=b"") for n in ("analyst@city", "analyst@zezhou")),
    ),
    officers=OFFICERS,
    holders=NAMES,
    threshold=2,
    public_key=b"",
)
ACCOUNTS = {account.name: account for account in list_accounts(ROSTER, PUBLIC)}


def test_every_analyst_and_officer_is_an_account_and_nobody_else():
    assert list(ACCOUNTS) == ["analyst@city", "analyst@zezhou", *(one.name for one in OFFICERS)]


@pytest.mark.parametrize(
    ("name", "tier", "requests", "tables", "minimum_group"),
    [
        ("analyst@city", "city", ("sum", "train", "predict", "script"), ("insured", "benefits"), 10),
        ("analyst@zezhou", "county", ("sum",), ("insured",), 20),
    ],
)
def test_analyst_may_ask_what_its_tier_allows(name, tier, requests, tables, minimum_group):
    found = ACCOUNTS[name]
    assert (found.tier, found.requests, found.tables) == (tier, requests, tables)
    assert (found.minimum_group, found.signs) == (minimum_group, ())


@pytest.mark.parametrize(
    ("name", "signs"),
    [
        ("officer@zezhou", {"grant", "deny", "revoke", "sign-roster", "suspend", "resume", "change"}),
        ("auditor@zezhou", {"sign-roster"}),
        ("auditor@city", set()),  # there is no desk of the whole
    ],
)
def test_officer_signs_what_its_role_may(name, signs):
    found: Account = ACCOUNTS[name]
    assert (set(found.signs), found.requests, found.tables) == (signs, (), ())
    assert found.person == f"of {name}"


def test_fingerprints_tell_accounts_apart():
    assert len({account.fingerprint for account in ACCOUNTS.values()}) == len(ACCOUNTS)
    assert ACCOUNTS["officer@zezhou"].fingerprint == OFFICERS[0].public.fingerprint
