"""Departments with stores of every kind, in real confined processes: sockets, secrets, strangers' code, failures."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from federation import operate
from federation.audit.record import RecordReader
from federation.demo import verify_settled
from federation.errors import KeyongError
from federation.runtime.confinement import bubblewrap_command
from federation.runtime.home import Home
from tests.support.people import ANSWER, MINE, ROWS, everything_written, federation, started, write_lines
from tests.support.postgres import PASSWORD
from tests.support.stores import write_duckdb, write_sqlite

pytestmark = pytest.mark.xdist_group("adapters")
KEYONG = str(Path(sys.executable).with_name("keyong"))


def use_mine(folder: Path, source: str = MINE, name: str = "./mine.py:Lines") -> dict[str, str]:
    (folder / "mine.py").write_text(source, "utf-8")
    write_lines(folder, "people.jsonl")
    return {"adapter": name, "path": "people.jsonl"}


def test_a_file_of_one_s_own_is_an_adapter_and_its_hash_is_on_record(tmp_path):
    east = use_mine(tmp_path)
    with federation(tmp_path, east) as (home, ask):
        assert ask() == ANSWER
    digest = hashlib.sha256(MINE.encode()).hexdigest()
    assert started(home, "east")["adapters"] == f"./mine.py:Lines={digest}"
    assert started(home, "west")["adapters"].startswith("csv=")
    verify_settled(home)


@pytest.mark.slow
def test_a_folder_of_parquet_files_is_one_table(tmp_path):
    (tmp_path / "parts" / "more").mkdir(parents=True)
    write_duckdb(tmp_path / "parts" / "a.parquet", ("sex", "age"), ROWS[:20], parquet=True)
    write_duckdb(tmp_path / "parts" / "more" / "b.parquet", ("sex", "age"), ROWS[20:], parquet=True)
    with federation(tmp_path, {"adapter": "parquet", "folder": "parts"}) as (_, ask):
        assert ask() == ANSWER


@pytest.mark.slow
def test_a_dialect_that_reads_a_file_reads_it_confined(tmp_path):
    write_sqlite(tmp_path / "people.db", ("sex", "age"), ROWS)
    store = {"adapter": "sqlalchemy", "url": "sqlite://", "path": "people.db", "table": "people"}
    with federation(tmp_path, store) as (_, ask):
        assert ask() == ANSWER


def test_the_report_of_the_kit_is_on_record_where_there_is_one(tmp_path):
    home = Home(tmp_path / "home")
    home.prepare()
    report = operate.conformance_report(home, "csv")
    report.parent.mkdir()
    report.write_text("{}")
    with federation(tmp_path, {"adapter": "csv", "path": "people.csv"}) as (home, _):
        pass
    assert started(home, "west")["conformance"] == f"csv={hashlib.sha256(b'{}').hexdigest()}"
    assert started(home, "north")["conformance"] == ""


@pytest.fixture
def people(postgres, reader_password) -> Iterator[dict[str, str]]:
    postgres.create("people", ("sex", "age"), ROWS, ("text", "numeric(5, 0)"))
    yield {"adapter": "postgres", "url": postgres.url, "table": "people", "password_env": reader_password}
    with postgres.owner() as owner:
        owner.execute("DROP TABLE people")


@pytest.mark.postgres
@pytest.mark.isolation
def test_postgresql_answers_through_a_socket_bound_into_one_home_alone(tmp_path, people, bubblewrap, postgres):
    with federation(tmp_path, people) as (home, ask):
        assert ask() == ANSWER
        assert started(home, "east")["isolation"] == "confined"
        parties = [p for p in psutil.Process().children(recursive=True) if p.name().startswith("ky-")]
        assert len(parties) > 4
        for process in parties:
            assert PASSWORD.encode() not in Path(f"/proc/{process.pid}/environ").read_bytes(), process.name()
    assert PASSWORD.encode() not in everything_written(tmp_path)
    verify_settled(home)


@pytest.mark.postgres
@pytest.mark.isolation
def test_postgresql_on_tcp_is_reached_by_the_one_department_that_is_left_the_network(
    tmp_path, people, bubblewrap, postgres
):
    people["url"] = postgres.tcp_url
    with federation(tmp_path, people, further={"network": True}) as (home, ask):
        assert ask() == ANSWER
        status = [KEYONG, "--home", str(home.path), "--lang", "en", "status"]
        told = subprocess.run(status, capture_output=True, text=True, check=True).stdout
        assert "process isolation only: east (database over TCP)" in told
    assert started(home, "east")["isolation"] == "process isolation only: it reaches its database over TCP"
    assert {started(home, name)["isolation"] for name in ("west", "north")} == {"confined"}
    assert RecordReader(home.path).public().networked == ("east",)
    verify_settled(home)


REACH = """
import socket, sys
from pathlib import Path
from federation.runtime.confinement import confine

