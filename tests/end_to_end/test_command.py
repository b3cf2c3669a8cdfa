"""The command as a person and a script meet it: outputs, errors, exit statuses, languages."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from federation.audit.record import RecordReader
from tests.support.city import federation_toml
from tests.support.command import keyong

pytestmark = pytest.mark.xdist_group("command")
KEYONG = str(Path(sys.executable).with_name("keyong"))
PATIENTS = {
    "id": {"type": "text", "uses": ["join_key"]},
    "sex": {"type": "text", "uses": ["group_by"], "values": ["f", "m"]},
    "age": {"type": "integer", "uses": ["aggregate"], "bounds": [0, 120]},
}


def start(*arguments: object, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    return subprocess.run(
        [KEYONG, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=180,
        check=False,
    )


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory):
    """One demonstration with 2048-bit keys, as a script runs it."""
    folder = tmp_path_factory.mktemp("demo")
    result = start("--home", folder / "home", "demo", "--no-serve", "--json", cwd=folder)
    yield folder, result
    keyong("down", "--home", folder / "home", cwd=folder)


@pytest.fixture
def bureaus(tmp_path):
    """A federation.toml of three departments over small CSV files."""
    departments = {}
    for index, name in enumerate(("east", "west", "north")):
        rows = [f"{name}{i},{'f' if i % 2 else 'm'},{20 + i + index}" for i in range(30)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["id,sex,age", *rows]) + "\n", "utf-8")
        departments[name] = {"patients": {"adapter": "csv", "path": f"{name}.csv"}}
    toml = federation_toml(departments=departments, tables={"patients": PATIENTS}, rules={"name": "bureaus"})
    (tmp_path / "federation.toml").write_text(toml, "utf-8")
    yield tmp_path
    keyong("down", cwd=tmp_path)


def test_the_demonstration_prints_one_object_and_exits_0(demonstrated):
    _, result = demonstrated
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert {"promises", "departments", "queries", "seconds"} <= report.keys()
    assert list(report["promises"]) == ["usable", "invisible", "controllable", "auditable"]
    assert report["promises"]["usable"]["holds"] is True
    for name in ("invisible", "controllable", "auditable"):
        assert (report["promises"][name]["holds"], report["promises"][name]["reason"]) == (True, "")
    assert [stopped["code"] for stopped in report["stopped"]] == ["refused.denied", "refused.revoked"]
    assert report["drills"]["caught"] == report["drills"]["expected"] >= 25
    assert report["handed_over"]["accepted"] and report["handed_over"]["said"].startswith("ACCEPT ")
    assert len(report["departments"]) == 7 and all(line["rows"] for line in report["departments"])
    assert report["datasets"] == sum(len(line["rows"]) for line in report["departments"])
    assert abs(report["trained"]["federated"] - report["trained"]["pooled"]) <= report["trained"]["tolerance"]
    assert report["scripted"]["compared"] > 0 == report["scripted"]["different"]
    assert report["scripted"]["refused"] == "refused.result_columns"
    assert all(query["different"] == 0 and query["compared"] > 0 for query in report["queries"])
    assert all(refused["code"] == refused["expected"] for refused in report["refused"])
    assert report["tampered"] == "entry 20"


def test_the_demonstration_leaves_nothing_running(demonstrated):
    folder, _ = demonstrated
    status = start("--home", folder / "home", "status", "--json", cwd=folder)
    assert (status.returncode, json.loads(status.stdout)["ready"]) == (1, False)


def test_the_record_of_the_demonstration_verifies_and_an_altered_one_does_not(demonstrated):
    folder, _ = demonstrated
    verified = keyong("audit", "verify", "--home", folder / "home", "--json", cwd=folder)
    verdict = json.loads(verified.stdout)
    assert (verified.returncode, verdict["valid"]) == (0, True)
    assert verdict["ledger_bytes"] == verdict["counted_bytes"] > 0
    assert verdict["ledger_bytes"] == verdict["receipt_bytes"] + verdict["unreceipted_bytes"]
    assert (verdict["automatic"], verdict["unapproved"]) == (0, 0)
    counts = folder / "home" / "launcher" / "wire.json"
    whole = counts.read_text()
    rows = json.loads(whole)
    rows[0]["sent"] += 1
    counts.write_text(json.dumps(rows))
    try:
        altered = keyong("audit", "verify", "--home", folder / "home", "--json", cwd=folder)
        assert (altered.returncode, json.loads(altered.stdout)["code"]) == (1, "record.invalid")
    finally:
        counts.write_text(whole)


def test_audit_tail_shows_events_of_every_kind_as_json_lines(demonstrated):
    folder, _ = demonstrated
    result = keyong("audit", "tail", "-n", 100_000, "--home", folder / "home", "--json", cwd=folder)
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["index"] for event in events] == list(range(len(events)))
    kinds = {event["type"] for event in events}
    assert {"enrol", "start", "request.receive", "approval.grant", "approval.deny", "approval.revoke"} <= kinds
    assert {"job.join", "receipt", "commit", "open", "release.decide", "egress", "job.end"} <= kinds
    assert all(event["time"].endswith("Z") and event["actor"]["role"] for event in events)


def test_query_starts_what_is_not_running_and_prints_the_contract(bureaus):
    sql = "SELECT sex, COUNT(*), AVG(age) FROM patients GROUP BY sex"
    result = start(
        "--home", "home", "query", sql, "--config", "federation.toml", "--purpose", "test", "--json", cwd=bureaus
    )
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["columns"] == ["sex", "COUNT(*)", "AVG(age)"]
    assert answer["rows"] == [["f", 45, 36.0], ["m", 45, 35.0]]
    assert answer["suppressed_groups"] == 0
    assert answer["job"].startswith("q-") and answer["seconds"] > 0 and answer["bytes"] > 0
    start("--home", "home", "down", cwd=bureaus)


def test_life_of_a_federation_up_status_explain_down_reset(bureaus):
    assert start("up", "--json", cwd=bureaus).returncode == 0
    status = json.loads(start("status", "--json", cwd=bureaus).stdout)
    assert [party["state"] for party in status["parties"]] == ["ready"] * 4
    again = start("up", "--json", cwd=bureaus)
    assert (again.returncode, json.loads(again.stdout)["code"]) == (1, "home.in_use")
    sql = "SELECT COUNT(*) FROM patients"
    explained = start("query", sql, "--explain", "--json", "--purpose", "x", cwd=bureaus)
    sights = {sight["party"]: sight["numbers"] for sight in json.loads(explained.stdout)["visibility"]}
    assert sights == {"coordinator": 0, "east": 0, "north": 0, "west": 2, "analyst@city": 1}
    shown = start("query", sql, "--explain", cwd=bureaus, env={"COLUMNS": "200"})
    assert "谁将看到什么" in shown.stdout and "分析员" not in shown.stderr
    assert start("down", "--json", cwd=bureaus).stdout == '{"stopped": true}\n'
    assert start("down", "--json", cwd=bureaus).stdout == '{"stopped": false}\n'
    reset = json.loads(start("reset", "--json", cwd=bureaus).stdout)
    assert Path(reset["bundle"]).is_file()  # first of all, what anybody can check
    moved = reset["moved_to"]
    assert Path(moved, "parties", "east", "journal.db").exists() and not (bureaus / ".keyong").exists()


def test_a_sentence_and_a_next_step_in_both_languages_under_lang_c(bureaus):
    plain = {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for language, mark, tip in (
        ("zh", "错误 [request.table_unknown] 没有数据表 nobody", "下一步"),
        ("en", "error [request", "next"),
    ):
        result = start(
            "--lang", language, "query", "SELECT COUNT(*) FROM nobody", "--purpose", "x", cwd=bureaus, env=plain
        )
        assert result.returncode == 1
        assert result.stderr.startswith(mark) and tip in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("name = \"bureaus\"", "name = \"bureaus\"\nkey_bits = 1024"), "settings.key", "federation.key_bits"),
        (("name = \"bureaus\"", "name = \"bureaus\"\ncolour = 1"), "settings.key", "colour"),
        (("version = 1", "version = 2"), "settings.key", "version"),
        (("\"east.csv\"", "\"nowhere.csv\""), "settings.data_missing", "department[east].tables.patients.path"),
        (("adapter = \"csv\"", "adapter = \"cvs\""), "settings.adapter_unknown", "cvs"),
        (("version = 1", "version = "), "settings.not_toml", "federation.toml"),
    ],
)  # fmt: skip
def test_a_wrong_settings_file_names_the_key_and_nothing_starts(bureaus, change, code, said):
    file = bureaus / "federation.toml"
    file.write_text(file.read_text("utf-8").replace(*change), "utf-8")
    result = keyong("--lang", "en", "up", "--json", cwd=bureaus)
    error = json.loads(result.stdout)
    assert (result.returncode, error["code"]) == (1, code)
    assert said in error["message"] and error["next"]
    assert json.loads(keyong("status", "--json", cwd=bureaus).stdout)["ready"] is False


def test_a_declared_column_that_is_not_there_is_named_and_nothing_starts(bureaus):
    # Without a header the first row stands where names should be: none of it may be repeated.
    (bureaus / "west.csv").write_text("secret1,f,31\nsecret2,m,32\n", "utf-8")
    result = keyong("--lang", "en", "up", "--json", cwd=bureaus)
    error = json.loads(result.stdout)
    assert (result.returncode, error["code"]) == (1, "data.column_missing")
    assert "secret" not in result.stdout + result.stderr
    assert json.loads(keyong("status", "--json", cwd=bureaus).stdout)["ready"] is False


def test_text_in_a_number_is_an_error_without_the_text(bureaus):
    with (bureaus / "north.csv").open("a", encoding="utf-8") as file:
        file.write("north99,f,thirty-secret\n")
    result = keyong("query", "SELECT AVG(age) FROM patients", "--purpose", "x", "--json", "--lang", "en", cwd=bureaus)
    error = json.loads(result.stdout)
    assert (result.returncode, error["code"]) == (1, "data.type")
    logs = "".join(file.read_text("utf-8") for file in (bureaus / ".keyong").glob("**/log.txt"))
    assert "thirty-secret" not in result.stdout + result.stderr + logs
    # The owner's own log names the column and the row.
    assert "age" in (bureaus / ".keyong/parties/north/log.txt").read_text("utf-8")


def test_ctrl_c_during_a_query_stops_it_and_the_next_one_works(bureaus):
    assert keyong("up", cwd=bureaus).returncode == 0
    command = [KEYONG, "query", "SELECT COUNT(*) FROM patients", "--purpose", "x", "--json"]
    # With one department asleep the query cannot end by itself.
    named = [process for process in psutil.process_iter() if process.name() == "ky-east" and not process.children()]
    east = [process for process in named if process.cwd().startswith(str(bureaus))]  # others may run one of that name
    for process in east:
        process.suspend()
    running = subprocess.Popen(command, cwd=bureaus, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    record = RecordReader(bureaus / ".keyong")
    wait_for(lambda: any(b"analyst@city" in base64.b64decode(json.loads(e)["payload"]) for e in record.entries()))
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    for process in east:
        process.resume()
    assert (running.returncode, json.loads(out)["code"]) == (130, "settings.interrupted")
    assert "Traceback" not in err
    assert keyong(*command[1:], cwd=bureaus).returncode == 0


def wait_for(condition, deadline_s: float = 30.0) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def test_a_wrong_command_line_is_a_sentence_and_exit_2(tmp_path):
    result = start("query", "--json", cwd=tmp_path)
    assert (result.returncode, json.loads(result.stdout)["code"]) == (2, "settings.usage")
    assert start("--lang", "fr", "status", "--json", cwd=tmp_path).returncode == 1


def test_homes_that_are_not_ours_are_left_alone(bureaus):
    (bureaus / "mine").mkdir()
    (bureaus / "mine" / "letter.txt").write_text("dear")
    refused = keyong("--home", "mine", "up", "--json", cwd=bureaus)
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (1, "home.not_a_home")
    assert [file.name for file in (bureaus / "mine").iterdir()] == ["letter.txt"]
    assert keyong("up", cwd=bureaus).returncode == 0
    keyong("down", cwd=bureaus)
    for found, code in ((3, "home.newer"), (1, "home.older")):
        (bureaus / ".keyong" / "format").write_text(f"{found}\n")
        other = keyong("up", "--json", cwd=bureaus)
        assert (other.returncode, json.loads(other.stdout)["code"]) == (1, code)


def test_other_departments_than_the_roster_are_refused(bureaus):
    assert keyong("up", cwd=bureaus).returncode == 0
    keyong("down", cwd=bureaus)
    file = bureaus / "federation.toml"
    file.write_text(file.read_text("utf-8").replace('name = "north"', 'name = "south"'), "utf-8")
    result = keyong("up", "--json", cwd=bureaus)
    assert (result.returncode, json.loads(result.stdout)["code"]) == (1, "home.roster_parties")


def test_garbage_on_the_control_socket_is_refused_in_a_sentence(bureaus):
    import socket

    from federation.runtime.home import Home

    assert keyong("up", cwd=bureaus).returncode == 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(Home(bureaus / ".keyong").control_socket))
        connection.sendall(os.urandom(100) + b"\n")
        assert b"refused.control" in connection.recv(1000)
    assert keyong("query", "SELECT COUNT(*) FROM patients", "--purpose", "x", cwd=bureaus).returncode == 0


def test_what_a_federation_leaves_open_to_others_is_nothing(bureaus):
    from federation.runtime.home import Home

    assert keyong("up", cwd=bureaus).returncode == 0
    home = Home(bureaus / ".keyong")
    assert home.path.stat().st_mode & 0o077 == 0
    assert home.sockets.stat().st_mode & 0o077 == 0
    for file in (home.control_socket, home.launcher_socket, home.party("east") / "identity.key"):
        assert file.stat().st_mode & 0o077 == 0, file


def test_a_bundle_goes_out_and_is_accepted_and_an_altered_one_is_rejected_by_its_place(demonstrated):
    folder, _ = demonstrated
    home, bundle, cards = folder / "home", folder / "bundle", folder / "cards"
    exported = keyong("evidence", "export", "--out", bundle, "--home", home, "--json", cwd=folder)
    assert exported.returncode == 0, exported.stdout
    assert keyong("evidence", "cards", "--out", cards, "--home", home, cwd=folder).returncode == 0
    for place in (bundle, bundle.with_name("bundle.zip")):
        accepted = keyong("evidence", "verify", place, "--cards", cards, "--json", cwd=folder)
        assert (accepted.returncode, json.loads(accepted.stdout)["verdict"]) == (0, "ACCEPT")
    again = keyong("evidence", "export", "--out", bundle, "--home", home, "--json", cwd=folder)
    assert (again.returncode, json.loads(again.stdout)["code"]) == (1, "home.taken")
    tile = bundle / "data" / "tile" / "entries" / "001"
    altered = bytearray(tile.read_bytes())
    altered[5000] ^= 1
    tile.write_bytes(altered)
    rejected = json.loads(keyong("evidence", "verify", bundle, "--cards", cards, "--json", cwd=folder).stdout)
    assert (rejected["verdict"], rejected["where"]) == ("REJECT", "file data/tile/entries/001")


def test_cards_of_another_federation_or_none_are_refused(demonstrated, bureaus):
    folder, _ = demonstrated
    bundle = next((folder / "home" / "evidence").glob("*.zip"))
    none = keyong("evidence", "verify", bundle, "--cards", bureaus, "--json", cwd=bureaus)
    assert (none.returncode, json.loads(none.stdout)["code"]) == (1, "settings.cards_missing")
    assert keyong("query", "SELECT COUNT(*) FROM patients", "--purpose", "x", cwd=bureaus).returncode == 0
    assert keyong("evidence", "export", "--out", "own", cwd=bureaus).returncode == 0  # seals what is not sealed yet
    assert keyong("evidence", "cards", "--out", "cards", cwd=bureaus).returncode == 0
    foreign = keyong("evidence", "verify", bundle, "--cards", "cards", "--json", cwd=bureaus)
    assert (foreign.returncode, json.loads(foreign.stdout)["verdict"]) == (1, "REJECT")


def test_every_attack_on_the_record_is_caught_or_told_as_one_that_cannot_be(tmp_path):
    done = keyong("drill", "record", "--json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert (done.returncode, report["failed"]) == (0, [])
    assert len(report["outcomes"]) >= 25 and report["missed"] == sum(not o["expected"] for o in report["outcomes"])
    assert all(outcome["caught"]["where"] for outcome in report["outcomes"] if outcome["expected"])
