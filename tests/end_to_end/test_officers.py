"""Officers at the command line: keys on a terminal, approvals, denials, revocations, and what each is refused."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator

import psutil
import pytest

from tests.support.approving import DEPARTMENTS, KEYONG, OFFICERS, PASSPHRASE, Approving, Asking, wait_for
from tests.support.people import ANSWER, SQL

pytestmark = pytest.mark.xdist_group("officers")
ON_A_TERMINAL = "auditor@east"  # signs seldom: keys made by the command take half a second to unlock


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Approving]:
    """Keys of 2048 bits, as the command makes them; one officer makes its keys on a terminal."""
    town = Approving(tmp_path_factory.mktemp("officers"), key_bits=2048, leave_out=ON_A_TERMINAL)
    early = town.keyong("up", "--json")
    assert (early.returncode, json.loads(early.stdout)["code"]) == (1, "home.officer_missing")
    status, said = on_a_terminal(town, [PASSPHRASE, PASSPHRASE], "officer", "create", ON_A_TERMINAL)
    assert status == 0 and "fingerprint" in said and PASSPHRASE not in said
    try:
        up = town.keyong("up", "--json")
        assert up.returncode == 0, up.stdout
        yield town
    finally:
        town.down()


def on_a_terminal(town: Approving, answers: list[str], *arguments: str) -> tuple[int, str]:
    """Run the command on a terminal, and type an answer at each prompt; returns its status and the screen."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(town.folder)
        os.execv(KEYONG, [KEYONG, "--lang", "en", *arguments])
    screen, asked = "", 0
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # how Linux tells the end of a terminal
            break
        if not data:
            break
        screen += data.decode("utf-8", "replace")
        while asked < len(answers) and screen.count(": ") > asked:
            os.write(terminal, answers[asked].encode() + b"\n")
            asked += 1
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), screen


def refused(town: Approving, *arguments: object, say: str = PASSPHRASE + "\n") -> str:
    """The code a command is refused with: exit status 1, a sentence and a next step in both languages."""
    for lang in ("zh", "en"):
        said = town.keyong(*arguments, say=say, lang=lang)
        assert (said.returncode, said.stdout) == (1, ""), said
        assert ("下一步" if lang == "zh" else "next: ") in said.stderr
        assert "Traceback" not in said.stderr and "{" not in said.stderr
    error = json.loads(town.keyong(*arguments, "--json", say=say).stdout)
    assert error["message"] and error["next"]
    return str(error["code"])


def approve(town: Approving, job: str, *officers: str) -> None:
    for name in officers or OFFICERS:
        said = town.keyong("approve", job, "--as", name, "--passphrase-stdin", "--json", say=PASSPHRASE + "\n")
        assert (said.returncode, json.loads(said.stdout)["about"]) == (0, job), said


