"""An ended epoch is set aside whole, wherever the power fails; and each party sees for itself that the next follows."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
from contextlib import closing
from functools import cache
from pathlib import Path

import msgspec
import pytest

from crypto.merkle import root_hash
from federation.audit.events import FIRST_PREV, Actor, Event, Seen, sign_event
from federation.audit.mirror import Head, Mirror
from federation.errors import HomeError, RefusedError
from federation.governance.epochs import Succession, work_out
from federation.governance.roster import Roster
from federation.runtime.epochs import begin_ending, check_past, ended_by, old_epochs, set_aside, unfinished
from federation.runtime.home import Home
from tests.support.killing import reports_of_killed
from tests.support.rosters import IDENTITIES, NEXT, OLD, change_to, checkpoint, mandate, next_roster, party, succession

CHANGE = change_to()
NEW = next_roster(CHANGE)
ENDING = succession(CHANGE)


def write_home(path: Path) -> Path:
    """A home at the end of its first epoch: what is in the files is told by the files' own names."""
    home = Home(path)
    home.prepare()
    for one in OLD.parties:
        folder = home.analyst(one.name) if one.role == "analyst" else home.party(one.name)
        (folder / "desk").mkdir(parents=True)
        for name in ("datasite", "results", "scripts"):
            (folder / name).mkdir()
        files = ("desk/q-1.slip", "datasite/q-1", "scripts/s-1", "results/q-1.json")
        for name in ("journal.db", "journal.db-wal", "witness.db", "share.key", *files):
            (folder / name).write_text(f"{one.name} {name}")
        (folder / "identity.key").write_text(f"{one.name} old identity")
        (folder / "log.txt").write_text("running")
        (folder / "people.csv").write_text(f"{one.name} data")
        (folder / "roster.json").write_bytes(OLD.to_bytes())
    for name, folder in (("north", home.party("north") / "next"), ("hills", home.party("hills"))):
        folder.mkdir(parents=True)
        (folder / "identity.key").write_text(f"{name} new identity")
    home.roster.write_bytes(OLD.to_bytes())
    for name in ("wire.json", "public.json", "change.json", "log.txt"):
        (home.path / "launcher" / name).write_text(name)
    begin_ending(home.path, ENDING)
    return home.path


def tree(home: Path) -> dict[str, bytes | str]:
    """Every file and link, by its path."""
    found: dict[str, bytes | str] = {}
    for path in sorted(home.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(home))] = f"-> {os.readlink(path)}"
        elif path.is_file() and path.name != "origin":
            found[str(path.relative_to(home))] = path.read_bytes()
    return found


def set_aside_until(home: Path, moment: int) -> int:
    """Set aside in a process that is killed at its n-th change of a folder; returns how many it made."""

    def work(report) -> None:
        def watch(event: str, _: object) -> None:
            if event in ("os.rename", "os.symlink", "os.mkdir"):
                report(event)
                nonlocal moment
                moment -= 1
                if not moment:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        set_aside(home, ENDING)
        os.kill(os.getpid(), signal.SIGKILL)

    return len(reports_of_killed(work))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    home = write_home(tmp_path_factory.mktemp("whole") / "home")
    set_aside(home, ENDING)
    return home


def test_ended_epoch_lies_in_each_partys_own_folder(whole):
    for name in ("coordinator", "east", "west"):
        aside = whole / "parties" / name / "epochs" / "1"
        assert (aside / "journal.db").read_text() == f"{name} journal.db"
        assert (aside / "desk" / "q-1.slip").read_text() == f"{name} desk/q-1.slip"
        assert Roster.from_bytes((aside / "roster.json").read_bytes()) == OLD
        assert Succession.from_bytes((aside / "succession.json").read_bytes()) == ENDING
        assert (aside / "datasite" / "q-1").exists() and (aside / "scripts" / "s-1").exists()
        assert not {"journal.db", "roster.json", "share.key", "witness.db", "desk", "datasite", "scripts"} & {
            file.name for file in (whole / "parties" / name).iterdir()
        }
        # A department's data is of no epoch: what federation.toml names is still there.
        assert (whole / "parties" / name / "people.csv").read_text() == f"{name} data"
    analyst = whole / "analysts" / "analyst@city"
    assert (analyst / "results" / "q-1.json").exists()
    assert (analyst / "epochs" / "1" / "roster.json").exists()


