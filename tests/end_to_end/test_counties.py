"""A county joins a city's federation with its accounts, asks what its tier allows, and leaves: with real processes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from crypto.keyfile import MIN_COST
from federation import operate, succession
from federation.analyst import Analyst, job_name
from federation.cli import options
from federation.commands import accounts, review
from federation.coordinator.control import ControlClient
from federation.demo import verify_settled
from federation.errors import KeyongError
from federation.governance.epochs import Change
from federation.governance.officers import create_officer
from federation.governance.roster import Roster
from federation.governance.shelves import verify_shelves
from federation.officer import OfficerDesk
from federation.runtime.epochs import old_epochs
from federation.runtime.home import Home
from federation.settings import Settings, read_settings
from tests.support.city import federation_toml
from tests.support.people import COLUMNS, write_people

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("counties")]

CITY, COUNTY = ("east", "north", "west"), "zezhou"
ALL = (*CITY, COUNTY)
CITYS, COUNTYS = "analyst@city", "analyst@zezhou"
PASSPHRASE = "correct horse battery"
# Four departments of 40 people each.
SQL, ANSWER = "SELECT COUNT(*) FROM people", ((160,),)
CARD = {"adapter": "csv", "path": "people.csv", "scripts": True}
SCRIPT = """\
import pandas as pd
people = pd.read_parquet("data/people.parquet")
people.groupby("sex", observed=True).age.agg(["count", "mean"]).to_csv("out/result.csv")
"""


WAITING = "wait "  # how a step begins that names the departments whose officers are awaited


class LeftError(Exception):
    """An analyst goes away and leaves the request on the desks."""


def leave(said: str) -> None:
    """Go away as soon as the request lies on a desk."""
    if said.startswith(WAITING):
        raise LeftError


class Town:
    """A city's federation, which a county may join: then two officers of every department must grant."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, Home(folder / "home")
        write_people(folder)
        self.settings = self.write(CITY, [CITYS], needed=1)

    def write(self, departments: tuple[str, ...], analysts: list[str], *, needed: int = 2) -> Settings:
        """Edit federation.toml; officers who are new make their keys."""
        rules = {"name": "people", "key_bits": 512, "approvals": "officers"}
        stores = {"people": CARD, "benefits": {**CARD, "data_class": "important"}}
        toml = federation_toml(
            departments=dict.fromkeys(departments, stores),
            tables={"people": COLUMNS, "benefits": COLUMNS},
            rules={**rules, "officers_needed": needed, "analysts": analysts},
            further={COUNTY: {"tier": "county"}},
        )
        toml += '[county]\nrequests = ["sum"]\nmin_group_size = 100\n'
        for name in departments:
            for account in ("officer", "second"):
                toml += f'[[officer]]\nname = "{account}@{name}"\nrole = "officer"\nperson = "{account} of {name}"\n'
        (self.folder / "federation.toml").write_text(toml, "utf-8")
        self.settings = read_settings(self.folder / "federation.toml", minimum_key_bits=512)
        self.home.prepare()
        for one in self.settings.officers:
            folder = self.home.officer(one.name)
            if not folder.exists():
                person = {"name": one.name, "role": one.role, "person": one.person}
                create_officer(folder, **person, passphrase=PASSPHRASE, cost=MIN_COST)
        return self.settings

    def next_epoch(self) -> Change:
        """Propose what federation.toml changes, have all the city's officers sign it, and begin."""
        change = succession.propose(self.settings, self.home)
        for name in CITY:
            self.desk(f"officer@{name}").sign_change(change, "")
        succession.begin(self.settings, self.home, minimum_key_bits=512)
        return change

    def desk(self, officer: str) -> OfficerDesk:
        desk = operate.open_desk(self.home, officer)
        desk.unlock(PASSPHRASE)
        return desk

    def analyst(self, name: str) -> Analyst:
        return operate.open_analyst(self.settings, self.home, name, minimum_key_bits=512)

    def ask(self, name: str, *, until: int = 2) -> tuple[str, object]:
        """Ask, and let officers grant one after the other; returns the job and the rows.

        Args:
            until: with so many grants at every department the analyst goes away.
        """
        analyst = self.analyst(name)
        plan = analyst.plan(SQL, "how many there are")
        job = job_name(plan)

        def step(said: str) -> None:
            if not said.startswith(WAITING):
                return
            for account in ("officer", "second")[:until]:
                for department in plan.participants:
                    desk = self.desk(f"{account}@{department}")
                    if desk.has_pending(job):
                        desk.approve(job)
            if until < 2:
                raise LeftError

        try:
            return job, analyst.ask(plan, step).answer.rows
        except LeftError:
            return job, None

    @property
    def roster(self) -> Roster:
        return Roster.from_bytes(self.home.roster.read_bytes())

    def keyong(self, *arguments: str) -> object:
        """What a command says in JSON."""
        app = typer.Typer()
        app.callback()(options)
        for group in (accounts, review):
            group.register(app)
        front = ["--config", str(self.folder / "federation.toml"), "--home", str(self.home.path)]
        said = CliRunner().invoke(app, [*front, "--json", *arguments], catch_exceptions=False)
        return json.loads(said.stdout)


