"""Six departments; one leaves and one takes new keys; then one joins: with real processes, and small keys."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from crypto.keyfile import MIN_COST
from federation import operate, succession
from federation.audit.events import Event, read_event
from federation.audit.links import verify_links
from federation.audit.record import RecordReader
from federation.audit.verify import verify_record
from federation.cli import options
from federation.commands import epochs as commands
from federation.demo import verify_settled
from federation.errors import KeyongError, RecordError, RefusedError, SettingsError
from federation.governance.epochs import Succession
from federation.governance.officers import create_officer
from federation.governance.roster import Roster
from federation.officer import OfficerDesk
from federation.runtime.epochs import ended_by, old_epochs, unfinished
from federation.runtime.home import Home
from federation.settings import Settings, read_settings
from tests.support.city import federation_toml
from tests.support.killing import reports_of_killed
from tests.support.people import COLUMNS, ROWS, SQL, write_people

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("epochs")]

SIX = ("east", "hills", "north", "south", "up", "west")
FIVE = ("east", "hills", "north", "up", "west")  # south has left
REJOINED = ("alps", "east", "hills", "north", "south", "up", "west")
PASSPHRASE = "correct horse battery"


def answer(departments: int) -> tuple[tuple[object, ...], ...]:
    by_sex = {sex: [age for found, age in ROWS if found == sex] for sex in ("f", "m")}
    return tuple((sex, departments * len(ages), departments * sum(ages)) for sex, ages in by_sex.items())


class Town:
    """A federation whose settings can change."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, Home(folder / "home")
        write_people(folder)
        self.settings = self.running = self.write(SIX)

    def write(self, departments: tuple[str, ...]) -> Settings:
        """Edit federation.toml; officers of departments that are new make their keys."""
        toml = federation_toml(
            departments={name: {"people": {"adapter": "csv", "path": "people.csv"}} for name in departments},
            tables={"people": COLUMNS},
            rules={"name": "people", "key_bits": 512, "approvals": "automatic"},
        )
        for name in departments:
            toml += f'[[officer]]\nname = "officer@{name}"\nrole = "officer"\nperson = "of {name}"\n'
        file = self.folder / "federation.toml"
        file.write_text(toml, "utf-8")
        self.settings = read_settings(file, minimum_key_bits=512)
        self.home.prepare()
        for one in self.settings.officers:
            if not self.home.officer(one.name).exists():
                create_officer(
                    self.home.officer(one.name),
                    name=one.name,
                    role=one.role,
                    person=one.person,
                    passphrase=PASSPHRASE,
                    cost=MIN_COST,
                )
        return self.settings

    def up(self) -> None:
        operate.up(self.settings, self.home, minimum_key_bits=512)
        self.running = self.settings

    def begin(self) -> None:
        succession.begin(self.settings, self.home, minimum_key_bits=512)
        self.running = self.settings

    def sign(self, *departments: str, reason: str = "") -> None:
        change, _ = succession.proposed(self.home)
        for name in departments:
            desk = operate.open_desk(self.home, f"officer@{name}")
            desk.unlock(PASSPHRASE)
            desk.sign_change(change, reason)

    def ask(self) -> object:
        analyst = operate.open_analyst(self.running, self.home, minimum_key_bits=512)
        return analyst.ask(analyst.plan(SQL, "test")).answer.rows

    @property
    def roster(self) -> Roster:
        return Roster.from_bytes(self.home.roster.read_bytes())

    def enrolments(self) -> dict[str, Event]:
        operate.seal(self.home)  # brings in what departments have written and the log has not
        signers = self.roster.signers
        events = [read_event(entry, signers) for entry in RecordReader(self.home.path).entries()]
        return {event.node: event for event in events if event.type == "enrol"}

    def links(self, home: Path | None = None):
        path = home or self.home.path
        ended = [(RecordReader(folder), ended_by(folder)) for folder in old_epochs(path)]
        return verify_links(ended, RecordReader(path))

    def killed_in_begin(self, moment: int) -> None:
        """Begin in a process that is killed at its n-th renaming after the end has been written down."""

        def work(report) -> None:
            left = moment

            def watch(event: str, _: object) -> None:
                nonlocal left
                if event == "os.rename" and (self.home.path / "launcher" / "ending.json").exists():
                    left -= 1
                    if not left:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(watch)
            self.begin()

        reports_of_killed(work)


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    made.up()
    try:
        yield made
    finally:
        operate.down(made.home)