def test_identity_keys_stay_except_of_those_that_rotate_or_leave(whole):
    def key(name: str, place: str = ".") -> str:
        return (whole / "parties" / name / place / "identity.key").read_text()

    assert key("east") == "east old identity"
    assert (key("north"), key("north", "epochs/1")) == ("north new identity", "north old identity")
    assert key("west", "epochs/1") == "west old identity"
    assert not (whole / "parties" / "west" / "identity.key").exists()
    assert key("hills") == "hills new identity"
    assert not (whole / "parties" / "hills" / "epochs").exists()


def test_keys_of_an_analyst_who_never_came_to_the_desk_go_with_the_account(tmp_path):
    home = Home(write_home(tmp_path / "home"))
    folder, ending = home.analyst("analyst@city"), succession(change_to(analysts=("analyst@west",)))
    (folder / "roster.json").unlink()
    begin_ending(home.path, ending)
    set_aside(home.path, ending)
    assert not (folder / "identity.key").exists() and not (folder / "epochs").exists()


def test_new_keys_of_an_analyst_who_never_came_to_the_desk_take_the_place_of_the_old(tmp_path):
    home = Home(write_home(tmp_path / "home"))
    folder, ending = home.analyst("analyst@city"), succession(change_to(rotate=("analyst@city",)))
    (folder / "roster.json").unlink()
    (folder / "next").mkdir()
    (folder / "next" / "identity.key").write_text("new identity")
    begin_ending(home.path, ending)
    for _ in range(2):
        assert unfinished(home.path) == ending
        set_aside(home.path, ending)
        assert (folder / "identity.key").read_text() == "new identity"
        begin_ending(home.path, ending)


def test_ended_epoch_reads_as_a_home_and_the_next_has_its_own_log(whole):
    (ended,) = old_epochs(whole)
    assert ended_by(ended) == ENDING
    assert (ended / "launcher" / "wire.json").exists()
    assert (ended / "parties" / "west" / "journal.db").read_text() == "west journal.db"
    assert len(list(ended.glob("parties/*/roster.json"))) == 6
    assert list(whole.glob("parties/*/roster.json")) == []
    home = Home(whole)
    assert (home.epoch, home.origin) == (2, (whole / "origin").read_text().strip() + "/2")
    assert not home.roster.exists() and unfinished(whole) is None


def test_links_hold_when_the_home_is_moved(whole, tmp_path):
    moved = shutil.copytree(whole, tmp_path / "elsewhere", symlinks=True)
    (ended,) = old_epochs(moved)
    assert (ended / "parties" / "east" / "journal.db").resolve().is_relative_to(moved)


def test_killed_at_any_moment_it_is_gone_through_with_by_running_it_again(whole, tmp_path):
    steps = set_aside_until(write_home(tmp_path / "counted"), 10**6)
    assert steps > 50
    for moment in range(1, steps + 1):
        home = write_home(tmp_path / f"killed {moment}")
        assert set_aside_until(home, moment) == moment
        assert unfinished(home) == ENDING
        set_aside(home, ENDING)
        assert tree(home) == tree(whole)
        shutil.rmtree(home)


def test_third_epoch_is_set_aside_beside_the_second(tmp_path):
    home = write_home(tmp_path / "home")
    set_aside(home, ENDING)
    for name in NEW.names("department"):
        (home / "parties" / name / "roster.json").write_bytes(NEW.to_bytes())
    (home / "launcher" / "roster.json").write_bytes(NEW.to_bytes())
    second = work_out(
        NEW,
        departments=NEW.names("department")[1:],
        analysts=NEW.names("analyst"),
        officers=NEW.officers,
        threshold=3,
        grants=1,
        rotate=(),
        draw=lambda name, role: party(NEXT[name]),
    )
    ending = Succession(change=second, statements={}, checkpoint="")
    begin_ending(home, ending)
    set_aside(home, ending)
    assert [folder.name for folder in old_epochs(home)] == ["1", "2"]
    assert Home(home).origin.endswith("/3")
    # West left with the first epoch: nothing of it is touched by the end of the second.
    assert [folder.name for folder in (home / "parties" / "west" / "epochs").iterdir()] == ["1"]
    assert {folder.name for folder in (home / "parties" / "north" / "epochs").iterdir()} == {"1", "2"}


# --- what a party sees ---