def ask(town: Approving, *arguments: str) -> subprocess.Popen[str]:
    arguments = arguments or (SQL, "--purpose", "test")
    command = [KEYONG, "--lang", "en", "query", *arguments, "--json"]
    return subprocess.Popen(command, cwd=town.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(running: subprocess.Popen[str]) -> tuple[int, dict[str, object]]:
    out, err = running.communicate(timeout=120)
    assert "Traceback" not in err
    return running.returncode, json.loads(out)


def states(town: Approving, job: str) -> dict[str, str]:
    said = json.loads(town.keyong("requests", "--json").stdout)
    return {name: item["state"] for name, items in said.items() for item in items if item["request"] == job}


def test_keys_are_made_once(town):
    status, screen = on_a_terminal(town, [PASSPHRASE, PASSPHRASE], "officer", "create", ON_A_TERMINAL)
    assert status == 1 and "home.officer_exists" in screen


def test_list_shows_who_stands_in_the_roster(town):
    said = json.loads(town.keyong("officer", "list", "--json").stdout)
    assert {one["name"]: one["role"] for one in said["officers"]}["auditor@east"] == "auditor"
    assert len({one["fingerprint"] for one in said["officers"]}) == 5


def test_query_waits_for_every_officer_and_then_answers(town):
    running = ask(town)
    job = town.lying()
    assert states(town, job) == dict.fromkeys(DEPARTMENTS, "pending")
    shown = town.keyong("requests", "--as", "officer@north")
    assert shown.returncode == 0 and job in shown.stdout and "pending" in shown.stdout
    approve(town, job, *OFFICERS[:2])
    assert states(town, job) == {"east": "granted", "north": "granted", "west": "pending"}
    assert running.poll() is None
    approve(town, job, OFFICERS[2])
    status, said = answer(running)
    assert (status, [tuple(row) for row in said["rows"]]) == (0, list(ANSWER))
    assert states(town, job) == dict.fromkeys(DEPARTMENTS, "used")
    assert refused(town, "query", "--resume", job) == "refused.replayed"


def test_passphrase_on_the_terminal_is_not_shown(town):
    running = ask(town)
    job = town.lying()
    status, screen = on_a_terminal(town, [PASSPHRASE], "approve", job, "--as", "officer@east")
    assert status == 0 and PASSPHRASE not in screen
    assert states(town, job)["east"] == "granted"
    refusing = town.keyong("reject", job, "--as", "officer@west", "--passphrase-stdin", say=PASSPHRASE + "\n")
    assert refusing.returncode == 0
    status, said = answer(running)
    assert (status, said["code"]) == (1, "refused.denied")
    assert "west" in str(said["message"])


def test_revocation_in_the_middle_of_a_job_stops_it(town):
    running = ask(town)
    job = town.lying()
    approve(town, job, "officer@east", "officer@west")
    # Others may run a department of that name at the same time.
    (west,) = [p for p in processes("ky-west") if not p.children() and p.cwd().startswith(str(town.folder))]
    west.suspend()  # so that the job, once everybody has approved, cannot end before the revocation
    try:
        approve(town, job, "officer@north")
        arguments = ("--as", "officer@east", "--reason", "a secret doubt", "--passphrase-stdin")
        revoked = town.keyong("revoke", job, *arguments, say=PASSPHRASE + "\n")
        assert revoked.returncode == 0
    finally:
        west.resume()
    status, said = answer(running)
    assert (status, said["code"]) == (1, "refused.revoked")
    assert states(town, job)["east"] == "revoked"
    log = b"".join(file.read_bytes() for file in (town.home.path / "parties" / "coordinator").glob("log.db*"))
    assert b"a secret doubt" not in log


def processes(name: str) -> list[psutil.Process]:
    return [p for p in psutil.process_iter() if p.name() == name]


def test_query_left_by_ctrl_c_goes_on_with_resume(town):
    running = ask(town)
    job = town.lying()
    running.send_signal(signal.SIGINT)
    status, said = answer(running)
    assert (status, said["code"]) == (130, "settings.interrupted")
    approve(town, job)
    status, said = answer(ask(town, "--resume", job))
    assert (status, [tuple(row) for row in said["rows"]]) == (0, list(ANSWER))


def test_query_resumed_beside_the_first_goes_on_there(town):
    first = ask(town)
    job = town.lying()
    second = ask(town, "--resume", job)
    assert answer(first)[1]["code"] == "refused.cancelled"
    approve(town, job)
    assert answer(second)[0] == 0


def test_what_an_officer_is_refused(town):
    running = ask(town)
    job = town.lying()
    by = ("approve", job, "--as")
    assert refused(town, *by, "officer@east", "--passphrase-stdin", say="wrong passphrase\n") == "home.passphrase"
    assert refused(town, *by, "officer@east", "--passphrase-stdin", say="") == "home.passphrase"
    assert refused(town, *by, "officer@east") == "home.passphrase_asked"
    assert refused(town, *by, "auditor@east", "--passphrase-stdin") == "refused.officer"
    assert refused(town, *by, "auditor@city", "--passphrase-stdin") == "refused.officer"
    assert refused(town, *by, "officer@nowhere", "--passphrase-stdin") == "home.officer_unknown"
    assert refused(town, *by, "everyone") == "settings.everyone"
    assert refused(town, "approve", "q-nothing", "--as", "officer@east", "--passphrase-stdin") == "refused.no_request"
    assert refused(town, "revoke", job, "--as", "officer@east", "--passphrase-stdin") == "refused.state"
    assert states(town, job) == dict.fromkeys(DEPARTMENTS, "pending")
    approve(town, job, "officer@east")
    assert refused(town, *by, "officer@east", "--passphrase-stdin") == "refused.state"
    wrong = town.keyong("approve", job, "--as", "officer@north", "--hours", "0", "--passphrase-stdin")
    assert wrong.returncode == 2
    running.kill()
    running.communicate()


def test_grant_that_expires_while_another_officer_thinks_it_over_is_refused(town):
    running = ask(town)
    job = town.lying()
    town.desk("officer@east").approve(job, hours=2 / 3600)
    wait_for(lambda: states(town, job)["east"] == "expired")
    approve(town, job, "officer@north", "officer@west")
    status, said = answer(running)
    assert (status, said["code"]) == (1, "refused.expired")


def test_auditor_signs_the_roster_and_an_officer_suspends(town):
    town.desk("auditor@east").sign_roster()
    asking = Asking(town)
    town.approve(town.lying())
    assert asking.end() == "released"
    assert [event.actor.role for event in town.events("member.sign")] == ["auditor"]
