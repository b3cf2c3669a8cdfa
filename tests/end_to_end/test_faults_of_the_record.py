"""Parties killed, silent or robbed of their files under officers' approval: nothing lost, nothing doubled, and told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from federation import operate
from federation.audit.log import Log
from federation.demo import verify_settled
from federation.errors import KeyongError
from federation.governance.identity import Identity
from tests.support.approving import DEPARTMENTS, Approving, Asking, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults of the record")]


@pytest.fixture
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Approving]:
    """Parties wait for each other as many seconds as a test says, or 20."""
    town = Approving(tmp_path, deadline_s=getattr(request, "param", 20))
    town.up()
    try:
        yield town
    finally:
        town.down()


def whole_again(town: Approving) -> None:
    """The next question is answered, no statement and no run stands twice, and the record verifies."""
    assert town.answered().end() == "released"
    town.down()
    verify_settled(town.home)
    for kind in ("approval.grant", "job.join", "open"):
        seen = [(event.node, event.job, event.data.get("round")) for event in town.events(kind)]
        assert len(set(seen)) == len(seen), kind


def code(call, *arguments) -> tuple[str, object]:
    with pytest.raises(KeyongError) as caught:
        call(*arguments)
    assert caught.value.message("zh") and caught.value.next_step("en")
    return caught.value.code, caught.value.details.get("party")


@pytest.mark.parametrize("victim", ["east", "coordinator"])
def test_party_killed_while_the_request_lies_on_desks_loses_no_word(town, victim):
    asking = Asking(town)
    job = town.lying()
    town.approve(job, "east", "west")
    town.process(victim).kill()
    wait_for(lambda: town.restarted(victim))
    wait_for(lambda: town.restarted("east"))
    states = {d: operate_state(town, d, job) for d in DEPARTMENTS}
    assert states == {"east": "granted", "west": "granted", "north": "pending"}
    town.approve(job, "north")
    if victim == "coordinator":
        assert asking.end() == "home.coordinator_gone"
        asking = Asking(town, resume=job)
    assert asking.end() == "released"
    whole_again(town)


def operate_state(town: Approving, department: str, job: str) -> str:
    (state,) = [item.state for item in town.desk(f"officer@{department}").items() if item.job == job]
    return state


def test_department_killed_in_the_middle_of_a_job_is_named_and_its_run_is_spent(town):
    asking = Asking(town)
    job = town.lying()
    town.approve(job, "east", "west")
    west = town.process("west")
    west.suspend()
    town.approve(job, "north")
    west.kill()
    assert asking.end() in ("node.killed", "node.gone")
    wait_for(lambda: town.restarted("west"))
    whole_again(town)


@pytest.mark.parametrize("town", [8], indirect=True, ids=["8s"])
def test_silent_department_that_takes_part_is_named_and_nothing_is_released(town):
    asking = Asking(town)
    job = town.lying()
    town.approve(job, "east", "west")
    west = town.process("west")
    west.suspend()
    town.approve(job, "north")
    try:
        assert asking.end() == "node.late"
        assert asking.error is not None and asking.error.details["party"] == "west"
    finally:
        west.resume()
    assert not town.events("open")
    whole_again(town)


def test_department_killed_while_an_officers_statement_is_handed_in_has_it_whole_or_not_at_all(town):
    asking = Asking(town)
    job = town.lying()
    east = town.process("east")
    east.suspend()
    said: list[str] = []

    def officer() -> None:
        try:
            town.approve(job, "east")
            said.append("heard")
        except KeyongError as error:
            said.append(error.code)

    thread = threading.Thread(target=officer)
    thread.start()
    east.kill()
    thread.join(60)
    wait_for(lambda: town.restarted("east"))
    state = operate_state(town, "east", job)
    # The socket outlives the process: what was not read by the one is read by the next.
    assert (said, state) in ((["heard"], "granted"), (["node.gone"], "pending"))
    town.approve(job, *(d for d in DEPARTMENTS if operate_state(town, d, job) == "pending"))
    if asking.end() != "released":
        assert Asking(town, resume=job).end() == "released"
    whole_again(town)


def test_witness_database_that_is_gone_is_refused_at_the_start_and_named(town):
    assert town.answered().end() == "released"
    town.down()
    for file in town.home.party("west").glob("witness.db*"):
        file.unlink()
    assert code(town.up) == ("witness.lost", "west")


def test_witness_database_from_a_backup_is_refused_at_the_start_and_named(town):
    assert town.answered().end() == "released"
    town.down()
    files = [f for f in town.home.party("west").glob("witness.db*") if not f.name.endswith(".lock")]
    kept = {file: file.read_bytes() for file in files}
    town.up()
    assert town.answered().end() == "released"
    town.down()
    for file in town.home.party("west").glob("witness.db-*"):
        file.unlink()
    for file, content in kept.items():
        file.write_bytes(content)
    assert code(town.up) == ("witness.rolled_back", "west")


def test_witness_lost_while_all_runs_is_what_everybody_reads(town):
    assert town.answered().end() == "released"
    west = town.process("west")
    for file in town.home.party("west").glob("witness.db*"):
        file.unlink()
    west.kill()
    wait_for(lambda: party(town, "west")["code"] == "witness.lost")
    asking = Asking(town)
    assert asking.end() == "witness.lost"
    assert asking.error is not None and asking.error.details["party"] == "west"


def party(town: Approving, name: str) -> dict[str, object]:
    (found,) = [p for p in operate.status(town.home)["parties"] if p["name"] == name]
    return found


def test_second_coordinator_on_one_log_is_refused(town):
    assert town.answered().end() == "released"
    home = town.home.party("coordinator")
    key = Identity.in_home("coordinator", home).signing
    assert code(lambda: Log(home / "log.db", origin=town.home.origin, key=key))[0] == "home.second_writer"
    town.down()
    first = Log(home / "log.db", origin=town.home.origin, key=key)
    try:
        assert code(town.up) == ("node.storage", "coordinator")
    finally:
        first.close()
    town.up()
    whole_again(town)