def past(
    folder: Path, *, roster: Roster = OLD, ending: Succession = ENDING, head: Head | None = None, last: str = "egress"
) -> Path:
    """A department's folder with an epoch set aside."""
    aside = folder / "epochs" / "1"
    aside.mkdir(parents=True)
    (aside / "roster.json").write_bytes(roster.to_bytes())
    (aside / "succession.json").write_bytes(ending.to_bytes())
    if head is not None:
        Mirror.create(aside / "witness.db", origin=roster.origin, party="east")
        with closing(Mirror(aside / "witness.db", origin=roster.origin, party="east")) as mirror:
            with mirror.changing():
                size, root = mirror.extend(entries(head.size, last))
                mirror.move(Head(size, root, 0, ""))
    return folder


@cache
def entries(size: int, last: str = "egress") -> list[bytes]:
    """A log's entries: acts, and a last one of this kind."""
    found, prev = [], FIRST_PREV
    for seq, kind in enumerate(["start"] * (size - 1) + [last]):
        event = Event(
            log=OLD.origin, node="east", seq=seq, prev=prev, time="2026-03-01T08:00:00.000Z", type=kind, job="",
            attempt=0, actor=Actor(name="east", role="node"), seen=Seen(), data={},
        )  # fmt: skip
        found.append(sign_event(event, IDENTITIES["east"].signing))
        prev = hashlib.sha256(found[-1]).hexdigest()
    return found


def root_of(size: int) -> bytes:
    return root_hash(entries(10)[:size])


def test_party_with_no_past_pins_whatever_it_is_given_first(tmp_path):
    assert check_past(tmp_path, NEW, "hills") == {}
    assert check_past(tmp_path, OLD, "east") == {}


@pytest.mark.parametrize(
    ("size", "last"),
    [
        pytest.param(8, "start", id="less than the end"),
        pytest.param(9, "start", id="the end"),
        pytest.param(10, "egress", id="more of the ledger"),
    ],
)
def test_party_that_saw_the_end_states_where_the_log_ended(tmp_path, size, last):
    ending = succession(CHANGE, checkpoint=checkpoint(root_of(9)))
    stated = check_past(past(tmp_path, ending=ending, head=Head(size=size), last=last), NEW, "east")
    assert (stated["previous_size"], stated["previous_root"]) == (9, root_of(9).hex())
    assert (stated["previous_log"], stated["change"]) == (OLD.origin, CHANGE.hash)


@pytest.mark.parametrize(
    ("size", "root"),
    [
        pytest.param(10, root_of(9), id="it saw one act more"),
        pytest.param(9, b"r" * 32, id="it saw another log"),
        pytest.param(10, b"r" * 32, id="it saw another log, and more of it"),
    ],
)
def test_party_whose_last_cosignature_says_otherwise_does_not_follow(tmp_path, size, root):
    ending = succession(CHANGE, checkpoint=checkpoint(root))
    with pytest.raises(RefusedError) as caught:
        check_past(past(tmp_path, ending=ending, head=Head(size=size), last="start"), NEW, "east")
    assert caught.value.code == "refused.change"


@pytest.mark.parametrize(
    ("roster", "fields", "code"),
    [
        pytest.param(
            next_roster(CHANGE, previous="", epoch=1, origin=OLD.origin), {}, "refused.change", id="a first roster"
        ),
        pytest.param(OLD, {}, "refused.change", id="the old roster again"),
        pytest.param(NEW, {"statements": mandate(CHANGE, ("east", "up"))}, "refused.mandate", id="a minority"),
        pytest.param(NEW, {"checkpoint": checkpoint(by=("east",))}, "refused.unsealed", id="an unsealed end"),
    ],
)
def test_party_with_a_past_pins_nothing_else_than_what_a_majority_signed(tmp_path, roster, fields, code):
    with pytest.raises(RefusedError) as caught:
        check_past(past(tmp_path, ending=succession(CHANGE, **fields)), roster, "east")
    assert caught.value.code == code


def test_party_that_left_by_a_majority_may_begin_anew(tmp_path):
    other = msgspec.structs.replace(NEW, previous="0" * 64, epoch=5, origin="keyong.test/epochs/5")
    assert check_past(past(tmp_path / "west"), other, "west") == {}
    minority = succession(CHANGE, statements=mandate(CHANGE, ("east", "up")))
    with pytest.raises(RefusedError):
        check_past(past(tmp_path / "forged", ending=minority), other, "west")


def test_past_without_its_end_is_not_passed_over(tmp_path):
    past(tmp_path)
    (tmp_path / "epochs" / "1" / "succession.json").unlink()
    with pytest.raises(HomeError):
        check_past(tmp_path, NEW, "east")