homes, party, *places = sys.argv[1:]
confine(homes=Path(homes), home=Path(homes) / party)
for place in places:
    try:
        socket.socket(socket.AF_UNIX).connect(f"{place}/.s.PGSQL.5432")
        print("REACHED")
    except OSError as error:
        print(type(error).__name__)
"""


@pytest.mark.postgres
@pytest.mark.isolation
@pytest.mark.parametrize(("party", "reached"), [("east", ["REACHED"] * 2), ("west", ["FileNotFoundError"] * 2)])
def test_a_bound_socket_is_in_its_own_department_s_reach_only(tmp_path, postgres, bubblewrap, party, reached):
    for name in ("east", "west"):
        (tmp_path / name).mkdir()
    bound = tmp_path / "east" / "sockets" / "0"
    places = [bound, "/proc/self/cwd/sockets/0", postgres.sockets]
    command = [sys.executable, "-c", REACH, str(tmp_path), party, *map(str, places)]
    wrapped = bubblewrap_command(command, writable=tmp_path, sockets={bound: postgres.sockets})
    said = subprocess.run(wrapped, capture_output=True, text=True, cwd=tmp_path, check=True).stdout.split()
    # The server's own folder has no name in there, for nobody.
    assert said == [*reached, "FileNotFoundError"]


@pytest.mark.postgres
def test_the_password_may_lie_in_the_department_s_home(tmp_path, people):
    file = Home(tmp_path / "home").party("east") / "postgres.password"
    Home(tmp_path / "home").prepare()
    file.parent.mkdir(parents=True, mode=0o700)
    file.write_text(PASSWORD + "\n", "utf-8")
    file.chmod(0o600)
    del people["password_env"]
    with federation(tmp_path, {**people, "password_file": file.name}) as (_, ask):
        assert ask() == ANSWER
    file.chmod(0o644)
    with (
        pytest.raises(KeyongError, match=r"settings\.password_file_open"),
        federation(tmp_path, {**people, "password_file": file.name}),
    ):
        pass


@pytest.mark.postgres
def test_a_wrong_password_stops_the_start_with_one_sentence(tmp_path, people, monkeypatch):
    monkeypatch.setenv("READER_PASSWORD", "wrong4711")
    with pytest.raises(KeyongError, match=r"data\.login") as caught, federation(tmp_path, people):
        pass
    assert caught.value.details["party"] == "east"
    assert "密" not in caught.value.message("zh") and b"4711" not in everything_written(tmp_path)


@pytest.mark.postgres
def test_a_database_that_is_down_stops_the_start_with_one_sentence(tmp_path, people, postgres):
    url = postgres.url.replace(str(postgres.sockets), str(postgres.folder / "nothing" / "here"))
    with pytest.raises(KeyongError, match=r"data\.unreachable"), federation(tmp_path, {**people, "url": url}):
        pass


def test_a_variable_that_is_not_set_stops_the_start(tmp_path, people, monkeypatch):
    monkeypatch.delenv("READER_PASSWORD")
    with pytest.raises(KeyongError, match=r"settings\.secret_missing"), federation(tmp_path, people):
        pass


@pytest.mark.isolation
def test_a_database_over_the_network_is_refused_where_departments_are_confined(tmp_path, bubblewrap):
    remote = {"adapter": "postgres", "url": "postgresql://reader@db.example/city", "table": "people"}
    with pytest.raises(KeyongError, match=r"settings\.network") as caught, federation(tmp_path, remote):
        pass
    assert caught.value.details["department"] == "east"
    assert "network = true" in caught.value.next_step("zh") and "network = true" in caught.value.next_step("en")


@pytest.mark.isolation
def test_a_socket_folder_that_holds_ours_is_refused(tmp_path, bubblewrap):
    folder = Home(tmp_path / "home").sockets.parent
    remote = {"adapter": "postgres", "url": f"postgresql://reader@/city?host={folder}", "table": "people"}
    with pytest.raises(KeyongError, match=r"settings\.socket_folder"), federation(tmp_path, remote):
        pass


def test_an_adapter_that_lies_about_its_schema_is_one_sentence(tmp_path):
    east = use_mine(tmp_path, MINE.replace("tuple(column.name for column in self._columns)", "('sex', 'secret4711')"))
    with pytest.raises(KeyongError, match=r"data\.column_missing") as caught, federation(tmp_path, east):
        pass
    assert caught.value.details["column"] == "age"
    assert b"4711" not in everything_written(tmp_path / "home")


def test_code_that_cannot_be_loaded_stops_the_start(tmp_path):
    broken = use_mine(tmp_path, MINE.replace("import json", "import json ("))
    with pytest.raises(KeyongError, match=r"settings\.adapter_broken") as caught, federation(tmp_path, broken):
        pass
    assert caught.value.details["party"] == "east"