def code(act) -> str:
    with pytest.raises(KeyongError) as caught:
        act()
    return caught.value.code


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("counties"))
    operate.up(made.settings, made.home, minimum_key_bits=512)
    try:
        yield made
    finally:
        operate.down(made.home)


@pytest.fixture(scope="module")
def joined(town) -> Town:
    """The county has joined, with its officers and its analyst."""
    town.write(ALL, [CITYS, COUNTYS])
    assert code(lambda: operate.up(town.settings, town.home, minimum_key_bits=512)) == "home.roster_parties"
    change = town.next_epoch()
    assert [party.name for party in change.joined] == [COUNTYS, COUNTY]
    return town


@pytest.fixture
def commands(joined, monkeypatch) -> Town:
    monkeypatch.setattr(
        "federation.commands.frame.read_settings", lambda path: read_settings(path, minimum_key_bits=512)
    )
    return joined


def test_countys_accounts_count_from_the_epoch_that_they_were_signed_into(joined):
    roster = joined.roster
    assert (roster.epoch, roster.grants) == (2, 2)
    assert set(roster.names("analyst")) == {CITYS, COUNTYS}
    assert {officer.name for officer in roster.officers} >= {"officer@zezhou", "second@zezhou"}


def test_fewer_officers_than_the_roster_asks_for_are_no_matter_of_a_file(joined):
    joined.write(ALL, [CITYS, COUNTYS], needed=1)
    try:
        assert code(lambda: operate.up(joined.settings, joined.home, minimum_key_bits=512)) == "home.roster_grants"
    finally:
        joined.write(ALL, [CITYS, COUNTYS])


def test_county_is_answered_when_two_officers_of_every_department_have_granted(joined):
    _, rows = joined.ask(COUNTYS)
    assert rows == ANSWER


def test_one_officers_grant_is_not_enough_and_review_shows_who_is_awaited(commands):
    job, rows = commands.ask(COUNTYS, until=1)
    assert rows is None
    shown = commands.keyong("review", job, "--as", "second@zezhou")
    assert (shown["state"], shown["granted_by"], shown["officers_needed"]) == ("pending", ["officer@zezhou"], 2)
    assert (shown["requester"], shown["tier"], shown["purpose"]) == (COUNTYS, "county", "how many there are")
    assert (shown["kind"], shown["data_class"], shown["minimum_group"]) == ("sum", "general", 100)
    assert {sight["party"] for sight in shown["sees"]} >= {"coordinator", COUNTYS, *ALL}
    assert (shown["files"], shown["trial"]) == ([], None)
    assert shown["shelf"]["software"].startswith("syft-job ") and shown["shelf"]["state"] == "pending"
    assert "run.sh" in {file["name"] for file in shown["shelf"]["run"]}


def test_what_its_tier_does_not_allow_is_refused_with_the_nearest_thing_before_anybody_is_asked(joined):
    sql = "SELECT COUNT(*) FROM benefits"
    assert code(lambda: joined.analyst(COUNTYS).plan(sql, "x")) == "request.important"
    joined.analyst(CITYS).plan(sql, "x")