@pytest.fixture(scope="module")
def story(town) -> dict[str, object]:
    """From the first epoch to the second: what was seen on the way, for the tests to judge."""
    seen: dict[str, object] = {"answer of six": town.ask(), "first roster": town.roster}

    def code(act) -> str:
        with pytest.raises(KeyongError) as caught:
            act()
        return caught.value.code

    seen["begin before anything"] = code(town.begin)
    town.write(FIVE)
    seen["up with other settings"] = code(town.up)
    seen["change"] = succession.propose(town.settings, town.home, rotate=["west"], reason="moves to the province")
    town.sign("east", "hills", "south")
    seen["begin with three of six"] = code(town.begin)
    seen["runs after a refusal"] = town.ask() == answer(6)
    town.sign("up", reason="confidential words")
    seen["runs with a majority"] = town.ask() == answer(6)
    town.write(SIX)
    seen["begin with other settings"] = code(town.begin)
    town.write(FIVE)
    town.killed_in_begin(20)
    seen["killed half-way"] = unfinished(town.home.path) is not None
    seen["up half-way"] = code(town.up)
    seen["propose half-way"] = code(lambda: succession.propose(town.settings, town.home))
    town.begin()
    seen["answer of five"] = town.ask()
    return seen


@pytest.fixture(scope="module")
def second(town, story) -> Town:
    return town


def test_query_is_answered_by_six_and_in_the_next_epoch_by_five(story):
    assert story["answer of six"] == answer(6)
    assert story["answer of five"] == answer(5)


def test_epoch_does_not_begin_without_a_majority_and_the_old_one_goes_on(story):
    assert story["begin before anything"] == "home.nothing_proposed"
    assert story["begin with three of six"] == "refused.mandate"
    assert story["runs after a refusal"] and story["runs with a majority"]


def test_other_settings_than_the_signed_ones_begin_nothing(story):
    assert story["up with other settings"] == "home.roster_parties"
    assert story["begin with other settings"] == "settings.change_outdated"


def test_killed_half_way_nothing_starts_until_it_is_gone_through_with(story):
    assert story["killed half-way"]
    assert (story["up half-way"], story["propose half-way"]) == ("home.epoch_unfinished", "home.epoch_unfinished")


def test_new_roster_names_the_old_one_and_has_new_keys_where_they_were_agreed_to(second, story):
    old, new, change = story["first roster"], second.roster, story["change"]
    assert (new.previous, new.epoch, new.origin) == (old.hash, 2, f"{old.origin}/2")
    assert new.names("department") == FIVE
    assert [one.name for one in new.officers] == [f"officer@{name}" for name in FIVE]
    assert new.party("west").signing == change.rotated[0].signing != old.party("west").signing
    assert new.party("east").signing == old.party("east").signing
    assert all(new.party(name).witness != old.party(name).witness for name in FIVE)
    assert new.public_key != old.public_key


def test_everybody_states_in_the_new_log_where_the_old_one_ended(second, story):
    (link,) = second.links()
    assert (link.epoch, link.log, link.change) == (1, story["first roster"].origin, story["change"].hash)
    assert link.parties == 6  # five departments and the coordinator
    for event in second.enrolments().values():
        assert event.data["previous_log"] == story["first roster"].origin
        assert (event.data["previous_size"], event.data["previous_root"]) == (link.size, link.root)


def test_records_of_both_epochs_verify(second):
    verify_settled(second.home)
    (ended,) = old_epochs(second.home.path)
    verdict = verify_record(RecordReader(ended))
    assert verdict.departments == 6
    assert RecordReader(ended).public().departments == SIX


def test_reasons_stay_out_of_every_log(second):
    for home in (second.home.path, *old_epochs(second.home.path)):
        log = b"".join(RecordReader(home).entries())
        assert b"confidential" not in log and b"province" not in log
    notes = second.home.party("up") / "epochs" / "1" / "desk"
    assert any(b"confidential words" in file.read_bytes() for file in notes.glob("*.notes"))


def test_one_that_left_keeps_its_record_and_nothing_else_runs_for_it(second):
    folder = second.home.party("south")
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith("log.txt")) == ["epochs"]
    assert len(RecordReader(old_epochs(second.home.path)[0]).journal("south")) > 0
    assert "south" not in {party["name"] for party in operate.status(second.home)["parties"]}


def test_old_request_is_refused_in_the_new_epoch(second):
    requests = second.home.analyst("analyst@city") / "epochs" / "1" / "requests"
    old = next(iter(requests.iterdir()))
    analyst = operate.open_analyst(second.settings, second.home, minimum_key_bits=512)
    place = second.home.analyst("analyst@city") / "requests" / old.name
    shutil.copy(old, place)
    try:
        with pytest.raises(KeyongError) as caught:
            analyst.resume(old.name)
    finally:
        place.unlink()
    assert caught.value.code == "node.other_roster"


def test_officers_cannot_sign_a_change_of_another_roster(second, story):
    desk = operate.open_desk(second.home, "officer@east")
    desk.unlock(PASSPHRASE)
    with pytest.raises(RefusedError) as caught:
        desk.sign_change(story["change"], "")
    assert caught.value.code == "refused.change"


def test_commands_show_and_propose_a_change(second, monkeypatch):
    app = typer.Typer()
    app.callback()(options)
    commands.register(app)
    config, home = str(second.folder / "federation.toml"), str(second.home.path)
    monkeypatch.setattr(
        "federation.commands.frame.read_settings", lambda path: read_settings(path, minimum_key_bits=512)
    )
    said = CliRunner().invoke(
        app, ["--config", config, "--home", home, "--json", "epoch", "propose", "--rotate", "up", "--reason", "lost"]
    )
    shown = json.loads(said.stdout)
    assert (shown["rotated"], shown["joined"], shown["left"], shown["needed"]) == (["up"], [], [], 3)
    assert (shown["epoch"], shown["signed"], shown["reason"]) == (3, [], "lost")
    plain = CliRunner().invoke(app, ["--config", config, "--home", home, "--lang", "en", "epoch", "show"])
    assert shown["change"] in plain.stdout and "take new keys" in plain.stdout
    wrong = CliRunner().invoke(app, ["--config", config, "--home", home, "epoch", "propose"])
    assert isinstance(wrong.exception, SettingsError) and wrong.exception.code == "settings.nothing_changes"


# --- links that do not hold ---


@pytest.fixture
def copy(second, tmp_path) -> Path:
    return shutil.copytree(second.home.path, tmp_path / "copy", symlinks=True)


def test_link_to_an_older_checkpoint_is_found(second, copy):
    """Everybody together says the old log ended earlier than it was sealed."""
    (ended,) = old_epochs(copy)
    ending, record = ended_by(ended), RecordReader(ended)
    roster = Roster.from_bytes(record.rosters()["east"])
    earlier = [note for size, note in record.cosigned() if _is_sealed(note, roster)][-2]
    forged = Succession(change=ending.change, statements=ending.statements, checkpoint=earlier)
    (ended / "launcher" / "succession.json").write_bytes(forged.to_bytes())
    with pytest.raises(RecordError, match="sealed once more"):
        second.links(copy)


def test_link_without_a_majoritys_statements_is_found(second, copy):
    (ended,) = old_epochs(copy)
    ending = ended_by(ended)
    few = dict(list(ending.statements.items())[:3])
    forged = Succession(change=ending.change, statements=few, checkpoint=ending.checkpoint)
    (ended / "launcher" / "succession.json").write_bytes(forged.to_bytes())
    with pytest.raises(RecordError, match="does not follow"):
        second.links(copy)


def test_word_that_is_not_in_the_log_is_found(second, copy):
    """An officer signs once more, after the log was closed."""
    (ended,) = old_epochs(copy)
    ending, old = ended_by(ended), Roster.from_bytes(RecordReader(ended).rosters()["east"])
    said: list[str] = []

    class Listener:
        def hear(self, statement: str, notes: dict[str, str]) -> None:
            said.append(statement)

    folder, control = second.home.officer("officer@east"), second.folder / "no.sock"
    desk = OfficerDesk(
        home=folder, name="officer@east", roster=old, desk=Listener(), control=control, clock=operate.now
    )
    desk.unlock(PASSPHRASE)
    desk.sign_change(ending.change, "")
    words = {**ending.statements, "east": said[0]}
    forged = Succession(change=ending.change, statements=words, checkpoint=ending.checkpoint)
    (ended / "launcher" / "succession.json").write_bytes(forged.to_bytes())
    with pytest.raises(RecordError, match="statement of east is not in the log"):
        second.links(copy)