def test_review_shows_a_script_in_full_and_tries_it_on_mock_rows(commands, bubblewrap):
    city = commands.analyst(CITYS)
    plan = city.plan_script({"ages.py": SCRIPT}, "east.people", purpose="ages", basis="a rule of the city")
    with pytest.raises(LeftError):
        city.run_script(plan, leave)
    shown = commands.keyong("review", job_name(plan), "--as", "officer@east", "--try")
    assert (shown["kind"], shown["code"], shown["basis"]) == ("script", plan.code, "a rule of the city")
    assert shown["files"] == [{"name": "ages.py", "sha256": sha256(SCRIPT.encode()).hexdigest(), "text": SCRIPT}]
    assert (shown["trial"]["status"], shown["trial"]["as_planned"]) == ("done", True)
    assert shown["trial"]["output"].startswith("sex,count,mean\n")


def test_county_may_not_send_a_script(joined, bubblewrap):
    county = joined.analyst(COUNTYS)
    assert code(lambda: county.plan_script({"ages.py": SCRIPT}, "east.people", purpose="ages")) == "request.tier"


def test_sum_is_not_granted_for_groups_that_one_department_cannot_hold_it_to(joined):
    job, _ = joined.ask(COUNTYS, until=1)
    assert code(lambda: joined.desk("second@east").approve(job, minimum_group=200)) == "refused.condition"


def test_departments_refuse_it_too_if_the_countys_own_program_does_not(joined):
    """A county that rewrites its program gets no further: every department holds the plan against the tier."""
    county = joined.analyst(COUNTYS)
    plan = county.plan(SQL, "smaller groups")
    assert plan.minimum_group == 100
    assert code(lambda: county.ask(msgspec.structs.replace(plan, minimum_group=10))) == "request.tier_group"


def test_accounts_are_listed_with_what_each_may_do(commands):
    said = commands.keyong("accounts")
    listed = {account["name"]: account for account in said["accounts"]}
    assert (said["epoch"], said["officers_needed"]) == (2, 2)
    assert listed[COUNTYS]["requests"] == ["sum"] and listed[COUNTYS]["tables"] == ["people"]
    assert (listed[COUNTYS]["tier"], listed[COUNTYS]["place"], listed[COUNTYS]["minimum_group"]) == (
        "county",
        COUNTY,
        100,
    )
    assert listed[CITYS]["tables"] == ["benefits", "people"] and len(listed[CITYS]["requests"]) == 4
    assert "grant" in listed["second@zezhou"]["signs"] and listed["second@zezhou"]["requests"] == []


# --- and leaves ---


@pytest.fixture(scope="module")
def left(joined) -> tuple[Town, str, str]:
    """The county has left; with the request it left behind, and an old grant of that."""
    job, _ = joined.ask(COUNTYS, until=1)
    (item,) = (item for item in operate.desk_client(joined.home, "east").items() if item.job == job)
    joined.write(CITY, [CITYS])
    change = joined.next_epoch()
    assert change.left == (COUNTYS, COUNTY)
    return joined, job, item.statement


def test_citys_federation_goes_on(left):
    town, _, _ = left
    assert (town.roster.epoch, town.roster.names("department"), town.roster.names("analyst")) == (3, CITY, (CITYS,))
    _, rows = town.ask(CITYS)
    assert rows == ((120,),)


def test_account_of_a_county_that_left_no_longer_counts_with_its_old_key_either(left):
    town, _, _ = left
    folder = town.home.analyst(COUNTYS)
    assert not (folder / "identity.key").exists()
    assert code(lambda: town.analyst(COUNTYS)) == "home.roster_differs"
    shutil.copy(folder / "epochs" / "2" / "identity.key", folder / "identity.key")
    assert code(lambda: town.analyst(COUNTYS)) == "home.roster_differs"


def test_request_that_it_left_behind_is_refused(left):
    town, job, _ = left
    request = (town.home.analyst(COUNTYS) / "epochs" / "2" / "requests" / job).read_bytes()
    control = ControlClient(town.home.control_socket, COUNTYS)
    assert code(lambda: control.submit(request, lambda *_: None)) in ("node.foreign", "refused.requester")


def test_its_officers_have_no_desk_any_more(left):
    town, _, _ = left
    assert code(lambda: town.desk("officer@zezhou")) == "home.officer_unknown"


def test_grant_of_the_epoch_before_is_heard_at_no_desk(left):
    town, _, statement = left
    assert code(lambda: operate.desk_client(town.home, "east").hear(statement, {})) == "refused.statement"


def test_records_of_all_three_epochs_verify(left):
    town, _, _ = left
    verify_settled(town.home)
    for home in (town.home.path, *old_epochs(town.home.path)):
        verify_shelves(home)