def test_enrolment_that_states_another_end_is_found(second, copy):
    """The operator has cut off the old log's tail since: those that enrolled have stated where it ended."""
    (ended,) = old_epochs(copy)
    ending, record = ended_by(ended), RecordReader(ended)
    roster = Roster.from_bytes(record.rosters()["east"])
    said = [i for i, e in enumerate(record.entries()) if read_event(e, roster.signers).type == "member.change"]
    seals = {size: note for size, note in record.cosigned() if size > said[-1] and _is_sealed(note, roster)}
    assert len(seals) > 1
    with sqlite3.connect(ended / "parties" / "coordinator" / "log.db") as db:
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {trigger}")
        for table, column in (("cosignature", "size"), ("checkpoint", "size"), ("leaf", "idx + 1")):
            db.execute(f"DELETE FROM {table} WHERE {column} > ?", (min(seals),))
    forged = Succession(change=ending.change, statements=ending.statements, checkpoint=seals[min(seals)])
    (ended / "launcher" / "succession.json").write_bytes(forged.to_bytes())
    with pytest.raises(RecordError, match="is not how that ended"):
        second.links(copy)


def test_missing_epoch_is_found(second, copy):
    (copy / "epochs" / "1" / "launcher" / "succession.json").unlink()
    with pytest.raises(RecordError, match="not the first"):
        second.links(copy)


def _is_sealed(note: str, roster: Roster) -> bool:
    from federation.audit.seal import check_sealed

    try:
        check_sealed(note, roster, members=())
    except RefusedError:
        return False
    return True


# --- the old share ---


def test_old_share_put_back_opens_nothing(second):
    """A share restored from a copy of the epoch before: its holder does not even start with it."""
    operate.down(second.home)
    folder = second.home.party("east")
    now = (folder / "share.key").read_bytes()
    shutil.copy(folder / "epochs" / "1" / "share.key", folder / "share.key")
    try:
        with pytest.raises(KeyongError):
            second.up()
        assert "home.share_lost" in (folder / "log.txt").read_text("utf-8")
    finally:
        (folder / "share.key").write_bytes(now)
    second.up()
    assert second.ask() == answer(5)


def test_start_that_failed_after_some_had_pinned_is_gone_on_with(tmp_path):
    """East cannot keep its share while the others have pinned the roster: the next start deals the same again."""
    town = Town(tmp_path)
    stone = town.home.party("east") / "share.key.new"
    stone.mkdir(parents=True)
    with pytest.raises(KeyongError) as caught:
        town.up()
    assert caught.value.code == "node.storage"
    assert list(town.home.path.glob("parties/*/roster.json")) and not town.home.roster.exists()
    stone.rmdir()
    town.up()
    try:
        assert town.ask() == answer(6)
        assert not (town.home.path / "launcher" / "dealt").exists()
    finally:
        operate.down(town.home)


# --- somebody joins, and one that left comes back ---


@pytest.fixture(scope="module")
def third(second) -> Town:
    second.write(REJOINED)
    succession.propose(second.settings, second.home)
    second.sign("east", "north", "west")
    second.begin()
    return second


def test_departments_that_join_take_part(third):
    assert third.roster.names("department") == REJOINED
    assert (third.roster.epoch, third.home.epoch) == (3, 3)
    assert third.ask() == answer(7)


def test_departments_that_join_state_nothing_of_logs_they_have_not_seen(third):
    enrolments = third.enrolments()
    assert set(enrolments) == {"coordinator", *REJOINED}
    for name in ("alps", "south"):
        assert "previous_log" not in enrolments[name].data
    assert enrolments["east"].data["previous_log"].endswith("/2")


def test_three_logs_are_chained_and_verify(third):
    assert [link.epoch for link in third.links()] == [1, 2]
    verify_settled(third.home)
    for folder in old_epochs(third.home.path):
        verify_record(RecordReader(folder))


def test_home_restored_to_the_old_roster_is_refused_by_those_that_went_on(third, tmp_path):
    """An operator who puts the first roster back starts nothing: the parties have pinned what followed."""
    operate.down(third.home)
    now = third.home.roster.read_bytes()
    shutil.copy(old_epochs(third.home.path)[1] / "launcher" / "roster.json", third.home.roster)
    third.write(FIVE)
    try:
        with pytest.raises(KeyongError) as caught:
            third.up()
        # By the launcher, which knows east's new key as a witness, or by whoever says so first.
        assert caught.value.code in ("home.roster_differs", "refused.change")
    finally:
        third.home.roster.write_bytes(now)
    third.write(REJOINED)
    third.up()
    assert third.ask() == answer(7)
